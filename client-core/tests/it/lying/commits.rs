//! Commits that a hostile relay or peer sends into the stream: none is merged, and the device comes back from outside.

use client_core::{
    content::{Again, Body, Content},
    crypto::Founded,
    model::SystemEvent,
};
use protocol::{Committed, Entry, EntryKind, Frame, bounds};

use super::{chat::Chat, devices::Tablet};
use crate::peer::{NOW, Peer};

/// Ana asked for the group's state, once.
fn comes_back(chat: &mut Chat, name: &str) -> u32 {
    let sent = chat.online.ana.sent();
    let [(id, Frame::FetchGroup(fetch))] = sent.as_slice() else {
        panic!("{name}: expected a fetch of the group, not {sent:?}")
    };
    assert_eq!(fetch.conversation, chat.id, "{name}");
    *id
}

/// The relay shows the true state then: Ana is in again, and what the peer writes is read.
fn recovers(chat: &mut Chat, fetch: u32, name: &str) {
    is_let_in(chat, fetch, name);
    assert_eq!(chat.unreadable(), 0, "{name}: a commit is no message");
}

pub(super) fn is_let_in(chat: &mut Chat, fetch: u32, name: &str) {
    let state = chat.state();
    chat.online.reply(fetch, &state.into());
    let sent = chat.online.ana.sent();
    let [(id, Frame::Commit(commit))] = sent.as_slice() else {
        panic!("{name}: expected an external commit, not {sent:?}")
    };
    let (conversation, bytes) = (chat.id, commit.commit.0.clone());
    chat.peer
        .mls(|mls| mls.load(conversation, 0).unwrap().unwrap().open(&bytes))
        .unwrap();
    chat.epoch += 1;
    chat.last += 1;
    let seq = chat.last;
    chat.online.reply(*id, &Committed { seq, time: NOW }.into());
    chat.take_appends();
    chat.say("back");
    assert_eq!(chat.texts().last().unwrap(), "back", "{name}");
    assert_eq!(chat.lines(SystemEvent::Rejoined), 1, "{name}");
}

/// Makes an entry for a fresh chat, lets Ana have it, and expects that she does not follow.
fn is_not_followed(name: &str, make: impl FnOnce(&mut Chat) -> Entry) {
    let mut chat = Chat::new();
    let entry = make(&mut chat);
    chat.push(vec![entry]);
    let fetch = comes_back(&mut chat, name);
    recovers(&mut chat, fetch, name);
}

#[test]
fn a_forged_commit_is_not_merged() {
    for place in [3, 30, 60, 99] {
        is_not_followed("forged", |chat| {
            let mut entry = chat.commit(|group| group.self_update().unwrap());
            let mut forged = entry.bytes.0.to_vec();
            let place = forged.len() * place / 100;
            forged[place] ^= 1;
            entry.bytes = forged.into();
            forget(chat);
            entry
        });
    }
}

/// The peer's own device gives the commit up: only the relay has it.
fn forget(chat: &mut Chat) {
    let id = chat.id;
    chat.peer
        .mls(|mls| mls.load(id, 0).unwrap().unwrap().clear_pending())
        .unwrap();
}

/// A group of the same name that somebody else founded with Ana.
fn namesake(chat: &mut Chat, stranger: &mut Peer) -> Founded {
    let (id, devices) = (chat.id, chat.online.devices(3));
    let founded = stranger.mls(|mls| mls.found_direct(id, 0, &[devices]).unwrap());
    stranger
        .mls(|mls| mls.load(id, 0).unwrap().unwrap().merge_pending())
        .unwrap();
    founded
}

#[test]
fn a_commit_of_a_stranger_is_not_merged() {
    is_not_followed("a group of the same name", |chat| {
        let mut carol = Peer::seeded(&chat.online.ana, 78);
        namesake(chat, &mut carol);
        let id = chat.id;
        let commit = carol.mls(|mls| {
            let mut group = mls.load(id, 0).unwrap().unwrap();
            group.self_update().unwrap().commit
        });
        chat.entry(EntryKind::Commit, &commit)
    });
}

#[test]
fn a_commit_that_was_merged_changes_nothing_when_it_comes_again() {
    let mut chat = Chat::new();
    let commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.push(vec![commit.clone()]);
    for epoch in [1, 2] {
        let mut again = chat.entry(EntryKind::Commit, &commit.bytes.0);
        again.epoch = epoch;
        chat.push(vec![again]);
    }
    assert!(chat.online.ana.sent().is_empty(), "nothing is to be done");
    chat.say("after three times the same");
    assert_eq!(chat.texts(), ["after three times the same"]);
    assert_eq!(chat.unreadable(), 0);
}

#[test]
fn a_commit_of_an_old_epoch_changes_nothing() {
    let mut chat = Chat::new();
    let lost = chat.commit(|group| group.self_update().unwrap());
    forget(&mut chat);
    chat.last -= 1;
    let won = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.push(vec![won]);
    let late = chat.entry(EntryKind::Commit, &lost.bytes.0);
    chat.push(vec![late]);
    assert!(chat.online.ana.sent().is_empty());
    chat.say("in the epoch that won");
    assert_eq!(chat.texts(), ["in the epoch that won"]);
}

#[test]
fn a_forked_view_shows_at_the_next_entry_and_what_was_written_there_is_sent_again() {
    let mut chat = Chat::new();
    // the relay tells Ana of one winner of the epoch, and the peer of another
    let shown = chat.commit(|group| group.self_update().unwrap());
    forget(&mut chat);
    chat.last -= 1;
    chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.push(vec![shown]);
    assert!(
        chat.online.ana.sent().is_empty(),
        "nothing is to be seen yet"
    );
    let content = Content::text(chat.peer.random(), "from the other branch");
    let note = chat.note();
    let entry = chat.seal(&content, &note);
    let seq = entry.seq;
    chat.push(vec![entry]);
    assert!(chat.texts().is_empty());
    assert_eq!(chat.unreadable(), 1);
    // the state of the relay is that of the other branch
    let fetch = comes_back(&mut chat, "compares");
    let state = chat.state();
    chat.online.reply(fetch, &state.into());
    let fetch = comes_back(&mut chat, "forked");
    is_let_in(&mut chat, fetch, "forked");
    // and the count asks for what was written there
    let mut note = chat.note();
    note.again = Some(Again {
        chain: note.chain,
        number: 1,
        seq,
        time: NOW,
    });
    let entry = chat.seal(&content, &note);
    chat.push(vec![entry]);
    assert_eq!(chat.unreadable(), 0);
    assert_eq!(chat.texts()[0], "from the other branch");
    assert!(chat.missing().is_empty());
}

#[test]
fn what_cannot_be_opened_is_compared_with_the_relay_a_few_times_and_no_more() {
    let mut chat = Chat::new();
    let mut asked = 0;
    for _ in 0..20 {
        let mut entry = chat.text("changed on the way");
        let mut bytes = entry.bytes.0.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        entry.bytes = bytes.into();
        chat.push(vec![entry]);
        let state = chat.state();
        for (id, frame) in chat.online.ana.sent() {
            assert!(matches!(frame, Frame::FetchGroup(_)), "{frame:?}");
            asked += 1;
            chat.online.reply(id, &state.clone().into());
        }
    }
    assert_eq!(asked, 5);
    assert_eq!(chat.unreadable(), 20);
    // it is the same state: nobody comes back, and the conversation goes on
    assert_eq!(chat.lines(SystemEvent::Rejoined), 0);
    chat.say("goes on");
    assert_eq!(chat.texts(), ["goes on"]);
}

#[test]
fn an_epoch_that_the_relay_keeps_back_is_come_back_from() {
    let mut chat = Chat::new();
    chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.last -= 1;
    chat.say("sealed in an epoch that Ana never saw");
    assert_eq!(chat.unreadable(), 0);
    let fetch = comes_back(&mut chat, "kept back");
    recovers(&mut chat, fetch, "kept back");
}

#[test]
fn a_commit_that_removes_our_device_is_not_merged() {
    is_not_followed("throws Ana out", |chat| {
        let ana = chat.online.register.device;
        let entry = chat.commit(|group| group.remove(&[ana]).unwrap());
        forget(chat);
        entry
    });
}

#[test]
fn a_commit_that_adds_a_device_which_its_account_revoked_is_not_merged() {
    let mut chat = Chat::new();
    let lent = Peer::seeded(&chat.online.ana, 79);
    let mut tablet = Tablet::of(&chat.peer, &lent);
    chat.learn_manifest(3, &tablet.third);
    assert_eq!(chat.lines(SystemEvent::SplitView), 0);
    let devices = tablet.device.as_listed(&tablet.second);
    let entry = chat.commit(|group| group.add(&[devices]).unwrap());
    forget(&mut chat);
    chat.push(vec![entry]);
    let fetch = comes_back(&mut chat, "revoked");
    assert_eq!(chat.lines(SystemEvent::DevicesChanged), 0);
    recovers(&mut chat, fetch, "revoked");
}

#[test]
fn a_commit_that_adds_a_device_in_force_is_merged_and_told() {
    let mut chat = Chat::new();
    let lent = Peer::seeded(&chat.online.ana, 79);
    let mut tablet = Tablet::of(&chat.peer, &lent);
    chat.learn_manifest(2, &tablet.second);
    let devices = tablet.device.as_listed(&tablet.second);
    let entry = chat.commit(|group| group.add(&[devices]).unwrap());
    chat.merge();
    chat.push(vec![entry]);
    assert_eq!(chat.lines(SystemEvent::DevicesChanged), 1);
    let appends = chat.take_appends();
    assert!(
        matches!(appends.as_slice(), [(Body::Profile(_), _)]),
        "she says who she is, and does not come back from outside: {appends:?}"
    );
    chat.say("in the next epoch");
    assert_eq!(chat.texts().last().unwrap(), "in the next epoch");
}

#[test]
fn commits_of_any_bytes_and_sizes_set_off_one_fetch_and_no_message() {
    for bytes in [Vec::new(), vec![0], vec![0xff; 300], vec![7; bounds::ENTRY]] {
        is_not_followed("garbage", |chat| chat.entry(EntryKind::Commit, &bytes));
    }
}

#[test]
fn a_frame_larger_than_any_frame_ends_the_connection_and_nothing_else() {
    let mut chat = Chat::new();
    let entry = chat.entry(EntryKind::Commit, &vec![7; bounds::FRAME]);
    chat.last -= 1;
    chat.push(vec![entry]);
    assert!(!chat.is_online());
    assert!(
        chat.messages()
            .iter()
            .all(|message| message.outgoing.is_none())
    );
    assert_eq!(chat.unreadable(), 0);
}

#[test]
fn many_commits_that_cannot_be_followed_set_off_one_fetch() {
    let mut chat = Chat::new();
    for _ in 0..50 {
        let entry = chat.entry(EntryKind::Commit, b"no commit");
        chat.push(vec![entry]);
    }
    comes_back(&mut chat, "fifty");
}

#[test]
fn what_the_relay_calls_the_beginning_of_a_new_incarnation_ends_no_group() {
    let mut chat = Chat::new();
    let entry = chat.entry(EntryKind::Commit, b"no commit");
    let own = chat.online.register.device;
    for sender in [own, entry.sender] {
        let mut beginning = chat.entry(EntryKind::Commit, b"no commit");
        chat.last -= 1;
        (beginning.seq, beginning.sender) = (chat.last, sender);
        (beginning.incarnation, beginning.epoch) = (1, 0);
        chat.push(vec![beginning]);
        chat.say("still here");
        chat.last += 1;
    }
    assert_eq!(chat.texts(), ["still here", "still here"]);
    assert_eq!(chat.unreadable(), 0);
}

#[test]
fn content_that_the_relay_calls_a_commit_and_a_commit_that_it_calls_content_are_not_shown() {
    is_not_followed("content as a commit", |chat| {
        let mut entry = chat.text("not for the eyes of the person");
        entry.kind = EntryKind::Commit;
        entry
    });
    let mut chat = Chat::new();
    let mut entry = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    entry.kind = EntryKind::Application;
    chat.push(vec![entry]);
    let fetch = comes_back(&mut chat, "a commit as content");
    recovers(&mut chat, fetch, "a commit as content");
}
