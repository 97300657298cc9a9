//! The MIMI content container: salt, replaces, topic, expiry, in reply to, extensions and one nested part.

mod codec;

use protocol::{DecodeError, MessageId, Opaque, bounds, cbor};
use thiserror::Error;

/// No extensions.
const EMPTY_MAP: u8 = 0xA0;

/// Why bytes are no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ContentError {
    /// Larger than an entry.
    #[error("content too large")]
    TooLarge,
    /// Not CBOR, not deterministic, or not of this shape.
    #[error(transparent)]
    Encoding(#[from] DecodeError),
}

/// What a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Disposition(pub u8);

impl Disposition {
    /// Not said.
    pub const UNSPECIFIED: Self = Self(0);
    /// To be shown.
    pub const RENDER: Self = Self(1);
    /// A reaction to the message that it replies to.
    pub const REACTION: Self = Self(2);
    /// About the sender.
    pub const PROFILE: Self = Self(3);
    /// A file.
    pub const ATTACHMENT: Self = Self(6);
    /// Between apps, nothing to be shown.
    pub const SESSION: Self = Self(7);
}

/// The whole content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Random, so that equal texts have different ids.
    pub salt: [u8; 16],
    /// The message that this one takes the place of.
    pub replaces: Option<MessageId>,
    /// Groups messages; empty for none.
    pub topic: Opaque,
    /// When it should vanish.
    pub expires: Option<Expires>,
    /// The message that this one answers.
    pub in_reply_to: Option<MessageId>,
    /// A map of extensions as CBOR, kept as it came.
    pub extensions: Opaque,
    /// What it says.
    pub part: Part,
}

/// When a message should vanish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expires {
    /// So many seconds after it was read.
    AfterReading(u32),
    /// At this time, in seconds since 1970.
    At(u32),
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is for.
    pub disposition: Disposition,
    /// Its language tag, or empty.
    pub language: String,
    /// What it holds.
    pub body: Body,
}

/// What a part holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: a message that replaces another by this deletes it.
    Nothing,
    /// Bytes of a type.
    Single {
        /// The media type.
        content_type: String,
        /// The bytes.
        content: Vec<u8>,
    },
    /// Something to fetch.
    External(Box<External>),
    /// Several parts.
    Multi {
        /// How they belong together.
        semantics: Semantics,
        /// At least two.
        parts: Vec<Part>,
    },
}

/// Something to fetch: where, and how to decrypt and check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The media type.
    pub content_type: String,
    /// Where it is.
    pub url: String,
    /// When it goes, in seconds since 1970; 0 for never.
    pub expires: u32,
    /// Its size in bytes.
    pub size: u64,
    /// How it is encrypted: IANA's number of the AEAD, 0 for not.
    pub algorithm: u16,
    /// The key.
    pub key: Opaque,
    /// The nonce.
    pub nonce: Opaque,
    /// The associated data.
    pub aad: Opaque,
    /// IANA's number of the hash algorithm, 0 for none.
    pub hash_algorithm: u8,
    /// The hash of the encrypted bytes.
    pub hash: Opaque,
    /// What to say of it.
    pub description: String,
    /// What to call it. Not safe as a path.
    pub filename: String,
}

/// How the parts of a multipart belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semantics {
    /// Show the best one.
    ChooseOne,
    /// They make one thing.
    SingleUnit,
    /// Show all.
    ProcessAll,
}

impl Container {
    /// New content without any relation.
    #[must_use]
    pub fn new(salt: [u8; 16], part: Part) -> Self {
        let extensions = Opaque::from(vec![EMPTY_MAP]);
        Self {
            salt,
            replaces: None,
            topic: Opaque::default(),
            expires: None,
            in_reply_to: None,
            extensions,
            part,
        }
    }

    /// The deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads a container.
    ///
    /// # Errors
    /// [`ContentError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        if bytes.len() > bounds::ENTRY {
            return Err(ContentError::TooLarge);
        }
        Ok(cbor::decode(bytes)?)
    }
}

impl Part {
    /// A single part in no particular language.
    #[must_use]
    pub fn single(disposition: Disposition, content_type: &str, content: Vec<u8>) -> Self {
        let body = Body::Single {
            content_type: content_type.to_owned(),
            content,
        };
        Self {
            disposition,
            language: String::new(),
            body,
        }
    }
}
