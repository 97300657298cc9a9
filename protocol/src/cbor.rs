//! Deterministic CBOR (RFC 8949 §4.2.1) in and out: the only door through which bytes become values.

use minicbor::{Decode, Decoder, Encode, decode::Error as CborDecodeError};

use crate::{check_deterministic, frame::DecodeError};

/// Encodes a value. The derived encoders write shortest forms and ascending keys, so the result is deterministic.
#[must_use]
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "writing to a Vec cannot fail and no encoder here raises an error of its own"
    )]
    minicbor::to_vec(value).expect("encode to memory")
}

/// Decodes exactly one deterministic item.
///
/// # Errors
/// [`DecodeError`], also where the bytes are valid CBOR in another than the deterministic form.
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, DecodeError> {
    check_deterministic(bytes)?;
    minicbor::decode(bytes).map_err(|_| DecodeError::WrongShape)
}

/// Decodes an optional field that is there. An absent one is left out, so null is refused: one value, one encoding.
pub(crate) fn present<'b, T: Decode<'b, C>, C>(
    decoder: &mut Decoder<'b>,
    context: &mut C,
) -> Result<Option<T>, CborDecodeError> {
    T::decode(decoder, context).map(Some)
}

/// Whether a flag is left out.
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the derived encoder calls it so"
)]
pub(crate) const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Decodes a flag that is left out where it is false, so false is refused: one value, one encoding.
pub(crate) fn only_true<C>(
    decoder: &mut Decoder<'_>,
    _context: &mut C,
) -> Result<bool, CborDecodeError> {
    let position = decoder.position();
    match decoder.bool()? {
        true => Ok(true),
        false => Err(CborDecodeError::message("false is left out").at(position)),
    }
}

/// Decodes an array of at most `MAX` items and refuses a longer one before it takes memory for any.
pub(crate) fn list<'b, const MAX: usize, T: Decode<'b, C>, C>(
    decoder: &mut Decoder<'b>,
    context: &mut C,
) -> Result<Vec<T>, CborDecodeError> {
    let position = decoder.position();
    let len = decoder
        .array()?
        .and_then(|len| usize::try_from(len).ok())
        .filter(|len| *len <= MAX);
    let len = len.ok_or_else(|| CborDecodeError::message("too many items").at(position))?;
    let mut items = Vec::with_capacity(len);
    for _ in 0..len {
        items.push(T::decode(decoder, context)?);
    }
    Ok(items)
}
