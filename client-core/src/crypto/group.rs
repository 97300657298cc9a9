//! A group in use: sealing, opening, and the commits that change it.

use std::collections::BTreeSet;

use openmls::{
    framing::errors::MessageDecryptionError,
    prelude::{
        GroupId, MlsGroup, MlsGroupStateError, MlsMessageIn, ProcessMessageError, ProcessedMessage,
        ProcessedMessageContent, ProtocolMessage, ValidationError,
        tls_codec::DeserializeBytes as _,
    },
};
use openmls_traits::OpenMlsProvider as _;
use protocol::{AccountId, ConversationId, DeviceId};

use super::{
    Change, Commit, CommitError, Failure, Fault, IdentityFault, MemberInfo, Mls, OpenError,
    SealError, SignalKey, commits, identity, rejoining::Unconfirmed,
};
use crate::store::mls::MlsStoreError;

/// The most authenticated data of a message, in bytes. It is not padded, and every member stores what it makes of it.
pub const MAX_AAD: usize = 512;

/// What a message of a group was.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened {
    /// Content.
    Content {
        /// Who sent it.
        account: AccountId,
        /// The device that sent it.
        device: DeviceId,
        /// The content.
        content: Vec<u8>,
        /// What was sealed with it in the clear: authentic, and read by the relay as well.
        aad: Vec<u8>,
    },
    /// Content that this device sealed itself; MLS cannot open it again, and it is known from when it was sealed.
    OwnContent,
    /// A commit of another device; it is merged, the group is in the next epoch.
    Commit(Change),
    /// The commit that is pending here, in the relay's order: it won. [`Group::merge_pending`] is next.
    OwnCommit,
}

/// A group within one transaction.
///
/// After a [`Failure`] it refuses to work: the transaction has to be rolled back.
pub struct Group<'m, 'a> {
    mls: &'m Mls<'a>,
    conversation: ConversationId,
    incarnation: u32,
    group: Option<MlsGroup>,
    unconfirmed: Option<Unconfirmed>,
}

impl<'m, 'a> Group<'m, 'a> {
    pub(super) const fn new(
        mls: &'m Mls<'a>,
        group: MlsGroup,
        conversation: ConversationId,
        incarnation: u32,
        unconfirmed: Option<Unconfirmed>,
    ) -> Self {
        Self {
            mls,
            conversation,
            incarnation,
            group: Some(group),
            unconfirmed,
        }
    }

    pub(super) fn load(
        mls: &'m Mls<'a>,
        conversation: ConversationId,
        incarnation: u32,
    ) -> Result<Option<Self>, Failure> {
        let group_id = GroupId::from_slice(&conversation.group_id(incarnation));
        let Some(group) = MlsGroup::load(mls.provider.storage(), &group_id)? else {
            return Ok(None);
        };
        let unconfirmed = Unconfirmed::load(mls.provider.storage(), &group_id)?;
        Ok(Some(Self::new(
            mls,
            group,
            conversation,
            incarnation,
            unconfirmed,
        )))
    }

    /// The conversation.
    #[must_use]
    pub const fn conversation(&self) -> ConversationId {
        self.conversation
    }

    /// The incarnation of the group.
    #[must_use]
    pub const fn incarnation(&self) -> u32 {
        self.incarnation
    }

    /// The epoch that the group is in.
    ///
    /// # Errors
    /// [`Failure::Spent`].
    pub fn epoch(&self) -> Result<u64, Failure> {
        Ok(self.group()?.epoch().as_u64())
    }

    /// Whether this device is a member.
    ///
    /// # Errors
    /// [`Failure::Spent`].
    pub fn is_active(&self) -> Result<bool, Failure> {
        Ok(self.group()?.is_active())
    }

    /// All members, this device among them.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn members(&self) -> Result<Vec<MemberInfo>, Failure> {
        // each leaf was checked before it came in
        self.check_members()?.map_err(Failure::library)
    }

    /// Whether a commit of this device waits for the relay's verdict. Content can be sealed meanwhile, in the old epoch; but
    /// not in a group that this device enters by [`Mls::rejoin`].
    ///
    /// # Errors
    /// [`Failure::Spent`].
    pub fn has_pending(&self) -> Result<bool, Failure> {
        Ok(self.group()?.pending_commit().is_some() || self.unconfirmed.is_some())
    }

    /// The relay accepted the pending commit: the group enters the next epoch, and one that was entered by [`Mls::rejoin`]
    /// can be used. Nothing happens where none is pending.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn merge_pending(&mut self) -> Result<(), Failure> {
        let mls = self.mls;
        let mut group = self.take()?;
        if self.unconfirmed.take().is_some() {
            Unconfirmed::remove(mls.provider.storage(), group.group_id())?;
        }
        group
            .merge_pending_commit(&mls.provider)
            .map_err(Failure::library)?;
        self.group = Some(group);
        Ok(())
    }

    /// The relay refused the pending commit: the group stays where it is. One that was to be entered by [`Mls::rejoin`] is
    /// deleted, as by [`Group::delete`]: it never was.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn clear_pending(&mut self) -> Result<(), Failure> {
        let mls = self.mls;
        if self.unconfirmed.is_some() {
            return self.delete();
        }
        let mut group = self.take()?;
        group.clear_pending_commit(mls.provider.storage())?;
        self.group = Some(group);
        Ok(())
    }

    /// Encrypts and signs content in the current epoch. `aad` goes with it in the clear and is signed too (RFC 9420 §6.3.1):
    /// for what the relay may know; at most [`MAX_AAD`] bytes, empty for none.
    ///
    /// The bytes may be sent **only after the transaction is committed**: after a rollback the same key seals the next
    /// content, and receivers drop one of the two.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn seal(&mut self, content: &[u8], aad: &[u8]) -> Result<Vec<u8>, SealError> {
        let mls = self.mls;
        if aad.len() > MAX_AAD {
            return Err(SealError::TooMuchAad);
        }
        if self.unconfirmed.is_some() {
            return Err(SealError::Unconfirmed);
        }
        if !self.is_active()? {
            return Err(SealError::Removed);
        }
        let mut group = self.take()?;
        // for this one message: the library forgets it when the message is made
        group.set_aad(aad.to_vec());
        let message = group
            .create_message(&mls.provider, mls.keys, content)
            .map_err(Failure::library)?;
        let bytes = message.to_bytes().map_err(Failure::library)?;
        self.group = Some(group);
        Ok(bytes)
    }

    /// As [`Group::open_with`], for a caller that knows no manifests: a commit may bring any device that is certified for
    /// one of the two accounts, and may remove devices of the account that made it.
    ///
    /// # Errors
    /// [`OpenError`]. Unless it is a [`Failure`], the state is what it was.
    pub fn open(&mut self, bytes: &[u8]) -> Result<Opened, OpenError> {
        self.open_with(bytes, Change::removes_own_only)
    }

    /// Opens what the relay delivered in this conversation's stream.
    ///
    /// A commit is checked, all new leaves with it: commits of a direct conversation add devices of the accounts that are in
    /// it, remove devices, renew leaves, and do nothing else. Then `judge` is asked, who knows the manifests: is each device
    /// that comes in force, and is each one that goes either of the account that made the commit or revoked? Only then is it
    /// merged. A relay refuses such commits too, so one that is refused here was let through by a relay that does not do its
    /// part; the group stays in the old epoch, and the others may be in the next.
    ///
    /// # Errors
    /// [`OpenError`]. Unless it is a [`Failure`], the state is what it was.
    pub fn open_with(
        &mut self,
        bytes: &[u8],
        judge: impl FnOnce(&Change) -> bool,
    ) -> Result<Opened, OpenError> {
        if let Some(unconfirmed) = self.unconfirmed {
            let own = unconfirmed.is(bytes);
            return own
                .then_some(Opened::OwnCommit)
                .ok_or(OpenError::Unconfirmed);
        }
        let message = read(bytes)?;
        let mut group = self.take()?;
        if message.group_id() != group.group_id() {
            self.group = Some(group);
            return Err(Fault::OtherGroup.into());
        }
        // before the message's key is used up; that of a commit is looked at before it is merged
        if let ProtocolMessage::PrivateMessage(message) = &message
            && message.aad().len() > MAX_AAD
        {
            self.group = Some(group);
            return Err(Fault::TooMuchAad.into());
        }
        let (epoch, current) = (message.epoch().as_u64(), group.epoch().as_u64());
        if epoch != current {
            self.group = Some(group);
            return Err(if epoch < current {
                OpenError::Stale(epoch)
            } else {
                OpenError::Ahead(epoch)
            });
        }
        let result = group
            .process_message(&self.mls.provider, message)
            .map_err(refused)
            .and_then(|processed| self.apply(&mut group, processed, judge));
        match &result {
            Err(OpenError::Failure(_)) => {}
            // a refused message may have left traces in the object, but none in the database
            Err(_) => self.reload(group.group_id())?,
            Ok(_) => self.group = Some(group),
        }
        result
    }

    /// The GroupInfo of the current epoch without the ratchet tree, as the relay keeps it for those who come back.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn group_info(&self) -> Result<Vec<u8>, Failure> {
        let message = self
            .group()?
            .export_group_info(self.mls.provider.crypto(), self.mls.keys, false)
            .map_err(Failure::library)?;
        message.to_bytes().map_err(Failure::library)
    }

    /// The key for signals of the current epoch.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn signal_key(&self) -> Result<SignalKey, Failure> {
        let group = self.group()?;
        let secret = group
            .export_secret(
                self.mls.provider.crypto(),
                SignalKey::LABEL,
                &[],
                SignalKey::LEN,
            )
            .map_err(Failure::library)?;
        SignalKey::new(
            secret,
            self.conversation,
            self.incarnation,
            group.epoch().as_u64(),
        )
    }

    /// Deletes the group and its secrets from the database: a founding or a rejoining that lost, or an incarnation that
    /// ended.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn delete(&mut self) -> Result<(), Failure> {
        let mls = self.mls;
        let mut group = self.take()?;
        Unconfirmed::remove(mls.provider.storage(), group.group_id())?;
        Ok(group.delete(mls.provider.storage())?)
    }

    /// Makes a commit, which is pending then.
    pub(super) fn stage(
        &mut self,
        make: impl FnOnce(&Mls<'_>, &mut MlsGroup) -> Result<Commit, CommitError>,
    ) -> Result<Commit, CommitError> {
        let mls = self.mls;
        if self.has_pending()? {
            return Err(CommitError::Pending);
        }
        if !self.is_active()? {
            return Err(CommitError::Removed);
        }
        let mut group = self.take()?;
        let result = make(mls, &mut group);
        match &result {
            Err(CommitError::Failure(_)) => {}
            // a refused change may have left traces in the object, but none in the database
            Err(_) => self.reload(group.group_id())?,
            Ok(_) => self.group = Some(group),
        }
        result
    }

    fn reload(&mut self, group_id: &GroupId) -> Result<(), Failure> {
        self.group = MlsGroup::load(self.mls.provider.storage(), group_id)?;
        Ok(())
    }

    /// Every leaf's identity, checked; and no device twice.
    pub(super) fn check_members(&self) -> Result<Result<Vec<MemberInfo>, IdentityFault>, Failure> {
        let group = self.group()?;
        let mut seen = BTreeSet::new();
        Ok(group
            .members()
            .filter_map(|member| group.public_group().leaf(member.index))
            .map(|leaf| {
                let info = identity::member(leaf, self.mls.keys.relay())?;
                if seen.insert((info.account, info.device)) {
                    Ok(info)
                } else {
                    Err(IdentityFault::Owner)
                }
            })
            .collect())
    }

    /// This device's own leaf, checked.
    pub(super) fn own_member(&self) -> Result<MemberInfo, IdentityFault> {
        let leaf = self.group.as_ref().and_then(|group| group.own_leaf_node());
        identity::member(leaf.ok_or(IdentityFault::NotMine)?, self.mls.keys.relay())
    }

    fn apply(
        &self,
        group: &mut MlsGroup,
        message: ProcessedMessage,
        judge: impl FnOnce(&Change) -> bool,
    ) -> Result<Opened, OpenError> {
        let sender = message.sender().clone();
        let owner = identity::owner(message.credential()).ok_or(Fault::NotAuthentic)?;
        if message.aad().len() > MAX_AAD {
            return Err(Fault::TooMuchAad.into());
        }
        let aad = message.aad().to_vec();
        match message.into_content() {
            ProcessedMessageContent::ApplicationMessage(content) => Ok(Opened::Content {
                account: owner.0,
                device: owner.1,
                content: content.into_bytes(),
                aad,
            }),
            ProcessedMessageContent::OwnPrivateMessage => Ok(Opened::OwnContent),
            ProcessedMessageContent::OwnPendingCommit => Ok(Opened::OwnCommit),
            ProcessedMessageContent::StagedCommitMessage(commit) => {
                let change = commits::check(group, &sender, &commit, owner, self.mls.keys.relay())?;
                if !judge(&change) {
                    return Err(Fault::Refused.into());
                }
                group
                    .merge_staged_commit(&self.mls.provider, *commit)
                    .map_err(Failure::library)?;
                Ok(Opened::Commit(change))
            }
            _ => Err(Fault::Unexpected.into()),
        }
    }

    fn group(&self) -> Result<&MlsGroup, Failure> {
        self.group.as_ref().ok_or(Failure::Spent)
    }

    /// Takes the group out for a change; it is put back only if the change succeeded.
    fn take(&mut self) -> Result<MlsGroup, Failure> {
        self.group.take().ok_or(Failure::Spent)
    }
}

fn read(bytes: &[u8]) -> Result<ProtocolMessage, Fault> {
    MlsMessageIn::tls_deserialize_exact_bytes(bytes)
        .ok()
        .and_then(|message| message.try_into_protocol_message().ok())
        .ok_or(Fault::Malformed)
}

/// Everything but the database is a verdict on the bytes: a message that made the library stumble would else come back for
/// ever, and anybody could send one.
fn refused(error: ProcessMessageError<MlsStoreError>) -> OpenError {
    match error {
        ProcessMessageError::StorageError(error) => OpenError::Failure(error.into()),
        ProcessMessageError::GroupStateError(MlsGroupStateError::UseAfterEviction) => {
            OpenError::Removed
        }
        ProcessMessageError::ValidationError(ValidationError::UnableToDecrypt(error)) => {
            undecryptable(error)
        }
        ProcessMessageError::ValidationError(ValidationError::WrongGroupId) => {
            Fault::OtherGroup.into()
        }
        ProcessMessageError::ValidationError(ValidationError::KeyPackageVerifyError(_))
        | ProcessMessageError::InvalidCommit(_) => Fault::Commit.into(),
        ProcessMessageError::ValidationError(_) => Fault::NotAuthentic.into(),
        _ => Fault::Unexpected.into(),
    }
}

fn undecryptable(error: MessageDecryptionError) -> OpenError {
    match error {
        // the library does not export the type of this error, so its variants are told apart by their names; the version is
        // pinned, and a test provokes each
        MessageDecryptionError::SecretTreeError(error) => match format!("{error:?}").as_str() {
            "SecretReuseError" => OpenError::AlreadyOpened,
            "TooDistantInThePast" => OpenError::TooOld,
            "TooDistantInTheFuture" => OpenError::TooFar,
            _ => Fault::Undecryptable.into(),
        },
        _ => Fault::Undecryptable.into(),
    }
}
