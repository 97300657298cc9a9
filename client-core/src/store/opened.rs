//! Which entries of others were opened. MLS uses a key once: what comes again under a client id that is known is a duplicate, and
//! what comes under another one was sealed by a device that went back in time and does not know it.

use protocol::ClientId;
use rusqlite::Connection;

use crate::{error::Result, store::WriteTransaction};

/// Of how many entries it is known: more than a relay sends again of what was not acknowledged.
const KEPT: u32 = 16_384;

/// Notes an entry.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note(write: &WriteTransaction<'_>, client_id: ClientId) -> Result<()> {
    let connection = write.connection();
    connection
        .prepare_cached("INSERT OR IGNORE INTO opened (client_id) VALUES (?1)")?
        .execute([client_id.as_bytes()])?;
    connection
        .prepare_cached("DELETE FROM opened WHERE id <= (SELECT max(id) FROM opened) - ?1")?
        .execute([KEPT])?;
    Ok(())
}

/// Whether an entry was opened, as far as that is known.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_known(connection: &Connection, client_id: ClientId) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM opened WHERE client_id = ?1")?
        .exists([client_id.as_bytes()])?)
}
