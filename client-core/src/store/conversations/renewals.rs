//! When the own leaf of a conversation is renewed.

use rusqlite::{Connection, OptionalExtension as _};

use super::keys;
use crate::{
    error::Result,
    model::ConversationKey,
    store::{WriteTransaction, signed, unsigned},
};

/// Plans when the own leaf is renewed; `None`: to be planned.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn plan_renewal(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    at: Option<u64>,
) -> Result<()> {
    write.execute(
        "UPDATE conversations SET renew_at = ?2, since_renewal = 0 WHERE key = ?1",
        (key.0, at.map(signed)),
    )?;
    Ok(())
}

/// Notes whether a leaf of our own account is in the group that is out of force. It is removed at the first opportunity, and
/// nothing is sent before.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_dead(write: &WriteTransaction<'_>, key: ConversationKey, dead: bool) -> Result<()> {
    write.execute(
        "UPDATE conversations SET dead = ?2, renew_at = CASE WHEN ?2 THEN 0 ELSE renew_at END WHERE key = ?1",
        (key.0, dead),
    )?;
    Ok(())
}

/// Counts entries that were sealed since the own leaf was renewed.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn count_sealed(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    entries: usize,
) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "UPDATE conversations SET since_renewal = since_renewal + ?2 WHERE key = ?1",
        )?
        .execute((key.0, signed(entries as u64)))?;
    Ok(())
}

/// Whether so many entries were sealed since the own leaf was renewed.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_worn(connection: &Connection, key: ConversationKey, entries: u32) -> Result<bool> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM conversations WHERE key = ?1 AND since_renewal >= ?2 AND state = 1 AND standing = 0",
        )?
        .exists((key.0, entries))?)
}

/// Whether a device that was lost has to be removed before anything is sent.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn must_renew_first(connection: &Connection, key: ConversationKey) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM conversations WHERE key = ?1 AND dead = 1 AND standing = 0")?
        .exists([key.0])?)
}

/// Conversations whose own leaf has no plan for its renewal yet.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn without_renewal(connection: &Connection) -> Result<Vec<ConversationKey>> {
    keys(
        connection,
        "SELECT key FROM conversations WHERE state = 1 AND standing = 0 AND renew_at IS NULL ORDER BY key",
    )
}

/// The conversations whose own leaf is to be renewed by a time, or after so many entries: that which waits longest first.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn renewal_due(
    connection: &Connection,
    now: u64,
    entries: u32,
) -> Result<Option<ConversationKey>> {
    let mut statement = connection.prepare_cached(
        "SELECT key FROM conversations WHERE state = 1 AND standing = 0 AND (renew_at <= ?1 OR since_renewal >= ?2)
         ORDER BY renew_at, key LIMIT 1",
    )?;
    Ok(statement
        .query_row((signed(now), entries), |row| {
            row.get(0).map(ConversationKey)
        })
        .optional()?)
}

/// When the next renewal is planned, or 0 where a leaf has sealed so many entries that it is due.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn next_renewal(connection: &Connection, most_entries: u32) -> Result<Option<u64>> {
    let at: Option<i64> = connection
        .prepare_cached(
            "SELECT min(iif(since_renewal >= ?1, 0, renew_at)) FROM conversations WHERE state = 1 AND standing = 0",
        )?
        .query_row([most_entries], |row| row.get(0))?;
    Ok(at.map(unsigned))
}
