//! Entries of content that the relay leaves out, repeats, swaps, empties or gives to somebody else.

use std::time::Duration;

use client_core::{
    content::{Again, Body, Content, Range, Read},
    model::{MessageKind, OutgoingState, SystemEvent},
};
use protocol::{ClientId, ConversationId, Entries, Entry, EntryKind, Frame, StreamId};

use super::chat::Chat;
use crate::peer::NOW;

/// The one request for missing entries that Ana sent.
fn asked(chat: &mut Chat) -> Range {
    let appends = chat.take_appends();
    let [(Body::Missing(range), _)] = appends.as_slice() else {
        panic!("expected a request for missing entries, not {appends:?}")
    };
    *range
}

/// The peer sends the content of an earlier entry of its chain again, which the relay had put at this seq, as it says.
fn send_again(chat: &mut Chat, (number, seq): (u64, u64), content: &Content) {
    let mut note = chat.note();
    note.again = Some(Again {
        chain: note.chain,
        number,
        seq,
        time: NOW - 1000,
    });
    let entry = chat.seal(content, &note);
    chat.push(vec![entry]);
}

/// A bit of an entry turns over on its way.
fn damage(entry: &mut Entry) {
    let mut bytes = entry.bytes.0.to_vec();
    *bytes.last_mut().expect("it is sealed") ^= 1;
    entry.bytes = bytes.into();
}

#[test]
fn an_entry_that_is_left_out_is_counted_asked_for_and_closed_by_what_is_sent_again() {
    let mut chat = Chat::new();
    chat.say("one");
    let lost = [2_u64, 3].map(|number| {
        let content = Content::text(chat.peer.random(), &format!("text {number}"));
        let note = chat.note();
        chat.seal(&content, &note);
        content
    });
    // the relay closes the gap in its own numbers, so that nothing seems to be missing
    chat.last -= 2;
    chat.say("four");
    assert_eq!(chat.missing(), [Some(2)]);
    let range = asked(&mut chat);
    assert_eq!((range.first, range.last), (2, 3));
    // by the relay's numbers there is no room before: they come last
    let seq = chat.last;
    send_again(&mut chat, (2, seq), &lost[0]);
    assert_eq!(chat.missing(), [Some(1)]);
    send_again(&mut chat, (3, seq + 1), &lost[1]);
    assert!(chat.missing().is_empty());
    assert_eq!(chat.texts(), ["one", "four", "text 2", "text 3"]);
    assert!(chat.online.ana.sent().is_empty(), "nothing more is asked");
}

/// The peer says "one", two texts that the relay empties, and "four": their contents and where the relay put them.
fn two_emptied() -> (Chat, [(Content, u64); 2]) {
    let mut chat = Chat::new();
    chat.say("one");
    let lost = ["two", "three"].map(|text| {
        let content = Content::text(chat.peer.random(), text);
        let note = chat.note();
        let mut entry = chat.seal(&content, &note);
        entry.bytes = Vec::new().into();
        let seq = entry.seq;
        chat.push(vec![entry]);
        (content, seq)
    });
    chat.say("four");
    assert_eq!(chat.missing(), [Some(2)]);
    asked(&mut chat);
    (chat, lost)
}

#[test]
fn what_was_missing_is_shown_in_its_place_and_with_its_time() {
    let (mut chat, lost) = two_emptied();
    for (number, (content, seq)) in (2..).zip(&lost) {
        send_again(&mut chat, (number, *seq), content);
    }
    assert!(chat.missing().is_empty());
    assert_eq!(chat.texts(), ["one", "two", "three", "four"]);
    let times = chat.messages();
    let times = times.iter().filter(|it| it.kind == MessageKind::Text);
    let times: Vec<u64> = times.map(|it| it.time).collect();
    assert!(
        times.is_sorted(),
        "none before the message above it: {times:?}"
    );
    assert_eq!(chat.online.conversation().unread, 4);
}

/// The one thing that Ana said since.
fn said(chat: &mut Chat) -> Body {
    let mut appends = chat.take_appends();
    assert_eq!(appends.len(), 1, "{appends:?}");
    appends.remove(0).0
}

#[test]
fn what_comes_late_below_what_was_read_is_unread_and_the_receipt_is_taken_back() {
    let (mut chat, lost) = two_emptied();
    let (one, four) = (lost[0].1 - 1, lost[1].1 + 1);
    let newest = chat.messages().last().unwrap().position;
    let read = |chat: &mut Chat| {
        let engine = &mut chat.online.ana.engine;
        engine.mark_read(chat.key, newest).unwrap();
    };
    read(&mut chat);
    assert_eq!(said(&mut chat), Body::Read(Read::up_to(four)));
    send_again(&mut chat, (2, lost[0].1), &lost[0].0);
    assert_eq!(chat.online.conversation().unread, 2);
    let first = chat.online.conversation().first_unread.unwrap();
    let first = chat.messages().into_iter().find(|it| it.id == first);
    assert_eq!(first.unwrap().text, "two");
    assert_eq!(said(&mut chat), Body::Read(Read::only_up_to(one)));
    send_again(&mut chat, (3, lost[1].1), &lost[1].0);
    assert_eq!(chat.online.conversation().unread, 3);
    assert!(
        chat.take_appends().is_empty(),
        "the other believes no more than that"
    );
    chat.online.ana.pass(Duration::from_secs(2));
    read(&mut chat);
    assert_eq!(said(&mut chat), Body::Read(Read::up_to(four)));
    assert_eq!(chat.online.conversation().unread, 0);
}

#[test]
fn who_takes_back_that_it_read_something_is_believed() {
    let mut chat = Chat::new();
    for text in ["one", "two"] {
        chat.online.ana.engine.send_text(chat.key, text).unwrap();
        assert!(matches!(said(&mut chat), Body::Text(_)));
    }
    let two = chat.last;
    let mut told = |read: Read| {
        let content = Content::read(chat.peer.random(), read);
        let note = chat.note();
        let entry = chat.seal(&content, &note);
        chat.push(vec![entry]);
        let own = chat.messages().into_iter();
        own.filter_map(|it| it.outgoing).collect::<Vec<_>>()
    };
    use OutgoingState::{Delivered, Read as WasRead};
    assert_eq!(told(Read::up_to(two)), [WasRead, WasRead]);
    assert_eq!(told(Read::only_up_to(two - 1)), [WasRead, Delivered]);
    assert_eq!(told(Read::only_up_to(two)), [WasRead, Delivered]);
    assert_eq!(told(Read::up_to(two)), [WasRead, WasRead]);
}

#[test]
fn texts_beyond_a_request_wait_at_their_writer_until_it_is_accepted() {
    let mut chat = Chat::requested();
    for text in ["one", "two", "three"] {
        chat.say(text);
    }
    let beyond = ["four", "five"].map(|text| {
        let content = Content::text(chat.peer.random(), text);
        let note = chat.note();
        let entry = chat.seal(&content, &note);
        let place = (note.number, entry.seq);
        chat.push(vec![entry]);
        (place, content)
    });
    assert_eq!(chat.texts(), ["one", "two", "three"]);
    assert_eq!(chat.missing(), [Some(1), Some(1)]);
    assert!(
        chat.take_appends().is_empty(),
        "nothing is asked of who is not accepted"
    );
    let engine = &mut chat.online.ana.engine;
    engine.accept_request(chat.key).unwrap();
    let appends = chat.take_appends();
    let [(Body::Profile(_), _), (Body::Missing(range), _)] = appends.as_slice() else {
        panic!("expected her profile and a question, not {appends:?}")
    };
    assert_eq!((range.first, range.last), (4, 5));
    for (place, content) in &beyond {
        send_again(&mut chat, *place, content);
    }
    assert_eq!(chat.texts(), ["one", "two", "three", "four", "five"]);
    assert!(chat.missing().is_empty());
}

#[test]
fn what_is_sent_again_goes_nowhere_but_into_its_gap() {
    for (name, place) in [
        ("before the gap", 1),
        ("behind it", 1 << 40),
        ("at its end", 0),
    ] {
        let (mut chat, lost) = two_emptied();
        let seq = if place == 0 { lost[1].1 + 1 } else { place };
        send_again(&mut chat, (2, seq), &lost[0].0);
        assert_eq!(chat.texts(), ["one", "four", "two"], "{name}");
        // and what was never missing has no other place than its entry
        send_again(&mut chat, (1, 1), &Content::text([7; 16], "in the past"));
        assert_eq!(
            chat.texts(),
            ["one", "four", "two", "in the past"],
            "{name}"
        );
    }
}

#[test]
fn an_entry_that_could_not_be_opened_makes_room_for_the_text_that_it_was() {
    let mut chat = Chat::new();
    chat.say("one");
    let content = Content::text(chat.peer.random(), "two");
    let note = chat.note();
    let mut entry = chat.seal(&content, &note);
    damage(&mut entry);
    let seq = entry.seq;
    chat.push(vec![entry]);
    assert_eq!(chat.unreadable(), 1);
    chat.say("three");
    send_again(&mut chat, (2, seq), &content);
    assert_eq!(chat.texts(), ["one", "two", "three"]);
    assert_eq!(chat.unreadable(), 0);
    assert!(chat.missing().is_empty());
    assert_eq!(chat.online.conversation().unread, 3);
}

#[test]
fn an_entry_that_is_repeated_under_a_new_seq_is_shown_once() {
    let mut chat = Chat::new();
    let entry = chat.text("once");
    chat.push(vec![entry.clone()]);
    let mut again = chat.entry(EntryKind::Application, &entry.bytes.0);
    again.client_id = entry.client_id;
    chat.push(vec![again]);
    assert_eq!(
        (chat.texts(), chat.unreadable()),
        (vec!["once".to_owned()], 0)
    );
    // under another client id it does not open either, for MLS opens nothing twice; it is no message that cannot be opened
    let other = chat.entry(EntryKind::Application, &entry.bytes.0);
    let seq = other.seq;
    chat.push(vec![other]);
    assert_eq!(
        (chat.texts(), chat.unreadable()),
        (vec!["once".to_owned()], 0)
    );
    // perhaps the peer went back in time and used its keys again: what it wrote is asked for, once
    let asked = chat.take_appends();
    let [(Body::Missing(range), _)] = asked.as_slice() else {
        panic!("expected a question, not {asked:?}")
    };
    assert_eq!((*range.chain, range.first), ([0; 8], seq));
    chat.say("goes on");
    assert_eq!(chat.texts(), ["once", "goes on"]);
    assert!(chat.missing().is_empty());
    assert!(chat.online.ana.sent().is_empty());
}

#[test]
fn two_entries_that_are_swapped_are_both_shown() {
    let mut chat = Chat::new();
    let content = Content::text(chat.peer.random(), "first");
    let note = chat.note();
    let mut first = chat.seal(&content, &note);
    let mut second = chat.text("second");
    (first.seq, second.seq) = (second.seq, first.seq);
    let seq = first.seq;
    chat.push(vec![second]);
    assert_eq!(chat.missing(), [Some(1)]);
    // what comes late was not missing
    chat.push(vec![first]);
    assert_eq!(chat.texts(), ["second", "first"]);
    assert!(chat.missing().is_empty());
    let range = asked(&mut chat);
    assert_eq!((range.first, range.last), (1, 1));
    assert!(chat.online.ana.sent().is_empty());
    // the answer repeats what is here: it is shown once
    send_again(&mut chat, (1, seq), &content);
    assert_eq!(chat.texts(), ["second", "first"]);
    assert!(chat.missing().is_empty());
}

#[test]
fn an_entry_under_another_senders_name_is_not_shown_as_hers_and_is_asked_for() {
    let mut chat = Chat::new();
    let mut entry = chat.text("who said that?");
    entry.sender = protocol::DeviceId::new([66; 16]);
    chat.push(vec![entry]);
    assert!(chat.texts().is_empty());
    assert_eq!(chat.unreadable(), 1);
    chat.say("next");
    let range = asked(&mut chat);
    assert_eq!((range.first, range.last), (1, 1));
    assert_eq!(chat.missing(), [Some(1)]);
}

#[test]
fn an_entry_that_cannot_be_opened_is_asked_for_and_gives_its_place_to_what_is_sent_again() {
    let mut chat = Chat::new();
    chat.say("one");
    let content = Content::text(chat.peer.random(), "two");
    let note = chat.note();
    let mut entry = chat.seal(&content, &note);
    damage(&mut entry);
    let seq = entry.seq;
    chat.push(vec![entry]);
    assert_eq!(chat.unreadable(), 1);
    // it asks whether the relay has another branch of the group, which it has not
    let state = chat.state();
    chat.lie(|frame| matches!(frame, Frame::FetchGroup(_)).then(|| state.clone().into()));
    chat.say("three");
    // one line tells of it, not two
    assert!(chat.missing().is_empty());
    let range = asked(&mut chat);
    assert_eq!((range.first, range.last), (2, 2));
    send_again(&mut chat, (2, seq), &content);
    assert_eq!(chat.unreadable(), 0);
    assert_eq!(chat.texts(), ["one", "two", "three"]);
}

#[test]
fn what_lies_between_entries_that_never_came_and_cannot_be_opened_goes_with_them() {
    let mut chat = Chat::new();
    chat.say("one");
    for (text, arrives) in [("two", false), ("three", true), ("four", false)] {
        let mut entry = chat.text(text);
        if arrives {
            damage(&mut entry);
            chat.push(vec![entry]);
        } else {
            // the relay closes the gap in its own numbers
            chat.last -= 1;
        }
    }
    let state = chat.state();
    chat.lie(|frame| matches!(frame, Frame::FetchGroup(_)).then(|| state.clone().into()));
    chat.say("five");
    assert_eq!((chat.missing(), chat.unreadable()), (vec![Some(2)], 1));
    let range = asked(&mut chat);
    assert_eq!((range.first, range.last), (2, 4));
    // the sender has none of them any more
    let note = chat.note();
    let content = Content::resent(chat.peer.random(), range);
    let entry = chat.seal(&content, &note);
    chat.push(vec![entry]);
    assert_eq!((chat.missing(), chat.unreadable()), (Vec::new(), 0));
    assert_eq!(chat.texts(), ["one", "five"]);
}

#[test]
fn an_entry_under_our_own_name_vanishes_and_the_next_one_tells() {
    let mut chat = Chat::new();
    let mut entry = chat.text("stolen");
    entry.sender = chat.online.register.device;
    chat.push(vec![entry]);
    assert!(chat.texts().is_empty());
    assert_eq!(chat.unreadable(), 0);
    chat.say("next");
    assert_eq!(chat.missing(), [Some(1)]);
    assert_eq!(asked(&mut chat).last, 1);
}

#[test]
fn an_emptied_entry_is_told_where_nobody_is_blocked() {
    let mut chat = Chat::new();
    let mut entry = chat.text("emptied");
    entry.bytes = Vec::new().into();
    chat.push(vec![entry]);
    // it may be of a block that the relay did not know to be over; the count tells
    assert_eq!(chat.unreadable(), 0);
    chat.say("next");
    assert_eq!(chat.missing(), [Some(1)]);
    assert_eq!(asked(&mut chat).last, 1);
}

#[test]
fn other_client_ids_than_the_sender_used_are_told_once_and_lose_nothing() {
    let mut chat = Chat::new();
    chat.say("as it was sealed");
    for number in [9, 10] {
        let mut entry = chat.text("one");
        entry.client_id = ClientId::new([number; 16]);
        chat.push(vec![entry]);
        chat.say("two");
        assert_eq!(chat.lines(SystemEvent::SplitView), 1);
    }
    assert_eq!(chat.texts().len(), 5);
    assert!(chat.missing().is_empty());
    assert!(chat.online.ana.sent().is_empty());
}

#[test]
fn what_a_peer_says_is_missing_sets_off_a_bounded_answer() {
    let mut chat = Chat::new();
    chat.online.ana.engine.send_text(chat.key, "mine").unwrap();
    let [(_, note)] = chat.take_appends().try_into().expect("her text");
    for _ in 0..40 {
        let range = Range {
            chain: note.chain,
            first: 1,
            last: u64::MAX,
        };
        let content = Content::missing(chat.peer.random(), range);
        let note = chat.note();
        let entry = chat.seal(&content, &note);
        chat.push(vec![entry]);
    }
    let mut answers = 0;
    loop {
        let taken = chat.take_appends();
        if taken.is_empty() {
            break;
        }
        let ends = |(body, _): &&(Body, _)| matches!(body, Body::Resent(_));
        answers += taken.iter().filter(ends).count();
    }
    assert_eq!(answers, 32, "no more in an hour");
    // what was asked beyond that is one question by now, and answered later
    for _ in 0..2 {
        chat.online.ana.pass(Duration::from_secs(3600));
        let taken = chat.take_appends();
        let ends = |(body, _): &&(Body, _)| matches!(body, Body::Resent(_));
        answers += taken.iter().filter(ends).count();
    }
    assert_eq!(answers, 33);
}

#[test]
fn what_one_contact_asks_takes_no_answers_from_another() {
    let mut chat = Chat::new();
    let mut other = chat.befriend(78);
    let missing = |chat: &mut Chat| {
        let range = Range {
            chain: [0; 8].into(),
            first: 1,
            last: 1 << 40,
        };
        let content = Content::missing(chat.peer.random(), range);
        let note = chat.note();
        let entry = chat.seal(&content, &note);
        chat.push(vec![entry]);
        let ends = |(body, _): &&(Body, _)| matches!(body, Body::Resent(_));
        chat.take_appends().iter().filter(ends).count()
    };
    let answers: usize = (0..40).map(|_| missing(&mut chat)).sum();
    assert_eq!(answers, 32);
    chat.turn_to(&mut other);
    assert_eq!(missing(&mut chat), 1);
    chat.turn_to(&mut other);
    assert_eq!(missing(&mut chat), 0);
    // and the rest is answered on the next connection too
    chat.online.reconnect(&chat.online.ana.ready(50));
    let appends = chat.take_appends();
    let [(Body::Profile(_), _), (Body::Resent(_), _)] = appends.as_slice() else {
        panic!("expected who she is and an end, not {appends:?}")
    };
    assert_eq!(missing(&mut chat), 1);
}

#[test]
fn of_a_long_absence_all_is_asked_for() {
    let mut chat = Chat::new();
    chat.say("before");
    let mut note = chat.note();
    note.number += 3_000;
    let content = Content::text(chat.peer.random(), "after");
    let entry = chat.seal(&content, &note);
    chat.push(vec![entry]);
    assert_eq!(chat.missing(), [Some(3_000)]);
    let range = asked(&mut chat);
    assert_eq!((range.first, range.last), (2, 3_001));
}

#[test]
fn a_sender_that_counts_to_the_end_is_not_counted_along() {
    let mut chat = Chat::new();
    let content = Content::text(chat.peer.random(), "far ahead");
    let mut note = chat.note();
    note.number = u64::MAX;
    let entry = chat.seal(&content, &note);
    chat.push(vec![entry]);
    assert_eq!(chat.texts(), ["far ahead"]);
    assert_eq!(chat.missing(), [Some(100_000)]);
    // for what is counted, and for all before it by positions
    assert_eq!(chat.take_appends().len(), 2);
    chat.say("goes on");
    assert!(chat.is_online());
    assert_eq!(chat.texts().len(), 2);
}

#[test]
fn entries_of_conversations_that_are_not_here_are_asked_for_once() {
    let mut chat = Chat::new();
    let entry = chat.text("elsewhere");
    let stream = StreamId::Conversation(ConversationId::new([99; 16]));
    let entries = vec![entry];
    chat.online.reply(0, &Entries { stream, entries }.into());
    assert!(chat.texts().is_empty());
    assert!(chat.is_online());
    chat.online.ana.engine.idle();
    let sent = chat.online.ana.sent();
    let asks = |frame: &Frame| matches!(frame, Frame::FetchGroup(_));
    let others = sent
        .iter()
        .filter(|(_, frame)| !asks(frame) && !matches!(frame, Frame::Ack(_)));
    assert_eq!(others.count(), 0, "{sent:?}");
    assert_eq!(sent.iter().filter(|(_, frame)| asks(frame)).count(), 1);
    assert!(sent.len() <= 3);
}
