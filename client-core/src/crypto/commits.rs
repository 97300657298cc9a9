//! What the MLS library leaves to the application when a commit arrives: who the new leaves are, and whether this group may
//! change so.

use std::collections::BTreeSet;

use openmls::prelude::{MlsGroup, Proposal, Sender, StagedCommit};
use protocol::RelayId;

use super::{Fault, IdentityFault, MemberInfo, OpenError, identity};

/// Who comes and who goes by a commit.
pub(super) struct Change {
    pub(super) added: Vec<MemberInfo>,
    pub(super) removed: Vec<MemberInfo>,
}

/// Checks a commit before it is merged. The rules are those of a direct conversation: devices of its two accounts come and
/// go, leaves are renewed by their owners, and nothing else ever changes.
pub(super) fn check(
    group: &MlsGroup,
    sender: &Sender,
    commit: &StagedCommit,
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
    let mut members: BTreeSet<_> = group
        .members()
        .filter_map(|member| identity::owner(&member.credential))
        .collect();
    let accounts: BTreeSet<_> = members.iter().map(|(account, _)| *account).collect();

    let mut removed = Vec::new();
    for removal in commit.remove_proposals() {
        let index = removal.remove_proposal().removed();
        let leaf = group.public_group().leaf(index).ok_or(Fault::Commit)?;
        let info = identity::member(leaf, relay)?;
        members.remove(&(info.account, info.device));
        removed.push(info);
    }
    let mut added = Vec::new();
    for addition in commit.add_proposals() {
        let leaf = addition.add_proposal().key_package().leaf_node();
        added.push(identity::member(leaf, relay)?);
    }
    if let Some(leaf) = commit.update_path_leaf_node() {
        let info = identity::member(leaf, relay)?;
        match sender {
            Sender::Member(index) => {
                let before = group.public_group().leaf(*index);
                let before = before.and_then(|leaf| identity::owner(leaf.credential()));
                if before != Some((info.account, info.device)) {
                    return Err(IdentityFault::Owner.into());
                }
            }
            Sender::NewMemberCommit => added.push(info),
            Sender::External(_) | Sender::NewMemberProposal => {
                return Err(Fault::Unexpected.into());
            }
        }
    }
    for info in &added {
        if !accounts.contains(&info.account) {
            return Err(Fault::NotAllowed.into());
        }
        if !members.insert((info.account, info.device)) {
            return Err(IdentityFault::Owner.into());
        }
    }
    Ok(Change { added, removed })
}
