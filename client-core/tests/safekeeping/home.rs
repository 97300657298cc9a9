//! A profile with an account and messages, as an app without a relay leaves it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, atomic::AtomicU64},
    time::Duration,
};

use bytes::Bytes;
use client_core::{
    engine::Seams,
    keyslots::{KeyringTrouble, Protection, SecretStore, Unlock},
    model::{ConversationKey, ConversationState, MessageKind, Privacy},
    profile::{OpenedAccount, OpeningError, Profile},
    seams::{Clock, ConnectionId, Network, SeededRandom},
    store::{Database, DatabaseKey, WriteTransaction, contacts, conversations, messages},
};
use protocol::{
    AccountId, Address, ClientId, ConversationId, Link, LinkKind, LinkSecret, MessageId, RelayId,
};
use tempfile::TempDir;
use zeroize::Zeroizing;

/// When the tests happen: 2026-11-22, in milliseconds.
pub(crate) const NOW: u64 = 1_795_362_180_000;
pub(crate) const DAY: u64 = 24 * 60 * 60 * 1000;
pub(crate) const CODE: [u8; 32] = [7; 32];
/// Of somebody who shows nothing.
pub(crate) const SECRETIVE: Privacy = Privacy {
    read_receipts: false,
    typing: false,
    announce: false,
};
pub(crate) const PASSPHRASE: &str = "correct horse";

/// A keyring in memory.
#[derive(Default)]
pub(crate) struct TestKeyring {
    pub(crate) entries: Mutex<BTreeMap<String, Vec<u8>>>,
    pub(crate) trouble: Mutex<Option<KeyringTrouble>>,
}

impl TestKeyring {
    fn entries<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T,
    ) -> Result<T, KeyringTrouble> {
        match &*self.trouble.lock().unwrap() {
            Some(trouble) => Err(trouble.clone()),
            None => Ok(work(&mut self.entries.lock().unwrap())),
        }
    }
}

impl SecretStore for TestKeyring {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        self.entries(|entries| entries.get(name).cloned().map(Zeroizing::new))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), KeyringTrouble> {
        self.entries(|entries| drop(entries.insert(name.to_owned(), secret.to_vec())))
    }

    fn remove(&self, name: &str) -> Result<(), KeyringTrouble> {
        self.entries(|entries| drop(entries.remove(name)))
    }
}

/// A clock that stands still until it is told another time.
#[derive(Clone, Copy)]
struct StoppedClock(u64);

impl Clock for StoppedClock {
    fn wall_ms(&self) -> u64 {
        self.0
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct NoNetwork;

impl Network for NoNetwork {
    fn dial(&mut self, _: ConnectionId, _: &Address) {}
    fn send(&mut self, _: ConnectionId, _: Bytes) {}
    fn close(&mut self, _: ConnectionId) {}
}

static SEED: AtomicU64 = AtomicU64::new(1);

pub(crate) fn random() -> SeededRandom {
    SeededRandom::new(SEED.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

pub(crate) fn seams(now: u64) -> Seams {
    Seams {
        clock: Box::new(StoppedClock(now)),
        random: Box::new(random()),
        network: Box::new(NoNetwork),
    }
}

pub(crate) fn passphrase(text: &str) -> Protection {
    Protection::Passphrase(Zeroizing::new(text.to_owned()))
}

pub(crate) fn recovery_code() -> Protection {
    Protection::RecoveryCode(Zeroizing::new(CODE))
}

/// A profile whose account is made, in a folder that goes with it.
pub(crate) struct Home {
    pub(crate) profile: Profile,
    pub(crate) keyring: TestKeyring,
    pub(crate) key: DatabaseKey,
    pub(crate) folder: TempDir,
}

impl Home {
    pub(crate) fn new(protection: &Protection) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::take(folder.path()).unwrap();
        let keyring = TestKeyring::default();
        let link = Link {
            kind: LinkKind::Invite,
            addresses: vec!["127.0.0.1:1".parse().unwrap()],
            relay: RelayId::new([1; 32]),
            secret: LinkSecret::new([2; 16]),
            issuer: None,
        };
        let created = profile.create(&link, "Ana", protection, &keyring, seams(NOW));
        let key = created.unwrap().key;
        profile.registered().unwrap();
        Self {
            profile,
            keyring,
            key,
            folder,
        }
    }

    /// As [`Home::new`] without protection, with conversations and messages.
    pub(crate) fn with_messages(count: u32) -> Self {
        let home = Self::new(&Protection::Unprotected);
        let mut database = home.database();
        database
            .write(|write| {
                begin_conversations(write);
                for number in 0..count {
                    insert_message(write, number);
                }
                Ok(())
            })
            .unwrap();
        drop(database);
        home
    }

    pub(crate) fn open(&self) -> Result<OpenedAccount, OpeningError> {
        self.profile.open_with(self.key.clone(), seams(NOW))
    }

    pub(crate) fn unlock(&self) -> Unlock<'_> {
        Unlock::Silently(&self.keyring)
    }

    pub(crate) fn account(&self) -> PathBuf {
        self.folder.path().join("account")
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.account().join("relevo.db")
    }

    pub(crate) fn slots(&self) -> PathBuf {
        self.account().join("keys")
    }

    pub(crate) fn database(&self) -> Database {
        Database::open(&self.path(), &self.key).unwrap()
    }

    /// All texts, by the rows' order.
    pub(crate) fn texts(&self) -> Vec<String> {
        texts(&self.path(), &self.key)
    }
}

pub(crate) fn texts(path: &Path, key: &DatabaseKey) -> Vec<String> {
    let connection = Database::open_reader(path, key).unwrap();
    let mut statement = connection
        .prepare("SELECT text FROM messages ORDER BY id")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// The other side of a conversation.
pub(crate) fn peer(number: u32) -> AccountId {
    AccountId::new([u8::try_from(number + 1).unwrap(); 16])
}

pub(crate) const CONVERSATIONS: u32 = 3;

pub(crate) fn begin_conversations(write: &WriteTransaction<'_>) {
    for number in 0..CONVERSATIONS {
        contacts::ensure(write, peer(number)).unwrap();
        contacts::set_name(write, peer(number), &format!("Person {number}")).unwrap();
        let conversation = ConversationId::new([u8::try_from(number).unwrap(); 16]);
        let key = conversations::insert(
            write,
            conversation,
            peer(number),
            ConversationState::Established,
            NOW,
        )
        .unwrap();
        assert_eq!(key, ConversationKey(i64::from(number + 1)));
    }
}

/// What the message of a number says.
pub(crate) fn text(number: u32) -> String {
    let words = "unmistakable plaintext ".repeat(1 + (number % 7) as usize * 4);
    format!("{number} {words}")
}

pub(crate) fn insert_message(write: &WriteTransaction<'_>, number: u32) {
    let conversation = number % CONVERSATIONS;
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let mine = number.is_multiple_of(2);
    let text = text(number);
    messages::insert(
        write,
        &messages::NewMessage {
            id: MessageId::new(id),
            conversation: ConversationKey(i64::from(conversation + 1)),
            seq: Some(u64::from(number + 1)),
            sender: if mine {
                AccountId::new([99; 16])
            } else {
                peer(conversation)
            },
            mine,
            kind: MessageKind::Text,
            text: &text,
            content: text.as_bytes(),
            time: NOW + u64::from(number) * 1000,
            client_id: Some(ClientId::new(id[..16].try_into().unwrap())),
        },
    )
    .unwrap();
}
