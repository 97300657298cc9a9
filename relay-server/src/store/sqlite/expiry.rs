//! Removing what everybody has and what is too old, in bounded steps.

use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use super::{Fault, clock, gaps, requests, writer::Tx};
use crate::store::{Expiry, StreamRow};

/// Streams looked at in one step.
const STREAMS: usize = 128;
/// Entries removed in one step.
const ENTRIES: u64 = 1024;
/// Rows removed of a table in one step.
const ROWS: usize = 512;

/// One step. Answers where the next begins, or that nothing is left to remove.
pub(super) fn expire(tx: &mut Tx<'_>, request: &Expiry) -> Result<Option<StreamRow>, Fault> {
    if request.after == StreamRow(0) {
        clock::note(tx.connection, request.now)?;
    }
    let due = Due::new(request, clock::ages_from(tx.connection)?);
    let streams = streams_after(tx.connection, request.after)?;
    let mut room = ENTRIES;
    let mut done = request.after;
    for stream in &streams {
        let taken = shorten(tx.connection, *stream, due.entries_before, &mut room)?;
        if taken {
            // they hold what the streams hold
            tx.heads.clear();
        }
        if room == 0 {
            // this one may hold more
            return Ok(Some(done));
        }
        done = stream.row;
    }
    if streams.len() == STREAMS || forget(tx, &due)? {
        return Ok(Some(done));
    }
    Ok(None)
}

/// What may go, now that it is known from when on ages count.
struct Due {
    entries_before: u64,
    client_ids_before: u64,
    /// Of conversations that were declined: not before the same account may ask again.
    declined_before: u64,
    /// Links and key packages whose time was over then are kept as well: perhaps it was not.
    ended_after: u64,
    now: u64,
}

impl Due {
    /// By its age nothing goes before the whole of it has passed since ages count.
    fn new(request: &Expiry, ages_from: u64) -> Self {
        let old = |before: u64| if before < ages_from { 0 } else { before };
        let client_ids_before = old(request.client_ids_before);
        let may_ask = request.now.saturating_sub(requests::DECLINED_MS);
        Self {
            entries_before: old(request.entries_before),
            client_ids_before,
            declined_before: old(request.client_ids_before.min(may_ask)),
            ended_after: if client_ids_before == 0 { ages_from } else { 0 },
            now: request.now,
        }
    }
}

#[derive(Clone, Copy)]
struct Stream {
    row: StreamRow,
    last: u64,
    base: u64,
    /// What every device that may read it has processed.
    everybody: u64,
}

fn streams_after(connection: &Connection, after: StreamRow) -> SqlResult<Vec<Stream>> {
    // a device that left has it all when its cursor is where it left; one that is revoked gets nothing more
    let mut statement = connection.prepare_cached(
        "SELECT s.id, s.last, s.base, coalesce(
            (SELECT min(CASE WHEN m.left IS NOT NULL AND m.cursor >= m.left THEN s.last ELSE m.cursor END)
             FROM members m JOIN devices d ON d.id = m.device WHERE m.stream = s.id AND d.revoked = 0),
            (SELECT d.inbox_cursor FROM devices d WHERE d.inbox = s.id), 0)
         FROM streams s WHERE s.id > ?1 ORDER BY s.id LIMIT ?2",
    )?;
    statement
        .query_map((after.0, STREAMS), |row| {
            Ok(Stream {
                row: StreamRow(row.get(0)?),
                last: row.get(1)?,
                base: row.get(2)?,
                everybody: row.get(3)?,
            })
        })?
        .collect()
}

/// Raises the base of a stream as far as there is room, over gaps as well. Answers whether it rose.
fn shorten(
    connection: &Connection,
    mut stream: Stream,
    before: u64,
    room: &mut u64,
) -> SqlResult<bool> {
    let first = stream.base;
    while *room > 0 {
        let gap = gaps::next(connection, stream.row, stream.base)?;
        if let Some(gap) = gap.filter(|gap| gap.begins <= stream.base) {
            raise_base(connection, &stream, gap.ends)?;
            stream.base = gap.ends;
        }
        let floor = floor(connection, &stream, before, *room)?;
        if floor <= stream.base {
            break;
        }
        raise_base(connection, &stream, floor)?;
        *room = room.saturating_sub(floor.saturating_sub(stream.base));
        stream.base = floor;
    }
    Ok(stream.base > first)
}

/// Up to where the stream may go: what everybody has, and what is too old whoever has it.
fn floor(connection: &Connection, stream: &Stream, before: u64, room: u64) -> SqlResult<u64> {
    let too_old: Option<u64> = connection
        .prepare_cached(
            "SELECT max(seq) FROM (SELECT seq, time FROM entries WHERE stream = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3)
             WHERE time < ?4",
        )?
        .query_row((stream.row.0, stream.base, room, before), |row| row.get(0))
        .optional()?
        .flatten();
    Ok(stream
        .everybody
        .max(too_old.unwrap_or(0))
        .min(stream.base + room)
        .min(gaps::next(connection, stream.row, stream.base)?.map_or(stream.last, |gap| gap.begins))
        .min(stream.last))
}

fn raise_base(connection: &Connection, stream: &Stream, floor: u64) -> SqlResult<()> {
    connection
        .prepare_cached(
            "UPDATE entries SET bytes = x'' WHERE stream = ?1 AND seq > ?2 AND seq <= ?3",
        )?
        .execute((stream.row.0, stream.base, floor))?;
    connection
        .prepare_cached("UPDATE streams SET base = ?2 WHERE id = ?1")?
        .execute((stream.row.0, floor))
        .map(drop)
}

/// Forgets client ids, claims, key packages and links whose time is over. Answers whether there may be more of them.
fn forget(tx: &Tx<'_>, due: &Due) -> SqlResult<bool> {
    let connection = tx.connection;
    let entries = connection
        .prepare_cached(
            "DELETE FROM entries WHERE id IN
             (SELECT id FROM entries WHERE bytes = x'' AND time < ?2 ORDER BY time LIMIT ?1)",
        )?
        .execute((ROWS, due.client_ids_before))?;
    let claims = connection
        .prepare_cached("DELETE FROM claims WHERE id IN (SELECT id FROM claims WHERE time < ?2 ORDER BY time LIMIT ?1)")?
        .execute((ROWS, due.client_ids_before))?;
    let packages = connection
        .prepare_cached("DELETE FROM key_packages WHERE id IN (SELECT id FROM key_packages WHERE expires <= ?2 AND expires > ?3 LIMIT ?1)")?
        .execute((ROWS, due.now, due.ended_after))?;
    let links = connection
        .prepare_cached("DELETE FROM links WHERE token IN (SELECT token FROM links WHERE expires < ?2 AND expires > ?3 LIMIT ?1)")?
        .execute((ROWS, due.now, due.ended_after))?;
    let ended = connection
        .prepare_cached(
            "DELETE FROM ended_conversations WHERE stream IN
             (SELECT stream FROM ended_conversations WHERE time < ?2 ORDER BY time LIMIT ?1)",
        )?
        .execute((ROWS, due.declined_before))?;
    Ok([entries, claims, packages, links, ended].contains(&ROWS))
}
