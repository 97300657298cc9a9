//! How an account's list of devices goes on.

use client_core::crypto::{
    AccountKeys, ManifestError, NewDevice, RecoveryCode, RecoveryRecord, SealRecordError,
};
use protocol::{DeviceId, Digest, RelayId, bounds, identity::Manifest};

use crate::people::{NOW, Person};

const LATER: u64 = NOW + 1;

fn new_device(person: &Person) -> NewDevice {
    let manifest = Manifest::open(&person.keys.manifest()).unwrap();
    let certificate = manifest.device(person.device()).unwrap();
    NewDevice {
        device: certificate.device,
        leaf_key: certificate.leaf_key,
        login_key: certificate.login_key,
    }
}

/// The record of a person, opened by its code.
fn record(person: &mut Person) -> (RecoveryCode, RecoveryRecord) {
    let code = RecoveryCode::generate(&mut person.random).unwrap();
    let sealed = person
        .keys
        .recovery_record(&mut person.random, &code, "Alice");
    let record = RecoveryRecord::open(&code, &sealed.unwrap()).unwrap();
    (code, record)
}

#[test]
fn devices_are_added_and_revoked_and_each_manifest_follows_the_one_before() {
    let (alice, tablet) = (Person::new(1), new_device(&Person::new(12)));
    let first = alice.keys.manifest();
    let second = alice
        .keys
        .next_manifest(&first, &[tablet], &[], LATER)
        .unwrap();
    let opened = Manifest::open(&second).unwrap();
    assert_eq!(
        (opened.number, opened.previous),
        (2, Some(Digest::of(&[&first])))
    );
    assert_eq!(opened.devices.len(), 2);
    let certificate = opened.device(tablet.device).unwrap();
    assert_eq!(
        (
            certificate.leaf_key,
            certificate.login_key,
            certificate.created
        ),
        (tablet.leaf_key, tablet.login_key, LATER)
    );
    let third = alice
        .keys
        .next_manifest(&second, &[], &[tablet.device], LATER)
        .unwrap();
    let opened = Manifest::open(&third).unwrap();
    assert_eq!(
        (opened.number, opened.previous),
        (3, Some(Digest::of(&[&second])))
    );
    assert_eq!(
        (opened.devices.len(), opened.revoked),
        (1, vec![tablet.device])
    );
    // the same input, the same bytes: it can be asked for again
    let again = alice
        .keys
        .next_manifest(&second, &[], &[tablet.device], LATER)
        .unwrap();
    assert_eq!(again, third);
}

#[test]
fn a_device_may_leave_unless_it_is_the_last() {
    let (alice, tablet) = (Person::new(1), new_device(&Person::new(12)));
    let first = alice.keys.manifest();
    let next = |current: &[u8], add: &[NewDevice], revoke: &[DeviceId]| {
        alice.keys.next_manifest(current, add, revoke, LATER)
    };
    let own = [alice.device()];
    assert_eq!(next(&first, &[], &own), Err(ManifestError::NoDevice));
    let exchanged = next(&first, &[tablet], &own).unwrap();
    let opened = Manifest::open(&exchanged).unwrap();
    assert!(opened.device(alice.device()).is_none());
    assert!(opened.device(tablet.device).is_some());
}

#[test]
fn what_makes_no_manifest_is_told() {
    let (alice, bob, tablet) = (Person::new(1), Person::new(2), new_device(&Person::new(12)));
    let first = alice.keys.manifest();
    let next = |current: &[u8], add: &[NewDevice], revoke: &[DeviceId]| {
        alice.keys.next_manifest(current, add, revoke, LATER)
    };
    assert_eq!(next(b"", &[], &[]), Err(ManifestError::Foreign));
    assert_eq!(
        next(&bob.keys.manifest(), &[], &[]),
        Err(ManifestError::Foreign)
    );
    assert_eq!(
        next(&first, &[], &[tablet.device]),
        Err(ManifestError::Unknown(tablet.device))
    );
    assert_eq!(
        next(&first, &[tablet, tablet], &[]),
        Err(ManifestError::Known(tablet.device))
    );
    // neither the name nor a key of a device in force serves for another
    let device = DeviceId::new([7; 16]);
    let own = new_device(&alice);
    for new in [
        own,
        NewDevice {
            leaf_key: own.leaf_key,
            device,
            ..tablet
        },
        NewDevice {
            login_key: own.login_key,
            device,
            ..tablet
        },
    ] {
        assert_eq!(
            next(&first, &[new], &[]),
            Err(ManifestError::Known(new.device))
        );
    }
    // out is out
    let with = next(&first, &[tablet], &[]).unwrap();
    let without = next(&with, &[], &[tablet.device]).unwrap();
    assert_eq!(
        next(&without, &[tablet], &[]),
        Err(ManifestError::Known(tablet.device))
    );
    assert_eq!(
        next(&without, &[], &[tablet.device]),
        Err(ManifestError::Unknown(tablet.device))
    );
}

#[test]
fn a_manifest_has_at_most_32_devices_and_a_bounded_size() {
    let mut alice = Person::new(1);
    let devices: Vec<_> = (0..32)
        .map(|seed| new_device(&Person::new(100 + seed)))
        .collect();
    let first = alice.keys.manifest();
    let next = |add| alice.keys.next_manifest(&first, add, &[], LATER);
    assert_eq!(next(&devices), Err(ManifestError::TooLarge));
    let full = next(&devices[1..]).unwrap();
    assert_eq!(
        Manifest::open(&full).unwrap().devices.len(),
        bounds::DEVICES
    );
    assert!(full.len() <= bounds::MANIFEST);

    // one exchanged for the next, until the list of those who are out is too long
    let mut current = first;
    let mut last = alice.device();
    let mut fresh = new_device(&Person::new(12));
    let end = (1u32..).find_map(|number| {
        let mut name = [9; 16];
        name[..4].copy_from_slice(&number.to_be_bytes());
        fresh.device = DeviceId::new(name);
        match alice.keys.next_manifest(&current, &[fresh], &[last], LATER) {
            Ok(next) => {
                (current, last) = (next, fresh.device);
                None
            }
            Err(error) => Some((number, error)),
        }
    });
    let (number, error) = end.unwrap();
    assert_eq!(error, ManifestError::TooLarge);
    assert!(number > 900, "{number}");
    let full = Manifest::open(&current).unwrap();
    assert_eq!(full.revoked.len(), bounds::REVOKED);

    // the root key needs no room: under a new device-signing key those that are longest out are left out
    let (_, record) = record(&mut alice);
    let (_, restored) = AccountKeys::restored(&record, &current, &mut alice.random, LATER).unwrap();
    let restored = Manifest::open(&restored).unwrap();
    assert_eq!(restored.revoked[..899], full.revoked[1..]);
    assert_eq!(restored.revoked[899..], [last]);
}

#[test]
fn a_restored_account_has_the_same_root_key_and_nothing_else_of_before() {
    let mut alice = Person::new(1);
    let (code, record) = record(&mut alice);
    let tablet = new_device(&Person::new(12));
    let current = alice
        .keys
        .next_manifest(&alice.keys.manifest(), &[tablet], &[], NOW)
        .unwrap();
    let mut random = client_core::seams::SeededRandom::new(21);
    let (mut keys, bytes) = AccountKeys::restored(&record, &current, &mut random, LATER).unwrap();
    assert_eq!(
        (keys.account(), keys.root_public(), keys.relay()),
        (
            alice.keys.account(),
            alice.keys.root_public(),
            alice.keys.relay()
        )
    );
    let before = Manifest::open(&current).unwrap();
    let after = Manifest::open(&bytes).unwrap();
    assert_eq!((after.number, after.dsk.version), (3, 2));
    assert_eq!(after.previous, Some(Digest::of(&[&current])));
    assert_ne!(after.dsk.dsk, before.dsk.dsk);
    assert_eq!(after.devices.len(), 1);
    assert!(after.device(keys.device()).is_some());
    assert_eq!(after.revoked, [alice.device(), tablet.device]);

    // the keys that were lost sign no more manifests
    assert_eq!(
        alice.keys.next_manifest(&bytes, &[], &[], LATER),
        Err(ManifestError::Superseded)
    );
    // the new ones do, and survive the database
    let read = AccountKeys::from_bytes(&keys.to_bytes()).unwrap();
    let next = read.next_manifest(&bytes, &[tablet], &[], LATER);
    assert_eq!(next, Err(ManifestError::Known(tablet.device)));
    let phone = new_device(&Person::new(13));
    let next = read.next_manifest(&bytes, &[phone], &[], LATER).unwrap();
    assert_eq!(Manifest::open(&next).unwrap().dsk.version, 2);

    // the same code seals the new record, and it restores once more
    let sealed = keys.recovery_record(&mut random, &code, "Alice").unwrap();
    let record = RecoveryRecord::open(&code, &sealed).unwrap();
    let (_, again) = AccountKeys::restored(&record, &next, &mut random, LATER).unwrap();
    assert_eq!(Manifest::open(&again).unwrap().dsk.version, 3);

    keys.forget_root_key();
    assert_eq!(
        keys.recovery_record(&mut random, &code, "Alice"),
        Err(SealRecordError::NoRootKey)
    );
}

#[test]
fn an_account_is_restored_by_its_own_newest_manifest_only() {
    let (mut alice, bob) = (Person::new(1), Person::new(2));
    let (_, record) = record(&mut alice);
    let elsewhere = Person::on_relay(1, RelayId::new([8; 32]));
    assert_eq!(elsewhere.keys.account(), alice.keys.account());
    for current in [
        bob.keys.manifest(),
        elsewhere.keys.manifest(),
        b"nonsense".to_vec(),
    ] {
        let restored = AccountKeys::restored(&record, &current, &mut alice.random, LATER);
        assert_eq!(restored.unwrap_err(), ManifestError::Foreign);
    }
}

#[test]
fn a_restored_device_founds_and_joins_like_any_other() {
    let mut alice = Person::new(1);
    let (_, record) = record(&mut alice);
    let mut random = client_core::seams::SeededRandom::new(21);
    let (keys, bytes) =
        AccountKeys::restored(&record, &alice.keys.manifest(), &mut random, LATER).unwrap();
    let mut restored = Person::with_keys(keys, random);
    let mut bob = Person::new(2);
    let package = restored.key_package();
    let devices = client_core::crypto::PeerDevices {
        manifest: Manifest::open(&bytes).unwrap(),
        packages: vec![(restored.device(), package)],
    };
    let founded = bob
        .run(|mls| mls.found_direct(crate::people::CONVERSATION, 0, &[devices]))
        .unwrap();
    bob.merge();
    let joined = restored.join(&founded.welcomes[0].bytes);
    let own = joined
        .members
        .iter()
        .find(|member| member.account == restored.keys.account())
        .unwrap();
    assert_eq!(
        (own.dsk_version, own.root_key),
        (2, alice.keys.root_public())
    );
}
