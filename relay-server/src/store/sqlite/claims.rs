//! Table `claims`: each claim is answered once and for all, so that a one-time package reaches one group only.

use bytes::Bytes;
use protocol::{AccountId, Claimed, ClaimedKeyPackage, ErrorCode, Refusal, bounds, cbor};
use rusqlite::OptionalExtension as _;

use super::{Fault, accounts, blocks, key_packages, manifests, writer::Tx};
use crate::store::{DeviceRow, NewClaim};

/// The row of no device: they count from one.
const NO_ROW: i64 = 0;

/// Room for the frame around the answer.
const FRAME_OVERHEAD: usize = 16;

/// Takes one package of each device in force. The answer is the encoded [`Claimed`].
pub(super) fn claim(tx: &mut Tx<'_>, request: &NewClaim) -> Result<Bytes, Fault> {
    let NewClaim {
        caller,
        account,
        client_id,
        limited,
    } = request;
    let prior: Option<(Vec<u8>, [u8; AccountId::LEN])> = tx
        .connection
        .prepare_cached("SELECT reply, account FROM claims WHERE device = ?1 AND client_id = ?2")?
        .query_row((caller.device_row.0, client_id.as_bytes()), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some((reply, claimed)) = prior {
        return if claimed == *account.as_bytes() {
            Ok(reply.into())
        } else {
            Err(Refusal::new(ErrorCode::IdConflict).into())
        };
    }
    if let Some(refusal) = limited {
        return Err(refusal.clone().into());
    }
    let none = || Fault::Refused(Refusal::new(ErrorCode::NoKeyPackages));
    let Some(row) = blocks::seen_by(tx.connection, *account, caller.account)? else {
        // as much work as for an account whose device has no packages, so that the time tells nothing either
        accounts::devices(tx.connection, &[caller.account])?;
        key_packages::take(tx, DeviceRow(NO_ROW))?;
        return Err(none());
    };
    let mut packages = Vec::new();
    for device in accounts::devices(tx.connection, &[*account])? {
        // a device needs no package of itself: it makes the group
        if device.revoked || device.device == caller.device {
            continue;
        }
        if let Some(bytes) = key_packages::take(tx, device.device_row)? {
            packages.push(ClaimedKeyPackage {
                device: device.device,
                bytes: bytes.into(),
            });
        }
    }
    crate::KillPoint::KeyPackageTaken.reach();
    if packages.is_empty() && *account != caller.account {
        return Err(none());
    }
    let manifest = manifests::newest(tx.connection, row)?.into();
    let reply = cbor::encode(&Claimed { manifest, packages });
    if reply.len() + FRAME_OVERHEAD > bounds::FRAME {
        return Err(Refusal::new(ErrorCode::TooLarge).into());
    }
    tx.connection
        .prepare_cached("INSERT INTO claims (device, client_id, account, time, reply) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((caller.device_row.0, client_id.as_bytes(), account.as_bytes(), tx.now, &reply))?;
    crate::KillPoint::ClaimInserted.reach();
    Ok(reply.into())
}
