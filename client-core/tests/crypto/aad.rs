//! Authenticated data: what goes beside sealed content in the clear, and cannot be changed.

use client_core::crypto::{Fault, MAX_AAD, OpenError, Opened, SealError};

use crate::{
    hostile,
    people::{CONVERSATION, Person, alice_and_bob},
};

fn seal(person: &mut Person, aad: &[u8]) -> Result<Vec<u8>, SealError> {
    person.run(|mls| {
        let mut group = mls.load(CONVERSATION, 0).unwrap().unwrap();
        group.seal(b"content", aad)
    })
}

fn aad(opened: Opened) -> Vec<u8> {
    match opened {
        Opened::Content { content, aad, .. } => {
            assert_eq!(content, b"content");
            aad
        }
        other => panic!("not content: {other:?}"),
    }
}

#[test]
fn authenticated_data_arrives_with_its_message_and_with_no_other() {
    let (mut alice, mut bob) = alice_and_bob();
    let with = seal(&mut alice, b"manifest").unwrap();
    let without = seal(&mut alice, b"").unwrap();
    let full = seal(&mut alice, &[7; MAX_AAD]).unwrap();
    assert!(
        with.windows(8).any(|window| window == b"manifest"),
        "the relay reads it"
    );
    assert_eq!(aad(bob.open(&with).unwrap()), b"manifest");
    assert_eq!(aad(bob.open(&without).unwrap()), b"");
    assert_eq!(aad(bob.open(&full).unwrap()), [7; MAX_AAD]);
}

#[test]
fn authenticated_data_that_was_changed_on_the_way_is_refused() {
    let (mut alice, mut bob) = alice_and_bob();
    let sealed = seal(&mut alice, b"manifest").unwrap();
    let mut changed = sealed.clone();
    let at = sealed
        .windows(8)
        .position(|window| window == b"manifest")
        .unwrap();
    changed[at] ^= 1;
    assert!(matches!(
        bob.open(&changed),
        Err(OpenError::Invalid(Fault::Undecryptable))
    ));
    assert_eq!(aad(bob.open(&sealed).unwrap()), b"manifest");
}

#[test]
fn too_much_authenticated_data_is_not_sealed() {
    let (mut alice, mut bob) = alice_and_bob();
    assert!(matches!(
        seal(&mut alice, &[7; MAX_AAD + 1]),
        Err(SealError::TooMuchAad)
    ));
    let next = alice.seal("as if nothing had been asked");
    assert_eq!(bob.read(&next), "as if nothing had been asked");
}

#[test]
fn too_much_authenticated_data_is_not_opened_and_costs_nothing() {
    let (mut alice, mut bob) = alice_and_bob();
    let message = hostile::commit(&mut alice, |group, raw, hand| {
        group.set_aad(vec![7; MAX_AAD + 1]);
        group.create_message(raw, hand, b"content").unwrap()
    });
    for _ in 0..2 {
        assert!(matches!(
            bob.open(&message),
            Err(OpenError::Invalid(Fault::TooMuchAad))
        ));
    }
    let next = alice.seal("what follows");
    assert_eq!(bob.read(&next), "what follows");
}

#[test]
fn a_commit_with_too_much_authenticated_data_is_not_merged() {
    let (mut alice, mut bob) = alice_and_bob();
    let commit = hostile::commit(&mut alice, |group, raw, hand| {
        group.set_aad(vec![7; MAX_AAD + 1]);
        let bundle = group
            .self_update(raw, hand, openmls::prelude::LeafNodeParameters::default())
            .unwrap();
        bundle.into_commit()
    });
    assert!(matches!(
        bob.open(&commit),
        Err(OpenError::Invalid(Fault::TooMuchAad))
    ));
    assert_eq!(bob.epoch(), 1);
}
