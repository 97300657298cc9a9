//! Putting the rows of a backup into a database that has others: rows are known by what they say, not by their numbers.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{ConversationId, MessageId};
use rusqlite::{Connection, OptionalExtension as _, params_from_iter};

use crate::{
    error::{Error, ErrorKind, Result},
    model::ConversationKey,
    store::{WriteTransaction, backup::rows, id, messages, salvage, unsigned},
};

/// A line of the app about the device that wrote the backup: it says nothing of this one.
pub(super) const SYSTEM_LINE: i64 = 2;
pub(super) const UNREADABLE: i64 = 3;

/// What a merge added.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    /// Messages that were not there.
    pub(crate) messages: u64,
    /// Conversations to which something was added, or that are shown otherwise.
    pub(crate) touched: BTreeSet<ConversationKey>,
    /// Conversations that were not there: this device has to enter their groups.
    pub(crate) new: Vec<ConversationId>,
}

/// Adds what is in `from` and not here. What is here stays as it is, but for a name or a pinned key that was missing, with its
/// mark, and sealed messages that the backup has open.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn merge(write: &WriteTransaction<'_>, from: &Connection) -> Result<Merged> {
    let mut merged = Merged::default();
    add_contacts(write, from)?;
    add_declined(write, from)?;
    let places = add_conversations(write, from, &mut merged)?;
    add_messages(write, from, &places, &mut merged)?;
    for key in &merged.touched {
        write.execute(
            "UPDATE conversations SET last_activity =
                 max(last_activity, (SELECT coalesce(max(time), 0) FROM messages WHERE conversation = key))
             WHERE key = ?1",
            [key.0],
        )?;
    }
    // what waited when it was backed up is late: the person says whether it goes out
    write.execute(
        "UPDATE messages SET state = 2 WHERE mine = 1 AND state = 0 AND seq IS NULL
         AND id NOT IN (SELECT message FROM outbox WHERE message IS NOT NULL)",
        [],
    )?;
    merged
        .touched
        .extend(salvage::refuse_unopened(write.connection())?);
    Ok(merged)
}

fn add_contacts(write: &WriteTransaction<'_>, from: &Connection) -> Result<()> {
    let columns = rows::columns(from, "contacts")?;
    rows::small_rows(from, "contacts", &columns, &mut |_, cells| {
        add(write, "contacts", &columns, &cells)?;
        Ok(())
    })?;
    let mut known = from.prepare("SELECT account, root_key, name, verified FROM contacts")?;
    let mut known = known.query([])?;
    // whoever is known here may have been verified when the backup was written, and the mark taken back since
    let mut complete = write.connection().prepare(
        "UPDATE contacts SET name = CASE name WHEN '' THEN ?3 ELSE name END, root_key = coalesce(root_key, ?2),
             verified = CASE WHEN root_key IS NULL AND ?2 IS NOT NULL THEN ?4 ELSE verified END
         WHERE account = ?1",
    )?;
    while let Some(row) = known.next()? {
        let (account, root_key, name, verified): (Vec<u8>, Option<Vec<u8>>, String, bool) =
            row.try_into()?;
        complete.execute((account, root_key, name, verified))?;
    }
    Ok(())
}

/// What the person did not want does not come in again from the list of the relay, which may not have been told.
fn add_declined(write: &WriteTransaction<'_>, from: &Connection) -> Result<()> {
    let columns = rows::columns(from, "declined")?;
    let mut accepted = write
        .connection()
        .prepare("SELECT 1 FROM conversations WHERE conversation = ?1")?;
    let mut found = from.prepare("SELECT rowid, conversation FROM declined")?;
    let mut found = found.query([])?;
    while let Some(row) = found.next()? {
        let (number, conversation): (i64, Vec<u8>) = row.try_into()?;
        if !accepted.exists([conversation])?
            && let Some(cells) = rows::by_row(from, "declined", &columns, number)?
        {
            add(write, "declined", &columns, &cells)?;
        }
    }
    Ok(())
}

/// Where the conversations of the backup are here.
struct Place {
    key: ConversationKey,
    /// Both have the same id, so what was never sent may still be.
    same: bool,
}

fn add_conversations(
    write: &WriteTransaction<'_>,
    from: &Connection,
    merged: &mut Merged,
) -> Result<BTreeMap<i64, Place>> {
    let connection = write.connection();
    let columns = rows::columns(from, "conversations")?;
    let mut places = BTreeMap::new();
    let mut statement =
        from.prepare("SELECT key, conversation, peer, read_position FROM conversations")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let former: i64 = row.get("key")?;
        let conversation = id(row, "conversation", ConversationId::from_slice)?;
        let peer: Vec<u8> = row.get("peer")?;
        let here = || {
            connection
                .query_row(
                    "SELECT key, conversation = ?1 FROM conversations WHERE conversation = ?1 OR peer = ?2
                     ORDER BY conversation = ?1 DESC LIMIT 1",
                    (conversation.as_bytes(), &peer),
                    |row| {
                        Ok(Place {
                            key: ConversationKey(row.get(0)?),
                            same: row.get(1)?,
                        })
                    },
                )
                .optional()
        };
        if let Some(place) = here()? {
            connection.execute(
                "UPDATE conversations SET read_position = max(read_position, ?2) WHERE key = ?1 AND conversation = ?3",
                (place.key.0, row.get::<_, i64>("read_position")?, conversation.as_bytes()),
            )?;
            places.insert(former, place);
            continue;
        }
        let declined: bool = connection.query_row(
            "SELECT EXISTS (SELECT 1 FROM declined WHERE conversation = ?1)",
            [conversation.as_bytes()],
            |row| row.get(0),
        )?;
        if declined {
            continue;
        }
        let (names, cells) = rows::by_row(from, "conversations", &columns, former)?
            .map(|cells| without(&columns, cells, "key"))
            .ok_or_else(|| Error::new(ErrorKind::Database, "a row went while it was read"))?;
        add(write, "conversations", &names, &cells)?;
        if let Some(place) = here()? {
            merged.new.push(conversation);
            merged.touched.insert(place.key);
            places.insert(former, place);
        }
    }
    Ok(places)
}

fn add_messages(
    write: &WriteTransaction<'_>,
    from: &Connection,
    places: &BTreeMap<i64, Place>,
    merged: &mut Merged,
) -> Result<()> {
    let columns = rows::columns(from, rows::MESSAGES)?;
    let mut statement = from.prepare(
        "SELECT id, message_id, conversation, seq, kind FROM messages ORDER BY conversation, position",
    )?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let kind: i64 = row.get("kind")?;
        let seq: Option<i64> = row.get("seq")?;
        let former: i64 = row.get("conversation")?;
        let Some(place) = places.get(&former).filter(|_| kind != SYSTEM_LINE) else {
            continue;
        };
        if seq.is_none() && !place.same {
            // its id names a conversation that is over
            continue;
        }
        let message = id(row, "message_id", MessageId::from_slice)?;
        if is_here(write, message)? {
            continue;
        }
        if let Some(seq) = seq.filter(|_| kind == UNREADABLE && place.same)
            && is_taken(write, place.key, seq)?
        {
            // it was opened here
            continue;
        }
        if let Some(seq) = seq {
            remove_sealed(write, place.key, (seq, kind))?;
        }
        let position = messages::position_for(write.connection(), place.key, seq)?;
        let (names, mut cells) = rows::by_row(from, rows::MESSAGES, &columns, row.get("id")?)?
            .map(|cells| without(&columns, cells, "id"))
            .ok_or_else(|| Error::new(ErrorKind::Database, "a row went while it was read"))?;
        for (name, cell) in names.iter().zip(&mut cells) {
            match name.as_str() {
                "conversation" => *cell = rows::Cell::Integer(place.key.0),
                "position" => *cell = rows::Cell::Integer(position),
                _ => {}
            }
        }
        if add(write, rows::MESSAGES, &names, &cells)? {
            write.execute(
                "INSERT INTO search_queue (message) SELECT id FROM messages WHERE message_id = ?1 AND kind = 1
                 ON CONFLICT DO NOTHING",
                [message.as_bytes()],
            )?;
            merged.messages = merged.messages.saturating_add(1);
            merged.touched.insert(place.key);
        }
    }
    Ok(())
}

fn is_here(write: &WriteTransaction<'_>, message: MessageId) -> Result<bool> {
    Ok(write
        .connection()
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM messages WHERE message_id = ?1)")?
        .query_row([message.as_bytes()], |row| row.get(0))?)
}

/// Whether a message stands where one of this seq would.
fn is_taken(write: &WriteTransaction<'_>, key: ConversationKey, seq: i64) -> Result<bool> {
    Ok(write
        .connection()
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM messages WHERE conversation = ?1 AND position = ?2)",
        )?
        .query_row((key.0, messages::position_of(unsigned(seq))), |row| {
            row.get(0)
        })?)
}

/// A message that this device could not open gives its place to the same one, opened.
fn remove_sealed(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    (seq, kind): (i64, i64),
) -> Result<()> {
    if kind != UNREADABLE {
        write
            .connection()
            .prepare_cached(
                "DELETE FROM messages WHERE conversation = ?1 AND seq = ?2 AND kind = ?3",
            )?
            .execute((key.0, seq, UNREADABLE))?;
    }
    Ok(())
}

/// Says whether the row was not there.
fn add(
    write: &WriteTransaction<'_>,
    table: &str,
    columns: &[String],
    cells: &[rows::Cell],
) -> Result<bool> {
    let names = columns.join("\", \"");
    let places = vec!["?"; columns.len()].join(", ");
    let sql =
        format!("INSERT INTO \"{table}\" (\"{names}\") VALUES ({places}) ON CONFLICT DO NOTHING");
    let added = write
        .connection()
        .prepare_cached(&sql)?
        .execute(params_from_iter(cells))?;
    Ok(added > 0)
}

/// The row without its number, which is given out here.
fn without(
    columns: &[String],
    cells: Vec<rows::Cell>,
    number: &str,
) -> (Vec<String>, Vec<rows::Cell>) {
    columns
        .iter()
        .cloned()
        .zip(cells)
        .filter(|(name, _)| name != number)
        .unzip()
}
