//! The signed documents by which accounts and devices are known: root key → device-signing key → device.
//!
//! * RK, the root key, never changes in the life of an account; [`AccountId`] derives from it.
//! * DSK, the device-signing key, is certified by RK with a version and signs devices and manifests.
//! * A [`DeviceCertificate`] ties a device's MLS leaf key and login key to an account on one relay.
//! * A [`Manifest`] lists an account's devices; manifests form a hash chain with rising numbers.
//!
//! Each document is a pair of the exact body bytes and an Ed25519 signature (RFC 8032) over a context string ‖
//! body. The received bytes are what is verified and hashed, never a second encoding. The pair itself has exactly its two
//! fields: were an unknown one ignored there, anybody could change a manifest's hash without breaking its signature.

use std::collections::BTreeSet;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::{
    AccountId, DeviceId, Digest, Key, Opaque, RelayId, Signature, Token,
    cbor::{self, list, present},
    limits::bounds,
};

/// No manifest has this number, nor one above: a number that cannot be followed would end the account's list for good.
const MANIFESTS: u64 = 1 << 47;

/// Why a document is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// The bytes are not such a document.
    #[error("malformed document")]
    Malformed,
    /// A signature does not hold.
    #[error("bad signature")]
    BadSignature,
    /// The parts name different accounts, relays, keys or versions.
    #[error("documents contradict each other")]
    Contradiction,
}

/// Checks an Ed25519 signature by the strict rules: no small-order keys, no malleable encodings.
///
/// # Errors
/// [`IdentityError::BadSignature`].
pub fn verify(key: &Key, message: &[u8], signature: &Signature) -> Result<(), IdentityError> {
    VerifyingKey::from_bytes(key.as_bytes())
        .and_then(|key| {
            key.verify_strict(
                message,
                &ed25519_dalek::Signature::from_bytes(signature.as_bytes()),
            )
        })
        .map_err(|_| IdentityError::BadSignature)
}

/// Signs a message.
#[must_use]
pub fn sign(key: &SigningKey, message: &[u8]) -> Signature {
    Signature::new(key.sign(message).to_bytes())
}

/// What RK signs in [`crate::StoreRecord`]: context ‖ relay ‖ account ‖ record ‖ SHA-256(bytes).
#[must_use]
pub fn record_message(relay: RelayId, account: AccountId, record: &Token, bytes: &[u8]) -> Vec<u8> {
    let mut message = b"relevo record 1".to_vec();
    message.extend_from_slice(relay.as_bytes());
    message.extend_from_slice(account.as_bytes());
    message.extend_from_slice(record.as_bytes());
    message.extend_from_slice(Digest::of(&[bytes]).as_bytes());
    message
}

/// The public half of a signing key.
#[must_use]
pub fn public_key(key: &SigningKey) -> Key {
    Key::new(key.verifying_key().to_bytes())
}

/// A body and its signature.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Signed {
    #[n(0)]
    body: Opaque,
    #[n(1)]
    signature: Signature,
}

/// A document type: its context string keeps a signature from serving for another type.
trait Document: Encode<()> + for<'b> Decode<'b, ()> {
    const CONTEXT: &'static [u8];

    fn seal(&self, key: &SigningKey) -> Vec<u8> {
        let body = cbor::encode(self);
        let signature = sign(key, &Self::message(&body));
        cbor::encode(&Signed {
            body: body.into(),
            signature,
        })
    }

    /// Reads the body without trusting it, to learn which key must have signed.
    fn peek(bytes: &[u8]) -> Result<(Self, Signed), IdentityError> {
        let signed: Signed = cbor::decode(bytes).map_err(|_| IdentityError::Malformed)?;
        // the signature covers the body only, so the pair around it has one form
        if cbor::encode(&signed) != bytes {
            return Err(IdentityError::Malformed);
        }
        let body = cbor::decode(&signed.body.0).map_err(|_| IdentityError::Malformed)?;
        Ok((body, signed))
    }

    fn check(signed: &Signed, key: &Key) -> Result<(), IdentityError> {
        verify(key, &Self::message(&signed.body.0), &signed.signature)
    }

    fn message(body: &[u8]) -> Vec<u8> {
        [Self::CONTEXT, body].concat()
    }
}

/// RK's word for a device-signing key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DskCertificate {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The device-signing key.
    #[n(1)]
    pub dsk: Key,
    /// Rises with each new device-signing key; the highest counts.
    #[n(2)]
    pub version: u32,
}

impl Document for DskCertificate {
    const CONTEXT: &'static [u8] = b"relevo dsk certificate 1";
}

impl DskCertificate {
    /// Signs the certificate with the root key.
    #[must_use]
    pub fn sign(&self, root_key: &SigningKey) -> Vec<u8> {
        self.seal(root_key)
    }

    /// Reads a certificate and checks it against the account's root key.
    ///
    /// # Errors
    /// [`IdentityError`], also where the root key is not the account's.
    pub fn open(bytes: &[u8], root_key: &Key) -> Result<Self, IdentityError> {
        let (body, signed) = Self::peek(bytes)?;
        Self::check(&signed, root_key)?;
        if body.account != AccountId::of_root_key(root_key) {
            return Err(IdentityError::Contradiction);
        }
        Ok(body)
    }
}

/// DSK's word for a device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeviceCertificate {
    /// The relay on which the account lives.
    #[n(0)]
    pub relay: RelayId,
    /// The account.
    #[n(1)]
    pub account: AccountId,
    /// The device.
    #[n(2)]
    pub device: DeviceId,
    /// The signature key of its MLS leaves.
    #[n(3)]
    pub leaf_key: Key,
    /// The key with which it logs in.
    #[n(4)]
    pub login_key: Key,
    /// When it was certified, milliseconds since 1970.
    #[n(5)]
    pub created: u64,
    /// The version of the device-signing key that signed it.
    #[n(6)]
    pub dsk_version: u32,
}

impl Document for DeviceCertificate {
    const CONTEXT: &'static [u8] = b"relevo device certificate 1";
}

impl DeviceCertificate {
    /// Signs the certificate with the device-signing key.
    #[must_use]
    pub fn sign(&self, dsk: &SigningKey) -> Vec<u8> {
        self.seal(dsk)
    }

    /// Reads a certificate and checks it against the device-signing key that RK certified.
    ///
    /// # Errors
    /// [`IdentityError`], also where account or version differ.
    pub fn open(bytes: &[u8], dsk: &DskCertificate) -> Result<Self, IdentityError> {
        let (body, signed) = Self::peek(bytes)?;
        Self::check(&signed, &dsk.dsk)?;
        if body.account != dsk.account || body.dsk_version != dsk.version {
            return Err(IdentityError::Contradiction);
        }
        Ok(body)
    }
}

/// The devices of an account, as signed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct ManifestBody {
    #[n(0)]
    number: u64,
    #[cbor(n(1), decode_with = "present")]
    previous: Option<Digest>,
    #[n(2)]
    root_key: Key,
    #[n(3)]
    dsk_certificate: Opaque,
    #[cbor(n(4), decode_with = "list::<{ bounds::DEVICES }, _, _>")]
    devices: Vec<Opaque>,
    #[cbor(n(5), decode_with = "list::<{ bounds::REVOKED }, _, _>")]
    revoked: Vec<DeviceId>,
}

impl Document for ManifestBody {
    const CONTEXT: &'static [u8] = b"relevo manifest 1";
}

/// What an account says of its devices; every signature in it was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// 1 for the first, then rising by one, and below 2^47.
    pub number: u64,
    /// SHA-256 of the bytes of the manifest before; absent in the first.
    pub previous: Option<Digest>,
    /// The account's root key.
    pub root_key: Key,
    /// The device-signing key in force.
    pub dsk: DskCertificate,
    /// The bytes of its certificate.
    pub dsk_certificate: Opaque,
    /// The devices in force, each with the bytes of its certificate.
    pub devices: Vec<(DeviceCertificate, Opaque)>,
    /// Devices that are out for good.
    pub revoked: Vec<DeviceId>,
}

impl Manifest {
    /// The account.
    #[must_use]
    pub fn account(&self) -> AccountId {
        AccountId::of_root_key(&self.root_key)
    }

    /// The certificate of a device that is in force.
    #[must_use]
    pub fn device(&self, device: DeviceId) -> Option<&DeviceCertificate> {
        self.devices
            .iter()
            .map(|(certificate, _)| certificate)
            .find(|certificate| certificate.device == device)
    }

    /// Signs the manifest with the device-signing key.
    #[must_use]
    pub fn sign(&self, dsk: &SigningKey) -> Vec<u8> {
        ManifestBody {
            number: self.number,
            previous: self.previous,
            root_key: self.root_key,
            dsk_certificate: self.dsk_certificate.clone(),
            devices: self
                .devices
                .iter()
                .map(|(_, bytes)| bytes.clone())
                .collect(),
            revoked: self.revoked.clone(),
        }
        .seal(dsk)
    }

    /// Reads a manifest and checks all that it says of itself: RK signed DSK, DSK signed the devices and the manifest, all
    /// of one account and one relay, no device or key twice, none both in force and revoked.
    ///
    /// Whether it is newer than, and follows, the one known before is the caller's to check.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn open(bytes: &[u8]) -> Result<Self, IdentityError> {
        if bytes.len() > bounds::MANIFEST {
            return Err(IdentityError::Malformed);
        }
        let (body, signed) = ManifestBody::peek(bytes)?;
        let dsk = DskCertificate::open(&body.dsk_certificate.0, &body.root_key)?;
        ManifestBody::check(&signed, &dsk.dsk)?;
        if body.devices.is_empty() {
            return Err(IdentityError::Malformed);
        }
        let is_numbered = (1..MANIFESTS).contains(&body.number);
        if (body.number == 1) != body.previous.is_none() || !is_numbered {
            return Err(IdentityError::Contradiction);
        }
        let mut revoked = BTreeSet::new();
        if !body.revoked.iter().all(|device| revoked.insert(*device)) {
            return Err(IdentityError::Contradiction);
        }
        let mut devices: Vec<(DeviceCertificate, Opaque)> = Vec::with_capacity(body.devices.len());
        for bytes in body.devices {
            let certificate = DeviceCertificate::open(&bytes.0, &dsk)?;
            let repeated = devices.iter().any(|(known, _)| {
                known.device == certificate.device
                    || known.leaf_key == certificate.leaf_key
                    || known.login_key == certificate.login_key
            });
            let other_relay = devices
                .first()
                .is_some_and(|(first, _)| first.relay != certificate.relay);
            if repeated || other_relay || revoked.contains(&certificate.device) {
                return Err(IdentityError::Contradiction);
            }
            devices.push((certificate, bytes));
        }
        Ok(Self {
            number: body.number,
            previous: body.previous,
            root_key: body.root_key,
            dsk,
            dsk_certificate: body.dsk_certificate,
            devices,
            revoked: body.revoked,
        })
    }
}

/// What an MLS leaf carries of its owner, in LeafNode extension [`LeafIdentity::EXTENSION_TYPE`]: the whole chain RK → DSK →
/// device, so that a leaf is checked from its own bytes: the account id is the hash of the root key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeafIdentity {
    /// The account's root key.
    pub root_key: Key,
    /// The device-signing key.
    pub dsk: DskCertificate,
    /// The device.
    pub device: DeviceCertificate,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct LeafIdentityBody {
    #[n(0)]
    root_key: Key,
    #[n(1)]
    dsk_certificate: Opaque,
    #[n(2)]
    device_certificate: Opaque,
}

impl LeafIdentity {
    /// The private-use MLS extension type (RFC 9420 §17.3) that holds these bytes.
    pub const EXTENSION_TYPE: u16 = 0xF102;

    /// Encodes the chain from the bytes of its certificates.
    #[must_use]
    pub fn encode(root_key: Key, dsk_certificate: Opaque, device_certificate: Opaque) -> Vec<u8> {
        cbor::encode(&LeafIdentityBody {
            root_key,
            dsk_certificate,
            device_certificate,
        })
    }

    /// Reads the chain and checks every signature in it. The caller compares the leaf's signature key with
    /// [`DeviceCertificate::leaf_key`], its credential with [`LeafIdentity::credential`], and the root key with the pinned one.
    ///
    /// # Errors
    /// [`IdentityError`].
    pub fn open(bytes: &[u8]) -> Result<Self, IdentityError> {
        let body: LeafIdentityBody = cbor::decode(bytes).map_err(|_| IdentityError::Malformed)?;
        let dsk = DskCertificate::open(&body.dsk_certificate.0, &body.root_key)?;
        let device = DeviceCertificate::open(&body.device_certificate.0, &dsk)?;
        Ok(Self {
            root_key: body.root_key,
            dsk,
            device,
        })
    }

    /// The identity in the leaf's MLS Basic credential: account ‖ device.
    #[must_use]
    pub fn credential(account: AccountId, device: DeviceId) -> [u8; 32] {
        let mut identity = [0; 32];
        let (head, tail) = identity.split_at_mut(16);
        head.copy_from_slice(account.as_bytes());
        tail.copy_from_slice(device.as_bytes());
        identity
    }
}
