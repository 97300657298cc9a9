//! The commits of this device to a group that it is in. Each is pending until the relay's verdict: then
//! [`Group::merge_pending`], else [`Group::clear_pending`].

use openmls::prelude::{LeafNodeIndex, MlsGroup};
use openmls_traits::OpenMlsProvider as _;
use protocol::Digest;

use super::{CommitError, Failure, Group, Mls, WelcomeFor, config};

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
