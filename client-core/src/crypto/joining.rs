//! Following a welcome into a group that others made.

use openmls::prelude::{
    MlsMessageBodyIn, MlsMessageIn, StagedWelcome, Welcome, WelcomeError,
    tls_codec::DeserializeBytes as _,
};
use protocol::ConversationId;

use super::{Group, IdentityFault, JoinError, MemberInfo, Mls, config};
use crate::store::mls::MlsStoreError;

/// A group that was joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The conversation, as the group's id says. The caller compares it with the entry that brought the welcome.
    pub conversation: ConversationId,
    /// The incarnation of the group.
    pub incarnation: u32,
    /// The epoch in which this device joined.
    pub epoch: u64,
    /// All members, this device among them; each was checked.
    pub members: Vec<MemberInfo>,
}

pub(super) fn join(mls: &Mls<'_>, bytes: &[u8]) -> Result<Joined, JoinError> {
    let staged = StagedWelcome::build_from_welcome(&mls.provider, &config::join(), read(bytes)?)
        .map_err(refused)?
        // members may have been away longer than their leaves' lifetime; and the computer's clock decides nothing
        .skip_lifetime_validation()
        .build()
        .map_err(refused)?;
    let id = ConversationId::from_group_id(staged.group_context().group_id().as_slice());
    let (conversation, incarnation) = id.ok_or(JoinError::Foreign)?;
    if staged.group_context().ciphersuite() != config::SUITE
        || !config::is_ours(staged.group_context().extensions())
    {
        return Err(JoinError::Foreign);
    }
    // the library shows the leaves of a welcome only once the group is stored
    let group = staged.into_group(&mls.provider).map_err(refused)?;
    let epoch = group.epoch().as_u64();
    let mut group = Group::new(mls, group, conversation, incarnation, None);
    match members(mls, &group) {
        Ok(members) => Ok(Joined {
            conversation,
            incarnation,
            epoch,
            members,
        }),
        Err(error) => {
            group.delete()?;
            Err(error)
        }
    }
}

fn members(mls: &Mls<'_>, group: &Group<'_, '_>) -> Result<Vec<MemberInfo>, JoinError> {
    let members = group.check_members()??;
    let own = group.own_member()?;
    if (own.account, own.device) != (mls.keys.account(), mls.keys.device()) {
        return Err(JoinError::Identity(IdentityFault::NotMine));
    }
    Ok(members)
}

fn read(bytes: &[u8]) -> Result<Welcome, JoinError> {
    let message =
        MlsMessageIn::tls_deserialize_exact_bytes(bytes).map_err(|_| JoinError::Malformed)?;
    match message.extract() {
        MlsMessageBodyIn::Welcome(welcome) => Ok(welcome),
        _ => Err(JoinError::Malformed),
    }
}

fn refused(error: WelcomeError<MlsStoreError>) -> JoinError {
    match error {
        WelcomeError::StorageError(error) => JoinError::Failure(error.into()),
        WelcomeError::NoMatchingKeyPackage | WelcomeError::JoinerSecretNotFound => JoinError::NoKey,
        WelcomeError::GroupAlreadyExists => JoinError::Exists,
        WelcomeError::UnsupportedCiphersuite(_)
        | WelcomeError::UnsupportedMlsVersion
        | WelcomeError::UnsupportedCapability
        | WelcomeError::UnsupportedExtensions => JoinError::Foreign,
        _ => JoinError::Invalid,
    }
}
