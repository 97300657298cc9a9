//! What is true only now and is never stored: signals and presence, forged or from people who have no part in it.

use client_core::model::Conversation;
use protocol::{AccountId, ConversationId, DeviceId, Frame, Presence, SignalPush, bounds, cbor};

use super::chat::Chat;

/// The body of "is typing".
#[derive(minicbor::Encode)]
#[cbor(map)]
struct Typing {
    #[n(0)]
    kind: u8,
}

fn typing(chat: &mut Chat) -> SignalPush {
    chat.signal(&cbor::encode(&Typing { kind: 1 }))
}

/// The row of the conversation.
fn shown(chat: &Chat) -> Conversation {
    chat.online.conversation()
}

fn push(chat: &mut Chat, push: SignalPush) -> bool {
    chat.online.reply(0, &push.into());
    let sent = chat.online.ana.sent();
    let acks = sent.iter().all(|(_, frame)| matches!(frame, Frame::Ack(_)));
    assert!(acks, "nobody answers a signal: {sent:?}");
    assert!(chat.is_online());
    shown(chat).typing
}

#[test]
fn a_signal_of_the_peer_is_shown_and_a_repeated_one_says_no_more_than_the_first() {
    let mut chat = Chat::new();
    let signal = typing(&mut chat);
    assert!(push(&mut chat, signal.clone()));
    chat.say("written");
    assert!(!shown(&chat).typing, "whoever wrote is not typing any more");
    // what is repeated in the same epoch is shown again, and passes
    assert!(push(&mut chat, signal.clone()));
    chat.online.ana.pass(std::time::Duration::from_secs(7));
    assert!(!shown(&chat).typing);
    // in the next epoch it does not open
    let commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.push(vec![commit]);
    assert!(!push(&mut chat, signal));
}

#[test]
fn forged_signals_and_those_of_strangers_are_dropped() {
    let mut chat = Chat::new();
    let honest = typing(&mut chat);
    let own = chat.online.register.device;
    let mut flipped = honest.bytes.0.to_vec();
    flipped[30] ^= 1;
    for (name, signal) in [
        (
            "changed",
            SignalPush {
                bytes: flipped.into(),
                ..honest.clone()
            },
        ),
        (
            "empty",
            SignalPush {
                bytes: Vec::new().into(),
                ..honest.clone()
            },
        ),
        (
            "large",
            SignalPush {
                bytes: vec![7; bounds::SIGNAL].into(),
                ..honest.clone()
            },
        ),
        (
            "of a device that is no member",
            SignalPush {
                sender: DeviceId::new([6; 16]),
                ..honest.clone()
            },
        ),
        (
            "under our own name",
            SignalPush {
                sender: own,
                ..honest.clone()
            },
        ),
        (
            "in another conversation",
            SignalPush {
                conversation: ConversationId::new([9; 16]),
                ..honest.clone()
            },
        ),
    ] {
        assert!(!push(&mut chat, signal), "{name}");
    }
    chat.online.ana.engine.take_events();
    assert!(push(&mut chat, honest));
}

#[test]
fn signals_are_not_shown_where_the_person_blocked_the_other() {
    let mut chat = Chat::new();
    let signal = typing(&mut chat);
    let peer = chat.peer.account();
    chat.online.ana.engine.set_blocked(peer, true).unwrap();
    chat.online.ana.sent();
    assert!(!push(&mut chat, signal));
}

#[test]
fn presence_of_strangers_is_not_kept_and_wakes_nobody() {
    let mut chat = Chat::new();
    chat.online.ana.engine.take_events();
    for number in 0..2000_u32 {
        let mut account = [0; AccountId::LEN];
        account[..4].copy_from_slice(&number.to_be_bytes());
        let presence = Presence {
            account: AccountId::new(account),
            connected: true,
            last_seen: Some(u64::MAX),
        };
        chat.online.reply(0, &presence.into());
    }
    assert!(chat.online.ana.engine.take_events().is_empty());
    assert!(chat.online.ana.sent().is_empty());
    assert_eq!(shown(&chat).presence, None);
}

#[test]
fn presence_of_the_peer_at_the_end_of_time_is_shown_as_it_is_told() {
    let mut chat = Chat::new();
    let presence = Presence {
        account: chat.peer.account(),
        connected: false,
        last_seen: Some(u64::MAX),
    };
    chat.online.reply(0, &presence.into());
    let seen = shown(&chat).presence.unwrap();
    assert_eq!((seen.connected, seen.last_seen), (false, Some(u64::MAX)));
    assert!(chat.is_online());
}
