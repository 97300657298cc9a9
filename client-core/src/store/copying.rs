//! A second file with the same pages, under the same key.

use std::{fs::File, io::Read as _, path::Path};

use rusqlite::{
    Connection,
    backup::{Backup, StepResult},
};

use crate::{
    error::{Error, ErrorKind},
    files,
    store::{
        DatabaseKey, OpenError,
        database::{Check, Salt, check, give_key, unlocked},
    },
};

/// What a file begins with that is not encrypted.
const PLAIN: &[u8] = b"SQLite format 3";

/// Copies a database, as it is at this moment, into a new file that is on the disk when this returns. Others go on writing
/// meanwhile. The copy is one file without a log, and was read back whole.
///
/// # Errors
/// [`OpenError::Damaged`]: the database, or what was written of it; [`OpenError::Failed`]: a full disk, no access. What was
/// begun of the copy is left for the caller to remove.
pub(crate) fn copy(from: &Path, to: &Path, key: &DatabaseKey) -> Result<(), OpenError> {
    // made first, so that it is never readable by others
    drop(files::create_private(to)?);
    let source = unlocked(from, key, Salt::OfTheFile)?;
    let mut target = Connection::open(to)?;
    give_key(&target, key, Salt::OfTheKey)?;
    match Backup::new(&source, &mut target)?.step(-1)? {
        StepResult::Done => {}
        _ => {
            return Err(Error::new(ErrorKind::Busy, "the database is being written to").into());
        }
    }
    target.pragma_update(None, "journal_mode", "DELETE")?;
    target
        .close()
        .map_err(|(_, error)| OpenError::from(error))?;
    File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(Error::from)?;
    verify(to, key)
}

/// Reads a copy whole: encrypted, every page authentic, every table in order.
///
/// # Errors
/// [`OpenError`].
pub(crate) fn verify(path: &Path, key: &DatabaseKey) -> Result<(), OpenError> {
    let mut start = [0; PLAIN.len()];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .map_err(|_| OpenError::damaged("the file is empty"))?;
    if start == PLAIN {
        return Err(OpenError::Foreign);
    }
    check(&unlocked(path, key, Salt::OfTheFile)?, Check::Everything)
}
