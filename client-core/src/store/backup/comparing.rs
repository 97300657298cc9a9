//! Whether a database has what a backup has: by what the rows say, as a merge goes by it.

use rusqlite::Connection;

use crate::{
    error::Result,
    store::{
        backup::merging::{SYSTEM_LINE, UNREADABLE},
        messages, unsigned,
    },
};

/// Whether a merge of `from` would bring nothing that is worth keeping, going by messages up to a row.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub(crate) fn holds(connection: &Connection, up_to: i64, from: &Connection) -> Result<bool> {
    Ok(holds_contacts(connection, from)?
        && holds_conversations(connection, from)?
        && holds_messages(connection, up_to, from)?)
}

fn holds_contacts(connection: &Connection, from: &Connection) -> Result<bool> {
    let mut here = connection.prepare(
        "SELECT EXISTS (SELECT 1 FROM contacts WHERE account = ?1 AND (?2 IS NULL OR root_key IS NOT NULL)
             AND (?3 = '' OR name <> '') AND (NOT ?4 OR verified OR root_key IS NOT ?2))",
    )?;
    let mut known = from.prepare("SELECT account, root_key, name, verified FROM contacts")?;
    let mut known = known.query([])?;
    while let Some(row) = known.next()? {
        let cells: (Vec<u8>, Option<Vec<u8>>, String, bool) = row.try_into()?;
        if !here.query_row(cells, |row| row.get(0))? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds_conversations(connection: &Connection, from: &Connection) -> Result<bool> {
    let mut here = connection.prepare(
        "SELECT EXISTS (SELECT 1 FROM conversations WHERE conversation = ?1 OR peer = ?2)
             OR EXISTS (SELECT 1 FROM declined WHERE conversation = ?1)",
    )?;
    let mut known = from.prepare("SELECT conversation, peer FROM conversations")?;
    let mut known = known.query([])?;
    while let Some(row) = known.next()? {
        let cells: (Vec<u8>, Vec<u8>) = row.try_into()?;
        if !here.query_row(cells, |row| row.get(0))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What was sealed and is open here counts as here, and so does what went with a conversation that the person declined.
fn holds_messages(connection: &Connection, up_to: i64, from: &Connection) -> Result<bool> {
    let mut here = connection.prepare(
        "SELECT EXISTS (SELECT 1 FROM messages WHERE message_id = ?1 AND id <= ?2)
             OR (EXISTS (SELECT 1 FROM declined WHERE conversation = ?3)
                 AND NOT EXISTS (SELECT 1 FROM conversations WHERE conversation = ?3 OR peer = ?4))
             OR EXISTS (SELECT 1 FROM messages m JOIN conversations c ON c.key = m.conversation
                 WHERE c.conversation = ?3 AND m.position = ?5 AND m.id <= ?2)",
    )?;
    let mut known = from.prepare(
        "SELECT m.message_id, m.kind, m.seq, c.conversation, c.peer FROM messages m
             JOIN conversations c ON c.key = m.conversation WHERE m.kind <> ?1",
    )?;
    let mut known = known.query([SYSTEM_LINE])?;
    while let Some(row) = known.next()? {
        let (kind, seq): (i64, Option<i64>) = (row.get("kind")?, row.get("seq")?);
        let opened_at = seq
            .filter(|_| kind == UNREADABLE)
            .map(|seq| messages::position_of(unsigned(seq)));
        let (id, conversation, peer): (Vec<u8>, Vec<u8>, Vec<u8>) = (
            row.get("message_id")?,
            row.get("conversation")?,
            row.get("peer")?,
        );
        let held: bool =
            here.query_row((id, up_to, conversation, peer, opened_at), |row| row.get(0))?;
        if !held {
            return Ok(false);
        }
    }
    Ok(true)
}
