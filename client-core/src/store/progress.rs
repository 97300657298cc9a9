//! When the other's devices had what, and when the other read it: steps of a rising position, each with its time.

use rusqlite::{Connection, OptionalExtension as _};

use crate::{
    error::Result,
    model::ConversationKey,
    store::{WriteTransaction, messages, signed, unsigned},
};

/// What rose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// A device of the other has everything up to a seq: the relay's word.
    Delivered,
    /// The other read everything up to a seq: the other's own word.
    Read,
}

impl Progress {
    const fn kind(self) -> i64 {
        match self {
            Self::Delivered => 1,
            Self::Read => 2,
        }
    }

    const fn column(self) -> &'static str {
        match self {
            Self::Delivered => "delivered_seq",
            Self::Read => "peer_read",
        }
    }
}

/// Notes that a position rose at a time; announces the own messages that this changes. A position that did not rise is nothing.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn raise(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    progress: Progress,
    seq: u64,
    time: u64,
) -> Result<()> {
    let column = progress.column();
    let before: i64 = write
        .connection()
        .prepare_cached(&format!(
            "SELECT {column} FROM conversations WHERE key = ?1"
        ))?
        .query_row([key.0], |row| row.get(0))?;
    if signed(seq) <= before {
        return Ok(());
    }
    write
        .connection()
        .prepare_cached(&format!(
            "UPDATE conversations SET {column} = ?2 WHERE key = ?1"
        ))?
        .execute((key.0, signed(seq)))?;
    if messages::announce_own(write, key, unsigned(before), seq)? {
        // our idea of the relay's time may be a little behind: nothing is there before it was sent
        let sent: Option<i64> = write
            .connection()
            .prepare_cached(
                "SELECT time FROM messages WHERE conversation = ?1 AND position <= ?2 AND mine = 1 AND kind = 1
                 ORDER BY position DESC LIMIT 1",
            )?
            .query_row((key.0, messages::position_of(seq)), |row| row.get(0))
            .optional()?;
        let time = time.max(sent.map_or(0, unsigned));
        write
            .connection()
            .prepare_cached("INSERT OR IGNORE INTO progress (conversation, kind, seq, time) VALUES (?1, ?2, ?3, ?4)")?
            .execute((key.0, progress.kind(), signed(seq), signed(time)))?;
    }
    Ok(())
}

/// The stream went back to a seq: what lies above it is not known to have been reached, by the other or by us in its eyes.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn go_back(write: &WriteTransaction<'_>, key: ConversationKey, seq: u64) -> Result<()> {
    let connection = write.connection();
    let before: i64 = connection
        .prepare_cached("SELECT max(delivered_seq, peer_read) FROM conversations WHERE key = ?1")?
        .query_row([key.0], |row| row.get(0))?;
    for progress in [Progress::Delivered, Progress::Read] {
        lower(write, key, progress, seq)?;
    }
    connection.prepare_cached("UPDATE conversations SET delivered_seq = min(delivered_seq, ?2), peer_read = min(peer_read, ?2),
             read_told = min(read_told, ?2) WHERE key = ?1")?.execute(
        (key.0, signed(seq)),
    )?;
    messages::announce_own(write, key, seq, unsigned(before)).map(drop)
}

/// The other takes back that it read more than up to a seq. A position that does not fall is nothing.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn read_less(write: &WriteTransaction<'_>, key: ConversationKey, seq: u64) -> Result<()> {
    let connection = write.connection();
    let before: i64 = connection
        .prepare_cached("SELECT peer_read FROM conversations WHERE key = ?1")?
        .query_row([key.0], |row| row.get(0))?;
    if before <= signed(seq) {
        return Ok(());
    }
    lower(write, key, Progress::Read, seq)?;
    connection
        .prepare_cached("UPDATE conversations SET peer_read = ?2 WHERE key = ?1")?
        .execute((key.0, signed(seq)))?;
    messages::announce_own(write, key, seq, unsigned(before)).map(drop)
}

/// Forgets the steps above a seq; what was reached up to it was reached when it was.
fn lower(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    progress: Progress,
    seq: u64,
) -> Result<()> {
    let of = (key.0, progress.kind(), signed(seq));
    write.connection().prepare_cached("UPDATE OR REPLACE progress SET seq = ?3 WHERE conversation = ?1 AND kind = ?2 AND seq > ?3
         AND seq = (SELECT min(p.seq) FROM progress p WHERE p.conversation = ?1 AND p.kind = ?2 AND p.seq > ?3)
         AND NOT EXISTS (SELECT 1 FROM progress p WHERE p.conversation = ?1 AND p.kind = ?2 AND p.seq = ?3)")?.execute(
        of,
    )?;
    write
        .connection()
        .prepare_cached("DELETE FROM progress WHERE conversation = ?1 AND kind = ?2 AND seq > ?3")?
        .execute(of)?;
    Ok(())
}

/// Up to where a device of the other has everything, as the relay said.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn delivered(connection: &Connection, key: ConversationKey) -> Result<u64> {
    let seq: i64 = connection
        .prepare_cached("SELECT delivered_seq FROM conversations WHERE key = ?1")?
        .query_row([key.0], |row| row.get(0))?;
    Ok(unsigned(seq))
}

/// Since when a position was reached; `None` while it is not, or where the time is not known.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn time_of(
    connection: &Connection,
    key: ConversationKey,
    progress: Progress,
    seq: u64,
) -> Result<Option<u64>> {
    let mut statement = connection.prepare_cached(
        "SELECT min(seq), time FROM progress WHERE conversation = ?1 AND kind = ?2 AND seq >= ?3",
    )?;
    let time: Option<i64> =
        statement.query_row((key.0, progress.kind(), signed(seq)), |row| row.get(1))?;
    Ok(time.map(unsigned))
}
