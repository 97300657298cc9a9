//! Messages: shown once by their id, ordered by the relay.

mod own;
mod places;

use protocol::{AccountId, ClientId, MessageId};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use self::places::{Below, UNSENT, free_position, place_of};
pub(super) use self::places::{position_for, put_before};
pub use self::{
    own::{
        OwnMessage, announce_own, count_going, count_sent, own_after, own_between, own_row,
        replace_id, set_all_lost, set_failed, set_lost, set_queued, set_sent, set_taken_again,
        set_untaken, undelivered,
    },
    places::{make_room, position_of},
};

use crate::{
    error::Result,
    event::Event,
    model::{ConversationKey, Message, MessageKind, MessagePage, OutgoingState, SystemEvent},
    store::{WriteTransaction, id, signed, unsigned},
};
/// Reads what [`read`] wants; a condition follows.
pub(super) const SELECT: &str = "SELECT m.id, m.message_id, m.conversation, m.position, m.seq, m.sender, m.mine, m.kind, m.text, m.time,
    m.state, m.taken, c.delivered_seq, c.peer_read,
    CASE WHEN m.kind = 2 THEN (SELECT coalesce(sum(g.last - g.number + 1), 0) FROM gaps g
        WHERE g.message = m.id AND g.number > 0) ELSE 0 END AS missing,
    CASE WHEN m.mine = 1 AND coalesce(m.taken, m.seq) <= c.delivered_seq THEN (SELECT time FROM progress p
        WHERE p.conversation = m.conversation AND p.kind = 1 AND p.seq >= coalesce(m.taken, m.seq) ORDER BY p.seq LIMIT 1) END AS delivered_at,
    CASE WHEN m.mine = 1 AND m.seq <= c.peer_read AND (m.taken IS NULL OR m.taken <= c.delivered_seq) THEN (SELECT time FROM progress p
        WHERE p.conversation = m.conversation AND p.kind = 2 AND p.seq >= m.seq ORDER BY p.seq LIMIT 1) END AS read_at
    FROM messages m JOIN conversations c ON c.key = m.conversation";

/// A message to keep.
pub struct NewMessage<'a> {
    /// Its id.
    pub id: MessageId,
    /// Where it is.
    pub conversation: ConversationKey,
    /// Its place in the stream; `None` for one that waits to be sent.
    pub seq: Option<u64>,
    /// Who sent it.
    pub sender: AccountId,
    /// Whether it is our own.
    pub mine: bool,
    /// What it is.
    pub kind: MessageKind,
    /// The text.
    pub text: &'a str,
    /// The opened content, or the sealed bytes of an unreadable one.
    pub content: &'a [u8],
    /// When.
    pub time: u64,
    /// Of the entry that carries it.
    pub client_id: Option<ClientId>,
}

/// Where a message belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Where its seq says, after what came before it.
    Stream,
    /// Where its seq says, also among what came before it.
    Place,
    /// Below all that the relay has: its seq is one where the relay was before.
    Last,
}

/// Keeps a message. `None` if a message with this id is there already: it is shown once.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn insert(write: &WriteTransaction<'_>, message: &NewMessage<'_>) -> Result<Option<i64>> {
    insert_at(write, message, Order::Stream)
}

/// The same, in another order than that of the stream.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn insert_at(
    write: &WriteTransaction<'_>,
    message: &NewMessage<'_>,
    order: Order,
) -> Result<Option<i64>> {
    let (kind, text) = match message.kind {
        MessageKind::Text => (1, message.text),
        MessageKind::System(event) => (2, event.name()),
        MessageKind::Unreadable => (3, ""),
        MessageKind::Unsupported => (4, ""),
    };
    let mut statement = write.connection().prepare_cached(
        "INSERT INTO messages (message_id, conversation, position, seq, sender, mine, kind, text, content, time, state, client_id)
         VALUES (:message_id, :conversation,
                 coalesce(:position, :unsent + (SELECT coalesce(max(id), 0) + 1 FROM messages)),
                 :seq, :sender, :mine, :kind, :text, :content, :time, :state, :client_id)
         ON CONFLICT (message_id) DO NOTHING",
    )?;
    let inserted = statement.execute(named_params! {
        ":message_id": message.id.as_bytes(),
        ":conversation": message.conversation.0,
        ":unsent": UNSENT,
        ":position": match message.seq {
            Some(seq) => {
                let below = match (message.kind, order) {
                    // a line of the app stands where it belongs, whenever it is written
                    (MessageKind::System(_), _) | (_, Order::Place) => Below::Nothing,
                    (_, Order::Stream) => Below::Earlier { mine: message.mine, seq },
                    (_, Order::Last) => Below::All,
                };
                let (key, place) = (message.conversation, place_of(message.kind, seq));
                Some(free_position(write.connection(), key, place, below)?)
            }
            None => None,
        },
        ":seq": message.seq.map(signed),
        ":sender": message.sender.as_bytes(),
        ":mine": message.mine,
        ":kind": kind,
        ":text": text,
        ":content": message.content,
        ":time": signed(message.time),
        ":state": i64::from(message.seq.is_some()),
        ":client_id": message.client_id.map(|id| *id.as_bytes()),
    })?;
    drop(statement);
    if inserted == 0 {
        return Ok(None);
    }
    let row = write.connection().last_insert_rowid();
    if message.kind == MessageKind::Text {
        write
            .connection()
            .prepare_cached("INSERT INTO search_queue (message) VALUES (?1)")?
            .execute([row])?;
    }
    write.announce(Event::MessageChanged(message.conversation, message.id));
    Ok(Some(row))
}

/// Removes a message of this device's database only.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn delete(write: &WriteTransaction<'_>, row: i64) -> Result<()> {
    let (conversation, message) = place(write.connection(), row)?;
    // what could not be opened counts as unread
    write.execute(
        "UPDATE conversations SET unread = max(unread - 1, 0) WHERE key = ?1 AND EXISTS
             (SELECT 1 FROM messages m WHERE m.id = ?2 AND m.kind = 3 AND m.position > read_position)",
        (conversation.0, row),
    )?;
    write.execute("DELETE FROM search_queue WHERE message = ?1", [row])?;
    write.execute("DELETE FROM search_index WHERE rowid = ?1", [row])?;
    write.execute("DELETE FROM gaps WHERE message = ?1", [row])?;
    write.execute("DELETE FROM messages WHERE id = ?1", [row])?;
    write.announce(Event::MessageRemoved(conversation, message));
    write.announce(Event::ConversationChanged(conversation));
    Ok(())
}

/// The opened content of a message.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn content(connection: &Connection, row: i64) -> Result<Vec<u8>> {
    Ok(connection
        .prepare_cached("SELECT content FROM messages WHERE id = ?1")?
        .query_row([row], |row| row.get(0))?)
}

/// Whose messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// Our own.
    Own,
    /// Those of others.
    Others,
}

/// How many texts a conversation has under its present id; counts no further than a request reaches.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn count_texts(connection: &Connection, key: ConversationKey, author: Author) -> Result<u32> {
    Ok(connection
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM messages WHERE conversation = ?1 AND mine = ?2 AND kind IN (1, 4)
             AND position >= 0 LIMIT 100)",
        )?
        .query_row((key.0, author == Author::Own), |row| row.get(0))?)
}

/// Whether an entry with this client id was one of ours.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn has_client_id(connection: &Connection, client_id: ClientId) -> Result<bool> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM messages WHERE client_id = ?1")?;
    Ok(statement.exists([client_id.as_bytes()])?)
}

/// Up to `limit` messages before a position, or the newest.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn page(
    connection: &Connection,
    key: ConversationKey,
    before: Option<i64>,
    limit: u32,
) -> Result<MessagePage> {
    let mut statement = connection.prepare_cached(&format!(
        "{SELECT} WHERE m.conversation = ?1 AND m.position < ?2 ORDER BY m.position DESC LIMIT ?3"
    ))?;
    let rows = statement.query_map(
        (key.0, before.unwrap_or(i64::MAX), i64::from(limit) + 1),
        read,
    )?;
    let mut messages = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = messages.len() > limit;
    messages.truncate(limit);
    messages.reverse();
    Ok(MessagePage { messages, more })
}

/// The messages of these ids that are there.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn by_ids(
    connection: &Connection,
    key: ConversationKey,
    ids: &[MessageId],
) -> Result<Vec<Message>> {
    let mut statement = connection.prepare_cached(&format!(
        "{SELECT} WHERE m.message_id = ?1 AND m.conversation = ?2"
    ))?;
    let mut messages = Vec::with_capacity(ids.len());
    for id in ids {
        messages.extend(
            statement
                .query_row((id.as_bytes(), key.0), read)
                .optional()?,
        );
    }
    messages.sort_by_key(|message| message.position);
    Ok(messages)
}

/// The message of a row.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn by_row(connection: &Connection, row: i64) -> Result<Message> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE m.id = ?1"))?;
    Ok(statement.query_row([row], read)?)
}

/// The newest message of a conversation.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn last(connection: &Connection, key: ConversationKey) -> Result<Option<Message>> {
    Ok(page(connection, key, None, 1)?.messages.pop())
}

/// The highest position in the stream of what we have of others, or of our own, before one; 0 where there is nothing.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn newest(
    connection: &Connection,
    key: ConversationKey,
    mine: bool,
    before: u64,
) -> Result<u64> {
    let seq: i64 = connection
        .prepare_cached(
            "SELECT coalesce(max(seq), 0) FROM messages WHERE conversation = ?1 AND seq < ?2 AND mine = ?3 AND kind <> 2",
        )?
        .query_row((key.0, signed(before), mine), |row| row.get(0))?;
    Ok(unsigned(seq))
}

/// The first message of another after a position.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn first_unread(
    connection: &Connection,
    key: ConversationKey,
    position: i64,
) -> Result<Option<MessageId>> {
    let mut statement = connection.prepare_cached(
        "SELECT message_id FROM messages WHERE conversation = ?1 AND position > ?2 AND mine = 0 AND kind <> 2
         ORDER BY position LIMIT 1",
    )?;
    Ok(statement
        .query_row((key.0, position), |row| {
            id(row, "message_id", MessageId::from_slice)
        })
        .optional()?)
}

/// The row of a message, if it is here.
pub(super) fn row(
    connection: &Connection,
    key: ConversationKey,
    id: MessageId,
) -> Result<Option<i64>> {
    Ok(connection
        .prepare_cached("SELECT id FROM messages WHERE conversation = ?1 AND message_id = ?2")?
        .query_row((key.0, id.as_bytes()), |row| row.get(0))
        .optional()?)
}

fn place(connection: &Connection, row: i64) -> Result<(ConversationKey, MessageId)> {
    Ok(connection
        .prepare_cached("SELECT conversation, message_id FROM messages WHERE id = ?1")?
        .query_row([row], |row| {
            Ok((
                ConversationKey(row.get("conversation")?),
                id(row, "message_id", MessageId::from_slice)?,
            ))
        })?)
}

fn announce(write: &WriteTransaction<'_>, row: i64) -> Result<()> {
    let (conversation, message) = place(write.connection(), row)?;
    write.announce(Event::MessageChanged(conversation, message));
    write.announce(Event::ConversationChanged(conversation));
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Message> {
    let mine: bool = row.get("mine")?;
    let state: i64 = row.get("state")?;
    let seq: Option<i64> = row.get("seq")?;
    let taken: Option<i64> = row.get("taken")?;
    let delivered: i64 = row.get("delivered_seq")?;
    let peer_read: i64 = row.get("peer_read")?;
    let missing: u32 = row.get("missing")?;
    let delivered_at: Option<i64> = row.get("delivered_at")?;
    let read_at: Option<i64> = row.get("read_at")?;
    let text: String = row.get("text")?;
    let kind = match row.get::<_, i64>("kind")? {
        1 => MessageKind::Text,
        2 => SystemEvent::from_name(&text).map_or(MessageKind::Unsupported, MessageKind::System),
        3 => MessageKind::Unreadable,
        _ => MessageKind::Unsupported,
    };
    let outgoing = mine.then_some(match (state, seq) {
        (0, _) => OutgoingState::Queued,
        (1, Some(seq)) if seq <= peer_read && taken.is_none_or(|it| it <= delivered) => {
            OutgoingState::Read
        }
        (1, Some(seq)) if taken.unwrap_or(seq) <= delivered => OutgoingState::Delivered,
        (1, _) => OutgoingState::Sent,
        _ => OutgoingState::Failed,
    });
    Ok(Message {
        id: id(row, "message_id", MessageId::from_slice)?,
        conversation: ConversationKey(row.get("conversation")?),
        kind,
        sender: id(row, "sender", AccountId::from_slice)?,
        outgoing,
        text: if kind == MessageKind::Text {
            text
        } else {
            String::new()
        },
        time: unsigned(row.get("time")?),
        position: row.get("position")?,
        count: (missing > 0).then_some(missing),
        delivered_at: delivered_at.map(unsigned),
        read_at: read_at.map(unsigned),
    })
}
