//! Devices that play by their own rules: the same MLS library, and none of our checks.

use client_core::{crypto::AccountKeys, seams::SeededRandom, store::mls::MlsStore};
use ed25519_dalek::SigningKey;
use minicbor::{Decode, Encode, bytes::ByteVec};
use openmls::prelude::{
    BasicCredential, Capabilities, CredentialType, CredentialWithKey, Extension, ExtensionType,
    Extensions, GroupContext, GroupId, KeyPackage, LeafNode, Lifetime, MlsGroup,
    MlsGroupCreateConfig, MlsMessageOut, PURE_PLAINTEXT_WIRE_FORMAT_POLICY, ProtocolVersion,
    RequiredCapabilitiesExtension, UnknownExtension, tls_codec::Serialize as _,
};
use openmls_rust_crypto::{OpenMlsRustCrypto, RustCrypto};
use openmls_traits::{
    OpenMlsProvider,
    signatures::{Signer, SignerError},
    types::{Ciphersuite, SignatureScheme},
};
use protocol::{
    AccountId, DeviceId, Key, Opaque, RelayId, cbor,
    identity::{DeviceCertificate, LeafIdentity, Manifest, public_key},
};

use crate::people::{CONVERSATION, NOW, Person};

const SUITE: Ciphersuite = Ciphersuite::MLS_128_MLKEM768X25519_AES256GCM_SHA384_Ed25519;
const IDENTITY: ExtensionType = ExtensionType::Unknown(LeafIdentity::EXTENSION_TYPE);

// ---- a second device of an account -----------------------------------------------------------------------------------

/// The stored form of [`AccountKeys`].
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Stored {
    #[n(0)]
    pub(crate) version: u8,
    #[n(1)]
    pub(crate) relay: RelayId,
    #[n(2)]
    pub(crate) device: DeviceId,
    #[n(3)]
    pub(crate) root_public: Key,
    #[n(4)]
    pub(crate) root_key: Option<ByteVec>,
    #[n(5)]
    pub(crate) dsk: ByteVec,
    #[n(6)]
    pub(crate) leaf_key: ByteVec,
    #[n(7)]
    pub(crate) login_key: ByteVec,
    #[n(8)]
    pub(crate) dsk_certificate: Opaque,
    #[n(9)]
    pub(crate) device_certificate: Opaque,
}

impl Stored {
    pub(crate) fn of(person: &Person) -> Self {
        cbor::decode(&person.keys.to_bytes()).unwrap()
    }

    pub(crate) fn signer(&self) -> Hand {
        Hand(signing_key(&self.leaf_key))
    }
}

pub(crate) fn signing_key(bytes: &ByteVec) -> SigningKey {
    SigningKey::from_bytes(bytes.as_slice().try_into().unwrap())
}

/// Another device of the same account, certified by the same device-signing key.
pub(crate) fn second_device(owner: &Person, seed: u64) -> Person {
    let fresh = Person::new(seed);
    let (own, new) = (Stored::of(owner), Stored::of(&fresh));
    let certificate = DeviceCertificate {
        relay: own.relay,
        account: owner.keys.account(),
        device: new.device,
        leaf_key: public_key(&signing_key(&new.leaf_key)),
        login_key: public_key(&signing_key(&new.login_key)),
        created: NOW,
        dsk_version: 1,
    };
    let device_certificate = certificate.sign(&signing_key(&own.dsk)).into();
    let stored = Stored {
        device: new.device,
        leaf_key: new.leaf_key,
        login_key: new.login_key,
        device_certificate,
        ..own
    };
    let keys = AccountKeys::from_bytes(&cbor::encode(&stored)).unwrap();
    Person::with_keys(keys, SeededRandom::new(seed))
}

/// The account's manifest with further devices.
pub(crate) fn manifest_of(owner: &Person, others: &[&Person]) -> Manifest {
    let mut manifest = Manifest::open(&owner.keys.manifest()).unwrap();
    for other in others {
        manifest
            .devices
            .extend(Manifest::open(&other.keys.manifest()).unwrap().devices);
    }
    manifest
}

// ---- the library without our checks ----------------------------------------------------------------------------------

pub(crate) struct Raw<'a> {
    pub(crate) crypto: RustCrypto,
    pub(crate) store: MlsStore<'a>,
}

impl<'a> OpenMlsProvider for Raw<'a> {
    type CryptoProvider = RustCrypto;
    type RandProvider = RustCrypto;
    type StorageProvider = MlsStore<'a>;

    fn storage(&self) -> &Self::StorageProvider {
        &self.store
    }

    fn crypto(&self) -> &Self::CryptoProvider {
        &self.crypto
    }

    fn rand(&self) -> &Self::RandProvider {
        &self.crypto
    }
}

pub(crate) struct Hand(pub(crate) SigningKey);

impl Signer for Hand {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignerError> {
        Ok(protocol::identity::sign(&self.0, payload)
            .as_bytes()
            .to_vec())
    }

    fn signature_scheme(&self) -> SignatureScheme {
        SignatureScheme::ED25519
    }
}

/// Who a leaf claims to be.
pub(crate) struct Disguise {
    pub(crate) hand: Hand,
    pub(crate) account: AccountId,
    pub(crate) device: DeviceId,
    pub(crate) identity: Option<Vec<u8>>,
}

impl Disguise {
    /// As the person is.
    pub(crate) fn honest(person: &Person) -> Self {
        let stored = Stored::of(person);
        let identity = LeafIdentity::encode(
            stored.root_public,
            stored.dsk_certificate.clone(),
            stored.device_certificate.clone(),
        );
        Self {
            hand: stored.signer(),
            account: person.keys.account(),
            device: person.device(),
            identity: Some(identity),
        }
    }

    pub(crate) fn credential(&self) -> CredentialWithKey {
        CredentialWithKey {
            credential: BasicCredential::new(
                LeafIdentity::credential(self.account, self.device).to_vec(),
            )
            .into(),
            signature_key: public_key(&self.hand.0).as_bytes().as_slice().into(),
        }
    }

    pub(crate) fn extensions(&self) -> Extensions<LeafNode> {
        let mut extensions = Extensions::default();
        if let Some(identity) = &self.identity {
            let extension = Extension::Unknown(
                LeafIdentity::EXTENSION_TYPE,
                UnknownExtension(identity.clone()),
            );
            extensions.add(extension).unwrap();
        }
        extensions
    }

    pub(crate) fn package(&self) -> KeyPackage {
        KeyPackage::builder()
            .key_package_lifetime(lifetime())
            .leaf_node_capabilities(capabilities())
            .leaf_node_extensions(self.extensions())
            .build(
                SUITE,
                &OpenMlsRustCrypto::default(),
                &self.hand,
                self.credential(),
            )
            .unwrap()
            .into_key_package()
    }

    pub(crate) fn package_bytes(&self) -> Vec<u8> {
        MlsMessageOut::from(self.package()).to_bytes().unwrap()
    }

    /// A group of this leaf and `guest`, and the guest's welcome.
    pub(crate) fn invite(
        &self,
        guest: KeyPackage,
        settings: Extensions<GroupContext>,
        group_id: &[u8],
    ) -> Vec<u8> {
        self.host(guest, settings, group_id).welcome
    }

    /// A group of this leaf and `guest`, as guest and relay see it.
    pub(crate) fn host(
        &self,
        guest: KeyPackage,
        settings: Extensions<GroupContext>,
        group_id: &[u8],
    ) -> Hosted {
        let provider = OpenMlsRustCrypto::default();
        let config = MlsGroupCreateConfig::builder()
            .ciphersuite(SUITE)
            .wire_format_policy(PURE_PLAINTEXT_WIRE_FORMAT_POLICY)
            .use_ratchet_tree_extension(true)
            .capabilities(capabilities())
            .lifetime(lifetime())
            .with_group_context_extensions(settings)
            .with_leaf_node_extensions(self.extensions())
            .unwrap()
            .build();
        let group_id = GroupId::from_slice(group_id);
        let mut group = MlsGroup::new_with_group_id(
            &provider,
            &self.hand,
            &config,
            group_id,
            self.credential(),
        )
        .unwrap();
        let (_, welcome, _) = group.add_members(&provider, &self.hand, &[guest]).unwrap();
        group.merge_pending_commit(&provider).unwrap();
        let info = |tree| {
            let info = group.export_group_info(provider.crypto(), &self.hand, tree);
            info.unwrap().to_bytes().unwrap()
        };
        Hosted {
            welcome: welcome.to_bytes().unwrap(),
            group_info: info(false),
            group_info_with_tree: info(true),
            tree: group
                .export_ratchet_tree()
                .tls_serialize_detached()
                .unwrap(),
        }
    }
}

/// A group of a disguise.
pub(crate) struct Hosted {
    pub(crate) welcome: Vec<u8>,
    pub(crate) group_info: Vec<u8>,
    pub(crate) group_info_with_tree: Vec<u8>,
    pub(crate) tree: Vec<u8>,
}

/// The same device under a new leaf key, truly certified.
pub(crate) fn twin(person: &Person, seed: u64) -> Disguise {
    let own = Stored::of(person);
    let fresh = Stored::of(&Person::new(seed));
    let certificate = DeviceCertificate {
        relay: own.relay,
        account: person.keys.account(),
        device: person.device(),
        leaf_key: public_key(&signing_key(&fresh.leaf_key)),
        login_key: public_key(&signing_key(&fresh.login_key)),
        created: NOW,
        dsk_version: 1,
    };
    let certificate = certificate.sign(&signing_key(&own.dsk)).into();
    let identity = LeafIdentity::encode(own.root_public, own.dsk_certificate, certificate);
    Disguise {
        hand: fresh.signer(),
        identity: Some(identity),
        ..Disguise::honest(person)
    }
}

/// Another device of the person's account that took over the person's leaf key, truly certified.
pub(crate) fn usurper(person: &Person, device: DeviceId) -> Disguise {
    let own = Stored::of(person);
    let certificate = DeviceCertificate {
        relay: own.relay,
        account: person.keys.account(),
        device,
        leaf_key: public_key(&signing_key(&own.leaf_key)),
        login_key: public_key(&signing_key(&own.login_key)),
        created: NOW,
        dsk_version: 1,
    };
    let certificate = certificate.sign(&signing_key(&own.dsk)).into();
    let identity = LeafIdentity::encode(own.root_public, own.dsk_certificate, certificate);
    Disguise {
        device,
        identity: Some(identity),
        ..Disguise::honest(person)
    }
}

fn lifetime() -> Lifetime {
    Lifetime::init(0, NOW / 1000 + 3734 * 86_400)
}

pub(crate) fn capabilities() -> Capabilities {
    let extensions = [
        ExtensionType::Unknown(0xF101),
        IDENTITY,
        ExtensionType::LastResort,
    ];
    Capabilities::new(
        Some(&[ProtocolVersion::Mls10]),
        Some(&[SUITE]),
        Some(&extensions),
        Some(&[]),
        Some(&[CredentialType::Basic]),
    )
}

pub(crate) fn settings() -> Extensions<GroupContext> {
    let required = RequiredCapabilitiesExtension::new(&[IDENTITY], &[], &[CredentialType::Basic]);
    Extensions::single(Extension::RequiredCapabilities(required)).unwrap()
}

pub(crate) fn parse(package: &[u8]) -> KeyPackage {
    use openmls::prelude::{MlsMessageBodyIn, MlsMessageIn, tls_codec::DeserializeBytes as _};
    let MlsMessageBodyIn::KeyPackage(package) = MlsMessageIn::tls_deserialize_exact_bytes(package)
        .unwrap()
        .extract()
    else {
        panic!("not a key package");
    };
    package
        .validate(&RustCrypto::default(), ProtocolVersion::Mls10)
        .unwrap()
}

/// A commit of the person's group that the person's device would never make; pending there.
pub(crate) fn commit(
    person: &mut Person,
    make: impl FnOnce(&mut MlsGroup, &Raw<'_>, &Hand) -> MlsMessageOut,
) -> Vec<u8> {
    let hand = Stored::of(person).signer();
    let transaction = person.connection.transaction().unwrap();
    let bytes = {
        let raw = Raw {
            crypto: RustCrypto::default(),
            store: MlsStore::new(&transaction),
        };
        let group_id = GroupId::from_slice(&CONVERSATION.group_id(0));
        let mut group = MlsGroup::load(raw.storage(), &group_id).unwrap().unwrap();
        make(&mut group, &raw, &hand).to_bytes().unwrap()
    };
    transaction.commit().unwrap();
    bytes
}

pub(crate) fn commit_adding(person: &mut Person, package: KeyPackage) -> Vec<u8> {
    commit(person, |group, raw, hand| {
        let builder = group
            .commit_builder()
            .propose_adds([package])
            .load_psks(raw.storage())
            .unwrap();
        let built = builder
            .build(raw.rand(), raw.crypto(), hand, |_| true)
            .unwrap();
        built.stage_commit(raw).unwrap().into_commit()
    })
}

/// An honest commit that adds another device of the person; pending.
pub(crate) fn add_own_device(person: &mut Person, seed: u64) -> Vec<u8> {
    let package = second_device(person, seed).key_package();
    commit_adding(person, parse(&package))
}
