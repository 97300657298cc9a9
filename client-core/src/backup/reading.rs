//! Reading a backup: to restore it, to fill what a database lost, and to rehearse both.

use std::path::{Path, PathBuf};

use protocol::AccountId;
use zeroize::Zeroizing;

use crate::{
    backup::{
        BackupError, aside, key_of,
        manifest::{self, Manifest},
        record::Record,
        stream,
    },
    error::Error,
    store::{
        Database, WriteTransaction, account,
        backup::{self, MESSAGES, SMALL_TABLES, Settings},
        database, mendings,
    },
};

/// A backup whose manifest holds.
pub struct Opened {
    pub(super) folder: PathBuf,
    pub(super) key: Zeroizing<[u8; 32]>,
    pub(super) manifest: Manifest,
}

/// What came out of a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Contacts in it.
    pub contacts: u64,
    /// Conversations in it.
    pub conversations: u64,
    /// Messages in it; after [`Opened::fill`], those that the database did not have.
    pub messages: u64,
}

/// Opens the backup of a folder with the recovery code.
///
/// # Errors
/// [`BackupError`].
pub fn open(folder: &Path, code: &[u8; 32]) -> Result<Opened, BackupError> {
    open_by(folder, key_of(code)?)
}

/// Opens this account's own backup, for which the database has the key.
///
/// # Errors
/// [`BackupError`].
pub fn open_with_key(settings: &Settings) -> Result<Opened, BackupError> {
    open_by(Path::new(&settings.folder), settings.key.clone())
}

/// Restores into memory and compares with what the last run wrote. Says how much it was.
///
/// # Errors
/// [`BackupError::Damaged`]: something differs; the others as they come.
pub fn rehearse(settings: &Settings) -> Result<Restored, BackupError> {
    open_with_key(settings)?.rehearse()
}

fn open_by(folder: &Path, key: Zeroizing<[u8; 32]>) -> Result<Opened, BackupError> {
    let manifest = manifest::read(folder, &key)?;
    if manifest.form > database::newest_form() {
        return Err(BackupError::Newer);
    }
    Ok(Opened {
        folder: folder.to_owned(),
        key,
        manifest,
    })
}

impl Opened {
    /// The account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.manifest.account
    }

    /// The account's keys as the recovery code wraps them.
    #[must_use]
    pub fn record(&self) -> &[u8] {
        &self.manifest.record
    }

    /// When the last run ended, by the clock of the computer that wrote it.
    #[must_use]
    pub const fn time(&self) -> u64 {
        self.manifest.time
    }

    /// Restores into memory and compares with what the last run wrote. Says how much it was.
    ///
    /// # Errors
    /// [`BackupError::Damaged`]: something differs; the others as they come.
    pub fn rehearse(&self) -> Result<Restored, BackupError> {
        let (database, restored) = self.restore_to_memory()?;
        let connection = database.connection();
        let columns = backup::columns(connection, MESSAGES)?;
        let (count, digest) = backup::digest(connection, &columns, self.manifest.last_message)?;
        let manifest = &self.manifest;
        let same = if manifest.holds_lost {
            count >= manifest.messages
        } else {
            count == manifest.messages && digest == *manifest.digest
        };
        if same {
            Ok(restored)
        } else {
            Err(BackupError::damaged(format!(
                "{count} messages instead of {}, or other ones",
                manifest.messages
            )))
        }
    }

    /// Restores into the database of a device that was just made: contacts, conversations and messages, what others may see, and
    /// the handle. Its conversations
    /// are to be joined again, see [`crate::store::mendings::mls_lost`].
    ///
    /// # Errors
    /// [`BackupError`]; the caller rolls the transaction back.
    pub fn restore(&self, write: &WriteTransaction<'_>) -> Result<Restored, BackupError> {
        if !backup::is_fresh(write.connection())? {
            return Err(BackupError::NotFresh);
        }
        // messages are rows of conversations that come before them, but hostile files may say otherwise
        backup::defer_references(write)?;
        let restored = self.put_rows(write)?;
        if let Some(privacy) = self.manifest.privacy {
            account::set_privacy(write, account::privacy_from(privacy))?;
            account::set_handle(write, self.manifest.handle.as_deref())?;
        }
        backup::finish_restore(write, &self.manifest.run)?;
        Ok(restored)
    }

    /// Gives a database of the same device the messages that it lost and the backup still has.
    ///
    /// # Errors
    /// [`BackupError`]; the caller rolls the transaction back.
    pub fn fill(&self, write: &WriteTransaction<'_>) -> Result<Restored, BackupError> {
        let (memory, mut restored) = self.restore_to_memory()?;
        let [.., before] = backup::count(write.connection())?;
        backup::defer_references(write)?;
        for table in SMALL_TABLES.iter().chain([&MESSAGES]) {
            let columns = backup::columns(memory.connection(), table)?;
            backup::small_rows(memory.connection(), table, &columns, &mut |row, cells| {
                backup::insert_if_new(write, table, &columns, row, &cells)
            })?;
        }
        backup::finish_filling(write, &self.manifest.run)?;
        let [.., now] = backup::count(write.connection())?;
        restored.messages = now.saturating_sub(before);
        Ok(restored)
    }

    /// Fills the database of a device that lost its own, and has backups go on in the same folder.
    ///
    /// # Errors
    /// [`BackupError`]; the caller rolls the transaction back.
    pub(crate) fn refill(&self, write: &WriteTransaction<'_>) -> Result<Restored, BackupError> {
        let folder = self.folder.to_string_lossy();
        backup::turn_on(write, &self.key, &folder, self.record())?;
        let restored = self.fill(write)?;
        mendings::note_refilled(write, self.time(), restored.messages)?;
        Ok(restored)
    }

    pub(super) fn restore_to_memory(&self) -> Result<(Database, Restored), BackupError> {
        let mut database = Database::in_memory()?;
        let mut restored = Ok(Restored::default());
        let written = database.write(|write| {
            backup::defer_references(write)?;
            match self.put_rows(write) {
                Ok(done) => {
                    restored = Ok(done);
                    backup::drop_dangling(write)
                }
                Err(error) => {
                    let words = error.to_string();
                    restored = Err(error);
                    Err(Error::new(crate::ErrorKind::Database, words))
                }
            }
        });
        let restored = restored?;
        written?;
        Ok((database, restored))
    }

    fn put_rows(&self, write: &WriteTransaction<'_>) -> Result<Restored, BackupError> {
        self.put_segment(write, &self.manifest.state, SMALL_TABLES)?;
        for segment in &self.manifest.segments {
            self.put_segment(write, segment, &[MESSAGES])?;
        }
        let [contacts, conversations, messages] = backup::count(write.connection())?;
        Ok(Restored {
            contacts,
            conversations,
            messages,
        })
    }

    fn put_segment(
        &self,
        write: &WriteTransaction<'_>,
        id: &manifest::SegmentId,
        allowed: &[&str],
    ) -> Result<(), BackupError> {
        let path = aside::find(&self.folder, id);
        let mut target: Option<(String, Vec<String>)> = None;
        stream::read(&path, id, &self.key, &mut |record| {
            match record {
                Record::Table(table, columns) => {
                    let known = allowed
                        .contains(&table.as_str())
                        .then(|| backup::columns(write.connection(), &table))
                        .transpose()?
                        .unwrap_or_default();
                    if columns.is_empty() || !columns.iter().all(|it| known.contains(it)) {
                        return Err(BackupError::damaged("a table that is not known"));
                    }
                    target = Some((table, columns));
                }
                Record::Row(row, cells) => {
                    let (table, columns) = target
                        .as_ref()
                        .ok_or_else(|| BackupError::damaged("a row of no table"))?;
                    backup::insert(write, table, columns, row, &cells)?;
                }
                Record::Removed(row) => backup::remove_message(write, row)?,
            }
            Ok(())
        })
    }
}
