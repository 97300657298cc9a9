//! What a device does by itself while a connection lasts, and when it does not.

use std::time::Duration;

use client_core::{content::Body, model::OutgoingState, seams::NetworkEvent};
use protocol::{Done, Frame, KeyPackageCount, Ready};

use crate::{lying::chat::Chat, peer::NOW, scripted::Scripted};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Ana, online, with all that she asked for at the start answered.
fn settled() -> (Scripted, client_core::seams::ConnectionId) {
    let mut ana = Scripted::new();
    let connection = ana.online();
    answer(&mut ana, connection, 50);
    (ana, connection)
}

/// Answers everything, and returns how many packages were published, and how often was asked how many there are.
fn answer(
    ana: &mut Scripted,
    connection: client_core::seams::ConnectionId,
    count: u16,
) -> (usize, usize) {
    let (mut published, mut asked) = (0, 0);
    for (id, frame) in ana.sent() {
        match frame {
            Frame::PublishKeyPackages(publish) => {
                asked += usize::from(publish.packages.is_empty());
                published += publish.packages.len();
                assert!(!publish.replace || !publish.packages.is_empty());
                ana.receive(connection, id, &KeyPackageCount { count }.into());
            }
            Frame::StoreRecord(_) => ana.receive(connection, id, &Done {}.into()),
            frame => panic!("{frame:?}"),
        }
    }
    (published, asked)
}

#[test]
fn a_connection_that_lasts_is_asked_daily_how_many_key_packages_are_left() {
    let (mut ana, connection) = settled();
    ana.pass(DAY / 2);
    assert_eq!(answer(&mut ana, connection, 50), (0, 0));
    ana.pass(DAY / 2);
    assert_eq!(answer(&mut ana, connection, 50), (0, 1));
    // few are left: more are made, once, whatever the relay says then
    ana.pass(DAY);
    assert_eq!(answer(&mut ana, connection, 3), (0, 1));
    assert_eq!(answer(&mut ana, connection, 3), (19, 0));
    assert_eq!(answer(&mut ana, connection, 3), (0, 0));
}

#[test]
fn a_relay_that_lets_in_and_closes_is_dialled_less_and_less_often() {
    let mut ana = Scripted::new();
    let mut end = |stays: Duration| {
        let connection = ana.online();
        ana.pass(stays);
        ana.engine.network(NetworkEvent::Closed(connection));
        ana.pass_until_wake()
    };
    let pauses: Duration = (0..16).map(|_| end(Duration::from_secs(1))).sum();
    assert!(pauses > Duration::from_secs(100), "{pauses:?}");
    // one that lasted was no failure
    let pause = end(Duration::from_secs(30));
    assert!(pause <= Duration::from_millis(250), "{pause:?}");
}

#[test]
fn a_leaf_is_renewed_after_500_entries_whatever_the_time() {
    let mut chat = Chat::new();
    let is_commit = |frame: &Frame| matches!(frame, Frame::Commit(_));
    // her profile was the first
    for number in 2..500 {
        let text = format!("number {number}");
        chat.online.ana.engine.send_text(chat.key, &text).unwrap();
        assert_eq!(chat.take_appends().len(), 1);
    }
    chat.online.ana.pass(Duration::from_secs(10));
    let sent = chat.online.ana.sent();
    assert!(!sent.iter().any(|(_, frame)| is_commit(frame)), "{sent:?}");
    chat.online.ana.engine.send_text(chat.key, "500").unwrap();
    chat.take_appends();
    chat.online.ana.pass(Duration::from_secs(10));
    let sent = chat.online.ana.sent();
    assert!(sent.iter().any(|(_, frame)| is_commit(frame)), "{sent:?}");
}

/// A text that was written offline, and so much time until Ana is there again; the relay's clock may say something else.
fn waited(days: u64, told: u64) -> Chat {
    let mut chat = Chat::new();
    let closed = NetworkEvent::Closed(chat.online.connection);
    chat.online.ana.engine.network(closed);
    chat.online
        .ana
        .engine
        .send_text(chat.key, "see you tomorrow")
        .unwrap();
    chat.online.ana.pass(DAY * u32::try_from(days).unwrap());
    let ready = Ready {
        time: told,
        ..chat.online.ana.ready(50)
    };
    chat.online.reconnect(&ready);
    chat
}

fn state_of_last(chat: &Chat) -> Option<OutgoingState> {
    chat.messages().last().unwrap().outgoing
}

#[test]
fn what_waited_longer_than_sixty_days_goes_out_only_if_the_person_says_so() {
    let later = |days: u64| NOW + days * 24 * 3600 * 1000;
    let mut chat = waited(61, later(61));
    assert_eq!(state_of_last(&chat), Some(OutgoingState::Failed));
    let appends = chat.take_appends();
    assert!(appends.is_empty(), "{appends:?}");
    assert_eq!(chat.online.ana.engine.connection().waiting, 0);
    // what is written now does not wait for it
    chat.online
        .ana
        .engine
        .send_text(chat.key, "hello again")
        .unwrap();
    let appends = chat.take_appends();
    assert!(matches!(appends.as_slice(), [(Body::Text(text), _)] if text == "hello again"));
    let old = chat.messages();
    let old = old.iter().find(|it| it.text == "see you tomorrow").unwrap();
    chat.online.ana.engine.retry(chat.key, old.id).unwrap();
    let appends = chat.take_appends();
    assert!(matches!(appends.as_slice(), [(Body::Text(text), _)] if text == "see you tomorrow"));

    let mut chat = waited(59, later(59));
    assert_eq!(chat.take_appends().len(), 1);
    assert_eq!(state_of_last(&chat), Some(OutgoingState::Sent));
}

#[test]
fn a_wrong_clock_alone_keeps_no_message_back() {
    let later = NOW + 61 * 24 * 3600 * 1000;
    for (days, told) in [(1, later), (1, u64::MAX), (61, NOW)] {
        let mut chat = waited(days, told);
        assert_eq!(chat.take_appends().len(), 1, "{days} {told}");
    }
}
