//! Copies of the database beside it: before each migration and once a day, the newest few.

use std::{
    fs,
    path::{Path, PathBuf},
};

use time::{Date, Month, OffsetDateTime, Time};
use tracing::warn;

use crate::{
    calendar,
    error::Result,
    files,
    store::{Database, DatabaseKey, OpenError, copying},
};

/// How many are kept.
const KEPT: usize = 3;
/// The app asks as often as it likes; a copy is made once a day. In milliseconds.
const PERIOD: u64 = 24 * 60 * 60 * 1000;

/// What became of the wish for a copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Copied {
    /// The newest one is younger than a day.
    NotDue,
    /// It was made, read back whole, and is on the disk.
    Made(PathBuf),
}

/// A copy and when it was made, in milliseconds since 1970-01-01 UTC, to the minute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Copy {
    pub(crate) time: u64,
    pub(crate) path: PathBuf,
}

/// Makes a copy if the newest is older than a day, see [`make`].
///
/// # Errors
/// As [`make`].
pub(crate) fn make_if_due(
    folder: &Path,
    database: &Path,
    key: &DatabaseKey,
    now: u64,
) -> std::result::Result<Copied, OpenError> {
    let newest = list(folder, now)?.first().map(|copy| copy.time);
    if newest.is_some_and(|newest| newest <= now && now.saturating_sub(newest) < PERIOD) {
        return Ok(Copied::NotDue);
    }
    make(folder, database, key, now).map(Copied::Made)
}

/// Makes a copy, reads it back whole, and removes the oldest. A database that turns out to be damaged is checked and mended
/// at its next opening.
///
/// # Errors
/// [`OpenError::Damaged`], and [`OpenError::Failed`] where the disk is full; then the older copies stay.
pub(crate) fn make(
    folder: &Path,
    database: &Path,
    key: &DatabaseKey,
    now: u64,
) -> std::result::Result<PathBuf, OpenError> {
    files::create_private_folder(folder)?;
    let partial = folder.join("relevo.partial");
    let path = folder.join(name(now));
    let copied = copying::copy(database, &partial, key).and_then(|()| {
        crate::KillPoint::CopyWritten.reach();
        Ok(files::put_in_place(&partial, &path)?)
    });
    if let Err(error) = copied {
        // a rest that cannot be removed is written over next time
        let _removed = fs::remove_file(&partial);
        if matches!(error, OpenError::Damaged(_)) {
            Database::doubt(database)?;
        }
        return Err(error);
    }
    crate::KillPoint::CopyInPlace.reach();
    prune(folder, now, KEPT)?;
    Ok(path)
}

/// Removes all copies but this one, where something must not lie in old ones any longer. Also those that a wrong clock dated
/// after it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub(crate) fn prune_to(folder: &Path, kept: &Path, now: u64) -> Result<()> {
    for old in list(folder, now)? {
        if old.path != kept {
            fs::remove_file(&old.path)?;
        }
    }
    files::sync_folder(folder)
}

/// The newest copy that reads back whole.
pub(crate) fn newest_good(folder: &Path, key: &DatabaseKey, now: u64) -> Option<Copy> {
    list(folder, now)
        .unwrap_or_default()
        .into_iter()
        .find(|copy| match copying::verify(&copy.path, key) {
            Ok(()) => true,
            Err(error) => {
                warn!(%error, copy = %copy.path.display(), "a copy of the database is not whole");
                false
            }
        })
}

/// The copies, newest first. One from the future, made while the clock was wrong, counts as the oldest.
pub(crate) fn list(folder: &Path, now: u64) -> Result<Vec<Copy>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut copies = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let time = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(time);
        copies.extend(time.map(|time| Copy { time, path }));
    }
    let plausible = now.saturating_add(PERIOD);
    copies.sort_by_key(|copy| {
        let past = (copy.time <= plausible).then_some(copy.time);
        std::cmp::Reverse((past, copy.time))
    });
    Ok(copies)
}

fn prune(folder: &Path, now: u64, kept: usize) -> Result<()> {
    for old in list(folder, now)?.into_iter().skip(kept) {
        fs::remove_file(&old.path)?;
    }
    files::sync_folder(folder)
}

/// `relevo-YYYYMMDDTHHMM.db`, in UTC.
fn name(now: u64) -> String {
    let at = calendar::utc(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute) = (at.hour(), at.minute());
    format!("relevo-{year:04}{month:02}{day:02}T{hour:02}{minute:02}.db")
}

fn time(name: &str) -> Option<u64> {
    let stamp = name.strip_prefix("relevo-")?.strip_suffix(".db")?;
    let (date, clock) = stamp.split_once('T')?;
    let digits = |text: &str| text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    let (year, day) = date.split_at_checked(4)?;
    if !(digits(year) && digits(day) && digits(clock)) {
        return None;
    }
    let pair = |text: &str| {
        let (first, second) = text.split_at_checked(2)?;
        Some((first.parse::<u8>().ok()?, second.parse::<u8>().ok()?))
    };
    let ((month, day), (hour, minute)) = (pair(day)?, pair(clock)?);
    let month = Month::try_from(month).ok()?;
    let date = Date::from_calendar_date(year.parse().ok()?, month, day).ok()?;
    let at = date
        .with_time(Time::from_hms(hour, minute, 0).ok()?)
        .assume_utc();
    u64::try_from(at.unix_timestamp()).ok()?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_when_the_copy_was_made() {
        let at = 1_795_362_180_000;
        assert_eq!(name(at), "relevo-20261122T1543.db");
        assert_eq!(time(&name(at)), Some(at));
        for other in [
            "relevo.db",
            "relevo-2026.db",
            "relevo-20261322T1543.db",
            "relevo-２026.db",
        ] {
            assert_eq!(time(other), None, "{other}");
        }
    }

    #[test]
    fn a_copy_from_the_future_counts_as_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        let now = 1_795_362_180_000;
        for at in [now, now - PERIOD, now + 3650 * PERIOD] {
            fs::write(folder.path().join(name(at)), b"").unwrap();
        }
        let times: Vec<_> = list(folder.path(), now)
            .unwrap()
            .iter()
            .map(|copy| copy.time)
            .collect();
        assert_eq!(times, [now, now - PERIOD, now + 3650 * PERIOD]);
        prune(folder.path(), now, 2).unwrap();
        assert_eq!(list(folder.path(), now).unwrap().len(), 2);
        assert!(!folder.path().join(name(now + 3650 * PERIOD)).exists());
    }
}
