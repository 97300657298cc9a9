//! The first two epochs of a conversation: the founder alone, and the commit that adds everybody else.

use std::collections::BTreeSet;

use openmls::prelude::{GroupId, MlsGroup};
use openmls_traits::OpenMlsProvider as _;
use protocol::{ConversationId, Digest};

use super::{
    Commit, Failure, FoundError, Mls, PeerDevices, WelcomeFor, adding::Joiners, config, packages,
};

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
    incarnation: u32,
    others: &[PeerDevices],
) -> Result<Founded, FoundError> {
    let joiners = Joiners::open(mls, BTreeSet::from([mls.keys.device()]), others)?;
    let group_id = GroupId::from_slice(&conversation.group_id(incarnation));
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

    match joiners.commit::<FoundError>(mls, &mut group) {
        Ok(Commit {
            commit,
            welcomes,
            group_info,
            hash,
            epoch: _,
        }) => Ok(Founded {
            founding,
            commit,
            welcomes,
            group_info,
            hash,
        }),
        Err(error) => {
            group
                .delete(mls.provider.storage())
                .map_err(Failure::from)?;
            Err(error)
        }
    }
}
