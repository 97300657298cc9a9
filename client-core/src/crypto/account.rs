//! The long-term keys of an account on this device, and the certificates that tie them together.

mod manifests;
mod record;

use std::fmt;

use ed25519_dalek::SigningKey;
use minicbor::{Decode, Encode};
use openmls_traits::{
    signatures::{Signer, SignerError},
    types::SignatureScheme,
};
use protocol::{
    AccountId, DeviceId, Key, Opaque, RelayId, Signature, cbor,
    identity::{DeviceCertificate, DskCertificate, LeafIdentity, Manifest, public_key, sign},
};
use thiserror::Error;
use zeroize::Zeroizing;

pub use self::{
    manifests::{ManifestError, NewDevice},
    record::{RecordError, RecoveryRecord, SealRecordError},
};
use super::secret::{self, Secret, new_key};
use crate::seams::{RandomError, Randomness};

/// The form of [`AccountKeys::to_bytes`].
const VERSION: u8 = 1;

/// The stored keys are damaged, contradict their certificates, or are from a newer version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the stored keys do not hold")]
pub struct KeysError;

/// The keys of one account on one device. Wiped when dropped; `Debug` shows ids only.
///
/// The root key is there until the person confirmed having written down the recovery code, see
/// [`AccountKeys::forget_root_key`].
pub struct AccountKeys {
    relay: RelayId,
    account: AccountId,
    device: DeviceId,
    root_public: Key,
    root_key: Option<SigningKey>,
    dsk: SigningKey,
    leaf_key: SigningKey,
    login_key: SigningKey,
    dsk_certificate: Opaque,
    device_certificate: Opaque,
}

impl AccountKeys {
    /// Makes a new account with its first device. `now_ms` is the best guess of the relay's time; it decorates only.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn generate(
        random: &mut dyn Randomness,
        relay: RelayId,
        now_ms: u64,
    ) -> Result<Self, RandomError> {
        // the order of the draws is part of what the golden files pin
        let root_key = new_key(random)?;
        let dsk = new_key(random)?;
        Self::certified(random, root_key, dsk, 1, relay, now_ms)
    }

    /// Certifies the device-signing key, and a new device by it.
    fn certified(
        random: &mut dyn Randomness,
        root_key: SigningKey,
        dsk: SigningKey,
        dsk_version: u32,
        relay: RelayId,
        now_ms: u64,
    ) -> Result<Self, RandomError> {
        let leaf_key = new_key(random)?;
        let login_key = new_key(random)?;
        let device = random.device_id()?;
        let root_public = public_key(&root_key);
        let account = AccountId::of_root_key(&root_public);
        let dsk_certificate = DskCertificate {
            account,
            dsk: public_key(&dsk),
            version: dsk_version,
        }
        .sign(&root_key);
        let device_certificate = DeviceCertificate {
            relay,
            account,
            device,
            leaf_key: public_key(&leaf_key),
            login_key: public_key(&login_key),
            created: now_ms,
            dsk_version,
        }
        .sign(&dsk);
        Ok(Self {
            relay,
            account,
            device,
            root_public,
            root_key: Some(root_key),
            dsk,
            leaf_key,
            login_key,
            dsk_certificate: dsk_certificate.into(),
            device_certificate: device_certificate.into(),
        })
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// This device.
    #[must_use]
    pub const fn device(&self) -> DeviceId {
        self.device
    }

    /// The relay on which the account lives.
    #[must_use]
    pub const fn relay(&self) -> RelayId {
        self.relay
    }

    /// The public half of the account's root key.
    #[must_use]
    pub const fn root_public(&self) -> Key {
        self.root_public
    }

    /// Whether the root key is still on this device.
    #[must_use]
    pub const fn has_root_key(&self) -> bool {
        self.root_key.is_some()
    }

    /// Wipes the root key from memory. The caller stores the keys again.
    pub fn forget_root_key(&mut self) {
        self.root_key = None;
    }

    /// The first manifest of the account, with which it registers: this device alone. The same bytes each time. Only for keys
    /// that [`AccountKeys::generate`] made: later manifests are made by [`AccountKeys::next_manifest`].
    #[must_use]
    pub fn manifest(&self) -> Vec<u8> {
        let Some((dsk, device)) = self.open_certificates() else {
            // they opened when these keys were made or read
            return Vec::new();
        };
        Manifest {
            number: 1,
            previous: None,
            root_key: self.root_public,
            dsk,
            dsk_certificate: self.dsk_certificate.clone(),
            devices: vec![(device, self.device_certificate.clone())],
            revoked: Vec::new(),
        }
        .sign(&self.dsk)
    }

    /// Signs a message of the handshake with the login key.
    #[must_use]
    pub fn sign_login(&self, message: &[u8]) -> Signature {
        sign(&self.login_key, message)
    }

    /// Everything, for the encrypted database and nowhere else.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let stored = Stored {
            version: VERSION,
            relay: self.relay,
            device: self.device,
            root_public: self.root_public,
            root_key: self.root_key.as_ref().map(Secret::of),
            dsk: Secret::of(&self.dsk),
            leaf_key: Secret::of(&self.leaf_key),
            login_key: Secret::of(&self.login_key),
            dsk_certificate: self.dsk_certificate.clone(),
            device_certificate: self.device_certificate.clone(),
        };
        secret::encode(&stored)
    }

    /// Reads the keys back and checks that keys and certificates belong together.
    ///
    /// # Errors
    /// [`KeysError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeysError> {
        let stored: Stored = cbor::decode(bytes).map_err(|_| KeysError)?;
        if stored.version != VERSION {
            return Err(KeysError);
        }
        let keys = Self {
            relay: stored.relay,
            account: AccountId::of_root_key(&stored.root_public),
            device: stored.device,
            root_public: stored.root_public,
            root_key: stored.root_key.as_ref().map(Secret::key),
            dsk: stored.dsk.key(),
            leaf_key: stored.leaf_key.key(),
            login_key: stored.login_key.key(),
            dsk_certificate: stored.dsk_certificate,
            device_certificate: stored.device_certificate,
        };
        let (dsk, device) = keys.open_certificates().ok_or(KeysError)?;
        let consistent = keys
            .root_key
            .as_ref()
            .is_none_or(|key| public_key(key) == keys.root_public)
            && dsk.dsk == public_key(&keys.dsk)
            && device.relay == keys.relay
            && device.device == keys.device
            && device.leaf_key == public_key(&keys.leaf_key)
            && device.login_key == public_key(&keys.login_key);
        if consistent { Ok(keys) } else { Err(KeysError) }
    }

    /// What each leaf of this device carries.
    pub(super) fn leaf_identity(&self) -> Vec<u8> {
        LeafIdentity::encode(
            self.root_public,
            self.dsk_certificate.clone(),
            self.device_certificate.clone(),
        )
    }

    /// The signature key of this device's leaves.
    pub(super) const fn leaf_key(&self) -> &SigningKey {
        &self.leaf_key
    }

    fn open_certificates(&self) -> Option<(DskCertificate, DeviceCertificate)> {
        let dsk = DskCertificate::open(self.dsk_certificate.as_ref(), &self.root_public).ok()?;
        let device = DeviceCertificate::open(self.device_certificate.as_ref(), &dsk).ok()?;
        Some((dsk, device))
    }
}

impl fmt::Debug for AccountKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AccountKeys")
            .field("account", &self.account)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

/// MLS signs with the leaf key.
impl Signer for AccountKeys {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(sign(&self.leaf_key, payload).as_bytes().to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Stored {
    #[n(0)]
    version: u8,
    #[n(1)]
    relay: RelayId,
    #[n(2)]
    device: DeviceId,
    #[n(3)]
    root_public: Key,
    #[n(4)]
    root_key: Option<Secret>,
    #[n(5)]
    dsk: Secret,
    #[n(6)]
    leaf_key: Secret,
    #[n(7)]
    login_key: Secret,
    #[n(8)]
    dsk_certificate: Opaque,
    #[n(9)]
    device_certificate: Opaque,
}
