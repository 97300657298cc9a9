//! What travels beside each sealed message, authenticated and in the clear: nothing that the relay does not know anyway.

use minicbor::{Decode, Encode, bytes::ByteArray};
use protocol::{Digest, cbor};

/// Half of a digest is enough to tell documents apart that nobody can forge.
const SHORT: usize = 16;

/// The first 16 bytes of a SHA-256 digest.
pub type ShortDigest = ByteArray<SHORT>;

/// The authenticated data of an MLS PrivateMessage of a conversation (RFC 9420 §6.3.1): by it a receiver sees that an
/// earlier entry of the sender is missing, and that the relay shows others the same devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SealNote {
    /// Names the run of entries of this device in this conversation.
    #[n(0)]
    pub chain: ByteArray<8>,
    /// The number of this entry in it, from 1.
    #[n(1)]
    pub number: u64,
    /// The hash over the client ids of all earlier ones.
    #[n(2)]
    pub link: Digest,
    /// The number of the sender's newest manifest.
    #[n(3)]
    pub manifest_number: u64,
    /// Its digest.
    #[n(4)]
    pub manifest: ShortDigest,
    /// The digest of the receiver's newest manifest that the sender saw.
    #[n(5)]
    pub peer_manifest: Option<ShortDigest>,
    /// Names an earlier entry of this device whose content this one repeats.
    #[n(6)]
    pub again: Option<Again>,
    /// The number of the receiver's newest manifest that the sender saw.
    #[n(7)]
    pub peer_manifest_number: Option<u64>,
}

/// An earlier entry whose content is sent again, for somebody who missed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Again {
    /// The run of entries that it was in: the present one, or one that the device has ended since.
    #[n(0)]
    pub chain: ByteArray<8>,
    /// Its number in it.
    #[n(1)]
    pub number: u64,
    /// Where the relay had put it in the stream.
    #[n(2)]
    pub seq: u64,
    /// When that was, ms by the relay's clock.
    #[n(3)]
    pub time: u64,
}

impl SealNote {
    /// The deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads a note; `None` for what is none, such as that of a version without notes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        cbor::decode(bytes).ok()
    }
}

/// Shortens a digest.
#[must_use]
pub fn short(digest: Digest) -> ShortDigest {
    let mut short = [0; SHORT];
    for (to, from) in short.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    ByteArray::from(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_small_and_comes_back() {
        let note = SealNote {
            chain: ByteArray::from([1; 8]),
            number: 300,
            link: Digest::of(&[b"a"]),
            manifest_number: 1,
            manifest: short(Digest::of(&[b"b"])),
            peer_manifest: Some(short(Digest::of(&[b"c"]))),
            again: None,
            peer_manifest_number: Some(3),
        };
        let bytes = note.encode();
        assert!(bytes.len() <= 110, "{} bytes", bytes.len());
        assert_eq!(SealNote::decode(&bytes), Some(note));
        assert_eq!(SealNote::decode(&[]), None);
        assert_eq!(SealNote::decode(&bytes[1..]), None);
    }
}
