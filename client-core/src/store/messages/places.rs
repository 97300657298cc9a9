//! Where messages stand: the relay's order, room in it for the app's own lines, and what waits behind all.

use rusqlite::{Connection, OptionalExtension as _};

use crate::{
    error::Result,
    model::{ConversationKey, MessageKind},
    store::{WriteTransaction, messages::delete, signed, unsigned},
};

/// Positions of messages that the relay does not have yet start here, above every seq.
pub(super) const UNSENT: i64 = 1 << 50;

/// Positions for each seq: the app's own lines first, each kind in its place, then the entry itself.
const PLACES: i64 = 8;

pub(super) fn place_of(kind: MessageKind, seq: u64) -> i64 {
    match kind {
        MessageKind::System(event) => signed(seq)
            .saturating_mul(PLACES)
            .saturating_add(event.place()),
        MessageKind::Text | MessageKind::Unreadable | MessageKind::Unsupported => position_of(seq),
    }
}

/// What a message may not stand above, besides what has its position already.
#[derive(Clone, Copy)]
pub(super) enum Below {
    /// Nothing: it belongs there, whatever came before it.
    Nothing,
    /// What arrived in the order of the stream before it: an entry of the same side, one with a lower seq, and everything where the
    /// relay gives the seq out again.
    Earlier { mine: bool, seq: u64 },
    /// Everything.
    All,
}

/// The position itself; where it is taken, or lies above what it may not, the one after all that the relay has. A relay that
/// numbers twice loses the order, and nothing else: what is new stands below what was there.
pub(super) fn free_position(
    connection: &Connection,
    key: ConversationKey,
    position: i64,
    below: Below,
) -> Result<i64> {
    let earlier = match below {
        Below::Earlier { mine, seq } => Some((mine, signed(seq))),
        Below::Nothing | Below::All => None,
    };
    Ok(connection
        .prepare_cached(
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM messages WHERE conversation = ?1 AND (position = ?2
                 OR (position > ?2 AND seq IS NOT NULL AND kind <> 2 AND (?3 OR mine = ?4 OR seq < ?5 OR ?5 <= (SELECT s.counted
                     FROM conversations c JOIN streams s ON s.stream = c.conversation WHERE c.key = ?1)))))
             THEN (SELECT max(position) + 1 FROM messages WHERE conversation = ?1 AND seq IS NOT NULL) ELSE ?2 END",
        )?
        .query_row(
            (
                key.0,
                position,
                matches!(below, Below::All),
                earlier.map(|(mine, _)| mine),
                earlier.map(|(_, seq)| seq),
            ),
            |row| row.get(0),
        )?)
}

/// The position of a message in the stream, or of one that the relay does not have.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub(in crate::store) fn position_for(
    connection: &Connection,
    key: ConversationKey,
    seq: Option<i64>,
) -> Result<i64> {
    match seq {
        // what is put back goes where it was, however the relay counted since
        Some(seq) => free_position(connection, key, position_of(unsigned(seq)), Below::Nothing),
        None => Ok(connection
            .prepare_cached("SELECT ?1 + coalesce(max(id), 0) + 1 FROM messages")?
            .query_row([UNSENT], |row| row.get(0))?),
    }
}

/// The position of an entry.
#[must_use]
pub fn position_of(seq: u64) -> i64 {
    signed(seq)
        .saturating_mul(PLACES)
        .saturating_add(PLACES - 1)
}

/// Puts what a conversation holds before all that its new stream will bring: the relay's numbers begin anew there. Answers by how
/// much positions fell.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub(in crate::store) fn put_before(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
) -> Result<i64> {
    /// Further than any two positions lie apart, so that none meets another on its way.
    const FAR: i64 = 1 << 60;
    let connection = write.connection();
    let newest: i64 = connection.prepare_cached("SELECT coalesce(max(position), 0) FROM messages WHERE conversation = ?1 AND position < ?2")?.query_row(
        (key.0, UNSENT),
        |row| row.get(0),
    )?;
    let fall = newest.max(0).saturating_add(1);
    connection.prepare_cached("UPDATE messages SET position = position - ?3, seq = NULL WHERE conversation = ?1 AND position < ?2")?.execute(
        (key.0, UNSENT, FAR),
    )?;
    connection.prepare_cached("UPDATE messages SET position = position + ?3 WHERE conversation = ?1 AND position < ?2")?.execute(
        (key.0, FAR / -2, FAR.saturating_sub(fall)),
    )?;
    Ok(fall)
}

/// Makes room for a message at its place in the stream: an entry of another that could not be opened was perhaps just this
/// one. The time of the message before that place, or 0.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn make_room(write: &WriteTransaction<'_>, key: ConversationKey, seq: u64) -> Result<u64> {
    let connection = write.connection();
    let position = position_of(seq);
    let unreadable: Option<i64> = connection
        .prepare_cached(
            "SELECT id FROM messages WHERE conversation = ?1 AND position = ?2 AND kind = 3",
        )?
        .query_row((key.0, position), |row| row.get(0))
        .optional()?;
    if let Some(row) = unreadable {
        delete(write, row)?;
    }
    let before: Option<i64> = connection
        .prepare_cached(
            "SELECT time FROM messages WHERE conversation = ?1 AND position < ?2 ORDER BY position DESC LIMIT 1",
        )?
        .query_row((key.0, position), |row| row.get(0))
        .optional()?;
    Ok(before.map_or(0, unsigned))
}
