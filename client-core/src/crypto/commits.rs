//! What the MLS library leaves to the application when a commit arrives: who the new leaves are, and whether this group may
//! change so.

use std::collections::{BTreeMap, BTreeSet};

use openmls::prelude::{LeafNode, MlsGroup, Proposal, Sender, StagedCommit};
use protocol::{AccountId, DeviceId, RelayId};

use super::{Fault, IdentityFault, MemberInfo, OpenError, config, identity};

/// Who comes and who goes by a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The device that made it. Of an external commit, the device that comes in by it.
    pub by: (AccountId, DeviceId),
    /// The devices that come in, for the caller to compare with manifests.
    pub added: Vec<MemberInfo>,
    /// The devices that go. A device that comes back by an external commit is in both lists.
    pub removed: Vec<MemberInfo>,
}

impl Change {
    /// Whether only devices of the committer's own account go. For the other account's, its manifest has to say that they
    /// are revoked.
    #[must_use]
    pub fn removes_own_only(&self) -> bool {
        self.removed
            .iter()
            .all(|member| member.account == self.by.0)
    }
}

/// Checks a commit before it is merged, by the relay's rules: devices of the two accounts of a direct conversation come and
/// go, leaves are renewed by their owners and keep their leaf keys, a device that comes in by itself removes at most its own
/// old leaf, there are never too many, and nothing else ever changes.
///
/// Two rules need to know more than the group: who is in force, and who may remove the other account's devices. They are the
/// caller's, see [`super::Group::open_with`].
pub(super) fn check(
    group: &MlsGroup,
    sender: &Sender,
    commit: &StagedCommit,
    by: (AccountId, DeviceId),
    relay: RelayId,
) -> Result<Change, OpenError> {
    let allowed = commit.queued_proposals().all(|queued| {
        matches!(
            queued.proposal(),
            Proposal::Add(_) | Proposal::Remove(_) | Proposal::ExternalInit(_)
        )
    });
    if !allowed {
        return Err(Fault::NotAllowed.into());
    }
    let before: BTreeMap<_, _> = group
        .members()
        .filter_map(|member| Some((identity::owner(&member.credential)?, member.signature_key)))
        .collect();

    // a device has one leaf key for life
    let incoming = |leaf: &LeafNode| -> Result<MemberInfo, OpenError> {
        let info = identity::member(leaf, relay)?;
        let key = before.get(&(info.account, info.device));
        if key.is_some_and(|key| leaf.signature_key().as_slice() != key) {
            return Err(IdentityFault::Owner.into());
        }
        Ok(info)
    };

    let mut removed = Vec::new();
    for removal in commit.remove_proposals() {
        let index = removal.remove_proposal().removed();
        let leaf = group.public_group().leaf(index).ok_or(Fault::Commit)?;
        removed.push(identity::member(leaf, relay)?);
    }
    let mut added = Vec::new();
    for addition in commit.add_proposals() {
        added.push(incoming(addition.add_proposal().key_package().leaf_node())?);
    }
    if let Some(leaf) = commit.update_path_leaf_node() {
        let info = incoming(leaf)?;
        if (info.account, info.device) != by {
            return Err(IdentityFault::Owner.into());
        }
        match sender {
            Sender::Member(_) => {}
            Sender::NewMemberCommit => {
                if removed.iter().any(|old| (old.account, old.device) != by) {
                    return Err(Fault::NotAllowed.into());
                }
                added.push(info);
            }
            Sender::External(_) | Sender::NewMemberProposal => {
                return Err(Fault::Unexpected.into());
            }
        }
    }
    let accounts: BTreeSet<_> = before.keys().map(|(account, _)| *account).collect();
    let mut members: BTreeSet<_> = before.into_keys().collect();
    for info in &removed {
        members.remove(&(info.account, info.device));
    }
    for info in &added {
        if !accounts.contains(&info.account) {
            return Err(Fault::NotAllowed.into());
        }
        if !members.insert((info.account, info.device)) {
            return Err(IdentityFault::Owner.into());
        }
    }
    if members.len() > config::MAX_LEAVES {
        return Err(Fault::NotAllowed.into());
    }
    Ok(Change { by, added, removed })
}
