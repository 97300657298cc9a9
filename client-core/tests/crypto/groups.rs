use client_core::crypto::{
    AddFault, Fault, FoundError, JoinError, LastResort, OpenError, Opened, PeerDevices,
};
use openmls::prelude::{MlsMessageBodyIn, MlsMessageIn, tls_codec::DeserializeBytes as _};
use protocol::{ConversationId, Digest, bounds, identity::Manifest};

use crate::people::{CONVERSATION, Person, alice_and_bob};

#[test]
fn two_people_write_to_each_other() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let founded = alice.found(&mut bob);
    assert_eq!(founded.hash, Digest::of(&[&founded.commit]));
    assert_eq!(founded.welcomes.len(), 1);
    assert_eq!(founded.welcomes[0].device, bob.device());
    alice.merge();
    let joined = bob.join(&founded.welcomes[0].bytes);

    assert_eq!(
        (joined.conversation, joined.incarnation, joined.epoch),
        (CONVERSATION, 0, 1)
    );
    assert_eq!(alice.epoch(), 1);
    let members = alice
        .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().members())
        .unwrap();
    assert_eq!(members, joined.members);
    let accounts: Vec<_> = members
        .iter()
        .map(|member| (member.account, member.device, member.root_key))
        .collect();
    assert_eq!(
        accounts,
        [&alice, &bob].map(|it| (it.keys.account(), it.device(), it.keys.root_public()))
    );

    let hello = alice.seal("Hello Bob");
    let opened = bob.open(&hello).unwrap();
    let content = b"Hello Bob".to_vec();
    assert_eq!(
        opened,
        Opened::Content {
            account: alice.keys.account(),
            device: alice.device(),
            content,
            aad: Vec::new(),
        }
    );
    let answer = bob.seal("Hello Alice");
    assert_eq!(alice.read(&answer), "Hello Alice");
    assert!(matches!(alice.open(&hello), Ok(Opened::OwnContent)));
}

#[test]
fn all_objects_are_mls_messages_within_the_limits_of_the_wire() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let packages = bob.run(|mls| mls.key_packages(2, LastResort::No)).unwrap();
    let last = bob
        .run(|mls| mls.key_packages(1, LastResort::Yes))
        .unwrap()
        .remove(0);
    let founded = alice.found(&mut bob);
    let sealed = alice.seal("x");
    let kind = |bytes: &[u8]| {
        MlsMessageIn::tls_deserialize_exact_bytes(bytes)
            .unwrap()
            .extract()
    };
    assert!(matches!(
        kind(&packages[0]),
        MlsMessageBodyIn::KeyPackage(_)
    ));
    assert!(matches!(
        kind(&founded.founding),
        MlsMessageBodyIn::GroupInfo(_)
    ));
    assert!(matches!(
        kind(&founded.commit),
        MlsMessageBodyIn::PublicMessage(_)
    ));
    assert!(matches!(
        kind(&founded.group_info),
        MlsMessageBodyIn::GroupInfo(_)
    ));
    assert!(matches!(
        kind(&founded.welcomes[0].bytes),
        MlsMessageBodyIn::Welcome(_)
    ));
    assert!(matches!(kind(&sealed), MlsMessageBodyIn::PrivateMessage(_)));

    assert_ne!(packages[0], packages[1]);
    // sizes are part of the contract with the relay: a change is to be noticed
    let sizes = [
        packages[0].len(),
        last.len(),
        founded.founding.len(),
        founded.commit.len(),
        founded.welcomes[0].bytes.len(),
        founded.group_info.len(),
    ];
    assert_eq!(sizes, [3079, 3082, 3235, 3285, 5112, 1489]);
    assert!(packages[0].len() <= bounds::KEY_PACKAGE / 2);
    // 128 bytes of padded content and signature, and the frame around them
    assert_eq!(
        (
            alice.seal("").len(),
            sealed.len(),
            alice.seal(&"x".repeat(200)).len()
        ),
        (194, 194, 450)
    );
}

#[test]
fn the_group_info_for_the_relay_is_what_the_library_would_export_after_the_merge() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let founded = alice.found(&mut bob);
    alice.merge();
    let later = alice
        .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().group_info())
        .unwrap();
    assert_eq!(founded.group_info, later);
}

#[test]
fn the_same_seed_makes_the_same_bytes() {
    let run = || {
        let (mut alice, mut bob) = (Person::new(1), Person::new(2));
        let founded = alice.found(&mut bob);
        alice.merge();
        bob.join(&founded.welcomes[0].bytes);
        (founded, alice.seal("Hello"), bob.seal("Hello"))
    };
    assert_eq!(run(), run());
}

#[test]
fn a_message_is_opened_once() {
    let (mut alice, mut bob) = alice_and_bob();
    let message = alice.seal("once");
    assert_eq!(bob.read(&message), "once");
    assert!(matches!(bob.open(&message), Err(OpenError::AlreadyOpened)));
    let next = alice.seal("twice");
    assert_eq!(bob.read(&next), "twice");
}

#[test]
fn messages_may_come_late_within_bounds() {
    let (mut alice, mut bob) = alice_and_bob();
    let messages: Vec<_> = (0..40).map(|n| alice.seal(&n.to_string())).collect();
    assert_eq!(bob.read(&messages[39]), "39");
    assert_eq!(bob.read(&messages[20]), "20");
    assert!(matches!(bob.open(&messages[0]), Err(OpenError::TooOld)));
    assert!(matches!(
        bob.open(&messages[20]),
        Err(OpenError::AlreadyOpened)
    ));
}

#[test]
fn too_many_missing_messages_are_told_apart() {
    let (mut alice, mut bob) = alice_and_bob();
    let last = alice.run(|mls| {
        let mut group = mls.load(CONVERSATION, 0).unwrap().unwrap();
        (0..20_002)
            .map(|_| group.seal(b"", &[]).unwrap())
            .last()
            .unwrap()
    });
    assert!(matches!(bob.open(&last), Err(OpenError::TooFar)));
}

#[test]
fn tampered_bytes_are_refused_and_change_nothing() {
    let (mut alice, mut bob) = alice_and_bob();
    let message = alice.seal("intact");
    for position in (0..message.len()).step_by(7) {
        let mut tampered = message.clone();
        tampered[position] ^= 1;
        let result = bob.open(&tampered);
        assert!(
            matches!(
                result,
                Err(OpenError::Invalid(_) | OpenError::Stale(_) | OpenError::Ahead(_))
            ),
            "byte {position}: {result:?}"
        );
    }
    assert!(matches!(
        bob.open(&message[1..]),
        Err(OpenError::Invalid(Fault::Malformed))
    ));
    assert!(matches!(
        bob.open(&[]),
        Err(OpenError::Invalid(Fault::Malformed))
    ));
    assert_eq!(bob.read(&message), "intact");
}

#[test]
fn other_epochs_are_told_apart() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let founded = alice.found(&mut bob);
    let early = alice.seal("sealed in epoch 0");
    alice.merge();
    bob.join(&founded.welcomes[0].bytes);
    assert!(matches!(bob.open(&early), Err(OpenError::Stale(0))));
    assert!(matches!(
        bob.open(&founded.commit),
        Err(OpenError::Stale(0))
    ));

    // Alice adds a device of her own, and writes before Bob has seen the commit
    let commit = crate::hostile::add_own_device(&mut alice, 11);
    alice.merge();
    let late = alice.seal("sealed in epoch 2");
    assert!(matches!(bob.open(&late), Err(OpenError::Ahead(2))));
    assert!(matches!(bob.open(&commit), Ok(Opened::Commit(_))));
    assert_eq!(bob.read(&late), "sealed in epoch 2");
}

#[test]
fn messages_of_another_group_are_told_apart() {
    let (mut alice, mut bob) = alice_and_bob();
    let devices = bob.devices();
    let other = ConversationId::new([4; 16]);
    let foreign = alice.run(|mls| {
        mls.found_direct(other, 0, &[devices]).unwrap();
        let mut group = mls.load(other, 0).unwrap().unwrap();
        group.merge_pending().unwrap();
        group.seal(b"not for here", &[]).unwrap()
    });
    assert!(matches!(
        bob.open(&foreign),
        Err(OpenError::Invalid(Fault::OtherGroup))
    ));
}

#[test]
fn a_welcome_serves_its_device_once() {
    let (mut alice, mut bob, mut carol) = (Person::new(1), Person::new(2), Person::new(3));
    let founded = alice.found(&mut bob);
    let welcome = &founded.welcomes[0].bytes;
    assert!(matches!(
        carol.run(|mls| mls.join(welcome)),
        Err(JoinError::NoKey)
    ));
    bob.join(welcome);
    assert!(matches!(
        bob.run(|mls| mls.join(welcome)),
        Err(JoinError::NoKey)
    ));
    assert!(matches!(
        bob.run(|mls| mls.join(&founded.commit)),
        Err(JoinError::Malformed)
    ));
    assert!(matches!(
        bob.run(|mls| mls.join(b"nonsense")),
        Err(JoinError::Malformed)
    ));
}

#[test]
fn a_key_package_of_last_resort_serves_twice() {
    let (mut alice, mut bob, mut carol) = (Person::new(1), Person::new(2), Person::new(3));
    let package = bob
        .run(|mls| mls.key_packages(1, LastResort::Yes))
        .unwrap()
        .remove(0);
    for (person, byte) in [(&mut alice, 5), (&mut carol, 6)] {
        let conversation = ConversationId::new([byte; 16]);
        let devices = PeerDevices {
            manifest: Manifest::open(&bob.keys.manifest()).unwrap(),
            packages: vec![(bob.device(), package.clone())],
        };
        let founded = person
            .run(|mls| mls.found_direct(conversation, 0, &[devices]))
            .unwrap();
        assert_eq!(
            bob.join(&founded.welcomes[0].bytes).conversation,
            conversation
        );
    }
}

#[test]
fn a_founding_needs_somebody_to_add_and_a_free_name() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    assert!(matches!(
        alice.run(|mls| mls.found_direct(CONVERSATION, 0, &[])),
        Err(FoundError::Devices(AddFault::NoDevices))
    ));
    alice.found(&mut bob);
    let devices = bob.devices();
    assert!(matches!(
        alice.run(|mls| mls.found_direct(CONVERSATION, 0, &[devices])),
        Err(FoundError::Exists)
    ));
}

#[test]
fn several_devices_each_get_their_own_welcome() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let mut tablet = crate::hostile::second_device(&alice, 12);
    let own = crate::hostile::manifest_of(&alice, &[&tablet]);
    let package = tablet.key_package();
    let own = PeerDevices {
        manifest: own,
        packages: vec![(tablet.device(), package)],
    };
    let theirs = bob.devices();
    let founded = alice
        .run(|mls| mls.found_direct(CONVERSATION, 0, &[theirs, own]))
        .unwrap();
    assert_eq!(founded.welcomes.len(), 2);
    alice.merge();
    assert!(matches!(
        tablet.run(|mls| mls.join(&founded.welcomes[0].bytes)),
        Err(JoinError::NoKey)
    ));
    let sizes: Vec<_> = founded
        .welcomes
        .iter()
        .map(|welcome| welcome.bytes.len())
        .collect();
    assert_eq!(sizes[0], sizes[1]);
    bob.join(&founded.welcomes[0].bytes);
    tablet.join(&founded.welcomes[1].bytes);
    let message = tablet.seal("from the tablet");
    assert_eq!(bob.read(&message), "from the tablet");
    assert_eq!(alice.read(&message), "from the tablet");
}

#[test]
fn a_reset_founds_the_next_incarnation_beside_the_old_one() {
    let (mut alice, mut bob) = alice_and_bob();
    let devices = bob.devices();
    let founded = alice
        .run(|mls| mls.found_direct(CONVERSATION, 1, &[devices]))
        .unwrap();
    let joined = bob.join(&founded.welcomes[0].bytes);
    assert_eq!((joined.conversation, joined.incarnation), (CONVERSATION, 1));
    // the old one goes on until it is deleted
    let message = alice.seal("before the reset");
    assert_eq!(bob.read(&message), "before the reset");
    alice.group(|group| group.delete()).unwrap();
    let sealed = alice.run(|mls| {
        let mut group = mls.load(CONVERSATION, 1).unwrap().unwrap();
        assert_eq!(group.incarnation(), 1);
        group.merge_pending().unwrap();
        group.seal(b"after the reset", &[]).unwrap()
    });
    let opened = bob.run(|mls| {
        let mut group = mls.load(CONVERSATION, 1).unwrap().unwrap();
        group.open(&sealed).unwrap()
    });
    assert!(matches!(opened, Opened::Content { content, .. } if content == b"after the reset"));
    assert!(matches!(
        bob.open(&sealed),
        Err(OpenError::Invalid(Fault::OtherGroup))
    ));
}
