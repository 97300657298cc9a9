//! Replacing a damaged database. It may end at any line: the next start goes on.
//!
//! The new database is made beside the damaged one and gets a name of its own when it is complete and on the disk. Then the
//! damaged files are moved away, and the new one takes their place.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, ErrorKind, Result},
    files,
    safekeeping::copies,
    store::{
        Damage, Database, DatabaseKey, Identity,
        mendings::{self, How, Mended},
        salvage,
    },
};

/// The files that belong to a database, as SQLite and [`Database`] name them after it.
const SUFFIXES: &[&str] = &["", "-wal", "-shm", "-open", "-journal"];
/// Begins the names of the folders that hold damaged databases.
const QUARANTINE: &str = "quarantine-";
/// More damaged databases than this, and a person has to look.
const MOST_QUARANTINES: usize = 1000;

/// What to work on.
pub(crate) struct Patient<'a> {
    pub(crate) database: &'a Path,
    pub(crate) copies: &'a Path,
    pub(crate) key: &'a DatabaseKey,
    pub(crate) identity: Option<&'a Identity>,
}

/// Makes a new database from what can be read of the damaged one and of the newest copy, and puts it in its place.
///
/// # Errors
/// [`ErrorKind::NotFound`]: there is nothing to make it from, see [`begin_anew`]; [`ErrorKind::Database`],
/// [`ErrorKind::DiskFull`]. The damaged files are where they were then.
pub(crate) fn mend(patient: &Patient<'_>, damage: &Damage, now: u64) -> Result<Mended> {
    make(patient, damage, now, Wanted::Messages)
}

/// Makes a database that has the account and no messages. For a person who has neither a copy nor a backup, and said so.
///
/// # Errors
/// As [`mend`]; [`ErrorKind::NotFound`] where the key slots do not have the account's keys.
pub(crate) fn begin_anew(patient: &Patient<'_>, damage: &Damage, now: u64) -> Result<Mended> {
    make(patient, damage, now, Wanted::Account)
}

/// Goes on where an earlier attempt ended.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn resume(database: &Path) -> Result<()> {
    let folder = folder(database);
    let prefix = ready(database, "");
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let time = path
            .to_str()
            .zip(prefix.to_str())
            .and_then(|(path, prefix)| path.strip_prefix(prefix)?.parse().ok());
        if let Some(time) = time {
            move_away(database, &quarantine(database, time))?;
            files::put_in_place(&path, database)?;
        }
    }
    Ok(())
}

/// The folders that hold damaged databases, oldest first.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn quarantines(database: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder(database))? {
        let entry = entry?;
        let time = entry
            .file_name()
            .to_str()
            .and_then(|name| name.strip_prefix(QUARANTINE)?.parse::<u64>().ok());
        // a link leads to files that are none of ours
        if entry.file_type()?.is_dir() {
            found.extend(time.map(|time| (time, entry.path())));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Messages,
    Account,
}

fn make(patient: &Patient<'_>, damage: &Damage, now: u64, wanted: Wanted) -> Result<Mended> {
    let partial = files::beside(patient.database, ".partial");
    remove(&partial)?;
    let copy = copies::newest_good(patient.copies, patient.key);
    let mut new = Database::create(&partial, patient.key)?;
    let copied = copy.as_ref().map(|copy| copy.path.as_path());
    let salvaged = salvage::fill(
        &mut new,
        patient.key,
        patient.database,
        copied,
        patient.identity,
    )?;
    let how = match (salvaged.from_damaged, salvaged.from_copy, copy) {
        (true, true, Some(copy)) => How::SalvagedAndCopy(copy.time),
        (false, true, Some(copy)) => How::Copy(copy.time),
        (true, ..) => How::Salvaged,
        (false, ..) if wanted == Wanted::Account => How::KeysOnly,
        (false, ..) => {
            drop(new);
            remove(&partial)?;
            return Err(Error::new(
                ErrorKind::NotFound,
                "nothing can be read of the database, and there is no copy",
            ));
        }
    };
    let lost_since = match how {
        How::KeysOnly => Some(0),
        How::Copy(copied) | How::Backup(copied) => Some(copied),
        // what came after the last thing that is known
        How::Salvaged | How::SalvagedAndCopy(_) if damage.log_lost => {
            Some(salvaged.whole_until.or(salvaged.newest).unwrap_or(0))
        }
        How::Salvaged | How::SalvagedAndCopy(_) => salvaged.whole_until,
    };
    let time = free_time(patient.database, now)?;
    let mended = Mended {
        time,
        damage: damage.what.clone(),
        how,
        messages_kept: salvaged.messages,
        messages_missing: salvaged.missing.filter(|_| !damage.log_lost),
        lost_since,
        quarantine: quarantine(patient.database, time),
    };
    new.write(|write| mendings::insert(write.connection(), &mended))?;
    close(new, &partial)?;
    files::put_in_place(&partial, &ready(patient.database, &time.to_string()))?;
    resume(patient.database)?;
    Ok(mended)
}

/// Closes a database such that it is one file on the disk.
fn close(new: Database, path: &Path) -> Result<()> {
    drop(new);
    if files::there(&files::beside(path, "-wal")) {
        return Err(Error::new(
            ErrorKind::Database,
            "the mended database did not close",
        ));
    }
    Ok(File::open(path)?.sync_all()?)
}

/// Moves the files of a database into a folder beside it. What is in them is as it was found.
fn move_away(database: &Path, quarantine: &Path) -> Result<()> {
    files::create_private_folder(quarantine)?;
    for suffix in SUFFIXES {
        let file = files::beside(database, suffix);
        if let Some(name) = file.file_name()
            && files::there(&file)
        {
            fs::rename(&file, quarantine.join(name))?;
        }
    }
    files::sync_folder(quarantine)
}

fn folder(database: &Path) -> &Path {
    database.parent().unwrap_or_else(|| Path::new("."))
}

fn quarantine(database: &Path, time: u64) -> PathBuf {
    folder(database).join(format!("{QUARANTINE}{time}"))
}

/// A new database that is complete and waits to take the place of the damaged one.
fn ready(database: &Path, time: &str) -> PathBuf {
    files::beside(database, &format!(".mended-{time}"))
}

/// The first time from now on that names no quarantine.
fn free_time(database: &Path, now: u64) -> Result<u64> {
    (now..)
        .take(MOST_QUARANTINES)
        .find(|time| !files::there(&quarantine(database, *time)))
        .ok_or_else(|| Error::new(ErrorKind::Database, "too many damaged databases"))
}

/// Removes a database that was never used.
fn remove(database: &Path) -> Result<()> {
    for suffix in SUFFIXES {
        match fs::remove_file(files::beside(database, suffix)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}
