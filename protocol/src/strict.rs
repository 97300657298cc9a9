//! Checks that bytes are one CBOR item in the deterministic encoding of RFC 8949 §4.2.1.
//!
//! The derived decoders accept long integer forms, indefinite lengths, duplicate keys and trailing bytes; this walk
//! refuses all of them first. It allocates nothing, and its depth is bounded.

use crate::frame::DecodeError;

/// How deep arrays and maps may nest.
const MAX_DEPTH: usize = 12;

/// Accepts exactly one deterministic CBOR item and nothing after it.
///
/// Refused: indefinite lengths, integers and lengths not in their shortest form, map keys out of bytewise order or
/// repeated, invalid UTF-8, floats, tags, `undefined`, items inside more than 11 others, trailing bytes.
///
/// # Errors
/// [`DecodeError`] names what was wrong.
pub fn check_deterministic(bytes: &[u8]) -> Result<(), DecodeError> {
    let rest = skip_item(bytes, MAX_DEPTH)?;
    if rest.is_empty() {
        Ok(())
    } else {
        Err(DecodeError::TrailingBytes)
    }
}

/// Walks over one item and returns what follows it.
fn skip_item(bytes: &[u8], depth: usize) -> Result<&[u8], DecodeError> {
    let deeper = depth.checked_sub(1).ok_or(DecodeError::TooDeep)?;
    let (major, argument, mut rest) = head(bytes)?;
    match major {
        0 | 1 => Ok(rest),
        2 => take(rest, argument).map(|(_, rest)| rest),
        3 => {
            let (text, rest) = take(rest, argument)?;
            std::str::from_utf8(text).map_err(|_| DecodeError::NotDeterministic)?;
            Ok(rest)
        }
        4 => {
            for _ in 0..argument {
                rest = skip_item(rest, deeper)?;
            }
            Ok(rest)
        }
        5 => {
            let mut previous: Option<&[u8]> = None;
            for _ in 0..argument {
                let after_key = skip_item(rest, deeper)?;
                let (key, _) = rest.split_at(rest.len().saturating_sub(after_key.len()));
                if previous.is_some_and(|previous| previous >= key) {
                    return Err(DecodeError::NotDeterministic);
                }
                previous = Some(key);
                rest = skip_item(after_key, deeper)?;
            }
            Ok(rest)
        }
        // false, true, null; all other simple values and the floats have no place in a frame
        7 if (20..=22).contains(&argument) => Ok(rest),
        _ => Err(DecodeError::NotDeterministic),
    }
}

/// Reads the initial byte and its argument, in the shortest form only.
fn head(bytes: &[u8]) -> Result<(u8, u64, &[u8]), DecodeError> {
    let (&initial, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
    let (major, info) = (initial >> 5, initial & 0x1f);
    let (argument, shortest_from, rest) = match info {
        0..=23 => (u64::from(info), 0, rest),
        24 => integer::<1>(rest, 24)?,
        25 => integer::<2>(rest, 1 << 8)?,
        26 => integer::<4>(rest, 1 << 16)?,
        27 => integer::<8>(rest, 1 << 32)?,
        _ => return Err(DecodeError::NotDeterministic),
    };
    // an argument of major type 7 in one or more bytes is a float or a simple value above 31: refused
    if argument < shortest_from || (major == 7 && info > 23) {
        return Err(DecodeError::NotDeterministic);
    }
    Ok((major, argument, rest))
}

/// Reads an N-byte big-endian argument and passes on the least value that needs N bytes.
fn integer<const N: usize>(
    bytes: &[u8],
    shortest_from: u64,
) -> Result<(u64, u64, &[u8]), DecodeError> {
    let (value, rest) = bytes.split_at_checked(N).ok_or(DecodeError::Truncated)?;
    let value = value
        .iter()
        .fold(0, |value, byte| (value << 8) | u64::from(*byte));
    Ok((value, shortest_from, rest))
}

fn take(bytes: &[u8], len: u64) -> Result<(&[u8], &[u8]), DecodeError> {
    usize::try_from(len)
        .ok()
        .and_then(|len| bytes.split_at_checked(len))
        .ok_or(DecodeError::Truncated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_each_kind_of_item_in_its_shortest_form() {
        for bytes in [
            &[0x00][..],
            &[0x18, 24],
            &[0x20],
            &[0x41, 1],
            &[0x61, b'a'],
            &[0x82, 1, 2],
            &[0xa2, 0, 1, 1, 2],
            &[0xf4],
            &[0xf6],
            &[0x1b, 0, 0, 0, 1, 0, 0, 0, 0],
        ] {
            assert_eq!(check_deterministic(bytes), Ok(()), "{bytes:02x?}");
        }
    }

    #[test]
    fn refuses_every_other_way_to_write_an_item() {
        for (bytes, error) in [
            (&[0x18, 23][..], DecodeError::NotDeterministic),
            (&[0x19, 0, 255], DecodeError::NotDeterministic),
            (&[0x9f, 1, 0xff], DecodeError::NotDeterministic),
            (&[0xa2, 0, 1, 0, 2], DecodeError::NotDeterministic),
            (&[0xa2, 1, 1, 0, 2], DecodeError::NotDeterministic),
            (&[0x61, 0xff], DecodeError::NotDeterministic),
            (&[0xf7], DecodeError::NotDeterministic),
            (&[0xf8, 32], DecodeError::NotDeterministic),
            (&[0xf9, 0, 0], DecodeError::NotDeterministic),
            (&[0xc0, 0], DecodeError::NotDeterministic),
            (&[0x00, 0x00], DecodeError::TrailingBytes),
            (&[], DecodeError::Truncated),
            (
                &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255],
                DecodeError::Truncated,
            ),
            (&[0x81; 40], DecodeError::TooDeep),
        ] {
            assert_eq!(check_deterministic(bytes), Err(error), "{bytes:02x?}");
        }
    }
}
