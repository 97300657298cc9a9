//! What encryption costs: setting up a direct conversation, and each message. In memory, so that no disk is measured.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that fails has nothing to measure"
)]
#![allow(missing_docs, reason = "criterion's macros")]

use std::hint::black_box;

use client_core::{
    crypto::{AccountKeys, LastResort, Mls, PeerDevices},
    seams::SeededRandom,
    store::mls,
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use protocol::{ConversationId, RelayId, identity::Manifest};
use rusqlite::Connection;

const NOW: u64 = 1_800_000_000_000;
const CONVERSATION: ConversationId = ConversationId::new([3; 16]);

struct Person {
    keys: AccountKeys,
    random: SeededRandom,
    connection: Connection,
}

impl Person {
    fn new(seed: u64) -> Self {
        let mut random = SeededRandom::new(seed);
        let keys = AccountKeys::generate(&mut random, RelayId::new([9; 32]), NOW).unwrap();
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(mls::SCHEMA).unwrap();
        Self {
            keys,
            random,
            connection,
        }
    }

    fn run<T>(&mut self, work: impl FnOnce(&Mls<'_>) -> T) -> T {
        let transaction = self.connection.transaction().unwrap();
        let value = work(&Mls::new(&transaction, &mut self.random, &self.keys, NOW));
        transaction.commit().unwrap();
        value
    }

    fn devices(&mut self) -> PeerDevices {
        let package = self
            .run(|mls| mls.key_packages(1, LastResort::No))
            .unwrap()
            .remove(0);
        let manifest = Manifest::open(&self.keys.manifest()).unwrap();
        PeerDevices {
            manifest,
            packages: vec![(self.keys.device(), package)],
        }
    }

    /// Uses the group in a transaction that is committed.
    fn group<T>(&mut self, work: impl FnOnce(&mut Group<'_, '_>) -> T) -> T {
        self.run(|mls| work(&mut mls.load(CONVERSATION, 0).unwrap().unwrap()))
    }

    fn seal(&mut self, content: &[u8], aad: &[u8]) -> Vec<u8> {
        self.group(|group| group.seal(content, aad)).unwrap()
    }

    fn open(&mut self, bytes: &[u8]) {
        black_box(
            self.run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().open(bytes))
                .unwrap(),
        );
    }
}

/// The founder's part of a conversation: check the peer's package, make the group, the commit and the welcome, and merge.
fn found(alice: &mut Person, devices: PeerDevices) -> Vec<u8> {
    let founded = alice
        .run(|mls| mls.found_direct(CONVERSATION, 0, &[devices]))
        .unwrap();
    alice
        .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().merge_pending())
        .unwrap();
    founded.welcomes.into_iter().next().unwrap().bytes
}

fn conversation() -> (Person, Person) {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let welcome = found(&mut alice, bob.devices());
    bob.run(|mls| mls.join(&welcome)).unwrap();
    (alice, bob)
}

fn set_up(criterion: &mut Criterion) {
    criterion.bench_function("key package", |bencher| {
        let mut bob = Person::new(2);
        bencher.iter(|| bob.run(|mls| mls.key_packages(1, LastResort::No)).unwrap());
    });
    criterion.bench_function("found and merge", |bencher| {
        let mut bob = Person::new(2);
        bencher.iter_batched(
            || (Person::new(1), bob.devices()),
            |(mut alice, devices)| found(&mut alice, devices),
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("join", |bencher| {
        bencher.iter_batched(
            || {
                let (mut alice, mut bob) = (Person::new(1), Person::new(2));
                let welcome = found(&mut alice, bob.devices());
                (bob, welcome)
            },
            |(mut bob, welcome)| bob.run(|mls| mls.join(&welcome)).unwrap(),
            BatchSize::SmallInput,
        );
    });
}

fn messages(criterion: &mut Criterion) {
    let text = [b'x'; 200];
    criterion.bench_function("seal 200 bytes, one a transaction", |bencher| {
        let (mut alice, _bob) = conversation();
        bencher.iter(|| alice.seal(&text));
    });
    criterion.bench_function("open 200 bytes, one a transaction", |bencher| {
        let (mut alice, mut bob) = conversation();
        bencher.iter_batched(
            || alice.seal(&text),
            |message| bob.open(&message),
            BatchSize::NumIterations(1),
        );
    });
    criterion.bench_function("open 100 of 200 bytes in a transaction", |bencher| {
        let (mut alice, mut bob) = conversation();
        bencher.iter_batched(
            || (0..100).map(|_| alice.seal(&text)).collect::<Vec<_>>(),
            |messages| {
                bob.run(|mls| {
                    let mut group = mls.load(CONVERSATION, 0).unwrap().unwrap();
                    for message in &messages {
                        black_box(group.open(message).unwrap());
                    }
                });
            },
            BatchSize::NumIterations(1),
        );
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().without_plots();
    targets = set_up, messages
}
criterion_main!(benches);
