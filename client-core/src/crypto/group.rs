//! A group in use: what it is, sealing, and the commit that waits for a verdict.

mod opening;

use std::collections::BTreeSet;

use openmls::prelude::{GroupId, MlsGroup};
use openmls_traits::OpenMlsProvider as _;
use protocol::ConversationId;

pub use self::opening::{Opened, clear_aad};
use super::{
    Commit, CommitError, Failure, IdentityFault, MemberInfo, Mls, SealError, SignalKey, identity,
    rejoining::{self, Unconfirmed},
};

/// The most authenticated data of a message, in bytes. It is not padded, and every member stores what it makes of it.
pub const MAX_AAD: usize = 512;

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

    /// Whether a GroupInfo is of this very state: the same epoch after the same commits. Its signature is not looked at.
    ///
    /// # Errors
    /// [`Failure::Spent`].
    pub fn is_state(&self, group_info: &[u8]) -> Result<bool, Failure> {
        let context = self.group()?.public_group().group_context();
        Ok(
            rejoining::read_group_info(group_info)
                .is_ok_and(|info| info.group_context() == context),
        )
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
        self.unconfirmed = None;
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

    fn group(&self) -> Result<&MlsGroup, Failure> {
        self.group.as_ref().ok_or(Failure::Spent)
    }

    /// Takes the group out for a change; it is put back only if the change succeeded.
    fn take(&mut self) -> Result<MlsGroup, Failure> {
        self.group.take().ok_or(Failure::Spent)
    }
}
