//! The settings of the backup, and the rows that go into it and come out of it.
//!
//! Rows are taken as they are in their tables, with the names of their columns: a later version, whose migrations only add,
//! reads them as its own database of that age. Which tables those are is decided here for each table.

mod comparing;
mod merging;
mod rows;

use rusqlite::{Connection, OptionalExtension as _, named_params};
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    store::{WriteTransaction, signed, unsigned},
};

pub(crate) use self::comparing::holds;
pub(crate) use self::merging::{Merged, merge};
pub(crate) use self::rows::{
    Cell, MESSAGES, SMALL_TABLES, columns, count, defer_references, digest, drop_dangling,
    finish_filling, finish_restore, insert, insert_if_new, is_fresh, message, messages,
    note_filled, remove_message, small_rows,
};

/// The backup of this account.
pub struct Settings {
    /// Derived from the recovery code.
    pub key: Zeroizing<[u8; 32]>,
    /// Where it is written.
    pub folder: String,
    /// The account's keys as the recovery code wraps them.
    pub record: Vec<u8>,
    /// The last run that ended well.
    pub last_run: Option<u64>,
    /// The last test restore: when, and why it failed if it did.
    pub rehearsed: Option<(u64, Option<String>)>,
    /// Since when runs fail, by the computer's clock, and why the newest did, as [`note_failure`] was told.
    pub problem: Option<(u64, String)>,
    pub(crate) run: Option<[u8; 16]>,
    pub(crate) last_message: i64,
    /// The database got back what it had lost and `run` had written.
    pub(crate) filled: bool,
}

/// The settings; `None` while backups are off.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn settings(connection: &Connection) -> Result<Option<Settings>> {
    let settings = connection
        .prepare_cached("SELECT key, folder, record, run, last_message, filled, last_run, rehearsed, rehearsal, failing, problem
             FROM backup")?.query_row(
            [],
            |row| {
                let rehearsed: Option<i64> = row.get("rehearsed")?;
                let last_run: Option<i64> = row.get("last_run")?;
                let rehearsal = row.get("rehearsal")?;
                let failing: Option<i64> = row.get("failing")?;
                let problem: Option<String> = row.get("problem")?;
                Ok(Settings {
                    key: Zeroizing::new(row.get("key")?),
                    folder: row.get("folder")?,
                    record: row.get("record")?,
                    last_run: last_run.map(unsigned),
                    rehearsed: rehearsed.map(|time| (unsigned(time), rehearsal)),
                    problem: failing.map(unsigned).zip(problem),
                    run: row.get("run")?,
                    last_message: row.get("last_message")?,
                    filled: row.get("filled")?,
                })
            },
        )
        .optional()?;
    Ok(settings)
}

/// Turns backups on, or changes where they go; the next run writes everything.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn turn_on(
    write: &WriteTransaction<'_>,
    key: &[u8; 32],
    folder: &str,
    record: &[u8],
) -> Result<()> {
    turn_off(write)?;
    write.execute(
        "INSERT INTO backup (id, key, folder, record) VALUES (1, ?1, ?2, ?3)",
        (key, folder, record),
    )?;
    Ok(())
}

/// Changes where backups go; the next run writes everything.
///
/// # Errors
/// [`ErrorKind::NotFound`]: backups are off; [`ErrorKind::Database`].
pub(crate) fn move_to(write: &WriteTransaction<'_>, folder: &str) -> Result<()> {
    let settings = settings(write.connection())?
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "backups are off"))?;
    turn_on(write, &settings.key, folder, &settings.record)
}

/// Turns backups off. What was written stays where it is.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn turn_off(write: &WriteTransaction<'_>) -> Result<()> {
    write.execute("DELETE FROM backup", [])?;
    write.execute("DELETE FROM backup_changes", [])?;
    Ok(())
}

/// From here on, changes to the messages that a run will write are noted. Returns the last of them.
///
/// # Errors
/// [`ErrorKind::NotFound`]: backups are off; [`ErrorKind::Database`].
pub(crate) fn watch(write: &WriteTransaction<'_>) -> Result<i64> {
    let last: Option<i64> = write
        .connection()
        .prepare_cached("UPDATE backup SET watched = (SELECT coalesce(max(id), 0) FROM messages) RETURNING watched")?.query_row(
            [],
            |row| row.get(0),
        )
        .optional()?;
    last.ok_or_else(|| Error::new(ErrorKind::NotFound, "backups are off"))
}

/// The messages that changed or went since they were backed up, with how often.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn changes(connection: &Connection) -> Result<Vec<(i64, i64)>> {
    let mut statement =
        connection.prepare("SELECT message, times FROM backup_changes ORDER BY message")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// What a run wrote.
pub(crate) struct Written<'a> {
    pub(crate) run: [u8; 16],
    pub(crate) time: u64,
    pub(crate) last_message: i64,
    pub(crate) changes: &'a [(i64, i64)],
    pub(crate) forgets_filling: bool,
}

/// Notes that a run ended well. What changed again while it ran stays noted.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn note_run(write: &WriteTransaction<'_>, written: &Written<'_>) -> Result<()> {
    let connection = write.connection();
    connection.prepare_cached("UPDATE backup SET run = :run, last_run = :time, last_message = :last_message, failing = NULL, problem = NULL,
         filled = CASE WHEN :forgets THEN 0 ELSE filled END")?.execute(
        named_params! {
            ":run": written.run,
            ":time": signed(written.time),
            ":last_message": written.last_message,
            ":forgets": written.forgets_filling,
        },
    )?;
    let mut forget = connection
        .prepare_cached("DELETE FROM backup_changes WHERE message = ?1 AND times = ?2")?;
    for change in written.changes {
        forget.execute(*change)?;
    }
    Ok(())
}

/// Notes that a run failed, at a time of the computer's clock, and why in a word of the app. It stays until a run ends well.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn note_failure(write: &WriteTransaction<'_>, time: u64, problem: &str) -> Result<()> {
    write.execute(
        "UPDATE backup SET failing = coalesce(failing, ?1), problem = ?2",
        (signed(time), problem),
    )?;
    Ok(())
}

/// Notes how a test restore ended.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn note_rehearsal(
    write: &WriteTransaction<'_>,
    time: u64,
    failure: Option<&str>,
) -> Result<()> {
    write.execute(
        "UPDATE backup SET rehearsed = ?1, rehearsal = ?2",
        (signed(time), failure),
    )?;
    Ok(())
}
