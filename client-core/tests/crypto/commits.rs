//! Commits of members: keys are renewed, devices come and go.

use client_core::crypto::{Commit, CommitError, Opened, SealError};
use protocol::Digest;

use crate::{
    people::{Person, alice_and_bob},
    relay::Relay,
};

/// Alice and Bob, and the relay that follows them.
fn at_the_relay() -> (Person, Person, Relay) {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let founded = alice.found(&mut bob);
    let mut relay = Relay::new(&founded.founding);
    relay.commit(&founded.commit);
    alice.merge();
    bob.join(&founded.welcomes[0].bytes);
    (alice, bob, relay)
}

/// The relay takes the commit of one, and the other gets it.
fn accepted(relay: &mut Relay, commit: &Commit, by: &mut Person, to: &mut Person) -> Opened {
    relay.commit(&commit.commit);
    relay.check(&commit.group_info);
    assert_eq!(commit.hash, Digest::of(&[&commit.commit]));
    assert_eq!(commit.epoch, to.epoch());
    by.merge();
    to.open(&commit.commit).unwrap()
}

fn talk(one: &mut Person, other: &mut Person) {
    let message = one.seal("there");
    assert_eq!(other.read(&message), "there");
    let message = other.seal("and back");
    assert_eq!(one.read(&message), "and back");
}

#[test]
fn a_self_update_renews_the_leaf_and_changes_nobody() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    let members = bob.group(|group| group.members()).unwrap();
    for epoch in 1..4 {
        let commit = alice.group(|group| group.self_update()).unwrap();
        assert!(commit.welcomes.is_empty());
        assert_eq!(commit.epoch, epoch);
        let before = relay.tree();
        let opened = accepted(&mut relay, &commit, &mut alice, &mut bob);
        assert_ne!(relay.tree(), before);
        let Opened::Commit { by, added, removed } = opened else {
            panic!("not a commit: {opened:?}")
        };
        assert_eq!(by, (alice.keys.account(), alice.device()));
        assert!(added.is_empty() && removed.is_empty());
        talk(&mut alice, &mut bob);
        std::mem::swap(&mut alice, &mut bob);
    }
    assert_eq!(bob.group(|group| group.members()).unwrap(), members);
}

#[test]
fn the_size_of_a_self_update_is_known() {
    let (mut alice, _bob) = alice_and_bob();
    let commit = alice.group(|group| group.self_update()).unwrap();
    // what the relay and its limits reckon with: a change is to be noticed
    assert_eq!((commit.commit.len(), commit.group_info.len()), (4435, 1489));
}

#[test]
fn one_commit_waits_at_a_time_and_messages_go_on() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    let commit = alice.group(|group| group.self_update()).unwrap();
    alice.restart();
    assert!(matches!(
        alice.group(|group| group.self_update()),
        Err(CommitError::Pending)
    ));
    talk(&mut alice, &mut bob);
    assert_eq!(alice.open(&commit.commit).unwrap(), Opened::OwnCommit);
    accepted(&mut relay, &commit, &mut alice, &mut bob);
    talk(&mut alice, &mut bob);
}

#[test]
fn a_self_update_that_lost_is_made_anew() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    alice.group(|group| group.self_update()).unwrap();
    let winner = bob.group(|group| group.self_update()).unwrap();
    accepted(&mut relay, &winner, &mut bob, &mut alice);
    assert!(!alice.group(|group| group.has_pending()).unwrap());
    let again = alice.group(|group| group.self_update()).unwrap();
    assert_eq!(again.epoch, 2);
    accepted(&mut relay, &again, &mut alice, &mut bob);
    talk(&mut alice, &mut bob);
}

#[test]
fn a_self_update_in_a_transaction_that_failed_leaves_no_trace() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    alice
        .run_and_crash(|mls| {
            mls.load(crate::people::CONVERSATION, 0)
                .unwrap()
                .unwrap()
                .self_update()
        })
        .unwrap();
    assert!(!alice.group(|group| group.has_pending()).unwrap());
    let commit = alice.group(|group| group.self_update()).unwrap();
    accepted(&mut relay, &commit, &mut alice, &mut bob);
    talk(&mut alice, &mut bob);
}

#[test]
fn a_device_that_is_coming_back_makes_no_commit() {
    let (alice, mut bob) = alice_and_bob();
    let mut alice = alice.reborn(11);
    crate::rejoin::rejoin(&mut alice, &crate::rejoin::public_state(&mut bob)).unwrap();
    assert!(matches!(
        alice.group(|group| group.self_update()),
        Err(CommitError::Pending)
    ));
    assert!(matches!(
        alice.group(|group| group.seal(b"", &[])),
        Err(SealError::Unconfirmed)
    ));
}
