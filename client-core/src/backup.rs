//! A backup that a person keeps elsewhere: encrypted under the recovery code, written again and again into one folder.
//!
//! ```text
//! FOLDER/relevo-backup             the manifest: what belongs to the backup, replaced whole by each run
//! FOLDER/segment-ID.relevo         rows of the database: one segment with what is small, and the messages in pieces
//! FOLDER/relevo-earlier-N/         a former backup that has, or may have, what the database lost: see `aside`
//! ```
//! A run writes the small tables anew, and of the messages those that are new, changed or gone since the last run. It knows
//! them by their row's number, which is never used twice, and by a list that triggers keep: so every change is caught,
//! whoever makes it, and nothing is compared. Whoever reads takes the segments in order, the later row counts. When there
//! are many segments, a run writes everything anew and the old ones go. A run that ends half way leaves the former backup
//! whole: new segments count only once a manifest names them.
//!
//! A run goes on with the segments of the run that it noted as its last, and no others: numbers mean nothing to another
//! database, nor to this one after it went back in time or was mended, for then they are given out again. What it does not go
//! on with it reads and compares by what the rows say. What the database holds is deleted, and so is what it was filled from.
//! All else is set aside, also where a segment or the manifest is away or damaged, and a file that comes back completes it.
//!
//! Whoever reads takes each of them by itself, and adds what is set aside to the newest as [`Found`] is added to a database: by
//! the ids of messages, conversations and accounts. The rehearsal reads the same way.
//!
//! MLS state is never in it: after a restore the device joins its conversations again. The account's keys are in it as the
//! caller wrapped them.
//!
//! Writing takes three steps, because the engine's thread owns the database: [`begin`] there, [`run`] anywhere, [`finish`]
//! there. The backup's key derives from the code and lies in the encrypted database, so no run needs the code.

mod aside;
mod manifest;
mod merging;
mod reading;
mod record;
mod rests;
mod stream;
mod writing;

use std::{fmt, path::Path};

use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    keyslots,
    store::{WriteTransaction, backup},
};

pub use self::aside::set_aside;
pub use self::{
    merging::{BroughtBack, Found},
    reading::{Opened, Restored, open, open_with_key, rehearse},
    writing::{Job, Ran, begin, finish, run},
};
pub use crate::store::backup::{Settings, note_failure, note_rehearsal, settings, turn_off};

/// Tells this use of the recovery code from all others.
const PURPOSE: &[u8] = b"relevo backup 1";

/// Why a backup was not written or read.
#[derive(Debug)]
pub enum BackupError {
    /// There is none in the folder.
    Missing,
    /// Another recovery code made it.
    WrongCode,
    /// It is of another account.
    OtherAccount,
    /// Another device of the account writes here. Each needs a folder of its own.
    OtherDevice,
    /// A newer version of this program made it.
    Newer,
    /// A file is missing or not as it was written. In words for the page of details.
    Damaged(String),
    /// A restore wants a database in which nothing was received or written yet.
    NotFresh,
    /// Something else: a full disk, no access, the database.
    Failed(Error),
}

impl BackupError {
    fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(what.into())
    }
}

impl fmt::Display for BackupError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => formatter.write_str("there is no backup in the folder"),
            Self::WrongCode => formatter.write_str("the backup belongs to another recovery code"),
            Self::OtherAccount => formatter.write_str("the backup is of another account"),
            Self::OtherDevice => formatter.write_str("another device writes its backup here"),
            Self::Newer => formatter.write_str("the backup was made by a newer version of Relevo"),
            Self::Damaged(what) => write!(formatter, "the backup is damaged: {what}"),
            Self::NotFresh => formatter.write_str("the database is in use already"),
            Self::Failed(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for BackupError {}

impl From<Error> for BackupError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<std::io::Error> for BackupError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<BackupError> for Error {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Failed(error) => error,
            BackupError::WrongCode => Self::new(ErrorKind::WrongPassphrase, error.to_string()),
            BackupError::Missing => Self::new(ErrorKind::NotFound, error.to_string()),
            BackupError::Newer => Self::new(ErrorKind::Newer, error.to_string()),
            other => Self::new(ErrorKind::Database, other.to_string()),
        }
    }
}

/// Turns backups on: into this folder, under this recovery code. `record` holds the account's keys as the code wraps them.
/// The next run writes everything.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn turn_on(
    write: &WriteTransaction<'_>,
    code: &[u8; 32],
    folder: &Path,
    record: &[u8],
) -> Result<()> {
    backup::turn_on(write, &*key_of(code)?, &folder.to_string_lossy(), record)
}

/// Writes to another folder from now on, under the same recovery code. The next run writes everything.
///
/// # Errors
/// [`ErrorKind::NotFound`]: backups are off; [`ErrorKind::Database`].
pub fn move_to(write: &WriteTransaction<'_>, folder: &Path) -> Result<()> {
    backup::move_to(write, &folder.to_string_lossy())
}

/// The backup's key.
fn key_of(code: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>> {
    keyslots::derive(code, PURPOSE)
}
