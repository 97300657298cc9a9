//! What apps tell each other about messages: what was read, what never arrived.

use minicbor::{Decode, Encode, bytes::ByteArray};

/// The sender has read everything up to a position of the conversation's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Read {
    /// The seq of the newest entry that was read.
    #[n(0)]
    pub seq: u64,
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
