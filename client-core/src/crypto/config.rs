//! The one suite and configuration of every group, always given explicitly: the library's defaults change between releases.

use openmls::prelude::{
    BasicCredential, Capabilities, CredentialType, CredentialWithKey, Extension, ExtensionType,
    Extensions, GroupContext, LeafNode, LeafNodeParameters, Lifetime, MlsGroupCreateConfig,
    MlsGroupJoinConfig, PURE_PLAINTEXT_WIRE_FORMAT_POLICY, ProtocolVersion,
    RequiredCapabilitiesExtension, SenderRatchetConfiguration, UnknownExtension, WireFormatPolicy,
};
use openmls_traits::types::Ciphersuite;
use protocol::identity::{LeafIdentity, public_key};

use super::{AccountKeys, Failure};

/// X-Wing, AES-256-GCM, SHA-384, Ed25519.
pub(super) const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;

/// The most leaves of a group: its welcomes embed the ratchet tree, and the relay takes no more in a direct conversation.
pub(super) const MAX_LEAVES: usize = 32;

/// Content is padded to a multiple of this, so that sizes tell little.
const PADDING: usize = 128;

/// How many messages of a sender may come late. The relay keeps their order, so more is a fault.
const OUT_OF_ORDER: u32 = 32;

/// How many messages of a sender may be missing before the next one that arrives; stepping over 20,000 takes 50 ms.
const FORWARD: u32 = 20_000;

/// Every leaf carries [`LeafIdentity`] in this extension, and every group requires it.
pub(super) const LEAF_IDENTITY: ExtensionType =
    ExtensionType::Unknown(LeafIdentity::EXTENSION_TYPE);

/// Reserved for roles in the GroupContext; each leaf says already that it can carry it.
const ROLES: ExtensionType = ExtensionType::Unknown(0xF101);

/// Handshakes in the clear, so that the relay can validate them; content is always encrypted.
const WIRE_FORMAT: WireFormatPolicy = PURE_PLAINTEXT_WIRE_FORMAT_POLICY;

pub(super) fn capabilities() -> Capabilities {
    Capabilities::new(
        Some(&[ProtocolVersion::Mls10]),
        Some(&[SUITE]),
        Some(&[ROLES, LEAF_IDENTITY, ExtensionType::LastResort]),
        Some(&[]),
        Some(&[CredentialType::Basic]),
    )
}

pub(super) fn required_capabilities() -> RequiredCapabilitiesExtension {
    RequiredCapabilitiesExtension::new(&[LEAF_IDENTITY], &[], &[CredentialType::Basic])
}

/// Whether a group's settings are those that ours have: the requirements, and nothing that this version does not know.
pub(super) fn is_ours(context: &Extensions<GroupContext>) -> bool {
    context.required_capabilities() == Some(&required_capabilities()) && context.iter().count() == 1
}

/// The MLS Basic credential of this device: account ‖ device.
pub(super) fn credential(keys: &AccountKeys) -> CredentialWithKey {
    CredentialWithKey {
        credential: BasicCredential::new(
            LeafIdentity::credential(keys.account(), keys.device()).to_vec(),
        )
        .into(),
        signature_key: public_key(keys.leaf_key()).as_bytes().as_slice().into(),
    }
}

pub(super) fn leaf_extensions(keys: &AccountKeys) -> Result<Extensions<LeafNode>, Failure> {
    let identity = Extension::Unknown(
        LeafIdentity::EXTENSION_TYPE,
        UnknownExtension(keys.leaf_identity()),
    );
    Extensions::single(identity).map_err(Failure::library)
}

/// What this device's leaf says after a commit with a path: always the certificates of today.
pub(super) fn leaf_parameters(keys: &AccountKeys) -> Result<LeafNodeParameters, Failure> {
    Ok(LeafNodeParameters::builder()
        .with_capabilities(capabilities())
        .with_extensions(leaf_extensions(keys)?)
        .build())
}

pub(super) fn create(
    keys: &AccountKeys,
    lifetime: Lifetime,
) -> Result<MlsGroupCreateConfig, Failure> {
    let context = Extensions::single(Extension::RequiredCapabilities(required_capabilities()))
        .map_err(Failure::library)?;
    Ok(MlsGroupCreateConfig::builder()
        .ciphersuite(SUITE)
        .wire_format_policy(WIRE_FORMAT)
        .padding_size(PADDING)
        .max_past_epochs(0)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(OUT_OF_ORDER, FORWARD))
        .use_ratchet_tree_extension(true)
        .capabilities(capabilities())
        .lifetime(lifetime)
        .with_group_context_extensions(context)
        .with_leaf_node_extensions(leaf_extensions(keys)?)
        .map_err(Failure::library)?
        .build())
}

pub(super) fn join() -> MlsGroupJoinConfig {
    MlsGroupJoinConfig::builder()
        .wire_format_policy(WIRE_FORMAT)
        .padding_size(PADDING)
        .max_past_epochs(0)
        .sender_ratchet_configuration(SenderRatchetConfiguration::new(OUT_OF_ORDER, FORWARD))
        .use_ratchet_tree_extension(true)
        .build()
}
