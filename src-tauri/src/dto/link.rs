use client_core::{model, store::links::LinkRow};
use serde::Serialize;
use ts_rs::TS;

use super::{AccountId, ConversationKey};

/// What opening a link means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LinkKind {
    Invite,
    Contact,
}

/// What a link says, before anything happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LinkPreview {
    pub(crate) kind: LinkKind,
    /// Host and port.
    pub(crate) relay: String,
    pub(crate) issuer: Option<AccountId>,
    /// Eight letters to compare by eye.
    pub(crate) issuer_short: Option<String>,
    /// Whether it is the relay of the account that is open.
    pub(crate) same_relay: bool,
    /// The conversation with the issuer, if there is one.
    pub(crate) known: Option<ConversationKey>,
}

impl From<protocol::LinkKind> for LinkKind {
    fn from(kind: protocol::LinkKind) -> Self {
        match kind {
            protocol::LinkKind::Invite => Self::Invite,
            protocol::LinkKind::Contact => Self::Contact,
        }
    }
}

/// A link that was just made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewLink {
    pub(crate) url: String,
    /// The link as a QR code: a complete SVG document.
    pub(crate) qr: String,
    pub(crate) expires: u64,
    /// How many people may use it.
    pub(crate) uses: u16,
}

impl NewLink {
    pub(crate) fn new(link: model::IssuedLink, qr: String) -> Self {
        Self {
            url: link.https,
            qr,
            expires: link.expires,
            uses: link.uses,
        }
    }
}

/// A link that was made before and still holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IssuedLink {
    /// Names it for `endLink`.
    pub(crate) token: String,
    pub(crate) kind: LinkKind,
    pub(crate) expires: u64,
    pub(crate) uses: u16,
}

impl From<LinkRow> for IssuedLink {
    fn from(link: LinkRow) -> Self {
        Self {
            token: link.token.to_hex(),
            kind: if link.invite {
                LinkKind::Invite
            } else {
                LinkKind::Contact
            },
            expires: link.expires,
            uses: link.uses,
        }
    }
}
