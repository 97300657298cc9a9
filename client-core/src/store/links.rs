//! Links that this account made, and what shows that it held links of others.

use protocol::{AccountId, ConversationId, Digest, LinkSecret, Token};
use rusqlite::Connection;

use crate::{
    error::Result,
    model::ConversationKey,
    store::{WriteTransaction, id, signed, unsigned},
};

/// How long after the end of a link its proof may be shown, in a conversation that began before.
const LATE_MS: u64 = 24 * 60 * 60 * 1000;

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
    write.execute(
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

/// Links that hold at a time, with the uses that are left of each.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn left(connection: &Connection, now: u64) -> Result<Vec<LinkRow>> {
    let mut statement =
        connection.prepare_cached("SELECT count(*) FROM link_uses WHERE token = ?1")?;
    let mut left = Vec::new();
    for link in in_force(connection, now)? {
        let used: u16 = statement.query_row([link.token.as_bytes()], |row| row.get(0))?;
        let uses = link.uses.saturating_sub(used);
        if uses > 0 {
            left.push(LinkRow { uses, ..link });
        }
    }
    Ok(left)
}

/// Links that were ended and would hold at a time.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn ended(connection: &Connection, now: u64) -> Result<Vec<Token>> {
    let mut statement =
        connection.prepare_cached("SELECT token FROM ended_links WHERE expires > ?1")?;
    let rows = statement.query_map([signed(now)], |row| id(row, "token", Token::from_slice))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Forgets a link that was ended, but for what a restored relay has to be told.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn end(write: &WriteTransaction<'_>, token: Token, now: u64) -> Result<()> {
    write.execute("DELETE FROM ended_links WHERE expires <= ?1", [signed(now)])?;
    write.execute(
        "INSERT INTO ended_links (token, expires) SELECT token, expires FROM links WHERE token = ?1
         ON CONFLICT DO NOTHING",
        [token.as_bytes()],
    )?;
    for table in ["links", "link_uses"] {
        let sql = format!("DELETE FROM {table} WHERE token = ?1");
        write.execute(&sql, [token.as_bytes()])?;
    }
    Ok(())
}

/// A proof that an account held one of our links, and when.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// What the account showed.
    pub proof: &'a Digest,
    /// The account.
    pub account: AccountId,
    /// The conversation in which it showed it.
    pub conversation: ConversationId,
    /// When that conversation began.
    pub began: u64,
    /// When the account showed the proof.
    pub shown: u64,
}

/// Whether the proof shows that the account held one of our links while it was in force, and takes one of its uses. The relay counts
/// the uses too, but nobody has to believe it: what it made a request by an honest count is none by a link that is used up. The
/// proof may come somewhat late, from somebody who lost the connection in between.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn take_use(write: &WriteTransaction<'_>, proof: &Proof<'_>) -> Result<bool> {
    let connection = write.connection();
    let mut statement = connection.prepare_cached(
        "SELECT token, secret, uses FROM links WHERE expires >= ?1 AND expires >= ?2",
    )?;
    let shown = proof.shown.saturating_sub(LATE_MS);
    let mut rows = statement.query((signed(proof.began.min(proof.shown)), signed(shown)))?;
    while let Some(row) = rows.next()? {
        let secret = LinkSecret::new(row.get::<_, [u8; 16]>("secret")?);
        if secret.consent_proof(proof.account, proof.conversation) != *proof.proof {
            continue;
        }
        let (token, uses): (Vec<u8>, u32) = (row.get("token")?, row.get("uses")?);
        let used_by = (&token, proof.account.as_bytes());
        if connection
            .prepare_cached("SELECT 1 FROM link_uses WHERE token = ?1 AND account = ?2")?
            .exists(used_by)?
        {
            return Ok(true);
        }
        let taken = connection
            .prepare_cached(
                "INSERT INTO link_uses (token, account)
                 SELECT ?1, ?2 WHERE (SELECT count(*) FROM link_uses WHERE token = ?1) < ?3",
            )?
            .execute((&token, proof.account.as_bytes(), uses))?;
        return Ok(taken > 0);
    }
    Ok(false)
}

/// Keeps what shows the other that we held a link of its.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn keep_proof(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    proof: &Digest,
) -> Result<()> {
    write
        .connection()
        .prepare_cached("UPDATE conversations SET proof = ?2 WHERE key = ?1")?
        .execute((key.0, proof.as_bytes()))?;
    Ok(())
}

/// What shows the other that we held a link of its, if we did.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn kept_proof(connection: &Connection, key: ConversationKey) -> Result<Option<Digest>> {
    let proof: Option<[u8; 32]> = connection
        .prepare_cached("SELECT proof FROM conversations WHERE key = ?1")?
        .query_row([key.0], |row| row.get(0))?;
    Ok(proof.map(Digest::new))
}
