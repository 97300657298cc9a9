//! Reading a backup: to restore it, to fill what a database lost, and to rehearse both.

use std::path::{Path, PathBuf};

use protocol::AccountId;
use tracing::warn;
use zeroize::Zeroizing;

use crate::{
    backup::{
        BackupError, aside, key_of,
        manifest::{self, Manifest},
        record::Record,
        stream,
    },
    error::Error,
    files,
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

/// Restores into memory and compares with what the last run wrote. What is set aside in the folder and has all its files has to
/// be readable too. Says how much it was.
///
/// # Errors
/// [`BackupError::Damaged`]: something differs; the others as they come.
pub fn rehearse(settings: &Settings) -> Result<Restored, BackupError> {
    let opened = open_with_key(settings)?;
    for earlier in opened.earlier() {
        earlier.read_alone().map_err(|error| {
            BackupError::damaged(format!("{}: {error}", earlier.folder.display()))
        })?;
    }
    opened.rehearse()
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

    /// Restores into memory and compares with what the last run wrote. Says how much it was, with what is set aside.
    ///
    /// # Errors
    /// [`BackupError::Damaged`]: something differs; the others as they come.
    pub fn rehearse(&self) -> Result<Restored, BackupError> {
        let mut database = self.read_alone()?;
        let connection = database.connection();
        let columns = backup::columns(connection, MESSAGES)?;
        let manifest = &self.manifest;
        let (count, digest) = backup::digest(connection, &columns, manifest.last_message)?;
        if (count, digest) != (manifest.messages, *manifest.digest) {
            return Err(BackupError::damaged(format!(
                "{count} messages instead of {}, or other ones",
                manifest.messages
            )));
        }
        self.add_earlier(&mut database);
        counted(&database)
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
        let (memory, restored) = self.restore_to_memory()?;
        put_as_they_are(write, &memory)?;
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
        if backup::is_fresh(write.connection())? {
            put_as_they_are(write, &memory)?;
        } else {
            backup::merge(write, memory.connection())?;
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

    /// What a restore brings: this backup, and of those that are set aside in its folder what it does not have.
    pub(super) fn restore_to_memory(&self) -> Result<(Database, Restored), BackupError> {
        let mut database = self.read_alone()?;
        self.add_earlier(&mut database);
        let restored = counted(&database)?;
        Ok((database, restored))
    }

    /// Adds what is set aside, the newest first. Rows of different backups are never told apart by their numbers: two databases
    /// may have given them out.
    fn add_earlier(&self, database: &mut Database) {
        for earlier in self.earlier() {
            let added = earlier.read_alone().and_then(|memory| {
                Ok(database.write(|write| backup::merge(write, memory.connection()))?)
            });
            if let Err(error) = added {
                // the others are not worth less for it
                warn!(%error, folder = %earlier.folder.display(), "what is set aside cannot be read");
            }
        }
    }

    /// The backups of this account that are set aside in the folder and have all their files, the newest first.
    fn earlier(&self) -> Vec<Self> {
        let own = (self.manifest.account, self.manifest.run);
        let mut places = aside::set_aside(&self.folder);
        places.reverse();
        places
            .into_iter()
            .filter_map(|place| open_by(&place, self.key.clone()).ok())
            .filter(|it| it.manifest.account == own.0 && it.manifest.run != own.1)
            .filter(|it| !it.manifest.holds_lost && it.is_complete())
            .collect()
    }

    fn is_complete(&self) -> bool {
        let mut names = self.manifest.names();
        names.all(|id| files::there(&aside::find(&self.folder, id)))
    }

    /// Reads this backup by itself into memory. Its rows have their numbers: one database gave them out.
    pub(super) fn read_alone(&self) -> Result<Database, BackupError> {
        let mut database = Database::in_memory()?;
        let mut read = Ok(());
        let written = database.write(|write| {
            // messages are rows of conversations that come before them, but hostile files may say otherwise
            backup::defer_references(write)?;
            match self.put_rows(write) {
                Ok(()) => backup::drop_dangling(write),
                Err(error) => {
                    let words = error.to_string();
                    read = Err(error);
                    Err(Error::new(crate::ErrorKind::Database, words))
                }
            }
        });
        read?;
        written?;
        Ok(database)
    }

    fn put_rows(&self, write: &WriteTransaction<'_>) -> Result<(), BackupError> {
        self.put_segment(write, &self.manifest.state, SMALL_TABLES)?;
        for segment in &self.manifest.segments {
            self.put_segment(write, segment, &[MESSAGES])?;
        }
        Ok(())
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

/// Into a database in which no number was given out.
fn put_as_they_are(write: &WriteTransaction<'_>, memory: &Database) -> Result<(), BackupError> {
    backup::defer_references(write)?;
    for table in SMALL_TABLES.iter().chain([&MESSAGES]) {
        let columns = backup::columns(memory.connection(), table)?;
        backup::small_rows(memory.connection(), table, &columns, &mut |row, cells| {
            backup::insert_if_new(write, table, &columns, row, &cells)
        })?;
    }
    Ok(())
}

fn counted(database: &Database) -> Result<Restored, BackupError> {
    let [contacts, conversations, messages] = backup::count(database.connection())?;
    Ok(Restored {
        contacts,
        conversations,
        messages,
    })
}
