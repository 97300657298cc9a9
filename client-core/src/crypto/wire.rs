//! Two things that the MLS library does not offer: a welcome for one, and a group info without its tree.

use openmls::prelude::{
    Extensions, KeyPackageRef, ProtocolVersion, SignContent, Welcome, WireFormat,
    group_info::GroupInfo,
    tls_codec::{Serialize, Size, VLBytes},
};
use openmls_traits::signatures::Signer;

use super::Failure;

/// Cuts a welcome for many down to one joiner (RFC 9420 §12.4.3.1): the same encrypted group info, one entry of secrets.
pub(super) fn welcome_for(welcome: &Welcome, joiner: &KeyPackageRef) -> Result<Vec<u8>, Failure> {
    let secrets = welcome.secrets();
    let own = secrets
        .iter()
        .find(|entry| entry.new_member() == *joiner)
        .ok_or_else(|| Failure::library("a welcome without the secrets of a joiner"))?;
    let head = welcome.ciphersuite().tls_serialized_len() + secrets.tls_serialized_len();
    let whole = bytes(welcome)?;
    let group_info = whole
        .get(head..)
        .ok_or_else(|| Failure::library("a welcome that is too short"))?;

    let mut message = header(WireFormat::Welcome)?;
    message.extend(bytes(&welcome.ciphersuite())?);
    message.extend(bytes(&[own].as_slice())?);
    message.extend_from_slice(group_info);
    Ok(message)
}

/// Signs a group info again without its ratchet tree, which the relay knows by itself: the library puts the tree into the
/// welcome and into this, or into neither.
pub(super) fn without_tree(
    group_info: &GroupInfo,
    signer: &impl Signer,
) -> Result<Vec<u8>, Failure> {
    let context = bytes(group_info.group_context())?;
    let whole = bytes(group_info)?;
    let signature = bytes(group_info.signature())?;
    // what stands between the extensions and the signature: confirmation tag and signer
    let start = context.len() + group_info.extensions().tls_serialized_len();
    let rest = whole
        .get(start..whole.len().saturating_sub(signature.len()))
        .ok_or_else(|| Failure::library("a group info that is too short"))?;

    let kept = group_info
        .extensions()
        .iter()
        .filter(|extension| extension.as_ratchet_tree_extension().is_err());
    let kept: Extensions<GroupInfo> =
        Extensions::from_vec(kept.cloned().collect()).map_err(Failure::library)?;
    let mut content = context;
    content.extend(bytes(&kept)?);
    content.extend_from_slice(rest);

    let signed = bytes(&SignContent::new("GroupInfoTBS", content.clone().into()))?;
    let signature = signer
        .sign(&signed)
        .map_err(|_| Failure::library("sign a group info"))?;
    let mut message = header(WireFormat::GroupInfo)?;
    message.extend(content);
    message.extend(bytes(&VLBytes::from(signature))?);
    Ok(message)
}

/// The start of an MLSMessage (RFC 9420 §6).
fn header(format: WireFormat) -> Result<Vec<u8>, Failure> {
    let mut header = bytes(&ProtocolVersion::Mls10)?;
    header.extend(bytes(&format)?);
    Ok(header)
}

fn bytes(value: &(impl Serialize + ?Sized)) -> Result<Vec<u8>, Failure> {
    value.tls_serialize_detached().map_err(Failure::library)
}
