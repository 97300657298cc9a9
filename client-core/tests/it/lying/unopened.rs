//! What could not be opened is counted when it happens, whatever becomes of it.

use client_core::content::{Again, Content};

use super::chat::Chat;
use crate::peer::NOW;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// How many the page says so many days later.
fn counted_after(chat: &Chat, days: u64) -> u32 {
    let now = chat.online.ana.engine.now() + days * DAY_MS;
    let troubles = chat.online.ana.reader.troubles(now).unwrap();
    troubles.unopened
}

#[test]
fn what_was_sent_again_was_not_to_be_opened_all_the_same_and_counts_once_for_a_month() {
    let mut chat = Chat::new();
    chat.say("zero");
    let content = Content::text(chat.peer.random(), "one");
    let note = chat.note();
    let mut entry = chat.seal(&content, &note);
    let mut bytes = entry.bytes.0.to_vec();
    *bytes.last_mut().unwrap() ^= 1;
    entry.bytes = bytes.into();
    for _ in 0..2 {
        chat.push(vec![entry.clone()]);
        assert_eq!((chat.unreadable(), counted_after(&chat, 0)), (1, 1));
    }
    let mut note = chat.note();
    note.again = Some(Again {
        chain: note.chain,
        number: 2,
        seq: entry.seq,
        time: NOW - 1000,
    });
    let again = chat.seal(&content, &note);
    chat.push(vec![again]);
    assert_eq!(chat.texts(), ["zero", "one"]);
    assert_eq!(chat.unreadable(), 0);
    assert_eq!(counted_after(&chat, 0), 1);
    assert_eq!(counted_after(&chat, 29), 1);
    assert_eq!(counted_after(&chat, 31), 0);
}

#[test]
fn an_entry_of_an_epoch_that_was_never_reached_counts_although_nothing_is_shown_for_it() {
    let mut chat = Chat::new();
    chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.last -= 1;
    chat.say("sealed in an epoch that Ana never saw");
    assert_eq!((chat.unreadable(), counted_after(&chat, 0)), (0, 1));
}
