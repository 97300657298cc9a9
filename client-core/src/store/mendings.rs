//! What became of a damaged database, kept in the one that replaced it until the person has read it.

use std::path::PathBuf;

use rusqlite::{Connection, named_params};

use crate::{
    error::Result,
    store::{WriteTransaction, signed, unsigned},
};

/// What became of a damaged database. All times are milliseconds since 1970-01-01 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// When it was mended, by the computer's clock.
    pub time: u64,
    /// What was found, for the page of details.
    pub damage: String,
    /// Where the new database comes from.
    pub how: How,
    /// How many messages it has.
    pub messages_kept: u64,
    /// At most this many are lost; `None` where nothing tells.
    pub messages_missing: Option<u64>,
    /// Messages from then on may be lost; `None` where nothing is.
    pub lost_since: Option<u64>,
    /// The folder that has the damaged files as they were found.
    pub quarantine: PathBuf,
}

/// Where a mended database comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// From the damaged one alone.
    Salvaged,
    /// From the damaged one, and what could not be read there from the copy of this time.
    SalvagedAndCopy(u64),
    /// Nothing could be read; all is from the copy of this time.
    Copy(u64),
    /// Nothing could be read and there was no copy: the account is there, without messages. Only if the person wanted that.
    KeysOnly,
    /// As before, and what the person's backup of this time has was put in.
    Backup(u64),
}

/// Notes a mending, and that the MLS state is gone.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub(crate) fn insert(connection: &Connection, mended: &Mended) -> Result<()> {
    let (how, copied) = match mended.how {
        How::Salvaged => (1, None),
        How::SalvagedAndCopy(copied) => (2, Some(copied)),
        How::Copy(copied) => (3, Some(copied)),
        How::KeysOnly => (4, None),
        How::Backup(written) => (5, Some(written)),
    };
    connection.prepare_cached("INSERT INTO mendings (time, damage, how, copied, messages, missing, lost_since, folder)
         VALUES (:time, :damage, :how, :copied, :messages, :missing, :lost_since, :folder)")?.execute(
        named_params! {
            ":time": signed(mended.time),
            ":damage": mended.damage,
            ":how": how,
            ":copied": copied.map(signed),
            ":messages": signed(mended.messages_kept),
            ":missing": mended.messages_missing.map(signed),
            ":lost_since": mended.lost_since.map(signed),
            ":folder": mended.quarantine.to_string_lossy(),
        },
    )?;
    Ok(())
}

/// The mendings that the person has not read yet, oldest first.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn untold(connection: &Connection) -> Result<Vec<Mended>> {
    let mut statement = connection.prepare_cached(
        "SELECT time, damage, how, copied, messages, missing, lost_since, folder FROM mendings WHERE told = 0 ORDER BY id",
    )?;
    let rows = statement.query_map([], |row| {
        let copied = unsigned(row.get::<_, Option<i64>>("copied")?.unwrap_or(0));
        let folder: String = row.get("folder")?;
        Ok(Mended {
            time: unsigned(row.get("time")?),
            damage: row.get("damage")?,
            how: match row.get::<_, i64>("how")? {
                1 => How::Salvaged,
                2 => How::SalvagedAndCopy(copied),
                3 => How::Copy(copied),
                5 => How::Backup(copied),
                _ => How::KeysOnly,
            },
            messages_kept: unsigned(row.get("messages")?),
            messages_missing: row.get::<_, Option<i64>>("missing")?.map(unsigned),
            lost_since: row.get::<_, Option<i64>>("lost_since")?.map(unsigned),
            quarantine: PathBuf::from(folder),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Notes that a backup of this time gave a database that began anew its messages.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub(crate) fn note_refilled(write: &WriteTransaction<'_>, time: u64, messages: u64) -> Result<()> {
    write.execute(
        "UPDATE mendings SET how = 5, copied = ?1, messages = ?2, lost_since = ?1 WHERE how = 4 AND told = 0",
        (signed(time), signed(messages)),
    )?;
    Ok(())
}

/// Notes that the person has read of all mendings.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_told(write: &WriteTransaction<'_>) -> Result<()> {
    write.execute("UPDATE mendings SET told = 1 WHERE told = 0", [])?;
    Ok(())
}

/// Whether the MLS state is gone, so that every conversation is to be rejoined.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn mls_lost(connection: &Connection) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT mls_lost FROM account WHERE id = 1")?
        .query_row([], |row| row.get(0))?)
}

/// Notes that every conversation was rejoined.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_mls_whole(write: &WriteTransaction<'_>) -> Result<()> {
    write.execute("UPDATE account SET mls_lost = 0 WHERE id = 1", [])?;
    Ok(())
}
