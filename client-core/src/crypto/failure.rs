//! Errors that the caller decides by. A [`Failure`] is this computer's or program's; all else is a verdict on bytes.

use openmls_traits::types::CryptoError;
use protocol::{AccountId, DeviceId, identity::IdentityError};
use thiserror::Error;

use crate::{seams::RandomError, store::mls::MlsStoreError};

/// Something failed here, whatever the bytes were. The transaction must be rolled back.
#[derive(Debug, Error)]
pub enum Failure {
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] MlsStoreError),
    /// The source of randomness failed.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The MLS library failed where it should not. The text names the fault, no value.
    #[error("MLS: {0}")]
    Library(String),
    /// A [`super::Group`] was used after a failure, or after it was deleted.
    #[error("a group was used after an error")]
    Spent,
}

impl Failure {
    pub(super) fn library(error: impl std::fmt::Display) -> Self {
        Self::Library(error.to_string())
    }
}

impl From<CryptoError> for Failure {
    fn from(error: CryptoError) -> Self {
        Self::library(error)
    }
}

/// What is wrong with the identity of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentityFault {
    /// The leaf has no identity extension.
    #[error("no identity in the leaf")]
    Missing,
    /// The chain of certificates does not hold.
    #[error(transparent)]
    Chain(#[from] IdentityError),
    /// The device is certified for another relay.
    #[error("certified for another relay")]
    Relay,
    /// The leaf's signature key is not the one that is certified.
    #[error("another signature key than the certified one")]
    LeafKey,
    /// The leaf's credential names another account or device than the certificate.
    #[error("credential and certificate differ")]
    Credential,
    /// The account's manifest has another root key, or does not hold this certificate.
    #[error("not in the manifest")]
    Manifest,
    /// A device has two leaves, or a leaf changed its owner.
    #[error("a device has two leaves, or a leaf changed its owner")]
    Owner,
    /// The welcome makes this device a member under another identity.
    #[error("the own leaf is not of this device")]
    NotMine,
}

/// What is wrong with a key package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PackageFault {
    /// The bytes are no key package, a signature does not hold, or it is of another suite.
    #[error("not a valid key package")]
    Invalid,
    /// By the relay's time it may not be used any more, or is valid longer than any may be.
    #[error("expired")]
    Expired,
    /// See [`IdentityFault`].
    #[error(transparent)]
    Identity(#[from] IdentityFault),
}

/// What is wrong with devices that are to be added to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AddFault {
    /// There are none.
    #[error("no devices to add")]
    NoDevices,
    /// A device is named twice, or is a member.
    #[error("device {0} twice")]
    Twice(DeviceId),
    /// The account has no part in the conversation.
    #[error("account {0} is no member")]
    Stranger(AccountId),
    /// More devices than a group may have.
    #[error("too many devices")]
    TooMany,
    /// A key package that the relay handed out does not hold.
    #[error("key package of {0}: {1}")]
    Package(DeviceId, PackageFault),
    /// Each key package holds, but they make no group: two share a key, or one cannot do what the group requires.
    #[error("the key packages make no group")]
    Unfit,
}

/// Why a group was not founded.
#[derive(Debug, Error)]
pub enum FoundError {
    /// There is a group of this conversation and incarnation already.
    #[error("the group exists")]
    Exists,
    /// See [`AddFault`].
    #[error(transparent)]
    Devices(#[from] AddFault),
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Why a commit was not made.
#[derive(Debug, Error)]
pub enum CommitError {
    /// A commit of this device waits for the relay's verdict.
    #[error("a commit is pending")]
    Pending,
    /// See [`AddFault`].
    #[error(transparent)]
    Devices(#[from] AddFault),
    /// There is nobody to remove.
    #[error("no devices to remove")]
    NoDevices,
    /// The device that is to be removed is in the group no more, or never was.
    #[error("device {0} is no member")]
    NotMember(DeviceId),
    /// A device cannot remove itself.
    #[error("the own device cannot be removed")]
    OwnDevice,
    /// This device was removed from the group.
    #[error("not a member any more")]
    Removed,
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Why a welcome was not followed.
#[derive(Debug, Error)]
pub enum JoinError {
    /// The bytes are no welcome.
    #[error("not a welcome")]
    Malformed,
    /// No private key for it: it is for another device, or its one-time key package was used.
    #[error("no key for this welcome")]
    NoKey,
    /// This device is in that group already.
    #[error("already a member")]
    Exists,
    /// The group is none of ours: another suite, another kind of id, other requirements.
    #[error("not such a group")]
    Foreign,
    /// A member's identity does not hold.
    #[error(transparent)]
    Identity(#[from] IdentityFault),
    /// Anything else that does not hold in the welcome: a signature, a tag, the tree.
    #[error("the welcome does not hold")]
    Invalid,
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Why a device did not come back into a group.
#[derive(Debug, Error)]
pub enum RejoinError {
    /// The bytes are no group info, or no ratchet tree.
    #[error("no group info or no tree")]
    Malformed,
    /// They are of another conversation or incarnation.
    #[error("of another group")]
    OtherGroup,
    /// The group is none of ours: another suite, other requirements.
    #[error("not such a group")]
    Foreign,
    /// The group has more devices than it may have, or would have.
    #[error("too many devices")]
    TooMany,
    /// A member's identity does not hold.
    #[error(transparent)]
    Identity(#[from] IdentityFault),
    /// No device of this account is a member: the others would refuse this one.
    #[error("this account is no member")]
    Stranger,
    /// Anything else that does not hold: a signature, the tree, or that the two belong together.
    #[error("the group info or the tree does not hold")]
    Invalid,
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<MlsStoreError> for RejoinError {
    fn from(error: MlsStoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Why content was not sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// This device was removed from the group.
    #[error("not a member any more")]
    Removed,
    /// The authenticated data is longer than [`super::MAX_AAD`].
    #[error("too much authenticated data")]
    TooMuchAad,
    /// This device came back by a commit that the relay has not accepted yet.
    #[error("not a member yet")]
    Unconfirmed,
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// What does not hold in a message of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The bytes are no MLS message of a group.
    #[error("malformed")]
    Malformed,
    /// It belongs to another group.
    #[error("of another group")]
    OtherGroup,
    /// It cannot be decrypted.
    #[error("cannot be decrypted")]
    Undecryptable,
    /// Its authenticated data is longer than [`super::MAX_AAD`].
    #[error("too much authenticated data")]
    TooMuchAad,
    /// Its signature, its tag or its sender does not hold.
    #[error("not authentic")]
    NotAuthentic,
    /// The commit breaks the rules of MLS.
    #[error("invalid commit")]
    Commit,
    /// The commit does what commits of this group may not: add an account, change the group's settings.
    #[error("commit not allowed")]
    NotAllowed,
    /// The commit brings or removes a device against what the manifests say, see [`super::Group::open_with`].
    #[error("commit against the manifests")]
    Refused,
    /// The commit brings a leaf whose identity does not hold.
    #[error(transparent)]
    Identity(#[from] IdentityFault),
    /// A kind of message that has no place in a stream, such as a lone proposal.
    #[error("unexpected kind of message")]
    Unexpected,
}

/// Why a message was not opened. Only [`OpenError::Failure`] asks for a rollback.
#[derive(Debug, Error)]
pub enum OpenError {
    /// It was sealed in an earlier epoch; its keys are gone.
    #[error("of epoch {0}, which is past")]
    Stale(u64),
    /// It was sealed in a later epoch: a commit is missing before it.
    #[error("of epoch {0}, which is not reached")]
    Ahead(u64),
    /// Its key was used: it was opened before, or another message took its place in the sender's sequence.
    #[error("opened before")]
    AlreadyOpened,
    /// Its key is gone: too many later messages of its sender were opened.
    #[error("too late")]
    TooOld,
    /// Too many earlier messages of its sender are missing.
    #[error("too far ahead")]
    TooFar,
    /// This device was removed from the group.
    #[error("not a member any more")]
    Removed,
    /// This device came back by a commit that the relay has not accepted yet. Nothing comes before that commit.
    #[error("not a member yet")]
    Unconfirmed,
    /// The bytes do not hold, and never will.
    #[error(transparent)]
    Invalid(#[from] Fault),
    /// See [`Failure`].
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<IdentityFault> for OpenError {
    fn from(fault: IdentityFault) -> Self {
        Self::Invalid(Fault::Identity(fault))
    }
}
