//! Private keys on their way into and out of bytes.

use ed25519_dalek::SigningKey;
use minicbor::{Decode, Decoder, Encode, Encoder, bytes::ByteArray};
use zeroize::Zeroizing;

use crate::seams::{RandomError, Randomness};

/// Fits every encoding of keys at once, so that a growing buffer leaves no copies of them behind.
const ENCODED: usize = 2048;

/// Draws a new signing key.
pub(super) fn new_key(random: &mut dyn Randomness) -> Result<SigningKey, RandomError> {
    let mut secret = Zeroizing::new([0; 32]);
    random.fill(&mut *secret)?;
    Ok(SigningKey::from_bytes(&secret))
}

/// Encodes what holds secrets, into a buffer that is wiped.
pub(super) fn encode(value: &impl Encode<()>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(ENCODED));
    // writing to memory cannot fail, and what could not be read back would be refused
    let _ = minicbor::encode(value, &mut *bytes);
    bytes
}

/// 32 secret bytes, as a CBOR byte string.
pub(super) struct Secret(Zeroizing<[u8; 32]>);

impl Secret {
    pub(super) fn of(key: &SigningKey) -> Self {
        Self(Zeroizing::new(key.to_bytes()))
    }

    pub(super) const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.0)
    }
}

impl<C> Encode<C> for Secret {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.bytes(self.0.as_slice())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Secret {
    fn decode(decoder: &mut Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        let bytes = ByteArray::<32>::decode(decoder, context)?;
        Ok(Self(Zeroizing::new(*bytes)))
    }
}
