//! Lists that the relay is asked for until it has sent them whole: a new device, and one whose database was lost or is older than
//! what it did, does not know of all its conversations, nor of everybody whom the person blocked.

use protocol::ConversationId;
use rusqlite::Connection;

use crate::{error::Result, model::ConversationKey, store::WriteTransaction};

/// The list of conversations, as far as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WantedList {
    /// Conversations above this key appeared here while the list was wanted.
    pub since: ConversationKey,
    /// The last conversation that came.
    pub after: Option<ConversationId>,
    /// How many conversations came.
    pub count: u32,
}

/// Wants both lists, from their beginning.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn want_lists(write: &WriteTransaction<'_>) -> Result<()> {
    write.execute(
        "UPDATE account SET blocks_wanted = 1, list_after = NULL, list_count = 0,
             list_since = coalesce(list_since, (SELECT coalesce(max(key), 0) FROM conversations))
         WHERE id = 1",
        [],
    )?;
    Ok(())
}

/// The list of conversations, if it is wanted.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn list(connection: &Connection) -> Result<Option<WantedList>> {
    let mut statement = connection
        .prepare_cached("SELECT list_since, list_after, list_count FROM account WHERE id = 1")?;
    Ok(statement.query_row([], |row| {
        let since: Option<i64> = row.get("list_since")?;
        let after: Option<Vec<u8>> = row.get("list_after")?;
        let count = row.get("list_count")?;
        Ok(since.map(|since| WantedList {
            since: ConversationKey(since),
            after: after.as_deref().and_then(ConversationId::from_slice),
            count,
        }))
    })?)
}

/// A part of the list of conversations came: up to here, so many in all.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_listed(write: &WriteTransaction<'_>, up_to: ConversationId, count: u32) -> Result<()> {
    write.execute(
        "UPDATE account SET list_after = ?1, list_count = ?2 WHERE id = 1",
        (up_to.as_bytes(), count),
    )?;
    Ok(())
}

/// The list of conversations came whole.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_list_whole(write: &WriteTransaction<'_>) -> Result<()> {
    write.execute(
        "UPDATE account SET list_since = NULL, list_after = NULL, list_count = 0 WHERE id = 1",
        [],
    )?;
    Ok(())
}

/// Whether the list of blocks is wanted.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn are_blocks_wanted(connection: &Connection) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT blocks_wanted FROM account WHERE id = 1")?
        .query_row([], |row| row.get(0))?)
}

/// The list of blocks came.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_blocks_known(write: &WriteTransaction<'_>) -> Result<()> {
    write.execute("UPDATE account SET blocks_wanted = 0 WHERE id = 1", [])?;
    Ok(())
}
