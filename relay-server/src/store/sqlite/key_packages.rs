//! Table `key_packages`.

use protocol::{ErrorCode, KeyPackageCount, Refusal};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use super::{Fault, writer::Tx};
use crate::store::{DeviceRow, NewKeyPackage, NewKeyPackages};

/// Adds one-time packages, replaces the one of last resort.
pub(super) fn publish(tx: &mut Tx<'_>, request: &NewKeyPackages) -> Result<KeyPackageCount, Fault> {
    let device = request.caller.device_row;
    if request.replace {
        tx.connection
            .prepare_cached("DELETE FROM key_packages WHERE device = ?1")?
            .execute((device.0,))?;
    } else if request.last_resort.is_some() {
        tx.connection
            .prepare_cached("DELETE FROM key_packages WHERE device = ?1 AND last_resort = 1")?
            .execute((device.0,))?;
    }
    // those whose time is over take no room; they go by a round of expiry, which trusts no clock that jumps
    let held = count(tx.connection, device, tx.now)?;
    if usize::from(held) + request.packages.len() > usize::from(request.most) {
        return Err(Refusal::new(ErrorCode::Quota).into());
    }
    for package in &request.packages {
        insert(tx.connection, device, 0, package)?;
    }
    if let Some(package) = &request.last_resort {
        insert(tx.connection, device, 1, package)?;
    }
    crate::KillPoint::KeyPackagesInserted.reach();
    Ok(KeyPackageCount {
        count: count(tx.connection, device, tx.now)?,
    })
}

fn insert(
    connection: &Connection,
    device: DeviceRow,
    last_resort: i64,
    package: &NewKeyPackage,
) -> SqlResult<()> {
    connection
        .prepare_cached(
            "INSERT INTO key_packages (device, last_resort, bytes, expires) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((
            device.0,
            last_resort,
            &package.bytes[..],
            package.expires,
        ))
        .map(drop)
}

/// How many one-time packages of a device are usable then.
pub(super) fn count(connection: &Connection, device: DeviceRow, now: u64) -> SqlResult<u16> {
    connection
        .prepare_cached(
            "SELECT count(*) FROM key_packages WHERE device = ?1 AND last_resort = 0 AND expires > ?2",
        )?
        .query_row((device.0, now), |row| row.get(0))
}

/// Takes the oldest one-time package of a device that is usable; where there is none, its last resort stays and is handed
/// out again.
pub(super) fn take(tx: &Tx<'_>, device: DeviceRow) -> SqlResult<Option<Vec<u8>>> {
    let once = tx
        .connection
        .prepare_cached(
            "DELETE FROM key_packages WHERE id =
             (SELECT id FROM key_packages WHERE device = ?1 AND last_resort = 0 AND expires > ?2 ORDER BY id LIMIT 1)
             RETURNING bytes",
        )?
        .query_row((device.0, tx.now), |row| row.get(0))
        .optional()?;
    if once.is_some() {
        return Ok(once);
    }
    tx.connection
        .prepare_cached(
            "SELECT bytes FROM key_packages WHERE device = ?1 AND last_resort = 1 AND expires > ?2",
        )?
        .query_row((device.0, tx.now), |row| row.get(0))
        .optional()
}
