//! Real MLS groups, as the devices of people have them.

use openmls::{
    group::{ExternalCommitBuilder, MlsGroup, MlsGroupJoinConfig, StagedWelcome},
    prelude::{
        BasicCredential, CredentialType, Extension, ExtensionType, Extensions, GroupId, KeyPackage,
        KeyPackageRef, LeafNodeIndex, LeafNodeParameters, MlsMessageBodyIn, MlsMessageIn,
        OpenMlsProvider as _, PURE_PLAINTEXT_WIRE_FORMAT_POLICY, ProcessedMessageContent,
        ProtocolVersion, RatchetTreeIn, RequiredCapabilitiesExtension, Welcome as MlsWelcome,
        tls_codec::{DeserializeBytes as _, Serialize as _, Size as _},
    },
};
use protocol::{
    AccountId, ClaimedKeyPackage, Commit, ConversationId, CreateConversation, DeviceId, GroupState,
    Opaque, Token, Welcome, identity::LeafIdentity,
};

use super::{Device, SUITE, capabilities, client_id, draw, leaf_extension};

/// A device's view of a conversation's group.
pub(crate) struct Group {
    pub(crate) conversation: ConversationId,
    pub(crate) mls: MlsGroup,
}

/// A commit with all that goes with it.
pub(crate) struct Built {
    pub(crate) commit: Opaque,
    pub(crate) welcomes: Vec<Welcome>,
    pub(crate) group_info: Opaque,
    /// The welcome as the library makes it, for all joiners at once.
    pub(crate) whole_welcome: Option<Opaque>,
}

impl Group {
    /// Founds a group of one leaf.
    pub(crate) fn found(device: &Device, conversation: ConversationId) -> (Self, Opaque) {
        Self::found_again(device, conversation, 0)
    }

    /// The same for an incarnation.
    pub(crate) fn found_again(
        device: &Device,
        conversation: ConversationId,
        incarnation: u32,
    ) -> (Self, Opaque) {
        let identity = ExtensionType::Unknown(LeafIdentity::EXTENSION_TYPE);
        let required =
            RequiredCapabilitiesExtension::new(&[identity], &[], &[CredentialType::Basic]);
        Self::found_with(
            device,
            conversation,
            incarnation,
            Extensions::single(Extension::RequiredCapabilities(required)).unwrap(),
        )
    }

    pub(crate) fn found_with(
        device: &Device,
        conversation: ConversationId,
        incarnation: u32,
        context: Extensions<openmls::group::GroupContext>,
    ) -> (Self, Opaque) {
        let mls = MlsGroup::builder()
            .with_group_id(GroupId::from_slice(&conversation.group_id(incarnation)))
            .ciphersuite(SUITE)
            .with_wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(false)
            .padding_size(128)
            .with_capabilities(capabilities())
            .with_group_context_extensions(context)
            .with_leaf_node_extensions(
                Extensions::single(leaf_extension(&device.identity)).unwrap(),
            )
            .unwrap()
            .build(&device.provider, &device.signer(), device.credential())
            .unwrap();
        let founding = mls
            .export_group_info(device.provider.crypto(), &device.signer(), true)
            .unwrap();
        (
            Self { conversation, mls },
            founding.tls_serialize_detached().unwrap().into(),
        )
    }

    /// Joins by a welcome. The tree comes from another member's view, as the tests have no use for it inside of welcomes.
    pub(crate) fn join(
        device: &Device,
        conversation: ConversationId,
        welcome: &Opaque,
        of: &Self,
    ) -> Self {
        let MlsMessageBodyIn::Welcome(welcome) = parse(welcome) else {
            panic!("no welcome")
        };
        let config = MlsGroupJoinConfig::builder()
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(false)
            .padding_size(128)
            .build();
        let tree = of.mls.export_ratchet_tree().into();
        let staged =
            StagedWelcome::new_from_welcome(&device.provider, &config, welcome, Some(tree))
                .unwrap();
        Self {
            conversation,
            mls: staged.into_group(&device.provider).unwrap(),
        }
    }

    /// Enters by an external commit, in place of the device's former leaf where it has one. The group is at the next epoch.
    pub(crate) fn enter(
        device: &Device,
        conversation: ConversationId,
        state: &GroupState,
    ) -> (Self, Commit) {
        Self::enter_as(device, device, conversation, state)
    }

    /// The same with the keys of `device` and the papers of another one.
    pub(crate) fn enter_as(
        device: &Device,
        papers: &Device,
        conversation: ConversationId,
        state: &GroupState,
    ) -> (Self, Commit) {
        let MlsMessageBodyIn::GroupInfo(info) = parse(&state.group_info) else {
            panic!("no group info")
        };
        let tree = RatchetTreeIn::tls_deserialize_exact_bytes(&state.tree.0).unwrap();
        let config = MlsGroupJoinConfig::builder()
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(false)
            .padding_size(128)
            .build();
        let leaf = LeafNodeParameters::builder()
            .with_capabilities(capabilities())
            .with_extensions(Extensions::single(leaf_extension(&papers.identity)).unwrap())
            .build();
        // a device that lost its group lost its store as well
        let provider = &device.provider;
        let old = GroupId::from_slice(&conversation.group_id(state.incarnation));
        if let Some(mut old) = MlsGroup::load(provider.storage(), &old).unwrap() {
            old.delete(provider.storage()).unwrap();
        }
        let (mls, bundle) = ExternalCommitBuilder::new()
            .with_ratchet_tree(tree)
            .with_config(config)
            .build_group(provider, info, papers.credential_with(&device.leaf))
            .unwrap()
            .leaf_node_parameters(leaf)
            .load_psks(provider.storage())
            .unwrap()
            .create_group_info(true)
            .use_ratchet_tree_extension(false)
            .build(provider.rand(), provider.crypto(), &device.signer(), |_| {
                true
            })
            .unwrap()
            .finalize(provider)
            .unwrap();
        let (commit, _, group_info) = bundle.into_messages();
        let commit = Commit {
            conversation,
            incarnation: state.incarnation,
            epoch: state.epoch,
            client_id: client_id(),
            commit: commit.tls_serialize_detached().unwrap().into(),
            welcomes: Vec::new(),
            group_info: group_info.unwrap().tls_serialize_detached().unwrap().into(),
        };
        (Self { conversation, mls }, commit)
    }

    /// Builds a commit that adds these packages and removes these leaves, or only updates the own leaf. It stays pending.
    pub(crate) fn build(
        &mut self,
        device: &Device,
        add: &[ClaimedKeyPackage],
        remove: &[DeviceId],
    ) -> Built {
        let packages: Vec<KeyPackage> = add
            .iter()
            .map(|package| open_package(device, &package.bytes))
            .collect();
        let references: Vec<KeyPackageRef> = packages
            .iter()
            .map(|package| package.hash_ref(device.provider.crypto()).unwrap())
            .collect();
        let leaves: Vec<LeafNodeIndex> = self
            .mls
            .members()
            .filter(|member| {
                let id = BasicCredential::try_from(member.credential.clone()).unwrap();
                remove
                    .iter()
                    .any(|device| id.identity().ends_with(device.as_bytes()))
            })
            .map(|member| member.index)
            .collect();
        let update = add.is_empty() && remove.is_empty();
        let bundle = self
            .mls
            .commit_builder()
            .propose_adds(packages)
            .propose_removals(leaves)
            .force_self_update(update)
            .load_psks(device.provider.storage())
            .unwrap()
            .create_group_info(true)
            .use_ratchet_tree_extension(false)
            .build(
                device.provider.rand(),
                device.provider.crypto(),
                &device.signer(),
                |_| true,
            )
            .unwrap()
            .stage_commit(&device.provider)
            .unwrap();
        let (commit, welcome, group_info) = bundle.into_messages();
        let whole_welcome: Option<Opaque> =
            welcome.map(|welcome| welcome.tls_serialize_detached().unwrap().into());
        let welcomes = match &whole_welcome {
            None => Vec::new(),
            Some(whole) => {
                let MlsMessageBodyIn::Welcome(whole) = parse(whole) else {
                    panic!("no welcome")
                };
                let each = add.iter().zip(&references);
                each.map(|(package, reference)| Welcome {
                    device: package.device,
                    bytes: welcome_for(&whole, reference),
                })
                .collect()
            }
        };
        Built {
            commit: commit.tls_serialize_detached().unwrap().into(),
            welcomes,
            group_info: group_info.unwrap().tls_serialize_detached().unwrap().into(),
            whole_welcome,
        }
    }

    /// The pending commit won.
    pub(crate) fn merge(&mut self, device: &Device) {
        self.mls.merge_pending_commit(&device.provider).unwrap();
    }

    /// The pending commit lost.
    pub(crate) fn clear(&mut self, device: &Device) {
        self.mls
            .clear_pending_commit(device.provider.storage())
            .unwrap();
    }

    /// Takes in another's commit.
    pub(crate) fn process(&mut self, device: &Device, commit: &Opaque) {
        let MlsMessageBodyIn::PublicMessage(message) = parse(commit) else {
            panic!("no commit")
        };
        let processed = self.mls.process_message(&device.provider, message).unwrap();
        let ProcessedMessageContent::StagedCommitMessage(staged) = processed.into_content() else {
            panic!("no commit")
        };
        self.mls
            .merge_staged_commit(&device.provider, *staged)
            .unwrap();
    }

    pub(crate) fn incarnation(&self) -> u32 {
        let id = self.mls.group_id().as_slice();
        ConversationId::from_group_id(id).unwrap().1
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.mls.epoch().as_u64()
    }

    /// A commit request that ends the current epoch.
    pub(crate) fn request(&self, built: &Built) -> Commit {
        Commit {
            conversation: self.conversation,
            incarnation: self.incarnation(),
            epoch: self.epoch(),
            client_id: client_id(),
            commit: built.commit.clone(),
            welcomes: built.welcomes.clone(),
            group_info: built.group_info.clone(),
        }
    }
}

/// A request for a new incarnation of a conversation; the group is at epoch 1 already.
pub(crate) fn reset(
    device: &Device,
    peer: AccountId,
    conversation: ConversationId,
    incarnation: u32,
    packages: &[ClaimedKeyPackage],
) -> (Group, CreateConversation) {
    let (mut group, founding) = Group::found_again(device, conversation, incarnation);
    let built = group.build(device, packages, &[]);
    group.merge(device);
    let request = CreateConversation {
        conversation,
        peer,
        token: None,
        founding,
        client_id: client_id(),
        commit: built.commit,
        welcomes: built.welcomes,
        group_info: built.group_info,
        incarnation: Some(incarnation),
    };
    (group, request)
}

/// A request for a direct conversation of `device` with the owner of these packages; the group is at epoch 1 already.
pub(crate) fn direct(
    device: &Device,
    peer: AccountId,
    token: Option<Token>,
    packages: &[ClaimedKeyPackage],
) -> (Group, CreateConversation) {
    let conversation = ConversationId::new(draw());
    let (mut group, founding) = Group::found(device, conversation);
    let built = group.build(device, packages, &[]);
    group.merge(device);
    let request = CreateConversation {
        conversation,
        peer,
        token,
        founding,
        client_id: client_id(),
        commit: built.commit,
        welcomes: built.welcomes,
        group_info: built.group_info,
        incarnation: None,
    };
    (group, request)
}

pub(crate) fn open_package(device: &Device, bytes: &Opaque) -> KeyPackage {
    let MlsMessageBodyIn::KeyPackage(package) = parse(bytes) else {
        panic!("no key package")
    };
    package
        .validate(device.provider.crypto(), ProtocolVersion::Mls10)
        .unwrap()
}

pub(crate) fn parse(bytes: &Opaque) -> MlsMessageBodyIn {
    MlsMessageIn::tls_deserialize_exact_bytes(&bytes.0)
        .unwrap()
        .extract()
}

/// Cuts a welcome for many down to one joiner (RFC 9420 §12.4.3.1).
fn welcome_for(welcome: &MlsWelcome, joiner: &KeyPackageRef) -> Opaque {
    let secrets = welcome.secrets();
    let own = secrets
        .iter()
        .find(|entry| entry.new_member() == *joiner)
        .unwrap();
    let head = welcome.ciphersuite().tls_serialized_len() + secrets.tls_serialized_len();
    let whole = welcome.tls_serialize_detached().unwrap();
    let mut message = vec![0, 1, 0, 3];
    message.extend(welcome.ciphersuite().tls_serialize_detached().unwrap());
    message.extend([own].as_slice().tls_serialize_detached().unwrap());
    message.extend_from_slice(&whole[head..]);
    message.into()
}
