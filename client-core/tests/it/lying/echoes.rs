//! What the relay says of Ana's own entries when it shows them to her: at false places, twice, or with other bytes.

use std::time::Duration;

use client_core::model::{Message, OutgoingState, SystemEvent};
use protocol::{Append, Appended, EntryKind, ErrorCode, Frame, Refusal};

use super::chat::Chat;
use crate::peer::NOW;

/// Ana writes; her request to the relay.
fn writes(chat: &mut Chat, text: &str) -> (u32, Append) {
    chat.online.ana.engine.send_text(chat.key, text).unwrap();
    match chat.online.ana.sent().as_slice() {
        [(id, Frame::Append(append))] => (*id, append.clone()),
        sent => panic!("expected an append, not {sent:?}"),
    }
}

fn own(chat: &Chat) -> Vec<Message> {
    let messages = chat.messages().into_iter();
    messages.filter(|it| it.outgoing.is_some()).collect()
}

#[test]
fn an_echo_puts_a_text_at_one_place_whatever_is_said_of_it_later() {
    let mut chat = Chat::new();
    let (id, append) = writes(&mut chat, "mine");
    let new = &append.entries[0];
    let mut echo = chat.entry(EntryKind::Application, &new.bytes.0);
    echo.sender = chat.online.register.device;
    echo.client_id = new.client_id;
    let seq = echo.seq;
    chat.push(vec![echo.clone()]);
    let shown = own(&chat);
    assert_eq!(shown.len(), 1);
    assert_eq!(shown[0].outgoing, Some(OutgoingState::Sent));
    // again at another place; and the answer names a third one
    echo.seq = seq + 1;
    echo.time = NOW + 5_000;
    chat.last = seq + 1;
    chat.push(vec![echo]);
    let answer = Appended {
        seqs: vec![seq + 40],
        times: vec![NOW + 9_000],
    };
    chat.online.reply(id, &answer.into());
    assert_eq!(own(&chat), shown);
    assert!(chat.online.ana.sent().is_empty());
    chat.say("goes on");
    assert_eq!(chat.texts(), ["goes on"]);
}

#[test]
fn an_echo_of_what_was_never_written_is_nothing() {
    let mut chat = Chat::new();
    let bytes = chat.text("in her name").bytes;
    chat.last -= 1;
    let mut echo = chat.entry(EntryKind::Application, &bytes.0);
    echo.sender = chat.online.register.device;
    chat.push(vec![echo]);
    assert!(own(&chat).is_empty());
    assert_eq!(chat.unreadable(), 0);
    assert!(chat.online.ana.sent().is_empty());
}

#[test]
fn an_echo_with_other_bytes_changes_no_text() {
    let mut chat = Chat::new();
    let (_, append) = writes(&mut chat, "what I wrote");
    let mut echo = chat.entry(EntryKind::Application, b"something else");
    echo.sender = chat.online.register.device;
    echo.client_id = append.entries[0].client_id;
    chat.push(vec![echo]);
    let shown = own(&chat);
    assert_eq!(shown[0].text, "what I wrote");
    assert_eq!(shown.len(), 1);
}

#[test]
fn an_echo_of_another_commit_than_ours_is_not_taken_for_ours() {
    let mut chat = Chat::new();
    // the first renewal is due within a day
    chat.online.ana.pass(Duration::from_secs(25 * 3600));
    let sent = chat.online.ana.sent();
    let renewal = sent.iter().find_map(|(_, frame)| match frame {
        Frame::Commit(commit) => Some(commit),
        _ => None,
    });
    let commit = renewal.expect("a renewal");
    let mut echo = chat.entry(EntryKind::Commit, b"another commit");
    echo.sender = chat.online.register.device;
    echo.client_id = commit.client_id;
    chat.push(vec![echo]);
    let sent = chat.online.ana.sent();
    assert!(
        matches!(sent.as_slice(), [(_, Frame::FetchGroup(_))]),
        "{sent:?}"
    );
    // nothing was merged: what the peer writes in the epoch before is still read
    chat.say("in the same epoch");
    assert_eq!(chat.texts(), ["in the same epoch"]);
    assert_eq!(chat.lines(SystemEvent::Rejoined), 0);
}

#[test]
fn a_commit_of_ours_that_was_refused_and_is_shown_all_the_same_is_come_back_from() {
    let mut chat = Chat::new();
    chat.online.ana.pass(Duration::from_secs(25 * 3600));
    let sent = chat.online.ana.sent();
    let renewal = sent.into_iter().find_map(|(id, frame)| match frame {
        Frame::Commit(commit) => Some((id, commit)),
        _ => None,
    });
    let (id, commit) = renewal.expect("a renewal");
    let refusal = Refusal::new(ErrorCode::StaleEpoch);
    chat.online.reply(id, &refusal.into());
    chat.online.ana.sent();
    let mut echo = chat.entry(EntryKind::Commit, &commit.commit.0);
    echo.sender = chat.online.register.device;
    echo.client_id = commit.client_id;
    chat.push(vec![echo]);
    let sent = chat.online.ana.sent();
    let asks = |(_, frame): &(u32, Frame)| matches!(frame, Frame::FetchGroup(_));
    assert!(sent.iter().any(asks), "{sent:?}");
}
