//! What a relay says of itself when a connection begins: what it took, how far it is, what time it is, that it was restored.

use client_core::model::SystemEvent;
use protocol::{
    Appended, Blocks, Committed, Conversations, Done, ErrorCode, Frame, KeyPackageCount, News,
    Ready, Refusal, StoreGeneration, StreamId,
};

use super::chat::{Chat, count};
use crate::peer::NOW;

/// The relay says how many entries it took; Ana comes back into her conversation as often as that is news.
fn told_sent(chat: &mut Chat, sent: u64) -> Vec<Frame> {
    let ready = Ready {
        sent,
        ..chat.online.ana.ready(50)
    };
    chat.online.reconnect(&ready);
    let state = chat.state();
    let mut seq = chat.last;
    chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(state.clone().into()),
        Frame::Commit(_) => {
            seq += 1;
            Some(Committed { seq, time: NOW }.into())
        }
        Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
        Frame::ListBlocks(_) => Some(
            Blocks {
                accounts: Vec::new(),
            }
            .into(),
        ),
        Frame::ListConversations(_) => Some(
            Conversations {
                conversations: Vec::new(),
                more: false,
            }
            .into(),
        ),
        Frame::Append(append) => Some(
            Appended {
                seqs: (seq + 1..).take(append.entries.len()).collect(),
                times: vec![NOW; append.entries.len()],
            }
            .into(),
        ),
        _ => None,
    })
}

#[test]
fn a_count_of_sent_entries_that_is_too_high_is_believed_once() {
    let mut chat = Chat::new();
    let sent = told_sent(&mut chat, 1_000_000);
    assert_eq!(count(&sent, "commit"), 1, "{sent:?}");
    assert_eq!(chat.lines(SystemEvent::Rejoined), 1);
    let sent = told_sent(&mut chat, 1_000_000);
    assert_eq!(count(&sent, "commit"), 0, "{sent:?}");
    assert!(chat.is_online());
}

#[test]
fn news_of_streams_at_the_end_of_the_range_ask_for_nothing() {
    let mut chat = Chat::new();
    let news = [StreamId::Inbox, StreamId::Conversation(chat.id)].map(|stream| News {
        stream,
        last: u64::MAX,
        base: u64::MAX,
    });
    let ready = Ready {
        news: news.to_vec(),
        ..chat.online.ana.ready(50)
    };
    chat.online.reconnect(&ready);
    let sent = chat.lie(|_| None);
    assert!(sent.is_empty(), "{sent:?}");
    chat.say("as before");
    assert_eq!(chat.texts(), ["as before"]);
}

#[test]
fn a_relay_that_forgot_our_manifest_or_says_it_has_a_later_one_gets_it_once_or_never() {
    for (manifest, offered) in [(0, 1), (u64::MAX, 0)] {
        let mut chat = Chat::new();
        let ready = Ready {
            manifest,
            ..chat.online.ana.ready(50)
        };
        chat.online.reconnect(&ready);
        let sent = chat.lie(|_| Some(Refusal::new(ErrorCode::BadIdentity).into()));
        assert_eq!(count(&sent, "publish_manifest"), offered, "{sent:?}");
        assert!(sent.len() <= 1, "{sent:?}");
    }
}

#[test]
fn a_relay_that_says_on_each_connection_that_it_was_restored_sets_off_a_bounded_offer() {
    let mut chat = Chat::new();
    for number in 0..3 {
        chat.online
            .ana
            .engine
            .send_text(chat.key, "before")
            .unwrap();
        chat.take_appends();
        let generation = StoreGeneration::new([100 + number; 16]);
        chat.online
            .reconnect_to(generation, &chat.online.ana.ready(50));
        let state = chat.state();
        let mut seq = chat.last;
        let sent = chat.lie(|frame| match frame {
            Frame::FetchGroup(_) => Some(state.clone().into()),
            Frame::Append(append) => {
                let seqs: Vec<u64> = (seq + 1..).take(append.entries.len()).collect();
                seq += append.entries.len() as u64;
                let times = vec![NOW; seqs.len()];
                Some(Appended { seqs, times }.into())
            }
            Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
            _ => Some(Done {}.into()),
        });
        chat.last = seq;
        assert!(sent.len() <= 6, "{sent:?}");
        assert_eq!(count(&sent, "fetch_group"), 1, "{sent:?}");
        assert!(count(&sent, "append") <= 1, "{sent:?}");
        assert!(chat.is_online());
    }
}

#[test]
fn a_relay_whose_clock_is_at_the_end_of_time_stops_nothing() {
    for time in [0, u64::MAX] {
        let mut chat = Chat::new();
        let ready = Ready {
            time,
            ..chat.online.ana.ready(0)
        };
        chat.online.reconnect(&ready);
        let sent = chat.lie(|_| None);
        assert!(count(&sent, "publish_key_packages") <= 1, "{sent:?}");
        chat.online.reconnect(&chat.online.ana.ready(50));
        chat.say("as before");
        assert_eq!(chat.texts(), ["as before"], "{time}");
        assert!(chat.is_online(), "{time}");
    }
}
