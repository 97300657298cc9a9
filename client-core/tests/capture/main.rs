//! What a relay gets to see: everything that clients send, and every file that the relay keeps. And what the logs say.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod log;
#[path = "../it/people.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod people;
mod recording;
mod search;
mod sight;
mod story;

use std::{collections::BTreeSet, fs, path::Path};

use data_encoding::HEXLOWER;
use protocol::{FRAME_NAMES, Frame, Opaque, StoreRecord, Token, encode_frame};
use rusqlite::Connection;

use self::{
    log::Log,
    people::TestRelay,
    recording::{Recorder, Sent},
    search::Secret,
    sight::Sight,
};

type Place = (String, Vec<u8>);

/// What the relay alone sends: its part of the handshake, replies and pushes.
const OF_THE_RELAY: [&str; 3] = ["challenge", "ready", "recovered"];
const FIRST_REPLY: u16 = 64;
/// What no client sends in that life, and why.
const NEVER_SENT: [(&str, &str); 1] = [(
    "publish_manifest",
    "only to a relay that went back in time: what `register` or `enroll` brought before",
)];

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_sees_no_text_no_name_and_no_draft() {
    let log = Log::begin();
    let mut relay = TestRelay::start().await;
    let recorder = Recorder::default();
    let mut secrets = story::live(&mut relay, &recorder).await;
    // as it is while the relay runs, with its write-ahead log, and as it is left behind
    let running = files(relay.folder());
    relay.stop().await;
    let frames = recorder.frames();
    let mut places = sent(&frames);
    places.extend(running);
    places.extend(files(relay.folder()));
    assert_eq!(leaks(&secrets, &places), BTreeSet::new());
    assert_kinds_are_complete(&frames);
    let sight = Sight::of(&frames, relay.folder());
    println!("{sight}");
    sight.assert_explained_by(
        kinds_of_clients(),
        include_str!("../../../docs/what-the-relay-sees.md"),
    );

    // a log may not even say what the relay knows of people and what lets somebody in
    secrets.push(Secret::text("handle", story::HANDLE));
    secrets.extend(frames.iter().flat_map(Sent::tokens));
    secrets.extend(keys_of_the_relay(relay.folder()));
    let lines = log.bytes();
    for writer in ["client_core::", "relay_server::"] {
        let wrote = String::from_utf8_lossy(&lines).contains(writer);
        assert!(wrote, "{writer} has no line, so nothing was looked into");
    }
    let lines = vec![("the log".to_owned(), lines)];
    assert_eq!(leaks(&secrets, &lines), BTreeSet::new());

    assert_leaks_would_be_seen(&secrets, relay.folder(), &recorder, &log);
}

/// The same leak in each place: a name in a frame, in the database and in a line of the log.
fn assert_leaks_would_be_seen(secrets: &[Secret], folder: &Path, recorder: &Recorder, log: &Log) {
    let frame = Frame::from(StoreRecord {
        record: Token::new([0; Token::LEN]),
        bytes: Opaque::from(story::ANA.as_bytes().to_vec()),
        signature: None,
    });
    recorder.record(encode_frame(1, &frame).into());
    Connection::open(folder.join("relay.db"))
        .unwrap()
        .execute("UPDATE accounts SET handle = ?1 WHERE id = 1", [story::ANA])
        .unwrap();
    tracing::trace!(name = story::ANA, "a leak");
    let mut places = sent(&recorder.frames());
    places.extend(files(folder));
    places.push(("the log".to_owned(), log.bytes()));
    let seen = leaks(secrets, &places);
    for place in ["store_record", "relay.db", "the log"] {
        let there = seen
            .iter()
            .any(|leak| leak.starts_with("a name ") && leak.ends_with(place));
        assert!(there, "a name in {place} is not seen: {seen:?}");
    }
}

fn sent(frames: &[Sent]) -> Vec<Place> {
    let place = |frame: &Sent| (frame.name.to_owned(), frame.bytes.to_vec());
    frames.iter().map(place).collect()
}

/// Which secrets are where.
fn leaks(secrets: &[Secret], places: &[Place]) -> BTreeSet<String> {
    let mut leaks = BTreeSet::new();
    for secret in secrets {
        for (place, bytes) in places {
            if secret.is_in(bytes) {
                leaks.insert(format!("a {} is in {place}", secret.what));
            }
        }
    }
    leaks
}

/// Whatever a client can send was sent, so that a kind of frame that is new is looked into too.
fn assert_kinds_are_complete(frames: &[Sent]) {
    let seen: BTreeSet<&str> = frames.iter().map(|frame| frame.name).collect();
    let unseen: Vec<&str> = kinds_of_clients().filter(|it| !seen.contains(it)).collect();
    let never: Vec<&str> = NEVER_SENT.iter().map(|(name, _)| *name).collect();
    assert_eq!(unseen, never, "and what was sent is {seen:?}");
}

fn kinds_of_clients() -> impl Iterator<Item = &'static str> {
    FRAME_NAMES
        .iter()
        .filter(|(number, name)| *number < FIRST_REPLY && !OF_THE_RELAY.contains(name))
        .map(|(_, name)| *name)
}

/// What proves to clients that the relay is the relay.
fn keys_of_the_relay(folder: &Path) -> Vec<Secret> {
    let hex = fs::read_to_string(folder.join("identity-key")).unwrap();
    let bytes = HEXLOWER.decode(hex.trim().as_bytes()).unwrap();
    vec![Secret::bytes("key of the relay", &bytes)]
}

/// Every file of a folder.
fn files(folder: &Path) -> Vec<Place> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.is_file(), "{} is looked into too", path.display());
        files.push((path.display().to_string(), fs::read(&path).unwrap()));
    }
    let database = files.iter().any(|(name, _)| name.ends_with("relay.db"));
    assert!(database, "the relay's database is not where it was");
    files
}
