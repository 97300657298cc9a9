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

/// For CommonMark: a backslash before every mark that means something where it stands, and no indentation, which does too. A
/// line stays a line. The marks of tables and of struck text, which many readers know besides, are told as well.
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
        markdown_line(rest.trim_end(), &mut escaped);
    }
    escaped
}

fn markdown_line(line: &str, escaped: &mut String) {
    let numbered = list_number(line);
    let mut before = None;
    for (at, letter) in line.char_indices() {
        let after = line.get(at + letter.len_utf8()..).unwrap_or_default();
        let first = at == 0;
        let acts = match letter {
            // code, emphasis, links, HTML; struck text and tables
            '\\' | '`' | '*' | '[' | ']' | '<' | '~' | '|' => true,
            // within a word it is a letter
            '_' => {
                !(before.is_some_and(char::is_alphanumeric)
                    && after.starts_with(char::is_alphanumeric))
            }
            // the beginning of an entity
            '&' => after.starts_with(|next: char| next == '#' || next.is_ascii_alphanumeric()),
            // a heading, or the end of one
            '#' => first || after.trim_start_matches('#').is_empty(),
            // lists, rules, quotes, the line under a heading
            '-' | '+' | '=' | '>' => first,
            // the second line of a table
            ':' => first && after.starts_with('-'),
            '.' | ')' => numbered == Some(at),
            _ => false,
        };
        if acts {
            escaped.push('\\');
        }
        escaped.push(shown(letter));
        before = Some(letter);
    }
}

/// Where the mark after the number of a list stands, if the line is of one.
fn list_number(line: &str) -> Option<usize> {
    let rest = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let digits = line.len().saturating_sub(rest.len());
    let after = rest.strip_prefix(['.', ')'])?;
    let listed = digits > 0 && (after.is_empty() || after.starts_with([' ', '\t']));
    listed.then_some(digits)
}
