//! What becomes of our own messages: they wait, the relay has them or has lost them, and they are sent again.

use protocol::MessageId;
use rusqlite::{Connection, OptionalExtension as _, Rows};

use crate::{
    error::{Error, ErrorKind, Result},
    event::Event,
    model::{ConversationKey, Message},
    store::{
        WriteTransaction,
        chains::Numbered,
        id,
        messages::{
            SELECT, announce, place,
            places::{Below, free_position, position_of},
            read,
        },
        signed, unsigned,
    },
};

/// Notes that the relay has an own message.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_sent(write: &WriteTransaction<'_>, row: i64, seq: u64, time: u64) -> Result<()> {
    let (key, _) = place(write.connection(), row)?;
    let below = Below::Earlier { mine: true, seq };
    let position = free_position(write.connection(), key, position_of(seq), below)?;
    write
        .connection()
        .prepare_cached(
            "UPDATE messages SET seq = ?2, position = ?3, time = ?4, state = 1 WHERE id = ?1",
        )?
        .execute((row, signed(seq), position, signed(time)))?;
    announce(write, row)
}

/// Notes that the relay lost an own message that nobody had: what it says of delivery is not about it until it has it once more.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_lost(write: &WriteTransaction<'_>, key: ConversationKey, sent: Numbered) -> Result<()> {
    let row: Option<i64> = write
        .connection()
        .prepare_cached(
            "UPDATE messages SET taken = ?4 WHERE coalesce(taken, seq) > (SELECT delivered_seq FROM conversations WHERE key = ?1)
             AND id = (SELECT message FROM sent_numbers WHERE conversation = ?1 AND chain = ?2 AND number = ?3)
             RETURNING id",
        )?
        .query_row(
            (key.0, sent.chain.as_slice(), signed(sent.number), i64::MAX),
            |row| row.get(0),
        )
        .optional()?;
    row.map_or(Ok(()), |row| announce(write, row))
}

/// The same of all that was sent below a seq and not delivered: the device that was to have it is gone.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_all_lost(write: &WriteTransaction<'_>, key: ConversationKey, before: u64) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "UPDATE messages SET taken = ?3 WHERE conversation = ?1 AND mine = 1 AND state = 1 AND seq < ?2
             AND coalesce(taken, seq) > (SELECT delivered_seq FROM conversations WHERE key = ?1)",
        )?
        .execute((key.0, signed(before), i64::MAX))?;
    Ok(())
}

/// Notes that the relay has an own message once more. One that was put back as it was counts from below where it had it: what it
/// says of delivery is by the new seq, and so it is where the message was lost. The message stays where it is shown.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_taken_again(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    again: Numbered,
    seq: u64,
) -> Result<()> {
    let row: Option<i64> = write
        .connection()
        .prepare_cached(
            "UPDATE messages SET seq = min(seq, ?4), taken = min(taken, ?4) WHERE (seq > ?4 OR taken > ?4) AND id =
                 (SELECT message FROM sent_numbers WHERE conversation = ?1 AND chain = ?2 AND number = ?3)
             RETURNING id",
        )?
        .query_row(
            (key.0, again.chain.as_slice(), signed(again.number), signed(seq)),
            |row| row.get(0),
        )
        .optional()?;
    row.map_or(Ok(()), |row| announce(write, row))
}

/// Parks an own message: it goes out only if the person says so.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_failed(write: &WriteTransaction<'_>, row: i64) -> Result<()> {
    write.execute(
        "UPDATE messages SET state = 2 WHERE id = ?1 AND state = 0",
        [row],
    )?;
    announce(write, row)
}

/// Queues a failed message again: from now on it waits as one that is written now.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_queued(write: &WriteTransaction<'_>, row: i64, now: u64) -> Result<()> {
    write.execute(
        "UPDATE messages SET state = 0, time = ?2 WHERE id = ?1 AND state = 2",
        (row, signed(now)),
    )?;
    announce(write, row)
}

/// Notes that the relay does not have an own message any more: it waits again.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_untaken(write: &WriteTransaction<'_>, row: i64) -> Result<()> {
    write.execute(
        "UPDATE messages SET state = 0, taken = NULL WHERE id = ?1 AND state = 1",
        [row],
    )?;
    announce(write, row)
}

/// Gives an own message that nobody got another id and content: its conversation has another id now.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn replace_id(
    write: &WriteTransaction<'_>,
    row: i64,
    new: MessageId,
    content: &[u8],
) -> Result<()> {
    let (conversation, old) = place(write.connection(), row)?;
    write.execute(
        "UPDATE messages SET message_id = ?2, content = ?3 WHERE id = ?1",
        (row, new.as_bytes(), content),
    )?;
    write.announce(Event::MessageRemoved(conversation, old));
    write.announce(Event::MessageChanged(conversation, new));
    Ok(())
}

/// Announces the own messages after one seq up to another; says whether there are any.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn announce_own(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    after: u64,
    up_to: u64,
) -> Result<bool> {
    let ids: Vec<MessageId> = {
        let mut statement = write.connection().prepare_cached(
            "SELECT message_id FROM messages WHERE conversation = ?1 AND position > ?2 AND position <= ?3
             AND mine = 1 AND kind = 1 AND state = 1
             UNION SELECT message_id FROM messages WHERE conversation = ?1 AND taken > ?4 AND taken <= ?5",
        )?;
        let positions = (position_of(after), position_of(up_to));
        let rows = statement.query_map(
            (
                key.0,
                positions.0,
                positions.1,
                signed(after),
                signed(up_to),
            ),
            |row| id(row, "message_id", MessageId::from_slice),
        )?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    for id in &ids {
        write.announce(Event::MessageChanged(key, *id));
    }
    if ids.is_empty() {
        return Ok(false);
    }
    write.announce(Event::ConversationChanged(key));
    Ok(true)
}

/// The row and state of an own message by its id.
///
/// # Errors
/// [`ErrorKind::NotFound`], [`ErrorKind::Database`].
pub fn own_row(
    connection: &Connection,
    conversation: ConversationKey,
    message: MessageId,
) -> Result<(i64, Message)> {
    let mut statement = connection.prepare_cached(&format!(
        "{SELECT} WHERE m.message_id = ?1 AND m.conversation = ?2 AND m.mine = 1"
    ))?;
    statement
        .query_row((message.as_bytes(), conversation.0), |row| {
            Ok((row.get("id")?, read(row)?))
        })
        .optional()?
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "no such message"))
}

/// An own message that the relay had, with its number in the chain of ours that it was in.
pub struct OwnMessage {
    /// The chain and number.
    pub sent: Numbered,
    /// Where the relay had put it.
    pub seq: u64,
    /// The opened content.
    pub content: Vec<u8>,
}

/// The newest own messages after a seq, at most `limit`, in the order in which they were sent.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn own_after(
    connection: &Connection,
    key: ConversationKey,
    seq: u64,
    limit: u32,
) -> Result<Vec<OwnMessage>> {
    let mut statement = connection.prepare_cached(
        "SELECT again_chain, again, seq, content FROM (
             SELECT s.chain AS again_chain, s.number AS again, m.content, m.seq FROM messages m JOIN sent_numbers s ON s.message = m.id
             WHERE m.conversation = ?1 AND m.seq > ?2 AND m.mine = 1 ORDER BY m.seq DESC LIMIT ?3)
         ORDER BY seq",
    )?;
    own_messages(statement.query((key.0, signed(seq), limit))?)
}

/// The first own messages with seqs in a range, at most `limit`, in the order in which they were sent.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn own_between(
    connection: &Connection,
    key: ConversationKey,
    (first, last): (u64, u64),
    limit: u32,
) -> Result<Vec<OwnMessage>> {
    let mut statement = connection.prepare_cached(
        "SELECT s.chain AS again_chain, s.number AS again, m.content, m.seq
         FROM messages m JOIN sent_numbers s ON s.message = m.id
         WHERE m.conversation = ?1 AND m.seq BETWEEN ?2 AND ?3 AND m.mine = 1 ORDER BY m.seq LIMIT ?4",
    )?;
    own_messages(statement.query((key.0, signed(first), signed(last), limit))?)
}

/// The first texts of our own that the relay took and delivered to nobody, in order: row and content.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn undelivered(
    connection: &Connection,
    key: ConversationKey,
    limit: u32,
) -> Result<Vec<(i64, Vec<u8>)>> {
    let mut statement = connection.prepare_cached(
        "SELECT m.id, m.content FROM messages m JOIN conversations c ON c.key = m.conversation
         WHERE c.key = ?1 AND m.mine = 1 AND m.kind = 1 AND m.state = 1 AND m.seq > 0
             AND coalesce(m.taken, m.seq) > c.delivered_seq
         ORDER BY m.position LIMIT ?2",
    )?;
    let rows = statement.query_map((key.0, limit), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn own_messages(mut rows: Rows<'_>) -> Result<Vec<OwnMessage>> {
    let mut messages = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(sent) = Numbered::read(row)? {
            messages.push(OwnMessage {
                sent,
                seq: unsigned(row.get("seq")?),
                content: row.get("content")?,
            });
        }
    }
    Ok(messages)
}

/// How many own texts went out under a conversation's present id, or wait to.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn count_going(connection: &Connection, key: ConversationKey) -> Result<u32> {
    count_own(connection, key, (0, 1))
}

/// How many own texts the relay has under a conversation's present id.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn count_sent(connection: &Connection, key: ConversationKey) -> Result<u32> {
    count_own(connection, key, (1, 1))
}

fn count_own(connection: &Connection, key: ConversationKey, states: (u8, u8)) -> Result<u32> {
    Ok(connection
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM messages WHERE conversation = ?1 AND mine = 1 AND kind IN (1, 4)
             AND position >= 0 AND state BETWEEN ?2 AND ?3 LIMIT 100)",
        )?
        .query_row((key.0, states.0, states.1), |row| row.get(0))?)
}
