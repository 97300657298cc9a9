//! Newtypes for every id, key and digest, so that none can be mistaken for another.

use std::fmt;

use bytes::Bytes;
use data_encoding::HEXLOWER_PERMISSIVE;
use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as CborDecodeError,
    encode::{Error as CborEncodeError, Write},
};
use sha2::{Digest as _, Sha256};

/// Declares a newtype over `[u8; N]` that is a CBOR byte string of exactly that length.
macro_rules! byte_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// The length in bytes.
            pub const LEN: usize = $len;

            /// Wraps raw bytes.
            #[must_use]
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// The raw bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }

            /// Takes raw bytes of any length; `None` unless the length is exact.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self)
            }

            /// Reads hexadecimal digits of either case; `None` unless the length is exact.
            #[must_use]
            pub fn from_hex(text: &str) -> Option<Self> {
                Self::from_slice(&HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()?)
            }

            /// Lower-case hexadecimal digits.
            #[must_use]
            pub fn to_hex(&self) -> String {
                HEXLOWER_PERMISSIVE.encode(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(&self.to_hex())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(formatter, concat!(stringify!($name), "({})"), self.to_hex())
            }
        }

        impl<C> Encode<C> for $name {
            fn encode<W: Write>(&self, encoder: &mut Encoder<W>, _: &mut C) -> Result<(), CborEncodeError<W::Error>> {
                encoder.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, CborDecodeError> {
                let position = decoder.position();
                Self::from_slice(decoder.bytes()?).ok_or_else(|| {
                    CborDecodeError::message(concat!("wrong length for ", stringify!($name))).at(position)
                })
            }
        }
    };
}

byte_id!(
    /// A person on one relay: the first 16 bytes of SHA-256("relevo account 1" ‖ root key).
    AccountId,
    16
);
byte_id!(
    /// One installation of the app in one account: 16 random bytes.
    DeviceId,
    16
);
byte_id!(
    /// A conversation for life: 16 random bytes. Its MLS group id is [`ConversationId::group_id`].
    ConversationId,
    16
);
byte_id!(
    /// The relay's idempotency key of one append, commit or creation: 16 random bytes.
    ClientId,
    16
);
byte_id!(
    /// The id of a message that a person sees (MIMI content, made once by the sender).
    MessageId,
    32
);
byte_id!(
    /// The name of a relay whatever its address: SHA-256 of its Ed25519 identity key.
    RelayId,
    32
);
byte_id!(
    /// Drawn anew by a relay that was restored from a backup.
    StoreGeneration,
    16
);
byte_id!(
    /// An Ed25519 public key (RFC 8032).
    Key,
    32
);
byte_id!(
    /// An Ed25519 signature (RFC 8032).
    Signature,
    64
);
byte_id!(
    /// 32 random bytes, used once in a handshake.
    Nonce,
    32
);
byte_id!(
    /// A SHA-256 digest.
    Digest,
    32
);
byte_id!(
    /// What a relay sees of a link's secret: derived from it one way, see [`crate::LinkSecret::token`].
    Token,
    32
);

impl AccountId {
    /// Derives the id of the account whose first root key this is.
    #[must_use]
    pub fn of_root_key(root_key: &Key) -> Self {
        let digest = Digest::of(&[b"relevo account 1", root_key.as_bytes()]);
        let mut id = [0; 16];
        id.copy_from_slice(digest.0.split_at(16).0);
        Self(id)
    }

    /// Eight letters that a person can compare by eye: the first 40 bits as base32.
    #[must_use]
    pub fn short(&self) -> String {
        data_encoding::BASE32_NOPAD
            .encode(self.0.split_at(5).0)
            .to_lowercase()
    }
}

impl RelayId {
    /// The id of the relay that holds this identity key.
    #[must_use]
    pub fn of_identity_key(key: &Key) -> Self {
        Self(Digest::of(&[key.as_bytes()]).0)
    }
}

impl ConversationId {
    /// The MLS group id of one incarnation: id ‖ incarnation as a big-endian u32.
    #[must_use]
    pub fn group_id(&self, incarnation: u32) -> [u8; 20] {
        let mut id = [0; 20];
        let (head, tail) = id.split_at_mut(16);
        head.copy_from_slice(&self.0);
        tail.copy_from_slice(&incarnation.to_be_bytes());
        id
    }

    /// Reads an MLS group id back; `None` unless it is 20 bytes long.
    #[must_use]
    pub fn from_group_id(group_id: &[u8]) -> Option<(Self, u32)> {
        let (id, incarnation) = group_id.split_at_checked(16)?;
        Some((
            Self::from_slice(id)?,
            u32::from_be_bytes(incarnation.try_into().ok()?),
        ))
    }
}

impl Digest {
    /// SHA-256 over the parts, one after the other.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

impl Token {
    /// What a relay stores of a token, so that its database opens no door.
    #[must_use]
    pub fn stored_hash(&self) -> Digest {
        Digest::of(&[b"relevo stored token 1", &self.0])
    }
}

/// A log at the relay, as the connected device names it. CBOR: null for the inbox, else the conversation's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamId {
    /// The inbox of the device that is connected.
    Inbox,
    /// The stream of a conversation.
    Conversation(ConversationId),
}

impl<C> Encode<C> for StreamId {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        context: &mut C,
    ) -> Result<(), CborEncodeError<W::Error>> {
        match self {
            Self::Inbox => encoder.null()?.ok(),
            Self::Conversation(id) => id.encode(encoder, context),
        }
    }
}

impl<'b, C> Decode<'b, C> for StreamId {
    fn decode(decoder: &mut Decoder<'b>, context: &mut C) -> Result<Self, CborDecodeError> {
        if decoder.datatype()? == minicbor::data::Type::Null {
            decoder.null()?;
            return Ok(Self::Inbox);
        }
        ConversationId::decode(decoder, context).map(Self::Conversation)
    }
}

/// Bytes that the wire carries and does not look into. Cheap to clone.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opaque(pub Bytes);

impl Opaque {
    /// The length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for Opaque {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl AsRef<[u8]> for Opaque {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Shows the length only: what is inside may be worth hiding.
impl fmt::Debug for Opaque {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Opaque({} bytes)", self.0.len())
    }
}

impl<C> Encode<C> for Opaque {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), CborEncodeError<W::Error>> {
        encoder.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Opaque {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, CborDecodeError> {
        decoder
            .bytes()
            .map(|bytes| Self(Bytes::copy_from_slice(bytes)))
    }
}
