//! Looking for something that must not be there, in every shape in which a program may have written it.

use data_encoding::{BASE64, BASE64URL_NOPAD, Encoding, HEXLOWER, HEXUPPER};

/// Something that nobody else may see.
pub(crate) struct Secret {
    pub(crate) what: &'static str,
    shapes: Vec<Vec<u8>>,
}

impl Secret {
    /// A text that a person wrote. Part of it is enough: its last words are found without what is before them.
    pub(crate) fn text(what: &'static str, text: &str) -> Self {
        let words: Vec<&str> = text.split(' ').collect();
        let tail = words[words.len().saturating_sub(2)..].join(" ");
        let mut secret = Self::bytes(what, tail.as_bytes());
        let wide: Vec<u16> = tail.encode_utf16().collect();
        secret
            .shapes
            .push(wide.iter().flat_map(|unit| unit.to_le_bytes()).collect());
        secret
            .shapes
            .push(wide.iter().flat_map(|unit| unit.to_be_bytes()).collect());
        secret.shapes.push(tail.to_lowercase().into_bytes());
        secret.shapes.push(tail.to_uppercase().into_bytes());
        secret
    }

    /// Bytes.
    pub(crate) fn bytes(what: &'static str, bytes: &[u8]) -> Self {
        let decimal: Vec<String> = bytes.iter().map(u8::to_string).collect();
        let mut shapes = vec![
            bytes.to_vec(),
            bytes.iter().rev().copied().collect(),
            HEXLOWER.encode(bytes).into_bytes(),
            HEXUPPER.encode(bytes).into_bytes(),
            // as Rust shows bytes to those who debug
            decimal.join(", ").into_bytes(),
        ];
        for offset in 0..3 {
            shapes.push(within(&BASE64, bytes, offset));
            shapes.push(within(&BASE64URL_NOPAD, bytes, offset));
        }
        Self { what, shapes }
    }

    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        self.shapes.iter().any(|shape| is_within(shape, bytes))
    }
}

/// By the first byte first: the haystacks are whole databases.
fn is_within(shape: &[u8], mut bytes: &[u8]) -> bool {
    while let Some(place) = bytes.iter().position(|byte| *byte == shape[0]) {
        if bytes[place..].starts_with(shape) {
            return true;
        }
        bytes = &bytes[place + 1..];
    }
    false
}

/// The digits of base 64 that depend on `bytes` alone, when `offset` other bytes come before them.
fn within(encoding: &Encoding, bytes: &[u8], offset: usize) -> Vec<u8> {
    let before = vec![0; offset];
    let digits = encoding.encode(&[&before, bytes].concat()).into_bytes();
    let (first, last) = ((offset * 8).div_ceil(6), (offset + bytes.len()) * 8 / 6);
    digits[first..last].to_vec()
}

#[test]
fn a_secret_is_found_in_whatever_shape_it_is() {
    let text = "a draft with Kilimanjaro 3c19ab";
    let secret = Secret::text("text", text);
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let haystacks: [Vec<u8>; 8] = [
        format!("…{text}…").into_bytes(),
        text.to_uppercase().into_bytes(),
        text.bytes().rev().collect(),
        wide(text),
        HEXLOWER.encode(text.as_bytes()).into_bytes(),
        BASE64.encode(format!("x{text}").as_bytes()).into_bytes(),
        BASE64URL_NOPAD
            .encode(format!("xy{text}z").as_bytes())
            .into_bytes(),
        format!("{:?}", text.as_bytes()).into_bytes(),
    ];
    for haystack in haystacks {
        assert!(
            secret.is_in(&haystack),
            "{}",
            String::from_utf8_lossy(&haystack)
        );
    }
    assert!(!secret.is_in(b"a draft with Kilimanjaro 3c19aa"));
}
