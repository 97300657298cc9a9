//! More to ask than a connection takes at once: a few requests of a kind are on their way, and the next goes out with each answer.

use std::collections::VecDeque;

use client_core::seams::NetworkEvent;
use protocol::{AccountId, Done, ErrorCode, Frame, Refusal};

use super::chat::Chat;

/// Requests of one kind that may be on their way.
const AT_ONCE: usize = 32;

/// Answers one request after the other; how many of a kind there were, and how many waited for an answer at most.
fn crowd(chat: &mut Chat, name: &str, answer: impl Fn(&Frame) -> Option<Frame>) -> (usize, usize) {
    let (mut waiting, mut all, mut most) = (VecDeque::new(), 0, 0);
    loop {
        let of_kind = |frame: &Frame| frame.name() == name;
        let sent = chat.online.ana.sent();
        all += sent.iter().filter(|(_, frame)| of_kind(frame)).count();
        waiting.extend(sent);
        most = most.max(waiting.iter().filter(|(_, frame)| of_kind(frame)).count());
        let Some((id, frame)) = waiting.pop_front() else {
            return (all, most);
        };
        if let Some(reply) = answer(&frame) {
            chat.online.reply(id, &reply);
        }
    }
}

fn reconnect(chat: &mut Chat) {
    let ready = chat.online.ana.ready(50);
    chat.online.reconnect(&ready);
}

#[test]
fn three_hundred_blocks_are_told_a_few_at_a_time() {
    let mut chat = Chat::new();
    let connection = chat.online.connection;
    let engine = &mut chat.online.ana.engine;
    engine.network(NetworkEvent::Closed(connection));
    for number in 0..300_u128 {
        let account = AccountId::new((number << 64).to_be_bytes());
        engine.set_blocked(account, true).unwrap();
    }
    reconnect(&mut chat);
    let (all, most) = crowd(&mut chat, "set_block", |_| Some(Done {}.into()));
    assert_eq!((all, most), (300, AT_ONCE));
    assert!(chat.is_online());
    reconnect(&mut chat);
    assert!(chat.online.ana.sent().is_empty(), "all are told");
}

#[test]
fn three_hundred_groups_are_come_back_into_a_few_at_a_time() {
    let mut chat = Chat::new();
    chat.online.ana.want_into(300);
    reconnect(&mut chat);
    let (all, most) = crowd(&mut chat, "fetch_group", |_| {
        Some(Refusal::new(ErrorCode::NotMember).into())
    });
    assert_eq!((all, most), (300, AT_ONCE));
    assert!(chat.is_online());
    reconnect(&mut chat);
    assert!(chat.online.ana.sent().is_empty(), "nothing is left to ask");
}
