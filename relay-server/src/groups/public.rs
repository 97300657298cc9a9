//! Validation of foundings and commits against the public state of a group.

use bytes::Bytes;
use openmls::{
    group::{GroupContext, ProposalStore, PublicGroup, StagedCommit},
    prelude::{
        ConfirmationTag, LeafNode, LeafNodeIndex, MlsMessageBodyIn, OpenMlsSignaturePublicKey,
        ProcessedMessageContent, Proposal, ProtocolMessage, Sender, Verifiable as _,
        group_info::VerifiableGroupInfo, tls_codec::Serialize as _,
    },
};
use openmls_rust_crypto::RustCrypto;
use openmls_traits::storage::CURRENT_VERSION;
use protocol::{AccountId, ConversationId, DeviceId, RelayId, Welcome};

use super::{
    leaf::{is_ours, named, owner, parse_message},
    snapshot::Snapshot,
};
use crate::store::{Added, Committer, DeviceInfo, GroupRow, Identity};

/// Commits between two snapshots.
const SNAPSHOT_EVERY: u32 = 64;
/// The most devices of a direct conversation.
const LEAVES: usize = 32;

/// A founding of a conversation as a client asks for it.
pub(crate) struct Founding {
    /// GroupInfo of epoch 0 with its tree.
    pub(crate) group_info: Bytes,
    pub(crate) conversation: ConversationId,
    pub(crate) incarnation: u32,
    /// The creator's and the other.
    pub(crate) accounts: (AccountId, AccountId),
}

/// A commit as a client proposes it.
pub(crate) struct Proposed {
    pub(crate) relay: RelayId,
    pub(crate) caller: Identity,
    pub(crate) bytes: Bytes,
    pub(crate) welcomes: Vec<Welcome>,
    pub(crate) group_info: Bytes,
    /// The registered devices of the accounts that may be in the group.
    pub(crate) devices: Vec<DeviceInfo>,
}

/// What a valid commit does.
#[derive(Debug)]
pub(crate) struct Valid {
    pub(crate) committer: Committer,
    pub(crate) added: Vec<Added>,
    /// Without the committer's own former leaf.
    pub(crate) removed: Vec<DeviceId>,
    pub(crate) snapshot: Option<Vec<u8>>,
}

/// A commit that verifies.
struct Staged {
    commit: StagedCommit,
    /// The leaf that sent it; none of an external commit.
    sender: Option<LeafNodeIndex>,
    tag: ConfirmationTag,
}

/// Why a commit is refused; for the log, not for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Invalid(pub(crate) &'static str);

/// The live public state of a group.
pub(super) struct Live {
    group: PublicGroup,
    since_snapshot: u32,
}

impl Live {
    fn epoch(&self) -> u64 {
        self.group.group_context().epoch().as_u64()
    }

    /// Whether this is the state of that epoch.
    pub(super) fn is_at(&self, conversation: ConversationId, incarnation: u32, epoch: u64) -> bool {
        self.group.group_id().as_slice() == conversation.group_id(incarnation)
            && self.epoch() == epoch
    }

    /// The ratchet tree, encoded.
    pub(super) fn tree(&self) -> Result<Vec<u8>, Invalid> {
        let tree = self.group.export_ratchet_tree();
        tree.tls_serialize_detached()
            .map_err(|_| Invalid("tree does not encode"))
    }

    /// Begins to follow a group that was just founded: epoch 0, one leaf, the caller's.
    pub(super) fn found(founding: &Founding, proposed: &Proposed) -> Result<Self, Invalid> {
        let info =
            parse_group_info(&founding.group_info).ok_or(Invalid("founding does not parse"))?;
        if info.group_id().as_slice() != founding.conversation.group_id(founding.incarnation)
            || info.epoch().as_u64() != 0
        {
            return Err(Invalid("founding of another group or epoch"));
        }
        if !is_ours(info.group_context()) {
            return Err(Invalid(
                "founding with a suite or extensions that are not ours",
            ));
        }
        let tree = info
            .extensions()
            .ratchet_tree()
            .ok_or(Invalid("founding without its tree"))?
            .ratchet_tree()
            .clone();
        let crypto = RustCrypto::default();
        let (group, _) = PublicGroup::from_external(
            &crypto,
            &Snapshot::Forget,
            tree,
            info,
            ProposalStore::new(),
        )
        .map_err(|_| Invalid("founding does not verify"))?;
        let mut members = group.members();
        let only = members
            .next()
            .filter(|_| members.next().is_none())
            .ok_or(Invalid("founding with other leaves"))?;
        let leaf = group
            .leaf(only.index)
            .ok_or(Invalid("founding without a leaf"))?;
        let owner = owner(leaf, proposed.relay, &proposed.devices)
            .ok_or(Invalid("founding leaf is of no known device"))?;
        if owner.device != proposed.caller.device {
            return Err(Invalid("founding leaf is of another device"));
        }
        drop(members);
        // the first commit makes the first snapshot
        Ok(Self {
            group,
            since_snapshot: SNAPSHOT_EVERY,
        })
    }

    /// Builds the state again from the store.
    pub(super) fn load(row: &GroupRow, conversation: ConversationId) -> Result<Self, Invalid> {
        let snapshot =
            Snapshot::from_bytes(&row.snapshot).map_err(|_| Invalid("snapshot does not decode"))?;
        let group_id = openmls::group::GroupId::from_slice(&conversation.group_id(row.incarnation));
        let group = PublicGroup::load(&snapshot, &group_id)
            .ok()
            .flatten()
            .ok_or(Invalid("snapshot does not load"))?;
        let mut live = Self {
            group,
            since_snapshot: 0,
        };
        for commit in &row.commits {
            let staged = live.stage(commit)?;
            live.merge(staged.commit)?;
        }
        if live.epoch() != row.epoch {
            return Err(Invalid("snapshot and commits lead to another epoch"));
        }
        Ok(live)
    }

    /// Checks a commit in full, and advances the state by it.
    pub(super) fn advance(&mut self, proposed: &Proposed) -> Result<Valid, Invalid> {
        let Staged {
            commit: staged,
            sender,
            tag,
        } = self.stage(&proposed.bytes)?;
        if let Some(leaf) = staged.update_path_leaf_node() {
            self.check_path_leaf(leaf, proposed)?;
        }
        let (committer, index, key) = match sender {
            Some(index) => {
                let leaf = self
                    .group
                    .leaf(index)
                    .ok_or(Invalid("sender is no member"))?;
                // it keeps its signature key: it is the device's registered one before and after
                (Committer::Member, index, leaf.signature_key().clone())
            }
            None => {
                let leaf = staged
                    .update_path_leaf_node()
                    .ok_or(Invalid("external commit without a path"))?;
                let index = self
                    .group
                    .ext_commit_sender_index(&staged)
                    .map_err(|_| Invalid("external commit without a leaf"))?;
                (Committer::Newcomer, index, leaf.signature_key().clone())
            }
        };
        if let Some(leaf) = sender.and_then(|index| self.group.leaf(index))
            && named(leaf.credential()) != Some((proposed.caller.account, proposed.caller.device))
        {
            return Err(Invalid("sender is another device"));
        }
        let (added, removed) = match committer {
            Committer::Member => self.changes(&staged, proposed)?,
            Committer::Newcomer => {
                self.check_entry(&staged, proposed)?;
                (Vec::new(), Vec::new())
            }
        };
        let info =
            parse_group_info(&proposed.group_info).ok_or(Invalid("group info does not parse"))?;
        let key = OpenMlsSignaturePublicKey::from_signature_key(
            key,
            self.group.ciphersuite().signature_algorithm(),
        );
        check_group_info(info, staged.group_context(), &tag, index, &key)?;
        let snapshot = self.merge(staged)?;
        if self.group.members().count() > LEAVES {
            return Err(Invalid("too many leaves"));
        }
        Ok(Valid {
            committer,
            added,
            removed,
            snapshot,
        })
    }

    /// A leaf that a path brings must be the one of the device that commits.
    fn check_path_leaf(&self, leaf: &LeafNode, proposed: &Proposed) -> Result<(), Invalid> {
        let owner = owner(leaf, proposed.relay, &proposed.devices)
            .ok_or(Invalid("path leaf is of no known device"))?;
        if owner.device == proposed.caller.device {
            Ok(())
        } else {
            Err(Invalid("path leaf is of another device"))
        }
    }

    /// Verifies a commit by the library's rules.
    fn stage(&self, bytes: &[u8]) -> Result<Staged, Invalid> {
        let Some(MlsMessageBodyIn::PublicMessage(message)) = parse_message(bytes) else {
            return Err(Invalid("commit is no PublicMessage"));
        };
        let tag = message
            .confirmation_tag()
            .cloned()
            .ok_or(Invalid("commit without confirmation tag"))?;
        let sender = match *message.sender() {
            Sender::Member(sender) => Some(sender),
            Sender::NewMemberCommit => None,
            Sender::External(_) | Sender::NewMemberProposal => {
                return Err(Invalid("sender is no member"));
            }
        };
        let processed = self
            .group
            .process_message(&RustCrypto::default(), ProtocolMessage::from(message))
            .map_err(|error| {
                tracing::debug!(?error, "process a commit");
                Invalid("commit does not verify")
            })?;
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            return Err(Invalid("message is no commit"));
        };
        Ok(Staged {
            commit: *staged,
            sender,
            tag,
        })
    }

    /// An external commit brings its sender in, in place of the former leaf of the same device, and does nothing else.
    fn check_entry(&self, staged: &StagedCommit, proposed: &Proposed) -> Result<(), Invalid> {
        let own = Some((proposed.caller.account, proposed.caller.device));
        let mut former = self
            .group
            .members()
            .filter(|member| named(&member.credential) == own)
            .map(|member| member.index);
        let former = (former.next(), former.next());
        let mut inits = 0;
        let mut removed = None;
        for queued in staged.queued_proposals() {
            match queued.proposal() {
                Proposal::ExternalInit(_) => inits += 1,
                Proposal::Remove(remove) if removed.is_none() => removed = Some(remove.removed()),
                _ => return Err(Invalid("external commit with a further proposal")),
            }
        }
        if inits != 1 || former != (removed, None) {
            return Err(Invalid("external commit that does more than to enter"));
        }
        if !proposed.welcomes.is_empty() {
            return Err(Invalid("welcome for a device that is not added"));
        }
        Ok(())
    }

    /// Whom the commit adds, each with its one welcome, and whom it removes.
    fn changes(
        &self,
        staged: &StagedCommit,
        proposed: &Proposed,
    ) -> Result<(Vec<Added>, Vec<DeviceId>), Invalid> {
        let mut added: Vec<Added> = Vec::new();
        let mut removed = Vec::new();
        for queued in staged.queued_proposals() {
            match queued.proposal() {
                Proposal::Add(add) => {
                    let package = add.key_package();
                    let device = owner(package.leaf_node(), proposed.relay, &proposed.devices)
                        .ok_or(Invalid("added leaf is of no known device"))?;
                    if added
                        .iter()
                        .any(|known| known.device.device == device.device)
                    {
                        return Err(Invalid("device added twice"));
                    }
                    let mut welcomes = proposed
                        .welcomes
                        .iter()
                        .filter(|welcome| welcome.device == device.device);
                    let welcome = welcomes
                        .next()
                        .filter(|_| welcomes.next().is_none())
                        .ok_or(Invalid("not one welcome for an added device"))?;
                    let reference = package
                        .hash_ref(&RustCrypto::default())
                        .map_err(|_| Invalid("key package has no hash"))?;
                    let Some(MlsMessageBodyIn::Welcome(parsed)) = parse_message(&welcome.bytes.0)
                    else {
                        return Err(Invalid("welcome does not parse"));
                    };
                    if !matches!(parsed.secrets(), [secret] if secret.new_member() == reference) {
                        return Err(Invalid("welcome is not for this key package alone"));
                    }
                    added.push(Added {
                        device: device.clone(),
                        welcome: welcome.bytes.0.clone(),
                    });
                }
                Proposal::Remove(remove) => {
                    let leaf = self
                        .group
                        .leaf(remove.removed())
                        .ok_or(Invalid("removed leaf is blank"))?;
                    let (account, device) =
                        named(leaf.credential()).ok_or(Invalid("removed leaf names nobody"))?;
                    let in_force = proposed
                        .devices
                        .iter()
                        .any(|known| known.device == device && !known.revoked);
                    // nobody throws the other person out of a direct conversation
                    if account != proposed.caller.account && in_force {
                        return Err(Invalid("removes a device of another account"));
                    }
                    removed.push(device);
                }
                _ => return Err(Invalid("proposal of a kind that is not allowed")),
            }
        }
        if proposed.welcomes.len() != added.len() {
            return Err(Invalid("welcome for a device that is not added"));
        }
        Ok((added, removed))
    }

    /// Takes the commit in; the new state as bytes where a snapshot is due.
    fn merge(&mut self, staged: StagedCommit) -> Result<Option<Vec<u8>>, Invalid> {
        self.since_snapshot += 1;
        let storage = if self.since_snapshot >= SNAPSHOT_EVERY {
            Snapshot::empty()
        } else {
            Snapshot::Forget
        };
        self.group
            .merge_commit(&storage, staged)
            .map_err(|_| Invalid("commit does not merge"))?;
        let snapshot = storage.into_bytes();
        if snapshot.is_some() {
            self.since_snapshot = 0;
        }
        Ok(snapshot)
    }
}

/// Whether these bytes are an external commit, as far as can be told without the group.
pub(crate) fn is_external(bytes: &[u8]) -> bool {
    matches!(
        parse_message(bytes),
        Some(MlsMessageBodyIn::PublicMessage(message)) if *message.sender() == Sender::NewMemberCommit
    )
}

fn parse_group_info(bytes: &[u8]) -> Option<VerifiableGroupInfo> {
    let MlsMessageBodyIn::GroupInfo(info) = parse_message(bytes)? else {
        return None;
    };
    Some(info)
}

/// The group info must be exactly what follows from the commit: group, epoch, tree, transcript, confirmation tag, and
/// signed by the committer.
fn check_group_info(
    info: VerifiableGroupInfo,
    context: &GroupContext,
    tag: &ConfirmationTag,
    signer: LeafNodeIndex,
    key: &OpenMlsSignaturePublicKey,
) -> Result<(), Invalid> {
    if info.extensions().ratchet_tree().is_some() {
        return Err(Invalid("group info with a tree"));
    }
    let expected = VerifiableGroupInfo::new(
        context.clone(),
        info.extensions().clone(),
        tag.clone(),
        signer,
        info.signature().clone(),
    );
    if expected != info {
        return Err(Invalid("group info of another state"));
    }
    let verified = info.verify(&RustCrypto::default(), key);
    verified
        .map(|_: openmls::prelude::group_info::GroupInfo| ())
        .map_err(|_| Invalid("group info is not signed by the committer"))
}

const _: () = assert!(
    CURRENT_VERSION == 1,
    "a new storage version of the library needs a migration of the snapshots"
);
