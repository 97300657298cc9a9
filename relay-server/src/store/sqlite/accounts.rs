//! Tables `accounts` and `devices`.

use protocol::{AccountId, DeviceId, Digest, ErrorCode, Key, Refusal};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult, Row};

use super::{Fault, gaps, links, manifests, writer::Tx};
use crate::store::{
    AccountRow, Coming, DeviceInfo, DeviceRow, Identity, LoginRow, Made, NewAccount, NewDevice,
};

/// Makes an account. All that a repeat needs is that account and manifest are the same.
pub(super) fn register(tx: &mut Tx<'_>, request: &NewAccount) -> Result<(), Fault> {
    let digest = Digest::of(&[&request.manifest]);
    if let Some(known) = row(tx.connection, request.account)? {
        return if manifests::had(tx.connection, known, digest)? {
            Ok(())
        } else {
            Err(Refusal::new(ErrorCode::BadIdentity).into())
        };
    }
    let (issuer, created, coming) = match request.made {
        Made::ByInvite(token) => (links::consume_invite(tx, token)?, tx.now, Coming::Anew),
        Made::ByReceipt(time) => (None, time, Coming::Back),
    };
    crate::KillPoint::InviteUsed.reach();
    tx.connection
        .prepare_cached(
            "INSERT INTO accounts (account, created, invited_by, manifest) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((
            request.account.as_bytes(),
            created,
            issuer.map(|row| row.0),
            request.number,
        ))?;
    let account = AccountRow(tx.connection.last_insert_rowid());
    manifests::insert(tx.connection, account, request.number, &request.manifest)?;
    for device in &request.devices {
        insert_device(tx, account, device, coming)?;
    }
    crate::KillPoint::AccountInserted.reach();
    Ok(())
}

pub(super) fn insert_device(
    tx: &Tx<'_>,
    account: AccountRow,
    device: &NewDevice,
    coming: Coming,
) -> Result<(), Fault> {
    let taken: bool = tx
        .connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM devices WHERE device = ?1)")?
        .query_row((device.device.as_bytes(),), |row| row.get(0))?;
    if taken {
        return Err(Refusal::new(ErrorCode::BadIdentity).into());
    }
    let base = match coming {
        Coming::Anew => 0,
        Coming::Back => gaps::above_all(tx)?,
    };
    tx.connection
        .prepare_cached("INSERT INTO streams (last, base, time) VALUES (?1, ?1, ?2)")?
        .execute((base, tx.now))?;
    let inbox = tx.connection.last_insert_rowid();
    tx.connection
        .prepare_cached(
            "INSERT INTO devices (device, account, login_key, leaf_key, inbox, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            device.device.as_bytes(),
            account.0,
            device.login_key.as_bytes(),
            device.leaf_key.as_bytes(),
            inbox,
            tx.now,
        ))?;
    Ok(())
}

/// The store's name of an account.
pub(super) fn row(connection: &Connection, account: AccountId) -> SqlResult<Option<AccountRow>> {
    connection
        .prepare_cached("SELECT id FROM accounts WHERE account = ?1")?
        .query_row((account.as_bytes(),), |row| row.get(0).map(AccountRow))
        .optional()
}

/// Whether `account` came by an invite of `issuer`.
pub(super) fn invited_by(
    connection: &Connection,
    account: AccountRow,
    issuer: AccountRow,
) -> SqlResult<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?1 AND invited_by = ?2)")?
        .query_row((account.0, issuer.0), |row| row.get(0))
}

pub(super) fn login(
    connection: &Connection,
    account: AccountId,
    device: DeviceId,
) -> SqlResult<Option<LoginRow>> {
    let found = connection
        .prepare_cached(
            // where there is none some other is read, so that the time does not tell whether there is one
            "SELECT a.id, d.id, d.login_key, d.revoked, a.created, 1
             FROM devices d JOIN accounts a ON a.id = d.account WHERE d.device = ?1 AND a.account = ?2
             UNION ALL
             SELECT a.id, d.id, d.login_key, d.revoked, a.created, 0
             FROM devices d JOIN accounts a ON a.id = d.account
             LIMIT 1",
        )?
        .query_row((device.as_bytes(), account.as_bytes()), |row| {
            let login = LoginRow {
                identity: Identity {
                    account,
                    account_row: AccountRow(row.get(0)?),
                    device,
                    device_row: DeviceRow(row.get(1)?),
                },
                login_key: Key::new(row.get(2)?),
                revoked: row.get::<_, i64>(3)? != 0,
                created: row.get(4)?,
            };
            Ok((login, row.get::<_, i64>(5)? == 1))
        })
        .optional()?;
    Ok(found.and_then(|(login, is_asked)| is_asked.then_some(login)))
}

pub(super) fn devices(
    connection: &Connection,
    accounts: &[AccountId],
) -> SqlResult<Vec<DeviceInfo>> {
    let mut devices = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT d.device, d.id, a.account, a.id, d.leaf_key, d.revoked
         FROM accounts a JOIN devices d ON d.account = a.id WHERE a.account = ?1 ORDER BY d.id",
    )?;
    for account in accounts {
        for device in statement.query_map((account.as_bytes(),), read_device)? {
            devices.push(device?);
        }
    }
    Ok(devices)
}

pub(super) fn login_key(connection: &Connection, device: DeviceRow) -> SqlResult<Key> {
    connection
        .prepare_cached("SELECT login_key FROM devices WHERE id = ?1")?
        .query_row((device.0,), |row| row.get(0).map(Key::new))
}

fn read_device(row: &Row<'_>) -> SqlResult<DeviceInfo> {
    Ok(DeviceInfo {
        device: DeviceId::new(row.get(0)?),
        device_row: DeviceRow(row.get(1)?),
        account: AccountId::new(row.get(2)?),
        account_row: AccountRow(row.get(3)?),
        leaf_key: Key::new(row.get(4)?),
        revoked: row.get::<_, i64>(5)? != 0,
    })
}
