//! Opening the profile with what is at hand, and saying of each slot why it did not open.

use std::{fmt, path::Path};

use crate::{
    error::{Error, ErrorKind},
    keyslots::{
        SlotKind,
        file::{self, Slot},
        keyring::{KeyringTrouble, SecretStore},
        wrap::{self, WrapError},
    },
    store::DatabaseKey,
};

/// What is at hand to open a profile.
pub enum Unlock<'a> {
    /// Whatever needs no question: keyring, or unprotected.
    Silently(&'a dyn SecretStore),
    /// The passphrase.
    Passphrase(&'a str),
    /// The 256 bits of the recovery code.
    RecoveryCode(&'a [u8; 32]),
}

/// Why one slot did not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotTrouble {
    /// Which.
    pub slot: SlotKind,
    /// Why.
    pub trouble: Trouble,
}

/// Why a slot does not open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It was not tried: it takes something else than what was at hand. Ask the person for it.
    Unasked,
    /// The keyring gives nothing.
    Keyring(KeyringTrouble),
    /// The keyring works and has no entry for this profile: another keyring, or somebody deleted it.
    NoEntry,
    /// It holds a secret that is not this profile's key. Nothing was overwritten.
    OtherSecret,
    /// Not the passphrase, or not the recovery code.
    Wrong,
    /// The slot is damaged; the others may open.
    Damaged,
}

/// The profile stays closed. It was not changed.
#[derive(Debug)]
pub enum UnlockError {
    /// No slot opened; one trouble for each, in their order. Each is a question to the person.
    Locked(Vec<SlotTrouble>),
    /// The file of the slots is missing or damaged in both copies. Only a backup helps, with the recovery code.
    SlotsLost(Error),
}

impl fmt::Display for UnlockError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SlotsLost(error) => error.fmt(formatter),
            Self::Locked(troubles) => {
                formatter.write_str("no key slot opens")?;
                for SlotTrouble { slot, trouble } in troubles {
                    write!(formatter, "; {slot:?}: {trouble}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unasked => formatter.write_str("not tried"),
            Self::Keyring(trouble) => trouble.fmt(formatter),
            Self::NoEntry => formatter.write_str("the keyring has no entry for this profile"),
            Self::OtherSecret => formatter.write_str("it holds another secret"),
            Self::Wrong => formatter.write_str("that is not it"),
            Self::Damaged => formatter.write_str("the slot is damaged"),
        }
    }
}

impl std::error::Error for UnlockError {}

/// For callers that tell only the passphrase from the keyring.
impl From<UnlockError> for Error {
    fn from(error: UnlockError) -> Self {
        let troubles = match error {
            UnlockError::SlotsLost(error) => return error,
            UnlockError::Locked(troubles) => troubles,
        };
        for SlotTrouble { slot, trouble } in &troubles {
            if *slot == SlotKind::Keyring && *trouble != Trouble::Unasked {
                return Self::new(ErrorKind::Keyring, format!("keyring: {trouble}"));
            }
        }
        Self::new(
            ErrorKind::WrongPassphrase,
            UnlockError::Locked(troubles).to_string(),
        )
    }
}

/// Opens the first slot that can be opened with what is at hand.
///
/// # Errors
/// [`UnlockError`]. Nothing was changed.
pub fn unlock(path: &Path, unlock: &Unlock<'_>) -> Result<DatabaseKey, UnlockError> {
    let file = file::read(path).map_err(UnlockError::SlotsLost)?;
    let mut troubles = Vec::with_capacity(file.slots.len());
    for slot in &file.slots {
        let trouble = match open(slot, unlock) {
            Ok(key) if file.vouches(&key) != Some(false) => return Ok(key),
            Ok(_) => Trouble::OtherSecret,
            Err(trouble) => trouble,
        };
        troubles.push(SlotTrouble {
            slot: slot.kind(),
            trouble,
        });
    }
    Err(UnlockError::Locked(troubles))
}

/// Opens one slot. What it gives may be another key.
pub(super) fn open(slot: &Slot, unlock: &Unlock<'_>) -> Result<DatabaseKey, Trouble> {
    let wrapped = |outcome: Result<DatabaseKey, WrapError>| {
        outcome.map_err(|error| match error {
            WrapError::Wrong => Trouble::Wrong,
            WrapError::Damaged => Trouble::Damaged,
        })
    };
    match (slot, unlock) {
        (Slot::Unprotected(key), _) => Ok(DatabaseKey::new(*key)),
        (Slot::Keyring(entry), Unlock::Silently(keyring)) => match keyring.get(entry) {
            Ok(Some(secret)) => <[u8; 32]>::try_from(secret.as_slice())
                .map(DatabaseKey::new)
                .map_err(|_| Trouble::OtherSecret),
            Ok(None) => Err(Trouble::NoEntry),
            Err(trouble) => Err(Trouble::Keyring(trouble)),
        },
        (Slot::Passphrase(by), Unlock::Passphrase(passphrase)) => {
            wrapped(wrap::open_passphrase(by, passphrase))
        }
        (Slot::RecoveryCode(sealed), Unlock::RecoveryCode(code)) => {
            wrapped(wrap::open_code(sealed, code))
        }
        (Slot::Keyring(_) | Slot::Passphrase(_) | Slot::RecoveryCode(_), _) => {
            Err(Trouble::Unasked)
        }
    }
}
