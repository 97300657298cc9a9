//! Whether the write-ahead log is still all there.
//!
//! SQLite reads a log up to the first frame that does not hold, and takes the rest for a transaction that never ended. So a
//! damaged, truncated or removed log takes committed transactions away without a word, MLS state among them. Two things
//! know better: the index beside the log, which a process that dies leaves behind (sqlite.org/walformat.html), and a file
//! that is there while the database is open. Where the log and its index are both damaged, only a log that is gone is
//! missed; the relay, which counts what a device sent, still notices MLS state that went back.

use std::{
    fs::{self, File},
    io::Read as _,
    ops::Range,
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use crate::{error::Result, files, store::database::damage::OpenError};

/// The version of the index that is understood. Another says nothing.
const INDEX_VERSION: u32 = 3_007_000;
/// What is read of the index: its header, twice, and how much of the log was copied. In bytes.
const HEADER: usize = 136;
/// Where each has the numbers that are drawn anew when the log begins again.
const INDEX_SALT: Range<usize> = 32..40;
const LOG_SALT: Range<usize> = 16..24;
/// Said in the file that is there while the database is open.
const RUNNING: &[u8] = b"open\n";
/// Said there while it is being closed.
const CLOSING: &[u8] = b"closing\n";
/// Said there to have everything checked at the next start.
const DOUBTED: &[u8] = b"check\n";

/// How the last process left the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// It did not close it.
    pub(super) unclean: bool,
    /// Somebody asked for a check of everything.
    pub(super) doubted: bool,
    /// The log was there while the database was open, and is not now.
    log_gone: bool,
    /// Frames that were committed and on the disk; 0 where all of them are in the database. `None`: nothing tells.
    frames: Option<u32>,
    /// The index is of an earlier log: a power cut may leave it as it was written long ago.
    index_is_older: bool,
}

impl Left {
    /// Looks before the database is opened.
    pub(super) fn see(path: &Path) -> Self {
        let said = fs::read(marker(path)).ok();
        let said = said.as_deref();
        let log = fs::metadata(log(path));
        let index = start_of(&files::beside(path, "-shm")).unwrap_or_default();
        let log_starts = start_of(&self::log(path)).unwrap_or_default();
        // a damaged word counts as "open"
        let left_open = said.is_some_and(|said| said != DOUBTED);
        Self {
            unclean: left_open || log.as_ref().is_ok_and(|log| log.len() > 0),
            doubted: said == Some(DOUBTED),
            log_gone: left_open && said != Some(CLOSING) && log.is_err(),
            frames: committed_frames(&index),
            index_is_older: index.get(INDEX_SALT) != log_starts.get(LOG_SALT),
        }
    }

    /// Compares with what SQLite found in the log. Returns whether the log is known to be whole.
    ///
    /// # Errors
    /// [`OpenError::Damaged`]: committed transactions are missing.
    pub(super) fn compare(self, connection: &Connection) -> std::result::Result<bool, OpenError> {
        if self.log_gone {
            return Err(OpenError::log_lost("the write-ahead log is missing"));
        }
        let committed = match self.frames {
            None => return Ok(!self.unclean),
            Some(0) => return Ok(!self.index_is_older || !self.unclean),
            Some(committed) => committed,
        };
        let found: i64 =
            connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))?;
        if found > 0 && self.index_is_older {
            return Ok(!self.unclean);
        }
        if found < i64::from(committed) {
            return Err(OpenError::log_lost(format!(
                "the write-ahead log has {found} frames of {committed}"
            )));
        }
        Ok(true)
    }
}

/// Notes that the database is open.
pub(super) fn note_open(path: &Path) -> Result<()> {
    Ok(fs::write(marker(path), RUNNING)?)
}

/// Notes that something could not be read: the next start checks everything.
pub(super) fn note_doubt(path: &Path) -> Result<()> {
    Ok(fs::write(marker(path), DOUBTED)?)
}

/// Notes that the database is about to be closed: from here on the log may go.
pub(super) fn note_closing(path: &Path) {
    if fs::read(marker(path)).is_ok_and(|said| said == RUNNING) {
        // one that says "open" costs a check too much
        let _written = fs::write(marker(path), CLOSING);
    }
}

/// Notes that the database was closed, if it was: SQLite removes the log when the last connection ends.
pub(super) fn note_closed(path: &Path) {
    let doubted = fs::read(marker(path)).is_ok_and(|said| said == DOUBTED);
    if !doubted && !files::there(&log(path)) {
        // one that stays costs a check at the next start
        let _removed = fs::remove_file(marker(path));
    }
}

fn marker(path: &Path) -> PathBuf {
    files::beside(path, "-open")
}

fn log(path: &Path) -> PathBuf {
    files::beside(path, "-wal")
}

fn start_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(HEADER);
    File::open(path)?
        .take(HEADER as u64)
        .read_to_end(&mut start)?;
    Ok(start)
}

/// What the index says was committed, if it is whole.
fn committed_frames(index: &[u8]) -> Option<u32> {
    let header = index.get(..HEADER)?;
    let word = |at: usize| {
        let bytes = header.get(at..at.checked_add(4)?)?;
        Some(u32::from_ne_bytes(bytes.try_into().ok()?))
    };
    let whole = header.get(..48) == header.get(48..96)
        && word(0)? == INDEX_VERSION
        && header.get(12).is_some_and(|initialised| *initialised == 1);
    let (committed, copied) = (word(16)?, word(96)?);
    whole.then_some(if committed > copied { committed } else { 0 })
}
