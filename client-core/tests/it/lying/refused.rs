//! A relay that refuses: what is asked again, when, and that no refusal sets off a storm.

use std::time::Duration;

use client_core::model::{OutgoingState, Privacy, SystemEvent};
use protocol::{AccountId, Done, ErrorCode, Frame, Page, Refusal, StreamId};

use super::chat::{Chat, count};

/// Refused, for so many milliseconds.
fn for_now(code: ErrorCode, retry_after: u64) -> Frame {
    Refusal {
        retry_after: Some(retry_after),
        ..Refusal::new(code)
    }
    .into()
}

/// Refused because an epoch of the first incarnation is current, which the entry `seq` began.
fn stale(epoch: u64, seq: u64) -> Frame {
    Refusal {
        incarnation: Some(0),
        epoch: Some(epoch),
        seq: Some(seq),
        ..Refusal::new(ErrorCode::StaleEpoch)
    }
    .into()
}

/// Plays a relay for a while; how many frames of a kind it got.
fn played(
    chat: &mut Chat,
    time: Duration,
    name: &str,
    mut answer: impl FnMut(&Frame) -> Option<Frame>,
) -> usize {
    let (mut got, mut passed) = (0, Duration::ZERO);
    while passed < time {
        for (id, frame) in chat.online.ana.sent() {
            got += usize::from(frame.name() == name);
            if let Some(reply) = answer(&frame) {
                chat.online.reply(id, &reply);
            }
        }
        let step = Duration::from_millis(100);
        chat.online.ana.pass(step);
        passed += step;
    }
    got
}

#[test]
fn entries_that_are_refused_for_the_epoch_that_they_are_of_are_sent_less_and_less() {
    let mut chat = Chat::new();
    chat.online.ana.engine.send_text(chat.key, "held").unwrap();
    let (epoch, last) = (chat.epoch, chat.last);
    let mut fetched = 0;
    let minute = Duration::from_secs(60);
    let sent = played(&mut chat, minute, "append", |frame| {
        fetched += usize::from(frame.name() == "fetch_group");
        matches!(frame, Frame::Append(_)).then(|| stale(epoch, last))
    });
    assert_eq!(
        (sent, fetched),
        (3, 0),
        "at once, after 10 s, after 20 more"
    );
    assert!(chat.is_online());
    // once it is taken the next refusal is the first one again
    chat.online.ana.pass(Duration::from_secs(11));
    assert_eq!(chat.take_appends().len(), 1);
    chat.online.ana.engine.send_text(chat.key, "next").unwrap();
    let last = chat.last;
    let again = played(&mut chat, Duration::from_secs(12), "append", |frame| {
        matches!(frame, Frame::Append(_)).then(|| stale(epoch, last))
    });
    assert_eq!(again, 2);
}

#[test]
fn ids_that_conflict_each_time_are_replaced_at_once_only_the_first_time() {
    let mut chat = Chat::new();
    chat.online.ana.engine.send_text(chat.key, "held").unwrap();
    let minute = Duration::from_secs(60);
    let sent = played(&mut chat, minute, "append", |frame| {
        let conflict = Refusal::new(ErrorCode::IdConflict);
        matches!(frame, Frame::Append(_)).then(|| conflict.into())
    });
    assert_eq!(sent, 4, "twice at once, after 10 s, after 20 more");
    chat.online.ana.pass(Duration::from_secs(11));
    assert_eq!(chat.take_appends().len(), 1);
}

#[test]
fn a_relay_that_asks_to_wait_for_no_time_is_asked_once_in_a_second() {
    let mut chat = Chat::new();
    chat.online.ana.engine.send_text(chat.key, "held").unwrap();
    let asked = played(&mut chat, Duration::from_secs(10), "append", |frame| {
        matches!(frame, Frame::Append(_)).then(|| for_now(ErrorCode::RateLimited, 0))
    });
    assert!((8..=11).contains(&asked), "{asked}");
    let held = chat.messages().pop().and_then(|it| it.outgoing);
    assert_eq!(held, Some(OutgoingState::Queued));
}

#[test]
fn an_answer_that_is_older_than_what_was_processed_leads_nowhere_else() {
    let mut chat = Chat::new();
    chat.online.ana.engine.send_text(chat.key, "held").unwrap();
    let sent = chat.online.ana.sent();
    let [(id, Frame::Append(_))] = sent.as_slice() else {
        panic!("expected an append, not {sent:?}")
    };
    let mut winners = Vec::new();
    for _ in 0..2 {
        let commit = chat.commit(|group| group.self_update().unwrap());
        chat.merge();
        winners.push(commit.seq);
        chat.push(vec![commit]);
    }
    // the first of the two commits was the current one when the relay refused
    chat.online.reply(*id, &stale(2, winners[0]));
    let sent: Vec<Frame> = chat.lie(|_| None);
    assert_eq!(count(&sent, "fetch_group"), 0, "{sent:?}");
    let Some(Frame::Append(append)) = sent.iter().find(|frame| frame.name() == "append") else {
        panic!("expected an append, not {sent:?}")
    };
    assert_eq!(append.epoch, 3);
    assert_eq!(chat.lines(SystemEvent::Rejoined), 0);
}

#[test]
fn a_gap_that_the_relay_does_not_fill_now_is_asked_for_later_and_the_connection_stays() {
    let mut chat = Chat::new();
    let (first, second) = (chat.text("one"), chat.text("two"));
    chat.push(vec![second.clone()]);
    let (mut refused, id, last) = (0, chat.id, chat.last);
    let asked = played(&mut chat, Duration::from_secs(10), "fetch", |frame| {
        let Frame::Fetch(fetch) = frame else {
            return None;
        };
        assert_eq!(fetch.stream, StreamId::Conversation(id));
        refused += 1;
        if refused < 3 {
            return Some(for_now(ErrorCode::RateLimited, 100));
        }
        let page = Page {
            entries: vec![first.clone(), second.clone()],
            last,
            base: 0,
            kept: 0,
        };
        Some(page.into())
    });
    assert_eq!(asked, 3);
    assert_eq!(chat.texts(), ["one", "two"]);
    assert!(chat.is_online());
}

#[test]
fn what_the_relay_does_not_take_now_is_told_again_on_the_same_connection() {
    let mut chat = Chat::new();
    let stranger = AccountId::new([9; 16]);
    let engine = &mut chat.online.ana.engine;
    engine.set_blocked(stranger, true).unwrap();
    let hidden = Privacy {
        announce: false,
        ..engine.privacy()
    };
    engine.set_privacy(hidden).unwrap();
    let (mut blocks, mut announces) = (0, 0);
    let sent = chat.lie(|frame| {
        let (times, code) = match frame {
            Frame::SetBlock(_) => (&mut blocks, ErrorCode::RateLimited),
            Frame::Announce(_) => (&mut announces, ErrorCode::Unavailable),
            _ => return None,
        };
        *times += 1;
        Some(if *times < 3 {
            for_now(code, 0)
        } else {
            Done {}.into()
        })
    });
    assert_eq!((blocks, announces), (3, 3), "{sent:?}");
    // what was told is not told again
    chat.online.ana.engine.set_blocked(stranger, true).unwrap();
    chat.online.ana.engine.set_privacy(hidden).unwrap();
    assert!(chat.lie(|_| None).is_empty());
}

#[test]
fn a_block_that_is_refused_each_time_is_told_less_and_less_and_another_one_at_once() {
    let mut chat = Chat::new();
    let [one, two] = [9, 10].map(|n| AccountId::new([n; 16]));
    chat.online.ana.engine.set_blocked(one, true).unwrap();
    let sent = chat.lie(|frame| match frame {
        Frame::SetBlock(_) => Some(Refusal::new(ErrorCode::Quota).into()),
        _ => None,
    });
    assert!((2..=6).contains(&sent.len()), "{sent:?}");
    chat.online.ana.engine.set_blocked(two, true).unwrap();
    let sent = chat.online.ana.sent();
    let is_two = |frame: &Frame| matches!(frame, Frame::SetBlock(set) if set.account == two);
    assert!(sent.iter().any(|(_, frame)| is_two(frame)), "{sent:?}");
}

#[test]
fn who_changes_whether_others_see_it_while_an_answer_is_on_its_way_is_told_as_it_is_last() {
    let mut chat = Chat::new();
    let shown = chat.online.ana.engine.privacy();
    for announce in [false, true] {
        let privacy = Privacy { announce, ..shown };
        chat.online.ana.engine.set_privacy(privacy).unwrap();
    }
    let mut told = Vec::new();
    chat.lie(|frame| match frame {
        Frame::Announce(announce) => {
            told.push(announce.announce);
            Some(Done {}.into())
        }
        _ => None,
    });
    assert_eq!(told, [false, true]);
}
