//! The table in which OpenMLS keeps groups, key packages and their private keys: a key-value store in the same database and
//! transaction as the messages.
//!
//! A key is one byte for the kind of row and the MessagePack form of what OpenMLS names the row by; a value is the
//! MessagePack form of what OpenMLS keeps. Both forms are **frozen** (struct maps, byte arrays as `bin`): databases in the
//! field hold them, and a golden database in the tests must load for ever. A change of form needs new kinds of rows.
//!
//! The values are secret. They leave this module only as OpenMLS' own types, and buffers are wiped.

use openmls_traits::storage::{CURRENT_VERSION, StorageProvider, traits};
use rmp_serde::{Serializer, config::BytesMode};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;
use zeroize::Zeroizing;

/// The table, for the first migration.
///
/// With a rowid: measured with 500 conversations, 4.8 MB against 7.8 MB without, because rows of up to 20 KiB spoil a b-tree
/// that holds them beside its keys. A message writes one page either way.
pub const SCHEMA: &str = "
CREATE TABLE mls_state (
    key             BLOB PRIMARY KEY NOT NULL,           -- kind of row (1 byte), then MessagePack of OpenMLS' name for it
    value           BLOB NOT NULL                        -- MessagePack of OpenMLS' value: secret; this file is encrypted
) STRICT;
";

/// Forgets all state: groups, and the private keys of key packages.
pub const FORGET: &str = "DELETE FROM mls_state";

/// Room for nearly every value at once, so that a growing buffer leaves no copies of secrets behind.
const BUFFER: usize = 16 * 1024;

/// The table could not be read or written.
#[derive(Debug, Error)]
pub enum MlsStoreError {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// A value has no MessagePack form.
    #[error("encode MLS state")]
    Encode,
    /// A row is damaged or from a version that is not known.
    #[error("decode MLS state")]
    Decode,
}

/// Rows by their keys; `None` for one that cannot be read.
pub type KeyedRows<T> = Vec<(Vec<u8>, Option<T>)>;

/// The kinds of rows. The numbers are in databases: never change or reuse one.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    JoinConfig = 1,
    OwnLeafNodes = 2,
    QueuedProposal = 3,
    ProposalRefs = 4,
    Tree = 5,
    InterimTranscriptHash = 6,
    Context = 7,
    ConfirmationTag = 8,
    GroupState = 9,
    MessageSecrets = 10,
    ResumptionPskStore = 11,
    OwnLeafIndex = 12,
    EpochSecrets = 13,
    SignatureKeyPair = 14,
    EncryptionKeyPair = 15,
    EpochKeyPairs = 16,
    KeyPackage = 17,
    Psk = 18,
    Unconfirmed = 19,
}

/// The rows that a group has one each of.
const OF_A_GROUP: [Kind; 12] = [
    Kind::JoinConfig,
    Kind::OwnLeafNodes,
    Kind::ProposalRefs,
    Kind::Tree,
    Kind::InterimTranscriptHash,
    Kind::Context,
    Kind::ConfirmationTag,
    Kind::GroupState,
    Kind::MessageSecrets,
    Kind::ResumptionPskStore,
    Kind::OwnLeafIndex,
    Kind::EpochSecrets,
];

/// OpenMLS' view of the table, within the running transaction of a connection.
pub struct MlsStore<'a> {
    connection: &'a Connection,
}

impl<'a> MlsStore<'a> {
    /// Uses the table of this connection. The caller holds a write transaction while it changes anything.
    #[must_use]
    pub const fn new(connection: &'a Connection) -> Self {
        Self { connection }
    }

    /// All key packages with their private keys, each with the key of its row; `None` for one that the disk has spoiled.
    ///
    /// # Errors
    /// [`MlsStoreError`].
    pub fn key_packages<T: DeserializeOwned>(&self) -> Result<KeyedRows<T>, MlsStoreError> {
        let (from, to) = ([Kind::KeyPackage as u8], [Kind::KeyPackage as u8 + 1]);
        let mut statement = self
            .connection
            .prepare_cached("SELECT key, value FROM mls_state WHERE key >= ?1 AND key < ?2")?;
        let mut rows = statement.query(params![from, to])?;
        let mut packages = Vec::new();
        while let Some(row) = rows.next()? {
            let value = row.get_ref(1)?.as_blob().ok();
            let package = value.and_then(|value| rmp_serde::from_slice(value).ok());
            packages.push((row.get(0)?, package));
        }
        Ok(packages)
    }

    /// Deletes a row that [`MlsStore::key_packages`] listed.
    ///
    /// # Errors
    /// [`MlsStoreError::Database`].
    pub fn remove_key_package(&self, key: &[u8]) -> Result<(), MlsStoreError> {
        self.connection
            .prepare_cached("DELETE FROM mls_state WHERE key = ?1")?
            .execute(params![key])?;
        Ok(())
    }

    /// The hash of the external commit by which a group was entered that the relay has not accepted yet. The library knows no
    /// such commit; the row is ours.
    ///
    /// # Errors
    /// [`MlsStoreError`].
    pub fn unconfirmed(&self, group_id: &[u8]) -> Result<Option<Vec<u8>>, MlsStoreError> {
        self.get(Kind::Unconfirmed, &group_id)
    }

    /// Keeps what [`MlsStore::unconfirmed`] reads.
    ///
    /// # Errors
    /// [`MlsStoreError`].
    pub fn set_unconfirmed(&self, group_id: &[u8], hash: &[u8]) -> Result<(), MlsStoreError> {
        self.put(Kind::Unconfirmed, &group_id, hash)
    }

    /// The group is entered, or will never be.
    ///
    /// # Errors
    /// [`MlsStoreError`].
    pub fn remove_unconfirmed(&self, group_id: &[u8]) -> Result<(), MlsStoreError> {
        self.remove(Kind::Unconfirmed, &group_id)
    }

    /// Deletes what a group is loaded from, without reading any of it: something of it is damaged. `name` is what the library
    /// calls the group by, `group_id` its bytes.
    ///
    /// # Errors
    /// [`MlsStoreError`].
    pub fn forget_group(
        &self,
        name: &impl Serialize,
        group_id: &[u8],
    ) -> Result<(), MlsStoreError> {
        for kind in OF_A_GROUP {
            self.remove(kind, name)?;
        }
        self.remove_unconfirmed(group_id)
    }

    fn put(
        &self,
        kind: Kind,
        key: &impl Serialize,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), MlsStoreError> {
        let (key, value) = (row_key(kind, key)?, encode(value)?);
        self.connection
            .prepare_cached(
                "INSERT INTO mls_state (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            )?
            .execute(params![key, *value])?;
        Ok(())
    }

    fn get<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &impl Serialize,
    ) -> Result<Option<T>, MlsStoreError> {
        self.connection
            .prepare_cached("SELECT value FROM mls_state WHERE key = ?1")?
            .query_row(params![row_key(kind, key)?], |row| {
                // read in place: no copy of a secret is made
                Ok(row
                    .get_ref(0)?
                    .as_blob()
                    .ok()
                    .and_then(|value| rmp_serde::from_slice(value).ok()))
            })
            .optional()?
            .map(|value| value.ok_or(MlsStoreError::Decode))
            .transpose()
    }

    fn remove(&self, kind: Kind, key: &impl Serialize) -> Result<(), MlsStoreError> {
        self.connection
            .prepare_cached("DELETE FROM mls_state WHERE key = ?1")?
            .execute(params![row_key(kind, key)?])?;
        Ok(())
    }

    fn get_list<T: DeserializeOwned>(
        &self,
        kind: Kind,
        key: &impl Serialize,
    ) -> Result<Vec<T>, MlsStoreError> {
        let items: Vec<Vec<u8>> = self.get(kind, key)?.unwrap_or_default();
        items
            .iter()
            .map(|item| rmp_serde::from_slice(item).map_err(|_| MlsStoreError::Decode))
            .collect()
    }

    /// Lists hold public things only: own leaves and references to proposals.
    fn change_list(
        &self,
        kind: Kind,
        key: &impl Serialize,
        change: impl FnOnce(&mut Vec<Vec<u8>>),
    ) -> Result<(), MlsStoreError> {
        let mut items = self.get(kind, key)?.unwrap_or_default();
        change(&mut items);
        self.put(kind, key, &items)
    }
}

fn encode(value: &(impl Serialize + ?Sized)) -> Result<Zeroizing<Vec<u8>>, MlsStoreError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(BUFFER));
    value
        .serialize(
            &mut Serializer::new(&mut *bytes)
                .with_struct_map()
                .with_bytes(BytesMode::ForceAll),
        )
        .map_err(|_| MlsStoreError::Encode)?;
    Ok(bytes)
}

fn row_key(kind: Kind, key: &impl Serialize) -> Result<Vec<u8>, MlsStoreError> {
    let mut bytes = vec![kind as u8];
    key.serialize(
        &mut Serializer::new(&mut bytes)
            .with_struct_map()
            .with_bytes(BytesMode::ForceAll),
    )
    .map_err(|_| MlsStoreError::Encode)?;
    Ok(bytes)
}

/// Declares the rows that are one value under one name: how they are written, read and deleted. The generic parameters are
/// those of the trait, in its order, each named after its bound.
macro_rules! rows {
    ($($kind:ident: $key:ident => $value:ident,
        $write:ident<$($write_generic:ident),+>, $read:ident<$($read_generic:ident),+>, $delete:ident;)+) => {
        $(
            fn $write<$($write_generic: traits::$write_generic<CURRENT_VERSION>),+>(
                &self,
                key: &$key,
                value: &$value,
            ) -> Result<(), Self::Error> {
                self.put(Kind::$kind, key, value)
            }

            fn $read<$($read_generic: traits::$read_generic<CURRENT_VERSION>),+>(
                &self,
                key: &$key,
            ) -> Result<Option<$value>, Self::Error> {
                self.get(Kind::$kind, key)
            }

            fn $delete<$key: traits::$key<CURRENT_VERSION>>(&self, key: &$key) -> Result<(), Self::Error> {
                self.remove(Kind::$kind, key)
            }
        )+
    };
}

#[rustfmt::skip]
impl StorageProvider<CURRENT_VERSION> for MlsStore<'_> {
    type Error = MlsStoreError;

    rows! {
        JoinConfig: GroupId => MlsGroupJoinConfig,
            write_mls_join_config<GroupId, MlsGroupJoinConfig>,
            mls_group_join_config<GroupId, MlsGroupJoinConfig>, delete_group_config;
        Tree: GroupId => TreeSync, write_tree<GroupId, TreeSync>, tree<GroupId, TreeSync>, delete_tree;
        InterimTranscriptHash: GroupId => InterimTranscriptHash,
            write_interim_transcript_hash<GroupId, InterimTranscriptHash>,
            interim_transcript_hash<GroupId, InterimTranscriptHash>, delete_interim_transcript_hash;
        Context: GroupId => GroupContext,
            write_context<GroupId, GroupContext>, group_context<GroupId, GroupContext>, delete_context;
        ConfirmationTag: GroupId => ConfirmationTag,
            write_confirmation_tag<GroupId, ConfirmationTag>,
            confirmation_tag<GroupId, ConfirmationTag>, delete_confirmation_tag;
        GroupState: GroupId => GroupState,
            write_group_state<GroupState, GroupId>, group_state<GroupState, GroupId>, delete_group_state;
        MessageSecrets: GroupId => MessageSecrets,
            write_message_secrets<GroupId, MessageSecrets>,
            message_secrets<GroupId, MessageSecrets>, delete_message_secrets;
        ResumptionPskStore: GroupId => ResumptionPskStore,
            write_resumption_psk_store<GroupId, ResumptionPskStore>,
            resumption_psk_store<GroupId, ResumptionPskStore>, delete_all_resumption_psk_secrets;
        OwnLeafIndex: GroupId => LeafNodeIndex,
            write_own_leaf_index<GroupId, LeafNodeIndex>, own_leaf_index<GroupId, LeafNodeIndex>, delete_own_leaf_index;
        EpochSecrets: GroupId => GroupEpochSecrets,
            write_group_epoch_secrets<GroupId, GroupEpochSecrets>,
            group_epoch_secrets<GroupId, GroupEpochSecrets>, delete_group_epoch_secrets;
        SignatureKeyPair: SignaturePublicKey => SignatureKeyPair,
            write_signature_key_pair<SignaturePublicKey, SignatureKeyPair>,
            signature_key_pair<SignaturePublicKey, SignatureKeyPair>, delete_signature_key_pair;
        EncryptionKeyPair: EncryptionKey => HpkeKeyPair,
            write_encryption_key_pair<EncryptionKey, HpkeKeyPair>,
            encryption_key_pair<HpkeKeyPair, EncryptionKey>, delete_encryption_key_pair;
        KeyPackage: HashReference => KeyPackage,
            write_key_package<HashReference, KeyPackage>, key_package<HashReference, KeyPackage>, delete_key_package;
        Psk: PskId => PskBundle, write_psk<PskId, PskBundle>, psk<PskBundle, PskId>, delete_psk;
    }

    fn append_own_leaf_node<GroupId: traits::GroupId<CURRENT_VERSION>, LeafNode: traits::LeafNode<CURRENT_VERSION>>(
        &self,
        group_id: &GroupId,
        leaf_node: &LeafNode,
    ) -> Result<(), Self::Error> {
        let item = encode(leaf_node)?.to_vec();
        self.change_list(Kind::OwnLeafNodes, group_id, |items| items.push(item))
    }

    fn own_leaf_nodes<GroupId: traits::GroupId<CURRENT_VERSION>, LeafNode: traits::LeafNode<CURRENT_VERSION>>(
        &self,
        group_id: &GroupId,
    ) -> Result<Vec<LeafNode>, Self::Error> {
        self.get_list(Kind::OwnLeafNodes, group_id)
    }

    fn delete_own_leaf_nodes<GroupId: traits::GroupId<CURRENT_VERSION>>(
        &self,
        group_id: &GroupId,
    ) -> Result<(), Self::Error> {
        self.remove(Kind::OwnLeafNodes, group_id)
    }

    fn queue_proposal<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        ProposalRef: traits::ProposalRef<CURRENT_VERSION>,
        QueuedProposal: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        proposal_ref: &ProposalRef,
        proposal: &QueuedProposal,
    ) -> Result<(), Self::Error> {
        self.put(Kind::QueuedProposal, &(group_id, proposal_ref), proposal)?;
        let item = encode(proposal_ref)?.to_vec();
        self.change_list(Kind::ProposalRefs, group_id, |items| items.push(item))
    }

    fn queued_proposal_refs<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        ProposalRef: traits::ProposalRef<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
    ) -> Result<Vec<ProposalRef>, Self::Error> {
        self.get_list(Kind::ProposalRefs, group_id)
    }

    fn queued_proposals<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        ProposalRef: traits::ProposalRef<CURRENT_VERSION>,
        QueuedProposal: traits::QueuedProposal<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
    ) -> Result<Vec<(ProposalRef, QueuedProposal)>, Self::Error> {
        self.get_list::<ProposalRef>(Kind::ProposalRefs, group_id)?
            .into_iter()
            .map(|proposal_ref| {
                let proposal = self.get(Kind::QueuedProposal, &(group_id, &proposal_ref))?;
                Ok((proposal_ref, proposal.ok_or(MlsStoreError::Decode)?))
            })
            .collect()
    }

    fn remove_proposal<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        ProposalRef: traits::ProposalRef<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        proposal_ref: &ProposalRef,
    ) -> Result<(), Self::Error> {
        let item = encode(proposal_ref)?;
        self.change_list(Kind::ProposalRefs, group_id, |items| items.retain(|other| *other != *item))?;
        self.remove(Kind::QueuedProposal, &(group_id, proposal_ref))
    }

    fn clear_proposal_queue<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        ProposalRef: traits::ProposalRef<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
    ) -> Result<(), Self::Error> {
        for proposal_ref in self.get_list::<ProposalRef>(Kind::ProposalRefs, group_id)? {
            self.remove(Kind::QueuedProposal, &(group_id, proposal_ref))?;
        }
        self.remove(Kind::ProposalRefs, group_id)
    }

    fn write_encryption_epoch_key_pairs<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        EpochKey: traits::EpochKey<CURRENT_VERSION>,
        HpkeKeyPair: traits::HpkeKeyPair<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        epoch: &EpochKey,
        leaf_index: u32,
        key_pairs: &[HpkeKeyPair],
    ) -> Result<(), Self::Error> {
        self.put(Kind::EpochKeyPairs, &(group_id, epoch, leaf_index), key_pairs)
    }

    fn encryption_epoch_key_pairs<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        EpochKey: traits::EpochKey<CURRENT_VERSION>,
        HpkeKeyPair: traits::HpkeKeyPair<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        epoch: &EpochKey,
        leaf_index: u32,
    ) -> Result<Vec<HpkeKeyPair>, Self::Error> {
        Ok(self.get(Kind::EpochKeyPairs, &(group_id, epoch, leaf_index))?.unwrap_or_default())
    }

    fn delete_encryption_epoch_key_pairs<
        GroupId: traits::GroupId<CURRENT_VERSION>,
        EpochKey: traits::EpochKey<CURRENT_VERSION>,
    >(
        &self,
        group_id: &GroupId,
        epoch: &EpochKey,
        leaf_index: u32,
    ) -> Result<(), Self::Error> {
        self.remove(Kind::EpochKeyPairs, &(group_id, epoch, leaf_index))
    }
}
