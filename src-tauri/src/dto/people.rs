use client_core::model;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::AccountId;

/// What others may see of this account; each works both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Privacy {
    /// Tell others what was read, and see what they read.
    pub(crate) read_receipts: bool,
    /// Tell others that one is typing, and see when they are.
    pub(crate) typing: bool,
    /// Be seen as online, and see others.
    pub(crate) announce: bool,
}

impl From<model::Privacy> for Privacy {
    fn from(privacy: model::Privacy) -> Self {
        Self {
            read_receipts: privacy.read_receipts,
            typing: privacy.typing,
            announce: privacy.announce,
        }
    }
}

impl From<Privacy> for model::Privacy {
    fn from(privacy: Privacy) -> Self {
        Self {
            read_receipts: privacy.read_receipts,
            typing: privacy.typing,
            announce: privacy.announce,
        }
    }
}

/// Whether a contact is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PresenceState {
    Online,
    Offline,
}

/// Whether a contact is there, as far as it is known now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Presence {
    pub(crate) state: PresenceState,
    pub(crate) last_seen: Option<u64>,
}

impl From<model::Presence> for Presence {
    fn from(presence: model::Presence) -> Self {
        Self {
            state: if presence.connected {
                PresenceState::Online
            } else {
                PresenceState::Offline
            },
            last_seen: presence.last_seen,
        }
    }
}

/// An account that is blocked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BlockedAccount {
    pub(crate) account: AccountId,
    pub(crate) name: String,
}

impl From<model::BlockedContact> for BlockedAccount {
    fn from(contact: model::BlockedContact) -> Self {
        Self {
            account: AccountId(contact.account),
            name: contact.name,
        }
    }
}
