use client_core::{crypto::SignalKey, seams::SeededRandom};

use crate::people::{CONVERSATION, Person, alice_and_bob};

fn key(person: &mut Person) -> SignalKey {
    person
        .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().signal_key())
        .unwrap()
}

#[test]
fn members_of_an_epoch_exchange_signals() {
    let (mut alice, mut bob) = alice_and_bob();
    let (hers, his) = (key(&mut alice), key(&mut bob));
    let mut random = SeededRandom::new(7);
    for signal in [&b""[..], b"typing", &[0; 100], &[0x80, 0]] {
        let sealed = hers.seal(&mut random, alice.device(), signal).unwrap();
        assert_eq!(his.open(alice.device(), &sealed).as_deref(), Some(signal));
        assert_eq!(his.open(bob.device(), &sealed), None, "another sender");
        let mut tampered = sealed.clone();
        tampered[30] ^= 1;
        assert_eq!(his.open(alice.device(), &tampered), None);
    }
    assert_eq!(his.open(alice.device(), &[0; 10]), None);
}

#[test]
fn short_signals_have_one_size() {
    let (mut alice, _bob) = alice_and_bob();
    let key = key(&mut alice);
    let mut random = SeededRandom::new(7);
    let mut size = |signal: &[u8]| {
        key.seal(&mut random, alice.keys.device(), signal)
            .unwrap()
            .len()
    };
    assert_eq!(size(b""), size(&[1; 191]));
    assert!(size(&[1; 192]) > size(&[1; 191]));
    // the longest status text, and what is said beside it
    assert!(size(&[1; 400 + 20]) <= protocol::bounds::KEPT_SIGNAL);
}

#[test]
fn another_epoch_has_another_key() {
    let (mut alice, mut bob) = alice_and_bob();
    let old = key(&mut bob);
    crate::hostile::add_own_device(&mut alice, 11);
    alice.merge();
    let sealed = key(&mut alice)
        .seal(&mut SeededRandom::new(7), alice.device(), b"typing")
        .unwrap();
    assert_eq!(old.open(alice.device(), &sealed), None);
}
