//! What a hostile device can send, and that each check refuses it.

use client_core::crypto::{
    AddFault, Change, Fault, FoundError, IdentityFault, JoinError, OpenError, Opened, PackageFault,
    PeerDevices, SealError,
};
use openmls::prelude::{CredentialWithKey, Extensions, LeafNodeParameters};
use openmls_traits::OpenMlsProvider as _;
use protocol::{
    AccountId, DeviceId, Opaque, RelayId,
    identity::{LeafIdentity, Manifest, public_key},
};

use crate::{
    hostile::{
        Disguise, Stored, capabilities, commit, commit_adding, parse, second_device, settings, twin,
    },
    people::{CONVERSATION, Person, alice_and_bob},
};

/// What it is, the disguise, and whether a fault is the one to be found.
pub(crate) type Named = (&'static str, Disguise, fn(IdentityFault) -> bool);

/// Every way in which a leaf of `victim` can be false, with what is found.
pub(crate) fn disguises(victim: &Person) -> Vec<Named> {
    let attacker = Person::new(66);
    let other_relay = Person::on_relay(67, RelayId::new([8; 32]));
    let honest = || Disguise::honest(victim);
    let (own, foreign) = (Stored::of(victim), Stored::of(&attacker));
    let chain = |root, dsk: &Opaque, device: &Opaque| {
        Some(LeafIdentity::encode(root, dsk.clone(), device.clone()))
    };
    vec![
        (
            "the victim's certificate with another key",
            Disguise {
                hand: foreign.signer(),
                ..honest()
            },
            |fault| fault == IdentityFault::LeafKey,
        ),
        (
            "a device of another relay",
            Disguise::honest(&other_relay),
            |fault| fault == IdentityFault::Relay,
        ),
        (
            "another root key before the victim's certificates",
            Disguise {
                identity: chain(
                    foreign.root_public,
                    &own.dsk_certificate,
                    &own.device_certificate,
                ),
                ..honest()
            },
            |fault| matches!(fault, IdentityFault::Chain(_)),
        ),
        (
            "the victim's root key before other certificates",
            Disguise {
                hand: foreign.signer(),
                identity: chain(
                    own.root_public,
                    &foreign.dsk_certificate,
                    &foreign.device_certificate,
                ),
                ..honest()
            },
            |fault| matches!(fault, IdentityFault::Chain(_)),
        ),
        (
            "another device-signing key",
            Disguise {
                identity: chain(
                    own.root_public,
                    &own.dsk_certificate,
                    &foreign.device_certificate,
                ),
                ..honest()
            },
            |fault| matches!(fault, IdentityFault::Chain(_)),
        ),
        (
            "no identity",
            Disguise {
                identity: None,
                ..honest()
            },
            |fault| fault == IdentityFault::Missing,
        ),
        (
            "nonsense for an identity",
            Disguise {
                identity: Some(vec![1, 2, 3]),
                ..honest()
            },
            |fault| matches!(fault, IdentityFault::Chain(_)),
        ),
        (
            "a credential of another device",
            Disguise {
                device: DeviceId::new([7; 16]),
                ..honest()
            },
            |fault| fault == IdentityFault::Credential,
        ),
        (
            "a credential of another account",
            Disguise {
                account: AccountId::new([7; 16]),
                ..honest()
            },
            |fault| fault == IdentityFault::Credential,
        ),
    ]
}

#[test]
fn a_founder_refuses_key_packages_of_false_identity() {
    let bob = Person::new(2);
    for (name, disguise, expected) in disguises(&bob) {
        let mut alice = Person::new(1);
        let manifest = Manifest::open(&bob.keys.manifest()).unwrap();
        let devices = PeerDevices {
            manifest,
            packages: vec![(bob.device(), disguise.package_bytes())],
        };
        let error = alice
            .run(|mls| mls.found_direct(CONVERSATION, 0, &[devices]))
            .unwrap_err();
        let FoundError::Devices(AddFault::Package(device, PackageFault::Identity(fault))) = error
        else {
            panic!("{name}: {error}")
        };
        assert_eq!(device, bob.device());
        assert!(expected(fault), "{name}: {fault}");
        let rows: i64 = alice
            .connection
            .query_row("SELECT count(*) FROM mls_state", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 0, "{name}");
    }
}

#[test]
fn a_founder_refuses_packages_that_the_manifest_does_not_know() {
    let (mut alice, mut bob, mut carol) = (Person::new(1), Person::new(2), Person::new(3));
    let mut tablet = second_device(&bob, 12);
    let manifest = Manifest::open(&bob.keys.manifest()).unwrap();
    let (carols, tablets, bobs) = (carol.key_package(), tablet.key_package(), bob.key_package());
    for (device, package, expected) in [
        (carol.device(), carols.clone(), IdentityFault::Manifest),
        (bob.device(), carols, IdentityFault::Manifest),
        (tablet.device(), tablets, IdentityFault::Manifest),
        (carol.device(), bobs.clone(), IdentityFault::Credential),
    ] {
        let devices = PeerDevices {
            manifest: manifest.clone(),
            packages: vec![(device, package)],
        };
        let error = alice
            .run(|mls| mls.found_direct(CONVERSATION, 0, &[devices]))
            .unwrap_err();
        assert!(
            matches!(error, FoundError::Devices(AddFault::Package(_, PackageFault::Identity(fault))) if fault == expected),
            "{error}"
        );
    }
    let twice = vec![(bob.device(), bobs.clone()), (bob.device(), bobs)];
    let devices = PeerDevices {
        manifest: manifest.clone(),
        packages: twice,
    };
    assert!(matches!(
        alice.run(|mls| mls.found_direct(CONVERSATION, 0, &[devices])),
        Err(FoundError::Devices(AddFault::Twice(device))) if device == bob.device()
    ));
    for package in [vec![], b"nonsense".to_vec(), alice.keys.manifest()] {
        let devices = PeerDevices {
            manifest: manifest.clone(),
            packages: vec![(bob.device(), package)],
        };
        let error = alice
            .run(|mls| mls.found_direct(CONVERSATION, 0, &[devices]))
            .unwrap_err();
        assert!(
            matches!(
                error,
                FoundError::Devices(AddFault::Package(_, PackageFault::Invalid))
            ),
            "{error}"
        );
    }
}

#[test]
fn a_guest_refuses_a_host_of_false_identity() {
    let alice = Person::new(1);
    for (name, disguise, expected) in disguises(&alice) {
        let mut bob = Person::new(2);
        let package = parse(&bob.key_package());
        let welcome = disguise.invite(package, settings(), &CONVERSATION.group_id(0));
        let error = bob.run(|mls| mls.join(&welcome)).unwrap_err();
        let JoinError::Identity(fault) = error else {
            panic!("{name}: {error}")
        };
        assert!(expected(fault), "{name}: {fault}");
        assert!(
            bob.run(|mls| mls.load(CONVERSATION, 0).unwrap().is_none()),
            "{name}"
        );
        let rows: i64 = bob
            .connection
            .query_row("SELECT count(*) FROM mls_state", [], |row| row.get(0))
            .unwrap();
        assert_eq!(rows, 0, "{name}");
    }
}

#[test]
fn a_guest_refuses_a_group_that_is_none_of_ours() {
    let alice = Person::new(1);
    for (name, settings, group_id) in [
        (
            "no requirements",
            Extensions::default(),
            CONVERSATION.group_id(0).to_vec(),
        ),
        ("another kind of id", settings(), b"group".to_vec()),
    ] {
        let mut bob = Person::new(2);
        let package = parse(&bob.key_package());
        let welcome = Disguise::honest(&alice).invite(package, settings, &group_id);
        let error = bob.run(|mls| mls.join(&welcome)).unwrap_err();
        assert!(matches!(error, JoinError::Foreign), "{name}: {error}");
    }
}

#[test]
fn an_honest_host_with_the_bare_library_is_followed() {
    let (alice, mut bob) = (Person::new(1), Person::new(2));
    let package = parse(&bob.key_package());
    let welcome = Disguise::honest(&alice).invite(package, settings(), &CONVERSATION.group_id(3));
    assert_eq!(bob.join(&welcome).incarnation, 3);
}

#[test]
fn members_refuse_commits_that_add_false_identities() {
    // each is a device that claims to be Alice's
    for (name, disguise, expected) in disguises(&second_device(&Person::new(1), 13)) {
        let (mut alice, mut bob) = alice_and_bob();
        let commit = commit_adding(&mut alice, disguise.package());
        let error = bob.open(&commit).unwrap_err();
        let OpenError::Invalid(Fault::Identity(fault)) = error else {
            panic!("{name}: {error}")
        };
        assert!(expected(fault), "{name}: {fault}");
        assert_eq!(bob.epoch(), 1, "{name}");
        let message = alice.seal("still in the old epoch");
        assert_eq!(bob.read(&message), "still in the old epoch", "{name}");
    }
}

#[test]
fn members_refuse_a_second_leaf_of_a_device() {
    let (mut alice, mut bob) = alice_and_bob();
    let twin = twin(&alice, 14);
    let commit = commit_adding(&mut alice, twin.package());
    assert!(matches!(
        bob.open(&commit),
        Err(OpenError::Invalid(Fault::Identity(IdentityFault::Owner)))
    ));
}

#[test]
fn members_refuse_a_third_account_in_a_direct_conversation() {
    let (mut alice, mut bob) = alice_and_bob();
    let package = Person::new(3).key_package();
    let commit = commit_adding(&mut alice, parse(&package));
    assert!(matches!(
        bob.open(&commit),
        Err(OpenError::Invalid(Fault::NotAllowed))
    ));
    assert_eq!(bob.epoch(), 1);
}

#[test]
fn members_refuse_changed_settings() {
    let (mut alice, mut bob) = alice_and_bob();
    let commit = commit(&mut alice, |group, raw, hand| {
        let builder = group
            .commit_builder()
            .propose_group_context_extensions(Extensions::default())
            .unwrap();
        let builder = builder.load_psks(raw.storage()).unwrap();
        let built = builder
            .build(raw.rand(), raw.crypto(), hand, |_| true)
            .unwrap();
        built.stage_commit(raw).unwrap().into_commit()
    });
    assert!(matches!(
        bob.open(&commit),
        Err(OpenError::Invalid(Fault::NotAllowed))
    ));
    assert_eq!(bob.epoch(), 1);
}

#[test]
fn members_refuse_a_leaf_that_changes_its_owner() {
    let tablet = second_device(&Person::new(1), 13);
    for (name, disguise) in [
        ("a sibling", Disguise::honest(&tablet)),
        ("the peer", Disguise::honest(&Person::new(2))),
    ] {
        let (mut alice, mut bob) = alice_and_bob();
        let commit = commit(&mut alice, |group, raw, hand| {
            // the leaf keeps Alice's signature key, as her signer is all she has
            let credential = CredentialWithKey {
                signature_key: public_key(&hand.0).as_bytes().as_slice().into(),
                ..disguise.credential()
            };
            let parameters = LeafNodeParameters::builder()
                .with_credential_with_key(credential)
                .with_capabilities(capabilities())
                .with_extensions(disguise.extensions())
                .build();
            let builder = group
                .commit_builder()
                .leaf_node_parameters(parameters)
                .load_psks(raw.storage())
                .unwrap();
            let built = builder
                .build(raw.rand(), raw.crypto(), hand, |_| true)
                .unwrap();
            built.stage_commit(raw).unwrap().into_commit()
        });
        assert!(
            matches!(
                bob.open(&commit),
                Err(OpenError::Invalid(Fault::Identity(_)))
            ),
            "{name}"
        );
        assert_eq!(bob.epoch(), 1, "{name}");
    }
}

#[test]
fn a_self_update_and_a_removal_are_merged() {
    let (mut alice, mut bob) = alice_and_bob();
    let update = commit(&mut alice, |group, raw, hand| {
        let builder = group
            .commit_builder()
            .force_self_update(true)
            .load_psks(raw.storage())
            .unwrap();
        let built = builder
            .build(raw.rand(), raw.crypto(), hand, |_| true)
            .unwrap();
        built.stage_commit(raw).unwrap().into_commit()
    });
    alice.merge();
    assert!(
        matches!(bob.open(&update), Ok(Opened::Commit(Change { added, removed, .. })) if added.is_empty() && removed.is_empty())
    );
    let message = bob.seal("after the update");
    assert_eq!(alice.read(&message), "after the update");

    let removal = commit(&mut alice, |group, raw, hand| {
        let victim = group
            .members()
            .map(|member| member.index)
            .find(|index| *index != group.own_leaf_index())
            .unwrap();
        let builder = group
            .commit_builder()
            .propose_removals([victim])
            .load_psks(raw.storage())
            .unwrap();
        let built = builder
            .build(raw.rand(), raw.crypto(), hand, |_| true)
            .unwrap();
        built.stage_commit(raw).unwrap().into_commit()
    });
    alice.merge();
    // Alice may not do that by herself; if Bob's manifest revoked this device, she may
    assert!(matches!(
        bob.open(&removal),
        Err(OpenError::Invalid(Fault::Refused))
    ));
    let opened = bob
        .group(|group| group.open_with(&removal, |_| true))
        .unwrap();
    assert!(
        matches!(opened, Opened::Commit(Change { removed, .. }) if removed[0].device == bob.device())
    );
    assert!(
        !bob.run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().is_active())
            .unwrap()
    );
    let late = alice.seal("without Bob");
    assert!(matches!(bob.open(&late), Err(OpenError::Removed)));
    let error = bob.run(|mls| {
        mls.load(CONVERSATION, 0)
            .unwrap()
            .unwrap()
            .seal(b"anybody there?", &[])
    });
    assert!(matches!(error, Err(SealError::Removed)));
}
