//! Cursors: how far each stream was durably processed.

use protocol::{ConversationId, StreamId};
use rusqlite::{Connection, OptionalExtension as _};

use crate::{
    error::Result,
    store::{WriteTransaction, signed, unsigned},
};

/// The highest seq processed; 0 for a stream never seen.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn cursor(connection: &Connection, stream: StreamId) -> Result<u64> {
    let cursor: Option<i64> = connection
        .query_row(
            "SELECT cursor FROM streams WHERE stream = ?1",
            [key(&stream)],
            |row| row.get(0),
        )
        .optional()?;
    Ok(cursor.map_or(0, unsigned))
}

/// Moves the cursor forward, if it is not there yet.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn advance(write: &WriteTransaction<'_>, stream: StreamId, seq: u64) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT INTO streams (stream, cursor, generation) VALUES (?1, ?2, (SELECT seen_generation FROM account))
         ON CONFLICT (stream) DO UPDATE SET cursor = max(cursor, excluded.cursor)",
        )?
        .execute((key(&stream), signed(seq)))?;
    Ok(())
}

/// Whether the relay was restored since the stream was read to its end: only then it may leave positions out.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn may_leave_out(connection: &Connection, stream: StreamId) -> Result<bool> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM streams WHERE stream = ?1 AND generation IS NOT (SELECT seen_generation FROM account)",
        )?
        .exists([key(&stream)])?)
}

/// The stream was read to its end, as far as the relay has it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_read_whole(write: &WriteTransaction<'_>, stream: StreamId) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "UPDATE streams SET generation = (SELECT seen_generation FROM account) WHERE stream = ?1",
        )?
        .execute([key(&stream)])?;
    Ok(())
}

/// Puts the cursor where reading goes on, also back: a relay that went back in time counts on from where it is.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set(write: &WriteTransaction<'_>, stream: StreamId, seq: u64) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT INTO streams (stream, cursor, generation) VALUES (?1, ?2, (SELECT seen_generation FROM account))
         ON CONFLICT (stream) DO UPDATE SET cursor = excluded.cursor, passed_over = min(passed_over, excluded.cursor)",
        )?
        .execute((key(&stream), signed(seq)))?;
    Ok(())
}

/// Notes an entry of somebody who is blocked: it is not looked at, also when it comes again after the block.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn pass_over(write: &WriteTransaction<'_>, stream: StreamId, seq: u64) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT INTO streams (stream, cursor, generation, passed_over) VALUES (?1, 0, (SELECT seen_generation FROM account), ?2)
         ON CONFLICT (stream) DO UPDATE SET passed_over = max(passed_over, excluded.passed_over)",
        )?
        .execute((key(&stream), signed(seq)))?;
    Ok(())
}

/// Notes that up to a time of the relay's what was passed over may be sent again without being asked for: this device came in anew.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn expect(write: &WriteTransaction<'_>, stream: StreamId, until: u64) -> Result<()> {
    write
        .connection()
        .prepare_cached("UPDATE streams SET expected_until = ?2 WHERE stream = ?1")?
        .execute((key(&stream), signed(until)))?;
    Ok(())
}

/// Whether what was passed over may be sent again at a time of the relay's.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_expecting(connection: &Connection, stream: StreamId, time: u64) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM streams WHERE stream = ?1 AND expected_until >= ?2")?
        .exists((key(&stream), signed(time)))?)
}

/// The last seq of an entry that was passed over; 0 where there is none.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn passed_over(connection: &Connection, stream: StreamId) -> Result<u64> {
    let seq: Option<i64> = connection
        .prepare_cached("SELECT passed_over FROM streams WHERE stream = ?1")?
        .query_row([key(&stream)], |row| row.get(0))
        .optional()?;
    Ok(seq.map_or(0, unsigned))
}

/// The relay has less than it had, and counts again from where it was: what has a seq that is known here by now stands below
/// what is known.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note_counted(write: &WriteTransaction<'_>) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "UPDATE streams SET counted = max(counted, cursor, (SELECT coalesce(max(m.seq), 0) FROM messages m
                 JOIN conversations c ON c.key = m.conversation WHERE c.conversation = streams.stream AND m.mine = 1))",
        )?
        .execute(())?;
    Ok(())
}

/// Notes that this device was invited to a conversation and did not enter it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn leave(write: &WriteTransaction<'_>, conversation: ConversationId) -> Result<()> {
    advance(write, StreamId::Conversation(conversation), 0)
}

/// Whether this device was invited to a conversation, did not enter it, and read nothing of it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_left(connection: &Connection, conversation: ConversationId) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM streams WHERE stream = ?1 AND cursor = 0")?
        .exists([conversation.as_bytes()])?)
}

fn key(stream: &StreamId) -> &[u8] {
    match stream {
        StreamId::Inbox => &[],
        StreamId::Conversation(conversation) => conversation.as_bytes(),
    }
}
