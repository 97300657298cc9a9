//! Identity documents: what is signed holds, and nothing else does.

use ed25519_dalek::SigningKey;
use protocol::{
    AccountId, Digest, Key, Opaque, RelayId, Signature, bounds,
    handshake::{challenge_message, login_message, receipt_message},
    identity::{
        DeviceCertificate, DskCertificate, IdentityError, LeafIdentity, Manifest, public_key, sign,
        verify,
    },
};

use crate::{
    golden::documents,
    samples::{
        TIME, account, challenge, device, device_certificate, dsk, dsk_certificate, first_manifest,
        hello, leaf_key, login_key, relay, relay_key, root_key, second_manifest,
    },
    tree::Node,
};

const MALFORMED: IdentityError = IdentityError::Malformed;
const BAD_SIGNATURE: IdentityError = IdentityError::BadSignature;
const CONTRADICTION: IdentityError = IdentityError::Contradiction;

/// Every change of one bit, and every cut.
fn damaged(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let flipped = (0..bytes.len() * 8).map(|bit| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    flipped.chain((0..bytes.len()).map(|len| bytes[..len].to_vec()))
}

#[test]
fn a_device_signing_key_certificate_with_any_bit_changed_is_refused() {
    let bytes = dsk_certificate().sign(&root_key());
    let root = public_key(&root_key());
    assert_eq!(DskCertificate::open(&bytes, &root), Ok(dsk_certificate()));
    for damaged in damaged(&bytes) {
        assert!(
            DskCertificate::open(&damaged, &root).is_err(),
            "{damaged:02x?}"
        );
    }
}

#[test]
fn a_device_certificate_with_any_bit_changed_is_refused() {
    let bytes = device_certificate(1).sign(&dsk());
    assert_eq!(
        DeviceCertificate::open(&bytes, &dsk_certificate()),
        Ok(device_certificate(1))
    );
    for damaged in damaged(&bytes) {
        assert!(
            DeviceCertificate::open(&damaged, &dsk_certificate()).is_err(),
            "{damaged:02x?}"
        );
    }
}

#[test]
fn a_manifest_with_any_bit_changed_is_refused() {
    let bytes = second_manifest().sign(&dsk());
    assert_eq!(Manifest::open(&bytes), Ok(second_manifest()));
    for damaged in damaged(&bytes) {
        assert!(Manifest::open(&damaged).is_err(), "{damaged:02x?}");
    }
}

#[test]
fn a_leaf_identity_with_any_bit_of_its_values_changed_is_refused() {
    let [.., (_, bytes)] = documents();
    let open = LeafIdentity::open(&bytes).unwrap();
    assert_eq!(open.device, device_certificate(1));
    for damaged in damaged(&bytes) {
        assert!(LeafIdentity::open(&damaged).is_err(), "{damaged:02x?}");
    }
    let credential = LeafIdentity::credential(account(), device(1));
    assert_eq!(
        credential.split_at(16),
        (&account().as_bytes()[..], &device(1).as_bytes()[..])
    );
}

#[test]
fn nothing_can_be_added_around_a_signed_body() {
    let bytes = first_manifest().sign(&dsk());
    let mut pair = Node::read(&bytes);
    pair.map(0)
        .unwrap()
        .push((Node::Plain(0, 2), Node::Plain(0, 0)));
    assert_eq!(Manifest::open(&pair.write()), Err(MALFORMED));
    assert_eq!(Manifest::open(&[bytes, vec![0]].concat()), Err(MALFORMED));
}

#[test]
fn a_document_does_not_serve_for_another_kind() {
    let root = public_key(&root_key());
    // the same key signs both, the body is valid for both readers up to the fields that they miss
    let manifest = first_manifest().sign(&dsk());
    let device = device_certificate(1).sign(&dsk());
    assert_eq!(DskCertificate::open(&manifest, &root), Err(MALFORMED));
    assert_eq!(Manifest::open(&device), Err(MALFORMED));
    let body = |bytes: &[u8]| match Node::read(bytes).map(0).unwrap().remove(0).1 {
        Node::Bytes(_, body) => body,
        other => panic!("{other:?}"),
    };
    let moved = sign(
        &root_key(),
        &[b"relevo manifest 1", body(&device).as_slice()].concat(),
    );
    let own = dsk_certificate().sign(&root_key());
    let mut pair = Node::read(&own);
    pair.map(0).unwrap()[1].1 = Node::Bytes(2, moved.as_bytes().to_vec());
    assert_eq!(
        DskCertificate::open(&pair.write(), &root),
        Err(BAD_SIGNATURE)
    );
}

#[test]
fn a_certificate_under_another_key_is_refused() {
    let other = SigningKey::from_bytes(&[9; 32]);
    let root = public_key(&root_key());
    assert_eq!(
        DskCertificate::open(&dsk_certificate().sign(&other), &root),
        Err(BAD_SIGNATURE)
    );
    let stranger = dsk_certificate().sign(&other);
    assert_eq!(
        DskCertificate::open(&stranger, &public_key(&other)),
        Err(CONTRADICTION)
    );
    let device = device_certificate(1).sign(&other);
    assert_eq!(
        DeviceCertificate::open(&device, &dsk_certificate()),
        Err(BAD_SIGNATURE)
    );
    let renewed = DskCertificate {
        version: 2,
        ..dsk_certificate()
    };
    let device = device_certificate(1).sign(&dsk());
    assert_eq!(
        DeviceCertificate::open(&device, &renewed),
        Err(CONTRADICTION)
    );
}

/// Signs a manifest after a change.
fn changed(change: impl FnOnce(&mut Manifest)) -> Result<Manifest, IdentityError> {
    let mut manifest = second_manifest();
    change(&mut manifest);
    Manifest::open(&manifest.sign(&dsk()))
}

fn certified(certificate: DeviceCertificate) -> (DeviceCertificate, Opaque) {
    let bytes = certificate.sign(&dsk()).into();
    (certificate, bytes)
}

#[test]
fn a_manifest_that_contradicts_itself_is_refused() {
    assert_eq!(changed(|_| {}), Ok(second_manifest()));
    let refused = Err(CONTRADICTION);
    let digest = Some(Digest::of(&[]));
    assert_eq!(changed(|it| it.number = 0), refused);
    assert_eq!(changed(|it| (it.number, it.previous) = (0, None)), refused);
    assert_eq!(changed(|it| it.number = 1 << 47), refused);
    assert_eq!(changed(|it| it.number = u64::MAX), refused);
    assert!(changed(|it| it.number = (1 << 47) - 1).is_ok());
    assert_eq!(changed(|it| it.number = 1), refused);
    assert_eq!(changed(|it| it.previous = None), refused);
    assert_eq!(
        changed(|it| (it.number, it.previous) = (1, digest)),
        refused
    );
    assert_eq!(
        changed(|it| it.revoked = vec![device(3), device(3)]),
        refused
    );
    assert_eq!(changed(|it| it.revoked.push(device(1))), refused);
    assert_eq!(
        changed(|it| it.devices.push(it.devices[0].clone())),
        refused
    );

    let third = || device_certificate(4);
    let with = |certificate| changed(|it| it.devices.push(certified(certificate)));
    assert!(with(third()).is_ok());
    assert_eq!(
        with(DeviceCertificate {
            device: device(1),
            ..third()
        }),
        refused
    );
    let leaf_key = public_key(&leaf_key(1));
    assert_eq!(
        with(DeviceCertificate {
            leaf_key,
            ..third()
        }),
        refused
    );
    let login_key = public_key(&login_key(1));
    assert_eq!(
        with(DeviceCertificate {
            login_key,
            ..third()
        }),
        refused
    );
    assert_eq!(
        with(DeviceCertificate {
            relay: RelayId::new([0; 32]),
            ..third()
        }),
        refused
    );
    assert_eq!(
        with(DeviceCertificate {
            account: AccountId::new([0; 16]),
            ..third()
        }),
        refused
    );
    assert_eq!(
        with(DeviceCertificate {
            dsk_version: 2,
            ..third()
        }),
        refused
    );
}

#[test]
fn a_manifest_under_the_wrong_keys_is_refused() {
    let other = SigningKey::from_bytes(&[9; 32]);
    assert_eq!(
        Manifest::open(&second_manifest().sign(&root_key())),
        Err(BAD_SIGNATURE)
    );
    assert_eq!(
        Manifest::open(&second_manifest().sign(&other)),
        Err(BAD_SIGNATURE)
    );
    assert_eq!(
        changed(|it| it.root_key = public_key(&other)),
        Err(BAD_SIGNATURE)
    );
    let foreign = dsk_certificate().sign(&other);
    assert_eq!(
        changed(|it| it.dsk_certificate = foreign.into()),
        Err(BAD_SIGNATURE)
    );
    let device = device_certificate(4).sign(&other);
    let pair = (device_certificate(4), device.into());
    assert_eq!(changed(|it| it.devices.push(pair)), Err(BAD_SIGNATURE));
    let foreign = DskCertificate {
        account: AccountId::new([0; 16]),
        ..dsk_certificate()
    };
    let foreign = foreign.sign(&root_key());
    assert_eq!(
        changed(|it| it.dsk_certificate = foreign.into()),
        Err(CONTRADICTION)
    );
    assert_eq!(
        changed(|it| it.dsk_certificate = Opaque::default()),
        Err(MALFORMED)
    );
}

#[test]
fn a_manifest_of_the_wrong_size_is_refused() {
    assert_eq!(changed(|it| it.devices.clear()), Err(MALFORMED));
    let devices = |count: u8| -> Vec<_> {
        let device = |number: u8| {
            certified(DeviceCertificate {
                device: protocol::DeviceId::new([number; 16]),
                leaf_key: Key::new([number; 32]),
                login_key: Key::new([number; 32]),
                created: u64::MAX,
                ..device_certificate(1)
            })
        };
        (0..count).map(device).collect()
    };
    let revoked = |count: usize| -> Vec<_> {
        let id = |number: usize| [0xff, number.to_be_bytes()[6], number.to_be_bytes()[7], 0];
        let id = |number| protocol::DeviceId::from_slice([id(number); 4].as_flattened());
        (0..count).filter_map(id).collect()
    };
    let (in_force, out) = (32, bounds::REVOKED);
    assert_eq!(
        changed(|it| it.devices = devices(in_force + 1)),
        Err(MALFORMED)
    );
    assert_eq!(changed(|it| it.revoked = revoked(out + 1)), Err(MALFORMED));
    // as many as there may be of both
    let most = |it: &mut Manifest| {
        (it.devices, it.revoked) = (devices(in_force), revoked(out));
        it.number = (1 << 47) - 1;
    };
    let most = changed(most).unwrap();
    assert_eq!(
        (most.devices.len(), most.revoked.len()),
        (bounds::DEVICES, out)
    );
    assert_eq!(
        Manifest::open(&vec![0; bounds::MANIFEST + 1]),
        Err(MALFORMED)
    );
}

#[test]
fn signatures_are_verified_by_the_strict_rules() {
    let key = public_key(&relay_key());
    let message = b"message";
    let signature = sign(&relay_key(), message);
    assert_eq!(verify(&key, message, &signature), Ok(()));
    assert_eq!(verify(&key, b"massage", &signature), Err(BAD_SIGNATURE));

    // S + L is the same scalar in another encoding (RFC 8032 §5.1.7 asks for S < L)
    let order = [
        0xed_u8, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9,
        0xde, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut malleable = *signature.as_bytes();
    let mut carry = 0;
    for (byte, order) in malleable[32..].iter_mut().zip(order) {
        carry += u16::from(*byte) + u16::from(order);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    assert_eq!(
        verify(&key, message, &Signature::new(malleable)),
        Err(BAD_SIGNATURE)
    );

    // a key of small order: with R the neutral element and S zero, lax rules accept any message
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut forged = [0; 64];
    forged[0] = 1;
    assert_eq!(
        verify(&Key::new(neutral), message, &Signature::new(forged)),
        Err(BAD_SIGNATURE)
    );
    // y = 2 is on no point
    let mut no_point = [0; 32];
    no_point[0] = 2;
    assert_eq!(
        verify(&Key::new(no_point), message, &Signature::new(forged)),
        Err(BAD_SIGNATURE)
    );
}

#[test]
fn a_signature_of_the_handshake_holds_for_one_connection_only() {
    let (hello, challenge) = (hello(), challenge());
    let message = challenge_message(&hello, &challenge);
    assert_eq!(
        verify(&challenge.identity_key, &message, &challenge.signature),
        Ok(())
    );
    let mut messages = vec![
        message,
        login_message(&hello, &challenge, account(), device(1)),
        receipt_message(relay(), account(), TIME),
    ];
    let mut other_hello = hello.clone();
    other_hello.versions.push(2);
    let mut other_challenge = challenge.clone();
    other_challenge.tls_key = None;
    messages.push(challenge_message(&other_hello, &challenge));
    messages.push(challenge_message(&hello, &other_challenge));
    messages.push(login_message(
        &other_hello,
        &challenge,
        account(),
        device(1),
    ));
    messages.push(login_message(
        &hello,
        &other_challenge,
        account(),
        device(1),
    ));
    messages.push(login_message(&hello, &challenge, account(), device(2)));
    messages.push(receipt_message(relay(), account(), TIME + 1));
    let unique: std::collections::BTreeSet<_> = messages.iter().collect();
    assert_eq!(unique.len(), messages.len());
}
