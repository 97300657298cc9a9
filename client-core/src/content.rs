//! What is inside a sealed message: the IETF MIMI content format (draft-ietf-mimi-content-08).
//!
//! [`Container`] is the format itself, read strictly and written back byte for byte. [`Content`] is what this version of the
//! app understands of it; what it does not understand is kept as bytes by the caller, for a later version.
//!
//! Nothing here is secret to the caller or trusted: content comes from other people's devices.

mod container;
mod naming;
mod note;
mod receipt;
mod text;

use minicbor::{Decode, Encode};
use protocol::{Digest, cbor};

pub use self::{
    container::{
        Body as PartBody, Container, ContentError, Disposition, Expires, External, Part, Semantics,
    },
    naming::{conversation_uri, message_id, person_uri},
    note::{Again, SealNote, ShortDigest, short},
    receipt::{Range, Read},
    text::{
        MAX_NAME, MAX_STATUS, MAX_TEXT, NameError, TextError, check_text, clean_name, clean_status,
    },
};

/// The largest entry that sealing a text of [`MAX_TEXT`] bytes makes.
pub const MAX_SEALED: usize = MAX_TEXT + 1024;

/// Text as typed.
pub const PLAIN_TEXT: &str = "text/plain;charset=utf-8";

/// GitHub's markdown without HTML, which may also be shown as it is.
pub const MARKDOWN: &str = "text/markdown;variant=GFM-MIMI";

/// What a person says of itself, see [`Profile`].
pub const PROFILE: &str = "application/vnd.relevo.profile+cbor";

/// How far the sender has read, see [`Read`].
pub const READ: &str = "application/vnd.relevo.read+cbor";

/// The sender misses entries and asks for them, see [`Range`].
pub const MISSING: &str = "application/vnd.relevo.missing+cbor";

/// The sender has sent again what there was to send of a range, see [`Range`].
pub const RESENT: &str = "application/vnd.relevo.resent+cbor";

/// Opened content: the container, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// All of it.
    pub container: Container,
    /// What this version understands of it.
    pub body: Body,
}

/// What content says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A new text to be shown.
    Text(String),
    /// Who the sender is.
    Profile(Profile),
    /// How far the sender has read.
    Read(Read),
    /// The sender misses entries of ours.
    Missing(Range),
    /// The sender has sent again what there was of these.
    Resent(Range),
    /// Something else: an edit, a reaction, an attachment, a type that this version does not know.
    Unknown {
        /// The type that a single or external part names.
        content_type: Option<String>,
    },
}

/// What a person says of itself in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Profile {
    /// The display name; it keeps the rules of [`clean_name`].
    #[n(0)]
    pub name: String,
    /// Shows the issuer of a link that the sender held its secret.
    #[n(1)]
    pub proof: Option<Digest>,
}

impl Content {
    /// A new text. `salt` is random; the text keeps the rules of [`check_text`].
    #[must_use]
    pub fn text(salt: [u8; 16], text: &str) -> Self {
        let part = Part::single(Disposition::RENDER, PLAIN_TEXT, text.as_bytes().to_vec());
        Self {
            container: Container::new(salt, part),
            body: Body::Text(text.to_owned()),
        }
    }

    /// One's profile. The name keeps the rules of [`clean_name`].
    #[must_use]
    pub fn profile(salt: [u8; 16], name: &str, proof: Option<Digest>) -> Self {
        let profile = Profile {
            name: name.to_owned(),
            proof,
        };
        let part = Part::single(Disposition::PROFILE, PROFILE, cbor::encode(&profile));
        Self {
            container: Container::new(salt, part),
            body: Body::Profile(profile),
        }
    }

    /// How far one has read.
    #[must_use]
    pub fn read(salt: [u8; 16], read: Read) -> Self {
        Self::session(salt, READ, cbor::encode(&read), Body::Read(read))
    }

    /// Asks for entries that never arrived.
    #[must_use]
    pub fn missing(salt: [u8; 16], range: Range) -> Self {
        Self::session(salt, MISSING, cbor::encode(&range), Body::Missing(range))
    }

    /// Says that what there was of a range was sent again.
    #[must_use]
    pub fn resent(salt: [u8; 16], range: Range) -> Self {
        Self::session(salt, RESENT, cbor::encode(&range), Body::Resent(range))
    }

    fn session(salt: [u8; 16], content_type: &str, bytes: Vec<u8>, body: Body) -> Self {
        let part = Part::single(Disposition::SESSION, content_type, bytes);
        Self {
            container: Container::new(salt, part),
            body,
        }
    }

    /// Whether encoded content is a profile: a newer one takes the place of one that waits.
    #[must_use]
    pub fn is_profile(bytes: &[u8]) -> bool {
        Self::decode(bytes).is_ok_and(|content| matches!(content.body, Body::Profile(_)))
    }

    /// Whether encoded content shows that a link of the other was held.
    #[must_use]
    pub fn has_proof(bytes: &[u8]) -> bool {
        Self::decode(bytes).is_ok_and(
            |content| matches!(content.body, Body::Profile(profile) if profile.proof.is_some()),
        )
    }

    /// How far encoded content says that one has read, if it says that: a newer one takes the place of one that waits.
    #[must_use]
    pub fn read_position(bytes: &[u8]) -> Option<Read> {
        match Self::decode(bytes).ok()?.body {
            Body::Read(read) => Some(read),
            _ => None,
        }
    }

    /// Which entries that never arrived encoded content asks for, if any.
    #[must_use]
    pub fn missing_range(bytes: &[u8]) -> Option<Range> {
        match Self::decode(bytes).ok()?.body {
            Body::Missing(range) => Some(range),
            _ => None,
        }
    }

    /// The deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.container.encode()
    }

    /// Reads content.
    ///
    /// # Errors
    /// [`ContentError`] where the bytes are no MIMI content, or none in the deterministic encoding. A type or value that is
    /// not understood is no error but [`Body::Unknown`].
    pub fn decode(bytes: &[u8]) -> Result<Self, ContentError> {
        let container = Container::decode(bytes)?;
        let body = understand(&container);
        Ok(Self { container, body })
    }
}

fn understand(container: &Container) -> Body {
    let Part {
        disposition, body, ..
    } = &container.part;
    let content_type = match body {
        PartBody::Single {
            content_type,
            content,
        } => {
            let understood = match (content_type.as_str(), *disposition) {
                // an edit is not a new text: until edits are understood it is not shown as one
                (PLAIN_TEXT | MARKDOWN, Disposition::RENDER | Disposition::UNSPECIFIED)
                    if container.replaces.is_none() =>
                {
                    std::str::from_utf8(content)
                        .ok()
                        .map(|text| Body::Text(text.to_owned()))
                }
                (PROFILE, _) => read_profile(content).map(Body::Profile),
                (READ, _) => cbor::decode(content).ok().map(Body::Read),
                (MISSING, _) => range(content).map(Body::Missing),
                (RESENT, _) => range(content).map(Body::Resent),
                _ => None,
            };
            match understood {
                Some(body) => return body,
                None => Some(content_type.clone()),
            }
        }
        PartBody::External(external) => Some(external.content_type.clone()),
        PartBody::Nothing | PartBody::Multi { .. } => None,
    };
    Body::Unknown { content_type }
}

fn range(content: &[u8]) -> Option<Range> {
    cbor::decode(content)
        .ok()
        .filter(|range: &Range| range.first >= 1 && range.first <= range.last)
}

/// A name that breaks the rules is nobody's name.
fn read_profile(content: &[u8]) -> Option<Profile> {
    let profile: Profile = cbor::decode(content).ok()?;
    let name = clean_name(&profile.name).ok()?;
    Some(Profile { name, ..profile })
}
