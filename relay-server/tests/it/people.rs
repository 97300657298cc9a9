//! People as a relay sees them: accounts, devices, and real MLS groups.

use ed25519_dalek::SigningKey;
use openmls::{
    group::{ExternalCommitBuilder, MlsGroup, MlsGroupJoinConfig, StagedWelcome},
    prelude::{
        BasicCredential, Capabilities, Ciphersuite, CredentialType, CredentialWithKey, Extension,
        ExtensionType, Extensions, GroupId, KeyPackage, KeyPackageRef, LeafNodeIndex,
        LeafNodeParameters, Lifetime, MlsMessageBodyIn, MlsMessageIn, MlsMessageOut,
        OpenMlsProvider as _, PURE_PLAINTEXT_WIRE_FORMAT_POLICY, ProcessedMessageContent,
        ProtocolVersion, RatchetTreeIn, RequiredCapabilitiesExtension, UnknownExtension,
        Welcome as MlsWelcome,
        tls_codec::{DeserializeBytes as _, Serialize as _, Size as _},
    },
};
use openmls_basic_credential::SignatureKeyPair;
use openmls_rust_crypto::OpenMlsRustCrypto;
use protocol::{
    AccountId, ClaimedKeyPackage, ClientId, Commit, ConversationId, CreateConversation, DeviceId,
    Digest, GroupState, Key, Opaque, RelayId, Signature, Token, Welcome,
    identity::{
        DeviceCertificate, DskCertificate, LeafIdentity, Manifest, public_key, record_message, sign,
    },
};

pub(crate) const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;

/// Random bytes.
pub(crate) fn draw<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("random bytes");
    bytes
}

/// A fresh client id.
pub(crate) fn client_id() -> ClientId {
    ClientId::new(draw())
}

/// A person: keys, manifest, devices.
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) manifest: Vec<u8>,
    pub(crate) devices: Vec<Device>,
    root: SigningKey,
    dsk: SigningKey,
}

/// One installation.
pub(crate) struct Device {
    pub(crate) account: AccountId,
    pub(crate) id: DeviceId,
    pub(crate) login: SigningKey,
    pub(crate) leaf: SigningKey,
    pub(crate) identity: Vec<u8>,
    pub(crate) provider: OpenMlsRustCrypto,
}

impl Person {
    pub(crate) fn new(relay: RelayId, devices: usize) -> Self {
        let root = SigningKey::from_bytes(&draw());
        let dsk = SigningKey::from_bytes(&draw());
        Self::with_keys(relay, devices, root, dsk)
    }

    /// The same person with another first manifest.
    pub(crate) fn forked(&self, relay: RelayId) -> Self {
        Self::with_keys(relay, 1, self.root.clone(), self.dsk.clone())
    }

    fn with_keys(relay: RelayId, devices: usize, root: SigningKey, dsk: SigningKey) -> Self {
        let root_key = public_key(&root);
        let account = AccountId::of_root_key(&root_key);
        let dsk_body = DskCertificate {
            account,
            dsk: public_key(&dsk),
            version: 1,
        };
        let dsk_certificate: Opaque = dsk_body.sign(&root).into();
        let mut certificates = Vec::new();
        let mut made = Vec::new();
        for _ in 0..devices {
            let (certificate, device) = certify(relay, root_key, &dsk_certificate, &dsk);
            certificates.push(certificate);
            made.push(device);
        }
        let manifest = Manifest {
            number: 1,
            previous: None,
            root_key,
            dsk: dsk_body,
            dsk_certificate,
            devices: certificates,
            revoked: Vec::new(),
        };
        Self {
            account,
            manifest: manifest.sign(&dsk),
            devices: made,
            root,
            dsk,
        }
    }

    pub(crate) fn device(&self) -> &Device {
        &self.devices[0]
    }

    /// Makes the next manifest: with a further device where one is asked for, and without these.
    pub(crate) fn change(&mut self, relay: RelayId, further: bool, revoke: &[DeviceId]) {
        let mut manifest = Manifest::open(&self.manifest).unwrap();
        manifest.number += 1;
        manifest.previous = Some(Digest::of(&[&self.manifest]));
        manifest
            .devices
            .retain(|(certificate, _)| !revoke.contains(&certificate.device));
        manifest.revoked.extend(revoke);
        if further {
            let (certificate, device) = self.certify(relay);
            manifest.devices.push(certificate);
            self.devices.push(device);
        }
        self.manifest = manifest.sign(&self.dsk);
    }

    /// The manifest after `before`, in which a device is missing without a word.
    pub(crate) fn forget(&self, before: &[u8], device: DeviceId) -> Vec<u8> {
        let mut manifest = Manifest::open(before).unwrap();
        manifest.number += 1;
        manifest.previous = Some(Digest::of(&[before]));
        manifest
            .devices
            .retain(|(certificate, _)| certificate.device != device);
        manifest.sign(&self.dsk)
    }

    /// The next manifest, in which a revoked device is no longer so.
    pub(crate) fn bring_back(&self, device: DeviceId) -> Vec<u8> {
        let mut manifest = Manifest::open(&self.manifest).unwrap();
        manifest.number += 1;
        manifest.previous = Some(Digest::of(&[&self.manifest]));
        manifest.revoked.retain(|revoked| *revoked != device);
        manifest.sign(&self.dsk)
    }

    /// The root key's word for a recovery record.
    pub(crate) fn sign_record(&self, relay: RelayId, record: &Token, bytes: &[u8]) -> Signature {
        sign(
            &self.root,
            &record_message(relay, self.account, record, bytes),
        )
    }

    fn certify(&self, relay: RelayId) -> ((DeviceCertificate, Opaque), Device) {
        let root_key = public_key(&self.root);
        let dsk = DskCertificate {
            account: self.account,
            dsk: public_key(&self.dsk),
            version: 1,
        };
        certify(relay, root_key, &dsk.sign(&self.root).into(), &self.dsk)
    }
}

/// A new device and its certificate.
fn certify(
    relay: RelayId,
    root_key: Key,
    dsk_certificate: &Opaque,
    dsk: &SigningKey,
) -> ((DeviceCertificate, Opaque), Device) {
    let account = AccountId::of_root_key(&root_key);
    let login = SigningKey::from_bytes(&draw());
    let leaf = SigningKey::from_bytes(&draw());
    let certificate = DeviceCertificate {
        relay,
        account,
        device: DeviceId::new(draw()),
        leaf_key: public_key(&leaf),
        login_key: public_key(&login),
        created: 1,
        dsk_version: 1,
    };
    let bytes: Opaque = certificate.sign(dsk).into();
    let identity = LeafIdentity::encode(root_key, dsk_certificate.clone(), bytes.clone());
    let device = Device {
        account,
        id: certificate.device,
        login,
        leaf,
        identity,
        provider: OpenMlsRustCrypto::default(),
    };
    ((certificate, bytes), device)
}

impl Device {
    pub(crate) fn signer(&self) -> SignatureKeyPair {
        SignatureKeyPair::from_raw(
            SUITE.signature_algorithm(),
            self.leaf.to_bytes().to_vec(),
            public_key(&self.leaf).as_bytes().to_vec(),
        )
    }

    fn credential(&self) -> CredentialWithKey {
        self.credential_with(&self.leaf)
    }

    fn credential_with(&self, leaf: &SigningKey) -> CredentialWithKey {
        let identity = [&self.account.as_bytes()[..], self.id.as_bytes()].concat();
        CredentialWithKey {
            credential: BasicCredential::new(identity).into(),
            signature_key: public_key(leaf).as_bytes().as_slice().into(),
        }
    }

    /// A key package, as an MLSMessage.
    pub(crate) fn key_package(&self) -> Opaque {
        self.key_package_for(84)
    }

    /// A key package that is usable for so many days, by this computer's clock.
    pub(crate) fn key_package_for(&self, days: u64) -> Opaque {
        let now = std::time::UNIX_EPOCH
            .elapsed()
            .expect("after 1970")
            .as_secs();
        let lifetime = Lifetime::init(0, now + (days + 3650) * 24 * 60 * 60);
        let bundle = KeyPackage::builder()
            .key_package_lifetime(lifetime)
            .leaf_node_capabilities(capabilities())
            .leaf_node_extensions(Extensions::single(leaf_extension(&self.identity)).unwrap())
            .build(SUITE, &self.provider, &self.signer(), self.credential())
            .unwrap();
        MlsMessageOut::from(bundle.key_package().clone())
            .tls_serialize_detached()
            .unwrap()
            .into()
    }
}

fn leaf_extension(identity: &[u8]) -> Extension {
    Extension::Unknown(
        LeafIdentity::EXTENSION_TYPE,
        UnknownExtension(identity.to_vec()),
    )
}

fn capabilities() -> Capabilities {
    Capabilities::new(
        Some(&[ProtocolVersion::Mls10]),
        Some(&[SUITE]),
        Some(&[
            ExtensionType::Unknown(0xF101),
            ExtensionType::Unknown(0xF102),
            ExtensionType::LastResort,
        ]),
        Some(&[]),
        Some(&[CredentialType::Basic]),
    )
}

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
