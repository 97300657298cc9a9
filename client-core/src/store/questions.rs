//! What others asked us for beyond what is answered in an hour. It is kept, and answered later.

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
