//! What is on the disk.

use std::path::PathBuf;

use client_core::{
    Client, ErrorKind, Reader, SystemSeams,
    keyslots::{Protection, SlotKind, Unlock},
    model::Me,
    profile::{OpenedAccount, Profile, ProfileState},
    restoring::{FoundAccount, Lost},
    store::Database,
};
use protocol::{AccountId, Link, LinkSecret, RelayId};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use crate::{
    people::{Person, TestKeyring, TestRelay, ana_and_luis},
    recovery::confirm_code,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_files_of_a_profile_show_no_text_and_no_name() {
    let relay = TestRelay::start().await;
    let mut ana = Person::join("Ana", &relay.invite()).await;
    // a short name is found in random bytes by chance
    let _luis = Person::join("unmistakable name", &ana.invite().await).await;
    let with_luis = ana.conversation_with("unmistakable name").await;
    ana.write(with_luis, "unmistakable plaintext").await;
    let files = [
        ana.database(),
        ana.database().with_extension("db-wal"),
        ana.folder().join("account/keys"),
    ];
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        for secret in [
            "unmistakable plaintext",
            "SQLite format 3",
            "unmistakable name",
        ] {
            assert!(
                !bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes()),
                "{secret} in {}",
                file.display()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passphrase_opens_the_profile_and_another_does_not() {
    let relay = TestRelay::start().await;
    let folder = tempfile::tempdir().unwrap();
    let profile = Profile::take(folder.path()).unwrap();
    let keyring = TestKeyring::default();
    let protection = Protection::Passphrase(Zeroizing::new("correct horse".to_owned()));
    let (seams, _network) = SystemSeams::new(&Handle::current());
    drop(
        profile
            .create(&relay.invite(), "Ana", &protection, &keyring, seams)
            .unwrap(),
    );
    profile.registered().unwrap();
    assert_eq!(
        profile.state().unwrap(),
        ProfileState::Account(vec![SlotKind::Passphrase])
    );
    for (passphrase, expected) in [
        ("correct horse", None),
        ("correct house", Some(ErrorKind::WrongPassphrase)),
    ] {
        let (seams, _network) = SystemSeams::new(&Handle::current());
        let opened = profile.open(&Unlock::Passphrase(passphrase), seams);
        assert_eq!(opened.err().map(|error| error.kind()), expected);
    }
    let (seams, _network) = SystemSeams::new(&Handle::current());
    let silently = profile.open(&Unlock::Silently(&keyring), seams);
    assert_eq!(
        silently.err().map(|error| error.kind()),
        Some(ErrorKind::WrongPassphrase)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_keyring_is_an_error_and_changes_nothing() {
    let relay = TestRelay::start().await;
    let ana = Person::join("Ana", &relay.invite()).await;
    let database = ana.database();
    let profile_folder = ana.folder().to_owned();
    ana.client().connection().await.unwrap();
    let before = std::fs::read(profile_folder.join("account/keys")).unwrap();
    let (seams, _network) = SystemSeams::new(&Handle::current());
    // the person's app holds the profile; a second process is turned away
    assert_eq!(
        Profile::take(&profile_folder)
            .err()
            .map(|error| error.kind()),
        Some(ErrorKind::Busy)
    );
    let copy = tempfile::tempdir().unwrap();
    std::fs::create_dir(copy.path().join("account")).unwrap();
    std::fs::copy(&database, copy.path().join("account/relevo.db")).unwrap();
    std::fs::write(copy.path().join("account/keys"), &before).unwrap();
    let profile = Profile::take(copy.path()).unwrap();
    let opened = profile.open(&Unlock::Silently(&TestKeyring::default()), seams);
    assert_eq!(
        opened.err().map(|error| error.kind()),
        Some(ErrorKind::Keyring)
    );
    assert_eq!(
        std::fs::read(copy.path().join("account/keys")).unwrap(),
        before
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_is_used_by_one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Profile::take(folder.path()).unwrap();
    assert_eq!(
        Profile::take(folder.path()).err().map(|error| error.kind()),
        Some(ErrorKind::Busy)
    );
    drop(first);
    Profile::take(folder.path()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_app_leaves_one_whole_file() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, _luis, _) = ana_and_luis(&relay).await;
    ana.write(with_luis, "last words").await;
    let ana = ana.restart().await;
    let (folder, database) = ana.stop().await;
    assert!(database.exists());
    assert!(!database.with_extension("db-wal").exists());
    drop(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_protection_and_the_name_of_the_last_attempt_count() {
    let relay = TestRelay::start().await;
    let invite = relay.invite();
    let folder = tempfile::tempdir().unwrap();
    let profile = Profile::take(folder.path()).unwrap();
    let keyring = TestKeyring::default();
    let passphrase = || Protection::Passphrase(Zeroizing::new("correct horse".to_owned()));
    let mut accounts = Vec::new();
    for (name, protection) in [
        ("An", Protection::Unprotected),
        ("Ana", passphrase()),
        ("Ana", passphrase()),
    ] {
        let (seams, _network) = SystemSeams::new(&Handle::current());
        let opened = profile
            .create(&invite, name, &protection, &keyring, seams)
            .unwrap();
        accounts.push(opened.engine.me());
    }
    profile.registered().unwrap();
    assert_eq!(
        profile.state().unwrap(),
        ProfileState::Account(vec![SlotKind::Passphrase])
    );
    assert_eq!(accounts[2].name, "Ana");
    assert!(
        accounts.iter().all(|me| me.account == accounts[0].account),
        "the same keys at each attempt"
    );
}

/// A computer on which somebody begins with an invite.
struct Beginning {
    relay: TestRelay,
    profile: Profile,
    folder: tempfile::TempDir,
    keyring: TestKeyring,
}

impl Beginning {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            relay: TestRelay::start().await,
            profile: Profile::take(folder.path()).unwrap(),
            folder,
            keyring: TestKeyring::default(),
        }
    }

    fn create(&self, invite: &Link, protection: &Protection) -> Result<AccountId, ErrorKind> {
        let (seams, _network) = SystemSeams::new(&Handle::current());
        self.profile
            .create(invite, "Ana", protection, &self.keyring, seams)
            .map(|opened| opened.engine.me().account)
            .map_err(|error| error.kind())
    }

    fn open(&self, invite: &Link) -> client_core::Result<OpenedAccount> {
        let (seams, _network) = SystemSeams::new(&Handle::current());
        let protection = Protection::Unprotected;
        self.profile
            .create(invite, "Ana", &protection, &self.keyring, seams)
    }

    /// Tries to make an account, and ends.
    async fn registered(&self, invite: &Link) -> (Me, Result<(), ErrorKind>) {
        let (seams, network) = SystemSeams::new(&Handle::current());
        let protection = Protection::Unprotected;
        let opened = self
            .profile
            .create(invite, "Ana", &protection, &self.keyring, seams)
            .unwrap();
        let me = opened.engine.me();
        let (client, _notices) = Client::start(opened, network, &Handle::current()).unwrap();
        let outcome = client.registered().await.map_err(|error| error.kind());
        client.stop().await;
        (me, outcome)
    }

    fn account(&self) -> PathBuf {
        self.folder.path().join("account")
    }

    fn left_aside(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name());
        names
            .filter(|name| name.to_string_lossy().starts_with("abandoned-"))
            .count()
    }
}

fn passphrase(text: &str) -> Protection {
    Protection::Passphrase(Zeroizing::new(text.to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_was_killed_half_way_does_not_stand_in_the_way() {
    let beginning = Beginning::new().await;
    let invite = beginning.relay.invite();
    beginning.create(&invite, &Protection::Unprotected).unwrap();
    // killed right after the file was made, before the relay could hear of it
    let marker = beginning.account().join("registering");
    let whole = std::fs::read_to_string(&marker).unwrap();
    std::fs::write(&marker, whole.strip_suffix(" stored").unwrap()).unwrap();
    std::fs::write(beginning.account().join("relevo.db"), b"").unwrap();
    let second = beginning.create(&invite, &Protection::Unprotected).unwrap();
    assert_eq!(
        beginning.create(&invite, &Protection::Unprotected),
        Ok(second)
    );
    assert_eq!(beginning.left_aside(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_cannot_be_opened_is_a_question_while_its_link_is_asked_for() {
    let beginning = Beginning::new().await;
    let invite = beginning.relay.invite();
    let first = beginning.create(&invite, &passphrase("correct horse"));
    for other in [passphrase("battery staple"), Protection::Unprotected] {
        let refused = beginning.create(&invite, &other);
        assert_eq!(refused, Err(ErrorKind::OtherProtection));
    }
    assert_eq!(
        beginning.create(&invite, &passphrase("correct horse")),
        first
    );
    let database = beginning.account().join("relevo.db");
    let whole = std::fs::read(&database).unwrap();
    std::fs::write(&database, &whole[..100]).unwrap();
    let refused = beginning.create(&invite, &passphrase("correct horse"));
    assert_eq!(refused, Err(ErrorKind::Database));
    std::fs::write(&database, whole).unwrap();
    assert_eq!(
        beginning.create(&invite, &passphrase("correct horse")),
        first
    );
    assert_eq!(beginning.left_aside(), 0);
    // who forgot it begins with another invite, and nothing is deleted
    let other = beginning.relay.invite();
    let second = beginning.create(&other, &passphrase("battery staple"));
    assert!(second.is_ok() && second != first);
    assert_eq!(beginning.left_aside(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_whose_keyring_fails_waits_for_it() {
    let beginning = Beginning::new().await;
    let invite = beginning.relay.invite();
    let first = beginning.create(&invite, &Protection::Keyring);
    let entries = beginning.keyring.take();
    let refused = beginning.create(&invite, &Protection::Keyring);
    assert_eq!(refused, Err(ErrorKind::Keyring));
    beginning.keyring.put_back(entries);
    assert_eq!(beginning.create(&invite, &Protection::Keyring), first);
    assert_eq!(beginning.left_aside(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_the_relay_made_is_not_replaced_although_the_app_was_killed_then() {
    let beginning = Beginning::new().await;
    let invite = beginning.relay.invite();
    let (seams, network) = SystemSeams::new(&Handle::current());
    let opened = beginning
        .profile
        .create(
            &invite,
            "Ana",
            &Protection::Unprotected,
            &beginning.keyring,
            seams,
        )
        .unwrap();
    let first = opened.engine.me().account;
    let (client, _notices) = Client::start(opened, network, &Handle::current()).unwrap();
    client.registered().await.unwrap();
    client.stop().await;
    let mut luis = Person::join("Luis", &beginning.relay.invite()).await;
    // killed before the profile knew
    let other = beginning.relay.invite();
    let elsewhere = Link {
        relay: RelayId::new([7; 32]),
        issuer: Some(AccountId::new([8; 16])),
        ..beginning.relay.invite()
    };
    for link in [other, elsewhere] {
        let again = beginning.open(&link).unwrap();
        assert_eq!(again.engine.me().account, first);
        assert_eq!(again.engine.relay(), beginning.relay.invite().relay);
        // nobody of another relay is written to
        let list = Reader::open(&again.path, &again.key).unwrap();
        assert!(list.conversations().unwrap().is_empty());
    }
    // but whoever made the link of the same relay is a contact from now on
    let (seams, network) = SystemSeams::new(&Handle::current());
    let opened = beginning
        .profile
        .create(
            &luis.invite().await,
            "Ana",
            &Protection::Unprotected,
            &beginning.keyring,
            seams,
        )
        .unwrap();
    let (client, _notices) = Client::start(opened, network, &Handle::current()).unwrap();
    luis.conversation_with("Ana").await;
    client.stop().await;
    assert_eq!(beginning.left_aside(), 0);
    // the next start needs no link
    assert_eq!(beginning.profile.state().unwrap(), ProfileState::Empty);
    assert!(beginning.profile.finish_begun(&beginning.keyring).unwrap());
    assert!(matches!(
        beginning.profile.state(),
        Ok(ProfileState::Account(_))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_that_came_to_nothing_is_not_used_for_a_later_link() {
    let beginning = Beginning::new().await;
    let good = beginning.relay.invite();
    let dead = Link {
        addresses: vec!["127.0.0.1:1".parse().unwrap()],
        relay: RelayId::new([7; 32]),
        secret: LinkSecret::new([9; 16]),
        ..good.clone()
    };
    let (first, _) = beginning.registered(&dead).await;
    assert!(!beginning.profile.finish_begun(&beginning.keyring).unwrap());
    let (second, outcome) = beginning.registered(&good).await;
    assert_eq!(outcome, Ok(()));
    assert_ne!(second.account, first.account);
    assert_eq!(second.relay, good.addresses[0].to_string());
    assert_eq!(beginning.left_aside(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_link_with_other_addresses_leads_where_it_says() {
    let beginning = Beginning::new().await;
    let good = beginning.relay.invite();
    let dead = Link {
        addresses: vec!["127.0.0.1:1".parse().unwrap()],
        ..good.clone()
    };
    let (first, outcome) = beginning.registered(&dead).await;
    assert_eq!(outcome, Err(ErrorKind::RelayUnreachable));
    let (second, outcome) = beginning.registered(&good).await;
    assert_eq!(outcome, Ok(()));
    // the relay may have heard of the first, and the link lets in one
    assert_eq!(second.account, first.account);
    assert_eq!(second.relay, good.addresses[0].to_string());
    assert_eq!(beginning.left_aside(), 0);
    // but another relay never did, whatever the secret
    let other = Beginning::new().await;
    let elsewhere = Link {
        relay: RelayId::new([7; 32]),
        ..other.relay.invite()
    };
    let first = other.create(&elsewhere, &Protection::Unprotected).unwrap();
    let here = Link {
        relay: other.relay.invite().relay,
        ..elsewhere
    };
    assert_ne!(other.create(&here, &Protection::Unprotected), Ok(first));
    assert_eq!(other.left_aside(), 1);
}

/// An account whose computer is gone, and the folder into which it is to come back.
struct ComingBack {
    beginning: Beginning,
    words: String,
}

impl ComingBack {
    async fn new() -> Self {
        let beginning = Beginning::new().await;
        let (ana, with_luis, mut luis, with_ana) = ana_and_luis(&beginning.relay).await;
        ana.write(with_luis, "hola").await;
        luis.until_last(with_ana, "hola").await;
        let words = confirm_code(&mut luis).await;
        luis.stop().await;
        Self { beginning, words }
    }

    async fn found(&self) -> FoundAccount {
        let relay = self.beginning.relay.invite().to_app();
        let lost = Lost::parse(&self.words, &relay).unwrap();
        lost.find(&Handle::current()).await.unwrap()
    }

    /// The attempt, which may be an earlier one.
    async fn begin(&self) -> OpenedAccount {
        let (seams, _network) = SystemSeams::new(&Handle::current());
        let Beginning {
            profile, keyring, ..
        } = &self.beginning;
        let (found, protection) = (self.found().await, Protection::Unprotected);
        profile
            .restore(&found, None, &protection, keyring, seams)
            .unwrap()
    }

    /// Is let in, and ends before that is noted in the profile.
    async fn come_back(&self) -> Result<(), ErrorKind> {
        let (seams, network) = SystemSeams::new(&Handle::current());
        let Beginning {
            profile, keyring, ..
        } = &self.beginning;
        let (found, protection) = (self.found().await, Protection::Unprotected);
        let opened = profile
            .restore(&found, None, &protection, keyring, seams)
            .unwrap();
        let (client, _notices) = Client::start(opened, network, &Handle::current()).unwrap();
        let outcome = client.registered().await.map_err(|error| error.kind());
        client.stop().await;
        outcome
    }

    async fn come_back_elsewhere(&self) {
        Person::restore(None, &self.found().await)
            .await
            .stop()
            .await;
    }

    fn left_aside(&self) -> usize {
        self.beginning.left_aside()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_to_come_back_goes_on_while_it_leads_into_the_account() {
    let luis = ComingBack::new().await;
    drop(luis.begin().await);
    assert_eq!(luis.come_back().await, Ok(()));
    // the relay let it in, and the answer was lost
    let opened = luis.begin().await;
    let (path, key) = (opened.path.clone(), opened.key.clone());
    drop(opened);
    let enrolling = "UPDATE account SET enrolling = 1";
    Database::open(&path, &key)
        .unwrap()
        .write(|write| Ok(write.connection().execute_batch(enrolling)?))
        .unwrap();
    assert_eq!(luis.come_back().await, Ok(()));
    assert_eq!(luis.come_back().await, Ok(()));
    assert_eq!(luis.left_aside(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_attempt_to_come_back_that_another_computer_overtook_begins_anew() {
    let luis = ComingBack::new().await;
    drop(luis.begin().await);
    luis.come_back_elsewhere().await;
    assert_eq!(luis.come_back().await, Ok(()));
    assert_eq!(luis.left_aside(), 1);
    // let in, and revoked before the profile knew
    luis.come_back_elsewhere().await;
    assert_eq!(luis.come_back().await, Ok(()));
    assert_eq!(luis.left_aside(), 2);
}
