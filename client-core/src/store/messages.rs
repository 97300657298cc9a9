//! Messages: shown once by their id, ordered by the relay.

use protocol::{AccountId, ClientId, MessageId};
use rusqlite::{Connection, OptionalExtension as _, Row, Rows, named_params};

use crate::{
    error::{Error, ErrorKind, Result},
    event::Event,
    model::{ConversationKey, Message, MessageKind, MessagePage, OutgoingState, SystemEvent},
    store::{WriteTransaction, chains::Numbered, id, signed, unsigned},
};

/// Positions of messages that the relay does not have yet start here, above every seq.
const UNSENT: i64 = 1 << 50;

/// Positions for each seq: the app's own lines first, each kind in its place, then the entry itself.
const PLACES: i64 = 8;

fn place_of(kind: MessageKind, seq: u64) -> i64 {
    match kind {
        MessageKind::System(event) => signed(seq)
            .saturating_mul(PLACES)
            .saturating_add(event.place()),
        MessageKind::Text | MessageKind::Unreadable | MessageKind::Unsupported => position_of(seq),
    }
}

/// What a message may not stand above, besides what has its position already.
#[derive(Clone, Copy)]
enum Below {
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
fn free_position(
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
/// [`ErrorKind::Database`].
pub(super) fn position_for(
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
/// [`ErrorKind::Database`].
pub fn insert(write: &WriteTransaction<'_>, message: &NewMessage<'_>) -> Result<Option<i64>> {
    insert_at(write, message, Order::Stream)
}

/// The same, in another order than that of the stream.
///
/// # Errors
/// [`ErrorKind::Database`].
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

/// Puts what a conversation holds before all that its new stream will bring: the relay's numbers begin anew there. Answers by how
/// much positions fell.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(super) fn put_before(write: &WriteTransaction<'_>, key: ConversationKey) -> Result<i64> {
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

/// Removes a message of this device's database only.
///
/// # Errors
/// [`ErrorKind::Database`].
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

/// Makes room for a message at its place in the stream: an entry of another that could not be opened was perhaps just this
/// one. The time of the message before that place, or 0.
///
/// # Errors
/// [`ErrorKind::Database`].
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

/// The opened content of a message.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn content(connection: &Connection, row: i64) -> Result<Vec<u8>> {
    Ok(connection
        .prepare_cached("SELECT content FROM messages WHERE id = ?1")?
        .query_row([row], |row| row.get(0))?)
}

/// How many messages that could not be opened came since a time.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn count_unreadable(connection: &Connection, since: u64) -> Result<u32> {
    Ok(connection
        .prepare_cached("SELECT count(*) FROM messages WHERE kind = 3 AND time >= ?1")?
        .query_row([signed(since)], |row| row.get(0))?)
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
/// [`ErrorKind::Database`].
pub fn count_texts(connection: &Connection, key: ConversationKey, author: Author) -> Result<u32> {
    Ok(connection
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM messages WHERE conversation = ?1 AND mine = ?2 AND kind IN (1, 4)
             AND position >= 0 LIMIT 100)",
        )?
        .query_row((key.0, author == Author::Own), |row| row.get(0))?)
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

/// Whether an entry with this client id was one of ours.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn has_client_id(connection: &Connection, client_id: ClientId) -> Result<bool> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM messages WHERE client_id = ?1")?;
    Ok(statement.exists([client_id.as_bytes()])?)
}

/// Up to `limit` messages before a position, or the newest.
///
/// # Errors
/// [`ErrorKind::Database`].
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
/// [`ErrorKind::Database`].
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
/// [`ErrorKind::Database`].
pub fn by_row(connection: &Connection, row: i64) -> Result<Message> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE m.id = ?1"))?;
    Ok(statement.query_row([row], read)?)
}

/// The newest message of a conversation.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn last(connection: &Connection, key: ConversationKey) -> Result<Option<Message>> {
    Ok(page(connection, key, None, 1)?.messages.pop())
}

/// The highest position in the stream of what we have of others, or of our own, before one; 0 where there is nothing.
///
/// # Errors
/// [`ErrorKind::Database`].
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
/// [`ErrorKind::Database`].
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
