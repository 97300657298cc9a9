//! Bringing back what a backup has into an account that is at work.

use protocol::AccountId;

use crate::{
    backup::{BackupError, Opened},
    store::{
        Database, WriteTransaction,
        backup::{self, Merged},
    },
};

/// A backup that was read whole, off the thread that writes the database.
pub struct Found {
    database: Database,
    account: AccountId,
    time: u64,
    folder: String,
    run: [u8; 16],
    key: zeroize::Zeroizing<[u8; 32]>,
}

/// What a backup brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BroughtBack {
    /// Messages that were not here.
    pub messages: u64,
    /// When the backup was written, by the clock of the computer that wrote it.
    pub time: u64,
}

impl Opened {
    /// Reads all of it into memory. Blocks.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn read(&self) -> Result<Found, BackupError> {
        let (database, _) = self.restore_to_memory()?;
        Ok(Found {
            database,
            account: self.account(),
            time: self.time(),
            folder: self.folder.to_string_lossy().into_owned(),
            run: *self.manifest.run,
            key: self.key.clone(),
        })
    }
}

impl Found {
    /// The account whose backup it is.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// When it was written.
    pub(crate) const fn time(&self) -> u64 {
        self.time
    }

    /// Adds what is not here. A device that wrote it and lost something has it again, and so does one that came after it.
    ///
    /// # Errors
    /// [`BackupError`]; the caller rolls the transaction back.
    pub(crate) fn merge(&self, write: &WriteTransaction<'_>) -> Result<Merged, BackupError> {
        let merged = backup::merge(write, self.database.connection())?;
        backup::note_filled(write, &self.folder, &self.key, &self.run)?;
        Ok(merged)
    }
}
