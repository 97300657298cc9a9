use client_core::{keyslots, model};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use zeroize::Zeroizing;

use super::{AccountId, AppError};

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
            }),
            retry_at: connection.retry_at,
            waiting: connection.waiting,
        }
    }
}

/// Oneself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Me {
    pub(crate) account: AccountId,
    pub(crate) name: String,
    /// Host and port, as shown to the person.
    pub(crate) relay: String,
}

impl From<&model::Me> for Me {
    fn from(me: &model::Me) -> Self {
        Self {
            account: AccountId(me.account),
            name: me.name.clone(),
            relay: me.relay.clone(),
        }
    }
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
    /// A passphrase opens the account.
    Locked { settings: Settings },
    /// There is an account, but the keyring did not give its key. Nothing is changed; try again.
    KeyringFailed { reason: String, settings: Settings },
    /// The account's files cannot be opened. Nothing is changed; try again.
    Broken { error: AppError, settings: Settings },
    /// The account is at work.
    Ready {
        me: Me,
        connection: Connection,
        settings: Settings,
    },
}

/// How a new account is protected on this computer.
#[derive(Deserialize, TS)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub(crate) enum Protection {
    Keyring,
    Passphrase { passphrase: Passphrase },
    Unprotected,
}

impl From<Protection> for keyslots::Protection {
    fn from(protection: Protection) -> Self {
        match protection {
            Protection::Keyring => Self::Keyring,
            Protection::Passphrase { passphrase } => Self::Passphrase(passphrase.0),
            Protection::Unprotected => Self::Unprotected,
        }
    }
}

/// A passphrase as typed. It is wiped from memory after use and never printed.
#[derive(Deserialize, TS)]
#[serde(from = "String")]
#[ts(type = "string")]
pub(crate) struct Passphrase(pub(crate) Zeroizing<String>);

impl From<String> for Passphrase {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}
