//! Checks of a single leaf: whose it is, by credential, certificate and key.

use bytes::Bytes;
use openmls::prelude::{
    BasicCredential, Ciphersuite, Credential, KeyPackageIn, LeafNode, MlsMessageBodyIn, MlsMessageIn, ProtocolVersion,
    tls_codec::{DeserializeBytes as _, Error as CodecError},
};
use openmls_rust_crypto::RustCrypto;
use protocol::{AccountId, DeviceId, Digest};

use crate::store::DeviceInfo;

/// The leaf extension that holds a device certificate.
const CERTIFICATE_EXTENSION: u16 = 0xF102;
/// The suites that groups may use: X-Wing with AES-256 (the default), and the classic one for large groups.
const SUITES: [u16; 2] = [0x004E, 0x0003];

/// Whether groups may use this suite.
pub(super) fn is_allowed(suite: Ciphersuite) -> bool {
    SUITES.contains(&u16::from(suite))
}

/// The device that a credential names: Basic(account ‖ device).
pub(super) fn named(credential: &Credential) -> Option<(AccountId, DeviceId)> {
    let basic = BasicCredential::try_from(credential.clone()).ok()?;
    let (account, device) = basic.identity().split_at_checked(AccountId::LEN)?;
    Some((AccountId::from_slice(account)?, DeviceId::from_slice(device)?))
}

/// The registered device that a leaf belongs to: credential, certificate and signature key must all be the device's.
pub(super) fn owner<'a>(leaf: &LeafNode, devices: &'a [DeviceInfo]) -> Option<&'a DeviceInfo> {
    let (account, device) = named(leaf.credential())?;
    let known = devices.iter().find(|known| known.account == account && known.device == device)?;
    let certificate = leaf.extensions().unknown(CERTIFICATE_EXTENSION)?;
    // the registered certificate was verified when its manifest was taken in
    let same = Digest::of(&[&certificate.0]) == known.certificate
        && leaf.signature_key().as_slice() == known.leaf_key.as_bytes()
        && !known.revoked;
    same.then_some(known)
}

/// Whether the bytes are a valid key package of this device.
pub(crate) fn check_key_package(bytes: &Bytes, device: &DeviceInfo) -> bool {
    let Some(package) = parse_key_package(bytes) else { return false };
    let Ok(package) = package.validate(&RustCrypto::default(), ProtocolVersion::Mls10) else { return false };
    is_allowed(package.ciphersuite()) && owner(package.leaf_node(), std::slice::from_ref(device)).is_some()
}

/// Bare, or as an MLSMessage. The second field tells them apart: no suite that groups may use has the number of that
/// wire format.
fn parse_key_package(bytes: &[u8]) -> Option<KeyPackageIn> {
    if matches!(bytes, [0, 1, 0, 5, ..]) {
        let MlsMessageBodyIn::KeyPackage(package) = parse_message(bytes)? else { return None };
        return Some(package);
    }
    KeyPackageIn::tls_deserialize_exact_bytes(bytes).ok()
}

/// An MLSMessage (RFC 9420 §6) and nothing after it.
pub(super) fn parse_message(bytes: &[u8]) -> Option<MlsMessageBodyIn> {
    let message: Result<MlsMessageIn, CodecError> = MlsMessageIn::tls_deserialize_exact_bytes(bytes);
    message.ok().map(MlsMessageIn::extract)
}
