//! What crosses the line between the program and its window: serialisable twins of client-core's values, and the
//! TypeScript types made from them.
//!
//! Domain values stay inside; ids travel as lower-case hex and are checked where they come in.

mod account;
mod conversation;
mod error;
mod event;
mod health;
mod link;
mod message;
mod people;
mod profile;
mod trust;

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::{Config, TS};

pub(crate) use self::{
    account::{AppState, Connection, KeyringStatus, Language, LostFiles, Me, Settings, Theme},
    conversation::Conversation,
    error::{AppError, ErrorCode},
    event::Event,
    health::{
        BackupTrouble, BackupTroubleKind, BroughtBack, ExportFormat, ExportLanguage, Health,
        OwnFolder, Rehearsal,
    },
    link::{IssuedLink, LinkPreview, NewLink},
    message::{Message, MessagePage, SearchHit},
    people::{BlockedAccount, OwnPresence, Presence, Privacy},
    profile::{Mended, Passphrase, Protection, Secret, Slot, SlotKind},
    trust::{AskedWord, Comparison, RecoveryCode, SafetyNumber},
};

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
        #[serde(try_from = "String", into = "String")]
        #[ts(type = "string")]
        pub(crate) struct $name(pub(crate) protocol::$name);

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.to_hex()
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                protocol::$name::from_hex(&text).map(Self).ok_or("not an id")
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

hex_id!(
    /// An account, in hex.
    AccountId
);
hex_id!(
    /// A message, in hex.
    MessageId
);

/// What this device calls a conversation, for life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
pub(crate) struct ConversationKey(pub(crate) i64);

impl From<client_core::model::ConversationKey> for ConversationKey {
    fn from(key: client_core::model::ConversationKey) -> Self {
        Self(key.0)
    }
}

impl From<ConversationKey> for client_core::model::ConversationKey {
    fn from(key: ConversationKey) -> Self {
        Self(key.0)
    }
}

/// The TypeScript of every type, in the order of reading: documentation, and declaration as ts-rs writes it.
pub(crate) fn declarations(config: &Config) -> Vec<(Option<String>, String)> {
    macro_rules! declare {
        ($($name:ty),+ $(,)?) => {
            vec![$((<$name as TS>::docs(), <$name as TS>::decl(config))),+]
        };
    }
    declare![
        AccountId,
        MessageId,
        ConversationKey,
        Theme,
        Language,
        Settings,
        KeyringStatus,
        account::ConnectionState,
        account::OfflineCause,
        Connection,
        account::RecoveryState,
        people::DoNotDisturb,
        people::StatusText,
        OwnPresence,
        Me,
        SlotKind,
        profile::SlotTrouble,
        Slot,
        profile::MendedHow,
        Mended,
        Privacy,
        people::PresenceState,
        Presence,
        SafetyNumber,
        Comparison,
        RecoveryCode,
        AskedWord,
        BlockedAccount,
        IssuedLink,
        Rehearsal,
        Health,
        BackupTroubleKind,
        BackupTrouble,
        BroughtBack,
        ExportFormat,
        ExportLanguage,
        OwnFolder,
        LostFiles,
        AppState,
        link::LinkKind,
        LinkPreview,
        Passphrase,
        Protection,
        message::OutgoingState,
        message::MessageKind,
        message::SystemEvent,
        Message,
        MessagePage,
        conversation::Standing,
        Conversation,
        NewLink,
        SearchHit,
        ErrorCode,
        AppError,
        Event,
    ]
}
