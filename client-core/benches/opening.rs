//! What a start waits for: opening the database with its raw key. Measured with 10,000 messages.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that fails has nothing to measure"
)]
#![allow(missing_docs, reason = "criterion's macros")]

use std::{hint::black_box, time::Instant};

use client_core::{
    model::{ConversationKey, ConversationState, MessageKind},
    store::{Database, DatabaseKey, contacts, conversations, messages},
};
use criterion::{Criterion, criterion_group, criterion_main};
use protocol::{AccountId, ConversationId, MessageId};
use rusqlite::Connection;

const MESSAGES: u32 = 10_000;

fn fill(database: &mut Database) {
    let peer = AccountId::new([1; 16]);
    let text = "two hundred bytes of text ".repeat(8);
    database
        .write(|write| {
            contacts::ensure(write, peer)?;
            let id = ConversationId::new([1; 16]);
            conversations::insert(write, id, peer, ConversationState::Established, 0)?;
            for number in 0..MESSAGES {
                let mut id = [0; 32];
                id[..4].copy_from_slice(&number.to_be_bytes());
                messages::insert(
                    write,
                    &messages::NewMessage {
                        id: MessageId::new(id),
                        conversation: ConversationKey(1),
                        seq: Some(u64::from(number) + 1),
                        sender: peer,
                        mine: false,
                        kind: MessageKind::Text,
                        text: &text,
                        content: text.as_bytes(),
                        time: u64::from(number),
                        client_id: None,
                    },
                )?;
            }
            Ok(())
        })
        .unwrap();
}

fn opening(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (folder.path().join("relevo.db"), DatabaseKey::new([7; 32]));
    let mut database = Database::create(&path, &key).unwrap();
    fill(&mut database);
    drop(database);
    criterion.bench_function("open a database that was closed", |bencher| {
        // without the closing, which nobody waits for
        bencher.iter_custom(|times| {
            (0..times)
                .map(|_| {
                    let since = Instant::now();
                    let database = black_box(Database::open(&path, &key).unwrap());
                    let passed = since.elapsed();
                    drop(database);
                    passed
                })
                .sum()
        });
    });
    let plain = folder.path().join("plain.db");
    let made = Connection::open(&plain).unwrap();
    made.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (a)")
        .unwrap();
    drop(made);
    criterion.bench_function(
        "baseline: open a plain file of SQLite, read its schema",
        |bencher| {
            bencher.iter(|| {
                let opened = Connection::open(&plain).unwrap();
                let count =
                    opened.query_row("SELECT count(*) FROM t", (), |row| row.get::<_, u32>(0));
                black_box(count.unwrap());
                opened
            });
        },
    );
    criterion.bench_function("open a connection for reading", |bencher| {
        bencher.iter(|| black_box(Database::open_reader(&path, &key).unwrap()));
    });
    // as after the process was killed: the whole database is looked at
    let _at_work = Database::open(&path, &key).unwrap();
    criterion.bench_function("open a database that was not closed", |bencher| {
        bencher.iter(|| black_box(Database::open(&path, &key).unwrap()));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().without_plots();
    targets = opening
}
criterion_main!(benches);
