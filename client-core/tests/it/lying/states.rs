//! What the relay shows of a group to a device that wants to come back into it.

use std::time::Duration;

use client_core::{
    crypto::PeerDevices,
    model::{ConversationState, SystemEvent},
};
use protocol::{Committed, ConversationId, EntryKind, ErrorCode, Frame, GroupState, Refusal};

use super::chat::{Chat, MOST_FRAMES, count, state_of};
use crate::peer::{NOW, Peer};

/// Something that cannot be followed came: Ana wants to come back.
fn astray() -> Chat {
    let mut chat = Chat::new();
    stray(&mut chat);
    chat
}

fn stray(chat: &mut Chat) {
    let entry = chat.entry(EntryKind::Commit, b"no commit");
    chat.push(vec![entry]);
}

/// The relay shows this state whenever it is asked, and has no key packages. Ana enters nothing, says so, and ends with waiting.
fn is_never_entered(name: &str, chat: &mut Chat, state: &GroupState) {
    let sent = chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(state.clone().into()),
        Frame::ClaimKeyPackages(_) => Some(Refusal::new(ErrorCode::NoKeyPackages).into()),
        _ => None,
    });
    assert_eq!(count(&sent, "commit"), 0, "{name}: {sent:?}");
    assert!(
        (1..=5).contains(&count(&sent, "fetch_group")),
        "{name}: {sent:?}"
    );
    assert!(
        count(&sent, "claim_key_packages") >= 1,
        "{name}: then it is set up anew: {sent:?}"
    );
    assert!(sent.len() < MOST_FRAMES, "{name}");
    assert_eq!(chat.lines(SystemEvent::Rejoined), 0, "{name}");
    assert!(chat.is_online(), "{name}");
}

/// The relay shows the state that is asked for, and Ana enters it: the id of her commit.
fn enters(chat: &mut Chat, state: &GroupState) -> u32 {
    let sent = chat.online.ana.sent();
    let [(fetch, Frame::FetchGroup(_))] = sent.as_slice() else {
        panic!("expected a fetch of the group, not {sent:?}")
    };
    chat.online.reply(*fetch, &state.clone().into());
    let sent = chat.online.ana.sent();
    let [(id, Frame::Commit(_))] = sent.as_slice() else {
        panic!("expected an external commit, not {sent:?}")
    };
    *id
}

fn founded_by(
    chat: &Chat,
    stranger: &mut Peer,
    id: ConversationId,
    others: &[PeerDevices],
) -> GroupState {
    stranger.mls(|mls| mls.found_direct(id, 0, others)).unwrap();
    stranger
        .mls(|mls| mls.load(id, 0).unwrap().unwrap().merge_pending())
        .unwrap();
    state_of(stranger, id, chat.last, 1)
}

#[test]
fn a_group_of_another_conversation_is_not_entered() {
    let mut chat = astray();
    let elsewhere = ConversationId::new([9; 16]);
    let devices = chat.online.devices(3);
    let mut carol = Peer::seeded(&chat.online.ana, 78);
    let state = founded_by(&chat, &mut carol, elsewhere, &[devices]);
    is_never_entered("another id", &mut chat, &state);
}

#[test]
fn a_group_of_this_name_with_somebody_else_is_not_entered() {
    let mut chat = astray();
    let (id, devices) = (chat.id, chat.online.devices(3));
    let mut carol = Peer::seeded(&chat.online.ana, 78);
    let state = founded_by(&chat, &mut carol, id, &[devices]);
    is_never_entered("somebody else", &mut chat, &state);
}

#[test]
fn a_group_with_a_third_account_is_not_entered() {
    let mut chat = astray();
    let (id, ana) = (chat.id, chat.online.devices(3));
    let manifest = chat.peer.keys.manifest();
    let peer = chat.peer.as_listed(&manifest);
    let mut carol = Peer::seeded(&chat.online.ana, 78);
    let state = founded_by(&chat, &mut carol, id, &[ana, peer]);
    is_never_entered("a third account", &mut chat, &state);
}

#[test]
fn a_group_that_was_tampered_with_is_not_entered() {
    let mut chat = astray();
    let honest = chat.state();
    let flipped = |bytes: &[u8], place: usize| {
        let mut bytes = bytes.to_vec();
        let place = bytes.len() * place / 100;
        bytes[place] ^= 1;
        bytes
    };
    let (info, tree) = (&honest.group_info.0, &honest.tree.0);
    for (name, group_info, tree) in [
        ("a changed tree", info.to_vec(), flipped(tree, 50)),
        ("a changed leaf", info.to_vec(), flipped(tree, 99)),
        ("a changed group info", flipped(info, 50), tree.to_vec()),
        ("a changed signature", flipped(info, 99), tree.to_vec()),
        ("no tree", info.to_vec(), Vec::new()),
        ("nothing", Vec::new(), Vec::new()),
    ] {
        let mut chat = astray();
        let state = GroupState {
            group_info: group_info.into(),
            tree: tree.into(),
            ..honest.clone()
        };
        is_never_entered(name, &mut chat, &state);
    }
}

#[test]
fn a_group_under_numbers_that_are_not_its_own_is_not_entered() {
    let mut chat = Chat::new();
    let honest = chat.state();
    stray(&mut chat);
    let state = GroupState {
        incarnation: u32::MAX,
        ..honest
    };
    is_never_entered("another incarnation", &mut chat, &state);
}

#[test]
fn an_older_state_than_was_reached_is_not_entered_and_the_group_is_set_up_anew() {
    let mut chat = Chat::new();
    let before = chat.state();
    let commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.push(vec![commit]);
    stray(&mut chat);
    is_never_entered("an older state", &mut chat, &before);
}

#[test]
fn an_older_state_is_not_entered_after_a_refused_commit_into_the_newer_one() {
    let mut chat = Chat::new();
    let before = chat.state();
    let commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    chat.push(vec![commit]);
    let newest = chat.state();
    stray(&mut chat);
    let id = enters(&mut chat, &newest);
    // with that commit the group that was here is gone
    chat.online.refuse(id, Refusal::new(ErrorCode::StaleEpoch));
    is_never_entered("an older state after a refusal", &mut chat, &before);
}

#[test]
fn a_group_whose_request_was_declined_is_not_set_up_again_and_again() {
    let mut chat = astray();
    let claimed = chat.peer.claimed();
    let sent = chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(Refusal::new(ErrorCode::NotMember).into()),
        Frame::ClaimKeyPackages(_) => Some(claimed.clone().into()),
        Frame::CreateConversation(_) => Some(Refusal::new(ErrorCode::IdConflict).into()),
        _ => None,
    });
    assert_eq!(count(&sent, "claim_key_packages"), 1, "{sent:?}");
    let state = chat.online.conversation().state;
    assert_eq!(state, ConversationState::Refused);
}

#[test]
fn an_older_state_under_the_number_of_a_newer_one_is_not_entered() {
    for epoch in [2, u64::MAX] {
        let mut chat = Chat::new();
        let before = chat.state();
        let commit = chat.commit(|group| group.self_update().unwrap());
        chat.merge();
        chat.push(vec![commit]);
        stray(&mut chat);
        let state = GroupState { epoch, ..before };
        is_never_entered("an older state by another number", &mut chat, &state);
    }
}

#[test]
fn a_commit_that_the_relay_never_took_is_noticed_at_the_next_word_and_the_group_is_set_up_anew() {
    // the relay says that it took the commit, and did not
    let mut chat = astray();
    let state = chat.state();
    let id = enters(&mut chat, &state);
    chat.online
        .reply(id, &Committed { seq: 5, time: NOW }.into());
    chat.online.ana.sent();
    // the peer is still where it was: what it writes does not open
    chat.last = 5;
    chat.say("in the epoch before");
    assert!(chat.texts().is_empty());
    assert_eq!(chat.unreadable(), 1);
    // nobody else is in the epoch that Ana is in: from there no way leads back, and the group is set up anew
    let (state, claimed) = (chat.state(), chat.peer.claimed());
    let sent = chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(state.clone().into()),
        Frame::ClaimKeyPackages(_) => Some(claimed.clone().into()),
        _ => None,
    });
    assert_eq!(count(&sent, "fetch_group"), 2, "{sent:?}");
    let create = sent.iter().find_map(|frame| match frame {
        Frame::CreateConversation(create) => Some(create),
        _ => None,
    });
    assert_eq!(create.expect("a new group").incarnation, Some(1));
}

#[test]
fn what_is_refused_again_and_again_is_asked_for_less_and_less() {
    let mut chat = astray();
    let (mut claims, mut passed) = (0, Duration::ZERO);
    while passed < Duration::from_secs(2 * 3600) {
        for (id, frame) in chat.online.ana.sent() {
            let code = match frame {
                Frame::FetchGroup(_) => ErrorCode::NotMember,
                Frame::ClaimKeyPackages(_) => ErrorCode::NoKeyPackages,
                _ => continue,
            };
            claims += u32::from(code == ErrorCode::NoKeyPackages);
            chat.online.refuse(id, Refusal::new(code));
        }
        let pause = Duration::from_secs(5);
        chat.online.ana.pass(pause);
        passed += pause;
    }
    assert!((8..=20).contains(&claims), "{claims}");
    assert!(chat.is_online());
}

#[test]
fn a_relay_that_refuses_every_commit_is_not_asked_for_ever() {
    let mut chat = astray();
    let state = chat.state();
    for code in [ErrorCode::StaleEpoch, ErrorCode::InvalidCommit] {
        let sent = chat.lie(|frame| match frame {
            Frame::FetchGroup(_) => Some(state.clone().into()),
            Frame::Commit(_) => Some(Refusal::new(code).into()),
            Frame::ClaimKeyPackages(_) => Some(Refusal::new(ErrorCode::NoKeyPackages).into()),
            _ => None,
        });
        assert!(count(&sent, "commit") <= 5, "{code:?}: {sent:?}");
        assert!(count(&sent, "fetch_group") <= 5, "{code:?}: {sent:?}");
    }
}
