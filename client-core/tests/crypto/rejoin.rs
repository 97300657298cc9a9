//! Coming back into a group without a welcome.

use client_core::crypto::{
    Change, IdentityFault, JoinError, OpenError, Opened, PeerDevices, RejoinError, Rejoined,
    SealError,
};
use openmls::prelude::{Extensions, tls_codec::Serialize as _};
use protocol::{ConversationId, DeviceId, Digest, bounds};

use crate::{
    external::tree,
    forgery::disguises,
    hostile::{
        Disguise, Hosted, add_own_device, manifest_of, parse, second_device, settings, twin,
        usurper,
    },
    people::{CONVERSATION, Person, alice_and_bob},
};

/// What the relay gives of a group, as one of its members has it.
pub(crate) fn public_state(member: &mut Person) -> (Vec<u8>, Vec<u8>) {
    let group_info = member.group(|group| group.group_info()).unwrap();
    let tree = tree(member).tls_serialize_detached().unwrap();
    (group_info, tree)
}

pub(crate) fn rejoin(
    person: &mut Person,
    (group_info, tree): &(Vec<u8>, Vec<u8>),
) -> Result<Rejoined, RejoinError> {
    person.run(|mls| mls.rejoin(CONVERSATION, 0, group_info, tree))
}

fn enter(person: &mut Person, hosted: &Hosted) -> Result<Rejoined, RejoinError> {
    person.run(|mls| mls.rejoin(CONVERSATION, 0, &hosted.group_info, &hosted.tree))
}

/// A group of the disguise and the person, of whom nothing but the keys is left.
fn hosted(disguise: &Disguise, guest: &mut Person) -> Hosted {
    let package = parse(&guest.key_package());
    disguise.host(package, settings(), &CONVERSATION.group_id(0))
}

#[test]
fn a_device_that_lost_its_database_comes_back_in_its_own_place() {
    let (alice, mut bob) = alice_and_bob();
    let mut alice = alice.reborn(11);
    let rejoined = rejoin(&mut alice, &public_state(&mut bob)).unwrap();
    assert_eq!(rejoined.epoch, 1);
    assert_eq!(rejoined.hash, Digest::of(&[&rejoined.commit]));
    // what the relay and its limits reckon with: a change is to be noticed
    let sizes = [rejoined.commit.len(), rejoined.group_info.len()];
    assert_eq!(sizes, [5515, 1489]);
    alice.merge();
    let opened = bob.open(&rejoined.commit).unwrap();
    let Opened::Commit(Change { by, added, removed }) = opened else {
        panic!("not a commit: {opened:?}")
    };
    assert_eq!(by, (alice.keys.account(), alice.device()));
    assert_eq!((added.len(), &added), (1, &removed));
    assert_eq!(
        bob.group(|group| group.members()).unwrap(),
        rejoined.members
    );
    assert_eq!((alice.epoch(), bob.epoch()), (2, 2));

    let message = alice.seal("here again");
    assert_eq!(bob.read(&message), "here again");
    let answer = bob.seal("welcome back");
    assert_eq!(alice.read(&answer), "welcome back");
    // it is a member like any other: it commits, and others' commits reach it
    let commit = add_own_device(&mut alice, 12);
    alice.merge();
    bob.open(&commit).unwrap();
    let commit = add_own_device(&mut bob, 13);
    bob.merge();
    alice.open(&commit).unwrap();
    assert_eq!(alice.epoch(), 4);
}

#[test]
fn the_group_info_for_the_relay_is_that_of_the_next_epoch() {
    let (alice, mut bob) = alice_and_bob();
    let mut alice = alice.reborn(11);
    let rejoined = rejoin(&mut alice, &public_state(&mut bob)).unwrap();
    alice.merge();
    bob.open(&rejoined.commit).unwrap();
    // a second device comes in by what the first one left at the relay
    let tree = tree(&mut bob).tls_serialize_detached().unwrap();
    let mut tablet = second_device(&alice, 12);
    let entered = rejoin(&mut tablet, &(rejoined.group_info, tree)).unwrap();
    tablet.merge();
    for person in [&mut alice, &mut bob] {
        person.open(&entered.commit).unwrap();
    }
    assert_eq!(entered.members.len(), 3);
    let message = tablet.seal("from the tablet");
    assert_eq!(alice.read(&message), "from the tablet");
    assert_eq!(bob.read(&message), "from the tablet");
}

#[test]
fn nothing_is_sealed_or_opened_before_the_relay_accepted() {
    let (alice, mut bob) = alice_and_bob();
    let mut alice = alice.reborn(11);
    let rejoined = rejoin(&mut alice, &public_state(&mut bob)).unwrap();
    let other = bob.seal("while she is not back");
    for _ in 0..2 {
        alice.restart();
        assert!(alice.group(|group| group.has_pending()).unwrap());
        assert!(matches!(
            alice.group(|group| group.seal(b"too early", &[])),
            Err(SealError::Unconfirmed)
        ));
        assert!(matches!(alice.open(&other), Err(OpenError::Unconfirmed)));
        // the stream begins with it
        assert_eq!(alice.open(&rejoined.commit).unwrap(), Opened::OwnCommit);
    }
    alice.merge();
    alice.restart();
    assert!(!alice.group(|group| group.has_pending()).unwrap());
    assert!(matches!(
        alice.open(&rejoined.commit),
        Err(OpenError::Stale(1))
    ));
    bob.open(&rejoined.commit).unwrap();
    let message = alice.seal("now");
    assert_eq!(bob.read(&message), "now");
}

#[test]
fn a_device_that_lost_the_epoch_tries_again_from_the_new_state() {
    let (alice, mut bob) = alice_and_bob();
    let mut alice = alice.reborn(11);
    let lost = rejoin(&mut alice, &public_state(&mut bob)).unwrap();
    add_own_device(&mut bob, 12);
    bob.merge();
    assert!(matches!(bob.open(&lost.commit), Err(OpenError::Stale(1))));
    let won = rejoin(&mut alice, &public_state(&mut bob)).unwrap();
    assert_eq!(won.epoch, 2);
    alice.merge();
    bob.open(&won.commit).unwrap();
    let message = alice.seal("second attempt");
    assert_eq!(bob.read(&message), "second attempt");
}

#[test]
fn a_rejoining_that_lost_leaves_nothing_behind() {
    let (alice, mut bob) = alice_and_bob();
    let state = public_state(&mut bob);
    for give_up in [true, false] {
        let mut alice = alice.reborn(11);
        rejoin(&mut alice, &state).unwrap();
        assert!(alice.rows() > 0);
        alice
            .group(|group| {
                if give_up {
                    group.delete()
                } else {
                    group.clear_pending()
                }
            })
            .unwrap();
        assert_eq!(alice.rows(), 0);
    }
}

#[test]
fn a_welcome_waits_until_a_rejoining_that_lost_is_given_up() {
    let (alice, mut bob) = alice_and_bob();
    let mut tablet = second_device(&alice, 12);
    rejoin(&mut tablet, &public_state(&mut bob)).unwrap();
    // Bob adds the device in the same epoch, and wins
    let devices = PeerDevices {
        manifest: manifest_of(&alice, &[&tablet]),
        packages: vec![(tablet.device(), tablet.key_package())],
    };
    let commit = bob.group(|group| group.add(&[devices])).unwrap();
    bob.merge();
    let welcome = &commit.welcomes[0].bytes;
    assert!(matches!(
        tablet.run_and_crash(|mls| mls.join(welcome)),
        Err(JoinError::Exists)
    ));
    tablet.group(|group| group.clear_pending()).unwrap();
    tablet.join(welcome);
    let message = tablet.seal("in by the welcome");
    assert_eq!(bob.read(&message), "in by the welcome");
}

#[test]
fn a_crash_before_the_commit_leaves_the_old_group() {
    let (mut alice, mut bob) = alice_and_bob();
    let state = public_state(&mut bob);
    alice
        .run_and_crash(|mls| mls.rejoin(CONVERSATION, 0, &state.0, &state.1))
        .unwrap();
    let message = alice.seal("still there");
    assert_eq!(bob.read(&message), "still there");
}

#[test]
fn a_group_that_fell_behind_is_replaced_whole() {
    let (mut alice, mut bob) = alice_and_bob();
    // she has a commit pending as well, and misses one of Bob's
    add_own_device(&mut alice, 12);
    add_own_device(&mut bob, 13);
    bob.merge();
    let rejoined = rejoin(&mut alice, &public_state(&mut bob)).unwrap();
    let fresh = {
        let mut fresh = alice.reborn(14);
        rejoin(&mut fresh, &public_state(&mut bob)).unwrap();
        fresh.rows()
    };
    assert_eq!(alice.rows(), fresh, "no row of the old group is left");
    alice.merge();
    bob.open(&rejoined.commit).unwrap();
    let message = alice.seal("caught up");
    assert_eq!(bob.read(&message), "caught up");
}

#[test]
fn a_refused_rejoining_leaves_the_old_group() {
    let (mut alice, mut bob) = alice_and_bob();
    let (group_info, mut tree) = public_state(&mut bob);
    let end = tree.len() - 1;
    tree[end] ^= 1;
    assert!(matches!(
        rejoin(&mut alice, &(group_info, tree)),
        Err(RejoinError::Invalid)
    ));
    let message = alice.seal("as before");
    assert_eq!(bob.read(&message), "as before");
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let run = || {
        let (alice, mut bob) = alice_and_bob();
        rejoin(&mut alice.reborn(11), &public_state(&mut bob)).unwrap()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_group_with_a_false_identity_is_not_entered() {
    // each is a device that claims to be Bob's
    for (name, disguise, expected) in disguises(&Person::new(2)) {
        let mut alice = Person::new(1);
        let hosted = hosted(&disguise, &mut alice);
        let mut alice = alice.reborn(11);
        let error = enter(&mut alice, &hosted).unwrap_err();
        let RejoinError::Identity(fault) = error else {
            panic!("{name}: {error}")
        };
        assert!(expected(fault), "{name}: {fault}");
        assert_eq!(alice.rows(), 0, "{name}");
    }
}

#[test]
fn a_group_where_this_device_has_another_leaf_key_is_not_entered() {
    let alice = Person::new(1);
    for (name, disguise) in [
        ("the device under another key", twin(&alice, 14)),
        (
            "the key under another device",
            usurper(&alice, DeviceId::new([7; 16])),
        ),
    ] {
        let hosted = hosted(&disguise, &mut Person::new(2));
        let mut alice = alice.reborn(11);
        let error = enter(&mut alice, &hosted).unwrap_err();
        assert!(
            matches!(error, RejoinError::Identity(IdentityFault::Owner)),
            "{name}: {error}"
        );
        assert_eq!(alice.rows(), 0, "{name}");
    }
}

#[test]
fn a_group_without_this_account_is_not_entered() {
    let (_alice, mut bob) = alice_and_bob();
    let mut carol = Person::new(3);
    let error = rejoin(&mut carol, &public_state(&mut bob)).unwrap_err();
    assert!(matches!(error, RejoinError::Stranger), "{error}");
    assert_eq!(carol.rows(), 0);
}

#[test]
fn another_group_than_the_one_asked_for_is_not_entered() {
    let (alice, mut bob) = alice_and_bob();
    let (group_info, tree) = public_state(&mut bob);
    let mut alice = alice.reborn(11);
    for (conversation, incarnation) in [(CONVERSATION, 1), (ConversationId::new([4; 16]), 0)] {
        let error = alice
            .run(|mls| mls.rejoin(conversation, incarnation, &group_info, &tree))
            .unwrap_err();
        assert!(matches!(error, RejoinError::OtherGroup), "{error}");
    }
    assert_eq!(alice.rows(), 0);
}

#[test]
fn a_group_that_is_none_of_ours_is_not_entered() {
    let mut alice = Person::new(1);
    let package = parse(&alice.key_package());
    let bob = Disguise::honest(&Person::new(2));
    let hosted = bob.host(package, Extensions::default(), &CONVERSATION.group_id(0));
    let error = enter(&mut alice.reborn(11), &hosted).unwrap_err();
    assert!(matches!(error, RejoinError::Foreign), "{error}");
}

#[test]
fn a_tree_within_the_group_info_is_refused() {
    let mut alice = Person::new(1);
    let hosted = hosted(&Disguise::honest(&Person::new(2)), &mut alice);
    let error = alice
        .reborn(11)
        .run(|mls| mls.rejoin(CONVERSATION, 0, &hosted.group_info_with_tree, &hosted.tree))
        .unwrap_err();
    assert!(matches!(error, RejoinError::Malformed), "{error}");
    enter(&mut alice.reborn(12), &hosted).unwrap();
}

#[test]
fn the_tree_of_another_epoch_is_refused() {
    let (alice, mut bob) = alice_and_bob();
    let before = public_state(&mut bob);
    add_own_device(&mut bob, 12);
    bob.merge();
    let after = public_state(&mut bob);
    let mut alice = alice.reborn(11);
    for state in [(before.0, after.1.clone()), (after.0, before.1)] {
        let error = rejoin(&mut alice, &state).unwrap_err();
        assert!(matches!(error, RejoinError::Invalid), "{error}");
    }
    assert_eq!(alice.rows(), 0);
}

#[test]
fn a_full_group_takes_no_further_device_but_takes_one_back() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let mut others: Vec<_> = (0..30)
        .map(|seed| second_device(&bob, 100 + seed))
        .collect();
    let packages = others
        .iter_mut()
        .map(|device| (device.device(), device.key_package()))
        .chain([(bob.device(), bob.key_package())])
        .collect();
    let manifest = manifest_of(&bob, &others.iter().collect::<Vec<_>>());
    alice
        .run(|mls| mls.found_direct(CONVERSATION, 0, &[PeerDevices { manifest, packages }]))
        .unwrap();
    alice.merge();
    let state = public_state(&mut alice);
    let error = rejoin(&mut second_device(&alice, 11), &state).unwrap_err();
    assert!(matches!(error, RejoinError::TooMany), "{error}");
    let rejoined = rejoin(&mut others[7].reborn(12), &state).unwrap();
    assert_eq!(rejoined.members.len(), 32);
    // the largest commit there is, because in this tree nobody committed yet; a tree where all did is larger
    let sizes = [&state.0, &state.1, &rejoined.commit, &rejoined.group_info].map(Vec::len);
    assert_eq!(sizes, [1489, 57251, 46039, 1489]);
    assert!(rejoined.commit.len() + rejoined.group_info.len() < bounds::FRAME);
    alice.open(&rejoined.commit).unwrap();
}
