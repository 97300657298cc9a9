//! A relay to speak to, and two people on it.

use std::{net::SocketAddr, time::Duration};

use protocol::{Append, ConversationId, NewEntry, RelayId, StreamId, Token};
use relay_server::{Config, InitOptions, Relay, TlsMode, run};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Client, PATIENCE},
    people::{Device, Group, Person, client_id, direct},
};

/// A relay on a port of its own, in its own directory.
pub(crate) struct TestRelay {
    pub(crate) address: SocketAddr,
    pub(crate) id: RelayId,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) config: Config,
    shutdown: CancellationToken,
    task: Option<JoinHandle<anyhow::Result<()>>>,
}

/// A configuration for tests: plain on the loopback, and no limit that a test would run into by itself.
pub(crate) fn test_config() -> Config {
    let mut config = Config::default();
    config.tls.mode = TlsMode::BehindProxy;
    config.quotas.registrations_per_hour = 100_000;
    config.quotas.attempts_per_minute = 100_000;
    config.quotas.failed_logins_per_minute = 100_000;
    config.quotas.requests_per_second = 10_000;
    config.quotas.logins_per_minute = 100_000;
    config.quotas.commits_per_hour = 100_000;
    config.quotas.claims_of_one_per_day = 100_000;
    config.quotas.appends_per_second = 100_000;
    config.quotas.appends_burst = 1_000_000;
    config.timeouts.cursors = 20;
    config
}

impl TestRelay {
    pub(crate) async fn start() -> Self {
        Self::start_with(test_config()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        let dir = tempfile::tempdir().expect("make a directory");
        Relay::create(
            dir.path(),
            InitOptions {
                config: config.clone(),
            },
        )
        .expect("make a relay");
        Self::open(dir, config).await
    }

    pub(crate) async fn open(dir: tempfile::TempDir, config: Config) -> Self {
        let relay = Relay::open_with(dir.path(), config.clone()).expect("open the relay");
        let id = relay.relay_id();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let address = listener.local_addr().expect("address");
        let shutdown = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "the handle is kept and awaited")]
        let task = tokio::spawn(run(listener, relay, shutdown.clone()));
        Self {
            address,
            id,
            dir,
            config,
            shutdown,
            task: Some(task),
        }
    }

    /// Stops it cleanly, and gives the directory back.
    pub(crate) async fn stop(mut self) -> (tempfile::TempDir, Config) {
        self.shutdown.cancel();
        let task = self.task.take().expect("running");
        timeout(PATIENCE, task)
            .await
            .expect("stops")
            .expect("no panic")
            .expect("no error");
        (self.dir, self.config)
    }

    pub(crate) fn begin_stop(&self) {
        self.shutdown.cancel();
    }

    /// An invite of the operator.
    pub(crate) fn invite(&self, uses: u16) -> Token {
        let relay = Relay::open_with(self.dir.path(), self.config.clone()).expect("open the relay");
        let address = self.address.to_string().parse().expect("address");
        let link = relay
            .new_invite_at(&[address], uses, Duration::from_secs(3600))
            .expect("make an invite");
        link.secret.token()
    }

    pub(crate) async fn dial(&self) -> Client {
        Client::dial(self.address).await
    }

    /// A person with one device, registered by an invite of the operator and connected.
    pub(crate) async fn person(&self) -> (Person, Client) {
        let person = Person::new(self.id, 1);
        let client = self.register(&person, self.invite(1)).await;
        (person, client)
    }

    pub(crate) async fn register(&self, person: &Person, token: Token) -> Client {
        let mut client = self.dial().await;
        client
            .register(person, person.device(), token)
            .await
            .expect("registers");
        client
    }

    pub(crate) async fn login(&self, device: &Device) -> Client {
        let mut client = self.dial().await;
        client.login(device).await.expect("logs in");
        client
    }

    /// Ana and Bo in a direct conversation that Bo made by Ana's link; both are at the same epoch and connected, and have
    /// acknowledged everything.
    pub(crate) async fn pair(&self) -> Pair {
        let (ana, mut ana_client) = self.person().await;
        let (bo, mut bo_client) = self.person().await;
        let token = ana_client.contact_link(1).await;
        ana_client.publish(ana.device(), 3).await;
        bo_client.publish(bo.device(), 3).await;
        let packages = bo_client.claim(ana.account).await.packages;
        let (bo_group, request) = direct(bo.device(), ana.account, Some(token), &packages);
        let conversation = request.conversation;
        bo_client.create(request).await.expect("creates");
        let welcome = ana_client.entries(StreamId::Inbox, 1).await.remove(0);
        ana_client.ack(StreamId::Inbox, welcome.seq).await;
        let ana_group = Group::join(ana.device(), conversation, &welcome.bytes, &bo_group);
        bo_client
            .entries(StreamId::Conversation(conversation), 1)
            .await;
        bo_client.ack(StreamId::Conversation(conversation), 1).await;
        // Bo's acknowledgement of the commit has come through
        ana_client.delivered(conversation, 1).await;
        Pair {
            conversation,
            ana,
            ana_client,
            ana_group,
            bo,
            bo_client,
            bo_group,
        }
    }
}

/// Two people and their conversation.
pub(crate) struct Pair {
    pub(crate) conversation: ConversationId,
    pub(crate) ana: Person,
    pub(crate) ana_client: Client,
    pub(crate) ana_group: Group,
    pub(crate) bo: Person,
    pub(crate) bo_client: Client,
    pub(crate) bo_group: Group,
}

impl Pair {
    pub(crate) fn stream(&self) -> StreamId {
        StreamId::Conversation(self.conversation)
    }

    /// An append in the present epoch.
    pub(crate) fn append(&self, texts: &[&[u8]]) -> Append {
        append(self.conversation, self.bo_group.epoch(), texts)
    }
}

pub(crate) fn append(conversation: ConversationId, epoch: u64, texts: &[&[u8]]) -> Append {
    let entries = texts.iter().map(|text| NewEntry {
        client_id: client_id(),
        bytes: text.to_vec().into(),
    });
    Append {
        conversation,
        incarnation: 0,
        epoch,
        entries: entries.collect(),
    }
}
