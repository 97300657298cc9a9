//! Links that this account made.

use protocol::{AccountId, ConversationId, Digest, LinkSecret, Token};
use rusqlite::Connection;

use crate::{
    error::Result,
    store::{WriteTransaction, id, signed, unsigned},
};

/// How long after its end a link still proves consent: as long as the relay keeps what was written.
const LATE_MS: u64 = 60 * 24 * 60 * 60 * 1000;

/// A link that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// What the relay knows of it.
    pub token: Token,
    /// When it ends.
    pub expires: u64,
    /// How many accounts may use it.
    pub uses: u16,
    /// Whether it lets a new account register.
    pub invite: bool,
}

/// Keeps a link that the relay accepted.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn insert(write: &WriteTransaction<'_>, secret: &LinkSecret, link: &LinkRow) -> Result<()> {
    write.connection().execute(
        "INSERT INTO links (token, secret, expires, uses, invite) VALUES (?1, ?2, ?3, ?4, ?5)",
        (
            link.token.as_bytes(),
            secret.as_bytes(),
            signed(link.expires),
            link.uses,
            link.invite,
        ),
    )?;
    Ok(())
}

/// Links that hold at a time, those that end first before the others.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn in_force(connection: &Connection, now: u64) -> Result<Vec<LinkRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT token, expires, uses, invite FROM links WHERE expires > ?1 ORDER BY expires, token",
    )?;
    let rows = statement.query_map([signed(now)], |row| {
        Ok(LinkRow {
            token: id(row, "token", Token::from_slice)?,
            expires: unsigned(row.get("expires")?),
            uses: row.get("uses")?,
            invite: row.get("invite")?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Forgets a link that was ended.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn delete(write: &WriteTransaction<'_>, token: Token) -> Result<()> {
    write
        .connection()
        .execute("DELETE FROM links WHERE token = ?1", [token.as_bytes()])?;
    Ok(())
}

/// Whether the proof shows that `account` held one of our links when it opened `conversation`. A link that ended not long ago
/// counts too: it was opened while it held, and the message came late. The relay counts the uses.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn proves_consent(
    connection: &Connection,
    proof: &Digest,
    account: AccountId,
    conversation: ConversationId,
    now: u64,
) -> Result<bool> {
    let mut statement = connection.prepare_cached("SELECT secret FROM links WHERE expires > ?1")?;
    let mut rows = statement.query([signed(now.saturating_sub(LATE_MS))])?;
    while let Some(row) = rows.next()? {
        let secret = LinkSecret::new(row.get::<_, [u8; 16]>(0)?);
        if secret.consent_proof(account, conversation) == *proof {
            return Ok(true);
        }
    }
    Ok(false)
}
