//! Links: an invite to a relay, or a contact card. The secret stays in the fragment and never reaches a server's log.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use data_encoding::BASE64URL_NOPAD;
use hkdf::Hkdf;
use minicbor::{Decode, Encode};
use sha2::Sha256;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{
    AccountId, ConversationId, Digest, RelayId, Token,
    cbor::{self, list, present},
    limits::bounds,
};

/// The version of the link's CBOR.
const VERSION: u8 = 1;
/// The port where an address names none.
const DEFAULT_PORT: u16 = 443;

/// Why a text is not a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    /// Not a Relevo link at all.
    #[error("not a link")]
    NotALink,
    /// Cut off or changed on the way.
    #[error("damaged link")]
    Damaged,
    /// Made by a newer version.
    #[error("link of a newer version")]
    TooNew,
}

/// What opening a link means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LinkKind {
    /// A new account may be made on the relay; the issuer, if named, becomes its first contact.
    Invite,
    /// A person who has an account on this relay may write to the issuer.
    Contact,
}

impl LinkKind {
    const fn letter(self) -> char {
        match self {
            Self::Invite => 'i',
            Self::Contact => 'c',
        }
    }
}

/// 128 random bits that a link's holder knows. Never logged.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct LinkSecret([u8; 16]);

impl LinkSecret {
    /// Wraps random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The raw bytes, for the encrypted database only.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// What is shown to the relay: HKDF-SHA-256 (RFC 5869) of the secret, info "relevo link token 1".
    #[must_use]
    pub fn token(&self) -> Token {
        Token::new(self.derive(b"relevo link token 1", &[]))
    }

    /// What is shown to the issuer, end-to-end encrypted: proves that `account` held the link when it opened
    /// `conversation`. A relay that learned the token cannot compute it.
    #[must_use]
    pub fn consent_proof(&self, account: AccountId, conversation: ConversationId) -> Digest {
        Digest::new(self.derive(
            b"relevo link consent 1",
            &[account.as_bytes(), conversation.as_bytes()],
        ))
    }

    fn derive(&self, context: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let mut output = [0; 32];
        let info = [&[context], parts].concat();
        #[expect(
            clippy::expect_used,
            reason = "HKDF-SHA-256 fails only above 255 × 32 bytes of output"
        )]
        Hkdf::<Sha256>::new(None, &self.0)
            .expand_multi_info(&info, &mut output)
            .expect("expand 32 bytes");
        output
    }
}

impl fmt::Debug for LinkSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LinkSecret(…)")
    }
}

/// Where a relay listens for TLS: a DNS name, an IPv4 address or a bracketed IPv6 address, and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// The host without brackets, for TLS and for the resolver.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Address {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, tail) = rest.split_once(']').ok_or(LinkError::Damaged)?;
                // one spelling for one address
                let host = host
                    .parse::<Ipv6Addr>()
                    .map_err(|_| LinkError::Damaged)?
                    .to_string();
                let port = match tail {
                    "" => None,
                    tail => Some(tail.strip_prefix(':').ok_or(LinkError::Damaged)?),
                };
                (host, port)
            }
            None => {
                let (host, port) = match text.split_once(':') {
                    Some((host, port)) => (host, Some(port)),
                    None => (text, None),
                };
                let host = host.to_ascii_lowercase();
                if !is_name_or_ipv4(&host) {
                    return Err(LinkError::Damaged);
                }
                (host, port)
            }
        };
        let port = match port {
            Some(port) => parse_port(port).ok_or(LinkError::Damaged)?,
            None => DEFAULT_PORT,
        };
        Ok(Self { host, port })
    }
}

/// Whether this is an IPv4 address or a DNS name in its ASCII form. What ends in a number is an address or nothing: some
/// resolvers read `127.1` or `0x7f.1` as one.
fn is_name_or_ipv4(host: &str) -> bool {
    let label_is_valid = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let ends_in_number = last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x");
    if ends_in_number {
        return host.parse::<Ipv4Addr>().is_ok();
    }
    host.len() <= 253 && host.split('.').all(label_is_valid)
}

/// Digits only: the standard parser would take a sign as well.
fn parse_port(text: &str) -> Option<u16> {
    let port = text
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten();
    port.filter(|port| *port != 0)
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.host.contains(':'), self.port) {
            (true, DEFAULT_PORT) => write!(formatter, "[{}]", self.host),
            (true, port) => write!(formatter, "[{}]:{port}", self.host),
            (false, DEFAULT_PORT) => formatter.write_str(&self.host),
            (false, port) => write!(formatter, "{}:{port}", self.host),
        }
    }
}

/// An invite or a contact card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What opening it means.
    pub kind: LinkKind,
    /// Where the relay is; tried in order.
    pub addresses: Vec<Address>,
    /// The relay's identity, pinned.
    pub relay: RelayId,
    /// What the holder knows.
    pub secret: LinkSecret,
    /// The account that made the link; absent in an invite made by the relay's operator.
    pub issuer: Option<AccountId>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct LinkBody {
    #[n(0)]
    version: u8,
    #[cbor(n(1), decode_with = "list::<{ bounds::ADDRESSES }, _, _>")]
    addresses: Vec<String>,
    #[n(2)]
    relay: RelayId,
    #[cbor(n(3), with = "minicbor::bytes")]
    secret: [u8; 16],
    #[cbor(n(4), decode_with = "present")]
    issuer: Option<AccountId>,
}

impl Link {
    /// `https://HOST/i#…`: opens a page of the relay that explains what to do. The fragment is not sent to it.
    ///
    /// Long or many addresses can make it longer than [`bounds::LINK`]: who makes a link parses it before showing it.
    #[must_use]
    pub fn to_https(&self) -> String {
        let host = self
            .addresses
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        format!("https://{host}/{}#{}", self.kind.letter(), self.fragment())
    }

    /// `relevo:i#…`: opens the app.
    #[must_use]
    pub fn to_app(&self) -> String {
        format!("relevo:{}#{}", self.kind.letter(), self.fragment())
    }

    fn fragment(&self) -> String {
        BASE64URL_NOPAD.encode(&cbor::encode(&LinkBody {
            version: VERSION,
            addresses: self.addresses.iter().map(ToString::to_string).collect(),
            relay: self.relay,
            secret: *self.secret.as_bytes(),
            issuer: self.issuer,
        }))
    }
}

impl FromStr for Link {
    type Err = LinkError;

    /// Accepts both forms, with white space around them. Nothing is contacted and nothing changes.
    fn from_str(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.len() > bounds::LINK {
            return Err(LinkError::NotALink);
        }
        let (head, fragment) = text.split_once('#').ok_or(LinkError::NotALink)?;
        let verb = match head.strip_prefix("https://") {
            Some(rest) => rest.split_once('/').ok_or(LinkError::NotALink)?.1,
            None => {
                let rest = head.strip_prefix("relevo:").ok_or(LinkError::NotALink)?;
                // browsers and desktops may write relevo://i/ for relevo:i
                rest.trim_start_matches('/').trim_end_matches('/')
            }
        };
        let kind = match verb {
            "i" => LinkKind::Invite,
            "c" => LinkKind::Contact,
            _ => return Err(LinkError::NotALink),
        };
        let bytes = BASE64URL_NOPAD
            .decode(fragment.as_bytes())
            .map_err(|_| LinkError::Damaged)?;
        if matches!(bytes.as_slice(), [0xa1..=0xb7, 0, version, ..] if *version > VERSION) {
            return Err(LinkError::TooNew);
        }
        let body: LinkBody = cbor::decode(&bytes).map_err(|_| LinkError::Damaged)?;
        // a new field means a new version: what a person sees as one link has one form
        let fields = if body.issuer.is_some() { 0xa5 } else { 0xa4 };
        if body.version != VERSION || bytes.first() != Some(&fields) || body.addresses.is_empty() {
            return Err(LinkError::Damaged);
        }
        if kind == LinkKind::Contact && body.issuer.is_none() {
            return Err(LinkError::Damaged);
        }
        Ok(Self {
            kind,
            addresses: body
                .addresses
                .iter()
                .map(|text| {
                    let address: Address = text.parse()?;
                    // as its writers spell it: one link has one form
                    let is_canonical = address.to_string() == *text;
                    is_canonical.then_some(address).ok_or(LinkError::Damaged)
                })
                .collect::<Result<_, _>>()?,
            relay: body.relay,
            secret: LinkSecret::new(body.secret),
            issuer: body.issuer,
        })
    }
}
