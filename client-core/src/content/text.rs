//! The rules for what people type.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

use crate::error::{Error, ErrorKind};

/// The longest text of a message in bytes. Four pages; sealed it fits an entry several times over.
pub const MAX_TEXT: usize = 16 * 1024;

/// The longest name in characters.
pub const MAX_NAME: usize = 64;

/// The longest status text in characters.
pub const MAX_STATUS: usize = 100;

/// Why a text is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("empty text")]
    Empty,
    /// Longer than [`MAX_TEXT`] bytes.
    #[error("text too long")]
    TooLong,
    /// It holds a NUL, which no keyboard makes.
    #[error("text with a NUL")]
    Nul,
}

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing that can be seen.
    #[error("empty name")]
    Empty,
    /// Longer than [`MAX_NAME`] characters.
    #[error("name too long")]
    TooLong,
    /// It holds characters that control, hide or turn around what is around them.
    #[error("name with control characters")]
    Control,
}

impl From<TextError> for Error {
    fn from(error: TextError) -> Self {
        Self::new(ErrorKind::TextInvalid, error.to_string())
    }
}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        Self::new(ErrorKind::NameInvalid, error.to_string())
    }
}

/// Checks that a text can be sent. It is sent as typed.
///
/// # Errors
/// [`TextError`].
pub fn check_text(text: &str) -> Result<(), TextError> {
    if text.len() > MAX_TEXT {
        return Err(TextError::TooLong);
    }
    if text.contains('\0') {
        return Err(TextError::Nul);
    }
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    Ok(())
}

/// Brings a name into the one form in which names are shown and compared: composed (NFC), without white space around it and
/// with single spaces within.
///
/// # Errors
/// [`NameError`]. Control characters are refused, not removed: removing them could make one name of two.
pub fn clean_name(name: &str) -> Result<String, NameError> {
    clean_line(name, MAX_NAME)
}

/// Brings a status text into one form, by the rules of [`clean_name`]; at most [`MAX_STATUS`] characters.
///
/// # Errors
/// [`NameError`].
pub fn clean_status(text: &str) -> Result<String, NameError> {
    clean_line(text, MAX_STATUS)
}

fn clean_line(line: &str, most: usize) -> Result<String, NameError> {
    // before anything is allocated: composing never shortens to a quarter
    if line.len() > most.saturating_mul(4 * 4) {
        return Err(NameError::TooLong);
    }
    let line: String = line.trim().nfc().collect();
    if line.chars().any(is_forbidden) {
        return Err(NameError::Control);
    }
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().all(is_invisible) {
        return Err(NameError::Empty);
    }
    if line.chars().count() > most {
        return Err(NameError::TooLong);
    }
    Ok(line)
}

/// Controls, and what turns the direction of the text after it, breaks lines or shows as nothing.
fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00AD}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}')
}

/// Joiners and selectors are needed within names and emoji, and alone are nothing.
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_bounded_and_not_empty() {
        assert_eq!(check_text("a"), Ok(()));
        assert_eq!(check_text(&"a".repeat(MAX_TEXT)), Ok(()));
        assert_eq!(
            check_text(&"a".repeat(MAX_TEXT + 1)),
            Err(TextError::TooLong)
        );
        assert_eq!(check_text(" \n\t"), Err(TextError::Empty));
        assert_eq!(check_text(""), Err(TextError::Empty));
        assert_eq!(check_text("a\0b"), Err(TextError::Nul));
        assert_eq!(check_text("line\r\nline"), Ok(()));
    }

    #[test]
    fn names_are_brought_into_one_form() {
        for (typed, name) in [
            ("  Ana  ", "Ana"),
            ("Ana\u{00A0} \u{2003}Müller", "Ana Müller"),
            ("Ana Mu\u{0308}ller", "Ana Müller"),
            ("👩‍👩‍👧", "👩‍👩‍👧"),
            ("می‌خواهم", "می‌خواهم"),
            ("李", "李"),
        ] {
            assert_eq!(clean_name(typed).as_deref(), Ok(name), "{typed:?}");
        }
        assert_eq!(
            clean_name(&"ä".repeat(MAX_NAME)).map(|name| name.len()),
            Ok(2 * MAX_NAME)
        );
    }

    #[test]
    fn a_status_text_is_longer_than_a_name_and_keeps_its_rules() {
        let longest = "🌍".repeat(MAX_STATUS);
        assert_eq!(clean_status(&longest).as_deref(), Ok(longest.as_str()));
        assert_eq!(
            clean_status(&"a".repeat(MAX_STATUS + 1)),
            Err(NameError::TooLong)
        );
        assert_eq!(
            clean_status(" back  at\u{00A0}3 ").as_deref(),
            Ok("back at 3")
        );
        assert_eq!(clean_status("back\u{202E}3"), Err(NameError::Control));
    }

    #[test]
    fn names_that_hide_or_turn_are_refused() {
        for (typed, error) in [
            ("", NameError::Empty),
            ("   ", NameError::Empty),
            ("\u{200D}\u{FE0F}", NameError::Empty),
            ("A\u{202E}nna", NameError::Control),
            ("A\u{2066}nna", NameError::Control),
            ("An\nna", NameError::Control),
            ("An\u{0}na", NameError::Control),
            ("An\u{200B}na", NameError::Control),
            ("\u{3164}", NameError::Control),
            ("\u{FEFF}Anna", NameError::Control),
        ] {
            assert_eq!(clean_name(typed), Err(error), "{typed:?}");
        }
        assert_eq!(
            clean_name(&"a".repeat(MAX_NAME + 1)),
            Err(NameError::TooLong)
        );
        assert_eq!(clean_name(&"a".repeat(100_000)), Err(NameError::TooLong));
    }
}
