//! Intents to open a direct conversation: what the person wanted, kept until the relay has made it or refused for good.

use protocol::{ClientId, LinkSecret};
use rusqlite::{Connection, OptionalExtension as _, Row, named_params};

use crate::{
    error::Result,
    model::ConversationKey,
    store::{WriteTransaction, id},
};

/// One intent.
#[derive(Debug)]
pub struct Opening {
    /// The conversation that waits for it.
    pub conversation: ConversationKey,
    /// The secret of the link that was opened.
    pub secret: Option<LinkSecret>,
    /// Whether the relay already knows the consent from our registration.
    pub invited: bool,
    /// Idempotency key of the claim of key packages.
    pub claim_id: ClientId,
    /// Idempotency key of the creation.
    pub client_id: ClientId,
    /// The encoded creation, once the group is made.
    pub request: Option<Vec<u8>>,
    /// Of the group that is founded: 0 for a new conversation, above for one that is set up anew.
    pub incarnation: u32,
}

/// Keeps a new intent.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn insert(write: &WriteTransaction<'_>, opening: &Opening) -> Result<()> {
    write.execute(
        "INSERT INTO openings (conversation, secret, invited, claim_id, client_id, incarnation)
         VALUES (:conversation, :secret, :invited, :claim_id, :client_id, :incarnation)",
        named_params! {
            ":conversation": opening.conversation.0,
            ":secret": opening.secret.as_ref().map(|secret| *secret.as_bytes()),
            ":invited": opening.invited,
            ":claim_id": opening.claim_id.as_bytes(),
            ":client_id": opening.client_id.as_bytes(),
            ":incarnation": opening.incarnation,
        },
    )?;
    Ok(())
}

/// Keeps the request of an intent, before it is sent.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_request(
    write: &WriteTransaction<'_>,
    conversation: ConversationKey,
    request: &[u8],
) -> Result<()> {
    write.execute(
        "UPDATE openings SET request = ?2 WHERE conversation = ?1",
        (conversation.0, request),
    )?;
    Ok(())
}

/// Goes back to the beginning of an intent, under other ids for claim and creation.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn begin_again(
    write: &WriteTransaction<'_>,
    opening: &Opening,
    (claim_id, client_id): (ClientId, ClientId),
) -> Result<()> {
    write.execute(
        "UPDATE openings SET request = NULL, claim_id = ?2, client_id = ?3 WHERE conversation = ?1",
        (
            opening.conversation.0,
            claim_id.as_bytes(),
            client_id.as_bytes(),
        ),
    )?;
    Ok(())
}

/// The person holds a link of the other by now.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_secret(
    write: &WriteTransaction<'_>,
    conversation: ConversationKey,
    secret: &LinkSecret,
) -> Result<()> {
    write.execute(
        "UPDATE openings SET secret = ?2 WHERE conversation = ?1",
        (conversation.0, secret.as_bytes()),
    )?;
    Ok(())
}

/// Forgets an intent: it is fulfilled or refused.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn delete(write: &WriteTransaction<'_>, conversation: ConversationKey) -> Result<()> {
    write.execute(
        "DELETE FROM openings WHERE conversation = ?1",
        [conversation.0],
    )?;
    Ok(())
}

/// The intent of one conversation.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn load(connection: &Connection, conversation: ConversationKey) -> Result<Option<Opening>> {
    let mut statement = connection.prepare_cached(concat!(
        "SELECT conversation, secret, invited, claim_id, client_id, request, incarnation FROM openings",
        " WHERE conversation = ?1"
    ))?;
    Ok(statement.query_row([conversation.0], read).optional()?)
}

/// All intents, oldest first.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn all(connection: &Connection) -> Result<Vec<Opening>> {
    let mut statement = connection.prepare_cached(
        "SELECT conversation, secret, invited, claim_id, client_id, request, incarnation FROM openings ORDER BY id",
    )?;
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Opening> {
    let secret: Option<[u8; 16]> = row.get("secret")?;
    Ok(Opening {
        conversation: ConversationKey(row.get("conversation")?),
        secret: secret.map(LinkSecret::new),
        invited: row.get("invited")?,
        claim_id: id(row, "claim_id", ClientId::from_slice)?,
        client_id: id(row, "client_id", ClientId::from_slice)?,
        request: row.get("request")?,
        incarnation: row.get("incarnation")?,
    })
}
