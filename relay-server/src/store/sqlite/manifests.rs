//! Table `manifests`, and what a manifest says of the table `devices`.

use protocol::{AccountId, DeviceId, Digest, ErrorCode, Refusal};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use super::{Fault, accounts, blocks, conversations, writer::Tx};
use crate::store::{AccountRow, Identity, NewManifest};

/// Takes the next manifest of an account, by compare-and-set on the one that is held. Answers which devices it revoked.
pub(super) fn publish(tx: &mut Tx<'_>, request: &NewManifest) -> Result<Vec<DeviceId>, Fault> {
    let refused = || Fault::Refused(Refusal::new(ErrorCode::BadIdentity));
    let account = accounts::row(tx.connection, request.account)?.ok_or_else(refused)?;
    let held = Digest::of(&[&newest(tx.connection, account)?]);
    if held == Digest::of(&[&request.bytes]) {
        return Ok(Vec::new());
    }
    if held != request.held {
        return Err(refused());
    }
    let mut revoked = Vec::new();
    let known = accounts::devices(tx.connection, &[request.account])?;
    for device in &known {
        let named = request.devices.iter().any(|it| it.device == device.device);
        let dropped = request.by_newer_key && !named;
        let out = request.revoked.contains(&device.device) || dropped;
        let login_key = accounts::login_key(tx.connection, device.device_row)?;
        let in_force = request.devices.iter().any(|it| {
            it.device == device.device
                && it.leaf_key == device.leaf_key
                && it.login_key == login_key
        });
        // each is either in force as it was, or out; and who is out stays out
        if out == in_force || (device.revoked && !out) {
            return Err(refused());
        }
        if out && !device.revoked {
            tx.connection
                .prepare_cached("UPDATE devices SET revoked = ?2 WHERE id = ?1")?
                .execute((device.device_row.0, tx.now))?;
            tx.connection
                .prepare_cached("DELETE FROM key_packages WHERE device = ?1")?
                .execute((device.device_row.0,))?;
            revoked.push(device.device);
            // they hold who may append
            tx.heads.clear();
        }
    }
    for device in &request.devices {
        if !known.iter().any(|it| it.device == device.device) {
            accounts::insert_device(tx, account, device, request.coming)?;
        }
    }
    // the first one stays: by it a repeated registration is known
    tx.connection
        .prepare_cached("DELETE FROM manifests WHERE account = ?1 AND number > 1")?
        .execute((account.0,))?;
    insert(tx.connection, account, request.number, &request.bytes)?;
    tx.connection
        .prepare_cached("UPDATE accounts SET manifest = ?2 WHERE id = ?1")?
        .execute((account.0, request.number))?;
    crate::KillPoint::ManifestWritten.reach();
    Ok(revoked)
}

pub(super) fn insert(
    connection: &Connection,
    account: AccountRow,
    number: u64,
    bytes: &[u8],
) -> SqlResult<()> {
    let digest = Digest::of(&[bytes]);
    connection
        .prepare_cached(
            "INSERT INTO manifests (account, number, digest, bytes) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((account.0, number, digest.as_bytes(), bytes))
        .map(drop)
}

/// Whether a manifest of the account that is remembered has this digest.
pub(super) fn had(connection: &Connection, account: AccountRow, digest: Digest) -> SqlResult<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM manifests WHERE account = ?1 AND digest = ?2)",
        )?
        .query_row((account.0, digest.as_bytes()), |row| row.get(0))
}

/// The newest manifest of an account.
pub(super) fn newest(connection: &Connection, account: AccountRow) -> SqlResult<Vec<u8>> {
    connection
        .prepare_cached(
            "SELECT m.bytes FROM accounts a JOIN manifests m ON m.account = a.id AND m.number = a.manifest WHERE a.id = ?1",
        )?
        .query_row((account.0,), |row| row.get(0))
}

/// The newest manifest of an account, if there is such an account.
pub(super) fn newest_of(connection: &Connection, account: AccountId) -> SqlResult<Option<Vec<u8>>> {
    // one snapshot of the database for both queries
    let transaction = connection.unchecked_transaction()?;
    accounts::row(&transaction, account)?
        .map(|account| newest(&transaction, account))
        .transpose()
}

/// The same for another account, with which it shares a conversation and which it did not block.
pub(super) fn newest_for(
    connection: &Connection,
    caller: Identity,
    account: AccountId,
) -> SqlResult<Option<Vec<u8>>> {
    let transaction = connection.unchecked_transaction()?;
    let own = caller.account_row;
    let Some(row) = blocks::seen_by(&transaction, account, caller.account)? else {
        return Ok(None);
    };
    if row != own && conversations::of_pair(&transaction, own, row)?.is_none() {
        return Ok(None);
    }
    newest(&transaction, row).optional()
}
