//! Bytes that nobody meant: whatever arrives, there is a verdict and never a panic.

use client_core::crypto::{AddFault, FoundError, JoinError, OpenError, PeerDevices, RejoinError};
use proptest::prelude::{any, prop, prop_assert, proptest};
use protocol::identity::Manifest;

use crate::{
    people::{CONVERSATION, Person, alice_and_bob},
    rejoin::{public_state, rejoin},
};

/// Each with one bit or byte changed, or cut short.
fn mutations(bytes: &[u8], step: usize) -> impl Iterator<Item = Vec<u8>> {
    (0..bytes.len()).step_by(step).flat_map(move |position| {
        [1, 0x80, 0xFF]
            .map(|change| {
                let mut changed = bytes.to_vec();
                changed[position] ^= change;
                changed
            })
            .into_iter()
            .chain([bytes[..position].to_vec()])
    })
}

#[test]
fn a_damaged_welcome_is_refused() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let founded = alice.found(&mut bob);
    let welcome = &founded.welcomes[0].bytes;
    for damaged in mutations(welcome, 41) {
        let result = bob.run_and_crash(|mls| mls.join(&damaged));
        assert!(
            !matches!(result, Ok(_) | Err(JoinError::Failure(_))),
            "{result:?}"
        );
    }
    bob.join(welcome);
}

#[test]
fn a_damaged_key_package_is_refused() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let package = bob.key_package();
    let manifest = Manifest::open(&bob.keys.manifest()).unwrap();
    for damaged in mutations(&package, 41) {
        let devices = PeerDevices {
            manifest: manifest.clone(),
            packages: vec![(bob.device(), damaged)],
        };
        let result = alice.run_and_crash(|mls| mls.found_direct(CONVERSATION, 0, &[devices]));
        assert!(
            matches!(result, Err(FoundError::Devices(AddFault::Package(..)))),
            "{result:?}"
        );
    }
}

#[test]
fn a_damaged_commit_is_refused() {
    let (mut alice, mut bob) = alice_and_bob();
    let commit = crate::hostile::add_own_device(&mut alice, 11);
    for damaged in mutations(&commit, 41) {
        let result = bob.open(&damaged);
        assert!(
            !matches!(result, Ok(_) | Err(OpenError::Failure(_))),
            "{result:?}"
        );
    }
    bob.open(&commit).unwrap();
}

#[test]
fn a_damaged_group_info_or_tree_is_refused() {
    let (alice, mut bob) = alice_and_bob();
    let mut alice = alice.reborn(11);
    let (group_info, tree) = public_state(&mut bob);
    let states = mutations(&group_info, 41)
        .map(|damaged| (damaged, tree.clone()))
        .chain(mutations(&tree, 41).map(|damaged| (group_info.clone(), damaged)));
    for state in states {
        let result = alice.run_and_crash(|mls| mls.rejoin(CONVERSATION, 0, &state.0, &state.1));
        assert!(
            !matches!(result, Ok(_) | Err(RejoinError::Failure(_))),
            "{result:?}"
        );
    }
    rejoin(&mut alice, &(group_info, tree)).unwrap();
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn noise_is_refused_everywhere(
        kind in 0u16..7,
        noise in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        // the header of an MLSMessage, so that the noise gets past the first look
        let mut bytes = [1u16.to_be_bytes(), kind.to_be_bytes()].concat();
        bytes.extend(noise);
        let (mut alice, mut bob) = (Person::new(1), Person::new(2));
        alice.found(&mut bob);
        prop_assert!(!matches!(alice.open(&bytes), Ok(_) | Err(OpenError::Failure(_))));
        prop_assert!(!matches!(bob.run(|mls| mls.join(&bytes)), Ok(_) | Err(JoinError::Failure(_))));
        let result = bob.run(|mls| mls.rejoin(CONVERSATION, 0, &bytes, &bytes));
        prop_assert!(!matches!(result, Ok(_) | Err(RejoinError::Failure(_))));
    }
}
