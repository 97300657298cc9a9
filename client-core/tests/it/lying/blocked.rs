//! Who is blocked, and what it tries so that the blocker answers.

use client_core::{content::Body, model::SystemEvent};
use protocol::{Done, Frame};

use super::{chat::Chat, devices::Tablet};
use crate::peer::{Online, Peer};

fn block(online: &mut Online, peer: &Peer, blocked: bool) {
    online
        .ana
        .engine
        .set_blocked(peer.account(), blocked)
        .unwrap();
}

/// The relay knows of the block; what else was sent with it.
fn told(online: &mut Online) -> Vec<(u32, Frame)> {
    let (blocks, others): (Vec<_>, Vec<_>) = online
        .ana
        .sent()
        .into_iter()
        .partition(|(_, frame)| matches!(frame, Frame::SetBlock(_)));
    let [(id, _)] = blocks.as_slice() else {
        panic!("expected one block, not {blocks:?}")
    };
    online.reply(*id, &Done {}.into());
    others
}

#[test]
fn a_device_that_somebody_blocked_adds_is_told_who_we_are_when_the_block_is_over() {
    let mut chat = Chat::new();
    let lent = Peer::seeded(&chat.online.ana, 79);
    let mut tablet = Tablet::of(&chat.peer, &lent);
    chat.learn_manifest(2, &tablet.second);
    block(&mut chat.online, &chat.peer, true);
    assert!(told(&mut chat.online).is_empty());
    let devices = tablet.device.as_listed(&tablet.second);
    let entry = chat.commit(|group| group.add(&[devices]).unwrap());
    chat.merge();
    chat.push(vec![entry]);
    assert_eq!(chat.lines(SystemEvent::DevicesChanged), 1);
    let text = chat.text("an answer?");
    chat.push(vec![text]);
    chat.online.reconnect(&chat.online.ana.ready(50));
    let sent = chat.online.ana.sent();
    assert!(sent.is_empty(), "nothing for who is blocked: {sent:?}");
    block(&mut chat.online, &chat.peer, false);
    let appends: Vec<_> = chat
        .lie(|frame| matches!(frame, Frame::SetBlock(_)).then(|| Done {}.into()))
        .into_iter()
        .filter(|frame| matches!(frame, Frame::Append(_)))
        .collect();
    assert_eq!(appends.len(), 1, "{appends:?}");
}

#[test]
fn what_a_relay_shows_before_it_knows_of_a_block_does_not_turn_up_after_it() {
    let mut chat = Chat::new();
    chat.say("before");
    block(&mut chat.online, &chat.peer, true);
    let during = chat.text("during");
    chat.push(vec![during.clone()]);
    chat.online.ana.sent();
    block(&mut chat.online, &chat.peer, false);
    chat.say("after");
    // the connection broke before it was acknowledged
    chat.push(vec![during]);
    assert_eq!(chat.texts(), ["before", "after"]);
}

#[test]
fn what_waited_when_the_other_was_blocked_goes_out_when_the_block_is_over() {
    let mut chat = Chat::new();
    let (engine, key) = (&mut chat.online.ana.engine, chat.key);
    engine.send_text(key, "the first").unwrap();
    // the second waits for the answer to the first
    engine.send_text(key, "the second").unwrap();
    block(&mut chat.online, &chat.peer, true);
    let mut sent = told(&mut chat.online);
    let Some((id, Frame::Append(first))) = sent.pop() else {
        panic!("expected the first text")
    };
    assert_eq!(first.entries.len(), 1);
    let taken = chat.take_append(id, &first);
    assert!(matches!(taken.as_slice(), [(Body::Text(_), _)]));
    assert_eq!(chat.online.ana.engine.connection().waiting, 0);
    chat.online.reconnect(&chat.online.ana.ready(50));
    let sent = chat.online.ana.sent();
    assert!(sent.is_empty(), "{sent:?}");
    block(&mut chat.online, &chat.peer, false);
    let taken = chat.take_appends();
    let [(Body::Text(text), _)] = taken.as_slice() else {
        panic!("expected the second text, not {taken:?}")
    };
    assert_eq!(text, "the second");
}

#[test]
fn a_welcome_by_somebody_blocked_is_left() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    block(&mut online, &peer, true);
    assert!(told(&mut online).is_empty());
    online.welcome(&mut peer, &founded, 0, 1);
    assert!(online.ana.reader.conversations().unwrap().is_empty());
    assert!(online.ana.sent().is_empty());
    // what the block leaves out asks for nothing
    online.entry(&mut peer, 2, &[]);
    assert!(online.ana.sent().is_empty());
    block(&mut online, &peer, false);
    assert!(told(&mut online).is_empty());
    online.entry(&mut peer, 3, &[1, 2, 3]);
    let sent = online.ana.sent();
    assert!(
        matches!(sent.as_slice(), [(_, Frame::FetchGroup(_))]),
        "what comes when the block is over leads there: {sent:?}"
    );
}

#[test]
fn what_was_written_after_the_end_of_a_block_and_is_left_out_is_missed() {
    let mut chat = Chat::new();
    chat.say("before");
    block(&mut chat.online, &chat.peer, true);
    assert!(told(&mut chat.online).is_empty());
    // ended without a connection, or on its way: the relay does not know yet
    block(&mut chat.online, &chat.peer, false);
    let mut after = chat.text("after the end");
    after.bytes = protocol::Opaque::default();
    chat.push(vec![after]);
    let sent = told(&mut chat.online);
    assert!(
        matches!(sent.as_slice(), [(_, Frame::Append(_))]),
        "a question: {sent:?}"
    );
    chat.say("later");
    assert_eq!(chat.texts(), ["before", "later"]);
}
