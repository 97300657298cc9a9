//! A relay and people with the app, made for a test and gone after it.

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use client_core::{
    Client, Notices, Result, SystemSeams,
    keyslots::{KeyringTrouble, Protection, SecretStore, Unlock},
    model::{
        Conversation, ConversationKey, ConversationState, Message, MessageKind, OutgoingState,
        SystemEvent,
    },
    profile::Profile,
    restoring::{self, FoundAccount},
    seams::SeededRandom,
    store::DatabaseKey,
};
use protocol::{Address, Link};
use relay_server::{InitOptions, Relay};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::{
    net::{TcpListener, TcpSocket},
    runtime::Handle,
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// A test that waits longer than this has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A relay on loopback that can be stopped and started again.
pub(crate) struct TestRelay {
    folder: TempDir,
    address: SocketAddr,
    /// Never listens: while the relay is stopped, nobody else is given its port, where the system lets two sockets have one.
    _port: Option<TcpSocket>,
    running: Option<(CancellationToken, JoinSet<()>)>,
}

impl TestRelay {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Relay::create(folder.path(), InitOptions::default()).unwrap();
        let port = TcpSocket::new_v4().unwrap();
        port.set_reuseaddr(true).unwrap();
        port.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let mut relay = Self {
            folder,
            address: port.local_addr().unwrap(),
            _port: cfg!(target_os = "linux").then_some(port),
            running: None,
        };
        relay.start_again().await;
        relay
    }

    /// Everything that the relay keeps.
    #[allow(dead_code, reason = "the test that records all traffic looks there")]
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn serve(&mut self, listener: TcpListener) {
        let relay = Relay::open(self.folder.path()).unwrap();
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone();
        let mut task = JoinSet::new();
        task.spawn(async move { relay_server::run(listener, relay, stopped).await.unwrap() });
        self.running = Some((shutdown, task));
    }

    /// An invite of the operator.
    pub(crate) fn invite(&self) -> Link {
        let relay = Relay::open(self.folder.path()).unwrap();
        relay
            .new_invite_at(&[self.address()], 1, Duration::from_secs(3600))
            .unwrap()
    }

    pub(crate) fn address(&self) -> Address {
        self.address.to_string().parse().unwrap()
    }

    pub(crate) async fn stop(&mut self) {
        let (shutdown, task) = self.running.take().unwrap();
        shutdown.cancel();
        task.join_all().await;
    }

    /// Changes something of what a stopped relay keeps.
    #[allow(
        dead_code,
        reason = "the test that records all traffic changes nothing"
    )]
    pub(crate) fn change(&self, sql: &str) {
        let database = Connection::open(self.folder.path().join("relay.db")).unwrap();
        database.execute_batch(sql).unwrap();
    }

    pub(crate) async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }
}

/// A keyring in memory.
#[derive(Default)]
pub(crate) struct TestKeyring(Mutex<BTreeMap<String, Vec<u8>>>);

impl TestKeyring {
    /// Empties it.
    pub(crate) fn take(&self) -> BTreeMap<String, Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    pub(crate) fn put_back(&self, entries: BTreeMap<String, Vec<u8>>) {
        *self.0.lock().unwrap() = entries;
    }
}

impl SecretStore for TestKeyring {
    fn get(&self, name: &str) -> std::result::Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        Ok(self
            .0
            .lock()
            .unwrap()
            .get(name)
            .cloned()
            .map(Zeroizing::new))
    }

    fn set(&self, name: &str, secret: &[u8]) -> std::result::Result<(), KeyringTrouble> {
        self.0
            .lock()
            .unwrap()
            .insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> std::result::Result<(), KeyringTrouble> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }
}

/// Somebody with the app.
pub(crate) struct Person {
    // nobody reads them while the client ends
    notices: Notices,
    client: Client,
    profile: Profile,
    folder: Arc<TempDir>,
    keyring: Arc<TestKeyring>,
}

impl Person {
    /// Opens an invite and waits until the relay has made the account.
    pub(crate) async fn join(name: &str, invite: &Link) -> Self {
        let person = Self::begin(name, invite);
        person.client.registered().await.unwrap();
        person.profile.registered().unwrap();
        person
    }

    /// Opens an invite; the relay may be away.
    pub(crate) fn begin(name: &str, invite: &Link) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let keyring = Arc::new(TestKeyring::default());
        let profile = Profile::take(folder.path()).unwrap();
        let (seams, network) = SystemSeams::new(&Handle::current());
        let opened = profile
            .create(invite, name, &Protection::Keyring, keyring.as_ref(), seams)
            .unwrap();
        let (client, notices) = Client::start(opened, network, &Handle::current()).unwrap();
        Self {
            client,
            profile,
            notices,
            folder,
            keyring,
        }
    }

    /// Ends the app and starts it again.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(|_, _| {}).await
    }

    /// Ends the app, changes something of its files, and starts it again.
    pub(crate) async fn restart_after(self, change: impl FnOnce(&Path, &DatabaseKey)) -> Self {
        self.away_while(async {}, change).await
    }

    /// Ends the app, waits for what others do, changes something of its files, and starts it again.
    pub(crate) async fn away_while(
        self,
        meanwhile: impl Future<Output = ()>,
        change: impl FnOnce(&Path, &DatabaseKey),
    ) -> Self {
        let database = self.database();
        let Self {
            client,
            profile,
            folder,
            keyring,
            ..
        } = self;
        client.stop().await;
        meanwhile.await;
        drop(profile);
        let profile = Profile::take(folder.path()).unwrap();
        let key = profile.unlock(&Unlock::Silently(keyring.as_ref())).unwrap();
        change(&database, &key);
        let (seams, network) = SystemSeams::new(&Handle::current());
        let opened = profile.open_with(key, seams).unwrap();
        let (client, notices) = Client::start(opened, network, &Handle::current()).unwrap();
        Self {
            client,
            profile,
            notices,
            folder,
            keyring,
        }
    }

    /// Ends the app, loses its database with all copies, waits for what others do, and starts it with the account alone.
    pub(crate) async fn restart_without_messages(
        self,
        meanwhile: impl Future<Output = ()>,
    ) -> Self {
        let Self {
            client,
            profile,
            folder,
            keyring,
            ..
        } = self;
        client.stop().await;
        meanwhile.await;
        drop(profile);
        lose_database(folder.path());
        let profile = Profile::take(folder.path()).unwrap();
        let key = profile.unlock(&Unlock::Silently(keyring.as_ref())).unwrap();
        let (seams, network) = SystemSeams::new(&Handle::current());
        let opened = profile.open_without_messages(key, seams).unwrap();
        assert!(opened.mended.is_some());
        let (client, notices) = Client::start(opened, network, &Handle::current()).unwrap();
        Self {
            client,
            profile,
            notices,
            folder,
            keyring,
        }
    }

    /// Backs up into a folder, ends the app, loses its database with all copies, waits for what others do, and starts it with
    /// what the backup has.
    pub(crate) async fn restart_with_backup(
        self,
        words: &str,
        backup: &Path,
        meanwhile: impl Future<Output = ()>,
    ) -> Self {
        let code = Zeroizing::new(*restoring::code(words).unwrap().as_bytes());
        let turned = self.client.turn_backup_on(backup.into(), code.clone());
        turned.await.unwrap();
        let job = self.client.begin_backup().await.unwrap();
        let unlock = Unlock::Silently(self.keyring.as_ref());
        let key = self.profile.unlock(&unlock).unwrap();
        let mut random = SeededRandom::new(1);
        let ran = self.profile.back_up(&key, &job, 1, &mut random).unwrap();
        self.client.finish_backup(ran).await.unwrap();
        let Self {
            client,
            profile,
            folder,
            keyring,
            ..
        } = self;
        client.stop().await;
        meanwhile.await;
        drop(profile);
        lose_database(folder.path());
        let profile = Profile::take(folder.path()).unwrap();
        let key = profile.unlock(&Unlock::Silently(keyring.as_ref())).unwrap();
        let (seams, network) = SystemSeams::new(&Handle::current());
        let backup = client_core::backup::open(backup, &code).unwrap();
        let opened = profile.open_with_backup(key, &backup, seams).unwrap();
        let (client, notices) = Client::start(opened, network, &Handle::current()).unwrap();
        Self {
            client,
            profile,
            notices,
            folder,
            keyring,
        }
    }

    /// The texts of a conversation with their positions, in order.
    pub(crate) async fn placed(&self, key: ConversationKey) -> Vec<(String, i64)> {
        let page = self.client.messages(key, None, 200).await.unwrap();
        let texts = page.messages.into_iter();
        texts
            .filter(|message| message.kind == MessageKind::Text)
            .map(|message| (message.text, message.position))
            .collect()
    }

    /// Waits until the texts of a conversation are these, with nothing missing, whatever other lines there are.
    pub(crate) async fn until_whole(&mut self, key: ConversationKey, texts: &[&str]) {
        self.until(&format!("texts {texts:?} and no gap"), async |client| {
            let page = client.messages(key, None, 200).await?;
            let missing = MessageKind::System(SystemEvent::MessagesMissing);
            let whole = page.messages.iter().all(|it| it.kind != missing);
            let shown = page
                .messages
                .iter()
                .filter(|it| it.kind == MessageKind::Text);
            Ok((whole && shown.map(|it| it.text.as_str()).eq(texts.iter().copied())).then_some(()))
        })
        .await;
    }

    /// Ends the app, copies its files, and starts it again.
    pub(crate) async fn restart_keeping_a_copy(self) -> (Self, TempDir) {
        self.restart_keeping_a_copy_and(|| ()).await
    }

    /// The same, and something else is done while the app is closed.
    pub(crate) async fn restart_keeping_a_copy_and(self, more: impl FnOnce()) -> (Self, TempDir) {
        let copy = tempfile::tempdir().unwrap();
        let person = self
            .restart_after(|database, _| {
                fs::copy(database, copy.path().join("relevo.db")).unwrap();
                more();
            })
            .await;
        (person, copy)
    }

    /// Ends the app, puts older files in the place of its own, and starts it again.
    pub(crate) async fn restart_from(self, copy: TempDir) -> Self {
        self.restart_after(|database, _| {
            fs::copy(copy.path().join("relevo.db"), database).unwrap();
        })
        .await
    }

    /// Brings an account back on another computer.
    pub(crate) async fn restore(name: Option<&str>, found: &FoundAccount) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let keyring = Arc::new(TestKeyring::default());
        let profile = Profile::take(folder.path()).unwrap();
        let (seams, network) = SystemSeams::new(&Handle::current());
        let opened = profile
            .restore(found, name, &Protection::Keyring, keyring.as_ref(), seams)
            .unwrap();
        let (client, notices) = Client::start(opened, network, &Handle::current()).unwrap();
        client.registered().await.unwrap();
        profile.registered().unwrap();
        Self {
            client,
            profile,
            notices,
            folder,
            keyring,
        }
    }

    /// Waits until the newest message of a conversation is this text.
    pub(crate) async fn until_last(&mut self, key: ConversationKey, text: &str) {
        self.until(&format!("{text:?}"), async |client| {
            let page = client.messages(key, None, 1).await?;
            Ok(page
                .messages
                .first()
                .is_some_and(|message| message.text == text)
                .then_some(()))
        })
        .await;
    }

    /// Ends the app; what it leaves is in the folder.
    pub(crate) async fn stop(self) -> (Arc<TempDir>, PathBuf) {
        let database = self.database();
        self.client.stop().await;
        (self.folder, database)
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("account/relevo.db")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes an invite that names this person.
    pub(crate) async fn invite(&self) -> Link {
        self.client
            .create_invite()
            .await
            .unwrap()
            .app
            .parse()
            .unwrap()
    }

    /// Looks again after each notice until `look` finds what it wants.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl AsyncFnMut(&Client) -> Result<Option<T>>,
    ) -> T {
        let waiting = async {
            loop {
                if let Some(found) = look(&self.client).await.unwrap() {
                    return found;
                }
                self.notices.recv().await.expect("the engine stopped");
            }
        };
        timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("waited in vain: {what}"))
    }

    /// Waits until the conversation with somebody of this name can carry messages.
    pub(crate) async fn conversation_with(&mut self, name: &str) -> ConversationKey {
        self.until(&format!("a conversation with {name}"), async |client| {
            let found = client
                .conversations()
                .await?
                .into_iter()
                .find(|conversation| {
                    conversation.title == name
                        && conversation.state == ConversationState::Established
                });
            Ok(found.map(|conversation| conversation.key))
        })
        .await
    }

    pub(crate) async fn conversations(&self) -> Vec<Conversation> {
        self.client.conversations().await.unwrap()
    }

    pub(crate) async fn write(&self, key: ConversationKey, text: &str) -> Message {
        self.client.send_text(key, text.to_owned()).await.unwrap()
    }

    /// All texts of a conversation in order.
    pub(crate) async fn texts(&self, key: ConversationKey) -> Vec<String> {
        all_texts(&self.client, key).await.unwrap()
    }

    /// Waits until these are all texts of a conversation, in any order, each once, whatever the app tells between them.
    pub(crate) async fn until_each_once(&mut self, key: ConversationKey, texts: &[&str]) {
        let mut wanted: Vec<&str> = texts.to_vec();
        wanted.sort_unstable();
        self.until(&format!("each of {texts:?} once"), async |client| {
            let page = client.messages(key, None, 200).await?;
            let texts = page
                .messages
                .iter()
                .filter(|it| it.kind == MessageKind::Text);
            let mut shown: Vec<&str> = texts.map(|it| it.text.as_str()).collect();
            shown.sort_unstable();
            Ok((shown == wanted).then_some(()))
        })
        .await;
    }

    /// Waits until the texts of a conversation are these.
    pub(crate) async fn until_texts(&mut self, key: ConversationKey, texts: &[&str]) {
        let what = format!("texts {texts:?}");
        self.until(&what, async |client| {
            Ok((all_texts(client, key).await? == texts).then_some(()))
        })
        .await;
    }

    /// Waits until the relay has every own message of a conversation.
    pub(crate) async fn until_all_at_least_sent(&mut self, key: ConversationKey) {
        self.until("all messages at the relay", async |client| {
            let page = client.messages(key, None, 200).await?;
            Ok(page
                .messages
                .iter()
                .all(|message| message.outgoing != Some(OutgoingState::Queued))
                .then_some(()))
        })
        .await;
    }

    /// Waits until every own message of a conversation has this state.
    pub(crate) async fn until_all(&mut self, key: ConversationKey, state: OutgoingState) {
        self.until(&format!("all messages {state:?}"), async |client| {
            let page = client.messages(key, None, 200).await?;
            Ok(page
                .messages
                .iter()
                .all(|message| message.outgoing.is_none_or(|it| it == state))
                .then_some(()))
        })
        .await;
    }
}

/// Removes the database of a profile with all copies.
fn lose_database(profile: &Path) {
    for lost in [
        "account/relevo.db",
        "account/relevo.db-wal",
        "account/relevo.db-shm",
    ] {
        fs::remove_file(profile.join(lost)).ok();
    }
    fs::remove_dir_all(profile.join("account/copies")).ok();
}

/// What a conversation shows from its beginning; what nobody wrote begins with a question mark.
pub(crate) async fn all_texts(client: &Client, key: ConversationKey) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    let mut before = None;
    loop {
        let page = client.messages(key, before, 200).await?;
        before = page.messages.first().map(|message| message.position);
        let shown = page
            .messages
            .into_iter()
            .filter(|message| !is_told(message.kind));
        texts.splice(
            0..0,
            shown.map(|message| {
                format!(
                    "{}{}",
                    if message.kind == MessageKind::Text {
                        ""
                    } else {
                        "?"
                    },
                    message.text
                )
            }),
        );
        if !page.more {
            return Ok(texts);
        }
    }
}

/// Ana, and Luis whom she invited; both see the conversation.
pub(crate) async fn ana_and_luis(
    relay: &TestRelay,
) -> (Person, ConversationKey, Person, ConversationKey) {
    let mut ana = Person::join("Ana", &relay.invite()).await;
    let mut luis = Person::join("Luis", &ana.invite().await).await;
    let with_luis = ana.conversation_with("Luis").await;
    let with_ana = luis.conversation_with("Ana").await;
    (ana, with_luis, luis, with_ana)
}

/// Lines of the app that are no trouble.
fn is_told(kind: MessageKind) -> bool {
    matches!(
        kind,
        MessageKind::System(SystemEvent::ConversationStarted | SystemEvent::RequestAccepted)
    )
}
