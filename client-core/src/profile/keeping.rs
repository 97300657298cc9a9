//! What an open account does for its files: other slots, the identity beside them, copies.

use zeroize::Zeroizing;

use crate::{
    error::Result,
    keyslots::{self, Protection, SecretStore, SlotKind},
    profile::{Profile, entry_name},
    safekeeping::{Copied, copies},
    seams::Randomness,
    store::{Database, DatabaseKey, OpenError, account, identity},
};

impl Profile {
    /// Adds a key slot, or replaces the one of the same kind. See [`keyslots::set`].
    ///
    /// # Errors
    /// As there; then the slots are as before.
    pub fn set_slot(
        &self,
        key: &DatabaseKey,
        protection: &Protection,
        keyring: &dyn SecretStore,
        random: &mut dyn Randomness,
    ) -> Result<()> {
        let connection = Database::open_reader(&self.database(), key)?;
        let entry = entry_name(account::load(&connection)?.account);
        keyslots::set(&self.slots(), key, protection, &entry, keyring, random)
    }

    /// Removes a key slot, never the last one. See [`keyslots::remove`].
    ///
    /// # Errors
    /// As there.
    pub fn remove_slot(
        &self,
        key: &DatabaseKey,
        kind: SlotKind,
        keyring: &dyn SecretStore,
    ) -> Result<()> {
        keyslots::remove(&self.slots(), key, kind, keyring)
    }

    /// Changes the passphrase of somebody who knows the old one. See [`keyslots::change_passphrase`].
    ///
    /// # Errors
    /// As there.
    pub fn change_passphrase(
        &self,
        old: &str,
        new: Zeroizing<String>,
        keyring: &dyn SecretStore,
        random: &mut dyn Randomness,
    ) -> Result<()> {
        keyslots::change_passphrase(&self.slots(), old, new, keyring, random)
    }

    /// Writes the identity beside the slots anew if it changed. To be called whenever the account's keys, manifest, name or
    /// addresses did; every opening does it too.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`], [`crate::ErrorKind::DiskFull`].
    pub fn keep_identity(&self, key: &DatabaseKey, random: &mut dyn Randomness) -> Result<()> {
        let connection = Database::open_reader(&self.database(), key)?;
        let identity = identity::load(&connection)?;
        keyslots::keep_identity(&self.slots(), key, &identity, random)
    }

    /// Copies the database if its newest copy is older than a day: for the app to call now and then, off the engine's
    /// thread. The engine may go on writing. `now` is the computer's time in milliseconds.
    ///
    /// # Errors
    /// [`OpenError::Damaged`]: the database is, and is mended when it is opened next, so open it anew;
    /// [`OpenError::Failed`]: a full disk. The older copies stay.
    pub fn copy_if_due(
        &self,
        key: &DatabaseKey,
        now: u64,
    ) -> std::result::Result<Copied, OpenError> {
        copies::make_if_due(&self.copies(), &self.database(), key, now)
    }

    /// Keeps what was wiped in the database from living on beside it: makes a copy, removes all others, and writes the
    /// identity anew. To be called after the root key was forgotten.
    ///
    /// # Errors
    /// As [`Profile::copy_if_due`].
    pub fn forget_what_was_wiped(
        &self,
        key: &DatabaseKey,
        now: u64,
        random: &mut dyn Randomness,
    ) -> std::result::Result<(), OpenError> {
        self.keep_identity(key, random)?;
        copies::make(&self.copies(), &self.database(), key, now)?;
        Ok(copies::prune_to_newest(&self.copies(), now)?)
    }

    /// Has the database checked whole at its next opening. For the app to call when a reading failed with
    /// [`crate::ErrorKind::Database`], before it opens the account anew.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`], [`crate::ErrorKind::DiskFull`].
    pub fn doubt(&self) -> Result<()> {
        Database::doubt(&self.database())
    }
}
