//! The time that expiry went by last: entry `time` of table `meta`.

use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

/// Notes the time that a round of expiry goes by.
pub(super) fn note(connection: &Connection, time: u64) -> SqlResult<()> {
    connection
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES ('time', ?1)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute((time.to_be_bytes(),))
        .map(drop)
}

/// That time; before the first round that of the newest entry. `None`: nothing was ever stored.
pub(super) fn latest(connection: &Connection) -> SqlResult<Option<u64>> {
    let noted = connection
        .prepare_cached("SELECT value FROM meta WHERE key = 'time'")?
        .query_row((), |row| row.get(0).map(u64::from_be_bytes))
        .optional()?;
    match noted {
        Some(noted) => Ok(Some(noted)),
        None => connection
            .prepare_cached("SELECT max(time) FROM streams")?
            .query_row((), |row| row.get(0)),
    }
}

/// The newest time that anything bears; 0 where nothing was ever stored.
pub(super) fn newest(connection: &Connection) -> SqlResult<u64> {
    let stored: Option<u64> = connection
        .prepare_cached("SELECT max(time) FROM streams")?
        .query_row((), |row| row.get(0))?;
    Ok(stored.max(latest(connection)?).unwrap_or(0))
}

/// A time as an operator reads it.
pub(super) fn in_words(connection: &Connection, time: u64) -> SqlResult<String> {
    connection
        .prepare_cached("SELECT coalesce(datetime(?1 / 1000, 'unixepoch') || ' UTC', 'no time')")?
        .query_row((time,), |row| row.get(0))
}
