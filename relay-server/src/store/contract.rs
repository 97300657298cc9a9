//! What every store must do, whatever it is made of. Each test takes the store as the trait; a further store runs them by
//! adding itself to [`opened`].

mod accounts;
mod appends;
mod commits;
mod incarnations;
mod keeping;
mod key_packages;
mod manifests;
mod requests;
mod restoring;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use protocol::{
    AccountId, Claimed, ClientId, ConversationId, DeviceId, Digest, ErrorCode, Key, Refusal, cbor,
};

use super::*;
use crate::{
    clock::Vouched,
    config::Config,
    environment::{Clock, Environment, Random},
};

/// A clock that stands still until a test moves it.
#[derive(Default)]
struct StandingClock(AtomicU64);

impl Clock for StandingClock {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Zeros;

impl Random for Zeros {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

/// What is drawn when a store is restored.
struct Ones;

impl Random for Ones {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(1);
    }
}

/// A store with two accounts, Ana with two devices and Bo with one, and their conversation, which Bo made.
struct World {
    store: Arc<dyn Store>,
    clock: Arc<StandingClock>,
    ana: [Identity; 2],
    bo: Identity,
    dir: tempfile::TempDir,
}

const CONVERSATION: ConversationId = ConversationId::new([0xc0; 16]);
const NOON: u64 = 1_000_000_000;
const DAY: u64 = 24 * 3600 * 1000;

fn opened(dir: &Path, config: &Config, clock: &Arc<StandingClock>) -> Arc<dyn Store> {
    let environment = Environment {
        clock: clock.clone(),
        random: Arc::new(Zeros),
    };
    let sink = Box::new(|batch: Vec<Completion>| batch.into_iter().for_each(|done| done()));
    Arc::new(SqliteStore::open(&dir.join("db"), config, &environment, sink).unwrap())
}

fn account(n: u8, devices: u8, token: Digest) -> NewAccount {
    let device = |i| NewDevice {
        device: DeviceId::new([n * 16 + i; 16]),
        login_key: Key::new([n; 32]),
        leaf_key: Key::new([n; 32]),
    };
    NewAccount {
        made: Made::ByInvite(token),
        number: 1,
        account: AccountId::new([n; 16]),
        manifest: Bytes::from(vec![n; 40]),
        devices: (0..devices).map(device).collect(),
    }
}

fn link(n: u8, uses: u16) -> NewLinkRow {
    NewLinkRow {
        token: Digest::new([n; 32]),
        invite: true,
        uses,
        expires: NOON + 1_000,
        most: 10,
    }
}

impl World {
    async fn new() -> Self {
        Self::with(Config::default()).await
    }

    async fn with(config: Config) -> Self {
        let world = Self::without_conversation_with(config).await;
        world.create().await.unwrap();
        world
    }

    async fn without_conversation() -> Self {
        Self::without_conversation_with(Config::default()).await
    }

    async fn without_conversation_with(config: Config) -> Self {
        let clock = Arc::new(StandingClock(AtomicU64::new(NOON)));
        let dir = tempfile::tempdir().unwrap();
        let store = opened(dir.path(), &config, &clock);
        call(|done| store.new_link(Caller::Operator, link(1, 2), done))
            .await
            .unwrap();
        for (n, devices) in [(1, 2), (2, 1)] {
            call(|done| store.register(account(n, devices, Digest::new([1; 32])), done))
                .await
                .unwrap();
        }
        let ana = [identity(&*store, 1, 0).await, identity(&*store, 1, 1).await];
        let bo = identity(&*store, 2, 0).await;
        let world = Self {
            store,
            clock,
            ana,
            bo,
            dir,
        };
        call(|done| {
            world.store.new_link(
                Caller::Device(ana[0]),
                NewLinkRow {
                    invite: false,
                    ..link(2, 1)
                },
                done,
            )
        })
        .await
        .unwrap();
        world
    }

    /// The same, its store closed and opened again.
    fn reopened(self, config: &Config) -> Self {
        let Self {
            store,
            clock,
            ana,
            bo,
            dir,
        } = self;
        drop(store);
        let store = opened(dir.path(), config, &clock);
        Self {
            store,
            clock,
            ana,
            bo,
            dir,
        }
    }

    /// The same as of its store's backup.
    fn restored(self, config: &Config) -> Self {
        let Self {
            store,
            clock,
            ana,
            bo,
            dir,
        } = self;
        drop(store);
        let environment = Environment {
            clock: clock.clone(),
            random: Arc::new(Ones),
        };
        SqliteStore::mark_restored(&dir.path().join("db"), &environment, Vouched::No).unwrap();
        let store = opened(dir.path(), config, &clock);
        Self {
            store,
            clock,
            ana,
            bo,
            dir,
        }
    }

    async fn create(&self) -> Result<CommitDone, Refusal> {
        let request = NewConversation {
            peer: self.ana[0].account,
            token: Some(Digest::new([2; 32])),
            incarnation: None,
            most_requests: 1,
            commit: self
                .commit_of(
                    self.bo,
                    0,
                    1,
                    &[self.ana[0], self.ana[1]],
                    Some(b"snapshot"),
                )
                .await,
        };
        call(|done| self.store.create_conversation(request, done)).await
    }

    async fn commit_of(
        &self,
        caller: Identity,
        epoch: u64,
        id: u8,
        add: &[Identity],
        snapshot: Option<&[u8]>,
    ) -> NewCommit {
        let known = self
            .store
            .devices(vec![AccountId::new([1; 16]), AccountId::new([2; 16])])
            .await
            .unwrap();
        let find = |identity: &Identity| {
            known
                .iter()
                .find(|it| it.device_row == identity.device_row)
                .unwrap()
                .clone()
        };
        let added = add.iter().map(|it| Added {
            device: find(it),
            welcome: Bytes::from_static(b"welcome"),
        });
        let bytes = Bytes::from(format!("commit {id}"));
        NewCommit {
            caller,
            committer: Committer::Member,
            conversation: CONVERSATION,
            incarnation: 0,
            epoch,
            client_id: ClientId::new([id; 16]),
            digest: Digest::of(&[&bytes]),
            bytes,
            added: added.collect(),
            removed: Vec::new(),
            group_info: Bytes::from_static(b"info"),
            snapshot: snapshot.map(<[u8]>::to_vec),
        }
    }

    async fn append(
        &self,
        caller: Identity,
        epoch: u64,
        items: &[(u8, &'static str)],
    ) -> Result<Vec<u64>, Refusal> {
        let request = append(caller, epoch, items);
        call(|done| self.store.append(request, done))
            .await
            .map(|done| done.appended.seqs)
    }

    async fn page(&self) -> Vec<(u64, Vec<u8>)> {
        let stream = self
            .store
            .attachment(self.bo.device_row, NOON)
            .await
            .unwrap()
            .memberships
            .remove(0)
            .stream;
        let range = PageRange {
            after: 0,
            until: u64::from(u32::MAX),
            entries: 1000,
            bytes: 1 << 20,
        };
        let page = self
            .store
            .page(stream, range, self.bo.account_row)
            .await
            .unwrap();
        page.entries
            .into_iter()
            .map(|entry| (entry.seq, entry.bytes.0.to_vec()))
            .collect()
    }

    async fn raise(&self, identity: Identity, seq: u64) {
        let stream = self
            .store
            .attachment(identity.device_row, NOON)
            .await
            .unwrap()
            .memberships
            .remove(0)
            .stream;
        let cursors = vec![CursorRow::Conversation {
            device: identity.device_row,
            stream,
            seq,
        }];
        call(|done| {
            self.store.write_behind(
                Behind {
                    cursors,
                    last_seen: Vec::new(),
                },
                done,
            )
        })
        .await
        .unwrap();
    }

    /// Publishes key packages of Ana's first device, and says how many it has then.
    async fn publish(
        &self,
        packages: Vec<NewKeyPackage>,
        last_resort: Option<NewKeyPackage>,
    ) -> u16 {
        let publish = NewKeyPackages {
            caller: self.ana[0],
            packages,
            last_resort,
            replace: false,
            most: 2,
        };
        call(|done| self.store.publish_key_packages(publish, done))
            .await
            .unwrap()
            .count
    }

    /// Bo claims packages of an account.
    async fn claim(&self, id: u8, account: u8) -> Result<Bytes, Refusal> {
        let request = NewClaim {
            caller: self.bo,
            account: AccountId::new([account; 16]),
            client_id: ClientId::new([id; 16]),
            limited: None,
        };
        call(|done| self.store.claim_key_packages(request, done)).await
    }

    /// Lets days pass as a running relay does, with rounds of expiry.
    async fn pass(&self, days: u64, retention: u64) {
        for day in 1..=days {
            self.clock.0.fetch_add(DAY, Ordering::SeqCst);
            if day % 20 == 0 || day == days {
                self.expire(retention).await;
            }
        }
    }

    async fn expire(&self, days: u64) {
        let before = self.clock.now().saturating_sub(days * DAY);
        let mut request = Expiry {
            now: self.clock.now(),
            entries_before: before,
            client_ids_before: before,
            after: StreamRow(0),
        };
        while let Some(after) = call(|done| self.store.expire(request, done)).await.unwrap() {
            request.after = after;
        }
    }
}

async fn identity(store: &dyn Store, n: u8, device: u8) -> Identity {
    let login = store
        .login(
            AccountId::new([n; 16]),
            DeviceId::new([n * 16 + device; 16]),
        )
        .await
        .unwrap();
    login.unwrap().identity
}

fn append(caller: Identity, epoch: u64, items: &[(u8, &'static str)]) -> NewAppend {
    let entries = items.iter().map(|(id, text)| NewEntryRow {
        client_id: ClientId::new([*id; 16]),
        digest: Digest::of(&[text.as_bytes()]),
        bytes: Bytes::from_static(text.as_bytes()),
    });
    NewAppend {
        caller,
        conversation: CONVERSATION,
        incarnation: 0,
        epoch,
        limited: None,
        entries: entries.collect(),
    }
}

fn numbered(n: u16) -> ClientId {
    let mut id = [0xaa; 16];
    id[..2].copy_from_slice(&n.to_be_bytes());
    ClientId::new(id)
}

fn package(bytes: &'static [u8], expires: u64) -> NewKeyPackage {
    NewKeyPackage {
        bytes: Bytes::from_static(bytes),
        expires,
    }
}

fn code<T>(outcome: Result<T, Refusal>) -> ErrorCode {
    outcome.err().map(|refusal| refusal.code).unwrap()
}
