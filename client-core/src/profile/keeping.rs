//! What an open account does for its files: other slots, the identity beside them, copies.

use std::{fs, io::Write, path::PathBuf};

use zeroize::Zeroizing;

use crate::{
    backup::{self, BackupError, Job, Opened, Ran},
    error::{Error, ErrorKind, Result},
    export, files,
    keyslots::{self, Protection, SecretStore, SlotKind},
    model::ConversationKey,
    profile::{OpenedAccount, Profile, entry_name},
    safekeeping::{Copied, copies, mending},
    seams::Randomness,
    store::{Database, DatabaseKey, OpenError, WriteTransaction, account, identity},
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

    /// When the newest copy of the database was made, in milliseconds since 1970-01-01 UTC, to the minute.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn last_copy(&self) -> Result<Option<u64>> {
        let copies = copies::list(&self.copies())?;
        Ok(copies.first().map(|copy| copy.time))
    }

    /// Whether [`Profile::forget_what_was_wiped`] is due: the root key left the database, and what followed did not end.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn must_forget(&self, key: &DatabaseKey) -> Result<bool> {
        account::is_unwiped(&Database::open_reader(&self.database(), key)?)
    }

    /// Keeps what was wiped in the database from living on beside it: makes a copy, removes all others, and writes the
    /// identity anew. To be called after the root key was forgotten, until it succeeds; then [`crate::Client::note_wiped`].
    /// What [`Profile::quarantines`] lists stays: that is for a person to decide.
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
        let copy = copies::make(&self.copies(), &self.database(), key, now)?;
        Ok(copies::prune_to(&self.copies(), &copy)?)
    }

    /// The folders that hold damaged databases as they were found, oldest first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn quarantines(&self) -> Result<Vec<PathBuf>> {
        mending::quarantines(&self.database())
    }

    /// Deletes the damaged databases for good. For a person who misses nothing, or wants no older key to be on this computer.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`]; then some may be gone.
    pub fn discard_quarantines(&self) -> Result<()> {
        for folder in self.quarantines()? {
            fs::remove_dir_all(folder)?;
        }
        files::sync_folder(&self.account())
    }

    /// Writes the backup of a run that the engine's thread began. Blocks; the engine may go on writing. See [`backup::run`].
    ///
    /// # Errors
    /// As there; then the former backup is as it was.
    pub fn back_up(
        &self,
        key: &DatabaseKey,
        job: &Job,
        now: u64,
        random: &mut dyn Randomness,
    ) -> std::result::Result<Ran, BackupError> {
        backup::run(&self.database(), key, job, now, random)
    }

    /// Writes a conversation as a file that other programs read. Blocks; has a connection of its own. See
    /// [`export::conversation`].
    ///
    /// # Errors
    /// As there.
    pub fn export(
        &self,
        key: &DatabaseKey,
        conversation: ConversationKey,
        format: export::Format,
        locale: &export::Locale,
        now: u64,
        output: &mut dyn Write,
    ) -> Result<u64> {
        let connection = Database::open_reader(&self.database(), key)?;
        export::conversation(&connection, conversation, format, locale, now, output)
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

impl OpenedAccount {
    /// Takes contacts, conversations and messages from a backup into an account that was just restored, before it is started.
    /// The code that opened the backup found the account. Safe to repeat: where an earlier attempt left something, what is
    /// missing is added.
    ///
    /// # Errors
    /// [`BackupError`]; then nothing was changed.
    pub fn take_over(&mut self, backup: &Opened) -> std::result::Result<u64, BackupError> {
        let restored = self.change(|write| {
            let restored = backup.restore(write)?;
            crate::KillPoint::TakenOverBeforeCommit.reach();
            Ok(restored)
        });
        crate::KillPoint::TakenOverAfterCommit.reach();
        match restored {
            Ok(restored) => Ok(restored.messages),
            Err(BackupError::NotFresh) => Ok(self.engine.bring_back(&backup.read()?)?.messages),
            Err(error) => Err(error),
        }
    }

    /// One transaction that fails with what `work` says.
    pub(super) fn change<T>(
        &mut self,
        work: impl FnOnce(&WriteTransaction<'_>) -> std::result::Result<T, BackupError>,
    ) -> std::result::Result<T, BackupError> {
        let mut outcome = None;
        let written = self.engine.change(|write| {
            let done = work(write);
            let kept = done.is_ok();
            outcome = Some(done);
            if kept {
                Ok(())
            } else {
                Err(Error::new(
                    ErrorKind::Refused,
                    "the backup was not restored",
                ))
            }
        });
        match (written, outcome) {
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(Ok(done))) => Ok(done),
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => {
                Err(Error::new(ErrorKind::Internal, "the transaction did not run").into())
            }
        }
    }
}
