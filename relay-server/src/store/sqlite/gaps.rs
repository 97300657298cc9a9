//! Table `gaps`: the seqs that a restore declares lost, so that none is ever used twice.

use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use crate::store::StreamRow;

/// How many seqs a restore declares lost in each stream: more than any relay gives out between two backups.
const WIDTH: u64 = 1 << 32;

/// A run of seqs that no entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    /// The seq of the last entry before.
    pub(super) begins: u64,
    /// The last seq in it.
    pub(super) ends: u64,
}

/// Declares a gap behind the last entry of every stream.
pub(super) fn declare(connection: &Connection) -> SqlResult<()> {
    // one that ends where the stream does only grows
    connection.execute(
        "UPDATE gaps SET ends = ends + ?1 WHERE ends = (SELECT last FROM streams s WHERE s.id = gaps.stream)",
        (WIDTH,),
    )?;
    connection.execute(
        "INSERT INTO gaps (stream, begins, ends) SELECT s.id, s.last, s.last + ?1 FROM streams s
         WHERE NOT EXISTS (SELECT 1 FROM gaps g WHERE g.stream = s.id AND g.ends > s.last)",
        (WIDTH,),
    )?;
    connection
        .execute("UPDATE streams SET last = last + ?1", (WIDTH,))
        .map(drop)
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

/// Forgets the gaps that lie below the base of a stream.
pub(super) fn forget(connection: &Connection, stream: StreamRow, base: u64) -> SqlResult<()> {
    connection
        .prepare_cached("DELETE FROM gaps WHERE stream = ?1 AND ends <= ?2")?
        .execute((stream.0, base))
        .map(drop)
}
