//! A relay that was restored and refuses for a while what it is asked and offered: each connection begins with all of it again until
//! the relay gave a last answer to everything.

use client_core::Event;
use protocol::{
    Appended, Done, ErrorCode, Frame, KeyPackageCount, Refusal, StoreGeneration, StreamId,
};

use super::chat::{Chat, count, far};
use crate::peer::NOW;

/// The store that was restored.
const RESTORED: StoreGeneration = StoreGeneration::new([9; 16]);

/// Ana has written something that the relay's backup does not have.
fn written() -> Chat {
    let mut chat = Chat::new();
    chat.say("before");
    chat.online.ana.engine.send_text(chat.key, "mine").unwrap();
    chat.take_appends();
    chat
}

/// Ana connects to the restored relay, which has nothing of what she wrote, and answers as an honest one but for what `lie` answers.
/// What it got.
fn restored(chat: &mut Chat, mut lie: impl FnMut(&Frame) -> Option<Frame>) -> Vec<Frame> {
    let ready = chat.online.ana.ready(50);
    chat.online.reconnect_to(RESTORED, &ready);
    let (state, last) = (chat.state(), chat.last);
    let mut seq = last;
    let sent = chat.lie(|frame| {
        lie(frame).or_else(|| match frame {
            Frame::FetchGroup(_) => Some(state.clone().into()),
            Frame::Fetch(_) => Some(far(last, 1)),
            Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
            Frame::Append(append) => {
                let seqs: Vec<u64> = (seq + 1..).take(append.entries.len()).collect();
                seq += append.entries.len() as u64;
                let times = vec![NOW; seqs.len()];
                Some(Appended { seqs, times }.into())
            }
            Frame::Ack(_) => None,
            _ => Some(Done {}.into()),
        })
    });
    chat.last = seq;
    sent
}

/// Refuses the first `times` frames of a kind for now.
fn refusing(
    name: &'static str,
    mut times: usize,
    code: ErrorCode,
) -> impl FnMut(&Frame) -> Option<Frame> {
    move |frame| {
        if frame.name() != name || times == 0 {
            return None;
        }
        times -= 1;
        let refusal = Refusal {
            retry_after: Some(50),
            ..Refusal::new(code)
        };
        Some(refusal.into())
    }
}

/// How often something was asked for that is part of the comparison.
fn compared(sent: &[Frame]) -> usize {
    ["fetch", "fetch_group", "set_handle", "publish_key_packages"]
        .iter()
        .map(|name| count(sent, name))
        .sum()
}

#[test]
fn a_conversation_that_the_relay_does_not_compare_now_is_compared_later_on_the_same_connection() {
    for (name, code) in [
        ("fetch", ErrorCode::RateLimited),
        ("fetch_group", ErrorCode::RateLimited),
        ("fetch", ErrorCode::Internal),
        ("fetch_group", ErrorCode::Unavailable),
    ] {
        let mut chat = written();
        let sent = restored(&mut chat, refusing(name, 2, code));
        assert_eq!(
            count(&sent, "fetch_group"),
            1 + 2 * usize::from(name == "fetch_group")
        );
        assert_eq!(count(&sent, "fetch"), 3, "{sent:?}");
        assert!(count(&sent, "append") >= 1, "what was lost: {sent:?}");
        assert_eq!(compared(&restored(&mut chat, |_| None)), 0);
    }
}

#[test]
fn a_conversation_that_was_never_compared_is_compared_on_the_next_connection() {
    let mut chat = written();
    let sent = restored(
        &mut chat,
        refusing("fetch_group", 100, ErrorCode::Unavailable),
    );
    assert!(count(&sent, "fetch_group") <= 10, "{sent:?}");
    assert_eq!(count(&sent, "append"), 0, "{sent:?}");
    let sent = restored(&mut chat, |_| None);
    assert_eq!(count(&sent, "fetch_group"), 1, "{sent:?}");
    assert!(count(&sent, "append") >= 1, "{sent:?}");
    assert_eq!(compared(&restored(&mut chat, |_| None)), 0);
}

#[test]
fn other_conversations_are_compared_while_one_is_refused() {
    let mut chat = written();
    let refused = chat.id;
    let mut other = chat.befriend(78);
    let ready = chat.online.ana.ready(50);
    chat.online.reconnect_to(RESTORED, &ready);
    let states = {
        let one = (chat.id, chat.last, chat.state());
        chat.turn_to(&mut other);
        [one, (chat.id, chat.last, chat.state())]
    };
    let mut refusals = 0;
    let sent = chat.lie(|frame| match frame {
        Frame::Fetch(fetch) if fetch.stream == StreamId::Conversation(refused) => {
            refusals += 1;
            Some(Refusal::new(ErrorCode::Internal).into())
        }
        Frame::Fetch(fetch) => {
            let of = states
                .iter()
                .find(|it| StreamId::Conversation(it.0) == fetch.stream);
            of.map(|(_, last, _)| far(*last, *last))
        }
        Frame::FetchGroup(fetch) => {
            let of = states.iter().find(|it| it.0 == fetch.conversation);
            of.map(|(_, _, state)| state.clone().into())
        }
        Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
        Frame::Append(append) => {
            assert_ne!(append.conversation, refused, "it was not compared");
            None
        }
        Frame::Ack(_) => None,
        _ => Some(Done {}.into()),
    });
    assert!((2..=7).contains(&refusals), "{refusals}");
    assert_eq!(count(&sent, "fetch_group"), 1, "{sent:?}");
}

#[test]
fn a_group_that_cannot_be_read_keeps_nothing_from_being_offered() {
    let mut chat = written();
    chat.online.ana.spoil_groups();
    let sent = restored(&mut chat, |frame| match frame {
        // the way back is another matter
        Frame::Commit(_) => Some(Refusal::new(ErrorCode::InvalidCommit).into()),
        _ => None,
    });
    assert!(count(&sent, "fetch_group") >= 1, "{sent:?}");
    let sql = "SELECT count(*) FROM outbox WHERE again IS NOT NULL";
    let offered: u32 = chat
        .online
        .ana
        .database
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert_eq!(offered, 1);
}

#[test]
fn what_the_relay_does_not_take_now_is_offered_again_before_it_counts_as_known() {
    for name in ["publish_key_packages", "set_handle"] {
        let mut chat = written();
        let sent = restored(&mut chat, refusing(name, 2, ErrorCode::RateLimited));
        let offered: Vec<_> = sent.iter().filter(|it| it.name() == name).collect();
        assert_eq!(offered.len(), 3, "{sent:?}");
        assert!(offered.iter().all(|it| *it == offered[0]), "unchanged");
        assert_eq!(compared(&restored(&mut chat, |_| None)), 0);

        let mut chat = written();
        let sent = restored(&mut chat, refusing(name, 100, ErrorCode::Unavailable));
        assert!((2..=10).contains(&count(&sent, name)), "{sent:?}");
        let sent = restored(&mut chat, |_| None);
        assert_eq!(count(&sent, name), 1, "{sent:?}");
        assert_eq!(compared(&restored(&mut chat, |_| None)), 0);
    }
}

#[test]
fn a_relay_that_fails_at_one_offer_for_ever_gets_the_others_and_counts_as_known() {
    let mut chat = written();
    let ready = chat.online.ana.ready(50);
    chat.online.reconnect_to(RESTORED, &ready);
    let (mut packages, mut handles) = (0, 0);
    let (state, last) = (chat.state(), chat.last);
    for _ in 0..900 {
        for (id, frame) in chat.online.ana.sent() {
            let reply: Frame = match frame {
                Frame::PublishKeyPackages(_) => {
                    packages += 1;
                    Refusal::new(ErrorCode::Internal).into()
                }
                Frame::SetHandle(_) => {
                    handles += 1;
                    Done {}.into()
                }
                Frame::FetchGroup(_) => state.clone().into(),
                Frame::Fetch(_) => far(last, last),
                Frame::Append(append) => {
                    chat.take_append(id, &append);
                    continue;
                }
                Frame::Ack(_) => continue,
                Frame::Commit(_) => Refusal::new(ErrorCode::InvalidCommit).into(),
                _ => Done {}.into(),
            };
            chat.online.reply(id, &reply);
        }
        chat.online.ana.pass(std::time::Duration::from_secs(1));
    }
    assert_eq!((packages, handles), (8, 1));
    assert_eq!(compared(&restored(&mut chat, |_| None)), 0);
}

#[test]
fn a_handle_that_another_took_after_the_backup_is_given_up_and_the_person_sees_it() {
    let mut chat = written();
    let handle = Some("ana".to_owned());
    chat.online
        .ana
        .engine
        .set_handle(handle.clone(), Box::new(drop));
    chat.lie(|frame| matches!(frame, Frame::SetHandle(_)).then(|| Done {}.into()));
    assert_eq!(chat.online.ana.engine.me().handle, handle);
    chat.online.ana.engine.take_events();
    let sent = restored(&mut chat, |frame| match frame {
        Frame::SetHandle(_) => Some(Refusal::new(ErrorCode::Taken).into()),
        _ => None,
    });
    assert_eq!(count(&sent, "set_handle"), 1, "{sent:?}");
    assert_eq!(chat.online.ana.engine.me().handle, None);
    let events = chat.online.ana.engine.take_events();
    assert!(events.contains(&Event::MeChanged), "{events:?}");
    assert_eq!(compared(&restored(&mut chat, |_| None)), 0);
}
