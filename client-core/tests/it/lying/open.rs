//! Lies with which a relay, or a thief beside it, could once enter, stop or deafen a conversation.

use client_core::model::{ConversationState, OutgoingState, SystemEvent};
use protocol::{
    Appended, Claimed, ClientId, Committed, ConversationId, Entries, Entry, EntryKind, ErrorCode,
    Frame, GroupState, KeyPackageCount, Page, Ready, Refusal, StreamId, identity::Manifest,
};

use super::{
    chat::{Chat, MOST_FRAMES, count, state_of},
    devices::{Tablet, sign_as},
};
use crate::peer::{CONVERSATION, NOW, Online, Peer};

fn welcome(conversation: ConversationId, from: &Peer, incarnation: u32, bytes: &[u8]) -> Entry {
    Entry {
        seq: 1,
        sender: from.device(),
        kind: EntryKind::Welcome,
        incarnation,
        epoch: 1,
        time: NOW,
        client_id: ClientId::new([1; 16]),
        conversation: Some(conversation),
        bytes: bytes.to_vec().into(),
        start: None,
    }
}

fn founded(
    founder: &mut Peer,
    ana: client_core::crypto::PeerDevices,
    id: ConversationId,
    incarnation: u32,
) -> Vec<u8> {
    let founded = founder.mls(|mls| mls.found_direct(id, incarnation, &[ana]).unwrap());
    founder
        .mls(|mls| mls.load(id, incarnation).unwrap().unwrap().merge_pending())
        .unwrap();
    founded.welcomes[0].bytes.clone()
}

fn tablet(ana: &crate::scripted::Scripted, peer: &Peer) -> Tablet {
    Tablet::of(peer, &Peer::seeded(ana, 79))
}

fn stray(chat: &mut Chat) {
    let entry = chat.entry(EntryKind::Commit, b"no commit");
    chat.push(vec![entry]);
}

// A. revoked devices outside of commits

#[test]
fn a_group_with_a_device_that_its_account_revoked_is_not_entered_from_outside() {
    let mut chat = Chat::new();
    let mut tablet = tablet(&chat.online.ana, &chat.peer);
    chat.learn_manifest(3, &tablet.third);
    let (id, ana, last) = (chat.id, chat.online.devices(3), chat.last);
    founded(&mut tablet.device, ana, id, 0);
    let state = state_of(&mut tablet.device, id, last, 1);
    stray(&mut chat);
    let sent = chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(state.clone().into()),
        Frame::ClaimKeyPackages(_) => Some(Refusal::new(ErrorCode::NoKeyPackages).into()),
        _ => None,
    });
    assert_eq!(count(&sent, "commit"), 0);
}

#[test]
fn a_group_that_a_revoked_device_set_up_anew_is_not_entered() {
    let mut chat = Chat::new();
    let mut tablet = tablet(&chat.online.ana, &chat.peer);
    chat.learn_manifest(3, &tablet.third);
    let (id, ana) = (chat.id, chat.online.devices(3));
    let bytes = founded(&mut tablet.device, ana, id, 1);
    let mut entry = welcome(id, &tablet.device, 1, &bytes);
    entry.start = Some(chat.last);
    chat.online.reply(
        0,
        &Entries {
            stream: StreamId::Inbox,
            entries: vec![entry],
        }
        .into(),
    );
    assert_eq!(chat.lines(SystemEvent::Reset), 0);
}

#[test]
fn a_conversation_that_a_revoked_device_founded_is_not_entered() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let mut tablet = tablet(&online.ana, &peer);
    let link = peer.link(&online.ana, 5);
    let (_, claim) = online.open_link(&link);
    let claimed = Claimed {
        manifest: tablet.third.clone().into(),
        ..peer.claimed()
    };
    online.reply(claim, &claimed.into());
    let ana = online.devices(0);
    let bytes = founded(&mut tablet.device, ana, CONVERSATION, 0);
    let entry = welcome(CONVERSATION, &tablet.device, 0, &bytes);
    online.reply(
        0,
        &Entries {
            stream: StreamId::Inbox,
            entries: vec![entry],
        }
        .into(),
    );
    assert_eq!(online.conversation().state, ConversationState::Opening);
}

// B. one lie that ends every later connection

#[test]
fn a_count_of_sent_entries_that_no_device_reaches_is_not_believed() {
    let mut chat = Chat::new();
    let ready = Ready {
        sent: u64::MAX,
        ..chat.online.ana.ready(50)
    };
    chat.online.reconnect(&ready);
    let mut commits = 0;
    for _ in 0..2 {
        // honest from here on
        chat.online.reconnect(&chat.online.ana.ready(50));
        let (state, seq) = (chat.state(), chat.last + 1);
        let sent = chat.lie(|frame| match frame {
            Frame::FetchGroup(_) => Some(state.clone().into()),
            Frame::Commit(_) => Some(Committed { seq, time: NOW }.into()),
            Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
            _ => None,
        });
        commits += count(&sent, "commit");
    }
    assert_eq!(commits, 0);
    assert!(chat.is_online());
}

#[test]
fn a_position_that_the_relay_lied_about_once_does_not_end_every_later_connection() {
    let mut chat = Chat::new();
    let later = chat.last + 3;
    for text in ["one", "two"] {
        chat.online.ana.engine.send_text(chat.key, text).unwrap();
        let Some((id, Frame::Append(_))) = chat.online.ana.sent().pop() else {
            panic!("expected an append")
        };
        let (seqs, times) = (vec![later], vec![NOW]);
        chat.online.reply(id, &Appended { seqs, times }.into());
    }
    assert!(chat.is_online());
    assert_eq!(
        chat.messages().last().unwrap().outgoing,
        Some(OutgoingState::Sent)
    );
}

// C. a reset whose claim is refused

#[test]
fn a_reset_whose_claim_does_not_hold_is_tried_again_and_a_contradiction_is_told() {
    let mut chat = Chat::new();
    let before = chat.state();
    let commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.push(vec![commit]);
    stray(&mut chat);
    let tablet = tablet(&chat.online.ana, &chat.peer);
    let mut other = Manifest::open(&tablet.second).unwrap();
    (other.number, other.previous) = (1, None);
    let manifest = sign_as(&chat.peer, &other);
    let packages = chat.peer.claimed().packages;
    chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(before.clone().into()),
        Frame::ClaimKeyPackages(_) => Some(
            Claimed {
                manifest: manifest.clone().into(),
                packages: packages.clone(),
            }
            .into(),
        ),
        _ => None,
    });
    chat.online.ana.engine.send_text(chat.key, "stuck").unwrap();
    chat.online.reconnect(&chat.online.ana.ready(50));
    assert!(!chat.online.ana.sent().is_empty(), "a way on is sought");
    assert_eq!(chat.lines(SystemEvent::SplitView), 1);
}

// D. going back in time by two steps

#[test]
fn an_older_state_is_not_entered_after_a_false_one_either() {
    let mut chat = Chat::new();
    let before = chat.state();
    let commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.push(vec![commit]);
    let (id, ana, last) = (chat.id, chat.online.devices(3), chat.last);
    let mut carol = Peer::seeded(&chat.online.ana, 78);
    founded(&mut carol, ana, id, 0);
    let false_one = GroupState {
        epoch: 2,
        ..state_of(&mut carol, id, last, 1)
    };
    stray(&mut chat);
    let mut asked = 0;
    let sent = chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => {
            asked += 1;
            Some(
                if asked == 1 {
                    false_one.clone()
                } else {
                    before.clone()
                }
                .into(),
            )
        }
        Frame::ClaimKeyPackages(_) => Some(Refusal::new(ErrorCode::NoKeyPackages).into()),
        _ => None,
    });
    assert_eq!(count(&sent, "commit"), 0);
}

// E. cursors at the end of the range

#[test]
fn a_base_at_the_end_of_the_range_does_not_make_a_conversation_deaf() {
    let mut chat = Chat::new();
    let mut entry = chat.text("one");
    let true_seq = entry.seq;
    entry.seq += 5;
    chat.push(vec![entry.clone()]);
    let Some((id, Frame::Fetch(_))) = chat.online.ana.sent().pop() else {
        panic!("expected a fetch")
    };
    let page = Page {
        entries: Vec::new(),
        last: u64::MAX,
        base: u64::MAX,
        kept: u64::MAX,
    };
    chat.online.reply(id, &page.into());
    entry.seq = true_seq;
    chat.push(vec![entry]);
    chat.say("two");
    assert_eq!(chat.texts(), ["one", "two"]);
}

#[test]
fn an_entry_before_its_welcome_does_not_make_the_conversation_deaf() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    online.garbage(&mut peer, u64::MAX);
    online.welcome(&mut peer, &founded, 0, 1);
    online.garbage(&mut peer, 2);
    assert_eq!(online.conversation().unread, 1);
}

#[test]
fn a_page_without_progress_ends_the_fetching() {
    let mut chat = Chat::new();
    let mut entry = chat.text("far away");
    entry.seq = u64::MAX;
    chat.push(vec![entry.clone()]);
    let page = Page {
        entries: vec![entry],
        last: u64::MAX,
        base: 0,
        kept: u64::MAX,
    };
    let mut asked = 0;
    while let Some((id, Frame::Fetch(_))) = chat.online.ana.sent().pop() {
        asked += 1;
        assert!(asked < MOST_FRAMES, "a loop");
        chat.online.reply(id, &page.clone().into());
    }
}
