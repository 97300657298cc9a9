//! A contact that counts falsely without end: what is noted of it, and what is asked, stays bounded.

use client_core::{
    content::{Again, Body, Content, Range, SealNote},
    model::{ConversationKey, SystemEvent},
    store::{
        Database, DatabaseKey,
        chains::{self, Chain},
    },
};
use protocol::DeviceId;

use super::chat::Chat;
use crate::peer::NOW;

/// The rows of a table.
fn rows(chat: &Chat, table: &str) -> u32 {
    let count = format!("SELECT count(*) FROM {table}");
    let database = &chat.online.ana.database;
    database.query_row(&count, [], |row| row.get(0)).unwrap()
}

/// The peer writes a text with another note than its own.
fn say_with(chat: &mut Chat, text: &str, note: &SealNote) {
    let content = Content::text(chat.peer.random(), text);
    let entry = chat.seal(&content, note);
    chat.push(vec![entry]);
}

/// The questions of Ana in what she sends now, one request after the other, until she sends nothing more.
fn questions(chat: &mut Chat) -> Vec<usize> {
    let mut at_a_time = Vec::new();
    loop {
        let taken = chat.take_appends();
        if taken.is_empty() {
            return at_a_time;
        }
        let asks =
            |(body, _): &&(Body, _)| matches!(body, Body::Missing(range) if *range.chain != [0; 8]);
        at_a_time.push(taken.iter().filter(asks).count());
    }
}

#[test]
fn a_contact_that_begins_one_run_of_entries_after_the_other_is_asked_one_thing_at_a_time() {
    let mut chat = Chat::new();
    let honest = chat.note();
    for number in 1..=40 {
        let note = SealNote {
            chain: [number; 8].into(),
            number: 5,
            ..honest
        };
        say_with(&mut chat, "of a new run", &note);
    }
    let asked = questions(&mut chat);
    assert!(asked.iter().all(|at_once| *at_once <= 1), "{asked:?}");
    // the newest are asked for, the present one among them
    let all: usize = asked.iter().sum();
    assert!((1..=18).contains(&all), "{asked:?}");
    assert_eq!(chat.texts().len(), 40);
    assert_eq!(rows(&chat, "gaps"), 40, "one for each");
    assert!(rows(&chat, "former_chains") <= 16);
    assert!(rows(&chat, "outbox") <= 1);
}

#[test]
fn a_contact_that_counts_once_more_from_where_it_was_is_asked_by_positions() {
    let mut chat = Chat::new();
    chat.say("one");
    let note = chat.note();
    chat.say("two");
    chat.say("three");
    assert!(chat.take_appends().is_empty());
    // it went back to before the second, and the relay did not tell it
    say_with(&mut chat, "another second", &note);
    let asked = chat.take_appends();
    let [(Body::Missing(range), _)] = asked.as_slice() else {
        panic!("expected a question, not {asked:?}")
    };
    assert_eq!(range.chain, [0; 8].into());
    assert_eq!(chat.texts(), ["one", "two", "three", "another second"]);
    // its count goes on from there
    say_with(
        &mut chat,
        "another third",
        &SealNote {
            number: note.number + 1,
            ..note
        },
    );
    assert_eq!(chat.lines(SystemEvent::MessagesMissing), 0);
}

#[test]
fn jumps_by_a_thousand_are_noted_as_one_each() {
    let mut chat = Chat::new();
    let honest = chat.note();
    for number in 1..=40 {
        let note = SealNote {
            number: number * 1_001,
            ..honest
        };
        say_with(&mut chat, "far ahead", &note);
    }
    assert_eq!(rows(&chat, "gaps"), 40);
    assert_eq!(chat.missing(), vec![Some(1000); 40]);
    // one at once, and one about all that followed
    assert!(questions(&mut chat).iter().sum::<usize>() <= 2);
    // what arrives after all splits one, and is not missing any more
    let again = Again {
        chain: honest.chain,
        number: 500,
        seq: 1,
        time: NOW,
    };
    let note = SealNote {
        number: 40 * 1_001 + 1,
        again: Some(again),
        ..honest
    };
    say_with(&mut chat, "the five hundredth", &note);
    assert_eq!(rows(&chat, "gaps"), 41);
    let missing = chat.missing();
    assert_eq!((missing[0], missing[1]), (Some(999), Some(1000)));
    // ends before beginnings settle nothing, and the rest is settled at once
    for (further, first, last, left) in [(2, 900, 100, 41), (3, 1, 40 * 1_001, 0)] {
        let range = Range {
            chain: honest.chain,
            first,
            last,
        };
        let content = Content::resent(chat.peer.random(), range);
        let note = SealNote {
            number: 40 * 1_001 + further,
            again: None,
            ..note
        };
        let entry = chat.seal(&content, &note);
        chat.push(vec![entry]);
        assert_eq!(rows(&chat, "gaps"), left);
    }
    assert!(chat.missing().is_empty());
}

#[test]
fn answers_to_what_was_never_asked_make_no_queue() {
    let mut chat = Chat::new();
    for number in 1..=60 {
        let range = Range {
            chain: [number; 8].into(),
            first: 1,
            last: 5,
        };
        let content = Content::resent(chat.peer.random(), range);
        let note = chat.note();
        let entry = chat.seal(&content, &note);
        chat.push(vec![entry]);
    }
    assert_eq!(rows(&chat, "outbox"), 0);
    assert!(chat.online.ana.sent().is_empty());
}

#[test]
fn of_many_devices_the_chains_of_those_are_kept_that_wrote_last_and_our_own() {
    let chat = Chat::new();
    let own = chat.online.register.device;
    let folder = tempfile::tempdir().unwrap();
    let key = DatabaseKey::new([1; 32]);
    let mut database = Database::create(&folder.path().join("relevo.db"), &key).unwrap();
    let conversation = ConversationKey(1);
    let device = |number: u8| DeviceId::new([number; 16]);
    database
        .write(|write| {
            write.connection().pragma_update(None, "defer_foreign_keys", true)?;
            write.connection().execute_batch(
                "INSERT INTO contacts (account) VALUES (x'01');
                 INSERT INTO conversations (key, conversation, peer, created) VALUES (1, x'01', x'01', 0)",
            )?;
            chains::save(write, conversation, own, &Chain::new([0; 8].into()))?;
            for number in 1..=100 {
                let chain = Chain::new([number; 8].into());
                let seq = u64::from(number);
                chains::save_seen(write, conversation, device(number), &chain, seq)?;
            }
            Ok(())
        })
        .unwrap();
    let known = |device| {
        let chain = chains::load(database.connection(), conversation, device);
        chain.unwrap().is_some()
    };
    assert!(known(own));
    assert_eq!((1..=100).filter(|it| known(device(*it))).count(), 64);
    assert!(known(device(100)) && !known(device(36)));
}
