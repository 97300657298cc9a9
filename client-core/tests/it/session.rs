//! The connection, played frame by frame.

use std::time::Duration;

use client_core::{
    Event,
    model::{ConnectionState, OfflineCause},
    seams::{ConnectionId, NetworkEvent},
};
use ed25519_dalek::SigningKey;
use protocol::{
    Bye, Challenge, Digest, Done, ErrorCode, Frame, KeyPackageCount, Nonce, StoreGeneration,
    StoreRecord,
    identity::{self, Manifest, record_message},
};

use crate::{
    peer::Online,
    scripted::{Act, Scripted, TLS_KEY},
};

type MakeChallenge = Box<dyn Fn(&Scripted) -> Challenge>;

fn cause(scripted: &Scripted) -> Option<OfflineCause> {
    scripted.engine.connection().cause
}

#[test]
fn a_new_account_registers_and_publishes_key_packages_and_a_recovery_record() {
    let mut ana = Scripted::new();
    let connection = ana.online();
    assert_eq!(ana.engine.connection().state, ConnectionState::Online);
    let sent = ana.sent();
    let [
        (id, Frame::PublishKeyPackages(publish)),
        (record, Frame::StoreRecord(_)),
    ] = sent.as_slice()
    else {
        panic!("{sent:?}")
    };
    assert_eq!(publish.packages.len(), 19);
    assert!(publish.last_resort.is_some());
    ana.receive(connection, *id, &KeyPackageCount { count: 19 }.into());
    ana.receive(connection, *record, &Done {}.into());
    assert!(ana.acts().is_empty());
}

/// The recovery record that Ana told the relay since the last call.
fn told_record(online: &Online) -> Option<(u32, StoreRecord)> {
    let mut sent = online.ana.sent().into_iter();
    sent.find_map(|(id, frame)| match frame {
        Frame::StoreRecord(record) => Some((id, record)),
        _ => None,
    })
}

/// Whether Ana's root key signed a record for this relay.
fn is_signed(online: &Online, record: &StoreRecord) -> bool {
    let manifest = Manifest::open(&online.register.manifest.0).unwrap();
    let (name, bytes) = (&record.record, &record.bytes.0);
    let message = record_message(online.ana.relay(), manifest.account(), name, bytes);
    let signature = record.signature.as_ref();
    signature.is_some_and(|it| identity::verify(&manifest.root_key, &message, it).is_ok())
}

/// The person has the code, and the root key goes.
fn confirm(online: &mut Online) {
    let shown = online.ana.engine.recovery_code().unwrap();
    let answer = |position: &usize| (*position, shown.words[position - 1].to_owned());
    let answers: Vec<_> = shown.ask.iter().map(answer).collect();
    online.ana.engine.confirm_recovery_code(&answers).unwrap();
}

#[test]
fn a_record_that_is_told_again_is_signed_although_the_root_key_is_gone() {
    let mut online = Online::new();
    let code = online.ana.engine.recovery_code().unwrap().code;
    confirm(&mut online);
    let ready = online.ana.ready(50);
    online.reconnect_to(StoreGeneration::new([4; 16]), &ready);
    let (_, record) = told_record(&online).expect("told again");
    assert!(is_signed(&online, &record));
    assert_eq!(record.record, code.record_id());
}

#[test]
fn a_record_of_an_early_version_is_signed_as_long_as_the_root_key_is_here() {
    let mut online = Online::new();
    online.ana.forget_record_signature();
    let ready = online.ana.ready(50);
    online.reconnect(&ready);
    let (id, record) = told_record(&online).expect("told again");
    assert!(is_signed(&online, &record));
    online.reply(id, &Done {}.into());
    online.reconnect(&ready);
    assert_eq!(told_record(&online), None);
    // without it the relay may take it all the same, where it has none
    confirm(&mut online);
    online.ana.forget_record_signature();
    online.reconnect_to(StoreGeneration::new([4; 16]), &ready);
    let (_, record) = told_record(&online).expect("told again");
    assert_eq!(record.signature, None);
}

#[test]
fn a_device_that_is_known_proves_itself_and_publishes_nothing_when_the_relay_has_enough() {
    let mut ana = Scripted::new();
    let first = ana.online();
    let record = ana.sent().last().map(|(id, _)| *id).unwrap();
    ana.receive(first, record, &Done {}.into());
    ana.engine.network(NetworkEvent::Closed(first));
    ana.pass_until_wake();
    let act = ana.acts().pop();
    let Some(Act::Dial(second, _)) = act else {
        panic!("{act:?}")
    };
    ana.open(second, false);
    let challenge = ana.challenge(Some(TLS_KEY));
    ana.receive(second, 0, &challenge.into());
    assert!(matches!(ana.sent().as_slice(), [(0, Frame::Prove(_))]));
    let ready = ana.ready(50);
    ana.receive(second, 0, &ready.into());
    assert!(ana.sent().is_empty());
}

#[test]
fn nothing_is_proved_to_a_side_that_is_not_the_pinned_relay() {
    let other_key = SigningKey::from_bytes(&[43; 32]);
    let cases: Vec<(&str, bool, MakeChallenge)> = vec![
        (
            "another TLS key than the signed one",
            false,
            Box::new(|ana| ana.challenge(Some(Digest::new([8; 32])))),
        ),
        (
            "another TLS key, although its certificate is trusted",
            true,
            Box::new(|ana| ana.challenge(Some(Digest::new([8; 32])))),
        ),
        (
            "no signed TLS key and no trusted certificate",
            false,
            Box::new(|ana| ana.challenge(None)),
        ),
        (
            "another identity, rightly signed by itself",
            false,
            Box::new(move |ana| {
                let mut other = Challenge {
                    identity_key: identity::public_key(&other_key),
                    ..ana.challenge(Some(TLS_KEY))
                };
                other.signature = identity::sign(&other_key, b"whatever");
                other
            }),
        ),
        (
            "a signature over another nonce",
            false,
            Box::new(|ana| Challenge {
                nonce: Nonce::new([1; 32]),
                ..ana.challenge(Some(TLS_KEY))
            }),
        ),
    ];
    for (name, trusted, challenge) in cases {
        let mut ana = Scripted::new();
        let (connection, _) = ana.dialled();
        ana.open(connection, trusted);
        let challenge = challenge(&ana);
        ana.receive(connection, 0, &challenge.into());
        assert_eq!(ana.acts(), [Act::Close(connection)], "{name}");
        assert_eq!(cause(&ana), Some(OfflineCause::RelayIdentity), "{name}");
    }
}

#[test]
fn behind_a_proxy_a_trusted_certificate_is_enough() {
    let mut ana = Scripted::new();
    let (connection, _) = ana.dialled();
    ana.open(connection, true);
    let challenge = ana.challenge(None);
    ana.receive(connection, 0, &challenge.into());
    assert!(matches!(ana.sent().as_slice(), [(0, Frame::Register(_))]));
}

#[test]
fn attempts_take_turns_between_addresses_and_wait_longer_up_to_a_minute() {
    let mut ana = Scripted::new();
    let mut longest = Duration::ZERO;
    let (mut connection, mut address) = ana.dialled();
    for attempt in 0..40 {
        assert_eq!(address, format!("relay.test:{}", 1 + attempt % 2));
        ana.engine.network(NetworkEvent::Closed(connection));
        assert_eq!(ana.engine.connection().state, ConnectionState::Offline);
        assert_eq!(cause(&ana), Some(OfflineCause::RelayUnreachable));
        longest = longest.max(ana.pass_until_wake());
        let act = ana.acts().pop();
        let Some(Act::Dial(next, to)) = act else {
            panic!("{act:?}")
        };
        (connection, address) = (next, to);
    }
    assert!(
        longest <= Duration::from_secs(60) && longest > Duration::from_secs(20),
        "{longest:?}"
    );
}

#[test]
fn a_relay_that_asks_to_wait_is_left_alone_that_long() {
    let mut ana = Scripted::new();
    let connection = ana.online();
    ana.acts();
    ana.receive(
        connection,
        0,
        &Bye {
            code: ErrorCode::Unavailable,
            retry_after: Some(90_000),
        }
        .into(),
    );
    assert_eq!(cause(&ana), Some(OfflineCause::RelayBusy));
    assert!(ana.engine.until_wake().unwrap() >= Duration::from_secs(90));
}

/// Lets attempts fail for so long; the longest pause before one, and the cause that was shown last.
fn fail_for(ana: &mut Scripted, time: Duration) -> (Duration, Option<OfflineCause>) {
    let (mut passed, mut longest) = (Duration::ZERO, Duration::ZERO);
    let mut shown = cause(ana);
    loop {
        let pause = ana.engine.until_wake().expect("another attempt is planned");
        if passed + pause > time {
            return (longest, shown);
        }
        ana.pass(pause);
        (passed, longest) = (passed + pause, longest.max(pause));
        let Some(Act::Dial(connection, _)) = ana.acts().pop() else {
            panic!("expected an attempt")
        };
        ana.engine.network(NetworkEvent::Closed(connection));
        shown = cause(ana);
    }
}

#[test]
fn a_relay_that_stops_is_tried_again_within_seconds_and_less_often_after_a_minute() {
    let mut ana = Scripted::new();
    let connection = ana.online();
    bye(&mut ana, connection, ErrorCode::Unavailable);
    assert_eq!(cause(&ana), Some(OfflineCause::RelayRestarting));
    ana.acts();
    let (longest, shown) = fail_for(&mut ana, Duration::from_secs(60));
    let seconds = Duration::from_secs(1)..=Duration::from_secs(4);
    assert!(seconds.contains(&longest), "{longest:?}");
    assert_eq!(shown, Some(OfflineCause::RelayRestarting));
    // it did not come back
    let (longest, shown) = fail_for(&mut ana, Duration::from_secs(600));
    let minute = Duration::from_secs(20)..=Duration::from_secs(60);
    assert!(minute.contains(&longest), "{longest:?}");
    assert_eq!(shown, Some(OfflineCause::RelayUnreachable));
}

#[test]
fn a_relay_that_is_back_in_time_is_online_again_within_seconds() {
    let mut ana = Scripted::new();
    let connection = ana.online();
    bye(&mut ana, connection, ErrorCode::Unavailable);
    ana.acts();
    fail_for(&mut ana, Duration::from_secs(25));
    let pause = ana.pass_until_wake();
    assert!(pause <= Duration::from_secs(4), "{pause:?}");
    ana.online();
    assert_eq!(ana.engine.connection().state, ConnectionState::Online);
    assert_eq!(cause(&ana), None);
}

#[test]
fn a_relay_that_lets_in_and_stops_again_and_again_is_not_dialled_in_a_storm() {
    let mut ana = Scripted::new();
    let connection = ana.online();
    bye(&mut ana, connection, ErrorCode::Unavailable);
    ana.acts();
    fail_for(&mut ana, Duration::from_secs(60));
    let mut longest = Duration::ZERO;
    for _ in 0..8 {
        longest = longest.max(ana.pass_until_wake());
        let connection = ana.online();
        bye(&mut ana, connection, ErrorCode::Unavailable);
        ana.acts();
    }
    assert!(longest > Duration::from_secs(20), "{longest:?}");
    assert_eq!(cause(&ana), Some(OfflineCause::RelayBusy));
}

#[test]
fn a_removed_device_shows_that_before_it_is_connected_and_not_when_the_relay_lets_it_in() {
    let mut ana = Scripted::new();
    let connection = ana.online();
    bye(&mut ana, connection, ErrorCode::Revoked);
    let mut ana = ana.restarted();
    let shown = ana.engine.connection();
    assert_eq!(shown.state, ConnectionState::Connecting);
    assert_eq!(shown.cause, Some(OfflineCause::Revoked));
    let (connection, _) = ana.dialled();
    ana.engine.network(NetworkEvent::Closed(connection));
    assert_eq!(cause(&ana), Some(OfflineCause::Revoked));
    // the relay has the last word
    ana.pass_until_wake();
    ana.online();
    assert_eq!(cause(&ana), None);
    let ana = ana.restarted();
    assert_eq!(cause(&ana), None);
}

fn bye(ana: &mut Scripted, connection: ConnectionId, code: ErrorCode) {
    let retry_after = None;
    ana.receive(connection, 0, &Bye { code, retry_after }.into());
}

#[test]
fn a_device_that_was_removed_ends_the_attempts_until_the_person_asks() {
    let mut ana = Scripted::new();
    let connection = ana.online();
    ana.acts();
    bye(&mut ana, connection, ErrorCode::Revoked);
    assert_eq!(cause(&ana), Some(OfflineCause::Revoked));
    assert_eq!(ana.engine.until_wake(), None);
    ana.acts();
    ana.engine.reconnect();
    assert!(matches!(ana.acts().as_slice(), [Act::Dial(..)]));
}

#[test]
fn a_connection_that_is_taken_over_comes_back_once_and_leaves_a_copy_of_the_profile_alone_then() {
    let mut ana = Scripted::new();
    let connection = ana.online();
    bye(&mut ana, connection, ErrorCode::Replaced);
    // perhaps the last words of a process that was killed
    assert_eq!(cause(&ana), Some(OfflineCause::Replaced));
    let pause = ana.engine.until_wake().unwrap();
    assert!((10..=60).contains(&pause.as_secs()), "{pause:?}");
    ana.acts();
    ana.pass(pause);
    let connection = ana.online();
    bye(&mut ana, connection, ErrorCode::Replaced);
    assert_eq!(cause(&ana), Some(OfflineCause::Replaced));
    assert_eq!(ana.engine.until_wake(), None);
    ana.engine.reconnect();
    assert!(matches!(ana.acts().as_slice(), [.., Act::Dial(..)]));
}

#[test]
fn a_relay_that_forgot_an_account_is_shown_its_receipt_once_in_the_same_life_too() {
    let mut ana = Scripted::new();
    let connection = ana.online();
    let bye = Bye {
        code: ErrorCode::NotAuthenticated,
        retry_after: None,
    };
    ana.receive(connection, 0, &bye.clone().into());
    assert_eq!(cause(&ana), Some(OfflineCause::RelayBusy));
    ana.engine.reconnect();
    let dial = ana.acts().into_iter().find_map(|act| match act {
        Act::Dial(connection, _) => Some(connection),
        Act::Send(..) | Act::Close(_) => None,
    });
    let connection = dial.expect("the engine dials");
    ana.open(connection, false);
    let challenge = ana.challenge(Some(TLS_KEY));
    ana.receive(connection, 0, &challenge.into());
    let sent = ana.sent();
    let [(0, Frame::Register(register))] = sent.as_slice() else {
        panic!("expected the receipt, not {sent:?}")
    };
    assert!(register.receipt.is_some());
    // that did not help: the person has to ask
    ana.receive(connection, 0, &bye.into());
    assert_eq!(cause(&ana), Some(OfflineCause::SignedOut));
    assert_eq!(ana.engine.until_wake(), None);
}

#[test]
fn a_silent_relay_is_given_up_at_every_stage() {
    let mut ana = Scripted::new();
    let (connection, _) = ana.dialled();
    ana.pass(Duration::from_secs(21));
    assert_eq!(ana.acts(), [Act::Close(connection)]);

    let mut ana = Scripted::new();
    let connection = ana.online();
    assert_eq!(
        ana.sent().len(),
        2,
        "key packages and a recovery record are on their way and never answered"
    );
    ana.pass(Duration::from_secs(31));
    assert_eq!(ana.acts(), [Act::Close(connection)]);
}

#[test]
fn frames_out_of_turn_and_garbage_end_the_connection_and_nothing_else() {
    for bytes in [
        vec![],
        vec![0xff],
        vec![0x83, 0x05, 0x00, 0xa0],
        protocol::encode_frame(0, &Done {}.into()),
    ] {
        let mut ana = Scripted::new();
        let (connection, _) = ana.dialled();
        ana.open(connection, false);
        ana.engine
            .network(NetworkEvent::Received(connection, bytes.clone().into()));
        assert_eq!(ana.acts(), [Act::Close(connection)], "{bytes:02x?}");
        ana.engine.take_events();
        ana.pass_until_wake();
        assert!(
            matches!(ana.acts().as_slice(), [Act::Dial(..)]),
            "{bytes:02x?}"
        );
    }
}

#[test]
fn a_frame_of_a_newer_relay_is_passed_over() {
    let mut ana = Scripted::new();
    let connection = ana.online();
    ana.acts();
    // type 200 with one field
    ana.engine.network(NetworkEvent::Received(
        connection,
        vec![0x83, 0x18, 200, 0x00, 0xa1, 0x00, 0x01].into(),
    ));
    assert!(ana.acts().is_empty());
    assert_eq!(ana.engine.connection().state, ConnectionState::Online);
}

#[test]
fn what_an_old_connection_still_says_is_ignored() {
    let mut ana = Scripted::new();
    let (first, _) = ana.dialled();
    ana.engine.network(NetworkEvent::Closed(first));
    ana.pass_until_wake();
    ana.acts();
    let before = ana.engine.connection();
    ana.receive(
        first,
        0,
        &Bye {
            code: ErrorCode::Revoked,
            retry_after: None,
        }
        .into(),
    );
    ana.engine.network(NetworkEvent::Closed(first));
    assert_eq!(ana.engine.connection(), before);
    assert!(ana.acts().is_empty());
}

#[test]
fn each_change_of_the_connection_is_announced_once() {
    let mut ana = Scripted::new();
    ana.online();
    let states: Vec<ConnectionState> = ana
        .engine
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::ConnectionChanged(connection) => Some(connection.state),
            _ => None,
        })
        .collect();
    assert!(states.contains(&ConnectionState::Online));
    ana.engine.wake();
    assert!(ana.engine.take_events().is_empty());
}

#[test]
fn a_goodbye_before_the_relay_proved_itself_is_only_a_failed_attempt() {
    for (code, retry_after) in [
        (ErrorCode::Revoked, None),
        (ErrorCode::Replaced, None),
        (ErrorCode::BadLink, None),
        (ErrorCode::Unavailable, Some(u64::MAX)),
    ] {
        let mut ana = Scripted::new();
        let (connection, _) = ana.dialled();
        ana.open(connection, false);
        ana.receive(connection, 0, &Bye { code, retry_after }.into());
        assert_eq!(cause(&ana), Some(OfflineCause::RelayBusy), "{code:?}");
        assert!(
            ana.engine.until_wake().unwrap() <= Duration::from_secs(60),
            "{code:?}"
        );
    }
}

#[test]
fn a_clock_that_is_set_while_connected_changes_nothing_that_the_relay_counts() {
    let mut ana = Scripted::new();
    ana.online();
    ana.acts();
    ana.jump(20 * 365 * 24 * 3600 * 1000);
    ana.engine.create_invite(Box::new(drop));
    let sent = ana.sent();
    let [(_, Frame::NewLink(link))] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(link.expires, 1_800_000_000_000 + 7 * 24 * 3600 * 1000);
}
