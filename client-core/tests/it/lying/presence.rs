//! What somebody says of how they are: hostile words are cleaned or dropped, and our own are told once and no more often than
//! a relay takes them.

use std::time::Duration;

use client_core::model::{Availability, Lasts, Presence};
use minicbor::{Decode, Encode};
use protocol::{Frame, Signal, SignalPush, cbor};

use super::chat::Chat;
use crate::peer::NOW;

#[derive(Debug, PartialEq, Encode, Decode)]
#[cbor(map)]
struct Says {
    #[n(0)]
    kind: u8,
    #[n(1)]
    state: u64,
    #[n(2)]
    text: Option<String>,
    #[n(3)]
    since: Option<u64>,
}

/// The same, with its number.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Numbered {
    #[n(0)]
    kind: u8,
    #[n(1)]
    state: u64,
    #[n(2)]
    text: Option<String>,
    #[n(4)]
    number: u64,
}

fn says(state: u64, text: Option<&str>, since: Option<u64>) -> Says {
    Says {
        kind: 2,
        state,
        text: text.map(str::to_owned),
        since,
    }
}

/// The conversation, with a peer who is connected.
fn connected() -> Chat {
    let mut chat = Chat::new();
    come(&mut chat, true);
    chat.online.ana.sent();
    chat
}

fn come(chat: &mut Chat, connected: bool) {
    let presence = protocol::Presence {
        account: chat.peer.account(),
        connected,
        last_seen: None,
    };
    chat.online.reply(0, &presence.into());
}

fn shown(chat: &Chat) -> Presence {
    chat.online.conversation().presence.unwrap()
}

fn hear(chat: &mut Chat, says: &Says) -> Presence {
    let signal = sealed(chat, says);
    chat.online.reply(0, &signal.into());
    assert!(chat.is_online());
    shown(chat)
}

fn sealed(chat: &mut Chat, says: &Says) -> SignalPush {
    SignalPush {
        keep: true,
        ..chat.signal(&cbor::encode(says))
    }
}

/// What Ana tells in signals, until she has nothing to do for a while.
fn told(chat: &mut Chat) -> Vec<Says> {
    let signals = signals(chat);
    let opened = signals.iter().map(|signal| chat.open_signal(signal));
    opened
        .map(|body| cbor::decode(&body).expect("a signal of presence"))
        .collect()
}

fn signals(chat: &mut Chat) -> Vec<Signal> {
    let mut signals = Vec::new();
    for _ in 0..10 {
        chat.online.ana.pass(Duration::from_millis(500));
        let sent = chat.online.ana.sent().into_iter();
        signals.extend(sent.filter_map(|(_, frame)| match frame {
            Frame::Signal(signal) => {
                assert!(signal.keep);
                Some(signal)
            }
            _ => None,
        }));
    }
    signals
}

#[test]
fn hostile_words_are_cleaned_or_not_shown() {
    let mut chat = connected();
    let longest = "🌍".repeat(100);
    for (said, shown) in [
        (says(1, None, Some(NOW - 1)), (Availability::Idle, None)),
        // a state that a later version knows
        (says(9, None, None), (Availability::Active, None)),
        (
            says(2, Some("  in  a\u{00A0}meeting "), Some(u64::MAX)),
            (Availability::DoNotDisturb, Some("in a meeting")),
        ),
        (
            says(2, Some("turned\u{202E}around"), None),
            (Availability::DoNotDisturb, None),
        ),
        (
            says(u64::MAX, Some(&longest), Some(1)),
            (Availability::Active, Some(longest.as_str())),
        ),
        (
            says(1, Some(&"a".repeat(101)), None),
            (Availability::Idle, None),
        ),
        (says(0, Some("   "), None), (Availability::Active, None)),
    ] {
        let heard = hear(&mut chat, &said);
        assert_eq!(
            (heard.availability, heard.text.as_deref()),
            shown,
            "{said:?}"
        );
        // nothing began in the future
        let now = chat.online.ana.engine.now();
        assert!(heard.since.is_none_or(|since| since <= now), "{said:?}");
        assert!(heard.since.is_none() || heard.availability != Availability::Active);
    }
    // what is no map of these says nothing, and changes nothing
    hear(&mut chat, &says(2, None, None));
    for body in [&[0xa0][..], &[0xa2, 0x00, 0x02, 0x01, 0x60], &[0xff]] {
        let signal = SignalPush {
            keep: true,
            ..chat.signal(body)
        };
        chat.online.reply(0, &signal.into());
        assert_eq!(shown(&chat).availability, Availability::DoNotDisturb);
    }
}

#[test]
fn it_is_shown_while_the_contact_is_connected_and_forgotten_with_that() {
    let mut chat = connected();
    hear(&mut chat, &says(2, Some("busy"), None));
    come(&mut chat, false);
    let gone = shown(&chat);
    assert_eq!((gone.connected, gone.text), (false, None));
    come(&mut chat, true);
    assert_eq!(shown(&chat).availability, Availability::Active);
}

#[test]
fn one_that_does_not_open_yet_is_tried_again_when_the_epoch_changes() {
    let mut chat = connected();
    let commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    let ahead = sealed(&mut chat, &says(2, None, None));
    chat.online.reply(0, &ahead.into());
    assert_eq!(shown(&chat).availability, Availability::Active);
    chat.push(vec![commit]);
    assert_eq!(shown(&chat).availability, Availability::DoNotDisturb);
}

#[test]
fn a_relay_that_stamps_many_senders_fills_no_memory_and_stops_nothing() {
    let mut chat = connected();
    for number in 0..200_u32 {
        let mut device = [0; protocol::DeviceId::LEN];
        device[..4].copy_from_slice(&number.to_be_bytes());
        let forged = SignalPush {
            sender: protocol::DeviceId::new(device),
            ..sealed(&mut chat, &says(2, Some("forged"), None))
        };
        chat.online.reply(0, &forged.into());
    }
    chat.say("written");
    assert!(chat.is_online());
    assert_eq!(chat.texts(), ["written"]);
    assert_eq!(shown(&chat).text, None);
    assert_eq!(
        hear(&mut chat, &says(1, None, None)).availability,
        Availability::Idle
    );
}

#[test]
fn changes_that_follow_each_other_are_told_as_one_and_nothing_is_told_twice() {
    let mut chat = connected();
    let engine = &mut chat.online.ana.engine;
    engine
        .set_do_not_disturb(Some(Lasts::UntilChanged))
        .unwrap();
    engine.set_do_not_disturb(None).unwrap();
    engine
        .set_status_text("in a meeting", Lasts::UntilChanged)
        .unwrap();
    engine
        .set_do_not_disturb(Some(Lasts::UntilChanged))
        .unwrap();
    let since = engine.now();
    assert_eq!(
        told(&mut chat),
        [says(2, Some("in a meeting"), Some(since))]
    );
    // idle beside do not disturb says nothing new
    let engine = &mut chat.online.ana.engine;
    engine.set_idle(Some(Duration::from_secs(300))).unwrap();
    assert_eq!(told(&mut chat), []);
    // the peer comes back: the relay has it, but may have forgotten
    come(&mut chat, false);
    come(&mut chat, true);
    assert_eq!(told(&mut chat).len(), 1);
    // a new epoch, a new key
    let commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.push(vec![commit]);
    assert_eq!(told(&mut chat).len(), 1);
}

#[test]
fn what_lasts_for_a_while_ends_by_itself_and_is_taken_back() {
    let mut chat = connected();
    let hour = Lasts::For(Duration::from_secs(3600));
    let engine = &mut chat.online.ana.engine;
    engine.set_do_not_disturb(Some(hour)).unwrap();
    engine
        .set_status_text("lunch", Lasts::For(Duration::from_secs(1800)))
        .unwrap();
    let since = engine.now();
    assert_eq!(told(&mut chat), [says(2, Some("lunch"), Some(since))]);
    chat.online.ana.pass(Duration::from_secs(1800));
    assert_eq!(told(&mut chat), [says(2, None, Some(since))]);
    chat.online.ana.pass(Duration::from_secs(1800));
    assert_eq!(told(&mut chat), [says(0, None, None)]);
    let me = chat.online.ana.engine.me();
    assert_eq!(me.presence.next_end(), None);
    assert_eq!(me.presence.do_not_disturb, None);
    // nothing more is planned for it
    assert_eq!(told(&mut chat), []);
}

#[test]
fn whoever_is_blocked_or_hidden_from_is_told_nothing() {
    let mut chat = connected();
    let peer = chat.peer.account();
    chat.online.ana.engine.set_blocked(peer, true).unwrap();
    let quiet = Some(Lasts::UntilChanged);
    chat.online.ana.engine.set_do_not_disturb(quiet).unwrap();
    assert_eq!(told(&mut chat), []);
    chat.online.ana.engine.set_blocked(peer, false).unwrap();
    let privacy = chat.online.ana.engine.privacy();
    let hidden = client_core::model::Privacy {
        announce: false,
        ..privacy
    };
    chat.online.ana.engine.set_privacy(hidden).unwrap();
    chat.online.ana.engine.set_do_not_disturb(None).unwrap();
    chat.online.ana.engine.set_do_not_disturb(quiet).unwrap();
    assert_eq!(told(&mut chat), []);
}

/// A signal of the peer, sealed now; the relay may show it when it likes.
fn numbered(chat: &mut Chat, text: &str, number: u64) -> SignalPush {
    let says = Numbered {
        kind: 2,
        state: 0,
        text: Some(text.to_owned()),
        number,
    };
    SignalPush {
        keep: true,
        ..chat.signal(&cbor::encode(&says))
    }
}

#[test]
fn what_a_device_said_before_does_not_come_back() {
    let mut chat = connected();
    let [first, second] = [(1, "at work"), (2, "at home")].map(|(number, text)| {
        let signal = numbered(&mut chat, text, number);
        chat.online.reply(0, &signal.clone().into());
        assert_eq!(shown(&chat).text.as_deref(), Some(text));
        signal
    });
    let unnumbered = sealed(&mut chat, &says(0, Some("long ago"), None));
    for before in [&first, &unnumbered] {
        chat.online.reply(0, &before.clone().into());
        assert_eq!(shown(&chat).text.as_deref(), Some("at home"));
    }
    // nor where the relay says that the other was away
    come(&mut chat, false);
    come(&mut chat, true);
    chat.online.reply(0, &first.into());
    assert_eq!(shown(&chat).text, None);
    // what was said last may well come once more
    chat.online.reply(0, &second.into());
    assert_eq!(shown(&chat).text.as_deref(), Some("at home"));
    // a device that lost count is heard in the next epoch
    let commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.push(vec![commit]);
    let anew = numbered(&mut chat, "anew", 1);
    chat.online.reply(0, &anew.into());
    assert_eq!(shown(&chat).text.as_deref(), Some("anew"));
}

#[test]
fn numbers_rise_with_what_is_said_and_not_with_how_often() {
    let mut chat = connected();
    let mut numbers = Vec::new();
    for text in ["at work", "at home", "at home", ""] {
        let engine = &mut chat.online.ana.engine;
        engine.set_status_text(text, Lasts::UntilChanged).unwrap();
        // the relay may have forgotten it
        come(&mut chat, false);
        come(&mut chat, true);
        for signal in signals(&mut chat) {
            let body = chat.open_signal(&signal);
            let said: Numbered = cbor::decode(&body).unwrap();
            numbers.push((said.text.unwrap_or_default(), said.number));
        }
    }
    let numbers: Vec<_> = numbers.iter().map(|it| (it.0.as_str(), it.1)).collect();
    assert_eq!(
        numbers,
        [("at work", 1), ("at home", 2), ("at home", 2), ("", 3)]
    );
}
