//! The durable queue of what is to be sent, in order within each conversation.

use protocol::ClientId;
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use crate::{
    error::Result,
    model::ConversationKey,
    store::{WriteTransaction, chains::Numbered, id, messages, signed, unsigned},
};

/// Clocks that are so far apart, in ms, were not drifting.
const CLOCK_WAS_SET_MS: i64 = 60 * 60 * 1000;

/// Something that waits to be sent.
pub struct OutboxRow {
    /// Its row.
    pub id: i64,
    /// Where it goes.
    pub conversation: ConversationKey,
    /// The message that a person sees, if any.
    pub message: Option<i64>,
    /// Idempotency key.
    pub client_id: ClientId,
    /// Opened content.
    pub content: Vec<u8>,
    /// The bytes as sealed, with incarnation and epoch.
    pub sealed: Option<Sealed>,
    /// The earlier entry of ours that this one repeats.
    pub again: Option<Numbered>,
}

/// Bytes for the wire, and where they hold.
#[derive(Clone)]
pub struct Sealed {
    /// The sealed entry.
    pub bytes: Vec<u8>,
    /// The incarnation of the group.
    pub incarnation: u32,
    /// The epoch.
    pub epoch: u64,
}

/// Whether something goes before all that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Our profile, right after joining.
    First,
    /// In the order of writing.
    Last,
}

/// Queues content.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn insert(
    write: &WriteTransaction<'_>,
    conversation: ConversationKey,
    message: Option<i64>,
    place: Place,
    client_id: ClientId,
    content: &[u8],
) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT INTO outbox (conversation, message, first, client_id, content)
         VALUES (:conversation, :message, :first, :client_id, :content)",
        )?
        .execute(named_params! {
            ":conversation": conversation.0,
            ":message": message,
            ":first": place == Place::First,
            ":client_id": client_id.as_bytes(),
            ":content": content,
        })?;
    Ok(())
}

/// Queues the content of an own message once more, for somebody who missed it: with the number that it had.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn insert_again(
    write: &WriteTransaction<'_>,
    conversation: ConversationKey,
    again: Numbered,
    client_id: ClientId,
    content: &[u8],
) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT INTO outbox (conversation, client_id, content, again_chain, again)
             SELECT ?1, ?2, ?3, ?4, ?5
             WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE conversation = ?1 AND again_chain = ?4 AND again = ?5)",
        )?
        .execute((
            conversation.0,
            client_id.as_bytes(),
            content,
            again.chain.as_slice(),
            signed(again.number),
        ))?;
    Ok(())
}

/// The next rows of a conversation, in order. Failed messages wait for the person and are left out.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn next(
    connection: &Connection,
    conversation: ConversationKey,
    limit: usize,
) -> Result<Vec<OutboxRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT o.id, o.conversation, o.message, o.client_id, o.content, o.sealed, o.incarnation, o.epoch, o.again,
             o.again_chain
         FROM outbox o LEFT JOIN messages m ON m.id = o.message
         WHERE o.conversation = ?1 AND (m.state IS NULL OR m.state = 0)
         ORDER BY o.sealed IS NULL, o.first DESC, o.id LIMIT ?2",
    )?;
    let rows = statement.query_map((conversation.0, signed(limit as u64)), read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Parks messages that were written before a time and never sealed since: they wait for the person, as failed ones do. What
/// was sealed may be at the relay, and is sent again until that is known.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn park_older(
    write: &WriteTransaction<'_>,
    conversation: ConversationKey,
    before: u64,
) -> Result<()> {
    let old: Vec<i64> = {
        let mut statement = write.connection().prepare_cached(
            "SELECT m.id FROM outbox o JOIN messages m ON m.id = o.message
             WHERE o.conversation = ?1 AND o.sealed IS NULL AND m.state = 0 AND m.time < ?2 ORDER BY o.id",
        )?;
        let rows = statement.query_map((conversation.0, signed(before)), |row| row.get(0))?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    old.into_iter()
        .try_for_each(|message| messages::set_failed(write, message))
}

/// The relay's clock is further ahead of ours than was believed when something was written that still waits: it was written
/// later than its time says, at the latest `now`. All in ms. Only a clock that was set makes such a difference.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn correct_times(write: &WriteTransaction<'_>, ahead: i64, now: u64) -> Result<()> {
    if ahead < CLOCK_WAS_SET_MS {
        return Ok(());
    }
    write.execute(
        "UPDATE messages SET time = time + min(?1, ?2 - time) WHERE state = 0 AND time < ?2
         AND id IN (SELECT message FROM outbox WHERE sealed IS NULL)",
        (ahead, signed(now)),
    )?;
    Ok(())
}

/// All rows of a conversation, to be written anew.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn all(connection: &Connection, conversation: ConversationKey) -> Result<Vec<OutboxRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, conversation, message, client_id, content, sealed, incarnation, epoch, again, again_chain FROM outbox
         WHERE conversation = ?1 ORDER BY id",
    )?;
    let rows = statement.query_map([conversation.0], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Keeps the sealed bytes before they are sent.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_sealed(write: &WriteTransaction<'_>, row: i64, sealed: &Sealed) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "UPDATE outbox SET sealed = ?2, incarnation = ?3, epoch = ?4 WHERE id = ?1",
        )?
        .execute((row, &sealed.bytes, sealed.incarnation, signed(sealed.epoch)))?;
    Ok(())
}

/// Forgets sealed bytes that the relay refused for good: they are sealed again, with the same client id.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn clear_sealed(write: &WriteTransaction<'_>, rows: &[i64]) -> Result<()> {
    for row in rows {
        write.execute(
            "UPDATE outbox SET sealed = NULL, incarnation = NULL, epoch = NULL WHERE id = ?1",
            [row],
        )?;
    }
    Ok(())
}

/// Replaces the opened content of something never sealed.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_content(write: &WriteTransaction<'_>, row: i64, content: &[u8]) -> Result<()> {
    write.execute(
        "UPDATE outbox SET content = ?2 WHERE id = ?1",
        (row, content),
    )?;
    Ok(())
}

/// Gives a row another idempotency key: the relay knows something else under the old one.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_client_id(write: &WriteTransaction<'_>, row: i64, client_id: ClientId) -> Result<()> {
    write.execute(
        "UPDATE outbox SET client_id = ?2 WHERE id = ?1",
        (row, client_id.as_bytes()),
    )?;
    Ok(())
}

/// A row that waits, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its row.
    pub id: i64,
    /// Where it goes.
    pub conversation: ConversationKey,
    /// The message that a person sees, if any.
    pub message: Option<i64>,
    /// Idempotency key.
    pub client_id: ClientId,
    /// Opened content of what no person sees.
    pub content: Option<Vec<u8>>,
    /// The earlier entry of ours that this one repeats.
    pub again: Option<Numbered>,
    /// Whether it waits as this device sealed it.
    pub is_sealed: bool,
}

/// The row with this client id.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn by_client_id(connection: &Connection, client_id: ClientId) -> Result<Option<Waiting>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, conversation, message, again, again_chain, sealed IS NOT NULL AS is_sealed,
             iif(message IS NULL AND again IS NULL, content, NULL) AS content FROM outbox WHERE client_id = ?1",
    )?;
    Ok(statement
        .query_row([client_id.as_bytes()], |row| {
            Ok(Waiting {
                id: row.get("id")?,
                conversation: ConversationKey(row.get("conversation")?),
                message: row.get("message")?,
                client_id,
                content: row.get("content")?,
                again: Numbered::read(row)?,
                is_sealed: row.get("is_sealed")?,
            })
        })
        .optional()?)
}

/// Removes a row: the relay has it, or the person gave it up.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn delete(write: &WriteTransaction<'_>, row: i64) -> Result<()> {
    write
        .connection()
        .prepare_cached("DELETE FROM outbox WHERE id = ?1")?
        .execute([row])?;
    Ok(())
}

/// Removes what waits without being a message and was never sealed, if its content begins like this one's: a newer one takes
/// its place.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn delete_unsealed(
    write: &WriteTransaction<'_>,
    conversation: ConversationKey,
    is: impl Fn(&[u8]) -> bool,
) -> Result<()> {
    for row in all(write.connection(), conversation)? {
        if row.message.is_none() && row.sealed.is_none() && row.again.is_none() && is(&row.content)
        {
            delete(write, row.id)?;
        }
    }
    Ok(())
}

/// Whether a message waits here.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn has_message(connection: &Connection, message: i64) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM outbox WHERE message = ?1)")?
        .query_row([message], |row| row.get(0))?)
}

/// Removes the row of a message.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn delete_of_message(write: &WriteTransaction<'_>, message: i64) -> Result<()> {
    write.execute("DELETE FROM outbox WHERE message = ?1", [message])?;
    Ok(())
}

/// Conversations that can send and have something to send. What is for somebody blocked waits.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn ready(connection: &Connection) -> Result<Vec<ConversationKey>> {
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT o.conversation FROM outbox o JOIN conversations c ON c.key = o.conversation
             JOIN contacts p ON p.account = c.peer WHERE c.state = 1 AND p.blocked = 0",
    )?;
    let rows = statement.query_map([], |row| row.get(0).map(ConversationKey))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many messages of the person wait, other than for the end of a block.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn waiting(connection: &Connection) -> Result<u32> {
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM outbox o JOIN messages m ON m.id = o.message JOIN conversations c ON c.key = o.conversation
             JOIN contacts p ON p.account = c.peer WHERE m.state = 0 AND p.blocked = 0",
    )?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// How many messages of the person have not reached the relay, whatever they wait for.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn texts(connection: &Connection) -> Result<u32> {
    let count = "SELECT count(*) FROM outbox WHERE message IS NOT NULL";
    Ok(connection.query_row(count, [], |row| row.get(0))?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<OutboxRow> {
    let bytes: Option<Vec<u8>> = row.get("sealed")?;
    let incarnation: Option<u32> = row.get("incarnation")?;
    let epoch: Option<i64> = row.get("epoch")?;
    let sealed = match (bytes, incarnation, epoch) {
        (Some(bytes), Some(incarnation), Some(epoch)) => Some(Sealed {
            bytes,
            incarnation,
            epoch: unsigned(epoch),
        }),
        _ => None,
    };
    Ok(OutboxRow {
        id: row.get("id")?,
        conversation: ConversationKey(row.get("conversation")?),
        message: row.get("message")?,
        client_id: id(row, "client_id", ClientId::from_slice)?,
        content: row.get("content")?,
        sealed,
        again: Numbered::read(row)?,
    })
}
