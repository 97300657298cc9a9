use client_core::model;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{AccountId, AppError, BackupTrouble, Mended, OwnPresence, Slot};

/// How the window looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

/// The language of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Language {
    #[default]
    System,
    En,
    Es,
}

/// What a person chose for this installation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    pub(crate) theme: Theme,
    pub(crate) language: Language,
}

/// Whether the computer's keyring can keep a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "state", rename_all = "camelCase")]
pub(crate) enum KeyringStatus {
    Available,
    Unavailable { reason: String },
}

/// How the connection to the relay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ConnectionState {
    Connecting,
    Online,
    Offline,
}

/// Why there is no connection, where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OfflineCause {
    RelayUnreachable,
    RelayIdentity,
    Version,
    Replaced,
    Revoked,
    SignedOut,
    RelayBusy,
    RelayRestarting,
    DiskFull,
}

/// The connection as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection {
    pub(crate) state: ConnectionState,
    /// Since when, by the computer's clock.
    pub(crate) since: u64,
    pub(crate) cause: Option<OfflineCause>,
    /// When the next attempt is, by the computer's clock.
    pub(crate) retry_at: Option<u64>,
    /// How many messages wait to be sent.
    pub(crate) waiting: u32,
}

impl From<model::Connection> for Connection {
    fn from(connection: model::Connection) -> Self {
        Self {
            state: match connection.state {
                model::ConnectionState::Connecting => ConnectionState::Connecting,
                model::ConnectionState::Online => ConnectionState::Online,
                model::ConnectionState::Offline => ConnectionState::Offline,
            },
            since: connection.since,
            cause: connection.cause.map(|cause| match cause {
                model::OfflineCause::RelayUnreachable => OfflineCause::RelayUnreachable,
                model::OfflineCause::RelayIdentity => OfflineCause::RelayIdentity,
                model::OfflineCause::Version => OfflineCause::Version,
                model::OfflineCause::Replaced => OfflineCause::Replaced,
                model::OfflineCause::Revoked => OfflineCause::Revoked,
                model::OfflineCause::SignedOut => OfflineCause::SignedOut,
                model::OfflineCause::RelayBusy => OfflineCause::RelayBusy,
                model::OfflineCause::RelayRestarting => OfflineCause::RelayRestarting,
                model::OfflineCause::DiskFull => OfflineCause::DiskFull,
            }),
            retry_at: connection.retry_at,
            waiting: connection.waiting,
        }
    }
}

/// How far the person is with the recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum RecoveryState {
    Later,
    Due,
    Confirmed,
}

/// Oneself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    /// Host and port, as shown to the person.
    pub(crate) relay: String,
    /// By which others find the account, if any.
    pub(crate) handle: Option<String>,
    /// "due" from the first reply on, until two of its words were checked.
    pub(crate) recovery: RecoveryState,
    pub(crate) presence: OwnPresence,
}

impl From<model::Me> for Me {
    fn from(me: model::Me) -> Self {
        Self {
            account: AccountId(me.account),
            name: me.name,
            relay: me.relay,
            handle: me.handle,
            recovery: match me.recovery {
                model::RecoveryState::Later => RecoveryState::Later,
                model::RecoveryState::Due => RecoveryState::Due,
                model::RecoveryState::Confirmed => RecoveryState::Confirmed,
            },
            presence: OwnPresence::new(me.presence, me.announced),
        }
    }
}

/// What happened to files that nothing opens any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum LostFiles {
    /// The messages are not there at all.
    Missing,
    /// The messages are there and unreadable.
    Damaged,
    /// What opens the messages is missing or unreadable.
    Ways,
}

/// Where things stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "stage", rename_all = "camelCase")]
pub(crate) enum AppState {
    /// There is no account.
    FirstRun {
        keyring: KeyringStatus,
        settings: Settings,
    },
    /// The person has to open the account, by one of the ways that ask. Nothing is changed.
    Locked {
        slots: Vec<Slot>,
        settings: Settings,
    },
    /// The keyring is the only way in and did not give the key. Nothing is changed; try again.
    KeyringFailed {
        reason: String,
        slots: Vec<Slot>,
        settings: Settings,
    },
    /// The account's files cannot be opened. Nothing is changed; try again.
    Broken { error: AppError, settings: Settings },
    /// Nothing can be read of the account's files, and there is no copy. Nothing is changed; the person decides.
    Lost {
        what: LostFiles,
        /// Whether the account's keys are there, so that it opens without messages or with those of a backup.
        keys: bool,
        /// For the page of details, never translated.
        detail: String,
        settings: Settings,
    },
    /// The account is at work.
    Ready {
        me: Box<Me>,
        connection: Connection,
        settings: Settings,
        mended: Option<Mended>,
        /// The database was found damaged at work: nothing is written any more, and a restart mends it.
        damaged: bool,
        backup: Option<BackupTrouble>,
    },
}
