//! Opening the file, the key, the pragmas, and the one way to write.

mod damage;
mod migrations;
mod witness;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use hkdf::Hkdf;
use rusqlite::{Connection, OpenFlags, Params, Transaction, TransactionBehavior, config::DbConfig};
use sha2::Sha256;
use tracing::warn;
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    event::Event,
};

use self::witness::Left;

pub(crate) use self::damage::{Check, Salt, check, is_damage};
pub use self::damage::{Damage, OpenError};

/// How long a connection waits for another's lock. Writers are one thread, so only checkpoints and backups are in the way.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// SQLCipher's default, which this crate never changes. In bytes.
const PAGE: u64 = 4096;
/// Statements that a connection keeps compiled: more than there are.
const STATEMENTS: usize = 256;

/// After an unclean end, a database up to this size is checked before it is used; a larger one by its next copy. In bytes.
/// Measured in `benches/opening.rs`: 0.15 s for 10,000 messages in an unoptimised build on a busy computer.
const CHECKED_AT_ONCE: u64 = 32 * 1024 * 1024;

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

    /// The salt with which databases of this key are made. SQLCipher keeps it, in the open, in the first 16 bytes of the file
    /// and derives from it and the key how pages are authenticated. One that is known without the file can be read when
    /// those bytes are gone. It need not be random, because the key is.
    fn salt(&self) -> [u8; 16] {
        let mut salt = [0; 16];
        // a length that HKDF always gives
        let _ = Hkdf::<Sha256>::new(None, self.0.as_slice())
            .expand(b"relevo database salt 1", &mut salt);
        salt
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
    /// Damage was found: what is on the disk stays as it is until it is mended.
    stopped: bool,
    // goes after the connection; a database in memory has none
    closing: Option<Closing>,
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(Closing(path)) = &self.closing {
            witness::note_closing(path);
        }
    }
}

/// Notes that the connection is closed.
struct Closing(PathBuf);

impl Drop for Closing {
    fn drop(&mut self) {
        witness::note_closed(&self.0);
    }
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
        let mut connection = Connection::open(path)?;
        give_key(&connection, key, Salt::OfTheKey)?;
        prepare(&connection)?;
        migrations::migrate(&mut connection, 0)?;
        witness::note_open(path)?;
        Ok(Self::new(connection, path))
    }

    /// Opens a database and brings it up to this version. After an unclean end it is looked at before it is used.
    ///
    /// # Errors
    /// [`OpenError`]. Nothing was changed.
    pub fn open(path: &Path, key: &DatabaseKey) -> std::result::Result<Self, OpenError> {
        Self::open_after(path, key, || Ok(()))
    }

    /// As [`Database::open`]; `before_migration` runs while a database of an older form still has it, and may refuse.
    ///
    /// # Errors
    /// As there, and what `before_migration` says.
    pub fn open_after(
        path: &Path,
        key: &DatabaseKey,
        before_migration: impl FnOnce() -> std::result::Result<(), OpenError>,
    ) -> std::result::Result<Self, OpenError> {
        let left = Left::see(path);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags)
            .map_err(OpenError::from)
            .and_then(|connection| {
                give_key(&connection, key, Salt::OfTheFile)?;
                Ok((migrations::version(&connection)?, connection))
            });
        let (version, mut connection) = match opened {
            Ok(opened) => opened,
            Err(error @ (OpenError::Newer | OpenError::Foreign)) => return Err(error),
            Err(OpenError::Failed(error)) if path.exists() => return Err(error.into()),
            Err(_) => return Err(damage::diagnose(path, key).beside(!left.unclean)),
        };
        look(&connection, path, left)?;
        if version < migrations::newest() {
            before_migration()?;
            migrations::migrate(&mut connection, version)?;
        }
        if let Err(error) = witness::note_open(path) {
            // a full disk must not keep the profile closed
            warn!(%error, "a lost write-ahead log would not be noticed");
        }
        Ok(Self::new(connection, path))
    }

    /// A database that is never on a disk.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub(crate) fn in_memory() -> Result<Self> {
        let mut connection = Connection::open_in_memory()?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrations::migrate(&mut connection, 0)?;
        Ok(Self {
            connection,
            path: PathBuf::new(),
            stopped: false,
            closing: None,
        })
    }

    /// A connection of its own for reading.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub fn open_reader(path: &Path, key: &DatabaseKey) -> Result<Connection> {
        let connection = unlocked(path, key, Salt::OfTheFile)?;
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        connection.pragma_update(None, "query_only", true)?;
        keep_statements(&connection)?;
        Ok(connection)
    }

    /// Has everything checked when the database is opened next. For whoever could not read something in it.
    ///
    /// # Errors
    /// [`ErrorKind::Database`], [`ErrorKind::DiskFull`].
    pub fn doubt(path: &Path) -> Result<()> {
        witness::note_doubt(path)
    }

    /// Writes nothing any more, also not when it is closed: the database is damaged, and what is there is kept as it is.
    pub(crate) fn stop_writing(&mut self) {
        self.stopped = true;
        let keep_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        if let Err(error) = self.connection.set_db_config(keep_log, true) {
            warn!(%error, "closing may still write to a damaged database");
        }
    }

    /// Moves the write-ahead log into the file and empties it. Says whether that was possible: somebody may be reading.
    ///
    /// # Errors
    /// [`ErrorKind::Database`], [`ErrorKind::DiskFull`].
    pub(crate) fn empty_log(&self) -> Result<bool> {
        if self.stopped {
            return Ok(false);
        }
        let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
        // whoever reads now does not keep the account waiting
        self.connection.busy_timeout(Duration::ZERO)?;
        let busy = self.connection.query_row(sql, [], |row| row.get(0));
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        let busy: bool = busy?;
        Ok(!busy)
    }

    /// Checks everything, as an opening does that was told to: seconds for a large database.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] with the first thing found.
    pub(crate) fn check(&self) -> std::result::Result<(), OpenError> {
        check(&self.connection, Check::Everything)
    }

    fn new(connection: Connection, path: &Path) -> Self {
        Self {
            connection,
            path: path.to_owned(),
            stopped: false,
            closing: Some(Closing(path.to_owned())),
        }
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

    /// Whether there is room on the disk for a transaction of ordinary size.
    ///
    /// # Errors
    /// [`ErrorKind::DiskFull`]; [`ErrorKind::Database`].
    pub(crate) fn try_room(&mut self) -> Result<()> {
        let fill = "CREATE TABLE room (filler BLOB) STRICT; INSERT INTO room VALUES (zeroblob(65536)); DROP TABLE room;";
        self.write(|write| Ok(write.connection().execute_batch(fill)?))
            .map(drop)
    }

    /// Runs one write transaction. What `work` announces is returned only if the commit succeeded.
    ///
    /// # Errors
    /// What `work` returned, or [`ErrorKind::Database`] from the commit; then nothing was changed or announced.
    /// [`ErrorKind::Damaged`] after `Database::stop_writing`.
    pub fn write<T>(
        &mut self,
        work: impl FnOnce(&WriteTransaction<'_>) -> Result<T>,
    ) -> Result<(T, BTreeSet<Event>)> {
        if self.stopped {
            return Err(Error::new(
                ErrorKind::Damaged,
                "the database waits to be mended",
            ));
        }
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

    /// Runs a statement that is kept compiled. Answers how many rows it changed.
    pub(crate) fn execute(&self, statement: &str, values: impl Params) -> rusqlite::Result<usize> {
        self.transaction.prepare_cached(statement)?.execute(values)
    }

    /// Notes a change, announced after the commit.
    pub fn announce(&self, event: Event) {
        self.changes.borrow_mut().insert(event);
    }
}

/// A connection for reading, whether or not the key fits.
pub(crate) fn unlocked(path: &Path, key: &DatabaseKey, salt: Salt) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    give_key(&connection, key, salt)?;
    Ok(connection)
}

/// Gives SQLCipher the key. Whether it is the right one shows at the first reading.
pub(crate) fn give_key(
    connection: &Connection,
    key: &DatabaseKey,
    salt: Salt,
) -> rusqlite::Result<()> {
    // without this SQLCipher writes to stderr when the key is wrong
    connection.pragma_update(None, "cipher_log_level", "NONE")?;
    let hex = Zeroizing::new(data_encoding::HEXLOWER.encode(key.as_bytes()));
    let salt = match salt {
        Salt::OfTheFile => String::new(),
        Salt::OfTheKey => data_encoding::HEXLOWER.encode(&key.salt()),
    };
    let literal = Zeroizing::new(format!("x'{}{salt}'", hex.as_str()));
    connection.pragma_update(None, "key", literal.as_str())?;
    connection.busy_timeout(BUSY_TIMEOUT)
}

/// Sets the connection up, and looks as thoroughly as the last process gave reason to.
fn look(connection: &Connection, path: &Path, left: Left) -> std::result::Result<(), OpenError> {
    let log_is_whole = prepare(connection)
        .map_err(OpenError::from)
        .and_then(|()| left.compare(connection))
        .map_err(|error| error.beside(!left.unclean))?;
    let outcome = if left.doubted {
        check(connection, Check::Everything)
    } else if left.unclean && size(path) <= CHECKED_AT_ONCE {
        check(connection, Check::Structure)
    } else {
        Ok(())
    };
    outcome.map_err(|error| error.beside(log_is_whole))
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "secure_delete", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    keep_statements(connection)
}

/// Has statements compiled once. Else SQLite compiles some of them anew for each value that is bound to them.
fn keep_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(drop)
}

/// The form of databases of this version: how many migrations made it.
pub(crate) const fn newest_form() -> u32 {
    migrations::newest() as u32
}

const fn page_size() -> u64 {
    PAGE
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
