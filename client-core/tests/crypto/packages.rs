use std::time::{SystemTime, UNIX_EPOCH};

use client_core::crypto::{
    AddFault, FoundError, KEY_PACKAGE_LIFETIME, LastResort, Mls, PackageFault,
};

use crate::people::{CONVERSATION, NOW, Person};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

fn at<T>(person: &mut Person, now: u64, work: impl FnOnce(&Mls<'_>) -> T) -> T {
    let transaction = person.connection.transaction().unwrap();
    let value = work(&Mls::new(
        &transaction,
        &mut person.random,
        &person.keys,
        now,
    ));
    transaction.commit().unwrap();
    value
}

#[test]
fn a_package_expires_after_84_days_of_the_relays_time() {
    assert_eq!(KEY_PACKAGE_LIFETIME.as_secs(), 84 * DAY_MS / 1000);
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let devices = [bob.devices()];
    let late = at(&mut alice, NOW + 84 * DAY_MS, |mls| {
        mls.found_direct(CONVERSATION, 0, &devices)
    });
    assert!(matches!(
        late,
        Err(FoundError::Devices(AddFault::Package(
            _,
            PackageFault::Expired
        )))
    ));
    at(&mut alice, NOW + 83 * DAY_MS, |mls| {
        mls.found_direct(CONVERSATION, 0, &devices)
    })
    .unwrap();
}

#[test]
fn a_wrong_clock_stops_nobody() {
    // the library compares lifetimes with this computer's clock, which here is years behind and years ahead of the relay's
    #[expect(clippy::disallowed_methods, reason = "the point of this test")]
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
        * 1000;
    for now in [clock - 9 * 365 * DAY_MS, clock + 100 * 365 * DAY_MS] {
        let (mut alice, mut bob) = (Person::new(1), Person::new(2));
        let package = at(&mut bob, now, |mls| mls.key_packages(1, LastResort::No)).unwrap();
        let mut devices = bob.devices();
        devices.packages = vec![(bob.device(), package[0].clone())];
        let founded = at(&mut alice, now, |mls| {
            mls.found_direct(CONVERSATION, 0, &[devices])
        })
        .unwrap();
        at(&mut bob, now, |mls| mls.join(&founded.welcomes[0].bytes)).unwrap();
    }
}

#[test]
fn private_keys_of_packages_go_once_no_welcome_can_name_them() {
    let mut bob = Person::new(2);
    at(&mut bob, NOW, |mls| mls.key_packages(3, LastResort::No)).unwrap();
    at(&mut bob, NOW, |mls| mls.key_packages(1, LastResort::Yes)).unwrap();
    at(&mut bob, NOW + 50 * DAY_MS, |mls| {
        mls.key_packages(2, LastResort::No)
    })
    .unwrap();
    // 84 days of use and 60 in which a welcome may lie in the inbox
    assert_eq!(
        at(&mut bob, NOW + 144 * DAY_MS, |mls| mls
            .expire_key_packages())
        .unwrap(),
        0
    );
    assert_eq!(
        at(&mut bob, NOW + 145 * DAY_MS, |mls| mls
            .expire_key_packages())
        .unwrap(),
        4
    );
    assert_eq!(
        at(&mut bob, NOW + 195 * DAY_MS, |mls| mls
            .expire_key_packages())
        .unwrap(),
        2
    );
}

#[test]
fn of_packages_that_nobody_used_the_newest_are_kept() {
    let mut bob = Person::new(2);
    at(&mut bob, NOW, |mls| mls.key_packages(390, LastResort::No)).unwrap();
    assert_eq!(
        at(&mut bob, NOW, |mls| mls.expire_key_packages()).unwrap(),
        0
    );
    at(&mut bob, NOW + DAY_MS, |mls| {
        mls.key_packages(30, LastResort::No)
    })
    .unwrap();
    let expire = |bob: &mut Person, days: u64| {
        at(bob, NOW + days * DAY_MS, |mls| mls.expire_key_packages()).unwrap()
    };
    assert_eq!(expire(&mut bob, 1), 20);
    // 370 of the first day go when they expire, the others a day later
    assert_eq!(expire(&mut bob, 145), 370);
    assert_eq!(expire(&mut bob, 146), 30);
}
