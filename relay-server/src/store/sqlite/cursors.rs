//! What is written behind: the cursor columns of `members` and `devices`, and `accounts.last_seen`. None ever falls.

use super::{Fault, writer::Tx};
use crate::store::{Behind, CursorRow};

pub(super) fn raise(tx: &mut Tx<'_>, request: &Behind) -> Result<(), Fault> {
    let mut conversation = tx.connection.prepare_cached(
        "UPDATE members SET cursor = ?3 WHERE stream = ?1 AND device = ?2 AND cursor < ?3",
    )?;
    let mut inbox = tx.connection.prepare_cached(
        "UPDATE devices SET inbox_cursor = ?2 WHERE id = ?1 AND inbox_cursor < ?2",
    )?;
    for cursor in &request.cursors {
        match *cursor {
            CursorRow::Conversation {
                device,
                stream,
                seq,
            } => conversation.execute((stream.0, device.0, seq))?,
            CursorRow::Inbox { device, seq } => inbox.execute((device.0, seq))?,
        };
    }
    for (account, time) in &request.last_seen {
        tx.connection
            .prepare_cached("UPDATE accounts SET last_seen = ?2 WHERE id = ?1 AND last_seen < ?2")?
            .execute((account.0, time))?;
    }
    crate::KillPoint::CursorsRaised.reach();
    Ok(())
}
