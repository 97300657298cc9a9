//! How an account's list of devices goes on: devices come and go, and a lost account is restored.

use protocol::{
    DeviceId, Digest, Key, Opaque, RelayId, bounds,
    identity::{DeviceCertificate, DskCertificate, Manifest, public_key},
};
use thiserror::Error;

use super::{AccountKeys, RecoveryRecord};
use crate::{
    crypto::secret::new_key,
    seams::{RandomError, Randomness},
};

/// A device that is to be certified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// The device.
    pub device: DeviceId,
    /// The public half of its leaf key.
    pub leaf_key: Key,
    /// The public half of its login key.
    pub login_key: Key,
}

/// Why no next manifest was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ManifestError {
    /// The current manifest does not hold, or is of another account or relay.
    #[error("not the manifest of this account")]
    Foreign,
    /// The device-signing key in force is another than this device has: the account was restored elsewhere.
    #[error("another device-signing key is in force")]
    Superseded,
    /// The device that is to be added, or one of its keys, is known already or was revoked: ids and keys are used once.
    #[error("device {0} is known already")]
    Known(DeviceId),
    /// The device that is to be revoked is not in force.
    #[error("device {0} is not in force")]
    Unknown(DeviceId),
    /// No device would be left.
    #[error("no device would be left")]
    NoDevice,
    /// More devices, in force or revoked, than a manifest holds.
    #[error("too many devices")]
    TooLarge,
    /// See [`RandomError`].
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl AccountKeys {
    /// Restores an account on a new device by its recovery record: the same root key, a new device-signing key, a new device,
    /// and the manifest that follows `current` and revokes every device before it. The root key stays until
    /// [`AccountKeys::forget_root_key`]; before that, a new [`AccountKeys::recovery_record`] belongs to the relay, because the
    /// old one holds the old device-signing key.
    ///
    /// `current` is the newest manifest that the relay shows. Should it show an older one, contacts take what follows all the same:
    /// the device-signing key is newer. So they do where `current` revokes too many for another list, and some are left out: what
    /// the former device-signing key certified is over with it.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn restored(
        record: &RecoveryRecord,
        current: &[u8],
        random: &mut dyn Randomness,
        now_ms: u64,
    ) -> Result<(Self, Vec<u8>), ManifestError> {
        let before = open(current, record.relay())?;
        if before.root_key != public_key(&record.root_key) {
            return Err(ManifestError::Foreign);
        }
        let next = before.dsk.version.checked_add(1);
        let version = next.ok_or(ManifestError::TooLarge)?;
        let dsk = new_key(random)?;
        let root_key = record.root_key.clone();
        let keys = Self::certified(random, root_key, dsk, version, record.relay(), now_ms)?;
        let own = keys.open_certificates();
        let (dsk, device) = own.ok_or(ManifestError::Foreign)?;
        // where there is no room for all, those that are out for longest are left out
        let in_force = before.devices.iter().map(|(device, _)| device.device);
        let room = bounds::REVOKED.saturating_sub(before.devices.len());
        let too_many = before.revoked.len().saturating_sub(room);
        let out = before.revoked.iter().skip(too_many).copied();
        let revoked = out.chain(in_force).collect();
        let next = Manifest {
            number: following(&before)?,
            previous: Some(Digest::of(&[current])),
            root_key: keys.root_public,
            dsk,
            dsk_certificate: keys.dsk_certificate.clone(),
            devices: vec![(device, keys.device_certificate.clone())],
            revoked,
        };
        let manifest = keys.sign_manifest(&next)?;
        Ok((keys, manifest))
    }

    /// Makes the manifest that follows `current`, the newest one: revokes devices for good, and certifies others. This device
    /// may revoke itself, but not the last one.
    ///
    /// # Errors
    /// [`ManifestError`].
    pub fn next_manifest(
        &self,
        current: &[u8],
        add: &[NewDevice],
        revoke: &[DeviceId],
        now_ms: u64,
    ) -> Result<Vec<u8>, ManifestError> {
        let before = open(current, self.relay)?;
        if before.root_key != self.root_public {
            return Err(ManifestError::Foreign);
        }
        if before.dsk.dsk != public_key(&self.dsk) {
            return Err(ManifestError::Superseded);
        }
        let mut next = Manifest {
            number: following(&before)?,
            previous: Some(Digest::of(&[current])),
            ..before
        };
        for device in revoke {
            if next.device(*device).is_none() {
                return Err(ManifestError::Unknown(*device));
            }
            next.devices.retain(|(known, _)| known.device != *device);
            next.revoked.push(*device);
        }
        for new in add {
            let known = next.revoked.contains(&new.device)
                || next.devices.iter().any(|(known, _)| {
                    known.device == new.device
                        || known.leaf_key == new.leaf_key
                        || known.login_key == new.login_key
                });
            if known {
                return Err(ManifestError::Known(new.device));
            }
            next.devices.push(self.certify(&next.dsk, *new, now_ms));
        }
        self.sign_manifest(&next)
    }

    fn certify(
        &self,
        dsk: &DskCertificate,
        new: NewDevice,
        now_ms: u64,
    ) -> (DeviceCertificate, Opaque) {
        let certificate = DeviceCertificate {
            relay: self.relay,
            account: self.account,
            device: new.device,
            leaf_key: new.leaf_key,
            login_key: new.login_key,
            created: now_ms,
            dsk_version: dsk.version,
        };
        let bytes = certificate.sign(&self.dsk).into();
        (certificate, bytes)
    }

    fn sign_manifest(&self, manifest: &Manifest) -> Result<Vec<u8>, ManifestError> {
        if manifest.devices.is_empty() {
            return Err(ManifestError::NoDevice);
        }
        let bytes = manifest.sign(&self.dsk);
        let fits = manifest.devices.len() <= bounds::DEVICES
            && manifest.revoked.len() <= bounds::REVOKED
            && bytes.len() <= bounds::MANIFEST;
        if fits {
            Ok(bytes)
        } else {
            Err(ManifestError::TooLarge)
        }
    }
}

/// Reads a manifest of an account on this relay.
fn open(bytes: &[u8], relay: RelayId) -> Result<Manifest, ManifestError> {
    Manifest::open(bytes)
        .ok()
        .filter(|manifest| {
            let mut devices = manifest.devices.iter();
            devices.all(|(device, _)| device.relay == relay)
        })
        .ok_or(ManifestError::Foreign)
}

fn following(before: &Manifest) -> Result<u64, ManifestError> {
    before.number.checked_add(1).ok_or(ManifestError::TooLarge)
}
