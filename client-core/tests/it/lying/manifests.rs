//! Lists of devices that contradict each other: not taken, and the person is told once.

use client_core::{
    content::{Content, SealNote, ShortDigest, short},
    model::SystemEvent,
    store::{Database, DatabaseKey, account, account::AccountRow},
};
use protocol::{AccountManifest, Digest, ErrorCode, Frame, Refusal, identity::Manifest};

use super::{
    chat::Chat,
    devices::{Tablet, sign_as},
};
use crate::peer::Peer;

fn tablet(chat: &Chat) -> Tablet {
    let lent = Peer::seeded(&chat.online.ana, 79);
    Tablet::of(&chat.peer, &lent)
}

/// The peer writes with a note that is not the honest one.
fn say_with(chat: &mut Chat, change: impl FnOnce(&mut SealNote)) {
    let content = Content::text(chat.peer.random(), "with another note");
    let mut note = chat.note();
    change(&mut note);
    let entry = chat.seal(&content, &note);
    chat.push(vec![entry]);
}

/// Which manifest of the peer Ana goes by, as she says beside her next message.
fn believed(chat: &mut Chat) -> Option<ShortDigest> {
    chat.online.ana.engine.send_text(chat.key, "hello").unwrap();
    let appends = chat.take_appends();
    let [(_, note)] = appends.as_slice() else {
        panic!("expected one message, not {appends:?}")
    };
    note.peer_manifest
}

fn digest(manifest: &[u8]) -> Option<ShortDigest> {
    Some(short(Digest::of(&[manifest])))
}

/// The relay answers the request for the manifest that the peer named by another one.
fn shows_instead(name: &str, shown: impl FnOnce(&Chat, &Tablet) -> Vec<u8>) {
    let mut chat = Chat::new();
    let tablet = tablet(&chat);
    let first = chat.peer.keys.manifest();
    let fetch = chat.name_manifest(2, &tablet.second);
    let manifest = shown(&chat, &tablet).into();
    chat.online
        .reply(fetch, &AccountManifest { manifest }.into());
    assert_eq!(chat.lines(SystemEvent::SplitView), 1, "{name}");
    assert_eq!(believed(&mut chat), digest(&first), "{name}");
    // it is told once, and asked for once on a connection
    say_with(&mut chat, |note| note.manifest_number = 2);
    assert_eq!(chat.lines(SystemEvent::SplitView), 1, "{name}");
    let sent = chat.online.ana.sent();
    assert!(sent.is_empty(), "{name}: {sent:?}");
    assert!(chat.is_online(), "{name}");
}

#[test]
fn a_manifest_that_is_kept_back_or_false_is_not_taken_and_told_once() {
    shows_instead("the one before", |chat, _| chat.peer.keys.manifest());
    shows_instead("that of another account", |chat, _| {
        Peer::seeded(&chat.online.ana, 78).keys.manifest()
    });
    shows_instead("nonsense", |_, _| b"nonsense".to_vec());
    shows_instead("a changed one", |_, tablet| {
        let mut changed = tablet.second.clone();
        let end = changed.len() - 1;
        changed[end] ^= 1;
        changed
    });
}

#[test]
fn a_manifest_that_does_not_follow_is_not_taken() {
    shows_instead("another first one before it", |chat, tablet| {
        // truly signed by the account's key, on top of a first manifest that Ana never saw
        let mut elsewhere = Manifest::open(&tablet.second).unwrap();
        elsewhere.previous = Some(Digest::of(&[b"elsewhere"]));
        sign_as(&chat.peer, &elsewhere)
    });
}

#[test]
fn a_manifest_that_is_older_than_the_known_one_is_not_taken() {
    let mut chat = Chat::new();
    let tablet = tablet(&chat);
    chat.learn_manifest(3, &tablet.third);
    assert_eq!(chat.lines(SystemEvent::SplitView), 0);
    assert_eq!(believed(&mut chat), digest(&tablet.third));
    // on the next connection a fourth is named, and the second shown
    let fetch = chat.reconnect_naming(4);
    let manifest = tablet.second.clone().into();
    chat.online
        .reply(fetch, &AccountManifest { manifest }.into());
    assert_eq!(chat.lines(SystemEvent::SplitView), 1);
    assert_eq!(believed(&mut chat), digest(&tablet.third));
}

#[test]
fn two_manifests_of_one_number_are_told_apart() {
    let mut chat = Chat::new();
    let tablet = tablet(&chat);
    chat.learn_manifest(2, &tablet.second);
    let fetch = chat.reconnect_naming(3);
    let other = {
        let mut other = Manifest::open(&tablet.second).unwrap();
        other.devices.truncate(1);
        sign_as(&chat.peer, &other)
    };
    let manifest = other.into();
    chat.online
        .reply(fetch, &AccountManifest { manifest }.into());
    assert_eq!(chat.lines(SystemEvent::SplitView), 1);
    assert_eq!(believed(&mut chat), digest(&tablet.second));
}

#[test]
fn a_message_that_names_another_manifest_of_the_known_number_is_a_split_view() {
    let mut chat = Chat::new();
    for _ in 0..3 {
        say_with(&mut chat, |note| {
            note.manifest = short(Digest::of(&[b"another"]));
        });
    }
    assert_eq!(chat.lines(SystemEvent::SplitView), 1);
    assert_eq!(chat.texts().len(), 3, "the messages are shown");
    assert!(chat.online.ana.sent().is_empty());
}

#[test]
fn a_peer_that_was_shown_a_manifest_of_ours_that_we_never_signed_is_a_split_view() {
    // of a number that is ours, of one above all of ours, and from a version that names none
    for number in [Some(1), Some(2), None] {
        let mut chat = Chat::new();
        for _ in 0..3 {
            say_with(&mut chat, |note| {
                note.peer_manifest_number = number;
                note.peer_manifest = Some(short(Digest::of(&[b"not ours"])));
            });
        }
        assert_eq!(chat.lines(SystemEvent::SplitView), 1, "{number:?}");
        assert_eq!(chat.texts().len(), 3);
        assert!(chat.online.ana.sent().is_empty());
    }
}

#[test]
fn a_peer_that_saw_none_or_our_first_is_no_split_view() {
    let mut chat = Chat::new();
    say_with(&mut chat, |note| note.peer_manifest = None);
    chat.say("honest");
    assert_eq!(chat.lines(SystemEvent::SplitView), 0);
}

#[test]
fn a_peer_that_saw_a_list_which_a_lost_device_made_is_no_split_view() {
    // after two restores a device knows the lists that it made itself, and not the first
    let chat = Chat::new();
    let third = tablet(&chat).third;
    let row = AccountRow::new(&chat.peer.keys, third.clone(), &[], None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let mut database = Database::create(&path, &DatabaseKey::new([1; 32])).unwrap();
    database
        .write(|write| account::insert(write, &row))
        .unwrap();
    let is_foreign = |number, manifest: &[u8]| {
        let digest = short(Digest::of(&[manifest]));
        account::is_foreign_manifest(database.connection(), number, &digest).unwrap()
    };
    for number in [Some(1), Some(2), None] {
        assert!(!is_foreign(number, b"of a lost device"), "{number:?}");
    }
    for number in [Some(3), Some(4)] {
        assert!(is_foreign(number, b"not ours"), "{number:?}");
    }
    for number in [Some(3), None] {
        assert!(!is_foreign(number, &third), "{number:?}");
    }
}

#[test]
fn a_manifest_that_the_relay_refuses_to_show_is_asked_for_once_on_a_connection() {
    let mut chat = Chat::new();
    let tablet = tablet(&chat);
    let fetch = chat.name_manifest(2, &tablet.second);
    chat.online.refuse(fetch, Refusal::new(ErrorCode::NotFound));
    for _ in 0..3 {
        say_with(&mut chat, |note| note.manifest_number = 2);
    }
    assert!(chat.online.ana.sent().is_empty());
    let fetch = chat.reconnect_naming(u64::MAX);
    chat.online.refuse(fetch, Refusal::new(ErrorCode::NotFound));
    let sent: Vec<Frame> = chat.lie(|_| None);
    assert!(sent.is_empty(), "{sent:?}");
}
