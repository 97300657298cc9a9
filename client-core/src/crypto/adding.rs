//! Adding devices to a group, at its founding or later: their key packages, the commit, and a welcome for each.

use std::collections::BTreeSet;

use openmls::prelude::{KeyPackage, MlsGroup, Welcome};
use openmls_traits::OpenMlsProvider as _;
use protocol::{DeviceId, Digest, identity::Manifest};

use super::{AddFault, Commit, Failure, Mls, config, packages, wire};

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

/// Devices that are to be added, each with its key package; all were checked.
pub(super) struct Joiners(Vec<(DeviceId, KeyPackage)>);

impl Joiners {
    /// Checks all packages. `members` are the devices that are in the group already.
    pub(super) fn open(
        mls: &Mls<'_>,
        mut members: BTreeSet<DeviceId>,
        others: &[PeerDevices],
    ) -> Result<Self, AddFault> {
        let mut joiners = Vec::new();
        for PeerDevices { manifest, packages } in others {
            for (device, bytes) in packages {
                if !members.insert(*device) {
                    return Err(AddFault::Twice(*device));
                }
                let package = packages::open(mls, manifest, *device, bytes)
                    .map_err(|fault| AddFault::Package(*device, fault))?;
                joiners.push((*device, package));
            }
        }
        if joiners.is_empty() {
            return Err(AddFault::NoDevices);
        }
        if members.len() > config::MAX_LEAVES {
            return Err(AddFault::TooMany);
        }
        Ok(Self(joiners))
    }

    /// Makes the commit that adds them all; it is pending then. Without a path: the packages are fresh, and it stays small at
    /// any size.
    pub(super) fn commit<E: From<AddFault> + From<Failure>>(
        &self,
        mls: &Mls<'_>,
        group: &mut MlsGroup,
    ) -> Result<Commit, E> {
        let epoch = group.epoch().as_u64();
        let (rand, crypto) = (mls.provider.rand(), mls.provider.crypto());
        let (commit, welcome, group_info) = group
            .commit_builder()
            .propose_adds(self.0.iter().map(|(_, package)| package.clone()))
            .load_psks(mls.provider.storage())
            .map_err(Failure::library)?
            .create_group_info(true)
            .use_ratchet_tree_extension(true)
            .build(rand, crypto, mls.keys, |_| true)
            // whatever the library says, the packages are what it stumbled over: all else is ours and tested
            .map_err(|_| AddFault::Unfit)?
            .stage_commit(&mls.provider)
            .map_err(Failure::library)?
            .into_contents();
        let commit = commit.to_bytes().map_err(Failure::library)?;
        let welcome =
            welcome.ok_or_else(|| Failure::library("a commit that adds without a welcome"))?;
        let group_info =
            group_info.ok_or_else(|| Failure::library("a commit without a group info"))?;
        Ok(Commit {
            hash: Digest::of(&[&commit]),
            commit,
            welcomes: self.split(mls, &welcome)?,
            group_info: wire::without_tree(&group_info, mls.keys)?,
            epoch,
        })
    }

    /// A welcome for all shows each joiner how many others there are, and grows with them: each gets its own.
    fn split(&self, mls: &Mls<'_>, welcome: &Welcome) -> Result<Vec<WelcomeFor>, Failure> {
        self.0
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
}
