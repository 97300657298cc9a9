//! Full text: an index by trigrams, filled in the background, newest hits first.

use rusqlite::Connection;

use crate::{
    error::Result,
    event::Event,
    model::{ConversationKey, SearchHit},
    store::{WriteTransaction, messages},
};

/// Fewer characters than the index can look up; the newest messages are read instead.
const SHORTEST_INDEXED: usize = 3;
/// How many of the newest candidates are read for words that the index cannot look up.
const SCAN: i64 = 20_000;
/// More words than anybody types.
const MOST_WORDS: usize = 16;

/// Indexes up to `limit` messages that wait; returns whether more do.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn index_some(write: &WriteTransaction<'_>, limit: u32) -> Result<bool> {
    let waiting: Vec<(i64, String)> = {
        let mut statement = write.connection().prepare_cached(
            "SELECT q.message, m.text FROM search_queue q JOIN messages m ON m.id = q.message ORDER BY q.message DESC LIMIT ?1",
        )?;
        let rows = statement.query_map([limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    for (message, text) in &waiting {
        write
            .connection()
            .prepare_cached("INSERT INTO search_index (rowid, text) VALUES (?1, ?2)")?
            .execute((message, text))?;
        write
            .connection()
            .prepare_cached("DELETE FROM search_queue WHERE message = ?1")?
            .execute([message])?;
    }
    if !waiting.is_empty() {
        write.announce(Event::SearchIndexed);
    }
    Ok(waiting.len() == usize::try_from(limit).unwrap_or(usize::MAX))
}

/// Whether messages wait to be indexed.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn has_waiting(connection: &Connection) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM search_queue LIMIT 1")?
        .exists([])?)
}

/// The newest messages that hold every word of the query, as part of a word, whatever case. The index also passes over
/// accents; words too short for it are compared letter by letter.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn find(connection: &Connection, query: &str, limit: u32) -> Result<Vec<SearchHit>> {
    let query = query.replace('\0', " ").to_lowercase();
    let words: Vec<&str> = query.split_whitespace().take(MOST_WORDS).collect();
    let (indexed, short): (Vec<&str>, Vec<&str>) = words
        .iter()
        .partition(|word| word.chars().count() >= SHORTEST_INDEXED);
    if words.is_empty() {
        return Ok(Vec::new());
    }
    // each word is a phrase: quotes are doubled, so that nothing in it is syntax
    let phrases: Vec<String> = indexed
        .iter()
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"")))
        .collect();
    let mut statement = connection.prepare_cached(match indexed.is_empty() {
        false => "SELECT rowid FROM search_index WHERE search_index MATCH ?1 ORDER BY rowid DESC LIMIT ?2",
        true => "SELECT id FROM messages WHERE kind = 1 AND ?1 = '' ORDER BY id DESC LIMIT ?2",
    })?;
    let mut rows = statement.query((phrases.join(" AND "), SCAN))?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut hits = Vec::new();
    while hits.len() < limit
        && let Some(row) = rows.next()?
    {
        let message = messages::by_row(connection, row.get(0)?)?;
        let text = message.text.to_lowercase();
        if short.iter().all(|word| text.contains(word)) {
            let title = title_of(connection, message.conversation)?;
            hits.push(SearchHit { message, title });
        }
    }
    Ok(hits)
}

fn title_of(connection: &Connection, conversation: ConversationKey) -> Result<String> {
    let mut statement = connection.prepare_cached(
        "SELECT p.name FROM conversations c JOIN contacts p ON p.account = c.peer WHERE c.key = ?1",
    )?;
    Ok(statement.query_row([conversation.0], |row| row.get(0))?)
}
