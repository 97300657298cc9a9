//! How long a device takes to come back: thousands of messages from a real relay, opened and stored by a real client, over
//! real sockets and a real disk. And what it costs to register and to open a conversation.
//!
//! `cargo bench -p client-core --bench catchup -- [--messages 10000] [--guests 10]`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a measuring tool: it stops at the first surprise and prints what it found"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use client_core::{
    Client, Notices, SystemSeams,
    keyslots::{KeyringTrouble, Protection, SecretStore, Unlock},
    model::{Conversation, ConversationKey, ConversationState, MessageKind},
    profile::{Profile, ProfileState},
    store::{Database, DatabaseKey, WriteTransaction, contacts, conversations, messages},
};
use protocol::{AccountId, ConversationId, Link, MessageId};
use relay_server::{InitOptions, Relay, local_config};
use tokio::{net::TcpListener, runtime::Handle, task::JoinSet};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// Messages on their way while the sender writes.
const ON_THE_WAY: u32 = 256;
/// Entries that a client stores in one transaction.
const BATCH: usize = 64;

#[tokio::main]
async fn main() {
    let (mut messages, mut guests) = (10_000, 10);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|it| it.parse().ok());
        match argument.as_str() {
            "--messages" => messages = number().expect("--messages N"),
            "--guests" => guests = number().expect("--guests N"),
            // cargo adds it
            "--bench" => {}
            other => panic!("unknown argument {other:?}"),
        }
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut relay = RunningRelay::start(folder.path()).await;
    let invite = relay.invite();
    let mut ana = App::start(&folder.path().join("ana"), "Ana", Some(&invite)).await;
    set_up(&mut ana, guests, &relay, folder.path()).await;
    catch_up(&mut ana, messages, folder.path()).await;
    ana.client.stop().await;
    relay.stop().await;
}

/// Lets people join; then Ana opens a link of each, and both have the conversation.
async fn set_up(ana: &mut App, guests: u32, relay: &RunningRelay, folder: &Path) {
    let [mut registration, mut conversation] = [(); 2].map(|()| Spent::default());
    for guest in 0..guests {
        let name = format!("guest {guest}");
        let invite = relay.invite();
        let start = Cpu::now();
        let mut app = App::start(&folder.join(&name), &name, Some(&invite)).await;
        // the relay answers in order: it has the key packages when it has made the link
        let link = app.client.create_contact_link().await.unwrap();
        registration.add(&start);
        let start = Cpu::now();
        ana.client
            .open_link(link.app.parse().unwrap())
            .await
            .unwrap();
        ana.conversation_with(&name).await;
        app.conversation_with("Ana").await;
        conversation.add(&start);
        app.client.stop().await;
    }
    registration.print("registration", guests);
    conversation.print("direct conversation", guests);
}

/// Ana writes while Luis is away; then he comes back.
async fn catch_up(ana: &mut App, messages: u32, folder: &Path) {
    let home = folder.join("luis");
    let invite = ana.invite().await;
    let mut luis = App::start(&home, "Luis", Some(&invite)).await;
    luis.conversation_with("Ana").await;
    let key = ana.conversation_with("Luis").await;
    luis.client.stop().await;
    drop(luis.profile);

    let clock = Instant::now();
    for number in 0..messages {
        ana.client.send_text(key, text(number)).await.unwrap();
        if number % 64 == 0 {
            ana.until(|_, waiting| (waiting < ON_THE_WAY).then_some(()))
                .await;
        }
    }
    ana.until(|_, waiting| (waiting == 0).then_some(())).await;
    let wrote = clock.elapsed().as_secs_f64();
    println!(
        "written and sent: {messages} in {wrote:.2} s, {:.0}/s",
        f64::from(messages) / wrote
    );

    let before = Cpu::now();
    let clock = Instant::now();
    let mut luis = App::start(&home, "Luis", None).await;
    luis.until(|conversations, _| {
        let unread = conversations.first().map(|it| it.unread);
        (unread >= Some(messages)).then_some(())
    })
    .await;
    let took = clock.elapsed().as_secs_f64();
    let used = Cpu::now().since(&before);
    println!(
        "caught up: {messages} in {took:.2} s, {:.0}/s",
        f64::from(messages) / took
    );
    for (name, time) in &used {
        println!("  {name:<20} {:>7.2} s CPU", time.as_secs_f64());
    }
    let all: Duration = used.values().sum();
    println!(
        "  {:<20} {:>7.2} s CPU",
        "all, with the relay",
        all.as_secs_f64()
    );
    luis.client.stop().await;
    let alone = store_alone(messages, folder).as_secs_f64();
    println!(
        "stored alone: {messages} in {alone:.2} s; catching up takes {:.1} times as long",
        took / alone
    );
}

/// The same texts into a database of the same kind, so many in a transaction as come in a frame: what is left when nothing
/// is received, opened or checked.
fn store_alone(messages: u32, folder: &Path) -> Duration {
    let mut database =
        Database::create(&folder.join("alone.db"), &DatabaseKey::new([7; 32])).unwrap();
    let peer = AccountId::new([1; 16]);
    database
        .write(|write| {
            contacts::ensure(write, peer)?;
            let id = ConversationId::new([1; 16]);
            conversations::insert(write, id, peer, ConversationState::Established, 0)
        })
        .unwrap();
    let clock = Instant::now();
    let numbers: Vec<u32> = (0..messages).collect();
    for batch in numbers.chunks(BATCH) {
        database
            .write(|write| batch.iter().try_for_each(|number| store(write, *number)))
            .unwrap();
    }
    clock.elapsed()
}

fn store(write: &WriteTransaction<'_>, number: u32) -> client_core::Result<()> {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    let text = text(number);
    let message = messages::NewMessage {
        id: MessageId::new(id),
        conversation: ConversationKey(1),
        seq: Some(u64::from(number) + 1),
        sender: AccountId::new([1; 16]),
        mine: false,
        kind: MessageKind::Text,
        text: &text,
        content: text.as_bytes(),
        time: u64::from(number),
        client_id: None,
    };
    messages::insert(write, &message)?;
    Ok(())
}

fn text(number: u32) -> String {
    format!("message {number}: shall we meet at the usual place, half past seven?")
}

/// A relay in this process, without rates.
struct RunningRelay {
    invites: Relay,
    shutdown: CancellationToken,
    task: JoinSet<()>,
}

impl RunningRelay {
    async fn start(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = local_config(address, vec![address.to_string()]);
        config.quotas.appends_per_second = u32::MAX;
        config.quotas.appends_burst = u32::MAX;
        config.quotas.registrations_per_hour = u32::MAX;
        let dir = folder.join("relay");
        let relay = Relay::create(&dir, InitOptions { config }).unwrap();
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone();
        let mut task = JoinSet::new();
        task.spawn(async move { relay_server::run(listener, relay, stopped).await.unwrap() });
        Self {
            invites: Relay::open(&dir).unwrap(),
            shutdown,
            task,
        }
    }

    fn invite(&self) -> Link {
        self.invites
            .new_invite(1, Duration::from_secs(3600))
            .unwrap()
    }

    async fn stop(&mut self) {
        self.shutdown.cancel();
        self.task.join_next().await;
    }
}

/// One client.
struct App {
    client: Client,
    notices: Notices,
    profile: Profile,
}

impl App {
    async fn start(home: &Path, name: &str, invite: Option<&Link>) -> Self {
        let profile = Profile::take(home).unwrap();
        let (seams, network) = SystemSeams::new(&Handle::current());
        let opened = match (profile.state().unwrap(), invite) {
            (ProfileState::Empty, Some(invite)) => {
                profile.create(invite, name, &Protection::Unprotected, &NoKeyring, seams)
            }
            _ => profile.open(&Unlock::Silently(&NoKeyring), seams),
        };
        let (client, notices) =
            Client::start(opened.unwrap(), network, &Handle::current()).unwrap();
        client.registered().await.unwrap();
        profile.registered().unwrap();
        Self {
            client,
            notices,
            profile,
        }
    }

    async fn invite(&self) -> Link {
        self.client
            .create_invite()
            .await
            .unwrap()
            .app
            .parse()
            .unwrap()
    }

    async fn conversation_with(&mut self, name: &str) -> ConversationKey {
        self.until(|conversations, _| {
            let established = conversations
                .iter()
                .find(|it| it.title == name && it.state == ConversationState::Established);
            established.map(|it| it.key)
        })
        .await
    }

    /// Looks at the conversations and at how much waits in the outbox, again after each notice.
    async fn until<T>(&mut self, look: impl Fn(&[Conversation], u32) -> Option<T>) -> T {
        loop {
            let conversations = self.client.conversations().await.unwrap();
            let waiting = self.client.connection().await.unwrap().waiting;
            if let Some(found) = look(&conversations, waiting) {
                return found;
            }
            self.notices.recv().await.expect("the engine stopped");
        }
    }
}

struct NoKeyring;

impl SecretStore for NoKeyring {
    fn get(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        Err(KeyringTrouble::Missing("no keyring".to_owned()))
    }

    fn set(&self, _: &str, _: &[u8]) -> Result<(), KeyringTrouble> {
        Err(KeyringTrouble::Missing("no keyring".to_owned()))
    }

    fn remove(&self, _: &str) -> Result<(), KeyringTrouble> {
        Err(KeyringTrouble::Missing("no keyring".to_owned()))
    }
}

/// What something came to in all.
#[derive(Default)]
struct Spent {
    wall: Duration,
    threads: BTreeMap<String, Duration>,
}

impl Spent {
    fn add(&mut self, since: &Cpu) {
        let now = Cpu::now();
        self.wall += now.at - since.at;
        for (thread, time) in now.since(since) {
            *self.threads.entry(thread).or_default() += time;
        }
    }

    fn print(&self, what: &str, times: u32) {
        let each = |time: Duration| time.as_secs_f64() * 1000.0 / f64::from(times);
        let all: Duration = self.threads.values().sum();
        println!(
            "{what}, {times} times: {:.1} ms CPU each, {:.1} ms on the clock",
            each(all),
            each(self.wall)
        );
        for (name, time) in &self.threads {
            println!("  {name:<20} {:>7.1} ms CPU each", each(*time));
        }
    }
}

/// The processor time of each thread so far, by its number.
struct Cpu {
    threads: BTreeMap<String, (String, Duration)>,
    at: Instant,
}

impl Cpu {
    fn now() -> Self {
        let mut threads = BTreeMap::new();
        for entry in fs::read_dir("/proc/self/task").expect("Linux") {
            let path = entry.unwrap().path();
            // a thread may end between two looks
            let (Ok(name), Ok(times)) = (
                fs::read_to_string(path.join("comm")),
                fs::read_to_string(path.join("schedstat")),
            ) else {
                continue;
            };
            let nanoseconds = times.split(' ').next().unwrap().parse().unwrap();
            let time = Duration::from_nanos(nanoseconds);
            threads.insert(path.display().to_string(), (name.trim().to_owned(), time));
        }
        Self {
            threads,
            at: Instant::now(),
        }
    }

    /// What the threads that still live used since then, by name.
    fn since(&self, before: &Self) -> BTreeMap<String, Duration> {
        let mut used: BTreeMap<String, Duration> = BTreeMap::new();
        for (thread, (name, time)) in &self.threads {
            let earlier = before
                .threads
                .get(thread)
                .map_or(Duration::ZERO, |(_, time)| *time);
            *used.entry(name.clone()).or_default() += time.saturating_sub(earlier);
        }
        used
    }
}
