//! The first two epochs of a conversation: the founder alone, and the commit that adds everybody else.

use std::collections::BTreeSet;

use openmls::prelude::{CommitMessageBundle, GroupId, KeyPackage, MlsGroup};
use openmls_traits::OpenMlsProvider as _;
use protocol::{ConversationId, DeviceId, Digest, identity::Manifest};

use super::{Failure, FoundError, Mls, config, packages, wire};

/// The devices of one account that are to be added.
#[derive(Clone, Debug)]
pub struct PeerDevices {
    /// The account's manifest, which the caller has compared with what it knew before.
    pub manifest: Manifest,
    /// A key package for each device, as the relay handed them out.
    pub packages: Vec<(DeviceId, Vec<u8>)>,
}

/// A welcome with the secrets of one device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WelcomeFor {
    /// The device that joins.
    pub device: DeviceId,
    /// The MLS Welcome.
    pub bytes: Vec<u8>,
}

/// All that the relay needs to make a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founded {
    /// The GroupInfo of epoch 0 with its ratchet tree of one leaf.
    pub founding: Vec<u8>,
    /// The commit from epoch 0 to 1, pending in the stored group.
    pub commit: Vec<u8>,
    /// One welcome for each device that the commit adds.
    pub welcomes: Vec<WelcomeFor>,
    /// The GroupInfo of epoch 1, without the ratchet tree.
    pub group_info: Vec<u8>,
    /// SHA-256 of the commit, by which the relay names the winner of an epoch.
    pub hash: Digest,
}

pub(super) fn found_direct(
    mls: &Mls<'_>,
    conversation: ConversationId,
    others: &[PeerDevices],
) -> Result<Founded, FoundError> {
    let joiners = open_packages(mls, others)?;
    let group_id = GroupId::from_slice(&conversation.group_id(0));
    if MlsGroup::load(mls.provider.storage(), &group_id)
        .map_err(Failure::from)?
        .is_some()
    {
        return Err(FoundError::Exists);
    }
    let mut group = MlsGroup::new_with_group_id(
        &mls.provider,
        mls.keys,
        &config::create(mls.keys, packages::lifetime(mls.now_ms))?,
        group_id,
        config::credential(mls.keys),
    )
    .map_err(Failure::library)?;
    let founding = group
        .export_group_info(mls.provider.crypto(), mls.keys, true)
        .map_err(Failure::library)?
        .to_bytes()
        .map_err(Failure::library)?;

    let (commit, welcome, group_info) = match add(mls, &mut group, &joiners) {
        Ok(bundle) => bundle.into_contents(),
        Err(error) => {
            group
                .delete(mls.provider.storage())
                .map_err(Failure::from)?;
            return Err(error);
        }
    };
    let commit = commit.to_bytes().map_err(Failure::library)?;
    let welcome =
        welcome.ok_or_else(|| Failure::library("a commit that adds without a welcome"))?;
    let group_info = group_info.ok_or_else(|| Failure::library("a commit without a group info"))?;
    Ok(Founded {
        founding,
        hash: Digest::of(&[&commit]),
        commit,
        welcomes: split_welcome(mls, &welcome, &joiners)?,
        group_info: wire::without_tree(&group_info, mls.keys)?,
    })
}

/// Makes the commit that adds all joiners. Without a path: their packages are fresh, and it stays small at any size.
fn add(
    mls: &Mls<'_>,
    group: &mut MlsGroup,
    joiners: &[(DeviceId, KeyPackage)],
) -> Result<CommitMessageBundle, FoundError> {
    let (rand, crypto) = (mls.provider.rand(), mls.provider.crypto());
    Ok(group
        .commit_builder()
        .propose_adds(joiners.iter().map(|(_, package)| package.clone()))
        .load_psks(mls.provider.storage())
        .map_err(Failure::library)?
        .create_group_info(true)
        .use_ratchet_tree_extension(true)
        .build(rand, crypto, mls.keys, |_| true)
        // whatever the library says, the packages are what it stumbled over: all else is ours and tested
        .map_err(|_| FoundError::Unfit)?
        .stage_commit(&mls.provider)
        .map_err(Failure::library)?)
}

/// Checks all packages before anything is stored.
fn open_packages(
    mls: &Mls<'_>,
    others: &[PeerDevices],
) -> Result<Vec<(DeviceId, KeyPackage)>, FoundError> {
    let mut seen = BTreeSet::from([mls.keys.device()]);
    let mut joiners = Vec::new();
    for PeerDevices { manifest, packages } in others {
        for (device, bytes) in packages {
            if !seen.insert(*device) {
                return Err(FoundError::NoDevices);
            }
            let package = packages::open(mls, manifest, *device, bytes)
                .map_err(|fault| FoundError::Package(*device, fault))?;
            joiners.push((*device, package));
        }
    }
    if joiners.is_empty() {
        return Err(FoundError::NoDevices);
    }
    if seen.len() > config::MAX_LEAVES {
        return Err(FoundError::TooMany);
    }
    Ok(joiners)
}

/// A welcome for all shows each joiner how many others there are, and grows with them: each gets its own.
fn split_welcome(
    mls: &Mls<'_>,
    welcome: &openmls::prelude::Welcome,
    joiners: &[(DeviceId, KeyPackage)],
) -> Result<Vec<WelcomeFor>, Failure> {
    joiners
        .iter()
        .map(|(device, package)| {
            let name = package
                .hash_ref(mls.provider.crypto())
                .map_err(Failure::library)?;
            let bytes = wire::welcome_for(welcome, &name)?;
            Ok(WelcomeFor {
                device: *device,
                bytes,
            })
        })
        .collect()
}
