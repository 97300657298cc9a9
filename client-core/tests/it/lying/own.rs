//! Leaves of our own account that our list of devices does not hold: whoever stole a device certifies another one with its key, and
//! the relay lets it in. They are removed before anything is said, and told.

use client_core::{
    crypto::AccountKeys,
    model::SystemEvent,
    seams::{Randomness as _, SeededRandom},
};
use protocol::{
    Appended, ClientId, Committed, Entries, Entry, EntryKind, ErrorCode, Frame, Refusal, StreamId,
};

use super::{
    chat::{Chat, count},
    devices::Tablet,
};
use crate::peer::{NOW, Peer};

/// A device that whoever stole Ana's keys certified, and the list that it made for it.
fn stolen(chat: &Chat) -> (Peer, Vec<u8>) {
    // what Ana's profile drew when it was made: the key of its database, then her keys
    let mut random = SeededRandom::new(1);
    random.fill(&mut [0; 32]).unwrap();
    let keys = AccountKeys::generate(&mut random, chat.online.ana.relay(), NOW).unwrap();
    assert_eq!(keys.device(), chat.online.register.device);
    let thief = Peer::with_keys(keys, SeededRandom::new(6));
    let tablet = Tablet::of(&thief, &Peer::seeded(&chat.online.ana, 79));
    (tablet.device, tablet.second)
}

/// A relay that takes what Ana sends, but refuses her commits from one on.
fn goes_on(chat: &mut Chat, taken: usize) -> Vec<Frame> {
    let state = chat.state();
    let (mut seq, mut commits) = (chat.last, 0);
    chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(state.clone().into()),
        Frame::Commit(_) if commits == taken => Some(Refusal::new(ErrorCode::InvalidCommit).into()),
        Frame::Commit(_) => {
            commits += 1;
            seq += 1;
            Some(Committed { seq, time: NOW }.into())
        }
        Frame::Append(append) => {
            let first = seq + 1;
            seq += append.entries.len() as u64;
            let seqs = (first..=seq).collect();
            let times = vec![NOW; append.entries.len()];
            Some(Appended { seqs, times }.into())
        }
        _ => None,
    })
}

/// Where the first frame of this name is.
fn first(frames: &[Frame], name: &str) -> Option<usize> {
    frames.iter().position(|frame| frame.name() == name)
}

fn last(frames: &[Frame], name: &str) -> Option<usize> {
    frames.iter().rposition(|frame| frame.name() == name)
}

/// The peer adds it by a commit, which Ana does not follow: she enters the group from outside.
fn is_added(chat: &mut Chat) {
    let (mut device, list) = stolen(chat);
    let devices = device.as_listed(&list);
    let entry = chat.commit(|group| group.add(&[devices]).unwrap());
    chat.merge();
    chat.push(vec![entry]);
}

#[test]
fn a_device_that_our_list_does_not_hold_is_removed_before_anything_is_sent_and_told() {
    let mut chat = Chat::new();
    is_added(&mut chat);
    chat.online
        .ana
        .engine
        .send_text(chat.key, "secret")
        .unwrap();
    let sent = goes_on(&mut chat, 2);
    assert_eq!(count(&sent, "commit"), 2, "in, and the other out: {sent:?}");
    assert!(last(&sent, "commit") < first(&sent, "append"), "{sent:?}");
    assert_eq!(chat.lines(SystemEvent::SplitView), 1);
}

#[test]
fn nothing_is_sent_while_the_relay_keeps_such_a_device_in() {
    let mut chat = Chat::new();
    is_added(&mut chat);
    chat.online
        .ana
        .engine
        .send_text(chat.key, "secret")
        .unwrap();
    let sent = goes_on(&mut chat, 1);
    assert_eq!(count(&sent, "append"), 0, "{sent:?}");
    assert!(count(&sent, "commit") <= 4, "{sent:?}");
    assert_eq!(chat.lines(SystemEvent::SplitView), 1);
    assert!(chat.is_online());
}

#[test]
fn a_group_that_is_set_up_anew_with_such_a_device_is_cleared_of_it_first() {
    let mut chat = Chat::new();
    let (mut device, list) = stolen(&chat);
    let (id, ana) = (chat.id, chat.online.devices(4));
    let foreign = device.as_listed(&list);
    let founded = chat
        .peer
        .mls(|mls| mls.found_direct(id, 1, &[ana, foreign]).unwrap());
    let own = chat.online.register.device;
    let of_ana = founded.welcomes.iter().find(|it| it.device == own).unwrap();
    let entry = Entry {
        seq: 1,
        sender: chat.peer.device(),
        kind: EntryKind::Welcome,
        incarnation: 1,
        epoch: 1,
        time: NOW,
        client_id: ClientId::new(chat.peer.random()),
        conversation: Some(id),
        bytes: of_ana.bytes.clone().into(),
        start: Some(chat.last),
    };
    let (stream, entries) = (StreamId::Inbox, vec![entry]);
    chat.online.reply(0, &Entries { stream, entries }.into());
    assert_eq!(chat.lines(SystemEvent::Reset), 1);
    assert_eq!(chat.lines(SystemEvent::SplitView), 1);
    let sent = goes_on(&mut chat, 1);
    assert_eq!(count(&sent, "commit"), 1, "{sent:?}");
    assert!(last(&sent, "commit") < first(&sent, "append"), "{sent:?}");
}
