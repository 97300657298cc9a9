//! Welcomes that lead elsewhere than the relay says, come twice, or name a key package that is used up.

use client_core::model::{ConnectionState, ConversationState, SystemEvent};
use protocol::{
    ClientId, Committed, ConversationId, Entries, Entry, EntryKind, ErrorCode, Frame, Refusal,
    StreamId, bounds,
};

use super::chat::{Chat, count, state_of};
use crate::peer::{CONVERSATION, NOW, Online, Peer};

fn welcome(conversation: ConversationId, peer: &mut Peer, seq: u64, bytes: &[u8]) -> Entry {
    Entry {
        seq,
        sender: peer.device(),
        kind: EntryKind::Welcome,
        incarnation: 0,
        epoch: 1,
        time: NOW,
        client_id: ClientId::new(peer.random()),
        conversation: Some(conversation),
        bytes: bytes.to_vec().into(),
        start: None,
    }
}

fn push(online: &mut Online, entry: Entry) {
    let stream = StreamId::Inbox;
    let entries = vec![entry];
    online.reply(0, &Entries { stream, entries }.into());
}

/// Ana asks for the state of conversations; the relay says that she is no member, and that is the end of it.
fn asks_and_gives_up(online: &mut Online, conversations: &[ConversationId]) {
    let mut asked = Vec::new();
    for (id, frame) in online.ana.sent() {
        let Frame::FetchGroup(fetch) = frame else {
            panic!("expected a fetch of the group, not {frame:?}")
        };
        asked.push(fetch.conversation);
        online.refuse(id, Refusal::new(ErrorCode::NotMember));
    }
    assert_eq!(asked, conversations);
    assert!(online.ana.sent().is_empty());
}

#[test]
fn a_welcome_to_another_group_than_the_relay_says_is_not_followed() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    let bytes = &founded.welcomes[0].bytes;
    let elsewhere = ConversationId::new([9; 16]);
    let entry = welcome(elsewhere, &mut peer, 1, bytes);
    push(&mut online, entry);
    assert!(online.ana.reader.conversations().unwrap().is_empty());
    // somebody did invite her: she asks for the way in from outside, once
    asks_and_gives_up(&mut online, &[CONVERSATION, elsewhere]);
    // its one-time key is used up: so does the true entry
    let entry = welcome(CONVERSATION, &mut peer, 2, bytes);
    push(&mut online, entry);
    asks_and_gives_up(&mut online, &[CONVERSATION]);
    assert!(online.ana.reader.conversations().unwrap().is_empty());
}

#[test]
fn a_welcome_of_another_incarnation_or_epoch_than_the_relay_says_leads_to_coming_from_outside() {
    for (incarnation, epoch) in [(9, 1), (0, 77)] {
        let mut online = Online::new();
        let mut peer = Peer::new(&online.ana);
        let founded = peer.found(&online);
        online.welcome(&mut peer, &founded, incarnation, epoch);
        let sent = online.ana.sent();
        let [(id, Frame::FetchGroup(_))] = sent.as_slice() else {
            panic!("expected a fetch of the group, not {sent:?}")
        };
        // the peer's group is an honest one, and Ana has a leaf in it
        peer.mls(|mls| {
            let mut group = mls.load(CONVERSATION, 0).unwrap().unwrap();
            group.merge_pending().unwrap();
        });
        let state = state_of(&mut peer, CONVERSATION, 1, 1);
        online.reply(*id, &state.into());
        let sent = online.ana.sent();
        let [(id, Frame::Commit(_))] = sent.as_slice() else {
            panic!("expected an external commit, not {sent:?}")
        };
        online.reply(*id, &Committed { seq: 2, time: NOW }.into());
        assert_eq!(online.conversation().state, ConversationState::Established);
    }
}

#[test]
fn a_welcome_that_leads_nowhere_or_is_none_is_passed_over() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    let bytes = &founded.welcomes[0].bytes;
    let mut nowhere = welcome(CONVERSATION, &mut peer, 1, bytes);
    nowhere.conversation = None;
    let mut content = welcome(CONVERSATION, &mut peer, 2, bytes);
    content.kind = EntryKind::Application;
    for entry in [nowhere, content] {
        push(&mut online, entry);
        assert!(online.ana.sent().is_empty());
        assert!(online.ana.reader.conversations().unwrap().is_empty());
    }
    // and holds up nothing behind it
    let entry = welcome(CONVERSATION, &mut peer, 3, bytes);
    push(&mut online, entry);
    assert_eq!(online.conversation().state, ConversationState::Established);
}

#[test]
fn a_welcome_by_a_key_package_that_was_used_before_leads_to_coming_from_outside() {
    let mut online = Online::new();
    let (mut peer, mut carol) = (Peer::new(&online.ana), Peer::seeded(&online.ana, 78));
    let founded = peer.found(&online);
    let bytes = &founded.welcomes[0].bytes;
    let first = welcome(CONVERSATION, &mut peer, 1, bytes);
    push(&mut online, first);
    assert_eq!(online.conversation().state, ConversationState::Established);
    // the relay gave the same one-time package to somebody else
    let elsewhere = ConversationId::new([9; 16]);
    let devices = online.devices(0);
    let founded = carol.mls(|mls| mls.found_direct(elsewhere, 0, &[devices]).unwrap());
    let second = welcome(elsewhere, &mut carol, 2, &founded.welcomes[0].bytes);
    push(&mut online, second);
    asks_and_gives_up(&mut online, &[elsewhere]);
    assert_eq!(online.ana.reader.conversations().unwrap().len(), 1);
}

#[test]
fn a_welcome_that_comes_again_does_not_end_the_conversation() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    let bytes = &founded.welcomes[0].bytes;
    for seq in 1..=5 {
        let entry = welcome(CONVERSATION, &mut peer, seq, bytes);
        push(&mut online, entry);
    }
    assert_eq!(online.ana.reader.conversations().unwrap().len(), 1);
    assert_eq!(online.conversation().state, ConversationState::Established);
    let sent = online.ana.sent();
    assert!(sent.len() <= 1, "{sent:?}");
}

#[test]
fn welcomes_of_any_bytes_and_sizes_hold_up_nothing() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    let elsewhere = ConversationId::new([9; 16]);
    let garbage = [Vec::new(), vec![0xff; 300], vec![7; bounds::ENTRY]];
    for (seq, bytes) in (1..).zip(&garbage) {
        let entry = welcome(elsewhere, &mut peer, seq, bytes);
        push(&mut online, entry);
    }
    asks_and_gives_up(&mut online, &[elsewhere]);
    let entry = welcome(CONVERSATION, &mut peer, 4, &founded.welcomes[0].bytes);
    push(&mut online, entry);
    assert_eq!(online.conversation().state, ConversationState::Established);
}

#[test]
fn a_second_direct_conversation_with_the_same_person_is_not_entered() {
    let mut chat = Chat::new();
    let elsewhere = ConversationId::new([9; 16]);
    let devices = chat.online.devices(4);
    let founded = chat
        .peer
        .mls(|mls| mls.found_direct(elsewhere, 0, &[devices]).unwrap());
    let entry = welcome(elsewhere, &mut chat.peer, 1, &founded.welcomes[0].bytes);
    push(&mut chat.online, entry);
    assert_eq!(chat.online.ana.reader.conversations().unwrap().len(), 1);
    assert!(chat.online.ana.sent().is_empty());
    chat.say("in the first");
    assert_eq!(chat.texts(), ["in the first"]);
}

#[test]
fn a_group_of_three_accounts_is_not_entered() {
    let mut online = Online::new();
    let (mut peer, mut carol) = (Peer::new(&online.ana), Peer::seeded(&online.ana, 78));
    let (ana, third) = (online.devices(0), {
        let manifest = carol.keys.manifest();
        carol.as_listed(&manifest)
    });
    let founded = peer.mls(|mls| mls.found_direct(CONVERSATION, 0, &[ana, third]));
    let founded = founded.unwrap();
    let own = online.register.device;
    let of_ana = founded.welcomes.iter().find(|it| it.device == own).unwrap();
    let entry = welcome(CONVERSATION, &mut peer, 1, &of_ana.bytes);
    push(&mut online, entry);
    assert!(online.ana.reader.conversations().unwrap().is_empty());
    assert!(online.ana.sent().is_empty());
}

#[test]
fn an_incarnation_that_the_peer_set_up_is_entered_and_told_and_an_older_one_is_not() {
    let mut chat = Chat::new();
    for (seq, incarnation) in [(1, 2), (2, 1), (3, 2)] {
        let (id, devices) = (chat.id, chat.online.devices(4 + incarnation as usize));
        let founded = chat.peer.mls(|mls| {
            if let Some(mut group) = mls.load(id, incarnation).unwrap() {
                group.delete().unwrap();
            }
            mls.found_direct(id, incarnation, &[devices]).unwrap()
        });
        let mut entry = welcome(id, &mut chat.peer, seq, &founded.welcomes[0].bytes);
        entry.incarnation = incarnation;
        entry.start = Some(chat.last);
        push(&mut chat.online, entry);
        assert_eq!(chat.lines(SystemEvent::Reset), 1, "{incarnation}");
    }
}

#[test]
fn a_group_that_the_peer_set_up_first_takes_the_place_of_ours_also_at_a_position_that_was_read() {
    let mut chat = Chat::new();
    let (id, incarnation) = (chat.id, 1);
    // the relay's inbox was at 1, and the relay was put back since
    let entry = welcome(id, &mut chat.peer, 1, b"of long ago");
    push(&mut chat.online, entry);
    let sent = chat.online.ana.sent();
    let [(fetch, Frame::FetchGroup(_))] = sent.as_slice() else {
        panic!("expected a fetch of the group, not {sent:?}")
    };
    // there is no way back: Ana begins to set the group up anew
    chat.online
        .refuse(*fetch, Refusal::new(ErrorCode::NotMember));
    let sent = chat.online.ana.sent();
    let [(claim, Frame::ClaimKeyPackages(_))] = sent.as_slice() else {
        panic!("expected a claim, not {sent:?}")
    };
    let devices = chat.online.devices(5);
    let founded = chat
        .peer
        .mls(|mls| mls.found_direct(id, incarnation, &[devices]).unwrap());
    let mut entry = welcome(id, &mut chat.peer, 1, &founded.welcomes[0].bytes);
    entry.incarnation = incarnation;
    entry.start = Some(chat.last);
    push(&mut chat.online, entry);
    assert_eq!(chat.lines(SystemEvent::Reset), 1);
    let claimed = chat.peer.claimed();
    chat.online.reply(*claim, &claimed.into());
    let sent = chat.online.ana.sent();
    let creates = |(_, frame): &(u32, Frame)| matches!(frame, Frame::CreateConversation(_));
    assert!(!sent.iter().any(creates), "{sent:?}");
    assert_eq!(chat.lines(SystemEvent::Reset), 1);
}

#[test]
fn a_peer_that_uses_the_incarnations_up_ends_the_conversation_and_sets_off_no_loop() {
    let mut chat = Chat::new();
    let (id, devices) = (chat.id, chat.online.devices(4));
    let incarnation = u32::MAX;
    let founded = chat
        .peer
        .mls(|mls| mls.found_direct(id, incarnation, &[devices]).unwrap());
    let mut entry = welcome(id, &mut chat.peer, 1, &founded.welcomes[0].bytes);
    entry.incarnation = incarnation;
    entry.start = Some(chat.last);
    push(&mut chat.online, entry);
    chat.online.ana.engine.send_text(chat.key, "lost").unwrap();
    // that group cannot go on either
    let sent = chat.lie(|frame| match frame {
        Frame::Append(_) | Frame::FetchGroup(_) => Some(Refusal::new(ErrorCode::NotMember).into()),
        _ => None,
    });
    assert_eq!(count(&sent, "claim_key_packages"), 0, "{sent:?}");
    assert!(sent.len() < 8, "{sent:?}");
    let conversation = chat.online.conversation();
    assert_eq!(conversation.state, ConversationState::Refused);
    assert!(chat.is_online());
}

#[test]
fn a_welcome_whose_private_key_cannot_be_read_leads_to_coming_from_outside() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    online.ana.spoil_key_packages();
    online.welcome(&mut peer, &founded, 0, 1);
    let connection = online.ana.engine.connection();
    assert_eq!(connection.state, ConnectionState::Online);
    let sent = online.ana.sent();
    let asked = sent
        .iter()
        .any(|(_, frame)| matches!(frame, Frame::FetchGroup(fetch) if fetch.conversation == CONVERSATION));
    assert!(asked, "{sent:?}");
}

#[test]
fn key_packages_that_cannot_be_read_make_room_for_new_ones() {
    let mut online = Online::new();
    online.ana.spoil_key_packages();
    let ready = online.ana.ready(0);
    online.reconnect(&ready);
    let connection = online.ana.engine.connection();
    assert_eq!(connection.state, ConnectionState::Online);
    let sent = online.ana.sent();
    let published = sent.iter().any(
        |(_, frame)| matches!(frame, Frame::PublishKeyPackages(publish) if !publish.packages.is_empty()),
    );
    assert!(published, "{sent:?}");
}

#[test]
fn a_welcome_of_another_person_under_the_id_of_a_conversation_that_is_here_holds_up_nothing() {
    let mut chat = Chat::new();
    let mut other = Peer::seeded(&chat.online.ana, 79);
    let (id, devices) = (chat.id, chat.online.devices(5));
    let founded = other.mls(|mls| mls.found_direct(id, 3, &[devices]).unwrap());
    let mut entry = welcome(id, &mut other, 1, &founded.welcomes[0].bytes);
    entry.incarnation = 3;
    entry.start = Some(chat.last);
    push(&mut chat.online, entry);
    assert!(chat.is_online());
    assert_eq!(chat.online.ana.reader.conversations().unwrap().len(), 1);
    chat.say("still here");
    assert_eq!(chat.texts(), ["still here"]);
}
