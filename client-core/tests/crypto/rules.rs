//! Commits that hold in themselves: which of them members merge. Each that is refused here a relay refuses too, so it comes
//! only from one that does not do its part.

use client_core::crypto::{Change, Fault, IdentityFault, OpenError, Opened, PeerDevices};
use openmls::prelude::{LeafNodeIndex, LeafNodeParameters, NewSignerBundle};
use openmls_traits::OpenMlsProvider as _;
use protocol::DeviceId;

use crate::{
    external::enter,
    hostile::{
        Disguise, add_own_device, capabilities, commit, commit_adding, manifest_of, parse,
        second_device, twin, usurper,
    },
    people::{CONVERSATION, Person, alice_and_bob},
};

fn refuse(person: &mut Person, bytes: &[u8], expected: Fault) {
    let epoch = person.epoch();
    let error = person
        .group(|group| group.open_with(bytes, |_| true))
        .unwrap_err();
    assert!(
        matches!(error, OpenError::Invalid(fault) if fault == expected),
        "{error}"
    );
    assert_eq!(person.epoch(), epoch);
}

#[test]
fn who_knows_the_manifests_decides_before_a_commit_is_merged() {
    let (mut alice, mut bob) = alice_and_bob();
    let commit = add_own_device(&mut alice, 11);
    let mut seen = None;
    let result = bob.group(|group| {
        group.open_with(&commit, |change| {
            seen = Some(change.clone());
            false
        })
    });
    assert!(matches!(result, Err(OpenError::Invalid(Fault::Refused))));
    let Change { by, added, removed } = seen.unwrap();
    assert_eq!(by, (alice.keys.account(), alice.device()));
    assert_eq!(added[0].account, alice.keys.account());
    assert!(removed.is_empty());
    // nothing happened: the old epoch goes on, and the same commit can still be merged
    assert_eq!(bob.epoch(), 1);
    let message = alice.seal("in the old epoch");
    assert_eq!(bob.read(&message), "in the old epoch");
    alice.merge();
    let opened = bob.group(|group| group.open_with(&commit, |_| true));
    assert!(matches!(opened, Ok(Opened::Commit(_))));
    assert_eq!(bob.epoch(), 2);
}

#[test]
fn nobody_is_asked_about_content_and_own_commits() {
    let (mut alice, mut bob) = alice_and_bob();
    let message = alice.seal("text");
    let own = add_own_device(&mut bob, 11);
    bob.group(|group| {
        for bytes in [&message, &own] {
            let asked = group.open_with(bytes, |change| panic!("asked about {change:?}"));
            assert!(!matches!(asked.unwrap(), Opened::Commit(_)));
        }
    });
}

#[test]
fn a_device_that_comes_in_by_itself_removes_nobody_else() {
    let (mut alice, bob) = alice_and_bob();
    // another device of Bob's account, to which his key was certified: the library takes his leaf for its own old one
    let commit = enter(&mut alice, &usurper(&bob, DeviceId::new([7; 16])));
    refuse(&mut alice, &commit, Fault::NotAllowed);
}

#[test]
fn a_device_does_not_come_in_under_another_leaf_key() {
    let (mut alice, bob) = alice_and_bob();
    let commit = enter(&mut alice, &twin(&bob, 14));
    refuse(&mut alice, &commit, Fault::Identity(IdentityFault::Owner));
}

#[test]
fn a_device_is_not_exchanged_for_one_of_its_name() {
    let (mut alice, mut bob) = alice_and_bob();
    let mut tablet = second_device(&alice, 12);
    let added = commit_adding(&mut alice, parse(&tablet.key_package()));
    alice.merge();
    bob.open(&added).unwrap();
    let exchanged = twin(&tablet, 14).package();
    let commit = commit(&mut alice, |group, raw, hand| {
        let old = LeafNodeIndex::new(2);
        let builder = group
            .commit_builder()
            .propose_removals([old])
            .propose_adds([exchanged])
            .load_psks(raw.storage())
            .unwrap();
        let built = builder.build(raw.rand(), raw.crypto(), hand, |_| true);
        built.unwrap().stage_commit(raw).unwrap().into_commit()
    });
    refuse(&mut bob, &commit, Fault::Identity(IdentityFault::Owner));
}

#[test]
fn a_leaf_keeps_its_key() {
    let (mut alice, mut bob) = alice_and_bob();
    let twin = twin(&alice, 14);
    let commit = commit(&mut alice, |group, raw, hand| {
        let parameters = LeafNodeParameters::builder()
            .with_capabilities(capabilities())
            .with_extensions(twin.extensions())
            .build();
        let signer = NewSignerBundle {
            signer: &twin.hand,
            credential_with_key: twin.credential(),
        };
        let builder = group
            .commit_builder()
            .leaf_node_parameters(parameters)
            .load_psks(raw.storage())
            .unwrap();
        let built = builder.build_with_new_signer(raw.rand(), raw.crypto(), hand, signer, |_| true);
        built.unwrap().stage_commit(raw).unwrap().into_commit()
    });
    refuse(&mut bob, &commit, Fault::Identity(IdentityFault::Owner));
}

#[test]
fn a_33rd_device_is_not_let_in() {
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
    let founded = alice
        .run(|mls| mls.found_direct(CONVERSATION, 0, &[PeerDevices { manifest, packages }]))
        .unwrap();
    alice.merge();
    bob.join(&founded.welcomes[30].bytes);
    let tablet = Disguise::honest(&second_device(&alice, 12));
    let commit = enter(&mut alice, &tablet);
    refuse(&mut bob, &commit, Fault::NotAllowed);
    let commit = commit_adding(&mut alice, tablet.package());
    refuse(&mut bob, &commit, Fault::NotAllowed);
}
