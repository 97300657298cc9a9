//! One value of everything that crosses the wire, always the same: fixed keys, counted ids.

use ed25519_dalek::SigningKey;
use protocol::{
    AccountId, Challenge, ClientId, ConversationId, DeviceId, Digest, Enroll, Hello, Limits, Link,
    LinkKind, LinkSecret, Nonce, Opaque, Prove, Receipt, Register, RelayId, Signature,
    StoreGeneration, Token,
    handshake::{
        challenge_message, enrolment_message, login_message, receipt_message, registration_message,
    },
    identity::{DeviceCertificate, DskCertificate, Manifest, public_key, record_message, sign},
};

/// 2026-11-22T12:00:00Z in milliseconds.
pub const TIME: u64 = 1_795_348_800_000;

pub fn relay_key() -> SigningKey {
    SigningKey::from_bytes(&[1; 32])
}

pub fn root_key() -> SigningKey {
    SigningKey::from_bytes(&[2; 32])
}

pub fn dsk() -> SigningKey {
    SigningKey::from_bytes(&[3; 32])
}

pub fn leaf_key(device: u8) -> SigningKey {
    SigningKey::from_bytes(&[0x10 + device; 32])
}

pub fn login_key(device: u8) -> SigningKey {
    SigningKey::from_bytes(&[0x20 + device; 32])
}

pub fn relay() -> RelayId {
    RelayId::of_identity_key(&public_key(&relay_key()))
}

pub fn account() -> AccountId {
    AccountId::of_root_key(&public_key(&root_key()))
}

pub fn device(device: u8) -> DeviceId {
    DeviceId::new([0xd0 + device; 16])
}

pub fn conversation() -> ConversationId {
    ConversationId::new([0xc0; 16])
}

pub fn secret() -> LinkSecret {
    LinkSecret::new([0x5e; 16])
}

pub fn client_id(number: u8) -> ClientId {
    ClientId::new([number; 16])
}

pub fn opaque(bytes: &[u8]) -> Opaque {
    bytes.to_vec().into()
}

pub fn dsk_certificate() -> DskCertificate {
    DskCertificate {
        account: account(),
        dsk: public_key(&dsk()),
        version: 1,
    }
}

pub fn device_certificate(number: u8) -> DeviceCertificate {
    DeviceCertificate {
        relay: relay(),
        account: account(),
        device: device(number),
        leaf_key: public_key(&leaf_key(number)),
        login_key: public_key(&login_key(number)),
        created: TIME,
        dsk_version: 1,
    }
}

/// The account's first manifest: one device.
pub fn first_manifest() -> Manifest {
    let certificate = device_certificate(1);
    let bytes = certificate.sign(&dsk()).into();
    Manifest {
        number: 1,
        previous: None,
        root_key: public_key(&root_key()),
        dsk: dsk_certificate(),
        dsk_certificate: dsk_certificate().sign(&root_key()).into(),
        devices: vec![(certificate, bytes)],
        revoked: Vec::new(),
    }
}

/// The next one: another device came, a third is out for good.
pub fn second_manifest() -> Manifest {
    let mut manifest = first_manifest();
    manifest.number = 2;
    manifest.previous = Some(Digest::of(&[&first_manifest().sign(&dsk())]));
    let certificate = device_certificate(2);
    let bytes = certificate.sign(&dsk()).into();
    manifest.devices.push((certificate, bytes));
    manifest.revoked = vec![device(3)];
    manifest
}

pub fn hello() -> Hello {
    Hello {
        versions: vec![1],
        nonce: Nonce::new([0xa1; 32]),
        client: "relevo/0.1.0".to_owned(),
    }
}

pub fn challenge() -> Challenge {
    sign_challenge(Challenge {
        version: 1,
        nonce: Nonce::new([0xb2; 32]),
        store_generation: StoreGeneration::new([0x6e; 16]),
        identity_key: public_key(&relay_key()),
        tls_key: Some(Digest::of(&[b"the relay's SubjectPublicKeyInfo"])),
        signature: Signature::new([0; 64]),
    })
}

pub fn sign_challenge(challenge: Challenge) -> Challenge {
    let message = challenge_message(&hello(), &challenge);
    Challenge {
        signature: sign(&relay_key(), &message),
        ..challenge
    }
}

pub fn registration() -> Vec<u8> {
    let (account, manifest, token) = (account(), first_manifest().sign(&dsk()), secret().token());
    registration_message(
        &hello(),
        &challenge(),
        account,
        device(1),
        &manifest,
        &token,
    )
}

pub fn handle() -> String {
    "ana.b-c_1".to_owned()
}

pub fn prove() -> Prove {
    let message = login_message(&hello(), &challenge(), account(), device(1));
    let signature = sign(&login_key(1), &message);
    Prove {
        account: account(),
        device: device(1),
        signature,
        announce: true,
    }
}

pub fn register() -> Register {
    Register {
        token: secret().token(),
        manifest: first_manifest().sign(&dsk()).into(),
        device: device(1),
        signature: sign(&login_key(1), &registration()),
        announce: false,
        receipt: Some(receipt()),
    }
}

pub fn receipt() -> Receipt {
    Receipt {
        account: account(),
        time: TIME,
        signature: sign(&relay_key(), &receipt_message(relay(), account(), TIME)),
    }
}

/// The name of a recovery record.
pub fn record() -> Token {
    Token::new([0x4e; 32])
}

/// What the root key signs of the record in `store_record`.
pub fn signed_record() -> Vec<u8> {
    record_message(relay(), account(), &record(), b"recovery record")
}

pub fn enrolment() -> Vec<u8> {
    let manifest = second_manifest().sign(&dsk());
    enrolment_message(&hello(), &challenge(), account(), device(2), &manifest)
}

pub fn enroll() -> Enroll {
    Enroll {
        account: account(),
        manifest: second_manifest().sign(&dsk()).into(),
        device: device(2),
        signature: sign(&login_key(2), &enrolment()),
        announce: true,
    }
}

pub fn limits() -> Limits {
    Limits {
        frame: 65_536,
        entry: 61_440,
        batch: 64,
        window_entries: 256,
        window_bytes: 262_144,
        ping: 30,
        retention: 60,
        key_packages: 100,
    }
}

pub fn invite() -> Link {
    Link {
        kind: LinkKind::Invite,
        addresses: vec![
            "chat.example.org".parse().unwrap(),
            "[2001:db8::1]:8443".parse().unwrap(),
        ],
        relay: relay(),
        secret: secret(),
        issuer: None,
    }
}

pub fn contact() -> Link {
    let addresses = vec!["192.0.2.7:8443".parse().unwrap()];
    Link {
        kind: LinkKind::Contact,
        addresses,
        issuer: Some(account()),
        ..invite()
    }
}
