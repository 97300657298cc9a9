//! Checks of a single leaf: whose it is, by its chain of certificates, its credential and its key.

use bytes::Bytes;
use openmls::{
    group::GroupContext,
    prelude::{
        BasicCredential, Ciphersuite, Credential, CredentialType, ExtensionType, LeafNode,
        MlsMessageBodyIn, MlsMessageIn, ProtocolVersion, RequiredCapabilitiesExtension,
        tls_codec::DeserializeBytes as _,
    },
};
use openmls_rust_crypto::RustCrypto;
use protocol::{AccountId, DeviceId, RelayId, identity::LeafIdentity};

use crate::store::{DeviceInfo, NewKeyPackage};

/// The one suite of this version of the protocol: X-Wing, AES-256-GCM, SHA-384, Ed25519.
const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;

/// Whether a group has the suite and the extensions of this version of the protocol, and no other.
pub(super) fn is_ours(context: &GroupContext) -> bool {
    let identity = ExtensionType::Unknown(LeafIdentity::EXTENSION_TYPE);
    let required = RequiredCapabilitiesExtension::new(&[identity], &[], &[CredentialType::Basic]);
    context.ciphersuite() == SUITE
        && context.protocol_version() == ProtocolVersion::Mls10
        && context.extensions().required_capabilities() == Some(&required)
        && context.extensions().iter().count() == 1
}

/// The device that a credential names: Basic(account ‖ device).
pub(super) fn named(credential: &Credential) -> Option<(AccountId, DeviceId)> {
    let basic = BasicCredential::try_from(credential.clone()).ok()?;
    let (account, device) = basic.identity().split_at_checked(AccountId::LEN)?;
    Some((
        AccountId::from_slice(account)?,
        DeviceId::from_slice(device)?,
    ))
}

/// The registered device that a leaf belongs to: chain, credential and signature key must all be the device's.
pub(super) fn owner<'a>(
    leaf: &LeafNode,
    relay: RelayId,
    devices: &'a [DeviceInfo],
) -> Option<&'a DeviceInfo> {
    let (account, device) = named(leaf.credential())?;
    let known = devices
        .iter()
        .find(|known| known.account == account && known.device == device)?;
    let chain =
        LeafIdentity::open(&leaf.extensions().unknown(LeafIdentity::EXTENSION_TYPE)?.0).ok()?;
    let same = chain.device.relay == relay
        && chain.device.account == account
        && chain.device.device == device
        && chain.device.leaf_key == known.leaf_key
        && AccountId::of_root_key(&chain.root_key) == account
        && leaf.signature_key().as_slice() == known.leaf_key.as_bytes()
        && !known.revoked;
    same.then_some(known)
}

/// How far a signed lifetime reaches beyond the time in which a package is usable, so that no clock objects to it.
const CLOCK_GRACE: u64 = 3650 * DAY;
/// The longest time for which a package is usable: 84 days, and one for a clock that is ahead.
const LONGEST: u64 = 85 * DAY;
const DAY: u64 = 24 * 60 * 60;

/// Checks that the bytes are a valid key package of this device and usable at `now`, and says until when it is.
pub(crate) fn check_key_package(
    bytes: Bytes,
    relay: RelayId,
    device: &DeviceInfo,
    now: u64,
) -> Option<NewKeyPackage> {
    let MlsMessageBodyIn::KeyPackage(package) = parse_message(&bytes)? else {
        return None;
    };
    let package = package
        .validate(&RustCrypto::default(), ProtocolVersion::Mls10)
        .ok()?;
    owner(package.leaf_node(), relay, std::slice::from_ref(device))?;
    let now = now / 1000;
    let end = package.life_time().not_after().saturating_sub(CLOCK_GRACE);
    let usable = now < end && end <= now.saturating_add(LONGEST);
    (usable && package.ciphersuite() == SUITE).then(|| NewKeyPackage {
        bytes,
        expires: end.saturating_mul(1000),
    })
}

/// An MLSMessage (RFC 9420 §6) and nothing after it.
pub(super) fn parse_message(bytes: &[u8]) -> Option<MlsMessageBodyIn> {
    MlsMessageIn::tls_deserialize_exact_bytes(bytes)
        .ok()
        .map(MlsMessageIn::extract)
}
