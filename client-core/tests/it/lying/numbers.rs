//! Positions and times that no honest relay would say, up to the end of their range, and answers to nothing.

use client_core::{
    content::Body,
    model::{ConversationState, MessageKind, OutgoingState, SystemEvent},
    store::{conversations, streams},
};
use protocol::{
    Appended, ClientId, Committed, Delivered, Done, Entries, Entry, EntryKind, ErrorCode, Frame,
    KeyPackageCount, Page, Refusal, StoreGeneration, StreamId,
};

use super::chat::{Chat, far};
use crate::peer::{CONVERSATION, NOW, Online, Peer};

/// What is asked for because of a gap.
fn fetch(chat: &mut Chat) -> (u32, u64) {
    let sent = chat.online.ana.sent();
    let [(id, Frame::Fetch(fetch))] = sent.as_slice() else {
        panic!("expected a fetch, not {sent:?}")
    };
    (*id, fetch.from)
}

#[test]
fn delivered_beyond_the_last_entry_moves_no_message_that_was_not_sent() {
    let mut chat = Chat::new();
    let sent = chat.online.ana.engine.send_text(chat.key, "sent").unwrap();
    chat.take_appends();
    chat.online.ana.engine.send_text(chat.key, "waits").unwrap();
    chat.online.ana.sent();
    let tell = |chat: &mut Chat, seq: u64| {
        let conversation = chat.id;
        for _ in 0..3 {
            let delivered = Delivered { conversation, seq };
            chat.online.reply(0, &delivered.into());
        }
        let messages = chat.messages();
        let states = messages.iter().filter_map(|message| message.outgoing);
        states.collect::<Vec<_>>()
    };
    let sent_only = [OutgoingState::Sent, OutgoingState::Queued];
    let delivered = [OutgoingState::Delivered, OutgoingState::Queued];
    assert_eq!(tell(&mut chat, u64::MAX), sent_only);
    let last = chat.last;
    assert_eq!(tell(&mut chat, last), delivered);
    // what is on its way may say that the device which had it all is gone
    assert_eq!(tell(&mut chat, last + 5), delivered);
    assert!(chat.messages().iter().any(|message| message.id == sent.id));
    assert!(chat.online.ana.sent().is_empty());
    assert!(chat.is_online());
}

#[test]
fn a_page_that_shows_nothing_says_that_nothing_up_to_its_last_is_for_this_device() {
    let mut chat = Chat::new();
    let hidden = chat.last + 1;
    chat.last = hidden;
    let entry = chat.text("after it");
    chat.push(vec![entry.clone()]);
    let (id, from) = fetch(&mut chat);
    assert_eq!(from, hidden);
    let page = |last, entries| Page {
        entries,
        last,
        base: 0,
        kept: u64::MAX,
    };
    chat.online.reply(id, &page(hidden, Vec::new()).into());
    let (id, from) = fetch(&mut chat);
    assert_eq!(from, hidden + 1);
    chat.online.reply(id, &page(hidden + 1, vec![entry]).into());
    assert_eq!(chat.texts(), ["after it"]);
}

#[test]
fn an_answer_to_what_was_never_asked_ends_the_connection() {
    let mut chat = Chat::new();
    chat.online
        .reply(77, &Committed { seq: 9, time: NOW }.into());
    assert!(!chat.is_online());
    chat.online.reconnect(&chat.online.ana.ready(50));
    chat.say("as before");
    assert_eq!(chat.texts(), ["as before"]);
}

#[test]
fn committed_in_the_place_of_another_answer_ends_the_connection_and_loses_nothing() {
    let mut chat = Chat::new();
    chat.online.ana.engine.send_text(chat.key, "kept").unwrap();
    let sent = chat.online.ana.sent();
    let [(id, Frame::Append(first))] = sent.as_slice() else {
        panic!("expected an append, not {sent:?}")
    };
    chat.online
        .reply(*id, &Committed { seq: 9, time: NOW }.into());
    assert!(!chat.is_online());
    chat.online.reconnect(&chat.online.ana.ready(50));
    let sent = chat.online.ana.sent();
    let [(_, Frame::Append(again))] = sent.as_slice() else {
        panic!("expected the same append, not {sent:?}")
    };
    assert_eq!(first, again, "the same bytes");
}

#[test]
fn a_page_of_nothing_that_promises_more_is_not_asked_for_again() {
    let mut chat = Chat::new();
    let mut entry = chat.text("after a gap");
    entry.seq += 5;
    chat.push(vec![entry]);
    let (id, _) = fetch(&mut chat);
    let page = Page {
        entries: Vec::new(),
        last: u64::MAX,
        base: 0,
        kept: u64::MAX,
    };
    chat.online.reply(id, &page.into());
    assert!(chat.online.ana.sent().is_empty());
    assert!(chat.is_online());
}

#[test]
fn a_base_that_swallows_entries_is_told() {
    let mut chat = Chat::new();
    let mut entry = chat.text("after a gap");
    entry.seq += 1000;
    chat.push(vec![entry]);
    let (id, from) = fetch(&mut chat);
    let page = Page {
        entries: Vec::new(),
        last: from + 1000,
        base: from + 500,
        kept: u64::MAX,
    };
    chat.online.reply(id, &page.into());
    assert_eq!(chat.lines(SystemEvent::MessagesMissing), 1);
}

#[test]
fn a_relay_that_leaves_out_as_much_as_a_restored_one_and_was_not_restored_is_told() {
    let mut chat = Chat::new();
    let base = chat.last + (1 << 32);
    chat.last = base;
    let entry = chat.text("after a gap");
    let page = |chat: &Chat, entry: &Entry| Page {
        entries: vec![entry.clone()],
        last: chat.last,
        base,
        kept: u64::MAX,
    };
    chat.push(vec![entry.clone()]);
    let (id, _) = fetch(&mut chat);
    chat.online.reply(id, &page(&chat, &entry).into());
    assert_eq!(chat.texts(), ["after a gap"]);
    assert_eq!(cursor(&chat), chat.last);
    // the sender's count shows that nothing is missing
    assert_eq!(chat.lines(SystemEvent::MessagesMissing), 0);

    // where nobody counts, the line stays
    let base = chat.last + (1 << 32);
    chat.last = base;
    let mut entry = chat.text("not to be opened");
    entry.bytes = vec![1, 2, 3].into();
    chat.push(vec![entry.clone()]);
    let (id, _) = fetch(&mut chat);
    let page = Page {
        entries: vec![entry],
        last: chat.last,
        base,
        kept: u64::MAX,
    };
    chat.online.reply(id, &page.into());
    assert_eq!(chat.lines(SystemEvent::MessagesMissing), 1);
}

#[test]
fn a_restored_relay_leaves_out_positions_once_in_each_stream() {
    let mut chat = Chat::new();
    chat.online
        .reconnect_to(StoreGeneration::new([9; 16]), &chat.online.ana.ready(50));
    let (state, last) = (chat.state(), chat.last);
    chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(state.clone().into()),
        Frame::Fetch(_) => Some(far(last, last)),
        Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
        Frame::Append(append) => Some(
            Appended {
                seqs: (50..).take(append.entries.len()).collect(),
                times: vec![NOW; append.entries.len()],
            }
            .into(),
        ),
        Frame::Ack(_) => None,
        _ => Some(Done {}.into()),
    });
    for told in [0, 1] {
        let base = chat.last + (1 << 32);
        chat.last = base;
        let mut entry = chat.text("not to be opened");
        entry.bytes = vec![1, 2, 3].into();
        chat.push(vec![entry.clone()]);
        let sent = chat.online.ana.sent();
        let asked = sent.iter().find_map(|(id, frame)| match frame {
            Frame::Fetch(_) => Some(*id),
            _ => None,
        });
        let page = Page {
            entries: vec![entry],
            last: chat.last,
            base,
            kept: u64::MAX,
        };
        chat.online.reply(asked.expect("a fetch"), &page.into());
        assert_eq!(chat.lines(SystemEvent::MessagesMissing), told);
    }
}

fn cursor(chat: &Chat) -> u64 {
    let stream = StreamId::Conversation(chat.id);
    streams::cursor(&chat.online.ana.database, stream).unwrap()
}

#[test]
fn times_at_the_end_of_the_range_are_taken_as_they_come() {
    let mut chat = Chat::new();
    let mut entry = chat.text("from the far future");
    entry.time = u64::MAX;
    chat.push(vec![entry]);
    chat.say("from now");
    assert_eq!(chat.texts(), ["from the far future", "from now"]);
    chat.online
        .ana
        .engine
        .send_text(chat.key, "answer")
        .unwrap();
    let Some((id, Frame::Append(_))) = chat.online.ana.sent().pop() else {
        panic!("expected an append")
    };
    let times = vec![u64::MAX];
    let seqs = vec![chat.last + 1];
    chat.online.reply(id, &Appended { seqs, times }.into());
    assert_eq!(
        chat.messages().last().unwrap().outgoing,
        Some(OutgoingState::Sent)
    );
    assert!(chat.is_online());
}

#[test]
fn an_answer_of_another_length_than_the_request_ends_the_connection() {
    for seqs in [Vec::new(), vec![3, 4]] {
        let mut chat = Chat::new();
        chat.online.ana.engine.send_text(chat.key, "one").unwrap();
        let Some((id, Frame::Append(_))) = chat.online.ana.sent().pop() else {
            panic!("expected an append")
        };
        let times = vec![NOW; seqs.len()];
        chat.online.reply(id, &Appended { seqs, times }.into());
        assert!(!chat.is_online());
        let state = chat.messages().last().unwrap().outgoing;
        assert_eq!(state, Some(OutgoingState::Queued));
    }
}

#[test]
fn a_winner_at_the_end_of_the_range_holds_a_message_back_and_asks_for_nothing_again_and_again() {
    let mut chat = Chat::new();
    chat.online.ana.engine.send_text(chat.key, "held").unwrap();
    let sent = chat.lie(|frame| match frame {
        Frame::Append(_) => Some(
            Refusal {
                incarnation: Some(0),
                epoch: Some(u64::MAX),
                seq: Some(u64::MAX),
                ..Refusal::new(ErrorCode::StaleEpoch)
            }
            .into(),
        ),
        _ => None,
    });
    assert_eq!(sent.len(), 1, "{sent:?}");
    // the next connection tries again
    chat.online.reconnect(&chat.online.ana.ready(50));
    let appends = chat.take_appends();
    assert_eq!(appends.len(), 1);
}

#[test]
fn answers_that_name_positions_at_the_end_of_the_range_are_not_believed() {
    for seq in [0, 1 << 47, 1 << 60, u64::MAX] {
        let mut chat = Chat::new();
        chat.online.ana.engine.send_text(chat.key, "kept").unwrap();
        let sent = chat.online.ana.sent();
        let [(id, Frame::Append(first))] = sent.as_slice() else {
            panic!("expected an append, not {sent:?}")
        };
        let (seqs, times) = (vec![seq], vec![NOW]);
        chat.online.reply(*id, &Appended { seqs, times }.into());
        assert!(!chat.is_online(), "{seq}");
        let state = chat.messages().last().unwrap().outgoing;
        assert_eq!(state, Some(OutgoingState::Queued));
        chat.online.reconnect(&chat.online.ana.ready(50));
        let sent = chat.online.ana.sent();
        let [(_, Frame::Append(again))] = sent.as_slice() else {
            panic!("expected the same append, not {sent:?}")
        };
        assert_eq!(first, again);

        // a conversation is not made at such a position either
        let mut online = Online::new();
        let mut peer = Peer::new(&online.ana);
        let link = peer.link(&online.ana, 5);
        let (_, claim) = online.open_link(&link);
        online.reply(claim, &peer.claimed().into());
        let Some((id, Frame::CreateConversation(_))) = online.ana.sent().pop() else {
            panic!("expected a creation")
        };
        online.reply(id, &Committed { seq, time: NOW }.into());
        assert_eq!(online.conversation().state, ConversationState::Opening);
    }
}

#[test]
fn a_welcome_that_begins_at_the_end_of_the_range_does_not_make_the_conversation_deaf() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    let entry = Entry {
        seq: 1,
        sender: peer.device(),
        kind: EntryKind::Welcome,
        incarnation: 0,
        epoch: 1,
        time: NOW,
        client_id: ClientId::new([1; 16]),
        conversation: Some(CONVERSATION),
        bytes: founded.welcomes[0].bytes.clone().into(),
        start: Some(u64::MAX),
    };
    let (stream, entries) = (StreamId::Inbox, vec![entry]);
    online.reply(0, &Entries { stream, entries }.into());
    online.welcome(&mut peer, &founded, 0, 1);
    assert_eq!(online.conversation().state, ConversationState::Established);
    online.garbage(&mut peer, 2);
    assert_eq!(online.conversation().unread, 1);
}

#[test]
fn a_welcome_that_cannot_be_followed_moves_no_cursor_of_a_conversation_that_is_here() {
    let mut chat = Chat::new();
    let entry = Entry {
        seq: 1,
        conversation: Some(chat.id),
        start: Some(chat.last + 1000),
        incarnation: 1,
        ..chat.entry(EntryKind::Welcome, b"no welcome")
    };
    chat.last -= 1;
    let (stream, entries) = (StreamId::Inbox, vec![entry]);
    chat.online.reply(0, &Entries { stream, entries }.into());
    chat.online.ana.sent();
    chat.say("as before");
    assert_eq!(chat.texts(), ["as before"]);
    assert_eq!(cursor(&chat), chat.last);
}

#[test]
fn what_is_pushed_behind_a_gap_while_a_page_is_on_its_way_is_asked_for_too() {
    let mut chat = Chat::new();
    let [one, two, three] = ["one", "two", "three"].map(|text| chat.text(text));
    chat.push(vec![two.clone()]);
    let (id, from) = fetch(&mut chat);
    assert_eq!(from, one.seq);
    // the page was made before this was there, and nothing is pushed twice
    chat.push(vec![three.clone()]);
    let page = Page {
        last: two.seq,
        entries: vec![one, two],
        base: 0,
        kept: u64::MAX,
    };
    chat.online.reply(id, &page.into());
    let (id, from) = fetch(&mut chat);
    assert_eq!(from, three.seq);
    let page = Page {
        last: three.seq,
        entries: vec![three],
        base: 0,
        kept: u64::MAX,
    };
    chat.online.reply(id, &page.into());
    assert_eq!(chat.texts(), ["one", "two", "three"]);
    assert!(chat.online.ana.sent().is_empty());
}

#[test]
fn what_was_told_to_be_read_is_not_looked_at_again() {
    let mut chat = Chat::new();
    chat.say("read me");
    let due = |chat: &Chat| conversations::unread_receipts(&chat.online.ana.database).unwrap();
    assert!(due(&chat).is_empty());
    let position = chat.messages().last().unwrap().position;
    let (key, last) = (chat.key, chat.last);
    chat.online.ana.engine.mark_read(key, position).unwrap();
    let appends = chat.take_appends();
    let [(Body::Read(read), _)] = appends.as_slice() else {
        panic!("expected a receipt, not {appends:?}")
    };
    assert_eq!(read.seq, last);
    assert!(due(&chat).is_empty());
    chat.say("and me");
    assert!(due(&chat).is_empty(), "it was not read");
    chat.online.ana.engine.mark_read(key, i64::MAX).unwrap();
    let last = chat.last;
    assert_eq!(due(&chat), [(key, last)], "told after a pause");
}

#[test]
fn an_inbox_that_jumps_to_the_end_of_the_range_is_not_believed() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    let entry = Entry {
        seq: u64::MAX,
        sender: peer.device(),
        kind: EntryKind::Welcome,
        incarnation: 0,
        epoch: 1,
        time: NOW,
        client_id: ClientId::new([1; 16]),
        conversation: Some(CONVERSATION),
        bytes: founded.welcomes[0].bytes.clone().into(),
        start: None,
    };
    let (stream, entries) = (StreamId::Inbox, vec![entry]);
    online.reply(0, &Entries { stream, entries }.into());
    let sent = online.ana.sent();
    assert!(sent.is_empty(), "{sent:?}");
    online.welcome(&mut peer, &founded, 0, 1);
    assert_eq!(online.conversation().state, ConversationState::Established);
    let last = online.conversation().last_message;
    let started = MessageKind::System(SystemEvent::ConversationStarted);
    assert_eq!(last.unwrap().kind, started);
}
