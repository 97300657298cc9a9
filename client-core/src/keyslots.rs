//! Who can open the profile: the database's random key, kept in one or more slots. Each alone opens it.
//!
//! The slots are a small file beside the database, kept twice. It holds the key itself only where the person chose
//! "unprotected on this computer"; else it says which entry of the computer's keyring has it, or holds it wrapped by a
//! passphrase or by the recovery code. A check value tells whether what a slot gives is the key, so that a keyring with
//! another secret is a question to the person and never a reason to begin a new database.
//!
//! The file also carries the account's identity under the database's key, see [`crate::store::Identity`].

mod file;
mod identity;
mod keyring;
mod unlocking;
mod wrap;

use std::path::Path;

use data_encoding::HEXLOWER;
use tracing::warn;
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    keyslots::file::{Slot, SlotFile},
    seams::Randomness,
    store::{DatabaseKey, Identity},
};

pub(crate) use self::wrap::derive;
pub use self::{
    keyring::{KeyringTrouble, SecretStore},
    unlocking::{SlotTrouble, Trouble, Unlock, UnlockError, unlock},
    wrap::SHORTEST_PASSPHRASE,
};

/// One slot that opens the profile, with what it takes to make it.
pub enum Protection {
    /// By the computer's keyring.
    Keyring,
    /// By a passphrase that is asked at each start.
    Passphrase(Zeroizing<String>),
    /// Not at all: who can read the disk can read the messages. Only when the person chose it.
    Unprotected,
    /// By the 256 bits of the recovery code.
    RecoveryCode(Zeroizing<[u8; 32]>),
}

impl Protection {
    /// The slot that it makes.
    #[must_use]
    pub const fn kind(&self) -> SlotKind {
        match self {
            Self::Keyring => SlotKind::Keyring,
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::Unprotected => SlotKind::Unprotected,
            Self::RecoveryCode(_) => SlotKind::RecoveryCode,
        }
    }
}

/// What a slot needs. A profile has at most one slot of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotKind {
    /// The computer's keyring.
    Keyring,
    /// A passphrase.
    Passphrase,
    /// Nothing.
    Unprotected,
    /// The recovery code.
    RecoveryCode,
}

impl SlotKind {
    /// Whether only the person can open it.
    #[must_use]
    pub const fn asks(self) -> bool {
        matches!(self, Self::Passphrase | Self::RecoveryCode)
    }
}

/// Makes the first slot of a profile and writes the file, in place of whatever slots there were. The slot is read back
/// before it counts.
///
/// `entry` begins the name of an entry in the keyring.
///
/// # Errors
/// [`ErrorKind::Keyring`], [`ErrorKind::PassphraseTooShort`], [`ErrorKind::DiskFull`], [`ErrorKind::Database`].
pub fn create(
    path: &Path,
    key: &DatabaseKey,
    protection: &Protection,
    entry: &str,
    keyring: &dyn SecretStore,
    random: &mut dyn Randomness,
) -> Result<()> {
    let before = file::read(path).ok();
    let slot = make(key, protection, entry, keyring, random)?;
    let next = SlotFile::new(before.as_ref(), key, vec![slot]);
    replace(path, key, &next, protection, keyring)?;
    forget_entries(before.as_ref(), &next, keyring);
    Ok(())
}

/// Adds a slot, or replaces the one of the same kind. It is read back before the one that it replaces goes.
///
/// The secret of a slot that went may still be on the disk, where a file once held it. This matters for
/// [`SlotKind::Unprotected`] alone.
///
/// # Errors
/// As [`create`]; then the slots are as before.
pub fn set(
    path: &Path,
    key: &DatabaseKey,
    protection: &Protection,
    entry: &str,
    keyring: &dyn SecretStore,
    random: &mut dyn Randomness,
) -> Result<()> {
    let before = owned(path, key)?;
    let slot = make(key, protection, entry, keyring, random)?;
    let mut slots = before.slots.clone();
    slots.retain(|other| other.kind() != slot.kind());
    slots.push(slot);
    let next = SlotFile::new(Some(&before), key, slots);
    replace(path, key, &next, protection, keyring)?;
    forget_entries(Some(&before), &next, keyring);
    Ok(())
}

/// Removes the slot of a kind, but never the last one. Whoever calls this has opened another slot, or just made one.
///
/// # Errors
/// [`ErrorKind::NotFound`]: there is none of this kind; [`ErrorKind::Refused`]: it is the last;
/// [`ErrorKind::Database`], [`ErrorKind::DiskFull`].
pub fn remove(
    path: &Path,
    key: &DatabaseKey,
    kind: SlotKind,
    keyring: &dyn SecretStore,
) -> Result<()> {
    let before = owned(path, key)?;
    let mut slots = before.slots.clone();
    slots.retain(|slot| slot.kind() != kind);
    if slots.len() == before.slots.len() {
        return Err(Error::new(ErrorKind::NotFound, "no slot of this kind"));
    }
    if slots.is_empty() {
        return Err(Error::new(ErrorKind::Refused, "the last slot stays"));
    }
    let next = SlotFile::new(Some(&before), key, slots);
    file::write(path, &next, |_| Ok(()))?;
    forget_entries(Some(&before), &next, keyring);
    Ok(())
}

/// Changes the passphrase of somebody who knows the old one.
///
/// # Errors
/// [`ErrorKind::WrongPassphrase`], and those of [`set`].
pub fn change_passphrase(
    path: &Path,
    old: &str,
    new: Zeroizing<String>,
    keyring: &dyn SecretStore,
    random: &mut dyn Randomness,
) -> Result<()> {
    let key = unlock(path, &Unlock::Passphrase(old))?;
    set(
        path,
        &key,
        &Protection::Passphrase(new),
        "",
        keyring,
        random,
    )
}

/// What the profile's slots need, in their order.
///
/// # Errors
/// [`ErrorKind::Damaged`]: the file is missing or damaged; [`ErrorKind::Newer`]; [`ErrorKind::Database`]: it cannot be read now.
pub fn kinds(path: &Path) -> Result<Vec<SlotKind>> {
    Ok(file::read(path)?.slots.iter().map(Slot::kind).collect())
}

/// Keeps the identity beside the slots, under the database's key. Writes only what changed.
///
/// # Errors
/// [`ErrorKind::Database`], [`ErrorKind::DiskFull`], [`ErrorKind::Internal`].
pub fn keep_identity(
    path: &Path,
    key: &DatabaseKey,
    identity: &Identity,
    random: &mut dyn Randomness,
) -> Result<()> {
    let before = owned(path, key)?;
    let kept = before
        .identity
        .as_ref()
        .and_then(|sealed| identity::open(sealed, key));
    if kept.is_some_and(|kept| kept == *identity) {
        return Ok(());
    }
    let mut next = SlotFile::new(Some(&before), key, before.slots.clone());
    next.identity = Some(identity::seal(identity, key, random)?);
    file::write(path, &next, |written| {
        let sealed = written.identity.as_ref();
        match sealed.and_then(|sealed| identity::open(sealed, key)) {
            Some(kept) if kept == *identity => Ok(()),
            _ => Err(Error::new(ErrorKind::Database, "the identity was not kept")),
        }
    })
}

/// The identity as it was kept last. `None` where there is none, or it does not open.
///
/// # Errors
/// [`ErrorKind::Database`]: the file is missing or damaged.
pub fn identity(path: &Path, key: &DatabaseKey) -> Result<Option<Identity>> {
    let file = file::read(path)?;
    Ok(file
        .identity
        .as_ref()
        .and_then(|sealed| identity::open(sealed, key)))
}

/// Whether the slots vouch for this key: a file of an early version cannot.
///
/// # Errors
/// [`ErrorKind::Database`]: the file is missing or damaged.
pub fn vouches(path: &Path, key: &DatabaseKey) -> Result<bool> {
    Ok(file::read(path)?.vouches(key) == Some(true))
}

/// The file, for whoever has its key.
fn owned(path: &Path, key: &DatabaseKey) -> Result<SlotFile> {
    let file = file::read(path)?;
    if file.vouches(key) == Some(false) {
        return Err(Error::new(
            ErrorKind::Database,
            "the key slots belong to another key",
        ));
    }
    Ok(file)
}

fn make(
    key: &DatabaseKey,
    protection: &Protection,
    entry: &str,
    keyring: &dyn SecretStore,
    random: &mut dyn Randomness,
) -> Result<Slot> {
    Ok(match protection {
        Protection::Keyring => {
            // never over an entry that may be the only one of another profile
            let name = format!("{entry} {}", HEXLOWER.encode(&random.array::<4>()?));
            keyring.set(&name, key.as_bytes())?;
            Slot::Keyring(name)
        }
        Protection::Passphrase(passphrase) => {
            Slot::Passphrase(wrap::by_passphrase(key, passphrase, random)?)
        }
        Protection::RecoveryCode(code) => Slot::RecoveryCode(wrap::by_code(key, code, random)?),
        Protection::Unprotected => Slot::Unprotected(*key.as_bytes()),
    })
}

/// Writes the file, and opens the new slot from what was written before the old file goes.
fn replace(
    path: &Path,
    key: &DatabaseKey,
    next: &SlotFile,
    protection: &Protection,
    keyring: &dyn SecretStore,
) -> Result<()> {
    let at_hand = match protection {
        Protection::Keyring | Protection::Unprotected => Unlock::Silently(keyring),
        Protection::Passphrase(passphrase) => Unlock::Passphrase(passphrase),
        Protection::RecoveryCode(code) => Unlock::RecoveryCode(code),
    };
    file::write(path, next, |written| {
        let slot = written
            .slots
            .iter()
            .find(|slot| slot.kind() == protection.kind());
        match slot.map(|slot| unlocking::open(slot, &at_hand)) {
            Some(Ok(opened)) if opened.as_bytes() == key.as_bytes() => Ok(()),
            Some(Err(Trouble::Keyring(trouble))) => Err(trouble.into()),
            _ if protection.kind() == SlotKind::Keyring => Err(Error::new(
                ErrorKind::Keyring,
                "the keyring did not keep the key",
            )),
            _ => Err(Error::new(
                ErrorKind::Database,
                "the new key slot does not open",
            )),
        }
    })
}

/// Takes entries out of the keyring that no slot names any more.
fn forget_entries(before: Option<&SlotFile>, now: &SlotFile, keyring: &dyn SecretStore) {
    let named = |name: &str| now.entries().any(|other| other == name);
    for name in before.into_iter().flat_map(SlotFile::entries) {
        if !named(name)
            && let Err(trouble) = keyring.remove(name)
        {
            warn!(%trouble, "an entry stays in the keyring that nothing needs");
        }
    }
}
