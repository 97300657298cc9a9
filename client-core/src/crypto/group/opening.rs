//! Opening what comes: content, and the commits of others, which are checked and merged.

use openmls::{
    framing::errors::MessageDecryptionError,
    prelude::{
        MlsGroup, MlsGroupStateError, MlsMessageIn, ProcessMessageError, ProcessedMessage,
        ProcessedMessageContent, ProtocolMessage, ValidationError,
        tls_codec::DeserializeBytes as _,
    },
};
use protocol::{AccountId, DeviceId};

use super::{Group, MAX_AAD};
use crate::{
    crypto::{Change, Failure, Fault, OpenError, commits, identity},
    store::mls::MlsStoreError,
};

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

impl Group<'_, '_> {
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
}

/// The authenticated data that goes beside a message in the clear. Whether its sender said so shows when the message is opened.
#[must_use]
pub fn clear_aad(bytes: &[u8]) -> Option<Vec<u8>> {
    match read(bytes) {
        Ok(ProtocolMessage::PrivateMessage(message)) if message.aad().len() <= MAX_AAD => {
            Some(message.aad().to_vec())
        }
        _ => None,
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
