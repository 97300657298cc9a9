//! Intents to change a group by a commit of ours: what is wanted, and once it is made, the request that is sent unchanged
//! until the relay answers.

use protocol::{ClientId, ConversationId};
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::{
    error::Result,
    model::ConversationKey,
    store::{WriteTransaction, id, signed, unsigned},
};

/// How many conversations that are not here are looked at, at once.
const MOST_UNKNOWN: u32 = 256;

/// An intent to come back into a group from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejoin {
    /// The conversation; perhaps unknown here until then.
    pub conversation: ConversationId,
    /// Idempotency key of the commit.
    pub client_id: ClientId,
    /// The encoded commit.
    pub request: Option<Vec<u8>>,
    /// Commits that lost or were refused.
    pub attempts: u32,
    /// Whether the commit takes the place of a leaf that this device had: it was a member all the time.
    pub was_member: bool,
}

/// An intent to renew the own leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// The conversation.
    pub key: ConversationKey,
    /// Idempotency key of the commit.
    pub client_id: ClientId,
    /// The encoded commit.
    pub request: Option<Vec<u8>>,
}

/// Wants to come back into a group; nothing where that is wanted already.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn want_rejoin(
    write: &WriteTransaction<'_>,
    conversation: ConversationId,
    client_id: ClientId,
) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT INTO rejoins (conversation, client_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute((conversation.as_bytes(), client_id.as_bytes()))?;
    Ok(())
}

/// The same for a conversation that only the relay's word speaks of: it may name as many as it likes, and so many are looked at.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn want_unknown(
    write: &WriteTransaction<'_>,
    conversation: ConversationId,
    client_id: ClientId,
) -> Result<()> {
    let unknown: u32 = write.connection().query_row(
        "SELECT count(*) FROM rejoins r WHERE NOT EXISTS
             (SELECT 1 FROM conversations c WHERE c.conversation = r.conversation)",
        [],
        |row| row.get(0),
    )?;
    if unknown < MOST_UNKNOWN {
        want_rejoin(write, conversation, client_id)?;
    }
    Ok(())
}

/// Whether this device is about to enter a conversation that is not here.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn are_unknown_wanted(connection: &Connection) -> Result<bool> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM rejoins r WHERE NOT EXISTS
                 (SELECT 1 FROM conversations c WHERE c.conversation = r.conversation)",
        )?
        .exists([])?)
}

/// The incarnation and epoch that this device had reached in a conversation when it began to come back.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn reached(connection: &Connection, conversation: ConversationId) -> Result<(u32, u64)> {
    let mut statement = connection.prepare_cached(
        "SELECT reached_incarnation, reached_epoch FROM rejoins WHERE conversation = ?1",
    )?;
    let reached = statement
        .query_row([conversation.as_bytes()], |row| {
            Ok((row.get(0)?, unsigned(row.get(1)?)))
        })
        .optional()?;
    Ok(reached.unwrap_or_default())
}

/// Notes how far this device is; it never falls.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note_reached(
    write: &WriteTransaction<'_>,
    conversation: ConversationId,
    reached: (u32, u64),
) -> Result<()> {
    if self::reached(write.connection(), conversation)? < reached {
        write.execute(
            "UPDATE rejoins SET reached_incarnation = ?2, reached_epoch = ?3 WHERE conversation = ?1",
            (conversation.as_bytes(), reached.0, signed(reached.1)),
        )?;
    }
    Ok(())
}

/// Notes whether the commit takes the place of a leaf that this device had.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_was_member(
    write: &WriteTransaction<'_>,
    conversation: ConversationId,
    was_member: bool,
) -> Result<()> {
    write
        .connection()
        .prepare_cached("UPDATE rejoins SET was_member = ?2 WHERE conversation = ?1")?
        .execute((conversation.as_bytes(), was_member))?;
    Ok(())
}

/// The commit is made; or, with `None`, it lost: the next one has another client id.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_rejoin_request(
    write: &WriteTransaction<'_>,
    conversation: ConversationId,
    request: Option<(&[u8], ClientId)>,
) -> Result<()> {
    match request {
        Some((bytes, client_id)) => write
            .connection()
            .prepare_cached(
                "UPDATE rejoins SET request = ?2, client_id = ?3 WHERE conversation = ?1",
            )?
            .execute((conversation.as_bytes(), bytes, client_id.as_bytes()))?,
        None => write
            .connection()
            .prepare_cached(
                "UPDATE rejoins SET request = NULL, attempts = attempts + 1 WHERE conversation = ?1",
            )?
            .execute([conversation.as_bytes()])?,
    };
    Ok(())
}

/// Forgets an intent: this device is back, or the conversation is made anew.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn delete_rejoin(write: &WriteTransaction<'_>, conversation: ConversationId) -> Result<()> {
    write
        .connection()
        .prepare_cached("DELETE FROM rejoins WHERE conversation = ?1")?
        .execute([conversation.as_bytes()])?;
    Ok(())
}

/// The intent of one conversation.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn rejoin(connection: &Connection, conversation: ConversationId) -> Result<Option<Rejoin>> {
    let mut statement = connection.prepare_cached(
        "SELECT conversation, client_id, request, attempts, was_member FROM rejoins WHERE conversation = ?1",
    )?;
    Ok(statement
        .query_row([conversation.as_bytes()], read_rejoin)
        .optional()?)
}

/// All intents to come back.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn rejoins(connection: &Connection) -> Result<Vec<Rejoin>> {
    let mut statement = connection.prepare_cached(
        "SELECT conversation, client_id, request, attempts, was_member FROM rejoins ORDER BY conversation",
    )?;
    let rows = statement.query_map([], read_rejoin)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Wants to renew the own leaf, or keeps the commit that does it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn save_renewal(write: &WriteTransaction<'_>, renewal: &Renewal) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT INTO renewals (conversation, client_id, request) VALUES (?1, ?2, ?3)
             ON CONFLICT (conversation) DO UPDATE SET client_id = excluded.client_id, request = excluded.request",
        )?
        .execute((
            renewal.key.0,
            renewal.client_id.as_bytes(),
            &renewal.request,
        ))?;
    Ok(())
}

/// Forgets an intent to renew.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn delete_renewal(write: &WriteTransaction<'_>, key: ConversationKey) -> Result<()> {
    write
        .connection()
        .prepare_cached("DELETE FROM renewals WHERE conversation = ?1")?
        .execute([key.0])?;
    Ok(())
}

/// The intent of one conversation.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn renewal(connection: &Connection, key: ConversationKey) -> Result<Option<Renewal>> {
    let mut statement = connection.prepare_cached(
        "SELECT conversation, client_id, request FROM renewals WHERE conversation = ?1",
    )?;
    Ok(statement.query_row([key.0], read_renewal).optional()?)
}

/// All intents to renew.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn renewals(connection: &Connection) -> Result<Vec<Renewal>> {
    let mut statement = connection.prepare_cached(
        "SELECT conversation, client_id, request FROM renewals ORDER BY conversation",
    )?;
    let rows = statement.query_map([], read_renewal)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read_rejoin(row: &Row<'_>) -> rusqlite::Result<Rejoin> {
    Ok(Rejoin {
        conversation: id(row, "conversation", ConversationId::from_slice)?,
        client_id: id(row, "client_id", ClientId::from_slice)?,
        request: row.get("request")?,
        attempts: row.get("attempts")?,
        was_member: row.get("was_member")?,
    })
}

fn read_renewal(row: &Row<'_>) -> rusqlite::Result<Renewal> {
    Ok(Renewal {
        key: ConversationKey(row.get("conversation")?),
        client_id: id(row, "client_id", ClientId::from_slice)?,
        request: row.get("request")?,
    })
}
