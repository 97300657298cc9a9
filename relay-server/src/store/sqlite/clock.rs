//! The time that expiry went by last, and from when on ages count: entries `time` and `aging` of table `meta`.
//!
//! What is stored bears the time that was believed then. Where that turns out to have been wrong by months or years, it is as much
//! older or younger than it seems. So with each such jump, and with a restore, all that is there counts as stored at that moment: a
//! jump lets nothing expire, and what is kept a little longer than it need be is no loss.

use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use crate::clock::FAR_MS;

/// Notes the time that a round of expiry goes by. Where it is far from the one before, ages count from it on.
pub(super) fn note(connection: &Connection, time: u64) -> SqlResult<()> {
    let jumped = latest(connection)?.is_some_and(|before| time.abs_diff(before) > FAR_MS);
    if jumped {
        tracing::info!("all that is stored counts as stored now: the time has jumped");
        return begin_ages(connection, time);
    }
    write(connection, "time", time)
}

/// Notes a time, and has all ages count from it on: nothing that is there is older.
pub(super) fn begin_ages(connection: &Connection, time: u64) -> SqlResult<()> {
    write(connection, "time", time)?;
    write(connection, "aging", time)
}

/// From when on ages count; 0 where the time never jumped.
pub(super) fn ages_from(connection: &Connection) -> SqlResult<u64> {
    read(connection, "aging").map(Option::unwrap_or_default)
}

/// The time of the last round; before the first one that of the newest entry. `None`: nothing was ever stored.
pub(super) fn latest(connection: &Connection) -> SqlResult<Option<u64>> {
    match read(connection, "time")? {
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

/// A time of table `meta`.
pub(super) fn read(connection: &Connection, key: &str) -> SqlResult<Option<u64>> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE key = ?1")?
        .query_row((key,), |row| row.get(0).map(u64::from_be_bytes))
        .optional()
}

/// Notes a time in table `meta`.
pub(super) fn write(connection: &Connection, key: &str, time: u64) -> SqlResult<()> {
    connection
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES (?1, ?2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )?
        .execute((key, time.to_be_bytes()))
        .map(drop)
}
