//! Links that this account made.

use protocol::{AccountId, ConversationId, Digest, LinkSecret, Token};
use rusqlite::Connection;

use crate::{
    error::Result,
    store::{WriteTransaction, signed},
};

/// Keeps a link that the relay accepted.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn insert(
    write: &WriteTransaction<'_>,
    token: Token,
    secret: &LinkSecret,
    expires: u64,
    uses: u16,
) -> Result<()> {
    write.connection().execute(
        "INSERT INTO links (token, secret, expires, uses) VALUES (?1, ?2, ?3, ?4)",
        (token.as_bytes(), secret.as_bytes(), signed(expires), uses),
    )?;
    Ok(())
}

/// Whether the proof shows that `account` held one of our links when it opened `conversation`.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn proves_consent(
    connection: &Connection,
    proof: &Digest,
    account: AccountId,
    conversation: ConversationId,
) -> Result<bool> {
    let mut statement = connection.prepare_cached("SELECT secret FROM links")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let secret = LinkSecret::new(row.get::<_, [u8; 16]>(0)?);
        if secret.consent_proof(account, conversation) == *proof {
            return Ok(true);
        }
    }
    Ok(false)
}
