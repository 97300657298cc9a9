//! Entries that could not be opened when they came, for the page that says how it goes. What was shown for one goes when its sender
//! sends it again; that it happened stays for a month.

use protocol::ClientId;
use rusqlite::Connection;

use crate::{
    error::Result,
    store::{WriteTransaction, signed},
};

/// How far back is counted.
const MONTH_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// No more are kept, whatever others send.
const KEPT: u32 = 10_000;

/// Notes that an entry could not be opened. `now` is the relay's time, ms. One that comes again counts once.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note(write: &WriteTransaction<'_>, client_id: ClientId, now: u64) -> Result<()> {
    let connection = write.connection();
    connection
        .prepare_cached("INSERT OR IGNORE INTO unopened (client_id, time) VALUES (?1, ?2)")?
        .execute((client_id.as_bytes(), signed(now)))?;
    connection
        .prepare_cached(
            "DELETE FROM unopened WHERE time < ?1 OR id <= (SELECT max(id) FROM unopened) - ?2",
        )?
        .execute((begins(now), KEPT))?;
    Ok(())
}

/// How many could not be opened in the last 30 days. `now` is the relay's time, ms.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn count(connection: &Connection, now: u64) -> Result<u32> {
    Ok(connection
        .prepare_cached("SELECT count(*) FROM unopened WHERE time >= ?1")?
        .query_row([begins(now)], |row| row.get(0))?)
}

fn begins(now: u64) -> i64 {
    signed(now.saturating_sub(MONTH_MS))
}
