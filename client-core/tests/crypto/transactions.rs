use client_core::crypto::{Change, OpenError, Opened};
use rusqlite::Connection;

use crate::people::{CONVERSATION, Person, alice_and_bob};

fn rows(connection: &Connection) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut statement = connection
        .prepare("SELECT key, value FROM mls_state ORDER BY key")
        .unwrap();
    statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

#[test]
fn a_crash_before_the_commit_leaves_no_trace() {
    let (mut alice, mut bob) = alice_and_bob();
    let before = rows(&alice.connection);
    let lost = alice
        .run_and_crash(|mls| {
            mls.load(CONVERSATION, 0)
                .unwrap()
                .unwrap()
                .seal(b"never sent", &[])
        })
        .unwrap();
    alice.restart();
    assert_eq!(rows(&alice.connection), before);

    // the key of the lost message seals the next one: had the lost one been sent, this one would be dropped in silence
    let sent = alice.seal("sent");
    assert_eq!(bob.read(&sent), "sent");
    assert!(matches!(bob.open(&lost), Err(OpenError::AlreadyOpened)));
}

#[test]
fn a_message_opened_in_a_transaction_that_failed_opens_again() {
    let (mut alice, mut bob) = alice_and_bob();
    let message = alice.seal("twice");
    let opened = bob
        .run_and_crash(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().open(&message))
        .unwrap();
    assert!(matches!(opened, Opened::Content { .. }));
    assert_eq!(bob.read(&message), "twice");
}

#[test]
fn a_founding_in_a_transaction_that_failed_can_be_repeated() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let devices = bob.devices();
    alice
        .run_and_crash(|mls| mls.found_direct(CONVERSATION, 0, std::slice::from_ref(&devices)))
        .unwrap();
    assert!(rows(&alice.connection).is_empty());
    let founded = alice
        .run(|mls| mls.found_direct(CONVERSATION, 0, &[devices]))
        .unwrap();
    bob.run_and_crash(|mls| mls.join(&founded.welcomes[0].bytes))
        .unwrap();
    bob.join(&founded.welcomes[0].bytes);
}

#[test]
fn a_pending_commit_survives_a_restart_and_is_merged_when_it_won() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let founded = alice.found(&mut bob);
    alice.restart();
    let echo = alice.run(|mls| {
        let mut group = mls.load(CONVERSATION, 0).unwrap().unwrap();
        assert!(group.has_pending().unwrap());
        assert_eq!(group.epoch().unwrap(), 0);
        group.open(&founded.commit).unwrap()
    });
    assert_eq!(echo, Opened::OwnCommit);
    alice.merge();
    let pending = alice
        .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().has_pending())
        .unwrap();
    assert!(!pending);
    assert_eq!(alice.epoch(), 1);
    bob.join(&founded.welcomes[0].bytes);
    let message = alice.seal("after the merge");
    assert_eq!(bob.read(&message), "after the merge");
}

#[test]
fn a_pending_commit_that_lost_is_cleared() {
    let (mut alice, mut bob) = alice_and_bob();
    let lost = crate::hostile::add_own_device(&mut alice, 11);
    let winner = crate::hostile::add_own_device(&mut bob, 12);
    alice
        .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().clear_pending())
        .unwrap();
    assert!(
        !alice
            .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().has_pending())
            .unwrap()
    );
    assert!(matches!(alice.open(&winner), Ok(Opened::Commit(_))));
    bob.merge();
    assert!(matches!(bob.open(&lost), Err(OpenError::Stale(1))));
    let message = alice.seal("in the winner's epoch");
    assert_eq!(bob.read(&message), "in the winner's epoch");
}

#[test]
fn the_winning_commit_of_another_drops_the_own_pending_one() {
    let (mut alice, mut bob) = alice_and_bob();
    crate::hostile::add_own_device(&mut alice, 11);
    let winner = crate::hostile::add_own_device(&mut bob, 12);
    let opened = alice.open(&winner).unwrap();
    let Opened::Commit(Change { by, added, removed }) = opened else {
        panic!("not a commit: {opened:?}")
    };
    assert_eq!(by, (bob.keys.account(), bob.device()));
    assert_eq!((added.len(), removed.len()), (1, 0));
    assert_eq!(added[0].account, bob.keys.account());
    assert!(
        !alice
            .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().has_pending())
            .unwrap()
    );
}

#[test]
fn a_founding_that_lost_leaves_nothing_behind() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    alice.found(&mut bob);
    alice
        .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().delete())
        .unwrap();
    assert!(rows(&alice.connection).is_empty());
    assert!(alice.run(|mls| mls.load(CONVERSATION, 0).unwrap().is_none()));
}

#[test]
fn a_group_that_is_deleted_leaves_nothing_behind() {
    let (mut alice, _bob) = alice_and_bob();
    alice.run(|mls| {
        let mut group = mls.load(CONVERSATION, 0).unwrap().unwrap();
        group.delete().unwrap();
        assert!(group.seal(b"too late", &[]).is_err());
    });
    assert!(rows(&alice.connection).is_empty());
}
