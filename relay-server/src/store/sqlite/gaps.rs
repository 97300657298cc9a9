//! Table `gaps`: the seqs that a restore declares lost, so that none is ever used twice.

use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use super::{clock, writer::Tx};
use crate::{clock::EARLIEST, store::StreamRow};

/// How many seqs a restore declares lost in each stream at least: more than any relay gives out between two backups.
const WIDTH: u64 = 1 << 32;
/// A clock that is further than this is wrong (the year 2061).
pub(super) const LATEST: u64 = EARLIEST + (1 << 40);
/// Milliseconds in which a stream gets one entry at most, on the whole.
const PACE: u64 = 2;
/// What a stream may get at once beyond that.
const BURST: u64 = 60_000;

/// A run of seqs that no entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// The seq of the last entry before.
    pub(super) begins: u64,
    /// The last seq in it.
    pub(super) ends: u64,
}

/// Declares a gap behind the last entry of every stream. A backup may be restored twice, and does not know what was counted after
/// the first time: so the later it is, by `time` in milliseconds since 1970, the wider is the gap, and no seq is given out twice.
/// A stream that the store did not know began at the time itself, and may have got a burst of entries since.
pub(super) fn declare(connection: &Connection, time: u64) -> SqlResult<()> {
    let time = time.clamp(EARLIEST, LATEST);
    let width = WIDTH + (time - EARLIEST) / PACE;
    let floor = floor(connection)?.max(time + BURST);
    clock::write(connection, "floor", floor)?;
    // one that ends where the stream does only grows
    connection.execute(
        "UPDATE gaps SET ends = max(ends + ?1, ?2) WHERE ends = (SELECT last FROM streams s WHERE s.id = gaps.stream)",
        (width, floor),
    )?;
    connection.execute(
        "INSERT INTO gaps (stream, begins, ends) SELECT s.id, s.last, max(s.last + ?1, ?2) FROM streams s
         WHERE NOT EXISTS (SELECT 1 FROM gaps g WHERE g.stream = s.id AND g.ends > s.last)",
        (width, floor),
    )?;
    connection
        .execute(
            "UPDATE streams SET last = max(last + ?1, ?2)",
            (width, floor),
        )
        .map(drop)
}

/// Where a stream goes on that the store has lost: above all that its readers may remember.
pub(super) fn above_all(tx: &Tx<'_>) -> SqlResult<u64> {
    // what the relay believes of the time may be behind the restore: it goes by what was stored
    Ok(floor(tx.connection)?.max(tx.now))
}

/// Above what a stream begins that the store has lost; 0 where it was never restored.
fn floor(connection: &Connection) -> SqlResult<u64> {
    clock::read(connection, "floor").map(Option::unwrap_or_default)
}

/// Up to where the stream still has what a reader knows who read up to a seq: that seq, or where the gap begins that it lies in.
/// One who read further than the stream goes may have read in any of its gaps.
pub(super) fn kept(
    connection: &Connection,
    stream: StreamRow,
    read: u64,
    last: u64,
) -> SqlResult<u64> {
    let gap: Option<u64> = connection
        .prepare_cached(
            "SELECT min(begins) FROM gaps WHERE stream = ?1 AND begins < ?2 AND (ends >= ?2 OR ?2 > ?3)",
        )?
        .query_row((stream.0, read, last), |row| row.get(0))?;
    Ok(gap.unwrap_or(read).min(last))
}

/// The first gap that ends after a seq.
pub(super) fn next(
    connection: &Connection,
    stream: StreamRow,
    after: u64,
) -> SqlResult<Option<Gap>> {
    connection
        .prepare_cached(
            "SELECT begins, ends FROM gaps WHERE stream = ?1 AND ends > ?2 ORDER BY begins LIMIT 1",
        )?
        .query_row((stream.0, after), |row| {
            Ok(Gap {
                begins: row.get(0)?,
                ends: row.get(1)?,
            })
        })
        .optional()
}
