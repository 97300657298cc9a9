//! Text in the place of text, whatever is in it.

/// Control characters but tab and line feed mean nothing to a reader and something to programs.
fn shown(letter: char) -> char {
    match letter {
        '\t' | '\n' => letter,
        _ if letter.is_control() => char::REPLACEMENT_CHARACTER,
        _ => letter,
    }
}

/// For the content of an element and for quoted attributes.
pub(super) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars().map(shown) {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '`' => escaped.push_str("&#96;"),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// For CommonMark: a backslash before every mark that could mean something, and no indentation, which could too. A line
/// stays a line.
pub(super) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            // a line break within a paragraph; an empty line ends the paragraph by itself
            let within = !escaped.is_empty() && !escaped.ends_with('\n') && !line.trim().is_empty();
            escaped.push_str(if within { "\\\n" } else { "\n" });
        }
        let rest = line.trim_start_matches([' ', '\t']);
        for _ in 0..line.len().saturating_sub(rest.len()) {
            escaped.push_str("&nbsp;");
        }
        for letter in rest.trim_end().chars().map(shown) {
            if letter.is_ascii_punctuation() {
                escaped.push('\\');
            }
            escaped.push(letter);
        }
    }
    escaped
}
