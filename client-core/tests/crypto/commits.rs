//! Commits of members: keys are renewed, devices come and go.

use client_core::crypto::{
    AddFault, Change, Commit, CommitError, IdentityFault, OpenError, Opened, PackageFault,
    PeerDevices, SealError,
};
use protocol::{DeviceId, Digest, identity::Manifest};

use crate::{
    hostile::{manifest_of, second_device},
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
        let Opened::Commit(Change { by, added, removed }) = opened else {
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

// ---- devices come and go ---------------------------------------------------------------------------------------------

/// Further devices of the owner as others add them.
fn devices(owner: &Person, others: &mut [&mut Person]) -> PeerDevices {
    let packages = others
        .iter_mut()
        .map(|person| (person.device(), person.key_package()))
        .collect();
    let shared: Vec<&Person> = others.iter().map(|person| &**person).collect();
    PeerDevices {
        manifest: manifest_of(owner, &shared),
        packages,
    }
}

#[test]
fn new_devices_of_both_accounts_are_added_each_by_its_own_welcome() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    let (mut tablet, mut phone) = (second_device(&alice, 12), second_device(&bob, 13));
    let others = [
        devices(&alice, &mut [&mut tablet]),
        devices(&bob, &mut [&mut phone]),
    ];
    let commit = alice.group(|group| group.add(&others)).unwrap();
    let named: Vec<_> = commit.welcomes.iter().map(|it| it.device).collect();
    assert_eq!(named, [tablet.device(), phone.device()]);
    let opened = accepted(&mut relay, &commit, &mut alice, &mut bob);
    let Opened::Commit(Change { added, removed, .. }) = opened else {
        panic!("not a commit: {opened:?}")
    };
    assert_eq!(
        added.iter().map(|it| it.device).collect::<Vec<_>>(),
        [tablet.device(), phone.device()]
    );
    assert!(removed.is_empty());
    assert!(
        tablet
            .run(|mls| mls.join(&commit.welcomes[1].bytes))
            .is_err()
    );
    tablet.join(&commit.welcomes[0].bytes);
    let joined = phone.join(&commit.welcomes[1].bytes);
    assert_eq!((joined.epoch, joined.members.len()), (2, 4));
    let message = phone.seal("from the phone");
    for person in [&mut alice, &mut bob, &mut tablet] {
        assert_eq!(person.read(&message), "from the phone");
    }
    // without a path, so that it stays small: this is two key packages and little more
    assert!(commit.commit.len() < 6600, "{}", commit.commit.len());
}

#[test]
fn a_removed_device_reads_nothing_that_follows() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    let mut tablet = second_device(&alice, 12);
    let others = [devices(&alice, &mut [&mut tablet])];
    let commit = alice.group(|group| group.add(&others)).unwrap();
    accepted(&mut relay, &commit, &mut alice, &mut bob);
    tablet.join(&commit.welcomes[0].bytes);

    let removal = alice
        .group(|group| group.remove(&[tablet.device()]))
        .unwrap();
    assert!(removal.welcomes.is_empty());
    let opened = accepted(&mut relay, &removal, &mut alice, &mut bob);
    assert!(
        matches!(&opened, Opened::Commit(Change { removed, added, .. }) if removed[0].device == tablet.device() && added.is_empty()),
        "{opened:?}"
    );
    talk(&mut alice, &mut bob);
    let message = alice.seal("without the tablet");
    // with the commit or without it
    assert!(matches!(tablet.open(&message), Err(OpenError::Ahead(3))));
    assert!(matches!(
        tablet.open(&removal.commit),
        Ok(Opened::Commit(_))
    ));
    assert!(matches!(tablet.open(&message), Err(OpenError::Removed)));
    assert!(matches!(
        tablet.group(|group| group.self_update()),
        Err(CommitError::Removed)
    ));
    assert!(matches!(
        alice.group(|group| group.remove(&[tablet.device()])),
        Err(CommitError::NotMember(device)) if device == tablet.device()
    ));
}

#[test]
fn a_device_that_was_removed_is_added_again() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    let mut tablet = second_device(&alice, 12);
    for _ in 0..2 {
        let others = [devices(&alice, &mut [&mut tablet])];
        let commit = alice.group(|group| group.add(&others)).unwrap();
        accepted(&mut relay, &commit, &mut alice, &mut bob);
        tablet.join(&commit.welcomes[0].bytes);
        let message = tablet.seal("there");
        assert_eq!(bob.read(&message), "there");
        assert_eq!(alice.read(&message), "there");
        let removal = alice
            .group(|group| group.remove(&[tablet.device()]))
            .unwrap();
        accepted(&mut relay, &removal, &mut alice, &mut bob);
        tablet.group(|group| group.delete()).unwrap();
    }
}

#[test]
fn several_devices_are_removed_at_once_and_one_named_twice_is_no_fault() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    let (mut tablet, mut watch) = (second_device(&alice, 12), second_device(&alice, 13));
    let others = [devices(&alice, &mut [&mut tablet, &mut watch])];
    let commit = alice.group(|group| group.add(&others)).unwrap();
    accepted(&mut relay, &commit, &mut alice, &mut bob);
    let named = [tablet.device(), watch.device(), tablet.device()];
    let removal = alice.group(|group| group.remove(&named)).unwrap();
    accepted(&mut relay, &removal, &mut alice, &mut bob);
    assert_eq!(bob.group(|group| group.members()).unwrap().len(), 2);
    talk(&mut alice, &mut bob);
}

#[test]
fn what_cannot_be_removed_is_refused_and_changes_nothing() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    let (own, unknown) = (alice.device(), DeviceId::new([7; 16]));
    let mut remove = |devices: &[DeviceId]| alice.group(|group| group.remove(devices));
    assert!(matches!(remove(&[]), Err(CommitError::NoDevices)));
    assert!(matches!(remove(&[own]), Err(CommitError::OwnDevice)));
    assert!(matches!(
        remove(&[bob.device(), unknown]),
        Err(CommitError::NotMember(device)) if device == unknown
    ));
    talk(&mut alice, &mut bob);
    let commit = alice.group(|group| group.self_update()).unwrap();
    accepted(&mut relay, &commit, &mut alice, &mut bob);
}

#[test]
fn what_cannot_be_added_is_refused_and_changes_nothing() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    let mut carol = Person::new(3);
    let mut tablet = second_device(&alice, 12);
    let stranger = devices(&carol, &mut []);
    let refused = |alice: &mut Person, others: &[PeerDevices]| match alice
        .group(|group| group.add(others))
        .unwrap_err()
    {
        CommitError::Devices(fault) => fault,
        other => panic!("{other}"),
    };
    assert_eq!(
        refused(&mut alice, &[stranger]),
        AddFault::Stranger(carol.keys.account())
    );
    assert_eq!(refused(&mut alice, &[]), AddFault::NoDevices);
    let member = bob.devices();
    assert_eq!(
        refused(&mut alice, &[member]),
        AddFault::Twice(bob.device())
    );
    // a device that its account's manifest does not name
    let unknown = PeerDevices {
        manifest: Manifest::open(&alice.keys.manifest()).unwrap(),
        packages: vec![(tablet.device(), tablet.key_package())],
    };
    assert_eq!(
        refused(&mut alice, &[unknown]),
        AddFault::Package(
            tablet.device(),
            PackageFault::Identity(IdentityFault::Manifest)
        )
    );
    let foreign = PeerDevices {
        manifest: Manifest::open(&alice.keys.manifest()).unwrap(),
        packages: vec![(carol.device(), carol.key_package())],
    };
    assert!(matches!(
        refused(&mut alice, &[foreign]),
        AddFault::Package(..)
    ));
    talk(&mut alice, &mut bob);
    let commit = alice.group(|group| group.self_update()).unwrap();
    accepted(&mut relay, &commit, &mut alice, &mut bob);
}

#[test]
fn a_group_grows_to_32_devices_and_no_further() {
    let (mut alice, mut bob, mut relay) = at_the_relay();
    let mut others: Vec<_> = (0..31)
        .map(|seed| second_device(&alice, 100 + seed))
        .collect();
    let mut others: Vec<_> = others.iter_mut().collect();
    let too_many = [devices(&alice, &mut others)];
    assert!(matches!(
        alice.group(|group| group.add(&too_many)),
        Err(CommitError::Devices(AddFault::TooMany))
    ));
    let most = [devices(&alice, &mut others[..30])];
    let commit = alice.group(|group| group.add(&most)).unwrap();
    accepted(&mut relay, &commit, &mut alice, &mut bob);
    assert_eq!(bob.group(|group| group.members()).unwrap().len(), 32);
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let run = || {
        let (mut alice, mut bob, mut relay) = at_the_relay();
        let update = bob.group(|group| group.self_update()).unwrap();
        accepted(&mut relay, &update, &mut bob, &mut alice);
        let mut tablet = second_device(&alice, 12);
        let others = [devices(&alice, &mut [&mut tablet])];
        let add = alice.group(|group| group.add(&others)).unwrap();
        accepted(&mut relay, &add, &mut alice, &mut bob);
        // no more: to three leaves the library seals at once, and draws for whichever comes first
        (update, add)
    };
    assert_eq!(run(), run());
}

#[test]
fn the_old_leaf_of_a_restored_identity_is_removed_after_the_new_one_came_in() {
    let (alice, mut bob, mut relay) = at_the_relay();
    let lost = alice.device();
    // the same account on a new device, which has never seen the group
    let mut alice = second_device(&alice, 12);
    let group_info = bob.group(|group| group.group_info()).unwrap();
    let entered = crate::rejoin::rejoin(&mut alice, &(group_info, relay.tree())).unwrap();
    assert!(entered.members.iter().any(|member| member.device == lost));
    relay.commit(&entered.commit);
    alice.merge();
    bob.open(&entered.commit).unwrap();
    let removal = alice.group(|group| group.remove(&[lost])).unwrap();
    accepted(&mut relay, &removal, &mut alice, &mut bob);
    assert_eq!(bob.group(|group| group.members()).unwrap().len(), 2);
    talk(&mut alice, &mut bob);
}
