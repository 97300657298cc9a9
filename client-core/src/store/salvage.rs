//! Making a new database from what can be read of a damaged one and of a copy.
//!
//! Every table is taken row by row: first from the damaged file, then, for the ids that could not be read there, from the
//! copy. MLS state is never taken: after damage nobody knows whether it is the newest, and keys that are used twice are worse
//! than none. What only serves to find or to rebuild is made anew.

mod recovery;
mod source;

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, params_from_iter, types::Value};

use crate::{
    error::Result,
    model::ConversationKey,
    store::{Database, DatabaseKey, Identity, identity},
};

use self::source::{Gap, Row, Source};

/// Tables that are not taken over: MLS state, and what is made from messages.
const LEFT_BEHIND: &[&str] = &["mls_state", "search_queue"];
/// More conversations than anybody began since a copy.
const KEYS_LEFT_OUT: i64 = 1 << 20;
/// Rows that point nowhere are removed, and then those that pointed to these.
const DEEPEST_REFERENCE: usize = 8;

/// What was taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Salvaged {
    /// Something of the damaged file could be read.
    pub(crate) from_damaged: bool,
    /// Something came from the copy.
    pub(crate) from_copy: bool,
    /// Messages in the new database.
    pub(crate) messages: u64,
    /// The most messages that may be missing; `None` where nothing tells.
    pub(crate) missing: Option<u64>,
    /// The time of the last message before the first place where some are missing.
    pub(crate) whole_until: Option<u64>,
    /// The time of the newest message.
    pub(crate) newest: Option<u64>,
}

/// Fills a new database. Without an account row in the damaged one it takes that of `known`, with what the copy has of the
/// account's recovery; without both, that of the copy.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`]: no account anywhere; [`crate::ErrorKind::Database`], [`crate::ErrorKind::DiskFull`].
pub(crate) fn fill(
    new: &mut Database,
    key: &DatabaseKey,
    damaged: &Path,
    copy: Option<&Path>,
    known: Option<&Identity>,
) -> Result<Salvaged> {
    let mut damaged = Source::new(damaged, key);
    let mut copy = copy.map(|copy| Source::new(copy, key));
    // rows arrive before those that they point to
    new.connection()
        .pragma_update(None, "foreign_keys", false)?;
    let (salvaged, _) = new.write(|write| {
        let connection = write.connection();
        let mut taken = take_over(connection, &mut damaged, copy.as_mut(), known.is_some())?;
        if let Some(identity) = known
            && identity::restore(connection, identity)?
            && let Some(copy) = &mut copy
        {
            recovery::take_over(connection, copy, identity)?;
        }
        // proves that there is an account
        identity::load(connection)?;
        connection.execute("UPDATE account SET mls_lost = 1", [])?;
        taken.dropped = mend_references(connection)?;
        drop_outdated(connection)?;
        rebuild(connection)?;
        part_from_before(connection)?;
        sum_up(connection, taken)
    })?;
    new.connection().pragma_update(None, "foreign_keys", true)?;
    Ok(salvaged)
}

/// What was taken over, and the messages that were not.
struct TakenOver {
    salvaged: Salvaged,
    missing: Vec<Gap>,
    last_id: Option<i64>,
    /// Messages whose conversation is lost.
    dropped: u64,
}

fn take_over(
    connection: &Connection,
    damaged: &mut Source<'_>,
    mut copy: Option<&mut Source<'_>>,
    knows_account: bool,
) -> Result<TakenOver> {
    let old = damaged.tables();
    let copied = copy.as_mut().map(|copy| copy.tables()).unwrap_or_default();
    let mut taken = TakenOver {
        salvaged: Salvaged::default(),
        missing: Vec::new(),
        last_id: None,
        dropped: 0,
    };
    for (table, columns) in tables(connection)? {
        let mut gaps = match shared(&columns, old.get(&table)) {
            Some(columns) => {
                let (count, gaps) = take(connection, damaged, &table, &columns, &[Gap::ALL])?;
                taken.salvaged.from_damaged |= count > 0;
                gaps
            }
            None if old.is_empty() => vec![Gap::ALL],
            // a table that the damaged database did not have yet
            None => Vec::new(),
        };
        // the key slots know the account better than an old copy
        let copied = copied
            .get(&table)
            .filter(|_| table != "account" || !knows_account);
        if let Some(copy) = &mut copy
            && let Some(columns) = shared(&columns, copied)
            && !gaps.is_empty()
        {
            let (count, _) = take(connection, copy, &table, &columns, &gaps)?;
            taken.salvaged.from_copy |= count > 0;
            let sequence = copy.sequence(&table);
            raise_sequence(connection, &table, sequence)?;
            // the copy is whole, so what it lacks never was, or came after it
            if let Some(last) = copy.last_id(&table) {
                let after = last.saturating_add(1);
                gaps.retain(|gap| gap.last > last);
                for gap in &mut gaps {
                    gap.first = gap.first.max(after);
                }
            }
        }
        let sequence = damaged.sequence(&table);
        raise_sequence(connection, &table, sequence)?;
        if table == "messages" {
            taken.missing = gaps;
            taken.last_id = sequence;
        }
    }
    Ok(taken)
}

/// The tables to fill, with their columns.
fn tables(connection: &Connection) -> Result<BTreeMap<String, Vec<String>>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut statement = connection.prepare(
        "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
         WHERE t.schema = 'main' AND t.type = 'table' AND t.wr = 0 AND t.name NOT LIKE 'sqlite_%'
         ORDER BY t.name, c.cid",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let table: String = row.get(0)?;
        if !LEFT_BEHIND.contains(&table.as_str()) {
            tables.entry(table).or_default().push(row.get(1)?);
        }
    }
    Ok(tables)
}

/// The columns that both have; `None` where the other has none of them.
fn shared(columns: &[String], other: Option<&Vec<String>>) -> Option<Vec<String>> {
    let other = other?;
    let shared: Vec<_> = columns
        .iter()
        .filter(|column| other.contains(column))
        .cloned()
        .collect();
    (!shared.is_empty()).then_some(shared)
}

/// Takes the rows of some ranges; returns how many, and what could not be read.
fn take(
    connection: &Connection,
    source: &mut Source<'_>,
    table: &str,
    columns: &[String],
    ranges: &[Gap],
) -> Result<(u64, Vec<Gap>)> {
    let places = vec!["?"; columns.len().saturating_add(1)].join(", ");
    let names = columns.join("\", \"");
    let sql = format!("INSERT OR IGNORE INTO \"{table}\" (rowid, \"{names}\") VALUES ({places})");
    let mut insert = connection.prepare(&sql)?;
    let (mut count, mut gaps) = (0_u64, Vec::new());
    for range in ranges {
        let mut keep = |(id, values): Row| {
            let kept = insert.execute(params_from_iter(
                std::iter::once(Value::Integer(id)).chain(values),
            ))?;
            count = count.saturating_add(u64::try_from(kept).unwrap_or(0));
            Ok(())
        };
        gaps.extend(source.read(table, columns, *range, &mut keep)?);
    }
    Ok((count, gaps))
}

/// An id that was given out once is not given out again, although its row is lost.
fn raise_sequence(connection: &Connection, table: &str, sequence: Option<i64>) -> Result<()> {
    if let Some(sequence) = sequence {
        connection.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, 0 WHERE NOT EXISTS
             (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
            [table],
        )?;
        connection.execute(
            "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
            (table, sequence),
        )?;
    }
    Ok(())
}

/// Rows whose parents are lost: a conversation can be made again from its messages, and a contact from its id. What is left
/// then points nowhere and goes; it stays in the damaged files. Nothing is sent that nobody sees. Returns how many messages
/// went.
pub(crate) fn mend_references(connection: &Connection) -> Result<u64> {
    connection.execute_batch(
        "INSERT INTO contacts (account)
         SELECT DISTINCT m.sender FROM messages m WHERE m.mine = 0
         AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.key = m.conversation)
         ON CONFLICT DO NOTHING;
         INSERT INTO conversations (key, conversation, peer, state, created)
         SELECT m.conversation, randomblob(16), max(m.sender), 2, min(m.time) FROM messages m WHERE m.mine = 0
         AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.key = m.conversation)
         AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.peer = m.sender)
         GROUP BY m.conversation
         ON CONFLICT DO NOTHING;
         INSERT INTO contacts (account) SELECT peer FROM conversations WHERE true ON CONFLICT DO NOTHING;
         DELETE FROM outbox WHERE message NOT IN (SELECT id FROM messages);",
    )?;
    let mut messages = 0_u64;
    for _ in 0..DEEPEST_REFERENCE {
        let dangling: Vec<(String, i64)> = {
            let mut statement =
                connection.prepare("SELECT \"table\", rowid FROM pragma_foreign_key_check")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<rusqlite::Result<_>>()?
        };
        if dangling.is_empty() {
            break;
        }
        for (table, row) in dangling {
            messages = messages.saturating_add(u64::from(table == "messages"));
            connection.execute(&format!("DELETE FROM \"{table}\" WHERE rowid = ?1"), [row])?;
        }
    }
    Ok(messages)
}

/// Intents that a copy still had and that were fulfilled since: gone on with, they would end what they led to.
fn drop_outdated(connection: &Connection) -> Result<()> {
    Ok(connection.execute_batch(
        "DELETE FROM openings WHERE EXISTS (SELECT 1 FROM conversations c WHERE c.key = openings.conversation
             AND iif(openings.incarnation = 0, c.state <> 0, openings.incarnation <= c.incarnation));
         DELETE FROM outbox WHERE message IN (SELECT id FROM messages WHERE state = 1);",
    )?)
}

/// Conversations that were being opened and whose intent is lost, with the secret of its link: nothing would go on with them. They
/// are shown as refused, so that the person can open them anew, and the texts that wait there are parked: they go along. Where the
/// relay made one of them since, this device enters it as any other. Returns those.
pub(crate) fn refuse_unopened(connection: &Connection) -> Result<Vec<ConversationKey>> {
    let mut refuse = connection.prepare(
        "UPDATE conversations SET state = 2 WHERE state = 0
         AND NOT EXISTS (SELECT 1 FROM openings o WHERE o.conversation = conversations.key) RETURNING key",
    )?;
    let refused = refuse.query_map([], |row| row.get(0).map(ConversationKey))?;
    let refused = refused.collect::<rusqlite::Result<_>>()?;
    connection.execute_batch(
        "UPDATE messages SET state = 2 WHERE mine = 1 AND state = 0
             AND conversation IN (SELECT key FROM conversations WHERE state = 2);
         DELETE FROM outbox WHERE message IS NULL
             AND conversation IN (SELECT key FROM conversations WHERE state = 2);
         INSERT INTO outbox (conversation, message, client_id, content)
             SELECT m.conversation, m.id, randomblob(16), m.content FROM messages m JOIN conversations c ON c.key = m.conversation
             WHERE c.state = 2 AND m.mine = 1 AND m.kind = 1 AND m.state = 2
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message = m.id) ORDER BY m.id;",
    )?;
    Ok(refused)
}

/// What follows from the rest: the search index, cursors no older than what was received through them, that nothing is being
/// opened without an intent, and that nothing waits to be sent which is not in the queue: whether the relay has it nobody knows,
/// so the person decides.
pub(crate) fn rebuild(connection: &Connection) -> Result<()> {
    refuse_unopened(connection)?;
    connection.execute_batch(
        "INSERT INTO search_queue (message) SELECT id FROM messages WHERE kind = 1
         AND NOT EXISTS (SELECT 1 FROM search_index_docsize d WHERE d.id = messages.id) ON CONFLICT DO NOTHING;
         INSERT INTO streams (stream, cursor)
         SELECT c.conversation, max(m.seq) FROM messages m JOIN conversations c ON c.key = m.conversation
         WHERE m.mine = 0 AND m.seq IS NOT NULL GROUP BY m.conversation
         ON CONFLICT (stream) DO UPDATE SET cursor = max(cursor, excluded.cursor);
         UPDATE messages SET state = 2 WHERE mine = 1 AND kind = 1 AND state = 0
         AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message = messages.id);",
    )?;
    let backed_up =
        connection.query_row("SELECT max(last_message) FROM backup", [], |row| row.get(0))?;
    raise_sequence(connection, "messages", backed_up)
}

/// What was made with the lost rows goes by their numbers: the backup is compared before it is replaced, and no conversation
/// gets the key that another one may have had.
fn part_from_before(connection: &Connection) -> Result<()> {
    connection.execute_batch("UPDATE backup SET run = NULL, filled = 0")?;
    let last: i64 = connection.query_row(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'conversations'",
        [],
        |row| row.get(0),
    )?;
    raise_sequence(
        connection,
        "conversations",
        Some(last.saturating_add(KEYS_LEFT_OUT)),
    )
}

fn sum_up(connection: &Connection, taken: TakenOver) -> Result<Salvaged> {
    let TakenOver {
        mut salvaged,
        missing,
        last_id,
        dropped,
    } = taken;
    let time = |sql: &str, id: i64| -> Result<Option<u64>> {
        let time: Option<i64> = connection.query_row(sql, [id], |row| row.get(0))?;
        Ok(time.map(super::unsigned))
    };
    let count: i64 = connection.query_row("SELECT count(*) FROM messages", [], |row| row.get(0))?;
    salvaged.messages = super::unsigned(count);
    salvaged.newest = time("SELECT max(time) FROM messages WHERE id < ?1", i64::MAX)?;
    let lost: u64 = missing
        .iter()
        .map(|gap| {
            let last = gap.last.min(last_id.unwrap_or(gap.last));
            super::unsigned(last.saturating_sub(gap.first.max(1)).saturating_add(1))
        })
        .fold(dropped, u64::saturating_add);
    // a gap to the end of a table that does not tell how far it went
    let open_end = last_id.is_none() && !missing.is_empty();
    salvaged.missing = (!open_end).then_some(lost);
    if salvaged.missing != Some(0) {
        let first = missing.first().map_or(1, |gap| gap.first);
        let sql = "SELECT max(time) FROM messages WHERE id < ?1";
        salvaged.whole_until = Some(time(sql, first)?.unwrap_or(0));
    }
    Ok(salvaged)
}
