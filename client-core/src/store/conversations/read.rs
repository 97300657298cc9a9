//! How far the person has read, and how far the other was told of it.

use rusqlite::Connection;

use crate::{
    error::Result,
    event::Event,
    model::ConversationKey,
    store::{WriteTransaction, signed, unsigned},
};

/// Marks everything up to a position as read and counts what is left. Positions of messages that wait to be sent lie above
/// all that will ever arrive, and an own message that the relay has may lie above what is still on its way from the other: what
/// counts is the newest entry up to which the stream was processed.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn mark_read(write: &WriteTransaction<'_>, key: ConversationKey, position: i64) -> Result<()> {
    let newest: i64 = write.connection().prepare_cached("SELECT coalesce(max(position), 0) FROM messages WHERE conversation = ?1 AND seq <=
             (SELECT s.cursor FROM conversations c JOIN streams s ON s.stream = c.conversation WHERE c.key = ?1)")?.query_row(
        [key.0],
        |row| row.get(0),
    )?;
    let changed = write.execute(
        "UPDATE conversations SET read_position = max(read_position, ?2),
             unread = (SELECT count(*) FROM messages
                       WHERE conversation = ?1 AND position > max(read_position, ?2) AND mine = 0 AND kind <> 2)
         WHERE key = ?1 AND (read_position < ?2 OR unread > 0)",
        (key.0, position.min(newest)),
    )?;
    if changed > 0 {
        write.announce(Event::ConversationChanged(key));
    }
    Ok(())
}

/// A message of another stands below what was read and is not read: the line goes back to before it. The seq up to which the
/// other may believe that we have read, where it was told more.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn read_back(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    message: i64,
) -> Result<Option<u64>> {
    let connection = write.connection();
    let (seq, told): (i64, i64) = connection
        .prepare_cached(
            "SELECT min(m.seq - 1, coalesce((SELECT max(o.seq) FROM messages o WHERE o.conversation = m.conversation
                 AND o.mine = 0 AND o.kind <> 2 AND o.position < m.position), 0)), c.read_told
             FROM messages m JOIN conversations c ON c.key = m.conversation WHERE m.id = ?1",
        )?
        .query_row([message], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let changed = connection
        .prepare_cached(
            "UPDATE conversations SET read_position = (SELECT position - 1 FROM messages WHERE id = ?2), read_told = min(read_told, ?3),
                 unread = (SELECT count(*) FROM messages WHERE conversation = ?1 AND mine = 0 AND kind <> 2
                     AND position >= (SELECT position FROM messages WHERE id = ?2))
             WHERE key = ?1 AND read_position >= (SELECT position FROM messages WHERE id = ?2)",
        )?
        .execute((key.0, message, seq))?;
    if changed == 0 {
        return Ok(None);
    }
    write.announce(Event::ConversationChanged(key));
    Ok((told > seq).then(|| unsigned(seq)))
}

/// The seq up to which we have read what others wrote, where the other has not been told so far.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn unread_receipts(connection: &Connection) -> Result<Vec<(ConversationKey, u64)>> {
    // an own entry or a line of the app needs no receipt
    let mut statement = connection.prepare_cached(
        "SELECT key, seq FROM (
             SELECT c.key, c.read_told, (SELECT max(m.seq) FROM messages m WHERE m.conversation = c.key AND m.mine = 0
                 AND m.kind <> 2 AND m.position > c.read_told * 8 AND m.position <= c.read_position) AS seq
             FROM conversations c WHERE c.state = 1 AND c.standing = 0)
         WHERE seq > read_told",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((
            ConversationKey(row.get("key")?),
            unsigned(row.get::<_, i64>("seq")?),
        ))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The other is, or need not be, told that we have read up to a seq. Says whether that is news.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_read_told(write: &WriteTransaction<'_>, key: ConversationKey, seq: u64) -> Result<bool> {
    let changed = write
        .connection()
        .prepare_cached(
            "UPDATE conversations SET read_told = ?2 WHERE key = ?1 AND read_told < ?2",
        )?
        .execute((key.0, signed(seq)))?;
    Ok(changed > 0)
}
