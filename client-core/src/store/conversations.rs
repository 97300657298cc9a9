//! Conversations as this device keeps them.

mod read;
mod renewals;

use protocol::{AccountId, ConversationId, LinkSecret};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

pub use self::{
    read::{mark_read, read_back, set_read_told, unread_receipts},
    renewals::{
        count_sealed, is_worn, must_renew_first, next_renewal, plan_renewal, renewal_due, set_dead,
        without_renewal,
    },
};
use crate::{
    error::{Error, ErrorKind, Result},
    event::Event,
    model::{Conversation, ConversationKey, ConversationState, Standing},
    store::{
        WriteTransaction, contacts, id,
        messages::{self, Author},
        requests, signed, unsigned,
    },
};

/// What the engine needs of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationRow {
    /// Its key on this device.
    pub key: ConversationKey,
    /// Its id at the relay.
    pub conversation: ConversationId,
    /// The other account.
    pub peer: AccountId,
    /// The incarnation of its group.
    pub incarnation: u32,
    /// Whether messages can pass.
    pub state: ConversationState,
    /// How the two people stand.
    pub standing: Standing,
}

/// How many texts may be written before the other accepts.
pub const REQUEST_TEXTS: u32 = 3;
/// How many entries of all kinds the relay takes before the other accepts.
pub const REQUEST_ENTRIES: u32 = 8;

const ROW: &str = "SELECT key, conversation, peer, incarnation, state, standing FROM conversations";

/// Adds a conversation that is being opened.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn insert(
    write: &WriteTransaction<'_>,
    conversation: ConversationId,
    peer: AccountId,
    state: ConversationState,
    now: u64,
) -> Result<ConversationKey> {
    contacts::ensure(write, peer)?;
    write.execute(
        "INSERT INTO conversations (conversation, peer, state, created, last_activity)
         VALUES (:conversation, :peer, :state, :now, :now)",
        named_params! {
            ":conversation": conversation.as_bytes(),
            ":peer": peer.as_bytes(),
            ":state": state_number(state),
            ":now": signed(now),
        },
    )?;
    let key = ConversationKey(write.connection().last_insert_rowid());
    write.announce(Event::ConversationChanged(key));
    Ok(key)
}

/// Sets the state and, where another id won, the id.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_state(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    conversation: ConversationId,
    incarnation: u32,
    state: ConversationState,
) -> Result<()> {
    write.execute(
        "UPDATE conversations SET conversation = ?2, incarnation = ?3, state = ?4 WHERE key = ?1",
        (
            key.0,
            conversation.as_bytes(),
            incarnation,
            state_number(state),
        ),
    )?;
    write.announce(Event::ConversationChanged(key));
    Ok(())
}

/// A conversation that never was, or has ended, begins under another id, in a stream of its own. What was in it stays, before all
/// that comes; what was counted and told of it is over.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn begin_anew(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    conversation: ConversationId,
    incarnation: u32,
) -> Result<()> {
    let connection = write.connection();
    let fall = messages::put_before(write, key)?;
    connection.prepare_cached("UPDATE conversations SET read_position = read_position - ?2, delivered_seq = 0, peer_read = 0, read_told = 0,
             renew_at = NULL, since_renewal = 0, dead = 0, proof = NULL, asked_from = NULL WHERE key = ?1")?.execute(
        (key.0, fall),
    )?;
    let over = [
        "DELETE FROM progress WHERE conversation = ?1",
        "DELETE FROM sent_numbers WHERE conversation = ?1",
        "DELETE FROM chains WHERE conversation = ?1",
        "DELETE FROM former_chains WHERE conversation = ?1",
        "DELETE FROM questions WHERE conversation = ?1",
        "DELETE FROM renewals WHERE conversation = ?1",
        "DELETE FROM outbox WHERE conversation = ?1 AND message IS NULL",
    ];
    for statement in over {
        connection.execute(statement, [key.0])?;
    }
    set_state(
        write,
        key,
        conversation,
        incarnation,
        ConversationState::Opening,
    )
}

/// When a conversation appeared here.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn created(connection: &Connection, key: ConversationKey) -> Result<u64> {
    let created: i64 = connection
        .prepare_cached("SELECT created FROM conversations WHERE key = ?1")?
        .query_row([key.0], |row| row.get(0))?;
    Ok(unsigned(created))
}

/// Keeps the secret of a link of the other that was opened while it had not answered us.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_secret(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    secret: &LinkSecret,
) -> Result<()> {
    write.execute(
        "UPDATE conversations SET secret = ?2 WHERE key = ?1",
        (key.0, secret.as_bytes()),
    )?;
    Ok(())
}

/// Takes that secret out: it serves once.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn take_secret(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
) -> Result<Option<LinkSecret>> {
    let secret: Option<[u8; 16]> = write
        .connection()
        .prepare_cached("SELECT secret FROM conversations WHERE key = ?1")?
        .query_row([key.0], |row| row.get(0))?;
    write.execute(
        "UPDATE conversations SET secret = NULL WHERE key = ?1",
        [key.0],
    )?;
    Ok(secret.map(LinkSecret::new))
}

/// The conversation of this key.
///
/// # Errors
/// [`ErrorKind::NotFound`], [`ErrorKind::Database`].
pub fn row(connection: &Connection, key: ConversationKey) -> Result<ConversationRow> {
    let mut statement = connection.prepare_cached(&format!("{ROW} WHERE key = ?1"))?;
    statement
        .query_row([key.0], read_row)
        .optional()?
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "no such conversation"))
}

/// The conversation with this id.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn row_of(
    connection: &Connection,
    conversation: ConversationId,
) -> Result<Option<ConversationRow>> {
    let mut statement = connection.prepare_cached(&format!("{ROW} WHERE conversation = ?1"))?;
    Ok(statement
        .query_row([conversation.as_bytes()], read_row)
        .optional()?)
}

/// The direct conversation with this account.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn key_of_peer(connection: &Connection, peer: AccountId) -> Result<Option<ConversationKey>> {
    let mut statement =
        connection.prepare_cached("SELECT key FROM conversations WHERE peer = ?1")?;
    Ok(statement
        .query_row([peer.as_bytes()], |row| row.get(0).map(ConversationKey))
        .optional()?)
}

/// Keeps what is being written.
///
/// # Errors
/// [`ErrorKind::NotFound`], [`ErrorKind::Database`].
pub fn set_draft(write: &WriteTransaction<'_>, key: ConversationKey, draft: &str) -> Result<()> {
    let changed = write.execute(
        "UPDATE conversations SET draft = ?2 WHERE key = ?1",
        (key.0, draft),
    )?;
    if changed == 0 {
        return Err(Error::new(ErrorKind::NotFound, "no such conversation"));
    }
    write.announce(Event::ConversationChanged(key));
    Ok(())
}

/// Notes a new message: it raises the conversation in the list and, if another's, the count of unread ones.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn note_message(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    time: u64,
    unread: Unread,
) -> Result<()> {
    write.connection().prepare_cached(
        "UPDATE conversations SET last_activity = max(last_activity, ?2), unread = unread + ?3 WHERE key = ?1",
    )?.execute((key.0, signed(time), i64::from(unread == Unread::Yes)))?;
    write.announce(Event::ConversationChanged(key));
    Ok(())
}

/// Whether a message counts as unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is another's.
    Yes,
    /// It is our own, or the app's.
    No,
}

/// Whether what others wrote before is not missed: this device came in late, or had the other blocked.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn has_entered_late(connection: &Connection, key: ConversationKey) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM conversations WHERE key = ?1 AND entered = 1")?
        .exists([key.0])?)
}

/// What others wrote before now is not missed.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_entered_late(write: &WriteTransaction<'_>, key: ConversationKey) -> Result<()> {
    write.execute(
        "UPDATE conversations SET entered = 1 WHERE key = ?1",
        [key.0],
    )?;
    Ok(())
}

/// All established conversations.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn established(connection: &Connection) -> Result<Vec<ConversationKey>> {
    keys(
        connection,
        "SELECT key FROM conversations WHERE state = 1 ORDER BY key",
    )
}

fn keys(connection: &Connection, select: &str) -> Result<Vec<ConversationKey>> {
    let mut statement = connection.prepare_cached(select)?;
    let rows = statement.query_map([], |row| row.get(0).map(ConversationKey))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Announces that the row in the list changed.
pub(super) fn announce(write: &WriteTransaction<'_>, key: ConversationKey) {
    write.announce(Event::ConversationChanged(key));
}

/// Removes a conversation with all that is in it, from this device.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn delete(write: &WriteTransaction<'_>, key: ConversationKey) -> Result<()> {
    let connection = write.connection();
    let all = [
        "DELETE FROM search_queue WHERE message IN (SELECT id FROM messages WHERE conversation = ?1)",
        "DELETE FROM search_index WHERE rowid IN (SELECT id FROM messages WHERE conversation = ?1)",
        "DELETE FROM gaps WHERE conversation = ?1",
        "DELETE FROM sent_numbers WHERE conversation = ?1",
        "DELETE FROM chains WHERE conversation = ?1",
        "DELETE FROM former_chains WHERE conversation = ?1",
        "DELETE FROM questions WHERE conversation = ?1",
        "DELETE FROM progress WHERE conversation = ?1",
        "DELETE FROM outbox WHERE conversation = ?1",
        "DELETE FROM openings WHERE conversation = ?1",
        "DELETE FROM renewals WHERE conversation = ?1",
        "DELETE FROM messages WHERE conversation = ?1",
        "DELETE FROM conversations WHERE key = ?1",
    ];
    for statement in all {
        connection.execute(statement, [key.0])?;
    }
    write.announce(Event::ConversationChanged(key));
    Ok(())
}

/// The list as shown, newest activity first.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn list(connection: &Connection) -> Result<Vec<Conversation>> {
    let mut statement = connection.prepare_cached(
        "SELECT c.key, c.peer, c.state, c.draft, c.unread, c.last_activity, c.read_position, c.standing,
             p.name, p.blocked, p.verified
         FROM conversations c JOIN contacts p ON p.account = c.peer
         ORDER BY c.last_activity DESC, c.key DESC",
    )?;
    let mut rows = statement.query([])?;
    let mut list = Vec::new();
    while let Some(row) = rows.next()? {
        let key = ConversationKey(row.get("key")?);
        let unread: u32 = row.get("unread")?;
        let standing = requests::standing_from(row.get("standing")?);
        list.push(Conversation {
            key,
            peer: id(row, "peer", AccountId::from_slice)?,
            title: row.get("name")?,
            state: state_from(row.get("state")?),
            draft: row.get("draft")?,
            unread,
            first_unread: match unread {
                0 => None,
                _ => messages::first_unread(connection, key, row.get("read_position")?)?,
            },
            last_message: messages::last(connection, key)?,
            last_activity: unsigned(row.get("last_activity")?),
            standing,
            blocked: row.get("blocked")?,
            texts_left: match standing {
                Standing::Asked => Some(REQUEST_TEXTS.saturating_sub(messages::count_texts(
                    connection,
                    key,
                    Author::Own,
                )?)),
                Standing::Open | Standing::Requested => None,
            },
            verified: row.get("verified")?,
            presence: None,
            typing: false,
            held_until: None,
        });
    }
    Ok(list)
}

const fn state_number(state: ConversationState) -> i64 {
    match state {
        ConversationState::Opening => 0,
        ConversationState::Established => 1,
        ConversationState::Refused => 2,
    }
}

const fn state_from(number: i64) -> ConversationState {
    match number {
        1 => ConversationState::Established,
        2 => ConversationState::Refused,
        _ => ConversationState::Opening,
    }
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<ConversationRow> {
    Ok(ConversationRow {
        key: ConversationKey(row.get("key")?),
        conversation: id(row, "conversation", ConversationId::from_slice)?,
        peer: id(row, "peer", AccountId::from_slice)?,
        incarnation: row.get("incarnation")?,
        state: state_from(row.get("state")?),
        standing: requests::standing_from(row.get("standing")?),
    })
}
