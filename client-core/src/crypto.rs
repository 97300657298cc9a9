//! End-to-end encryption: the only place that sees keys.
//!
//! * [`AccountKeys`] are the account's and this device's long-term keys and certificates.
//! * [`Mls`] is MLS (RFC 9420) within **one database transaction**: it publishes key packages, founds, joins and loads groups.
//! * [`Group`] seals and opens; it cannot outlive its `Mls`, which cannot outlive the borrow of the transaction. A group
//!   object is ahead of the database as soon as a transaction is rolled back, and one used after that loses messages in
//!   silence; here the compiler refuses to keep one.
//!
//! What it never does: decide what to send, talk to the relay, look into content, or let a secret into a log. Everything
//! that comes from another device is checked here, in the types: root key → device-signing key → device → leaf.
//!
//! On an error that is a [`Failure`] the caller rolls the transaction back. Every other error is a verdict on the bytes that
//! were given, and leaves the state as it was.
//!
//! All MLS objects travel as `MLSMessage` (RFC 9420 §6): commits as PublicMessage, which the relay validates, content as
//! PrivateMessage, welcomes, group infos and key packages each under their own wire format.

mod account;
mod adding;
mod commits;
mod committing;
mod config;
mod failure;
mod founding;
mod group;
mod identity;
mod joining;
mod packages;
mod provider;
mod recovery;
mod rejoining;
mod safety;
mod secret;
mod signal;
mod wire;

use openmls::prelude::GroupId;
use openmls_traits::OpenMlsProvider as _;
use protocol::ConversationId;
use rusqlite::Connection;

pub use self::{
    account::{
        AccountKeys, KeysError, ManifestError, NewDevice, RecordError, RecoveryRecord,
        SealRecordError,
    },
    adding::{PeerDevices, WelcomeFor},
    commits::Change,
    committing::Commit,
    failure::{
        AddFault, CommitError, Failure, Fault, FoundError, IdentityFault, JoinError, OpenError,
        PackageFault, RejoinError, SealError,
    },
    founding::Founded,
    group::{Group, MAX_AAD, Opened, clear_aad},
    identity::MemberInfo,
    joining::Joined,
    packages::{CLOCK_GRACE, KEY_PACKAGE_LIFETIME, LastResort},
    recovery::{RecoveryCode, RecoveryCodeError, RecoveryLink},
    rejoining::Rejoined,
    safety::{Comparison, SafetyNumber, safety_number},
    signal::SignalKey,
};
use crate::{
    seams::Randomness,
    store::mls::{MlsStore, MlsStoreError},
};

/// MLS within one transaction.
pub struct Mls<'a> {
    provider: provider::Provider<'a>,
    keys: &'a AccountKeys,
    now_ms: u64,
}

impl<'a> Mls<'a> {
    /// Works on the running transaction of `connection`, as the device that owns `keys`. `now_ms` is the relay's time.
    #[must_use]
    pub fn new(
        connection: &'a Connection,
        random: &'a mut dyn Randomness,
        keys: &'a AccountKeys,
        now_ms: u64,
    ) -> Self {
        Self {
            provider: provider::Provider::new(MlsStore::new(connection), random),
            keys,
            now_ms,
        }
    }

    /// Makes signed key packages of this device, with which others add it to groups. Their private keys stay in the database
    /// until a welcome uses them up; that of a last-resort package stays.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn key_packages(
        &self,
        count: usize,
        last_resort: LastResort,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        (0..count)
            .map(|_| packages::make(self, last_resort))
            .collect()
    }

    /// Deletes the private keys of key packages that no welcome can name any more, and says how many. For once a day.
    ///
    /// # Errors
    /// [`Failure::Storage`].
    pub fn expire_key_packages(&self) -> Result<usize, Failure> {
        packages::expire(self)
    }

    /// Founds the group of a direct conversation: this device alone in epoch 0, and the pending commit to epoch 1 that adds
    /// all `others`: the devices of the peer and the other devices of the own account. The first `incarnation` is 0; a reset
    /// founds the next one, and the group of the one before stays as it is until the caller deletes it.
    ///
    /// Nothing is merged: the relay decides whether the commit stands. Then [`Group::merge_pending`], else
    /// [`Group::delete`].
    ///
    /// # Errors
    /// [`FoundError`]. Unless it is a [`Failure`], nothing was stored.
    pub fn found_direct(
        &self,
        conversation: ConversationId,
        incarnation: u32,
        others: &[PeerDevices],
    ) -> Result<Founded, FoundError> {
        founding::found_direct(self, conversation, incarnation, others)
    }

    /// Joins a group by a welcome for this device. The one-time key package that it names is used up, even if the welcome is
    /// refused.
    ///
    /// # Errors
    /// [`JoinError`].
    pub fn join(&self, welcome: &[u8]) -> Result<Joined, JoinError> {
        joining::join(self, welcome)
    }

    /// Comes into a group without a welcome, by an external commit: this device lost the group, or is a new one of an account
    /// that is in it. `group_info` and `tree` are what the relay gave. A leaf of this device under the same leaf key is
    /// replaced; leaves of the account's other devices stay, see [`Group::remove`].
    ///
    /// All members are checked before anything is stored, but not who they should be: a relay can show a group that it made
    /// of key packages, with a device of its own that reads along. The caller compares [`Rejoined::members`] with the two
    /// accounts and their manifests, and **rolls back** where anybody else is among them.
    ///
    /// What was stored of this group goes, and the new group is stored as it will be if the relay accepts. Until then
    /// [`Group::has_pending`] says so, also after a restart, and the group refuses to seal and to open: nothing may be sealed
    /// before the relay accepted, and [`Mls::join`] finds a group there. Accepted: [`Group::merge_pending`]. Another commit
    /// won: ask the relay anew and call this again; or [`Group::delete`].
    ///
    /// # Errors
    /// [`RejoinError`]. Unless it is a [`Failure`], nothing was changed.
    pub fn rejoin(
        &self,
        conversation: ConversationId,
        incarnation: u32,
        group_info: &[u8],
        tree: &[u8],
    ) -> Result<Rejoined, RejoinError> {
        rejoining::rejoin(self, conversation, incarnation, group_info, tree)
    }

    /// Loads a group; `None` where there is none.
    ///
    /// # Errors
    /// [`Failure::Storage`].
    pub fn load(
        &self,
        conversation: ConversationId,
        incarnation: u32,
    ) -> Result<Option<Group<'_, 'a>>, Failure> {
        Group::load(self, conversation, incarnation)
    }

    /// Forgets a group that is here and cannot be read: damaged state is of no use, and would be in the way of coming back.
    /// Says whether there was one. A group that can be read stays.
    ///
    /// # Errors
    /// [`Failure::Storage`] where the database failed.
    pub fn forget_unreadable(
        &self,
        conversation: ConversationId,
        incarnation: u32,
    ) -> Result<bool, Failure> {
        match Group::load(self, conversation, incarnation) {
            Ok(_) => Ok(false),
            Err(failure @ Failure::Storage(MlsStoreError::Database(_))) => Err(failure),
            Err(_) => {
                let id = GroupId::from_slice(&conversation.group_id(incarnation));
                let store = self.provider.storage();
                store.forget_group(&id, id.as_slice())?;
                Ok(true)
            }
        }
    }
}
