use client_core::{keyslots, safekeeping};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use zeroize::Zeroizing;

/// A way in which the profile can be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SlotKind {
    Keyring,
    Passphrase,
    Recovery,
    Unprotected,
}

impl From<keyslots::SlotKind> for SlotKind {
    fn from(kind: keyslots::SlotKind) -> Self {
        match kind {
            keyslots::SlotKind::Keyring => Self::Keyring,
            keyslots::SlotKind::Passphrase => Self::Passphrase,
            keyslots::SlotKind::RecoveryCode => Self::Recovery,
            keyslots::SlotKind::Unprotected => Self::Unprotected,
        }
    }
}

impl From<SlotKind> for keyslots::SlotKind {
    fn from(kind: SlotKind) -> Self {
        match kind {
            SlotKind::Keyring => Self::Keyring,
            SlotKind::Passphrase => Self::Passphrase,
            SlotKind::Recovery => Self::RecoveryCode,
            SlotKind::Unprotected => Self::Unprotected,
        }
    }
}

/// Why a way in does not work now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SlotTrouble {
    Missing,
    Locked,
    Failed,
    Changed,
}

/// A way in, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Slot {
    pub(crate) kind: SlotKind,
    pub(crate) trouble: Option<SlotTrouble>,
    /// For the page of details, never translated.
    pub(crate) detail: Option<String>,
}

impl From<keyslots::SlotKind> for Slot {
    fn from(kind: keyslots::SlotKind) -> Self {
        Self {
            kind: kind.into(),
            trouble: None,
            detail: None,
        }
    }
}

impl From<&keyslots::SlotTrouble> for Slot {
    fn from(tried: &keyslots::SlotTrouble) -> Self {
        use client_core::keyslots::{KeyringTrouble, Trouble};
        let trouble = match &tried.trouble {
            // what a person types wrongly is an error of that attempt, not of the slot
            Trouble::Unasked | Trouble::Wrong => return tried.slot.into(),
            Trouble::NoEntry => SlotTrouble::Missing,
            Trouble::Keyring(KeyringTrouble::Locked(_)) => SlotTrouble::Locked,
            Trouble::Keyring(KeyringTrouble::Missing(_) | KeyringTrouble::Failed(_))
            | Trouble::Damaged => SlotTrouble::Failed,
            Trouble::OtherSecret => SlotTrouble::Changed,
        };
        Self {
            kind: tried.slot.into(),
            trouble: Some(trouble),
            detail: Some(tried.trouble.to_string()),
        }
    }
}

/// How a damaged database was mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum MendedHow {
    Salvaged,
    Copy,
    IdentityOnly,
    Backup,
}

/// Told once, after the database was found damaged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mended {
    pub(crate) how: MendedHow,
    /// When the copy or the backup was made.
    pub(crate) copy_time: Option<u64>,
    pub(crate) messages_kept: u64,
    /// Conversations that are here now.
    pub(crate) conversations: u64,
    /// At most this many are lost; null where that is not known.
    pub(crate) messages_missing: Option<u64>,
    /// Messages from then on may be lost; null where none are, or all.
    pub(crate) lost_since: Option<u64>,
    /// Where the damaged files are kept.
    pub(crate) quarantine: String,
}

impl Mended {
    pub(crate) fn new(mended: safekeeping::Mended, conversations: usize) -> Self {
        use client_core::safekeeping::How;
        let (how, copy_time) = match mended.how {
            How::Salvaged => (MendedHow::Salvaged, None),
            How::SalvagedAndCopy(copied) => (MendedHow::Salvaged, Some(copied)),
            How::Copy(copied) => (MendedHow::Copy, Some(copied)),
            How::KeysOnly => (MendedHow::IdentityOnly, None),
            How::Backup(written) => (MendedHow::Backup, Some(written)),
        };
        Self {
            how,
            copy_time,
            messages_kept: mended.messages_kept,
            conversations: u64::try_from(conversations).unwrap_or(u64::MAX),
            messages_missing: mended.messages_missing,
            lost_since: mended.lost_since.filter(|time| *time > 0),
            quarantine: mended.quarantine.display().to_string(),
        }
    }
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

/// Another text that is wiped from memory after use and never printed: a recovery code, or words of it.
#[derive(Deserialize, TS)]
#[serde(from = "String")]
#[ts(rename = "string", type = "string")]
pub(crate) struct Secret(pub(crate) Zeroizing<String>);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}
