//! Who stands behind a leaf. The MLS library never asks; every leaf that comes in is checked here first.

use openmls::prelude::{BasicCredential, Credential, LeafNode};
use protocol::{
    AccountId, DeviceId, Key, RelayId,
    identity::{LeafIdentity, Manifest},
};

use super::IdentityFault;

/// A member's device, as its certificates say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberInfo {
    /// The account.
    pub account: AccountId,
    /// The device.
    pub device: DeviceId,
    /// The account's root key, for pinning. The account's id derives from it.
    pub root_key: Key,
    /// The version of the device-signing key that certified the device.
    pub dsk_version: u32,
    /// The signature key of its leaves.
    pub leaf_key: Key,
}

/// Checks the chain root key → device-signing key → device and that the leaf is that device's, on our relay.
pub(super) fn check(leaf: &LeafNode, relay: RelayId) -> Result<LeafIdentity, IdentityFault> {
    let extension = leaf
        .extensions()
        .unknown(LeafIdentity::EXTENSION_TYPE)
        .ok_or(IdentityFault::Missing)?;
    let identity = LeafIdentity::open(&extension.0)?;
    let device = &identity.device;
    if device.relay != relay {
        return Err(IdentityFault::Relay);
    }
    if leaf.signature_key().as_slice() != device.leaf_key.as_bytes() {
        return Err(IdentityFault::LeafKey);
    }
    if owner(leaf.credential()) != Some((device.account, device.device)) {
        return Err(IdentityFault::Credential);
    }
    Ok(identity)
}

/// As [`check`], for those who need to know no more than who it is.
pub(super) fn member(leaf: &LeafNode, relay: RelayId) -> Result<MemberInfo, IdentityFault> {
    check(leaf, relay).map(|identity| MemberInfo::from(&identity))
}

/// Checks that the manifest holds exactly this device.
pub(super) fn check_manifest(
    identity: &LeafIdentity,
    manifest: &Manifest,
) -> Result<(), IdentityFault> {
    let known = manifest.device(identity.device.device);
    if identity.root_key != manifest.root_key
        || identity.dsk != manifest.dsk
        || known != Some(&identity.device)
    {
        return Err(IdentityFault::Manifest);
    }
    Ok(())
}

/// Reads account and device from a credential of ours.
pub(super) fn owner(credential: &Credential) -> Option<(AccountId, DeviceId)> {
    let basic = BasicCredential::try_from(credential.clone()).ok()?;
    let (account, device) = basic.identity().split_at_checked(AccountId::LEN)?;
    Some((
        AccountId::from_slice(account)?,
        DeviceId::from_slice(device)?,
    ))
}

impl From<&LeafIdentity> for MemberInfo {
    fn from(identity: &LeafIdentity) -> Self {
        Self {
            account: identity.device.account,
            device: identity.device.device,
            root_key: identity.root_key,
            dsk_version: identity.dsk.version,
            leaf_key: identity.device.leaf_key,
        }
    }
}
