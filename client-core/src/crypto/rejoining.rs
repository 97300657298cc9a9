//! Coming into a group by oneself, with an external commit (RFC 9420 §12.4.3.2): a device that lost its group, and a new device
//! of an account that is in it.
//!
//! The MLS library knows no pending external commit: it stores the group as it will be once the relay accepted. So a row
//! beside it says that nobody accepted yet, and holds the commit's hash; while it is there, the group neither seals nor opens.

use std::collections::BTreeSet;

use openmls::prelude::{
    GroupId, MlsGroup, MlsMessageBodyIn, MlsMessageIn, RatchetTreeIn,
    group_info::VerifiableGroupInfo,
    tls_codec::{Deserialize as _, DeserializeBytes as _},
};
use openmls_traits::OpenMlsProvider as _;
use protocol::{ConversationId, Digest};

use super::{Failure, Group, IdentityFault, MemberInfo, Mls, RejoinError, config, identity};
use crate::store::mls::{MlsStore, MlsStoreError};

/// All that the relay needs to let a device in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejoined {
    /// The external commit.
    pub commit: Vec<u8>,
    /// The GroupInfo of the epoch that it begins, without the ratchet tree and signed by this device's new leaf.
    pub group_info: Vec<u8>,
    /// SHA-256 of the commit, by which the relay names the winner of an epoch.
    pub hash: Digest,
    /// The epoch that the commit ends.
    pub epoch: u64,
    /// All members once the commit stands, this device among them; each was checked. An older leaf of this account under
    /// another device is still there.
    pub members: Vec<MemberInfo>,
    /// Whether this device has a leaf already, whose place the new one takes.
    pub was_member: bool,
}

pub(super) fn rejoin(
    mls: &Mls<'_>,
    conversation: ConversationId,
    incarnation: u32,
    group_info: &[u8],
    tree: &[u8],
) -> Result<Rejoined, RejoinError> {
    let group_id = GroupId::from_slice(&conversation.group_id(incarnation));
    let info = read_group_info(group_info)?;
    let tree = read_tree(tree)?;
    check_settings(&info, &group_id)?;
    let was_member = check_leaves(mls, &tree, &group_id)?;

    let epoch = info.epoch().as_u64();
    let (provider, keys) = (&mls.provider, mls.keys);
    // whatever the library says here, what it was given is what it stumbled over; up to `finalize` it stores nothing
    let built = MlsGroup::external_commit_builder()
        .with_ratchet_tree(tree)
        .with_config(config::join())
        // members may have been away longer than their leaves' lifetime; and the computer's clock decides nothing
        .skip_lifetime_validation()
        .build_group(provider, info, config::credential(keys))
        .map_err(|_| RejoinError::Invalid)?
        .leaf_node_parameters(config::leaf_parameters(keys)?)
        .load_psks(provider.storage())
        .map_err(|_| RejoinError::Invalid)?
        .create_group_info(true)
        .use_ratchet_tree_extension(false)
        .build(provider.rand(), provider.crypto(), keys, |_| true)
        .map_err(|_| RejoinError::Invalid)?;

    if let Some(mut old) = Group::load(mls, conversation, incarnation)? {
        old.delete()?;
    }
    let (group, bundle) = built.finalize(provider).map_err(Failure::library)?;
    let (commit, _, group_info) = bundle.into_messages();
    let commit = commit.to_bytes().map_err(Failure::library)?;
    let group_info = group_info.ok_or_else(|| Failure::library("a commit without a group info"))?;
    let hash = Digest::of(&[&commit]);
    Unconfirmed(hash).store(provider.storage(), &group_id)?;
    let group = Group::new(
        mls,
        group,
        conversation,
        incarnation,
        Some(Unconfirmed(hash)),
    );
    Ok(Rejoined {
        commit,
        group_info: group_info.to_bytes().map_err(Failure::library)?,
        hash,
        epoch,
        members: group.members()?,
        was_member,
    })
}

/// The group is the one that was asked for, and is like ours. Its signature is checked later, against its signer's leaf.
fn check_settings(info: &VerifiableGroupInfo, group_id: &GroupId) -> Result<(), RejoinError> {
    if info.group_id() != group_id {
        return Err(RejoinError::OtherGroup);
    }
    let context = info.group_context();
    if context.ciphersuite() != config::SUITE || !config::is_ours(context.extensions()) {
        return Err(RejoinError::Foreign);
    }
    // the library would use that tree, and not the one that is checked here
    if info.extensions().ratchet_tree().is_some() {
        return Err(RejoinError::Malformed);
    }
    Ok(())
}

/// Checks all members before anything is stored: their identities, no device twice, a member of this account among them, and
/// this device's leaf key in the leaf of this device or nowhere. Says whether this device has a leaf.
fn check_leaves(
    mls: &Mls<'_>,
    tree: &RatchetTreeIn,
    group_id: &GroupId,
) -> Result<bool, RejoinError> {
    if tree.leaves().count() > config::MAX_LEAVES {
        return Err(RejoinError::TooMany);
    }
    let tree = tree
        .clone()
        .into_verified(config::SUITE, mls.provider.crypto(), group_id)
        .map_err(|_| RejoinError::Invalid)?;
    let own = (mls.keys.account(), mls.keys.device());
    let own_key = config::credential(mls.keys).signature_key;
    let mut seen = BTreeSet::new();
    for leaf in tree.leaves() {
        let member = identity::member(leaf, mls.keys.relay())?;
        let device = (member.account, member.device);
        if (device == own) != (*leaf.signature_key() == own_key) || !seen.insert(device) {
            return Err(IdentityFault::Owner.into());
        }
    }
    if !seen.iter().any(|(account, _)| *account == own.0) {
        return Err(RejoinError::Stranger);
    }
    let was_member = !seen.insert(own);
    if seen.len() > config::MAX_LEAVES {
        return Err(RejoinError::TooMany);
    }
    Ok(was_member)
}

/// By the reader that MLSMessages are read by: the library's other one has an assertion on the lengths in the bytes.
fn read_tree(mut bytes: &[u8]) -> Result<RatchetTreeIn, RejoinError> {
    match RatchetTreeIn::tls_deserialize(&mut bytes) {
        Ok(tree) if bytes.is_empty() => Ok(tree),
        _ => Err(RejoinError::Malformed),
    }
}

pub(super) fn read_group_info(bytes: &[u8]) -> Result<VerifiableGroupInfo, RejoinError> {
    let message =
        MlsMessageIn::tls_deserialize_exact_bytes(bytes).map_err(|_| RejoinError::Malformed)?;
    match message.extract() {
        MlsMessageBodyIn::GroupInfo(info) => Ok(info),
        _ => Err(RejoinError::Malformed),
    }
}

/// The hash of the external commit by which a stored group was entered, as long as the relay has not accepted it. It lies in a
/// row of its own beside those of the library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unconfirmed(Digest);

impl Unconfirmed {
    pub(super) fn load(
        store: &MlsStore<'_>,
        group_id: &GroupId,
    ) -> Result<Option<Self>, MlsStoreError> {
        let hash = store.unconfirmed(group_id.as_slice())?;
        hash.map(|hash| Digest::from_slice(&hash).ok_or(MlsStoreError::Decode))
            .map(|hash| hash.map(Self))
            .transpose()
    }

    fn store(self, store: &MlsStore<'_>, group_id: &GroupId) -> Result<(), MlsStoreError> {
        store.set_unconfirmed(group_id.as_slice(), self.0.as_bytes())
    }

    pub(super) fn remove(store: &MlsStore<'_>, group_id: &GroupId) -> Result<(), MlsStoreError> {
        store.remove_unconfirmed(group_id.as_slice())
    }

    /// Whether these bytes are that commit.
    pub(super) fn is(self, commit: &[u8]) -> bool {
        self.0 == Digest::of(&[commit])
    }
}
