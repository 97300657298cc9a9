//! Table `records`: what only the holder of a recovery code can name and open.

use protocol::{AccountId, Digest, ErrorCode, Refusal};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use super::{Fault, writer::Tx};
use crate::store::{NewRecord, RecordRow};

/// Holds the recovery record of an account, in place of another one if the root key signed it.
pub(super) fn store(tx: &mut Tx<'_>, request: &NewRecord) -> Result<(), Fault> {
    let owner: Option<i64> = tx
        .connection
        .prepare_cached("SELECT account FROM records WHERE record = ?1")?
        .query_row((request.record.as_bytes(),), |row| row.get(0))
        .optional()?;
    let own = request.caller.account_row.0;
    if owner.is_some_and(|owner| owner != own) {
        return Err(Refusal::new(ErrorCode::IdConflict).into());
    }
    if !request.signed {
        let is_held: Option<bool> = tx
            .connection
            .prepare_cached("SELECT record = ?2 AND bytes = ?3 FROM records WHERE account = ?1")?
            .query_row(
                (own, request.record.as_bytes(), &request.bytes[..]),
                |row| row.get(0),
            )
            .optional()?;
        match is_held {
            Some(true) => return Ok(()),
            Some(false) => return Err(Refusal::new(ErrorCode::BadIdentity).into()),
            None => {}
        }
    }
    tx.connection
        .prepare_cached(
            "INSERT OR REPLACE INTO records (account, record, bytes) VALUES (?1, ?2, ?3)",
        )?
        .execute((own, request.record.as_bytes(), &request.bytes[..]))?;
    crate::KillPoint::RecordInserted.reach();
    Ok(())
}

/// A record by the stored hash of its name.
pub(super) fn find(connection: &Connection, record: Digest) -> SqlResult<Option<RecordRow>> {
    connection
        .prepare_cached(
            "SELECT a.account, m.bytes, r.bytes FROM records r JOIN accounts a ON a.id = r.account
             JOIN manifests m ON m.account = a.id AND m.number = a.manifest WHERE r.record = ?1",
        )?
        .query_row((record.as_bytes(),), |row| {
            Ok(RecordRow {
                account: AccountId::new(row.get(0)?),
                manifest: row.get(1)?,
                bytes: row.get(2)?,
            })
        })
        .optional()
}
