use client_core::crypto::{AccountKeys, LastResort};
use protocol::identity::{Manifest, verify};

use crate::people::{NOW, Person, RELAY};

#[test]
fn keys_survive_the_database() {
    let alice = Person::new(1);
    let bytes = alice.keys.to_bytes();
    let read = AccountKeys::from_bytes(&bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    assert_eq!(read.manifest(), alice.keys.manifest());
    assert_eq!(
        (read.account(), read.device(), read.relay()),
        (alice.keys.account(), alice.device(), RELAY)
    );
}

#[test]
fn damaged_keys_are_refused() {
    let bytes = Person::new(1).keys.to_bytes();
    for position in 0..bytes.len() {
        let mut damaged = bytes.to_vec();
        damaged[position] ^= 0x10;
        assert!(
            AccountKeys::from_bytes(&damaged).is_err(),
            "byte {position}"
        );
    }
    assert!(AccountKeys::from_bytes(&bytes[..bytes.len() - 1]).is_err());
    assert!(AccountKeys::from_bytes(&[]).is_err());
}

#[test]
fn the_root_key_can_be_forgotten_and_all_else_works() {
    let mut alice = Person::new(1);
    let manifest = alice.keys.manifest();
    assert!(alice.keys.has_root_key());
    alice.keys.forget_root_key();
    let read = AccountKeys::from_bytes(&alice.keys.to_bytes()).unwrap();
    assert!(!read.has_root_key());
    assert_eq!(read.manifest(), manifest);
}

#[test]
fn the_first_manifest_holds_and_the_login_key_signs() {
    let alice = Person::new(1);
    let manifest = Manifest::open(&alice.keys.manifest()).unwrap();
    assert_eq!(
        (manifest.number, manifest.account()),
        (1, alice.keys.account())
    );
    let device = manifest.device(alice.device()).unwrap();
    assert_eq!(device.created, NOW);
    let signature = alice.keys.sign_login(b"message");
    verify(&device.login_key, b"message", &signature).unwrap();
}

#[test]
fn nothing_secret_is_shown() {
    let alice = Person::new(1);
    let shown = format!("{:?}", alice.keys);
    assert!(shown.contains(&alice.device().to_hex()));
    assert_eq!(
        shown.matches("AccountId").count() + shown.matches("DeviceId").count(),
        2,
        "{shown}"
    );
    assert!(!shown.to_lowercase().contains("key:"), "{shown}");
}

#[test]
fn key_packages_are_fresh_and_as_many_as_asked() {
    let mut alice = Person::new(1);
    let packages = alice
        .run(|mls| mls.key_packages(20, LastResort::No))
        .unwrap();
    let distinct: std::collections::BTreeSet<_> = packages.iter().collect();
    assert_eq!(distinct.len(), 20);
    let rows: i64 = alice
        .connection
        .query_row("SELECT count(*) FROM mls_state", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 20);
}
