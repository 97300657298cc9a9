//! How two people stand to each other: requests, declines and blocks.

use protocol::{AccountId, ConversationId};
use rusqlite::{Connection, OptionalExtension as _};

use crate::{
    error::Result,
    event::Event,
    model::{BlockedContact, ConversationKey, Standing},
    store::{WriteTransaction, contacts, conversations, id, signed},
};

/// Declines are remembered this long, so that a welcome that comes late is known for what it is.
const REMEMBER_MS: u64 = 90 * 24 * 60 * 60 * 1000;

/// The column's number.
pub(super) const fn number(standing: Standing) -> i64 {
    match standing {
        Standing::Open => 0,
        Standing::Asked => 1,
        Standing::Requested => 2,
    }
}

/// The other way.
pub(super) const fn standing_from(number: i64) -> Standing {
    match number {
        1 => Standing::Asked,
        2 => Standing::Requested,
        _ => Standing::Open,
    }
}

/// Sets how the two stand.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_standing(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    standing: Standing,
) -> Result<()> {
    let changed = write
        .connection()
        .prepare_cached(
            "UPDATE conversations SET standing = ?2, secret = NULL WHERE key = ?1 AND standing <> ?2",
        )?
        .execute((key.0, number(standing)))?;
    if changed > 0 {
        write.announce(Event::ConversationChanged(key));
    }
    Ok(())
}

/// Remembers a declined conversation; the relay has to be told.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn decline(
    write: &WriteTransaction<'_>,
    conversation: ConversationId,
    peer: AccountId,
    now: u64,
) -> Result<()> {
    write.execute(
        "INSERT INTO declined (conversation, peer, time) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        (conversation.as_bytes(), peer.as_bytes(), signed(now)),
    )?;
    write.execute(
        "DELETE FROM declined WHERE told = 1 AND time < ?1",
        [signed(now.saturating_sub(REMEMBER_MS))],
    )?;
    Ok(())
}

/// Whether the person declined a conversation of this id, whoever asked for it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_declined(connection: &Connection, conversation: ConversationId) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM declined WHERE conversation = ?1")?
        .exists([conversation.as_bytes()])?)
}

/// Whether the person declined this conversation when this account asked for it, and nothing came since that shows consent.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_unwanted(
    connection: &Connection,
    conversation: ConversationId,
    peer: AccountId,
) -> Result<bool> {
    let declined = connection
        .prepare_cached(
            "SELECT 1 FROM declined WHERE conversation = ?1 AND coalesce(peer, ?2) = ?2",
        )?
        .exists((conversation.as_bytes(), peer.as_bytes()))?;
    Ok(declined && !contacts::has_consented(connection, peer)?)
}

/// Declines that the relay does not know yet.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn untold_declines(connection: &Connection) -> Result<Vec<ConversationId>> {
    let mut statement = connection
        .prepare_cached("SELECT conversation FROM declined WHERE told = 0 ORDER BY conversation")?;
    let rows = statement.query_map([], |row| {
        id(row, "conversation", ConversationId::from_slice)
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The relay knows of a decline.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_decline_told(write: &WriteTransaction<'_>, conversation: ConversationId) -> Result<()> {
    write.execute(
        "UPDATE declined SET told = 1 WHERE conversation = ?1",
        [conversation.as_bytes()],
    )?;
    Ok(())
}

/// Blocks an account, or ends that; the relay has to be told.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_blocked(write: &WriteTransaction<'_>, account: AccountId, blocked: bool) -> Result<()> {
    contacts::ensure(write, account)?;
    write.execute(
        "UPDATE contacts SET blocked = ?2, block_told = 0, was_blocked = 1 WHERE account = ?1 AND blocked <> ?2",
        (account.as_bytes(), blocked),
    )?;
    if let Some(key) = conversations::key_of_peer(write.connection(), account)? {
        write.announce(Event::ConversationChanged(key));
    }
    Ok(())
}

/// Whether the person blocked an account.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_blocked(connection: &Connection, account: AccountId) -> Result<bool> {
    let blocked = connection
        .prepare_cached("SELECT blocked FROM contacts WHERE account = ?1")?
        .query_row([account.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(blocked.unwrap_or(false))
}

/// Whether the relay does not know yet that a block is over.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn has_ended_block(connection: &Connection, account: AccountId) -> Result<bool> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM contacts WHERE account = ?1 AND blocked = 0 AND block_told = 0",
        )?
        .exists([account.as_bytes()])?)
}

/// Blocks, and ends of blocks, that the relay does not know yet.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn untold_blocks(connection: &Connection) -> Result<Vec<(AccountId, bool)>> {
    let mut statement = connection.prepare_cached(
        "SELECT account, blocked FROM contacts WHERE block_told = 0 ORDER BY account",
    )?;
    let rows = statement.query_map([], |row| {
        Ok((
            id(row, "account", AccountId::from_slice)?,
            row.get("blocked")?,
        ))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The relay knows of a block, unless it changed since.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_block_told(
    write: &WriteTransaction<'_>,
    account: AccountId,
    blocked: bool,
) -> Result<()> {
    write.execute(
        "UPDATE contacts SET block_told = 1 WHERE account = ?1 AND blocked = ?2",
        (account.as_bytes(), blocked),
    )?;
    Ok(())
}

/// The relay was restored from an older copy: whatever it was told of blocks, of their ends and of declines may be lost.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn tell_again(write: &WriteTransaction<'_>) -> Result<()> {
    write.execute(
        "UPDATE contacts SET block_told = 0 WHERE blocked = 1 OR was_blocked = 1",
        [],
    )?;
    write.execute("UPDATE declined SET told = 0", [])?;
    Ok(())
}

/// Takes over the relay's list of blocks, and says who is blocked by it that was not. Who is blocked here and not there stays
/// blocked, and the relay has to be told; so does whom the person let in again.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn merge_blocks(write: &WriteTransaction<'_>, listed: &[AccountId]) -> Result<Vec<AccountId>> {
    // what the relay has of these it says below
    write.execute("UPDATE contacts SET block_told = 0 WHERE blocked = 1", [])?;
    let mut news = Vec::new();
    for account in listed {
        contacts::ensure(write, *account)?;
        let changed = write
            .connection()
            .prepare_cached(
                "UPDATE contacts SET blocked = 1 WHERE account = ?1 AND blocked = 0 AND block_told = 1",
            )?
            .execute([account.as_bytes()])?;
        if changed > 0 {
            news.push(*account);
            if let Some(key) = conversations::key_of_peer(write.connection(), *account)? {
                write.announce(Event::ConversationChanged(key));
            }
        }
        set_block_told(write, *account, true)?;
    }
    Ok(news)
}

/// Everybody who is blocked, by name.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn blocked(connection: &Connection) -> Result<Vec<BlockedContact>> {
    let mut statement = connection.prepare_cached(
        "SELECT account, name FROM contacts WHERE blocked = 1 ORDER BY name, account",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(BlockedContact {
            account: id(row, "account", AccountId::from_slice)?,
            name: row.get("name")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
