//! Those who come in by themselves, with an external commit: a device that lost its database, and strangers.

use client_core::crypto::{Change, Fault, OpenError, Opened};
use openmls::prelude::{
    LeafNodeParameters, MlsGroup, MlsGroupJoinConfig, MlsMessageBodyIn, MlsMessageIn,
    PURE_PLAINTEXT_WIRE_FORMAT_POLICY, RatchetTreeIn, tls_codec::DeserializeBytes as _,
};
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::OpenMlsProvider as _;

use crate::{
    hostile::{Disguise, capabilities, second_device},
    people::{CONVERSATION, Person, alice_and_bob},
};

/// The commit by which a device enters the group of this member, from what the relay gives to anybody it lets.
pub(crate) fn enter(member: &mut Person, disguise: &Disguise) -> Vec<u8> {
    let group_info = member
        .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().group_info())
        .unwrap();
    let MlsMessageBodyIn::GroupInfo(info) = MlsMessageIn::tls_deserialize_exact_bytes(&group_info)
        .unwrap()
        .extract()
    else {
        panic!("not a group info");
    };
    let provider = OpenMlsRustCrypto::default();
    let config = MlsGroupJoinConfig::builder()
        .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
        .build();
    let parameters = LeafNodeParameters::builder()
        .with_capabilities(capabilities())
        .with_extensions(disguise.extensions())
        .build();
    let (_, bundle) = MlsGroup::external_commit_builder()
        .with_ratchet_tree(tree(member))
        .with_config(config)
        .skip_lifetime_validation()
        .build_group(&provider, info, disguise.credential())
        .unwrap()
        .leaf_node_parameters(parameters)
        .load_psks(provider.storage())
        .unwrap()
        .build(provider.rand(), provider.crypto(), &disguise.hand, |_| true)
        .unwrap()
        .finalize(&provider)
        .unwrap();
    bundle.into_commit().to_bytes().unwrap()
}

/// The ratchet tree, which the relay has.
pub(crate) fn tree(member: &mut Person) -> RatchetTreeIn {
    use client_core::store::mls::MlsStore;
    use openmls::prelude::GroupId;

    let store = MlsStore::new(&member.connection);
    let group_id = GroupId::from_slice(&CONVERSATION.group_id(0));
    MlsGroup::load(&store, &group_id)
        .unwrap()
        .unwrap()
        .export_ratchet_tree()
        .into()
}

#[test]
fn a_device_that_lost_its_database_comes_back_in_its_own_place() {
    let (alice, mut bob) = alice_and_bob();
    let commit = enter(&mut bob, &Disguise::honest(&alice));
    let opened = bob.open(&commit).unwrap();
    let Opened::Commit(Change { by, added, removed }) = opened else {
        panic!("not a commit: {opened:?}")
    };
    assert_eq!(by, (alice.keys.account(), alice.device()));
    assert_eq!(added, removed);
    assert_eq!(added[0].device, alice.device());
    let members = bob
        .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().members())
        .unwrap();
    assert_eq!(members.len(), 2);
}

#[test]
fn another_device_of_a_member_may_enter() {
    let (alice, mut bob) = alice_and_bob();
    let tablet = second_device(&alice, 12);
    let commit = enter(&mut bob, &Disguise::honest(&tablet));
    let opened = bob.open(&commit).unwrap();
    assert!(
        matches!(opened, Opened::Commit(Change { added, removed, .. }) if added[0].device == tablet.device() && removed.is_empty())
    );
}

#[test]
fn a_stranger_may_not_enter() {
    let (mut alice, mut bob) = alice_and_bob();
    let commit = enter(&mut bob, &Disguise::honest(&Person::new(3)));
    assert!(matches!(
        bob.open(&commit),
        Err(OpenError::Invalid(Fault::NotAllowed))
    ));
    let message = alice.seal("alone together");
    assert_eq!(bob.read(&message), "alone together");
}

#[test]
fn a_false_identity_may_not_enter() {
    let (alice, mut bob) = alice_and_bob();
    let stranger = Disguise::honest(&Person::new(3));
    let disguise = Disguise {
        hand: stranger.hand,
        ..Disguise::honest(&alice)
    };
    let commit = enter(&mut bob, &disguise);
    assert!(matches!(
        bob.open(&commit),
        Err(OpenError::Invalid(Fault::Identity(_)))
    ));
}
