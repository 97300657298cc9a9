//! What apps tell each other about messages: what was read, what never arrived.

use minicbor::{Decode, Encode, bytes::ByteArray};

/// The sender has read everything up to a position of the conversation's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Read {
    /// The seq of the newest entry that was read.
    #[n(0)]
    pub seq: u64,
    /// Only `true`: it is less than was said before. Something came late, below what had been read.
    #[n(1)]
    pub less: Option<bool>,
}

impl Read {
    /// Everything up to a seq was read.
    #[must_use]
    pub const fn up_to(seq: u64) -> Self {
        Self { seq, less: None }
    }

    /// No more than up to a seq was read, whatever was said before.
    #[must_use]
    pub const fn only_up_to(seq: u64) -> Self {
        Self {
            seq,
            less: Some(true),
        }
    }

    /// Whether it takes back some of what was said before.
    #[must_use]
    pub fn is_less(&self) -> bool {
        self.less == Some(true)
    }
}

/// A range of entries of a chain, see [`super::SealNote`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Range {
    /// The chain.
    #[n(0)]
    pub chain: ByteArray<8>,
    /// The first number.
    #[n(1)]
    pub first: u64,
    /// The last number.
    #[n(2)]
    pub last: u64,
}
