//! Opening the file, the key, the pragmas, and the one way to write.

use std::{
    cell::RefCell,
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    event::Event,
    store::mls,
};

/// Raises with each migration; kept in `PRAGMA user_version`.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
];

/// How long a connection waits for another's lock. Writers are one thread, so only checkpoints and backups are in the way.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Marks the file as ours ("Rlvo"), so that a foreign database is never migrated.
const APPLICATION_ID: i32 = 0x526c_766f;

/// The raw 256-bit key of the database. Wiped when dropped.
#[derive(Clone)]
pub struct DatabaseKey(Zeroizing<[u8; 32]>);

impl DatabaseKey {
    /// Wraps random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The raw bytes, for the key slots only.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for DatabaseKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("DatabaseKey(…)")
    }
}

/// The writing connection. There is one, and one thread owns it.
pub struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    /// Makes a new database. Refuses a path where a file is.
    ///
    /// # Errors
    /// [`ErrorKind::Database`] or [`ErrorKind::DiskFull`].
    pub fn create(path: &Path, key: &DatabaseKey) -> Result<Self> {
        if path.exists() {
            return Err(Error::new(
                ErrorKind::Database,
                "a database is there already",
            ));
        }
        let connection = Connection::open(path)?;
        Self::prepare(connection, path, key)
    }

    /// Opens a database and brings it up to this version.
    ///
    /// # Errors
    /// [`ErrorKind::Database`]: no file, wrong key, damaged, made by a newer version.
    pub fn open(path: &Path, key: &DatabaseKey) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        Self::prepare(connection, path, key)
    }

    /// A connection of its own for reading.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub fn open_reader(path: &Path, key: &DatabaseKey) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        unlock(&connection, key)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn prepare(mut connection: Connection, path: &Path, key: &DatabaseKey) -> Result<Self> {
        unlock(&connection, key)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(128);
        migrate(&mut connection)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads outside a transaction.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Runs one write transaction. What `work` announces is returned only if the commit succeeded.
    ///
    /// # Errors
    /// What `work` returned, or [`ErrorKind::Database`] from the commit; then nothing was changed or announced.
    pub fn write<T>(
        &mut self,
        work: impl FnOnce(&WriteTransaction<'_>) -> Result<T>,
    ) -> Result<(T, BTreeSet<Event>)> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let write = WriteTransaction {
            transaction,
            changes: RefCell::default(),
        };
        let value = work(&write)?;
        write.transaction.commit()?;
        Ok((value, write.changes.into_inner()))
    }
}

/// A running write transaction, and what it will announce once it is committed.
pub struct WriteTransaction<'a> {
    transaction: Transaction<'a>,
    changes: RefCell<BTreeSet<Event>>,
}

impl WriteTransaction<'_> {
    /// The connection within the transaction.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.transaction
    }

    /// Notes a change, announced after the commit.
    pub fn announce(&self, event: Event) {
        self.changes.borrow_mut().insert(event);
    }
}

/// Gives SQLCipher its key and proves that it is the right one.
fn unlock(connection: &Connection, key: &DatabaseKey) -> Result<()> {
    // without this SQLCipher writes to stderr when the key is wrong
    connection.pragma_update(None, "cipher_log_level", "NONE")?;
    let hex = Zeroizing::new(data_encoding::HEXLOWER.encode(key.as_bytes()));
    let literal = Zeroizing::new(format!("x'{}'", hex.as_str()));
    connection.pragma_update(None, "key", literal.as_str())?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(())
}

fn migrate(connection: &mut Connection) -> Result<()> {
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    if version > MIGRATIONS.len() {
        return Err(Error::new(
            ErrorKind::Database,
            "made by a newer version of Relevo",
        ));
    }
    if version > 0 && application != APPLICATION_ID {
        return Err(Error::new(ErrorKind::Database, "not a database of Relevo"));
    }
    for (number, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        if number == 0 {
            transaction.execute_batch(mls::SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        transaction.pragma_update(
            None,
            "user_version",
            u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1),
        )?;
        transaction.commit()?;
    }
    Ok(())
}
