//! The relay's part: it follows a group by what is public, and by nothing else.

use client_core::crypto::Founded;
use openmls::prelude::{
    ConfirmationTag, LeafNodeIndex, MlsMessageBodyIn, MlsMessageIn, ProcessedMessageContent,
    ProposalStore, ProtocolMessage, PublicGroup, Verifiable as _,
    group_info::VerifiableGroupInfo,
    tls_codec::{DeserializeBytes as _, Serialize as _},
};
use openmls_rust_crypto::OpenMlsRustCrypto;
use openmls_traits::OpenMlsProvider as _;

use crate::{
    people::{Person, alice_and_bob},
    rejoin::rejoin,
};

pub(crate) struct Relay {
    provider: OpenMlsRustCrypto,
    group: PublicGroup,
    /// Who made the last commit, and its confirmation tag.
    last: Option<(LeafNodeIndex, ConfirmationTag)>,
}

fn group_info(bytes: &[u8]) -> VerifiableGroupInfo {
    match MlsMessageIn::tls_deserialize_exact_bytes(bytes)
        .unwrap()
        .extract()
    {
        MlsMessageBodyIn::GroupInfo(group_info) => group_info,
        other => panic!("not a group info: {other:?}"),
    }
}

impl Relay {
    pub(crate) fn new(founding: &[u8]) -> Self {
        let provider = OpenMlsRustCrypto::default();
        let info = group_info(founding);
        let tree = info
            .extensions()
            .ratchet_tree()
            .unwrap()
            .ratchet_tree()
            .clone();
        let (group, _) = PublicGroup::from_external(
            provider.crypto(),
            provider.storage(),
            tree,
            info,
            ProposalStore::new(),
        )
        .unwrap();
        Self {
            provider,
            group,
            last: None,
        }
    }

    /// Takes a commit in; panics if it does not hold.
    pub(crate) fn commit(&mut self, commit: &[u8]) {
        let message = MlsMessageIn::tls_deserialize_exact_bytes(commit).unwrap();
        let MlsMessageBodyIn::PublicMessage(message) = message.extract() else {
            panic!("not a public message");
        };
        let tag = message.confirmation_tag().unwrap().clone();
        let processed = self
            .group
            .process_message(self.provider.crypto(), ProtocolMessage::from(message))
            .unwrap();
        let committer = processed.credential().clone();
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            panic!("not a commit");
        };
        self.group
            .merge_commit(self.provider.storage(), *staged)
            .unwrap();
        let mut members = self.group.members();
        let leaf = members.find(|member| member.credential == committer);
        self.last = Some((leaf.unwrap().index, tag));
    }

    /// The group info is what follows from the last commit: context and confirmation tag, no tree, signed by the committer.
    pub(crate) fn check(&self, bytes: &[u8]) {
        let info = group_info(bytes);
        assert!(info.extensions().ratchet_tree().is_none());
        assert!(info.extensions().external_pub().is_some());
        let (committer, tag) = self.last.clone().unwrap();
        let expected = VerifiableGroupInfo::new(
            self.group.group_context().clone(),
            info.extensions().clone(),
            tag,
            committer,
            info.signature().clone(),
        );
        assert_eq!(info, expected);
        // and the signature
        let provider = OpenMlsRustCrypto::default();
        PublicGroup::from_external(
            provider.crypto(),
            provider.storage(),
            self.group.export_ratchet_tree().into(),
            info,
            ProposalStore::new(),
        )
        .unwrap();
    }

    /// What it gives to a device that comes back.
    pub(crate) fn tree(&self) -> Vec<u8> {
        self.group
            .export_ratchet_tree()
            .tls_serialize_detached()
            .unwrap()
    }
}

#[test]
fn the_relay_can_follow_a_founding() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let Founded {
        founding,
        commit,
        group_info: next,
        ..
    } = alice.found(&mut bob);
    let mut relay = Relay::new(&founding);
    assert_eq!(relay.group.group_context().epoch().as_u64(), 0);
    assert_eq!(relay.group.members().count(), 1);
    relay.commit(&commit);
    assert_eq!(relay.group.members().count(), 2);

    relay.check(&next);
}

#[test]
fn the_group_info_and_the_relays_tree_are_all_that_a_returning_device_needs() {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let founded = alice.found(&mut bob);
    let mut relay = Relay::new(&founded.founding);
    relay.commit(&founded.commit);
    let mut alice = alice.reborn(11);
    let state = (founded.group_info, relay.tree());
    let rejoined = rejoin(&mut alice, &state).unwrap();
    relay.commit(&rejoined.commit);
    relay.check(&rejoined.group_info);
    assert_eq!(relay.group.members().count(), 2);
    // and the next one by what the first one left
    let state = (rejoined.group_info, relay.tree());
    let rejoined = rejoin(&mut bob.reborn(12), &state).unwrap();
    relay.commit(&rejoined.commit);
    relay.check(&rejoined.group_info);
}

#[test]
fn what_the_relay_sees_of_a_message_tells_nothing_of_its_text() {
    let (mut alice, _bob) = alice_and_bob();
    let (short, long) = (alice.seal("yes"), alice.seal(&"n".repeat(30)));
    assert_eq!(short.len(), long.len());
    assert!(!long.windows(5).any(|window| window == b"nnnnn"));
}
