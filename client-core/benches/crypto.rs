//! What encryption costs: setting up a direct conversation, and each message. In memory, so that no disk is measured.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that fails has nothing to measure"
)]
#![allow(missing_docs, reason = "criterion's macros")]

use std::{
    cell::RefCell,
    hint::black_box,
    time::{Duration, Instant},
};

use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, aead::Aead as _};
use client_core::{
    crypto::{
        AccountKeys, Group, LastResort, Mls, PeerDevices, RecoveryCode, RecoveryRecord,
        safety_number,
    },
    seams::SeededRandom,
    store::mls::{self, MlsStore},
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use openmls::prelude::{GroupId, MlsGroup, tls_codec::Serialize as _};
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
        black_box(self.group(|group| group.open(bytes)).unwrap());
    }

    /// What the relay gives to a device that comes back.
    fn public_state(&mut self) -> (Vec<u8>, Vec<u8>) {
        let group_info = self.group(|group| group.group_info()).unwrap();
        let store = MlsStore::new(&self.connection);
        let group_id = GroupId::from_slice(&CONVERSATION.group_id(0));
        let group = MlsGroup::load(&store, &group_id).unwrap().unwrap();
        let tree = group.export_ratchet_tree();
        (group_info, tree.tls_serialize_detached().unwrap())
    }

    fn self_update(&mut self) -> Vec<u8> {
        self.group(|group| {
            let commit = group.self_update().unwrap().commit;
            group.merge_pending().unwrap();
            commit
        })
    }
}

/// The founder's part of a conversation: check the peer's package, make the group, the commit and the welcome, and merge.
fn found(alice: &mut Person, devices: PeerDevices) -> Vec<u8> {
    let founded = alice
        .run(|mls| mls.found_direct(CONVERSATION, 0, &[devices]))
        .unwrap();
    alice.group(|group| group.merge_pending()).unwrap();
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
    criterion.bench_function("set up a direct conversation, both sides", |bencher| {
        bencher.iter_batched(
            || {
                let (alice, mut bob) = (Person::new(1), Person::new(2));
                let devices = bob.devices();
                (alice, bob, devices)
            },
            |(mut alice, mut bob, devices)| {
                let welcome = found(&mut alice, devices);
                bob.run(|mls| mls.join(&welcome)).unwrap()
            },
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
    criterion.bench_function("baseline: 200 bytes through the cipher alone", |bencher| {
        let cipher = ChaCha20Poly1305::new(&[7; 32].into());
        bencher.iter(|| cipher.encrypt(&[0; 12].into(), text.as_slice()).unwrap());
    });
    criterion.bench_function("seal 200 bytes, one a transaction", |bencher| {
        let (mut alice, _bob) = conversation();
        bencher.iter(|| alice.seal(&text, &[]));
    });
    criterion.bench_function("open 200 bytes, one a transaction", |bencher| {
        let (mut alice, mut bob) = conversation();
        bencher.iter_batched(
            || alice.seal(&text, &[]),
            |message| bob.open(&message),
            BatchSize::NumIterations(1),
        );
    });
    criterion.bench_function("open 100 of 200 bytes in a transaction", |bencher| {
        let (mut alice, mut bob) = conversation();
        bencher.iter_batched(
            || (0..100).map(|_| alice.seal(&text, &[])).collect::<Vec<_>>(),
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

fn authenticated(criterion: &mut Criterion) {
    // as much as two hashes of manifests
    let (text, aad) = ([b'x'; 200], [7; 64]);
    criterion.bench_function("seal 200 bytes and 64 authenticated", |bencher| {
        let (mut alice, _bob) = conversation();
        bencher.iter(|| alice.seal(&text, &aad));
    });
    criterion.bench_function("open 200 bytes and 64 authenticated", |bencher| {
        let (mut alice, mut bob) = conversation();
        bencher.iter_batched(
            || alice.seal(&text, &aad),
            |message| bob.open(&message),
            BatchSize::NumIterations(1),
        );
    });
}

fn commits(criterion: &mut Criterion) {
    criterion.bench_function("self-update and merge", |bencher| {
        let (mut alice, mut bob) = conversation();
        bencher.iter_custom(|count| {
            let mut spent = Duration::ZERO;
            for _ in 0..count {
                let begin = Instant::now();
                let commit = alice.self_update();
                spent += begin.elapsed();
                bob.open(&commit);
            }
            spent
        });
    });
    criterion.bench_function("open a self-update", |bencher| {
        let (mut alice, mut bob) = conversation();
        bencher.iter_batched(
            || alice.self_update(),
            |commit| bob.open(&commit),
            BatchSize::NumIterations(1),
        );
    });
    criterion.bench_function("rejoin", |bencher| {
        let (mut alice, mut bob) = conversation();
        let (group_info, tree) = bob.public_state();
        // each time anew over the attempt before
        bencher.iter(|| {
            alice
                .run(|mls| mls.rejoin(CONVERSATION, 0, &group_info, &tree))
                .unwrap()
        });
    });
    criterion.bench_function("open a rejoining", |bencher| {
        let (mut alice, bob) = conversation();
        let bob = RefCell::new(bob);
        bencher.iter_batched(
            || {
                let (group_info, tree) = bob.borrow_mut().public_state();
                let rejoined = alice.run(|mls| mls.rejoin(CONVERSATION, 0, &group_info, &tree));
                rejoined.unwrap().commit
            },
            |commit| bob.borrow_mut().open(&commit),
            BatchSize::NumIterations(1),
        );
    });
}

fn identity(criterion: &mut Criterion) {
    criterion.bench_function("safety number", |bencher| {
        let alice = Person::new(1);
        bencher.iter(|| safety_number(alice.keys.account(), &alice.keys.root_public()));
    });
    criterion.bench_function("restore an account", |bencher| {
        let mut alice = Person::new(1);
        let code = RecoveryCode::generate(&mut alice.random).unwrap();
        let sealed = alice
            .keys
            .recovery_record(&mut alice.random, &code, "Alice");
        let (sealed, current) = (sealed.unwrap(), alice.keys.manifest());
        bencher.iter(|| {
            let record = RecoveryRecord::open(&code, &sealed).unwrap();
            AccountKeys::restored(&record, &current, &mut alice.random, NOW).unwrap()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().without_plots();
    targets = set_up, messages, authenticated, commits, identity
}
criterion_main!(benches);
