//! People as a relay sees them: accounts, devices, and real MLS groups.

// benches include this file by its path
#[path = "people/groups.rs"]
mod groups;

use ed25519_dalek::SigningKey;
use openmls::prelude::{
    BasicCredential, Capabilities, Ciphersuite, CredentialType, CredentialWithKey, Extension,
    ExtensionType, Extensions, KeyPackage, Lifetime, MlsMessageOut, ProtocolVersion,
    UnknownExtension, tls_codec::Serialize as _,
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use protocol::{
    AccountId, ClientId, DeviceId, Digest, Key, Opaque, RelayId, Signature, Token,
    identity::{
        DeviceCertificate, DskCertificate, LeafIdentity, Manifest, public_key, record_message, sign,
    },
};

#[allow(unused_imports, reason = "not every test that includes this needs all")]
pub(crate) use self::groups::{Built, Group, direct, open_package, parse, reset};

pub(crate) const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;

/// Random bytes.
pub(crate) fn draw<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}

/// A fresh client id.
pub(crate) fn client_id() -> ClientId {
    ClientId::new(draw())
}

/// A person: keys, manifest, devices.
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) manifest: Vec<u8>,
    pub(crate) devices: Vec<Device>,
    root: SigningKey,
    dsk: SigningKey,
    /// Of the device-signing key.
    version: u32,
}

/// One installation.
pub(crate) struct Device {
    pub(crate) account: AccountId,
    pub(crate) id: DeviceId,
    pub(crate) login: SigningKey,
    pub(crate) leaf: SigningKey,
    pub(crate) identity: Vec<u8>,
    pub(crate) provider: OpenMlsRustCrypto,
}

impl Person {
    pub(crate) fn new(relay: RelayId, devices: usize) -> Self {
        let root = SigningKey::from_bytes(&draw());
        let dsk = SigningKey::from_bytes(&draw());
        Self::with_keys(relay, devices, root, dsk)
    }

    /// The same person with another first manifest.
    pub(crate) fn forked(&self, relay: RelayId) -> Self {
        Self::with_keys(relay, 1, self.root.clone(), self.dsk.clone())
    }

    fn with_keys(relay: RelayId, devices: usize, root: SigningKey, dsk: SigningKey) -> Self {
        let root_key = public_key(&root);
        let account = AccountId::of_root_key(&root_key);
        let dsk_body = DskCertificate {
            account,
            dsk: public_key(&dsk),
            version: 1,
        };
        let dsk_certificate: Opaque = dsk_body.sign(&root).into();
        let mut certificates = Vec::new();
        let mut made = Vec::new();
        for _ in 0..devices {
            let (certificate, device) = certify(relay, root_key, (&dsk_certificate, 1), &dsk);
            certificates.push(certificate);
            made.push(device);
        }
        let manifest = Manifest {
            number: 1,
            previous: None,
            root_key,
            dsk: dsk_body,
            dsk_certificate,
            devices: certificates,
            revoked: Vec::new(),
        };
        Self {
            account,
            manifest: manifest.sign(&dsk),
            devices: made,
            root,
            dsk,
            version: 1,
        }
    }

    pub(crate) fn device(&self) -> &Device {
        &self.devices[0]
    }

    /// Makes the next manifest: with a further device where one is asked for, and without these.
    pub(crate) fn change(&mut self, relay: RelayId, further: bool, revoke: &[DeviceId]) {
        let mut manifest = Manifest::open(&self.manifest).unwrap();
        manifest.number += 1;
        manifest.previous = Some(Digest::of(&[&self.manifest]));
        manifest
            .devices
            .retain(|(certificate, _)| !revoke.contains(&certificate.device));
        manifest.revoked.extend(revoke);
        if further {
            let (certificate, device) = self.certify(relay);
            manifest.devices.push(certificate);
            self.devices.push(device);
        }
        self.manifest = manifest.sign(&self.dsk);
    }

    /// The same manifest under another number, after one that nobody saw, with these devices revoked as well.
    pub(crate) fn skip_to(&mut self, number: u64, revoke: &[DeviceId]) {
        let mut manifest = Manifest::open(&self.manifest).unwrap();
        manifest.number = number;
        manifest.previous = Some(Digest::of(&[b"unseen"]));
        manifest.revoked.extend(revoke);
        self.manifest = manifest.sign(&self.dsk);
    }

    /// The same person on a new computer, by the root key: a new device-signing key, a new device, and the next manifest, which names
    /// no device of before but those that it revokes.
    pub(crate) fn restored(&self, relay: RelayId, revoke: &[DeviceId]) -> Self {
        let before = Manifest::open(&self.manifest).unwrap();
        let mut anew = Self {
            account: self.account,
            manifest: Vec::new(),
            devices: Vec::new(),
            root: self.root.clone(),
            dsk: SigningKey::from_bytes(&draw()),
            version: self.version + 1,
        };
        let (certificate, device) = anew.certify(relay);
        let dsk = anew.dsk_certificate();
        let manifest = Manifest {
            number: before.number + 1,
            previous: Some(Digest::of(&[&self.manifest])),
            root_key: before.root_key,
            dsk_certificate: dsk.sign(&anew.root).into(),
            dsk,
            devices: vec![certificate],
            revoked: revoke.to_vec(),
        };
        anew.manifest = manifest.sign(&anew.dsk);
        anew.devices.push(device);
        anew
    }

    /// The manifest after `before`, in which a device is missing without a word.
    pub(crate) fn forget(&self, before: &[u8], device: DeviceId) -> Vec<u8> {
        let mut manifest = Manifest::open(before).unwrap();
        manifest.number += 1;
        manifest.previous = Some(Digest::of(&[before]));
        manifest
            .devices
            .retain(|(certificate, _)| certificate.device != device);
        manifest.sign(&self.dsk)
    }

    /// The next manifest, in which a revoked device is no longer so.
    pub(crate) fn bring_back(&self, device: DeviceId) -> Vec<u8> {
        let mut manifest = Manifest::open(&self.manifest).unwrap();
        manifest.number += 1;
        manifest.previous = Some(Digest::of(&[&self.manifest]));
        manifest.revoked.retain(|revoked| *revoked != device);
        manifest.sign(&self.dsk)
    }

    /// The root key's word for a recovery record.
    pub(crate) fn sign_record(&self, relay: RelayId, record: &Token, bytes: &[u8]) -> Signature {
        sign(
            &self.root,
            &record_message(relay, self.account, record, bytes),
        )
    }

    fn certify(&self, relay: RelayId) -> ((DeviceCertificate, Opaque), Device) {
        let root_key = public_key(&self.root);
        let signed = self.dsk_certificate().sign(&self.root).into();
        certify(relay, root_key, (&signed, self.version), &self.dsk)
    }

    fn dsk_certificate(&self) -> DskCertificate {
        DskCertificate {
            account: self.account,
            dsk: public_key(&self.dsk),
            version: self.version,
        }
    }
}

/// A new device and its certificate.
fn certify(
    relay: RelayId,
    root_key: Key,
    (dsk_certificate, dsk_version): (&Opaque, u32),
    dsk: &SigningKey,
) -> ((DeviceCertificate, Opaque), Device) {
    let account = AccountId::of_root_key(&root_key);
    let login = SigningKey::from_bytes(&draw());
    let leaf = SigningKey::from_bytes(&draw());
    let certificate = DeviceCertificate {
        relay,
        account,
        device: DeviceId::new(draw()),
        leaf_key: public_key(&leaf),
        login_key: public_key(&login),
        created: 1,
        dsk_version,
    };
    let bytes: Opaque = certificate.sign(dsk).into();
    let identity = LeafIdentity::encode(root_key, dsk_certificate.clone(), bytes.clone());
    let device = Device {
        account,
        id: certificate.device,
        login,
        leaf,
        identity,
        provider: OpenMlsRustCrypto::default(),
    };
    ((certificate, bytes), device)
}

impl Device {
    pub(crate) fn signer(&self) -> SignatureKeyPair {
        SignatureKeyPair::from_raw(
            SUITE.signature_algorithm(),
            self.leaf.to_bytes().to_vec(),
            public_key(&self.leaf).as_bytes().to_vec(),
        )
    }

    fn credential(&self) -> CredentialWithKey {
        self.credential_with(&self.leaf)
    }

    fn credential_with(&self, leaf: &SigningKey) -> CredentialWithKey {
        let identity = [&self.account.as_bytes()[..], self.id.as_bytes()].concat();
        CredentialWithKey {
            credential: BasicCredential::new(identity).into(),
            signature_key: public_key(leaf).as_bytes().as_slice().into(),
        }
    }

    /// A key package, as an MLSMessage.
    pub(crate) fn key_package(&self) -> Opaque {
        self.key_package_for(84)
    }

    /// A key package that is usable for so many days, by this computer's clock.
    pub(crate) fn key_package_for(&self, days: u64) -> Opaque {
        let now = std::time::UNIX_EPOCH
            .elapsed()
            .expect("after 1970")
            .as_secs();
        let lifetime = Lifetime::init(0, now + (days + 3650) * 24 * 60 * 60);
        let bundle = KeyPackage::builder()
            .key_package_lifetime(lifetime)
            .leaf_node_capabilities(capabilities())
            .leaf_node_extensions(Extensions::single(leaf_extension(&self.identity)).unwrap())
            .build(SUITE, &self.provider, &self.signer(), self.credential())
            .unwrap();
        MlsMessageOut::from(bundle.key_package().clone())
            .tls_serialize_detached()
            .unwrap()
            .into()
    }
}

fn leaf_extension(identity: &[u8]) -> Extension {
    Extension::Unknown(
        LeafIdentity::EXTENSION_TYPE,
        UnknownExtension(identity.to_vec()),
    )
}

fn capabilities() -> Capabilities {
    Capabilities::new(
        Some(&[ProtocolVersion::Mls10]),
        Some(&[SUITE]),
        Some(&[
            ExtensionType::Unknown(0xF101),
            ExtensionType::Unknown(0xF102),
            ExtensionType::LastResort,
        ]),
        Some(&[]),
        Some(&[CredentialType::Basic]),
    )
}
