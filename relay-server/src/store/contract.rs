//! What every store must do, whatever it is made of. Each test takes the store as the trait; a further store runs them by
//! adding itself to [`opened`].

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
        token,
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
        world.create().await.unwrap();
        world
    }

    async fn create(&self) -> Result<CommitDone, Refusal> {
        let request = NewConversation {
            peer: self.ana[0].account,
            token: Some(Digest::new([2; 32])),
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
        let page = self.store.page(stream, range).await.unwrap();
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

    async fn expire(&self, days: u64) {
        let before = self.clock.now().saturating_sub(days * 24 * 3600 * 1000);
        let mut request = Expiry {
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

#[tokio::test]
async fn seqs_rise_by_one_and_repeats_keep_theirs() {
    let world = World::new().await;
    let bo = world.bo;
    assert_eq!(
        world.append(bo, 1, &[(10, "a"), (11, "b")]).await.unwrap(),
        [2, 3]
    );
    assert_eq!(
        world
            .append(world.ana[0], 1, &[(10, "of another sender")])
            .await
            .unwrap(),
        [4]
    );
    assert_eq!(
        world
            .append(bo, 1, &[(11, "b"), (12, "c"), (10, "a")])
            .await
            .unwrap(),
        [3, 5, 2]
    );
    let texts: Vec<_> = world.page().await.into_iter().skip(1).collect();
    let expected: Vec<(u64, Vec<u8>)> = vec![
        (2, b"a".to_vec()),
        (3, b"b".to_vec()),
        (4, b"of another sender".to_vec()),
        (5, b"c".to_vec()),
    ];
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn a_request_is_stored_as_a_whole_or_not_at_all() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    for items in [&[(11, "b"), (10, "not a")][..], &[(11, "b"), (11, "b")]] {
        assert_eq!(
            code(world.append(world.bo, 1, items).await),
            ErrorCode::IdConflict
        );
    }
    assert_eq!(world.append(world.bo, 1, &[(11, "b")]).await.unwrap(), [3]);
}

#[tokio::test]
async fn checks_come_in_the_promised_order() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    let limited = |epoch, items: &[(u8, &'static str)]| {
        let limited = Some(Refusal::new(ErrorCode::RateLimited));
        let request = NewAppend {
            limited,
            ..append(world.bo, epoch, items)
        };
        call(|done| world.store.append(request, done))
    };
    // the client id before the epoch and the rate, the epoch before the rate
    assert_eq!(limited(7, &[(10, "a")]).await.unwrap().appended.seqs, [2]);
    assert_eq!(code(limited(7, &[(11, "b")]).await), ErrorCode::StaleEpoch);
    assert_eq!(code(limited(1, &[(11, "b")]).await), ErrorCode::RateLimited);
    // membership before the epoch
    call(|done| world.store.new_link(Caller::Operator, link(9, 1), done))
        .await
        .unwrap();
    call(|done| {
        world
            .store
            .register(account(3, 1, Digest::new([9; 32])), done)
    })
    .await
    .unwrap();
    let cy = identity(&*world.store, 3, 0).await;
    assert_eq!(
        code(world.append(cy, 7, &[(1, "x")]).await),
        ErrorCode::NotMember
    );
}

#[tokio::test]
async fn one_commit_wins_an_epoch_and_a_repeat_learns_of_it() {
    let world = World::new().await;
    let winner = world.commit_of(world.bo, 1, 20, &[], None).await;
    let digest = winner.digest;
    let committed = call(|done| world.store.commit(winner, done))
        .await
        .unwrap()
        .committed;
    let loser = world.commit_of(world.ana[0], 1, 21, &[], None).await;
    let refusal = call(|done| world.store.commit(loser, done))
        .await
        .err()
        .unwrap();
    assert_eq!(refusal.code, ErrorCode::StaleEpoch);
    assert_eq!(
        (refusal.epoch, refusal.seq, refusal.winner),
        (Some(2), Some(committed.seq), Some(digest))
    );
    let repeat = world.commit_of(world.bo, 1, 20, &[], None).await;
    let repeated = call(|done| world.store.commit(repeat, done)).await.unwrap();
    assert_eq!(repeated.committed, committed);
    assert!(repeated.change.is_none());
    let group = world.store.group(CONVERSATION).await.unwrap().unwrap();
    assert_eq!(
        (group.epoch, group.snapshot, group.commits),
        (2, b"snapshot".to_vec(), vec![b"commit 20".to_vec()])
    );
}

#[tokio::test]
async fn a_refused_commit_leaves_no_trace_in_the_transaction_of_others() {
    let world = World::new().await;
    // one that fails after it has written: it removes somebody who is no member
    let mut bad = world.commit_of(world.bo, 1, 20, &[], None).await;
    bad.removed = vec![DeviceId::new([0xee; 16])];
    let good = world.commit_of(world.ana[0], 1, 21, &[], None).await;
    let (before, between) = (
        append(world.bo, 1, &[(10, "a")]),
        append(world.ana[0], 1, &[(10, "b")]),
    );
    // submitted together, so that they share a transaction as far as the store likes
    let outcomes = tokio::join!(
        call(|done| world.store.append(before, done)),
        call(|done| world.store.commit(bad, done)),
        call(|done| world.store.append(between, done)),
        call(|done| world.store.commit(good, done)),
    );
    assert_eq!(outcomes.0.unwrap().appended.seqs, [2]);
    assert_eq!(code(outcomes.1), ErrorCode::InvalidCommit);
    assert_eq!(outcomes.2.unwrap().appended.seqs, [3]);
    assert_eq!(outcomes.3.unwrap().committed.seq, 4);
    assert_eq!(world.append(world.bo, 2, &[(11, "c")]).await.unwrap(), [5]);
    assert_eq!(world.page().await.len(), 5);
}

#[tokio::test]
async fn a_removed_device_keeps_its_part_and_appends_no_more() {
    let world = World::new().await;
    let mut commit = world.commit_of(world.bo, 1, 20, &[], None).await;
    commit.removed = vec![world.ana[1].device];
    call(|done| world.store.commit(commit, done)).await.unwrap();
    assert_eq!(
        code(world.append(world.ana[1], 2, &[(1, "x")]).await),
        ErrorCode::NotMember
    );
    let left = world
        .store
        .left(world.ana[1].device_row, CONVERSATION)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((left.joined, left.left), (1, 2));
    // and comes back from a later commit on
    let again = world
        .commit_of(world.bo, 2, 21, &[world.ana[1]], None)
        .await;
    call(|done| world.store.commit(again, done)).await.unwrap();
    let membership = world
        .store
        .attachment(world.ana[1].device_row, NOON)
        .await
        .unwrap()
        .memberships
        .remove(0);
    let own = membership
        .members
        .iter()
        .find(|member| member.device == world.ana[1].device)
        .unwrap();
    assert_eq!(
        (own.joined, own.left, own.cursor, own.welcome),
        (3, None, 3, 2)
    );
}

#[tokio::test]
async fn a_pair_has_one_conversation() {
    let world = World::new().await;
    // a repeat is the first answer
    assert_eq!(world.create().await.unwrap().committed.seq, 1);
    let other = NewCommit {
        conversation: ConversationId::new([1; 16]),
        ..world
            .commit_of(world.ana[0], 0, 30, &[world.bo], Some(b"s"))
            .await
    };
    let request = NewConversation {
        peer: world.bo.account,
        token: None,
        commit: other,
    };
    let refusal = call(|done| world.store.create_conversation(request, done))
        .await
        .err()
        .unwrap();
    assert_eq!(
        (refusal.code, refusal.conversation),
        (ErrorCode::Exists, Some(CONVERSATION))
    );
}

#[tokio::test]
async fn an_invite_lets_in_as_many_as_it_says_until_it_expires() {
    let world = World::new().await;
    let used_up = account(3, 1, Digest::new([1; 32]));
    assert_eq!(
        code(call(|done| world.store.register(used_up, done)).await),
        ErrorCode::BadLink
    );
    call(|done| world.store.new_link(Caller::Operator, link(9, 2), done))
        .await
        .unwrap();
    call(|done| {
        world
            .store
            .register(account(3, 1, Digest::new([9; 32])), done)
    })
    .await
    .unwrap();
    // the same once more takes no use
    call(|done| {
        world
            .store
            .register(account(3, 1, Digest::new([9; 32])), done)
    })
    .await
    .unwrap();
    world.clock.0.store(NOON + 1_001, Ordering::SeqCst);
    let late = account(4, 1, Digest::new([9; 32]));
    assert_eq!(
        code(call(|done| world.store.register(late, done)).await),
        ErrorCode::BadLink
    );
    let taken = NewAccount {
        account: AccountId::new([5; 16]),
        ..account(3, 1, Digest::new([9; 32]))
    };
    world.clock.0.store(NOON, Ordering::SeqCst);
    assert_eq!(
        code(call(|done| world.store.register(taken, done)).await),
        ErrorCode::BadIdentity
    );
    // what was refused took no use either
    call(|done| {
        world
            .store
            .register(account(4, 1, Digest::new([9; 32])), done)
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_one_time_key_package_is_handed_out_once_and_the_last_resort_again_and_again() {
    let world = World::new().await;
    let once = package(b"once", NOON + 1);
    let last = package(b"last", NOON + 1);
    assert_eq!(world.publish(vec![once], Some(last)).await, 1);
    let claim = |id: u8, account: u8| world.claim(id, account);
    let first = claim(1, 1).await.unwrap();
    let claimed: Claimed = cbor::decode(&first).unwrap();
    assert_eq!(claimed.packages.len(), 1, "the other device has none");
    assert_eq!(&claimed.packages[0].bytes.0[..], b"once");
    let second: Claimed = cbor::decode(&claim(2, 1).await.unwrap()).unwrap();
    assert_eq!(&second.packages[0].bytes.0[..], b"last");
    assert_eq!(claim(1, 1).await.unwrap(), first);
    assert_eq!(code(claim(1, 2).await), ErrorCode::IdConflict);
    assert_eq!(code(claim(3, 9).await), ErrorCode::NoKeyPackages);
}

#[tokio::test]
async fn a_key_package_whose_time_is_over_is_not_handed_out() {
    let world = World::new().await;
    let packages = vec![package(b"short", NOON + 1), package(b"long", NOON + 2)];
    let last = package(b"last", NOON + 2);
    assert_eq!(world.publish(packages, Some(last)).await, 2);
    world.clock.0.store(NOON + 1, Ordering::SeqCst);
    let claimed: Claimed = cbor::decode(&world.claim(1, 1).await.unwrap()).unwrap();
    assert_eq!(&claimed.packages[0].bytes.0[..], b"long");
    world.clock.0.store(NOON + 2, Ordering::SeqCst);
    assert_eq!(code(world.claim(2, 1).await), ErrorCode::NoKeyPackages);
    // and takes no room
    assert_eq!(
        world.publish(vec![package(b"new", NOON + 3)], None).await,
        1
    );
}

#[tokio::test]
async fn a_claim_that_fits_no_frame_takes_nothing() {
    let world = World::new().await;
    let large: &'static [u8] = vec![7; 70_000].leak();
    assert_eq!(world.publish(vec![package(large, NOON + 1)], None).await, 1);
    assert_eq!(code(world.claim(1, 1).await), ErrorCode::TooLarge);
    assert_eq!(world.publish(Vec::new(), None).await, 1);
}

#[tokio::test]
async fn a_round_of_expiry_removes_all_that_is_due() {
    const ENTRIES: u16 = 3000;
    let world = World::new().await;
    for part in (0..ENTRIES).collect::<Vec<_>>().chunks(500) {
        let mut request = append(world.bo, 1, &[]);
        request.entries.extend(part.iter().map(|n| NewEntryRow {
            client_id: numbered(*n),
            digest: Digest::of(&[b"x"]),
            bytes: Bytes::from_static(b"x"),
        }));
        call(|done| world.store.append(request, done))
            .await
            .unwrap();
    }
    for device in [world.bo, world.ana[0], world.ana[1]] {
        world.raise(device, u64::from(ENTRIES) + 1).await;
    }
    world.expire(60).await;
    assert_eq!(world.page().await, []);
    let newest = || {
        world
            .store
            .prior(world.bo.device_row, numbered(ENTRIES - 1))
    };
    assert!(newest().await.unwrap().is_some(), "its client id is kept");
    world
        .clock
        .0
        .fetch_add(91 * 24 * 3600 * 1000, Ordering::SeqCst);
    world.expire(90).await;
    assert!(newest().await.unwrap().is_none());
}

#[tokio::test]
async fn entries_stay_until_everybody_has_them_or_they_are_too_old() {
    let world = World::new().await;
    world
        .append(world.bo, 1, &[(10, "a"), (11, "b"), (12, "c")])
        .await
        .unwrap();
    world.raise(world.bo, 4).await;
    world.raise(world.ana[0], 4).await;
    world.raise(world.ana[1], 2).await;
    // a cursor never falls
    world.raise(world.ana[1], 1).await;
    world.expire(60).await;
    assert_eq!(world.page().await, [(3, b"b".to_vec()), (4, b"c".to_vec())]);
    // the client ids are still known
    assert_eq!(world.append(world.bo, 1, &[(10, "a")]).await.unwrap(), [2]);
    world
        .clock
        .0
        .fetch_add(61 * 24 * 3600 * 1000, Ordering::SeqCst);
    world.expire(60).await;
    assert_eq!(world.page().await, []);
    assert_eq!(world.append(world.bo, 1, &[(13, "d")]).await.unwrap(), [5]);
}

#[tokio::test]
async fn what_was_answered_is_there_after_reopening() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    world.raise(world.ana[0], 2).await;
    let World {
        store,
        clock,
        dir,
        bo,
        ana,
    } = world;
    drop(store);
    let store = opened(dir.path(), &Config::default(), &clock);
    let world = World {
        store,
        clock,
        dir,
        bo,
        ana,
    };
    assert_eq!(
        world
            .append(world.bo, 1, &[(10, "a"), (11, "b")])
            .await
            .unwrap(),
        [2, 3]
    );
    let membership = world
        .store
        .attachment(world.ana[0].device_row, NOON)
        .await
        .unwrap()
        .memberships
        .remove(0);
    assert_eq!(membership.last, 3);
    assert_eq!(
        membership.members.iter().map(|member| member.cursor).max(),
        Some(2)
    );
}

#[tokio::test]
async fn a_full_disk_refuses_writes_keeps_reads_and_recovers() {
    const LIMIT: u64 = 400 * 1024;
    let mut config = Config::default();
    config.storage.max_bytes = LIMIT;
    let World {
        store,
        clock,
        dir,
        bo,
        ana,
    } = World::with(config).await;
    let big: &'static str = "x".repeat(30_000).leak();
    let mut stored = 0;
    let refusal = loop {
        let id = stored + 100;
        let request = append(bo, 1, &[(id, big)]);
        match call(|done| store.append(request, done)).await {
            Ok(_) => stored += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal.code, ErrorCode::Unavailable);
    assert!(refusal.retry_after.is_some() && stored > 1);
    let world = World {
        store,
        clock,
        dir,
        bo,
        ana,
    };
    assert_eq!(world.page().await.len(), usize::from(stored) + 1);
    let World {
        store,
        clock,
        dir,
        bo,
        ana,
    } = world;
    drop(store);
    // space came back
    let store = opened(dir.path(), &Config::default(), &clock);
    let world = World {
        store,
        clock,
        dir,
        bo,
        ana,
    };
    let next = u64::from(stored) + 2;
    assert_eq!(
        world
            .append(world.bo, 1, &[(stored + 100, big)])
            .await
            .unwrap(),
        [next]
    );
}
