//! Databases that were written once and must load for ever. `UPDATE_GOLDEN=1 cargo nextest run -p client-core --test crypto`
//! writes them anew: only ever as an **additional** file, for those in the field hold the old rows.

use std::{fs, path::PathBuf};

use client_core::{
    crypto::{AccountKeys, LastResort, OpenError},
    seams::SeededRandom,
    store::mls,
};
use data_encoding::HEXLOWER;
use rusqlite::Connection;

use crate::{
    people::{CONVERSATION, Person},
    rejoin::{public_state, rejoin},
};

struct Golden {
    keys: Vec<u8>,
    message: Vec<u8>,
    rows: Vec<(Vec<u8>, Vec<u8>)>,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/crypto/golden")
        .join(name)
}

fn rows(connection: &Connection) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut statement = connection
        .prepare("SELECT key, value FROM mls_state ORDER BY key")
        .unwrap();
    statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

impl Golden {
    fn of(person: &Person, message: Vec<u8>) -> Self {
        Self {
            keys: person.keys.to_bytes().to_vec(),
            message,
            rows: rows(&person.connection),
        }
    }

    /// One line each for the keys and a message that is still sealed, then a line for each row.
    fn to_text(&self) -> String {
        let hex = |bytes: &[u8]| HEXLOWER.encode(bytes);
        let mut text = format!("{}\n{}\n", hex(&self.keys), hex(&self.message));
        for (key, value) in &self.rows {
            text.push_str(&format!("{} {}\n", hex(key), hex(value)));
        }
        text
    }

    fn from_text(text: &str) -> Self {
        let hex = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap();
        let mut lines = text.lines();
        let keys = hex(lines.next().unwrap());
        let message = hex(lines.next().unwrap());
        let rows = lines
            .map(|line| line.split_once(' ').unwrap())
            .map(|(key, value)| (hex(key), hex(value)))
            .collect();
        Self {
            keys,
            message,
            rows,
        }
    }

    fn load(name: &str, current: &Self) -> Self {
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(path(name), current.to_text()).unwrap();
        }
        Self::from_text(&fs::read_to_string(path(name)).unwrap())
    }

    fn revive(&self) -> Person {
        let person = Person::with_keys(
            AccountKeys::from_bytes(&self.keys).unwrap(),
            SeededRandom::new(99),
        );
        for (key, value) in &self.rows {
            person
                .connection
                .execute(
                    "INSERT INTO mls_state (key, value) VALUES (?1, ?2)",
                    (key, value),
                )
                .unwrap();
        }
        person
    }
}

/// Four databases as they are written today, each with a message that is still sealed.
struct Today {
    /// Alice's, with a pending commit; and Bob's welcome.
    pending: Golden,
    /// Bob's, with the key package that the welcome names; and the welcome.
    invited: Golden,
    /// Bob's after he joined and opened a message; and the next one.
    joined: Golden,
    /// Alice's after she lost everything and asked to come back; and a message for when the relay let her.
    entering: Golden,
}

fn today() -> Today {
    let (mut alice, mut bob) = (Person::new(1), Person::new(2));
    let founded = alice.found(&mut bob);
    let welcome = founded.welcomes[0].bytes.clone();
    let pending = Golden::of(&alice, welcome.clone());
    bob.run(|mls| mls.key_packages(1, LastResort::Yes)).unwrap();
    let invited = Golden::of(&bob, welcome.clone());
    alice.merge();
    bob.join(&welcome);
    let first = alice.seal("first");
    assert_eq!(bob.read(&first), "first");
    let joined = Golden::of(&bob, alice.seal("second"));
    let mut returning = alice.reborn(11);
    let rejoined = rejoin(&mut returning, &public_state(&mut bob)).unwrap();
    bob.open(&rejoined.commit).unwrap();
    let entering = Golden::of(&returning, bob.seal("welcome back"));
    Today {
        pending,
        invited,
        joined,
        entering,
    }
}

#[test]
fn a_joined_group_written_by_version_1_opens_its_next_message() {
    let golden = Golden::load("joined-1.hex", &today().joined);
    let mut bob = golden.revive();
    assert_eq!(bob.read(&golden.message), "second");
    assert!(!bob.seal("an answer").is_empty());
}

#[test]
fn a_rejoining_that_waits_for_its_verdict_written_by_version_1_ends_well() {
    let golden = Golden::load("entering-1.hex", &today().entering);
    let mut alice = golden.revive();
    assert!(alice.group(|group| group.has_pending()).unwrap());
    assert!(matches!(
        alice.open(&golden.message),
        Err(OpenError::Unconfirmed)
    ));
    alice.merge();
    assert_eq!(alice.read(&golden.message), "welcome back");
}

/// Both sides come from files, so that nothing here depends on how today's code would make them.
#[test]
fn a_pending_commit_and_a_key_package_written_by_version_1_make_a_conversation() {
    let today = today();
    let pending = Golden::load("pending-1.hex", &today.pending);
    let invited = Golden::load("invited-1.hex", &today.invited);
    let (mut alice, mut bob) = (pending.revive(), invited.revive());
    assert!(
        alice
            .run(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().has_pending())
            .unwrap()
    );
    alice.merge();
    assert_eq!(alice.epoch(), 1);
    bob.join(&invited.message);
    let message = alice.seal("hello from the past");
    assert_eq!(bob.read(&message), "hello from the past");
    let answer = bob.seal("and back");
    assert_eq!(alice.read(&answer), "and back");
}

/// The library ends the row of message secrets with the computer's time, which it uses for nothing here.
fn timeless(value: &[u8]) -> &[u8] {
    let mark = b"added_at";
    let end = value.windows(mark.len()).position(|window| window == mark);
    &value[..end.unwrap_or(value.len())]
}

#[test]
fn rows_are_still_written_in_the_form_of_version_1() {
    let Today {
        pending,
        invited,
        joined,
        entering,
    } = today();
    for (name, current) in [
        ("pending-1.hex", pending),
        ("invited-1.hex", invited),
        ("joined-1.hex", joined),
        ("entering-1.hex", entering),
    ] {
        let golden = Golden::load(name, &current);
        assert_eq!(golden.keys, current.keys, "{name}");
        for ((key, value), (golden_key, golden_value)) in current.rows.iter().zip(&golden.rows) {
            assert_eq!(HEXLOWER.encode(key), HEXLOWER.encode(golden_key), "{name}");
            assert!(
                timeless(value) == timeless(golden_value),
                "{name}: kind {}",
                key[0]
            );
        }
        assert_eq!(current.rows.len(), golden.rows.len(), "{name}");
    }
    assert!(mls::SCHEMA.contains("mls_state"));
}
