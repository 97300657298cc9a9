//! The recovery code until the person has it, and the record that it opens.

use protocol::{Signature, Token};
use rusqlite::Connection;

use crate::{error::Result, event::Event, store::WriteTransaction};

/// Whether the person should write the recovery code down now. Where that cannot be read there are other worries.
#[must_use]
pub fn is_recovery_due(connection: &Connection) -> bool {
    connection
        .query_row("SELECT recovery_due FROM account WHERE id = 1", [], |row| {
            row.get(0)
        })
        .unwrap_or(false)
}

/// Somebody answered: the recovery code is worth writing down from now on. Says whether that is news.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_recovery_due(write: &WriteTransaction<'_>) -> Result<bool> {
    let changed = write
        .connection()
        .prepare_cached(
            "UPDATE account SET recovery_due = 1 WHERE id = 1 AND recovery_due = 0 AND recovery_code IS NOT NULL",
        )?
        .execute([])?;
    if changed > 0 {
        write.announce(Event::MeChanged);
    }
    Ok(changed > 0)
}

/// A recovery record, as the relay is told it.
pub struct Record {
    /// Its name, which the code tells.
    pub name: Token,
    /// Sealed by the code.
    pub bytes: Vec<u8>,
    /// By the root key; `None` in one of an early version.
    pub signature: Option<Signature>,
}

impl Record {
    fn column(&self) -> Vec<u8> {
        [self.name.as_bytes().as_slice(), &self.bytes].concat()
    }

    fn signature_column(&self) -> Option<&[u8]> {
        self.signature
            .as_ref()
            .map(|signature| signature.as_bytes().as_slice())
    }

    fn from_columns(record: &[u8], signature: Option<&[u8]>) -> Option<Self> {
        let (name, bytes) = record.split_at_checked(Token::LEN)?;
        Some(Self {
            name: Token::from_slice(name)?,
            bytes: bytes.to_vec(),
            signature: signature.and_then(Signature::from_slice),
        })
    }
}

/// Keeps a new recovery code until the person confirmed having written it down, and its record for the relay.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_recovery_code(
    write: &WriteTransaction<'_>,
    code: &[u8; 32],
    record: &Record,
) -> Result<()> {
    write.execute(
        "UPDATE account SET recovery_code = ?1, recovery_due = 0 WHERE id = 1",
        [code],
    )?;
    set_record(write, record)?;
    write.announce(Event::MeChanged);
    Ok(())
}

/// The person has the recovery code: it goes, and the root key with it. That they may live on in copies of the database stays
/// noted until [`note_wiped`].
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn confirm_recovery(write: &WriteTransaction<'_>, keys: &[u8]) -> Result<()> {
    write.execute(
        "UPDATE account SET recovery_code = NULL, recovery_due = 0, keys = ?1, unwiped = 1 WHERE id = 1",
        [keys],
    )?;
    write.announce(Event::MeChanged);
    Ok(())
}

/// Whether the root key left this database and may still lie beside it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_unwiped(connection: &Connection) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT unwiped FROM account WHERE id = 1")?
        .query_row([], |row| row.get(0))?)
}

/// The root key lies in no copy of the database any more.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note_wiped(write: &WriteTransaction<'_>) -> Result<()> {
    write.execute("UPDATE account SET unwiped = 0 WHERE id = 1", [])?;
    Ok(())
}

/// The recovery record that the relay has to be told, if any.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn untold_record(connection: &Connection) -> Result<Option<Record>> {
    read_record(
        connection,
        "SELECT CASE record_told WHEN 0 THEN record END, record_signature FROM account WHERE id = 1",
    )
}

/// The recovery record. `None` where this device never made one.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn record(connection: &Connection) -> Result<Option<Record>> {
    read_record(
        connection,
        "SELECT record, record_signature FROM account WHERE id = 1",
    )
}

fn read_record(connection: &Connection, sql: &str) -> Result<Option<Record>> {
    let (record, signature): (Option<Vec<u8>>, Option<Vec<u8>>) =
        connection
            .prepare_cached(sql)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(record.and_then(|record| Record::from_columns(&record, signature.as_deref())))
}

/// Keeps the recovery record; the relay has to be told.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_record(write: &WriteTransaction<'_>, record: &Record) -> Result<()> {
    write.execute(
        "UPDATE account SET record = ?1, record_signature = ?2, record_told = 0 WHERE id = 1",
        (record.column(), record.signature_column()),
    )?;
    Ok(())
}

/// Whether the relay has the recovery record.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_record_told(write: &WriteTransaction<'_>, told: bool) -> Result<()> {
    write.execute("UPDATE account SET record_told = ?1 WHERE id = 1", [told])?;
    Ok(())
}
