//! One conversation whose group cannot be used: it is come back into, and the session goes on.

use client_core::model::{MessageKind, SystemEvent};
use protocol::{Commit, Committed, EntryKind, ErrorCode, Frame, Refusal};

use super::{
    chat::{Chat, count},
    commits::is_let_in,
};
use crate::peer::NOW;

/// Ana renews her leaf when it is time; the request and its id.
fn renewal(chat: &mut Chat) -> (u32, Commit) {
    for _ in 0..20 {
        chat.online.ana.pass_until_wake();
        for (id, frame) in chat.online.ana.sent() {
            if let Frame::Commit(commit) = frame {
                return (id, commit);
            }
        }
    }
    panic!("the leaf is renewed within a day")
}

/// Ana's next request for the group's state, after a pause.
fn asks_for_the_group(chat: &mut Chat) -> u32 {
    for _ in 0..20 {
        for (id, frame) in chat.online.ana.sent() {
            if let Frame::FetchGroup(fetch) = frame {
                assert_eq!(fetch.conversation, chat.id);
                return id;
            }
        }
        chat.online.ana.pass_until_wake();
    }
    panic!("expected a fetch of the group")
}

#[test]
fn a_renewal_that_was_taken_and_cannot_be_merged_leads_to_coming_back() {
    let mut chat = Chat::new();
    let (id, commit) = renewal(&mut chat);
    let (conversation, bytes) = (chat.id, commit.commit.0);
    chat.peer
        .mls(|mls| mls.load(conversation, 0).unwrap().unwrap().open(&bytes))
        .unwrap();
    chat.epoch += 1;
    chat.last += 1;
    chat.online.ana.spoil_groups();
    let seq = chat.last;
    chat.online.reply(id, &Committed { seq, time: NOW }.into());
    assert!(chat.is_online());
    let fetch = asks_for_the_group(&mut chat);
    is_let_in(&mut chat, fetch, "a damaged group");
    assert!(chat.is_online());
}

#[test]
fn a_renewal_that_was_refused_and_cannot_be_dropped_leads_to_coming_back() {
    let mut chat = Chat::new();
    let (id, _) = renewal(&mut chat);
    chat.online.ana.spoil_groups();
    chat.online
        .refuse(id, Refusal::new(ErrorCode::InvalidCommit));
    assert!(chat.is_online());
    let fetch = asks_for_the_group(&mut chat);
    is_let_in(&mut chat, fetch, "a damaged group");
}

#[test]
fn a_text_that_cannot_be_sealed_and_an_entry_that_cannot_be_opened_lead_to_coming_back() {
    let mut chat = Chat::new();
    chat.online.ana.spoil_groups();
    chat.online.ana.engine.send_text(chat.key, "kept").unwrap();
    assert!(chat.is_online());
    let fetch = asks_for_the_group(&mut chat);
    is_let_in(&mut chat, fetch, "a damaged group");
    chat.online.ana.spoil_groups();
    chat.say("not to be opened");
    assert!(chat.is_online());
    assert_eq!(chat.unreadable(), 0, "it is asked for when Ana is back");
    let fetch = asks_for_the_group(&mut chat);
    let state = chat.state();
    chat.online.reply(fetch, &state.into());
    assert_eq!(count(&frames(&chat), "commit"), 1);
}

/// Three texts come, one of which cannot be taken in. Nothing is held up; what is left of that one, and how often it is asked for.
fn holds_up_nothing(chat: &mut Chat) -> (Vec<MessageKind>, usize) {
    let entries = ["before", "poison", "after"].map(|text| chat.text(text));
    for _ in 0..2 {
        // the relay may well show them once more
        chat.push(entries.to_vec());
        assert!(chat.is_online());
        assert_eq!(chat.texts(), ["before", "after"]);
    }
    chat.say("later");
    assert_eq!(chat.texts(), ["before", "after", "later"]);
    let kinds = chat.messages().into_iter().map(|message| message.kind);
    let left = kinds.filter(|kind| !is_text_or_line(*kind)).collect();
    (left, chat.take_appends().len())
}

fn is_text_or_line(kind: MessageKind) -> bool {
    matches!(kind, MessageKind::Text | MessageKind::System(_))
}

#[test]
fn what_an_entry_says_that_cannot_be_stored_is_kept_for_a_later_version() {
    let mut chat = Chat::new();
    chat.online
        .ana
        .refuse_to_store("NEW.text = 'poison' AND NEW.kind = 1");
    assert_eq!(
        holds_up_nothing(&mut chat),
        (vec![MessageKind::Unsupported], 0)
    );
}

#[test]
fn an_entry_of_which_nothing_can_be_stored_is_kept_sealed() {
    let mut chat = Chat::new();
    let poison = "(SELECT count(*) FROM messages WHERE text = 'before') = 1
                  AND NOT EXISTS (SELECT 1 FROM messages WHERE kind = 3)";
    chat.online
        .ana
        .refuse_to_store(&format!("{poison} AND NEW.kind IN (1, 4)"));
    assert_eq!(
        holds_up_nothing(&mut chat),
        (vec![MessageKind::Unreadable], 1)
    );
}

fn frames(chat: &Chat) -> Vec<Frame> {
    let sent = chat.online.ana.sent();
    sent.into_iter().map(|(_, frame)| frame).collect()
}

#[test]
fn a_commit_that_was_taken_and_leads_into_a_group_that_cannot_be_read_is_made_anew() {
    let mut chat = Chat::new();
    let stray = chat.entry(EntryKind::Commit, b"no commit");
    chat.push(vec![stray]);
    let fetch = asks_for_the_group(&mut chat);
    let state = chat.state();
    chat.online.reply(fetch, &state.into());
    let sent = chat.online.ana.sent();
    let [(id, Frame::Commit(commit))] = sent.as_slice() else {
        panic!("expected an external commit, not {sent:?}")
    };
    let (conversation, bytes) = (chat.id, commit.commit.0.clone());
    chat.peer
        .mls(|mls| mls.load(conversation, 0).unwrap().unwrap().open(&bytes))
        .unwrap();
    chat.epoch += 1;
    chat.last += 1;
    chat.online.ana.spoil_groups();
    let seq = chat.last;
    chat.online.reply(*id, &Committed { seq, time: NOW }.into());
    assert!(chat.is_online());
    let fetch = asks_for_the_group(&mut chat);
    is_let_in(&mut chat, fetch, "a damaged group");
}

#[test]
fn an_answer_behind_its_echo_and_behind_what_leads_astray_again_ends_nothing() {
    let mut chat = Chat::new();
    let stray = chat.entry(EntryKind::Commit, b"no commit");
    chat.push(vec![stray]);
    let fetch = asks_for_the_group(&mut chat);
    let state = chat.state();
    chat.online.reply(fetch, &state.into());
    let sent = chat.online.ana.sent();
    let [(id, Frame::Commit(commit))] = sent.as_slice() else {
        panic!("expected an external commit, not {sent:?}")
    };
    let mut echo = chat.entry(EntryKind::Commit, &commit.commit.0);
    (echo.sender, echo.client_id) = (chat.online.register.device, commit.client_id);
    let seq = echo.seq;
    let stray = chat.entry(EntryKind::Commit, b"no commit either");
    chat.push(vec![echo, stray]);
    assert_eq!(chat.lines(SystemEvent::Rejoined), 1);
    chat.online.reply(*id, &Committed { seq, time: NOW }.into());
    assert!(chat.is_online());
    asks_for_the_group(&mut chat);
}
