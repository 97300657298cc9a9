//! Somebody else, played by the test: an account with devices, and the group that it founds.

use client_core::{
    crypto::{AccountKeys, Founded, LastResort, Mls, PeerDevices},
    model::{Conversation, ConversationKey},
    seams::{ConnectionId, NetworkEvent, Randomness, SeededRandom},
    store::mls,
};
use openmls::prelude::{GroupId, MlsGroup, tls_codec::Serialize as _};
use protocol::{
    AccountId, Challenge, Claimed, ClaimedKeyPackage, ClientId, ConversationId, DeviceId, Done,
    Entries, Entry, EntryKind, Frame, KeyPackageCount, Link, LinkKind, LinkSecret,
    PublishKeyPackages, Ready, Refusal, Register, StoreGeneration, StreamId, identity::Manifest,
};
use rusqlite::Connection;

use crate::scripted::{Act, Scripted, TLS_KEY};

pub(crate) const NOW: u64 = 1_800_000_000_000;

/// The conversation that the peer founds.
pub(crate) const CONVERSATION: ConversationId = ConversationId::new([8; 16]);

/// Another account with one device.
pub(crate) struct Peer {
    pub(crate) keys: AccountKeys,
    database: Connection,
    random: SeededRandom,
}

impl Peer {
    pub(crate) fn new(ana: &Scripted) -> Self {
        Self::seeded(ana, 77)
    }

    /// One of several others.
    pub(crate) fn seeded(ana: &Scripted, seed: u64) -> Self {
        let mut random = SeededRandom::new(seed);
        let keys = AccountKeys::generate(&mut random, ana.relay(), NOW).unwrap();
        Self::with_keys(keys, random)
    }

    pub(crate) fn with_keys(keys: AccountKeys, random: SeededRandom) -> Self {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch(mls::SCHEMA).unwrap();
        Self {
            keys,
            database,
            random,
        }
    }

    pub(crate) fn account(&self) -> AccountId {
        self.keys.account()
    }

    /// The peer's MLS.
    pub(crate) fn mls<T>(&mut self, work: impl FnOnce(&Mls<'_>) -> T) -> T {
        work(&Mls::new(&self.database, &mut self.random, &self.keys, NOW))
    }

    /// This device as others add it, by a list of devices.
    pub(crate) fn as_listed(&mut self, manifest: &[u8]) -> PeerDevices {
        let package = self.mls(|mls| mls.key_packages(1, LastResort::No).unwrap().remove(0));
        PeerDevices {
            manifest: Manifest::open(manifest).unwrap(),
            packages: vec![(self.device(), package)],
        }
    }

    /// What the relay answers to a claim of this account.
    pub(crate) fn claimed(&mut self) -> Claimed {
        let mls = Mls::new(&self.database, &mut self.random, &self.keys, NOW);
        let package = mls.key_packages(1, LastResort::No).unwrap().remove(0);
        let packages = vec![ClaimedKeyPackage {
            device: self.keys.device(),
            bytes: package.into(),
        }];
        Claimed {
            manifest: self.keys.manifest().into(),
            packages,
        }
    }

    /// Founds the conversation with Ana by her registration and one of the key packages that she published.
    pub(crate) fn found(&mut self, ana: &Online) -> Founded {
        let devices = ana.devices(0);
        self.mls(|mls| mls.found_direct(CONVERSATION, 0, &[devices]))
            .unwrap()
    }

    /// A contact link of this account.
    pub(crate) fn link(&self, ana: &Scripted, secret: u8) -> Link {
        Link {
            kind: LinkKind::Contact,
            addresses: vec!["relay.test:1".parse().unwrap()],
            relay: ana.relay(),
            secret: LinkSecret::new([secret; 16]),
            issuer: Some(self.account()),
        }
    }

    pub(crate) fn device(&self) -> DeviceId {
        self.keys.device()
    }

    /// The ratchet tree of a group, as the relay has it.
    pub(crate) fn tree(&self, conversation: ConversationId) -> Vec<u8> {
        let store = mls::MlsStore::new(&self.database);
        let id = GroupId::from_slice(&conversation.group_id(0));
        let group = MlsGroup::load(&store, &id).unwrap().unwrap();
        group
            .export_ratchet_tree()
            .tls_serialize_detached()
            .unwrap()
    }

    pub(crate) fn random(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes).unwrap();
        bytes
    }
}

/// Ana, online, and what she told the relay on the way.
pub(crate) struct Online {
    pub(crate) ana: Scripted,
    pub(crate) connection: ConnectionId,
    pub(crate) register: Register,
    published: PublishKeyPackages,
}

impl Online {
    pub(crate) fn new() -> Self {
        let mut ana = Scripted::new();
        let (connection, _) = ana.dialled();
        ana.open(connection, false);
        let challenge = ana.challenge(Some(TLS_KEY));
        ana.receive(connection, 0, &challenge.into());
        let Some((0, Frame::Register(register))) = ana.sent().pop() else {
            panic!("expected a registration")
        };
        let ready = ana.ready(0);
        ana.receive(connection, 0, &ready.into());
        let sent = ana.sent();
        let [
            (id, Frame::PublishKeyPackages(published)),
            (record, Frame::StoreRecord(_)),
        ] = sent.as_slice()
        else {
            panic!("expected key packages and a recovery record, not {sent:?}")
        };
        ana.receive(connection, *id, &KeyPackageCount { count: 19 }.into());
        ana.receive(connection, *record, &Done {}.into());
        let published = published.clone();
        Self {
            ana,
            connection,
            register,
            published,
        }
    }

    /// The connection ends, and the next one begins with this.
    pub(crate) fn reconnect(&mut self, ready: &Ready) {
        self.reconnect_to(StoreGeneration::new([3; 16]), ready);
    }

    /// As [`Online::reconnect`], to a store that the relay calls by this name.
    pub(crate) fn reconnect_to(&mut self, store_generation: StoreGeneration, ready: &Ready) {
        self.ana
            .engine
            .network(NetworkEvent::Closed(self.connection));
        self.ana.engine.reconnect();
        let dial = self.ana.acts().into_iter().find_map(|act| match act {
            Act::Dial(connection, _) => Some(connection),
            Act::Send(..) | Act::Close(_) => None,
        });
        self.connection = dial.expect("the engine dials");
        self.ana.open(self.connection, false);
        let challenge = self.ana.sign(Challenge {
            store_generation,
            ..self.ana.challenge(Some(TLS_KEY))
        });
        self.ana.receive(self.connection, 0, &challenge.into());
        assert!(matches!(self.ana.sent().as_slice(), [(0, Frame::Prove(_))]));
        self.ana
            .receive(self.connection, 0, &Frame::from(ready.clone()));
    }

    /// Ana as others add her, by one of the key packages that she published.
    pub(crate) fn devices(&self, package: usize) -> PeerDevices {
        PeerDevices {
            manifest: Manifest::open(&self.register.manifest.0).unwrap(),
            packages: vec![(
                self.register.device,
                self.published.packages[package].0.to_vec(),
            )],
        }
    }

    /// Ana opens a link of the peer; the id of her claim.
    pub(crate) fn open_link(&mut self, link: &Link) -> (ConversationKey, u32) {
        let key = self.ana.engine.open_link(link).unwrap();
        let Some((id, Frame::ClaimKeyPackages(_))) = self.ana.sent().pop() else {
            panic!("expected a claim")
        };
        (key, id)
    }

    pub(crate) fn reply(&mut self, id: u32, frame: &Frame) {
        self.ana.receive(self.connection, id, frame);
    }

    pub(crate) fn refuse(&mut self, id: u32, refusal: Refusal) {
        self.reply(id, &refusal.into());
    }

    /// The peer's welcome arrives, stamped by the relay with an incarnation and an epoch.
    pub(crate) fn welcome(
        &mut self,
        peer: &mut Peer,
        founded: &Founded,
        incarnation: u32,
        epoch: u64,
    ) {
        let entry = Entry {
            seq: 1,
            sender: peer.device(),
            kind: EntryKind::Welcome,
            incarnation,
            epoch,
            time: NOW,
            client_id: ClientId::new(peer.random()),
            conversation: Some(CONVERSATION),
            bytes: founded.welcomes[0].bytes.clone().into(),
            start: None,
        };
        self.reply(
            0,
            &Entries {
                stream: StreamId::Inbox,
                entries: vec![entry],
            }
            .into(),
        );
    }

    /// An entry that cannot be opened.
    pub(crate) fn garbage(&mut self, peer: &mut Peer, seq: u64) {
        self.entry(peer, seq, &[1, 2, 3]);
    }

    /// An entry of the peer with these bytes.
    pub(crate) fn entry(&mut self, peer: &mut Peer, seq: u64, bytes: &[u8]) {
        let entry = Entry {
            seq,
            sender: peer.device(),
            kind: EntryKind::Application,
            incarnation: 0,
            epoch: 1,
            time: NOW,
            client_id: ClientId::new(peer.random()),
            conversation: None,
            bytes: bytes.to_vec().into(),
            start: None,
        };
        let stream = StreamId::Conversation(CONVERSATION);
        self.reply(
            0,
            &Entries {
                stream,
                entries: vec![entry],
            }
            .into(),
        );
    }

    pub(crate) fn conversation(&self) -> Conversation {
        self.ana.reader.conversations().unwrap().remove(0)
    }
}
