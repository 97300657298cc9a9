//! The commits of this device to a group that it is in. Each is pending until the relay's verdict: then
//! [`Group::merge_pending`], else [`Group::clear_pending`].

use std::collections::BTreeSet;

use openmls::prelude::{LeafNodeIndex, MlsGroup};
use openmls_traits::OpenMlsProvider as _;
use protocol::{AccountId, DeviceId, Digest};

use super::{
    AddFault, CommitError, Failure, Group, Mls, PeerDevices, WelcomeFor, adding::Joiners, config,
    identity,
};

/// All that the relay needs to take a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The commit, pending in the stored group.
    pub commit: Vec<u8>,
    /// One welcome for each device that the commit adds; else empty.
    pub welcomes: Vec<WelcomeFor>,
    /// The GroupInfo of the epoch that it begins, without the ratchet tree.
    pub group_info: Vec<u8>,
    /// SHA-256 of the commit, by which the relay names the winner of an epoch.
    pub hash: Digest,
    /// The epoch that the commit ends.
    pub epoch: u64,
}

impl Group<'_, '_> {
    /// Renews the keys of this device's leaf, so that whoever learned the old ones reads no further. The leaf carries the
    /// certificates that the account's keys hold today; it has no lifetime then, as only the leaf of a key package has one.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn self_update(&mut self) -> Result<Commit, CommitError> {
        self.stage(|mls, group| with_path(mls, group, Vec::new()))
    }

    /// Adds devices of the accounts that are in the group. Whether they are in force the caller knows by the manifests.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn add(&mut self, others: &[PeerDevices]) -> Result<Commit, CommitError> {
        self.stage(|mls, group| {
            let members: Vec<_> = owners(group).map(|(_, owner)| owner).collect();
            let accounts: BTreeSet<_> = members.iter().map(|(account, _)| *account).collect();
            for PeerDevices { manifest, .. } in others {
                if !accounts.contains(&manifest.account()) {
                    return Err(AddFault::Stranger(manifest.account()).into());
                }
            }
            let members = members.into_iter().map(|(_, device)| device).collect();
            Joiners::open(mls, members, others)?.commit(mls, group)
        })
    }

    /// Removes devices, and renews this device's leaf, so that those who go read nothing that follows. The relay and the
    /// other members let a device remove those of its own account, and those that the other account's manifest revoked.
    ///
    /// # Errors
    /// [`CommitError`].
    pub fn remove(&mut self, devices: &[DeviceId]) -> Result<Commit, CommitError> {
        self.stage(|mls, group| {
            let own = group.own_leaf_index();
            let mut removed = BTreeSet::new();
            for device in devices {
                // the relay lets no two accounts have a device of one id; were it so, both would go or none
                let leaves: Vec<_> = owners(group)
                    .filter(|(_, (_, member))| member == device)
                    .map(|(index, _)| index)
                    .collect();
                if leaves.is_empty() {
                    return Err(CommitError::NotMember(*device));
                }
                removed.extend(leaves);
            }
            if removed.is_empty() {
                return Err(CommitError::NoDevices);
            }
            if removed.contains(&own) {
                return Err(CommitError::OwnDevice);
            }
            with_path(mls, group, removed.into_iter().collect())
        })
    }
}

/// The leaves, each with its account and device: every one was checked before it came in.
fn owners(group: &MlsGroup) -> impl Iterator<Item = (LeafNodeIndex, (AccountId, DeviceId))> {
    group.members().filter_map(|member| {
        let owner = identity::owner(&member.credential)?;
        Some((member.index, owner))
    })
}

/// Makes a commit that removes leaves and renews the own one: with a path, so that those who go learn no later secret.
fn with_path(
    mls: &Mls<'_>,
    group: &mut MlsGroup,
    removed: Vec<LeafNodeIndex>,
) -> Result<Commit, CommitError> {
    let epoch = group.epoch().as_u64();
    let (rand, crypto) = (mls.provider.rand(), mls.provider.crypto());
    let (commit, _, group_info) = group
        .commit_builder()
        .propose_removals(removed)
        .force_self_update(true)
        .leaf_node_parameters(config::leaf_parameters(mls.keys)?)
        .load_psks(mls.provider.storage())
        .map_err(Failure::library)?
        .create_group_info(true)
        .use_ratchet_tree_extension(false)
        .build(rand, crypto, mls.keys, |_| true)
        .map_err(Failure::library)?
        .stage_commit(&mls.provider)
        .map_err(Failure::library)?
        .into_messages();
    let commit = commit.to_bytes().map_err(Failure::library)?;
    let group_info = group_info.ok_or_else(|| Failure::library("a commit without a group info"))?;
    Ok(Commit {
        hash: Digest::of(&[&commit]),
        commit,
        welcomes: Vec::new(),
        group_info: group_info.to_bytes().map_err(Failure::library)?,
        epoch,
    })
}
