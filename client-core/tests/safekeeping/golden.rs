//! Profiles that were written once and must open for ever. `UPDATE_GOLDEN=1 cargo nextest run -p client-core --test
//! safekeeping golden` writes the newest anew: only ever into an **additional** folder once a version is out, for those in the
//! field are like the others.
//!
//! ```text
//! profile-N/account/         Ana's: key slots for a passphrase and a recovery code, two conversations of ten messages each
//! profile-N/luis.db          the database of one she writes with, under the key 0x05…
//! profile-N/luis.sealed      his next message to her, still sealed; and Marta's
//! ```
//!
//! From `profile-2` on Luis is verified and has the messages, Marta is blocked, and each device counts what it sealed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use client_core::{
    content::{Content, message_id},
    crypto::{AccountKeys, LastResort, Mls, Opened, PeerDevices},
    keyslots::Unlock,
    model::{ConversationKey, ConversationState, MessageKind, OutgoingState},
    profile::{OpeningError, Profile, ProfileState},
    seams::SeededRandom,
    store::{
        Database, DatabaseKey, account,
        account::AccountRow,
        chains::{self, Chain, Numbered},
        contacts, conversations, messages,
        progress::{self, Progress},
        requests,
    },
};
use protocol::{ClientId, ConversationId, DeviceId, RelayId, identity::Manifest};

use crate::{
    home::{CODE, Home, NOW, passphrase, random, recovery_code, seams},
    trial::copy_folder,
};

const PASSPHRASE: &str = "a passphrase of version 1";
const RELAY: RelayId = RelayId::new([1; 32]);
const PEERS: [&str; 2] = ["Luis", "Marta"];

/// Luis' database has a key that everybody knows.
fn luis_key() -> DatabaseKey {
    DatabaseKey::new([5; 32])
}

/// All that were ever written, the newest last.
const PROFILES: [&str; 2] = ["profile-1", "profile-2"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn conversation(number: usize) -> ConversationId {
    ConversationId::new([u8::try_from(number + 1).unwrap(); 16])
}

/// What message `number` of a conversation says; even ones are Ana's.
fn words(peer: &str, number: usize) -> String {
    let writer = if number.is_multiple_of(2) {
        "Ana"
    } else {
        peer
    };
    format!("{writer} says {number}: ¿Qué tal, señor? 你好 שלום 👋🏽")
}

/// One who uses MLS.
struct Person {
    database: Database,
    keys: AccountKeys,
    random: SeededRandom,
}

impl Person {
    fn new(path: &Path, seed: u64) -> Self {
        let mut random = SeededRandom::new(seed);
        let keys = AccountKeys::generate(&mut random, RELAY, NOW).unwrap();
        let mut database = Database::create(path, &luis_key()).unwrap();
        let row = AccountRow::new(&keys, keys.manifest(), &[], None);
        database
            .write(|write| account::insert(write, &row))
            .unwrap();
        Self {
            database,
            keys,
            random,
        }
    }

    fn open(database: Database) -> Self {
        let row = account::load(database.connection()).unwrap();
        Self {
            database,
            keys: AccountKeys::from_bytes(&row.keys).unwrap(),
            random: random(),
        }
    }

    fn mls<T>(&mut self, work: impl FnOnce(&Mls<'_>) -> T) -> T {
        let (keys, random) = (&self.keys, &mut self.random);
        self.database
            .write(|write| Ok(work(&Mls::new(write.connection(), random, keys, NOW))))
            .unwrap()
            .0
    }

    fn devices(&mut self) -> PeerDevices {
        let package = self.mls(|mls| mls.key_packages(1, LastResort::No).unwrap().remove(0));
        PeerDevices {
            manifest: Manifest::open(&self.keys.manifest()).unwrap(),
            packages: vec![(self.keys.device(), package)],
        }
    }

    fn seal(&mut self, conversation: ConversationId, content: &[u8]) -> Vec<u8> {
        self.mls(|mls| {
            let mut group = mls.load(conversation, 0).unwrap().unwrap();
            group.seal(content, &[]).unwrap()
        })
    }

    fn read(&mut self, conversation: ConversationId, sealed: &[u8]) -> Vec<u8> {
        let opened = self.mls(|mls| {
            let mut group = mls.load(conversation, 0).unwrap().unwrap();
            group.open(sealed).unwrap()
        });
        match opened {
            Opened::Content { content, .. } => content,
            other => panic!("no content: {other:?}"),
        }
    }
}

/// Makes the profile as this version does.
fn make(target: &Path) {
    let home = Home::new(&passphrase(PASSPHRASE));
    home.profile
        .set_slot(&home.key, &recovery_code(), &home.keyring, &mut random())
        .unwrap();
    drop(home.open().unwrap());
    fs::remove_dir_all(target).ok();
    fs::create_dir_all(target).unwrap();
    let mut ana = Person::open(home.database());
    for (number, name) in PEERS.into_iter().enumerate() {
        let database = home.folder.path().join("peer.db");
        let mut peer = Person::new(&database, number as u64 + 1);
        let id = conversation(number);
        let devices = peer.devices();
        let founded = ana.mls(|mls| mls.found_direct(id, 0, &[devices]).unwrap());
        ana.mls(|mls| mls.load(id, 0).unwrap().unwrap().merge_pending().unwrap());
        let welcome = founded.welcomes[0].bytes.clone();
        peer.mls(|mls| mls.join(&welcome).map(drop).unwrap());
        let account = peer.keys.account();
        let manifest = peer.keys.manifest();
        ana.database
            .write(|write| {
                contacts::save_manifest(write, &Manifest::open(&manifest).unwrap(), &manifest)?;
                contacts::set_name(write, account, name)?;
                conversations::insert(write, id, account, ConversationState::Established, NOW)
            })
            .unwrap();
        for message in 0..10 {
            talk(&mut ana, &mut peer, number, message);
        }
        let next = Content::text([99; 16], &words(name, 11)).encode();
        let sealed = peer.seal(id, &next);
        fs::write(target.join(format!("{name}.sealed").to_lowercase()), sealed).unwrap();
        keep_more(&mut ana, &peer, number);
        drop(peer);
        if name == "Luis" {
            fs::copy(&database, target.join("luis.db")).unwrap();
        }
        fs::remove_file(&database).unwrap();
    }
    drop(ana);
    copy_folder(&home.account(), &target.join("account"));
}

/// The chain of a device as it is after some entries.
fn chain(device: DeviceId, entries: u8) -> Chain {
    let [first, ..] = *device.as_bytes();
    let new = Chain::new([first; 8].into());
    (0..entries).fold(new, |chain, number| chain.with(ClientId::new([number; 16])))
}

/// What the first version did not know of people and of what they sealed.
fn keep_more(ana: &mut Person, peer: &Person, number: usize) {
    let (own, device) = (ana.keys.device(), peer.keys.device());
    let account = peer.keys.account();
    let key = ConversationKey(number as i64 + 1);
    let kept = ana.database.write(|write| {
        chains::save(write, key, own, &chain(own, 5))?;
        chains::save_seen(write, key, device, &chain(device, 5), 11)?;
        let sent = chain(own, 5).chain;
        chains::note_sent(write, key, sent, 5, number as i64 * 10 + 9)?;
        if PEERS[number] == "Marta" {
            return requests::set_blocked(write, account, true);
        }
        contacts::set_verified(write, account, true)?;
        progress::raise(write, key, Progress::Delivered, 10, NOW)?;
        progress::raise(write, key, Progress::Read, 6, NOW)
    });
    kept.unwrap();
}

/// One of them writes, the other reads, and Ana keeps it.
fn talk(ana: &mut Person, peer: &mut Person, number: usize, message: usize) {
    let (id, name) = (conversation(number), PEERS[number]);
    let salt = [u8::try_from(message).unwrap(); 16];
    let text = words(name, message);
    let content = Content::text(salt, &text).encode();
    let mine = message.is_multiple_of(2);
    let (writer, reader) = if mine {
        (&mut *ana, peer)
    } else {
        (peer, &mut *ana)
    };
    let sealed = writer.seal(id, &content);
    assert_eq!(reader.read(id, &sealed), content);
    let sender = writer.keys.account();
    let new = messages::NewMessage {
        id: message_id(RELAY, sender, id, &content),
        conversation: ConversationKey(number as i64 + 1),
        seq: Some(message as u64 + 2),
        sender,
        mine,
        kind: MessageKind::Text,
        text: &text,
        content: &content,
        time: NOW + message as u64 * 60_000,
        client_id: None,
    };
    ana.database
        .write(|write| messages::insert(write, &new))
        .unwrap()
        .0
        .unwrap();
}

fn size(folder: &Path) -> u64 {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            if path.is_dir() {
                size(&path)
            } else {
                fs::metadata(path).unwrap().len()
            }
        })
        .sum()
}

/// A copy of the oldest to work on: opening it brings it up to this version.
pub(crate) fn profile() -> (tempfile::TempDir, Profile) {
    copy_of(PROFILES[0])
}

fn copy_of(name: &str) -> (tempfile::TempDir, Profile) {
    let copy = tempfile::tempdir().unwrap();
    copy_folder(&folder(name), copy.path());
    let profile = Profile::take(copy.path()).unwrap();
    (copy, profile)
}

fn open(profile: &Profile, unlock: &Unlock<'_>) -> Result<DatabaseKey, OpeningError> {
    let key = profile.unlock(unlock).unwrap();
    let opened = profile.open_with(key.clone(), seams(NOW))?;
    assert!(opened.mended.is_none());
    assert_eq!(opened.engine.me().name, "Ana");
    Ok(key)
}

#[test]
fn golden_profiles_of_every_version_open_and_all_their_messages_can_be_read() {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        make(&folder(PROFILES[PROFILES.len() - 1]));
    }
    for name in PROFILES {
        opens_whole(name);
    }
}

fn opens_whole(name: &str) {
    assert!(size(&folder(name)) < 800 * 1024);
    let (copy, profile) = copy_of(name);
    let ProfileState::Account(kinds) = profile.state().unwrap() else {
        panic!("there is an account")
    };
    assert_eq!(kinds.len(), 2);
    let key = open(&profile, &Unlock::Passphrase(PASSPHRASE)).unwrap();
    let by_code = open(&profile, &Unlock::RecoveryCode(&CODE)).unwrap();
    assert_eq!(by_code.as_bytes(), key.as_bytes());
    let connection = Database::open_reader(&copy.path().join("account/relevo.db"), &key).unwrap();
    for (number, name) in PEERS.into_iter().enumerate() {
        let key = ConversationKey(number as i64 + 1);
        let page = messages::page(&connection, key, None, 100).unwrap();
        let texts: Vec<_> = page.messages.iter().map(|it| it.text.clone()).collect();
        let expected: Vec<_> = (0..10).map(|message| words(name, message)).collect();
        assert_eq!(texts, expected);
        let peer = page.messages[1].sender;
        assert_eq!(contacts::name(&connection, peer).unwrap(), name);
    }
}

#[test]
fn what_a_golden_profile_knows_of_people_and_of_what_they_sealed_is_kept() {
    let (copy, profile) = copy_of("profile-2");
    let key = open(&profile, &Unlock::Passphrase(PASSPHRASE)).unwrap();
    let database = Database::open(&copy.path().join("account/relevo.db"), &key).unwrap();
    let ana = Person::open(database);
    let connection = ana.database.connection();
    let list = conversations::list(connection).unwrap();
    for (number, name) in PEERS.into_iter().enumerate() {
        let key = ConversationKey(number as i64 + 1);
        let shown = list.iter().find(|it| it.key == key).unwrap();
        assert_eq!(shown.title, name);
        assert_eq!(
            (shown.verified, shown.blocked),
            (name == "Luis", name == "Marta")
        );
        let own = ana.keys.device();
        let chain = chain(own, 5);
        assert_eq!(chains::load(connection, key, own).unwrap(), Some(chain));
        let sent = Numbered {
            chain: chain.chain,
            number: 5,
        };
        let (seq, _) = chains::sent_at(connection, key, sent).unwrap().unwrap();
        assert_eq!(seq, 10);
    }
    let page = messages::page(connection, ConversationKey(1), None, 100).unwrap();
    let states: Vec<_> = page.messages.iter().filter_map(|it| it.outgoing).collect();
    let (read, delivered) = (OutgoingState::Read, OutgoingState::Delivered);
    assert_eq!(states, [read, read, read, delivered, delivered]);
}

#[test]
fn the_groups_of_golden_profiles_go_on() {
    for name in PROFILES {
        groups_go_on(name);
    }
}

fn groups_go_on(name: &str) {
    let (copy, profile) = copy_of(name);
    let key = open(&profile, &Unlock::RecoveryCode(&CODE)).unwrap();
    let path = copy.path().join("account/relevo.db");
    let mut ana = Person::open(Database::open(&path, &key).unwrap());
    for (number, name) in PEERS.into_iter().enumerate() {
        let sealed = copy.path().join(format!("{name}.sealed").to_lowercase());
        let content = ana.read(conversation(number), &fs::read(sealed).unwrap());
        let expected = Content::text([99; 16], &words(name, 11));
        assert_eq!(Content::decode(&content).unwrap(), expected);
    }
    let luis = Database::open(&copy.path().join("luis.db"), &luis_key());
    let mut luis = Person::open(luis.unwrap());
    let sealed = ana.seal(conversation(0), b"an answer");
    assert_eq!(luis.read(conversation(0), &sealed), b"an answer");
    let sealed = luis.seal(conversation(0), b"and back");
    assert_eq!(ana.read(conversation(0), &sealed), b"and back");
}
