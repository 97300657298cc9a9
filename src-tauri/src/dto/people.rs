use std::fmt;

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

/// Whether a contact is there, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum PresenceState {
    Online,
    Idle,
    DoNotDisturb,
    Offline,
}

/// Whether a contact is there, as far as it is known now.
#[derive(Clone, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Presence {
    pub(crate) state: PresenceState,
    /// When it was there last; null while it is.
    pub(crate) last_seen: Option<u64>,
    /// Since when it is idle or does not want to be disturbed, by its own word.
    pub(crate) since: Option<u64>,
    /// What it says of itself.
    pub(crate) text: Option<String>,
}

impl From<model::Presence> for Presence {
    fn from(presence: model::Presence) -> Self {
        Self {
            state: match presence.availability {
                _ if !presence.connected => PresenceState::Offline,
                model::Availability::Active => PresenceState::Online,
                model::Availability::Idle => PresenceState::Idle,
                model::Availability::DoNotDisturb => PresenceState::DoNotDisturb,
            },
            last_seen: presence.last_seen,
            since: presence.since,
            text: presence.text,
        }
    }
}

/// Shows no text.
impl fmt::Debug for Presence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Presence")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Do not disturb, as long as it lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DoNotDisturb {
    /// Null: until the person changes it.
    pub(crate) until: Option<u64>,
}

/// A line for contacts, as long as it lasts.
#[derive(Clone, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusText {
    pub(crate) text: String,
    /// Null: until the person changes it.
    pub(crate) until: Option<u64>,
}

/// Shows no text.
impl fmt::Debug for StatusText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StatusText")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// What the person says of themselves, and whether contacts see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnPresence {
    /// False: contacts see nothing, and the person sees nothing of them.
    pub(crate) announced: bool,
    pub(crate) do_not_disturb: Option<DoNotDisturb>,
    pub(crate) text: Option<StatusText>,
}

impl OwnPresence {
    pub(super) fn new(presence: model::OwnPresence, announced: bool) -> Self {
        Self {
            announced,
            do_not_disturb: presence
                .do_not_disturb
                .map(|it| DoNotDisturb { until: it.until }),
            text: presence.text.map(|it| StatusText {
                text: it.text,
                until: it.until,
            }),
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
