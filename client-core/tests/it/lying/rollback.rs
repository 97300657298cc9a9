//! Lists of devices that go back: signed by a device-signing key that was replaced, or without devices that were known. A thief
//! of a device can sign them, and a relay that helps can show them.

use client_core::{
    content::{ShortDigest, short},
    crypto::{AccountKeys, RecoveryCode, RecoveryRecord},
    model::SystemEvent,
    seams::SeededRandom,
};
use protocol::{AccountManifest, DeviceId, Digest, bounds, identity::Manifest};
use zeroize::Zeroizing;

use super::{
    chat::Chat,
    devices::{Tablet, sign_as},
};
use crate::peer::{NOW, Peer};

/// The account on another computer: its keys, and the list that revokes the devices before.
fn restored(chat: &Chat, current: &[u8], seed: u64) -> (Peer, Vec<u8>) {
    let mut random = SeededRandom::new(seed);
    let code = RecoveryCode::new(Zeroizing::new([3; 32]));
    let record = chat
        .peer
        .keys
        .recovery_record(&mut random, &code, "Luis")
        .unwrap();
    let record = RecoveryRecord::open(&code, &record).unwrap();
    let (keys, manifest) = AccountKeys::restored(&record, current, &mut random, NOW).unwrap();
    (Peer::with_keys(keys, random), manifest)
}

fn tablet(chat: &Chat) -> Tablet {
    Tablet::of(&chat.peer, &Peer::seeded(&chat.online.ana, 79))
}

/// On the next connection the peer names a list of this number, and the relay shows one.
fn shown(chat: &mut Chat, number: u64, manifest: Vec<u8>) {
    let fetch = chat.reconnect_naming(number);
    let manifest = manifest.into();
    chat.online
        .reply(fetch, &AccountManifest { manifest }.into());
}

/// The list of the peer by which Ana goes, as she says beside her next message.
fn believed(chat: &mut Chat) -> Option<ShortDigest> {
    chat.online.ana.engine.send_text(chat.key, "hello").unwrap();
    let appends = chat.take_appends();
    let [(_, note)] = appends.as_slice() else {
        panic!("expected one message, not {appends:?}")
    };
    note.peer_manifest
}

fn is_taken(chat: &mut Chat, number: u64, manifest: &[u8]) {
    shown(chat, number, manifest.to_vec());
    assert_eq!(chat.lines(SystemEvent::SplitView), 0);
    assert_eq!(believed(chat), Some(short(Digest::of(&[manifest]))));
}

fn is_refused(chat: &mut Chat, number: u64, manifest: Vec<u8>, known: &[u8]) {
    shown(chat, number, manifest);
    assert_eq!(chat.lines(SystemEvent::SplitView), 1);
    assert_eq!(believed(chat), Some(short(Digest::of(&[known]))));
    assert!(chat.is_online());
}

#[test]
fn a_list_that_is_signed_by_a_replaced_key_is_not_taken() {
    let mut chat = Chat::new();
    let first = chat.peer.keys.manifest();
    let (_, second) = restored(&chat, &first, 5);
    chat.learn_manifest(2, &second);
    // who has the lost device signs on, and names the list before truly
    let third = Manifest {
        number: 3,
        previous: Some(Digest::of(&[&second])),
        ..Manifest::open(&first).unwrap()
    };
    let third = sign_as(&chat.peer, &third);
    is_refused(&mut chat, 3, third, &second);
}

#[test]
fn a_list_after_a_gap_that_brings_a_revoked_device_back_or_forgets_it_is_not_taken() {
    for forgets in [false, true] {
        let mut chat = Chat::new();
        let tablet = tablet(&chat);
        chat.learn_manifest(3, &tablet.third);
        let mut fifth = Manifest::open(&tablet.second).unwrap();
        (fifth.number, fifth.previous) = (5, Some(Digest::of(&[b"the fourth"])));
        if forgets {
            fifth.devices.truncate(1);
        }
        let fifth = sign_as(&chat.peer, &fifth);
        is_refused(&mut chat, 5, fifth, &tablet.third);
    }
}

#[test]
fn a_list_from_which_a_device_is_gone_without_being_revoked_is_not_taken() {
    for number in [3, 7] {
        let mut chat = Chat::new();
        let tablet = tablet(&chat);
        chat.learn_manifest(2, &tablet.second);
        let mut next = Manifest::open(&tablet.second).unwrap();
        next.devices.truncate(1);
        (next.number, next.previous) = (number, Some(Digest::of(&[&tablet.second])));
        let next = sign_as(&chat.peer, &next);
        is_refused(&mut chat, number, next, &tablet.second);
    }
}

#[test]
fn another_key_of_the_same_version_is_not_taken() {
    let mut chat = Chat::new();
    let first = chat.peer.keys.manifest();
    let (_, second) = restored(&chat, &first, 5);
    let (_, other) = restored(&chat, &first, 6);
    chat.learn_manifest(2, &second);
    is_refused(&mut chat, 3, other, &second);
}

#[test]
fn a_list_after_a_gap_that_keeps_all_that_was_known_is_taken() {
    let mut chat = Chat::new();
    let tablet = tablet(&chat);
    let fourth = chat
        .peer
        .keys
        .next_manifest(&tablet.third, &[], &[], NOW)
        .unwrap();
    // neither the second nor the third was ever seen
    is_taken(&mut chat, 4, &fourth);
}

#[test]
fn what_the_root_key_says_counts_whatever_the_number() {
    let mut chat = Chat::new();
    let first = chat.peer.keys.manifest();
    let tablet = tablet(&chat);
    chat.learn_manifest(3, &tablet.third);
    // the relay had lost the second and the third when the account was restored
    let (anew, second) = restored(&chat, &first, 5);
    is_taken(&mut chat, 4, &second);
    // and the numbers go on from there; the former key is over
    let third = anew.keys.next_manifest(&second, &[], &[], NOW).unwrap();
    is_taken(&mut chat, 3, &third);
    let fourth = Manifest {
        number: 4,
        previous: Some(Digest::of(&[&tablet.third])),
        ..Manifest::open(&tablet.third).unwrap()
    };
    let fourth = sign_as(&chat.peer, &fourth);
    is_refused(&mut chat, 4, fourth, &third);
}

#[test]
fn what_the_root_key_says_counts_whomever_it_leaves_out() {
    let mut chat = Chat::new();
    let mut full = Manifest::open(&chat.peer.keys.manifest()).unwrap();
    (full.number, full.previous) = (5, Some(Digest::of(&[b"the fourth"])));
    // whoever has a stolen device filled up the list
    full.revoked = (0..bounds::REVOKED)
        .map(|number| {
            let mut id = [0xee; 16];
            id[..8].copy_from_slice(&number.to_be_bytes());
            DeviceId::new(id)
        })
        .collect();
    let full = sign_as(&chat.peer, &full);
    chat.learn_manifest(5, &full);
    let (_, anew) = restored(&chat, &full, 5);
    let opened = Manifest::open(&anew).unwrap();
    let own = chat.peer.device();
    assert_eq!((opened.number, opened.revoked.last()), (6, Some(&own)));
    is_taken(&mut chat, 6, &anew);
}
