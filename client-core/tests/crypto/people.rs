//! People with one device each, and a database that is a file.

use client_core::{
    crypto::{AccountKeys, Founded, Group, Joined, LastResort, Mls, Opened, PeerDevices},
    seams::SeededRandom,
    store::mls,
};
use protocol::{ConversationId, DeviceId, RelayId, identity::Manifest};
use rusqlite::Connection;
use tempfile::TempDir;

/// The relay's time in all tests: the year 2049. What the computer's clock says must not matter.
pub(crate) const NOW: u64 = 2_500_000_000_000;

pub(crate) const RELAY: RelayId = RelayId::new([9; 32]);
pub(crate) const CONVERSATION: ConversationId = ConversationId::new([3; 16]);

pub(crate) struct Person {
    pub(crate) keys: AccountKeys,
    pub(crate) random: SeededRandom,
    pub(crate) connection: Connection,
    _folder: TempDir,
}

impl Person {
    pub(crate) fn new(seed: u64) -> Self {
        Self::on_relay(seed, RELAY)
    }

    pub(crate) fn on_relay(seed: u64, relay: RelayId) -> Self {
        let mut random = SeededRandom::new(seed);
        let keys = AccountKeys::generate(&mut random, relay, NOW).unwrap();
        Self::with_keys(keys, random)
    }

    pub(crate) fn with_keys(keys: AccountKeys, random: SeededRandom) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = open(&folder);
        connection.execute_batch(mls::SCHEMA).unwrap();
        Self {
            keys,
            random,
            connection,
            _folder: folder,
        }
    }

    /// The same device after it lost its database.
    pub(crate) fn reborn(&self, seed: u64) -> Self {
        let keys = AccountKeys::from_bytes(&self.keys.to_bytes()).unwrap();
        Self::with_keys(keys, SeededRandom::new(seed))
    }

    /// How many rows the MLS table has.
    pub(crate) fn rows(&self) -> i64 {
        self.connection
            .query_row("SELECT count(*) FROM mls_state", [], |row| row.get(0))
            .unwrap()
    }

    /// Closes the database and opens it again, as after a crash.
    pub(crate) fn restart(&mut self) {
        self.connection = open(&self._folder);
    }

    pub(crate) fn device(&self) -> DeviceId {
        self.keys.device()
    }

    /// Runs a transaction and commits it.
    pub(crate) fn run<T>(&mut self, work: impl FnOnce(&Mls<'_>) -> T) -> T {
        let transaction = self.connection.transaction().unwrap();
        let value = work(&Mls::new(&transaction, &mut self.random, &self.keys, NOW));
        transaction.commit().unwrap();
        value
    }

    /// Runs a transaction that never reaches its commit.
    pub(crate) fn run_and_crash<T>(&mut self, work: impl FnOnce(&Mls<'_>) -> T) -> T {
        let transaction = self.connection.transaction().unwrap();
        work(&Mls::new(&transaction, &mut self.random, &self.keys, NOW))
    }

    /// Uses the group in a transaction that is committed.
    pub(crate) fn group<T>(&mut self, work: impl FnOnce(&mut Group<'_, '_>) -> T) -> T {
        self.run(|mls| work(&mut mls.load(CONVERSATION, 0).unwrap().unwrap()))
    }

    pub(crate) fn key_package(&mut self) -> Vec<u8> {
        self.run(|mls| mls.key_packages(1, LastResort::No))
            .unwrap()
            .remove(0)
    }

    /// This person as others add it: manifest and a fresh key package.
    pub(crate) fn devices(&mut self) -> PeerDevices {
        let package = self.key_package();
        PeerDevices {
            manifest: Manifest::open(&self.keys.manifest()).unwrap(),
            packages: vec![(self.device(), package)],
        }
    }

    pub(crate) fn found(&mut self, peer: &mut Self) -> Founded {
        let devices = peer.devices();
        self.run(|mls| mls.found_direct(CONVERSATION, 0, &[devices]))
            .unwrap()
    }

    pub(crate) fn join(&mut self, welcome: &[u8]) -> Joined {
        self.run(|mls| mls.join(welcome)).unwrap()
    }

    pub(crate) fn merge(&mut self) {
        self.run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().merge_pending())
            .unwrap();
    }

    pub(crate) fn seal(&mut self, text: &str) -> Vec<u8> {
        self.run(|mls| {
            mls.load(CONVERSATION, 0)
                .unwrap()
                .unwrap()
                .seal(text.as_bytes(), &[])
        })
        .unwrap()
    }

    pub(crate) fn open(&mut self, bytes: &[u8]) -> Result<Opened, client_core::crypto::OpenError> {
        self.run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().open(bytes))
    }

    /// Opens content and gives its text.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> String {
        match self.open(bytes).unwrap() {
            Opened::Content { content, .. } => String::from_utf8(content).unwrap(),
            other => panic!("not content: {other:?}"),
        }
    }

    pub(crate) fn epoch(&mut self) -> u64 {
        self.run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().epoch())
            .unwrap()
    }
}

fn open(folder: &TempDir) -> Connection {
    let connection = Connection::open(folder.path().join("account.db")).unwrap();
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .unwrap();
    connection
}

/// Alice and Bob with an established conversation.
pub(crate) fn alice_and_bob() -> (Person, Person) {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let founded = alice.found(&mut bob);
    alice.merge();
    bob.join(&founded.welcomes[0].bytes);
    (alice, bob)
}
