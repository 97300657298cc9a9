//! Questions for what was missed: those of others beyond what is answered in an hour, which are kept and answered later, and our own
//! for all that somebody wrote, until it is answered.

use rusqlite::Connection;

use crate::{
    error::Result,
    model::ConversationKey,
    store::{
        WriteTransaction,
        chains::{ChainId, chain_id},
        id, signed, unsigned,
    },
};

/// A range of our entries that somebody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Where.
    pub key: ConversationKey,
    /// A chain of ours, or eight zero bytes for positions in the stream.
    pub chain: ChainId,
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// Keeps a question. Two about one chain become one about all that lies between.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn keep(write: &WriteTransaction<'_>, question: &Question) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT INTO questions (conversation, chain, first, last) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (conversation, chain) DO UPDATE
             SET first = min(first, excluded.first), last = max(last, excluded.last)",
        )?
        .execute((
            question.key.0,
            question.chain.as_slice(),
            signed(question.first),
            signed(question.last),
        ))?;
    Ok(())
}

/// All questions that wait.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn all(connection: &Connection) -> Result<Vec<Question>> {
    let mut statement = connection.prepare_cached(
        "SELECT conversation, chain, first, last FROM questions ORDER BY conversation, chain",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Question {
            key: ConversationKey(row.get("conversation")?),
            chain: id(row, "chain", chain_id)?,
            first: unsigned(row.get("first")?),
            last: unsigned(row.get("last")?),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Forgets a question: it is being answered.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn delete(write: &WriteTransaction<'_>, question: &Question) -> Result<()> {
    write
        .connection()
        .prepare_cached("DELETE FROM questions WHERE conversation = ?1 AND chain = ?2")?
        .execute((question.key.0, question.chain.as_slice()))?;
    Ok(())
}

/// From which position in the stream on the other was asked for all it wrote, and has not said yet that it sent it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn asked_from(connection: &Connection, key: ConversationKey) -> Result<Option<u64>> {
    let first: Option<i64> = connection
        .prepare_cached("SELECT asked_from FROM conversations WHERE key = ?1")?
        .query_row([key.0], |row| row.get(0))?;
    Ok(first.map(unsigned))
}

/// Keeps from where on the other was asked; `None` once it has answered.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_asked_from(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    first: Option<u64>,
) -> Result<()> {
    write.execute(
        "UPDATE conversations SET asked_from = ?2 WHERE key = ?1",
        (key.0, first.map(signed)),
    )?;
    Ok(())
}
