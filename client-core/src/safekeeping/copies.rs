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

/// A copy. Their order is that in which they were made, whatever the computer's clock showed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Copy {
    /// How often the clock had been set back by then.
    turn: u32,
    /// When it was made, by that clock: in milliseconds since 1970-01-01 UTC, to the minute.
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
    let newest = list(folder)?.first().map(|copy| copy.time);
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
    let turn = list(folder)?.first().map_or(0, |newest| {
        newest.turn.saturating_add(u32::from(newest.time > now))
    });
    let path = folder.join(name(now, turn));
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
    prune(folder, KEPT)?;
    Ok(path)
}

/// Removes all copies but this one, where something must not lie in old ones any longer. Also those that a wrong clock dated
/// after it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub(crate) fn prune_to(folder: &Path, kept: &Path) -> Result<()> {
    for old in list(folder)? {
        if old.path != kept {
            fs::remove_file(&old.path)?;
        }
    }
    files::sync_folder(folder)
}

/// The newest copy that reads back whole.
pub(crate) fn newest_good(folder: &Path, key: &DatabaseKey) -> Option<Copy> {
    list(folder).unwrap_or_default().into_iter().find(|copy| {
        match copying::verify(&copy.path, key) {
            Ok(()) => true,
            Err(error) => {
                warn!(%error, copy = %copy.path.display(), "a copy of the database is not whole");
                false
            }
        }
    })
}

/// The copies, newest first.
pub(crate) fn list(folder: &Path) -> Result<Vec<Copy>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    let mut copies = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let place = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(place);
        copies.extend(place.map(|(turn, time)| Copy { turn, time, path }));
    }
    copies.sort_by(|one, other| other.cmp(one));
    Ok(copies)
}

fn prune(folder: &Path, kept: usize) -> Result<()> {
    for old in list(folder)?.into_iter().skip(kept) {
        fs::remove_file(&old.path)?;
    }
    files::sync_folder(folder)
}

/// `relevo-YYYYMMDDTHHMM.db`, in UTC; `relevo-YYYYMMDDTHHMM-TURN.db` after the clock was set back.
fn name(now: u64, turn: u32) -> String {
    let at = calendar::utc(now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let (hour, minute) = (at.hour(), at.minute());
    let turn = match turn {
        0 => String::new(),
        turn => format!("-{turn}"),
    };
    format!("relevo-{year:04}{month:02}{day:02}T{hour:02}{minute:02}{turn}.db")
}

/// Turn and time, from a name.
fn place(name: &str) -> Option<(u32, u64)> {
    let stamp = name.strip_prefix("relevo-")?.strip_suffix(".db")?;
    match stamp.split_once('-') {
        Some((stamp, turn)) => Some((turn.parse().ok()?, time(stamp)?)),
        None => Some((0, time(stamp)?)),
    }
}

fn time(stamp: &str) -> Option<u64> {
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
        assert_eq!(name(at, 0), "relevo-20261122T1543.db");
        assert_eq!(place(&name(at, 0)), Some((0, at)));
        assert_eq!(name(at, 12), "relevo-20261122T1543-12.db");
        assert_eq!(place(&name(at, 12)), Some((12, at)));
        for other in [
            "relevo.db",
            "relevo-2026.db",
            "relevo-20261322T1543.db",
            "relevo-２026.db",
            "relevo-20261122T1543-.db",
        ] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
