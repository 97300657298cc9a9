//! The stored form of a group's public state: MessagePack of what the library asks to store. The library's encoding is
//! self-describing; its parts are kept in one deterministic CBOR map.

use std::cell::RefCell;

use minicbor::{Decode, Encode};
use openmls_traits::{
    public_storage::PublicStorageProvider,
    storage::{CURRENT_VERSION, traits},
};
use protocol::cbor;
use rmp_serde::config::BytesMode;
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// The state cannot be encoded or decoded.
#[derive(Debug, Error)]
#[error("state of a group")]
pub(super) struct SnapshotError;

#[derive(Debug, Default, Encode, Decode)]
#[cbor(map)]
struct Parts {
    #[cbor(n(0), with = "minicbor::bytes")]
    tree: Vec<u8>,
    #[cbor(n(1), with = "minicbor::bytes")]
    context: Vec<u8>,
    #[cbor(n(2), with = "minicbor::bytes")]
    interim_transcript_hash: Vec<u8>,
    #[cbor(n(3), with = "minicbor::bytes")]
    confirmation_tag: Vec<u8>,
}

/// What the library writes to and reads from. It holds one group and no proposals: a relay accepts none by reference.
#[derive(Debug)]
pub(super) enum Snapshot {
    /// Takes what is written.
    Keep(RefCell<Box<SnapshotParts>>),
    /// Forgets what is written.
    Forget,
}

/// The parts of one state.
#[derive(Debug, Default)]
pub(super) struct SnapshotParts(Parts);

impl Snapshot {
    /// An empty one that takes what is written.
    pub(super) fn empty() -> Self {
        Self::Keep(RefCell::default())
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let parts = cbor::decode(bytes).map_err(|_| SnapshotError)?;
        Ok(Self::Keep(RefCell::new(Box::new(SnapshotParts(parts)))))
    }

    /// The stored form; `None` where it forgets.
    pub(super) fn into_bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Keep(parts) => Some(cbor::encode(&parts.into_inner().0)),
            Self::Forget => None,
        }
    }

    fn write<T: Serialize>(
        &self,
        value: &T,
        part: fn(&mut Parts) -> &mut Vec<u8>,
    ) -> Result<(), SnapshotError> {
        let Self::Keep(parts) = self else {
            return Ok(());
        };
        let mut bytes = Vec::new();
        let mut serializer = rmp_serde::Serializer::new(&mut bytes)
            .with_struct_map()
            .with_bytes(BytesMode::ForceAll);
        value
            .serialize(&mut serializer)
            .map_err(|_| SnapshotError)?;
        *part(&mut parts.borrow_mut().0) = bytes;
        Ok(())
    }

    fn read<T: DeserializeOwned>(
        &self,
        part: fn(&Parts) -> &Vec<u8>,
    ) -> Result<Option<T>, SnapshotError> {
        let Self::Keep(parts) = self else {
            return Ok(None);
        };
        let parts = parts.borrow();
        let bytes = part(&parts.0);
        if bytes.is_empty() {
            return Ok(None);
        }
        rmp_serde::from_slice(bytes)
            .map(Some)
            .map_err(|_| SnapshotError)
    }
}

impl PublicStorageProvider<CURRENT_VERSION> for Snapshot {
    type PublicError = SnapshotError;

    fn write_tree<G: traits::GroupId<CURRENT_VERSION>, T: traits::TreeSync<CURRENT_VERSION>>(
        &self,
        _: &G,
        tree: &T,
    ) -> Result<(), SnapshotError> {
        self.write(tree, |parts| &mut parts.tree)
    }

    fn write_interim_transcript_hash<
        G: traits::GroupId<CURRENT_VERSION>,
        T: traits::InterimTranscriptHash<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        hash: &T,
    ) -> Result<(), SnapshotError> {
        self.write(hash, |parts| &mut parts.interim_transcript_hash)
    }

    fn write_context<
        G: traits::GroupId<CURRENT_VERSION>,
        T: traits::GroupContext<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        context: &T,
    ) -> Result<(), SnapshotError> {
        self.write(context, |parts| &mut parts.context)
    }

    fn write_confirmation_tag<
        G: traits::GroupId<CURRENT_VERSION>,
        T: traits::ConfirmationTag<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        tag: &T,
    ) -> Result<(), SnapshotError> {
        self.write(tag, |parts| &mut parts.confirmation_tag)
    }

    fn queue_proposal<
        G: traits::GroupId<CURRENT_VERSION>,
        R: traits::ProposalRef<CURRENT_VERSION>,
        P: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        _: &R,
        _: &P,
    ) -> Result<(), SnapshotError> {
        Err(SnapshotError)
    }

    fn queued_proposals<
        G: traits::GroupId<CURRENT_VERSION>,
        R: traits::ProposalRef<CURRENT_VERSION>,
        P: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
    ) -> Result<Vec<(R, P)>, SnapshotError> {
        Ok(Vec::new())
    }

    fn tree<G: traits::GroupId<CURRENT_VERSION>, T: traits::TreeSync<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<Option<T>, SnapshotError> {
        self.read(|parts| &parts.tree)
    }

    fn group_context<
        G: traits::GroupId<CURRENT_VERSION>,
        T: traits::GroupContext<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
    ) -> Result<Option<T>, SnapshotError> {
        self.read(|parts| &parts.context)
    }

    fn interim_transcript_hash<
        G: traits::GroupId<CURRENT_VERSION>,
        T: traits::InterimTranscriptHash<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
    ) -> Result<Option<T>, SnapshotError> {
        self.read(|parts| &parts.interim_transcript_hash)
    }

    fn confirmation_tag<
        G: traits::GroupId<CURRENT_VERSION>,
        T: traits::ConfirmationTag<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
    ) -> Result<Option<T>, SnapshotError> {
        self.read(|parts| &parts.confirmation_tag)
    }

    // a state is replaced or dropped as a whole

    fn delete_tree<G: traits::GroupId<CURRENT_VERSION>>(&self, _: &G) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn delete_confirmation_tag<G: traits::GroupId<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn delete_context<G: traits::GroupId<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn delete_interim_transcript_hash<G: traits::GroupId<CURRENT_VERSION>>(
        &self,
        _: &G,
    ) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn remove_proposal<
        G: traits::GroupId<CURRENT_VERSION>,
        R: traits::ProposalRef<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
        _: &R,
    ) -> Result<(), SnapshotError> {
        Ok(())
    }

    fn clear_proposal_queue<
        G: traits::GroupId<CURRENT_VERSION>,
        R: traits::ProposalRef<CURRENT_VERSION>,
    >(
        &self,
        _: &G,
    ) -> Result<(), SnapshotError> {
        Ok(())
    }
}
