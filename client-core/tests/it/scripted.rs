//! One engine without sockets: a test plays the relay frame by frame, and owns the clock.

use std::{
    cell::RefCell,
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use client_core::{
    Reader,
    engine::{Engine, Seams},
    keyslots::Protection,
    profile::Profile,
    seams::{Clock, ConnectionId, Network, NetworkEvent, SeededRandom, TlsFacts},
    store::{Database, DatabaseKey, account},
};
use ed25519_dalek::SigningKey;
use protocol::{
    Address, Challenge, Digest, Frame, Hello, Limits, Link, LinkKind, LinkSecret, Nonce, Ready,
    Receipt, RelayId, Signature, StoreGeneration, decode_frame, encode_frame, handshake, identity,
};
use tempfile::TempDir;

/// What the engine did to the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Dial(ConnectionId, String),
    Send(ConnectionId, Bytes),
    Close(ConnectionId),
}

#[derive(Clone, Default)]
struct Wire(Arc<Mutex<VecDeque<Act>>>);

impl Network for Wire {
    fn dial(&mut self, connection: ConnectionId, address: &Address) {
        self.0
            .lock()
            .unwrap()
            .push_back(Act::Dial(connection, address.to_string()));
    }

    fn send(&mut self, connection: ConnectionId, frame: Bytes) {
        self.0
            .lock()
            .unwrap()
            .push_back(Act::Send(connection, frame));
    }

    fn close(&mut self, connection: ConnectionId) {
        self.0.lock().unwrap().push_back(Act::Close(connection));
    }
}

#[derive(Clone, Default)]
struct HandClock {
    passed: Arc<Mutex<Duration>>,
    /// How far the wall clock was set forward.
    jumped: Arc<Mutex<u64>>,
}

impl Clock for HandClock {
    fn wall_ms(&self) -> u64 {
        let passed = u64::try_from(self.monotonic().as_millis()).unwrap();
        1_800_000_000_000 + passed + *self.jumped.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        *self.passed.lock().unwrap()
    }
}

/// An engine whose relay is the test.
pub(crate) struct Scripted {
    pub(crate) engine: Engine,
    pub(crate) reader: Reader,
    pub(crate) database: rusqlite::Connection,
    path: PathBuf,
    database_key: DatabaseKey,
    pub(crate) key: SigningKey,
    acts: Wire,
    clock: HandClock,
    hello: RefCell<Option<Hello>>,
    _folder: TempDir,
}

/// The TLS key that the scripted relay serves.
pub(crate) const TLS_KEY: Digest = Digest::new([7; 32]);

impl Scripted {
    /// A new account that has not registered yet, at a relay with two addresses.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::from_bytes(&[42; 32]);
        let link = Link {
            kind: LinkKind::Invite,
            addresses: vec![
                "relay.test:1".parse().unwrap(),
                "relay.test:2".parse().unwrap(),
            ],
            relay: RelayId::of_identity_key(&identity::public_key(&key)),
            secret: LinkSecret::new([1; 16]),
            issuer: None,
        };
        let (acts, clock) = (Wire::default(), HandClock::default());
        let seams = Seams {
            clock: Box::new(clock.clone()),
            random: Box::new(SeededRandom::new(1)),
            network: Box::new(acts.clone()),
        };
        let profile = Profile::take(folder.path()).unwrap();
        let keyring = crate::people::TestKeyring::default();
        let opened = profile
            .create(&link, "Ana", &Protection::Unprotected, &keyring, seams)
            .unwrap();
        Self {
            database: Database::open_reader(&opened.path, &opened.key).unwrap(),
            path: opened.path.clone(),
            database_key: opened.key.clone(),
            reader: Reader::open(&opened.path, &opened.key)
                .unwrap()
                .with_live(opened.engine.live()),
            engine: opened.engine,
            key,
            acts,
            clock,
            hello: RefCell::default(),
            _folder: folder,
        }
    }

    /// The program ends and starts again.
    pub(crate) fn restarted(self) -> Self {
        let database = Database::open(&self.path, &self.database_key).unwrap();
        let seams = Seams {
            clock: Box::new(self.clock.clone()),
            random: Box::new(SeededRandom::new(2)),
            network: Box::new(self.acts.clone()),
        };
        self.acts();
        let engine = Engine::new(database, seams).unwrap();
        let reader = Reader::open(&self.path, &self.database_key)
            .unwrap()
            .with_live(engine.live());
        Self {
            engine,
            reader,
            ..self
        }
    }

    pub(crate) fn relay(&self) -> RelayId {
        RelayId::of_identity_key(&identity::public_key(&self.key))
    }

    /// What the engine did since the last call.
    pub(crate) fn acts(&self) -> Vec<Act> {
        self.acts.0.lock().unwrap().drain(..).collect()
    }

    /// The frames that the engine sent since the last call.
    pub(crate) fn sent(&self) -> Vec<(u32, Frame)> {
        let frame = |act| match act {
            Act::Send(_, bytes) => Some(decode_frame(&bytes).unwrap()),
            Act::Dial(..) | Act::Close(_) => None,
        };
        self.acts().into_iter().filter_map(frame).collect()
    }

    /// The disk changes what the MLS library keeps: no group can be read any more.
    pub(crate) fn spoil_groups(&self) {
        self.spoil(9);
    }

    /// The same: no key package can be read any more.
    pub(crate) fn spoil_key_packages(&self) {
        self.spoil(17);
    }

    /// The recovery record is that of an early version, which did not sign it.
    pub(crate) fn forget_record_signature(&self) {
        self.tamper("UPDATE account SET record_signature = NULL");
    }

    /// As a device that came in by the code when relays gave no receipt to it.
    pub(crate) fn forget_receipt(&self) {
        self.tamper("UPDATE account SET receipt = NULL");
    }

    /// The device wants to come into so many conversations that are not here.
    pub(crate) fn want_into(&self, conversations: u32) {
        self.tamper(&format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {conversations})
             INSERT INTO rejoins (conversation, client_id) SELECT randomblob(16), randomblob(16) FROM n"
        ));
    }

    /// No message can be stored for which this holds.
    pub(crate) fn refuse_to_store(&self, condition: &str) {
        self.tamper(&format!(
            "CREATE TRIGGER refused BEFORE INSERT ON messages WHEN {condition}
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        ));
    }

    /// Spoils all rows of a kind, which the first byte of the key names.
    fn spoil(&self, kind: u8) {
        let spoiled = self.tamper(&format!(
            "UPDATE mls_state SET value = x'c1' WHERE substr(key, 1, 1) = x'{kind:02x}'"
        ));
        assert!(spoiled > 0);
    }

    /// Changes the database behind the app's back; how many rows that changed.
    fn tamper(&self, sql: &str) -> usize {
        let mut database = Database::open(&self.path, &self.database_key).unwrap();
        let changed = database.write(|write| Ok(write.connection().execute(sql, [])?));
        changed.unwrap().0
    }

    /// Moves time on and wakes the engine.
    pub(crate) fn pass(&mut self, time: Duration) {
        *self.clock.passed.lock().unwrap() += time;
        self.engine.wake();
    }

    /// Somebody sets the computer's clock forward.
    pub(crate) fn jump(&self, ms: u64) {
        *self.clock.jumped.lock().unwrap() += ms;
    }

    /// Moves time to the engine's next wake.
    pub(crate) fn pass_until_wake(&mut self) -> Duration {
        let pause = self
            .engine
            .until_wake()
            .expect("the engine plans something");
        self.pass(pause);
        pause
    }

    /// Wakes the engine and expects that it dials.
    pub(crate) fn dialled(&mut self) -> (ConnectionId, String) {
        self.engine.wake();
        let dial = self.acts().into_iter().find_map(|act| match act {
            Act::Dial(connection, address) => Some((connection, address)),
            Act::Send(..) | Act::Close(_) => None,
        });
        dial.expect("the engine dials")
    }

    /// Opens the connection; the engine greets.
    pub(crate) fn open(&mut self, connection: ConnectionId, trusted_certificate: bool) {
        self.engine.network(NetworkEvent::Opened(
            connection,
            TlsFacts {
                key: TLS_KEY,
                trusted_certificate,
            },
        ));
        let sent = self.sent();
        let [(0, Frame::Hello(hello))] = sent.as_slice() else {
            panic!("expected a hello, not {sent:?}")
        };
        *self.hello.borrow_mut() = Some(hello.clone());
    }

    /// The challenge that the true relay would send.
    pub(crate) fn challenge(&self, tls_key: Option<Digest>) -> Challenge {
        self.sign(Challenge {
            version: 1,
            nonce: Nonce::new([9; 32]),
            store_generation: StoreGeneration::new([3; 16]),
            identity_key: identity::public_key(&self.key),
            tls_key,
            signature: Signature::new([0; 64]),
        })
    }

    /// Signs a challenge for the engine's hello.
    pub(crate) fn sign(&self, challenge: Challenge) -> Challenge {
        let hello = self.hello.borrow().clone().unwrap();
        let signature =
            identity::sign(&self.key, &handshake::challenge_message(&hello, &challenge));
        Challenge {
            signature,
            ..challenge
        }
    }

    pub(crate) fn receive(&mut self, connection: ConnectionId, id: u32, frame: &Frame) {
        self.engine.network(NetworkEvent::Received(
            connection,
            encode_frame(id, frame).into(),
        ));
    }

    /// Goes all the way to an open session.
    pub(crate) fn online(&mut self) -> ConnectionId {
        let (connection, _) = self.dialled();
        self.open(connection, false);
        let challenge = self.challenge(Some(TLS_KEY));
        self.receive(connection, 0, &challenge.into());
        assert!(matches!(
            self.sent().as_slice(),
            [(0, Frame::Register(_) | Frame::Prove(_))]
        ));
        let ready = self.ready(0);
        self.receive(connection, 0, &ready.into());
        connection
    }

    /// How many entries the engine says it made for the relay.
    pub(crate) fn counted(&self) -> u64 {
        account::sent(&self.database).unwrap()
    }

    pub(crate) fn ready(&self, key_packages: u16) -> Ready {
        let account = self.engine.me().account;
        Ready {
            // an honest relay knows what it answered
            sent: account::taken(&self.database).unwrap(),
            manifest: 1,
            limits: Limits {
                frame: 65_536,
                entry: 61_440,
                batch: 64,
                window_entries: 512,
                window_bytes: 1 << 20,
                ping: 30,
                retention: 60,
                key_packages: 100,
            },
            time: 1_800_000_000_000,
            news: Vec::new(),
            key_packages,
            receipt: Some(Receipt {
                account,
                time: 0,
                signature: Signature::new([0; 64]),
            }),
        }
    }
}
