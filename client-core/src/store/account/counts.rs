//! How many entries this device made for the relay, and how many the relay took: what shows that a database is older than it should be.

use rusqlite::Connection;

use crate::{
    error::Result,
    store::{WriteTransaction, signed, unsigned},
};

/// Counts entries made for the relay, before they leave.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn count_sent(write: &WriteTransaction<'_>, entries: usize) -> Result<()> {
    write
        .connection()
        .prepare_cached("UPDATE account SET sent = sent + ?1 WHERE id = 1")?
        .execute([signed(entries as u64)])?;
    Ok(())
}

/// How many entries this device ever made for the relay.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn sent(connection: &Connection) -> Result<u64> {
    let sent: i64 = connection
        .prepare_cached("SELECT sent FROM account WHERE id = 1")?
        .query_row([], |row| row.get(0))?;
    Ok(unsigned(sent))
}

/// Takes over the relay's count, after everything that depends on it was begun anew.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_sent(write: &WriteTransaction<'_>, sent: u64) -> Result<()> {
    write.execute("UPDATE account SET sent = ?1 WHERE id = 1", [signed(sent)])?;
    Ok(())
}

/// Takes entries out of our count that the relay refused for good. A count that stays too high is one behind which an older copy
/// of this database could hide.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn uncount_sent(write: &WriteTransaction<'_>, entries: usize) -> Result<()> {
    write
        .connection()
        .prepare_cached("UPDATE account SET sent = max(sent - ?1, taken) WHERE id = 1")?
        .execute([signed(entries as u64)])?;
    Ok(())
}

/// Lowers our count to what the relay took, and what it may still take of what is stored: what was made and dropped without an
/// answer is not counted any more. Says whether the relay surely took nothing of what is stored.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn settle_sent(write: &WriteTransaction<'_>, taken: u64) -> Result<bool> {
    let stored: i64 = write
        .connection()
        .prepare_cached(
            "SELECT (SELECT count(*) FROM outbox WHERE sealed IS NOT NULL)
             + (SELECT count(*) FROM openings WHERE request IS NOT NULL)
             + (SELECT count(*) FROM rejoins WHERE request IS NOT NULL)
             + (SELECT count(*) FROM renewals WHERE request IS NOT NULL)",
        )?
        .query_row((), |row| row.get(0))?;
    let most = signed(taken).saturating_add(stored);
    write.execute(
        "UPDATE account SET sent = min(sent, ?1) WHERE id = 1",
        [most],
    )?;
    Ok(signed(sent(write.connection())?) == most)
}

/// How many entries of this device the relay surely took, at least.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn taken(connection: &Connection) -> Result<u64> {
    let taken: i64 = connection
        .prepare_cached("SELECT taken FROM account WHERE id = 1")?
        .query_row([], |row| row.get(0))?;
    Ok(unsigned(taken))
}

/// Notes how many entries the relay took. Of what is stored and unanswered it may have counted some.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_taken(write: &WriteTransaction<'_>, taken: u64) -> Result<()> {
    write.execute(
        "UPDATE account SET taken = ?1,
             unsure = (SELECT count(*) FROM outbox WHERE sealed IS NOT NULL)
         WHERE id = 1",
        [signed(taken)],
    )?;
    Ok(())
}

/// Counts an entry of the outbox that the relay has now, unless it may have been counted before.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn count_taken(write: &WriteTransaction<'_>) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "UPDATE account SET taken = taken + (unsure = 0), unsure = max(unsure - 1, 0) WHERE id = 1",
        )?
        .execute([])?;
    Ok(())
}
