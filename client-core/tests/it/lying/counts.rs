//! What a relay says of itself when a connection begins: what it took, how far it is, what time it is, that it was restored.

use client_core::{
    content::{Body, Content},
    crypto::Opened,
    model::{OutgoingState, SystemEvent},
};
use protocol::{
    Appended, Blocks, Committed, Conversations, Delivered, Done, EntryKind, ErrorCode, Frame,
    KeyPackageCount, News, Page, Ready, Refusal, StoreGeneration, StreamId,
};

use super::chat::{Chat, count, far, state_of};
use crate::peer::{CONVERSATION, NOW};

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
    let counted = chat.online.ana.ready(50).sent;
    let sent = told_sent(&mut chat, counted);
    assert_eq!(count(&sent, "commit"), 0, "{sent:?}");
    assert!(chat.is_online());
}

#[test]
fn a_copy_cannot_hide_behind_what_the_relay_refused() {
    let mut chat = Chat::new();
    let before = chat.online.ana.counted();
    chat.online.ana.engine.send_text(chat.key, "held").unwrap();
    assert_eq!(chat.online.ana.counted(), before + 1);
    chat.lie(|frame| match frame {
        // its winner is on its way
        Frame::Append(_) => Some(
            Refusal {
                incarnation: Some(0),
                epoch: Some(2),
                seq: Some(100),
                ..Refusal::new(ErrorCode::StaleEpoch)
            }
            .into(),
        ),
        _ => None,
    });
    assert_eq!(chat.online.ana.counted(), before);
    // a device that went on from here and sent one entry has sent one more than this one knows of
    let sent = told_sent(&mut chat, before + 1);
    assert_eq!(count(&sent, "commit"), 1, "{sent:?}");
    assert_eq!(chat.lines(SystemEvent::Rejoined), 1);
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
        let last = seq;
        let sent = chat.lie(|frame| match frame {
            Frame::FetchGroup(_) => Some(state.clone().into()),
            Frame::Fetch(_) => Some(far(last, last)),
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
        assert!(sent.len() <= 8, "{sent:?}");
        assert_eq!(count(&sent, "fetch"), 1, "{sent:?}");
        assert_eq!(count(&sent, "fetch_group"), 1, "{sent:?}");
        assert!(count(&sent, "append") <= 1, "{sent:?}");
        assert!(chat.is_online());
    }
}

/// A relay that does what it is asked to. All frames that it got.
fn obey(chat: &mut Chat) -> Vec<Frame> {
    let mut got = Vec::new();
    for (id, frame) in chat.online.ana.sent() {
        match &frame {
            Frame::Append(append) => {
                chat.take_append(id, append);
            }
            Frame::Ack(_) => {}
            _ => chat.online.reply(id, &Done {}.into()),
        }
        got.push(frame);
    }
    got
}

#[test]
fn a_restored_relay_is_told_again_what_the_person_took_back() {
    let mut chat = Chat::new();
    let peer = chat.peer.account();
    for blocked in [true, false] {
        chat.online.ana.engine.set_blocked(peer, blocked).unwrap();
        assert_eq!(count(&obey(&mut chat), "set_block"), 1);
    }
    chat.online.ana.engine.create_contact_link(Box::new(drop));
    let sent = obey(&mut chat);
    let Some(Frame::NewLink(link)) = sent.first() else {
        panic!("expected a link, not {sent:?}")
    };
    let token = link.token;
    chat.online.ana.engine.end_link(token, Box::new(drop));
    obey(&mut chat);
    chat.online
        .reconnect_to(StoreGeneration::new([9; 16]), &chat.online.ana.ready(50));
    let (state, last) = (chat.state(), chat.last);
    let sent = chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(state.clone().into()),
        Frame::Fetch(_) => Some(far(last, last)),
        Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
        Frame::Append(_) => None,
        _ => Some(Done {}.into()),
    });
    let ends_block = |it: &&Frame| matches!(it, Frame::SetBlock(it) if !it.blocked);
    assert_eq!(sent.iter().filter(ends_block).count(), 1, "{sent:?}");
    let ends_link = |it: &&Frame| matches!(it, Frame::EndLink(it) if it.token == token);
    assert_eq!(sent.iter().filter(ends_link).count(), 1, "{sent:?}");
    assert_eq!(count(&sent, "new_link"), 0, "{sent:?}");
    let has_none = |it: &&Frame| matches!(it, Frame::SetHandle(it) if it.handle.is_none());
    assert_eq!(sent.iter().filter(has_none).count(), 1, "{sent:?}");
}

#[test]
fn a_restored_relay_with_which_others_went_on_is_offered_our_messages_in_their_epoch() {
    let mut chat = Chat::new();
    let copied = written(&mut chat);
    // the peer was faster: its commit is the first entry behind the declared gap
    let base = copied + (1 << 32);
    chat.last = base;
    let commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    let ready = Ready {
        news: vec![News {
            stream: StreamId::Conversation(chat.id),
            last: chat.last,
            base,
        }],
        ..chat.online.ana.ready(50)
    };
    chat.online
        .reconnect_to(StoreGeneration::new([9; 16]), &ready);
    let (state, seq) = (chat.state(), chat.last);
    let frames = chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(state.clone().into()),
        Frame::Fetch(_) => Some(far(seq, copied)),
        Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
        Frame::Append(_) => Some(
            Refusal {
                incarnation: Some(0),
                epoch: Some(2),
                seq: Some(seq),
                ..Refusal::new(ErrorCode::StaleEpoch)
            }
            .into(),
        ),
        Frame::Ack(_) => None,
        _ => Some(Done {}.into()),
    });
    assert_eq!(count(&frames, "create_conversation"), 0, "{frames:?}");
    let mut entry = commit;
    entry.epoch = 1;
    chat.push(vec![entry.clone()]);
    let asked = chat.online.ana.sent();
    let Some((id, Frame::Fetch(_))) = asked.last() else {
        panic!("expected a fetch, not {asked:?}")
    };
    let page = Page {
        entries: vec![entry],
        last: chat.last,
        base,
        kept: u64::MAX,
    };
    chat.online.reply(*id, &page.into());
    let bodies: Vec<_> = chat.take_appends();
    let mine = bodies
        .iter()
        .filter(|(body, _)| matches!(body, Body::Text(text) if text.as_str() == "mine"));
    assert_eq!(mine.count(), 2, "{bodies:?}");
}

#[test]
fn what_nobody_got_of_a_conversation_that_a_restored_relay_forgot_goes_into_the_one_that_the_other_made()
 {
    let mut chat = Chat::new();
    for text in ["one", "two"] {
        chat.online.ana.engine.send_text(chat.key, text).unwrap();
        chat.take_appends();
    }
    // the relay was restored, and the other, which does not know of the first one, has made another
    chat.peer.found(&chat.online);
    chat.peer
        .mls(|mls| {
            let mut group = mls.load(CONVERSATION, 0).unwrap().unwrap();
            group.merge_pending()
        })
        .unwrap();
    let state = state_of(&mut chat.peer, CONVERSATION, 1, 1);
    let claimed = chat.peer.claimed();
    let ready = chat.online.ana.ready(50);
    chat.online
        .reconnect_to(StoreGeneration::new([9; 16]), &ready);
    chat.online.ana.engine.send_text(chat.key, "three").unwrap();
    let mut seq = 1;
    let sent = chat.lie(|frame| match frame {
        Frame::FetchGroup(fetch) if fetch.conversation == CONVERSATION => {
            Some(state.clone().into())
        }
        Frame::Fetch(fetch) if fetch.stream == StreamId::Conversation(CONVERSATION) => {
            Some(far(2, 0))
        }
        Frame::FetchGroup(_) | Frame::Fetch(_) => Some(Refusal::new(ErrorCode::NotMember).into()),
        Frame::ClaimKeyPackages(_) => Some(claimed.clone().into()),
        Frame::CreateConversation(_) => Some(
            Refusal {
                conversation: Some(CONVERSATION),
                ..Refusal::new(ErrorCode::Exists)
            }
            .into(),
        ),
        Frame::Commit(_) => {
            seq += 1;
            Some(Committed { seq, time: NOW }.into())
        }
        Frame::Append(append) => {
            let seqs: Vec<u64> = (seq + 1..).take(append.entries.len()).collect();
            seq += append.entries.len() as u64;
            let times = vec![NOW; seqs.len()];
            Some(Appended { seqs, times }.into())
        }
        Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
        Frame::Ack(_) => None,
        _ => Some(Done {}.into()),
    });
    let (mut texts, mut places) = (Vec::new(), Vec::new());
    for frame in &sent {
        let sealed: Vec<&[u8]> = match frame {
            Frame::Commit(commit) => vec![&commit.commit.0],
            Frame::Append(append) => append.entries.iter().map(|it| &*it.bytes.0).collect(),
            _ => continue,
        };
        for bytes in sealed {
            let opened = chat
                .peer
                .mls(|mls| mls.load(CONVERSATION, 0).unwrap().unwrap().open(bytes));
            if let Opened::Content { content, .. } = opened.unwrap()
                && let Body::Text(text) = Content::decode(&content).unwrap().body
            {
                texts.push(text);
            }
        }
    }
    assert_eq!(texts, ["one", "two", "three"], "{sent:?}");
    for message in chat.messages() {
        if let Some(state) = message.outgoing {
            assert_eq!(state, OutgoingState::Sent);
            places.push(message.text);
        }
    }
    assert_eq!(places, ["one", "two", "three"]);
}

/// What a relay that has the stream of a chat up to `last` answers to one that compares it.
fn put_back(chat: &mut Chat, last: u64) -> Vec<Frame> {
    let state = chat.state();
    let mut seq = last;
    let sent = chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(state.clone().into()),
        Frame::Fetch(_) => Some(far(last, u64::MAX)),
        Frame::Append(append) => {
            let seqs: Vec<u64> = (seq + 1..).take(append.entries.len()).collect();
            seq += append.entries.len() as u64;
            let times = vec![NOW; seqs.len()];
            Some(Appended { seqs, times }.into())
        }
        Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
        Frame::Ack(_) => None,
        _ => Some(Done {}.into()),
    });
    chat.last = seq;
    sent
}

/// Ana and the peer have written to each other; answers where the relay's copy was made in between.
fn written(chat: &mut Chat) -> u64 {
    chat.say("before");
    let copied = chat.last;
    for text in ["one", "two"] {
        chat.say(text);
        chat.online.ana.engine.send_text(chat.key, "mine").unwrap();
        chat.take_appends();
    }
    copied
}

#[test]
fn a_relay_that_was_put_back_is_offered_what_it_lost_and_that_is_told_once() {
    let mut chat = Chat::new();
    let copied = written(&mut chat);
    for number in 0..3 {
        let ready = chat.online.ana.ready(50);
        // it took two entries fewer
        let sent = ready.sent - if number == 0 { 2 } else { 0 };
        chat.online.reconnect(&Ready { sent, ..ready });
        let frames = put_back(&mut chat, copied);
        let offered = usize::from(number == 0);
        assert_eq!(count(&frames, "publish_key_packages"), offered);
        assert_eq!(count(&frames, "fetch_group"), offered, "{frames:?}");
        assert_eq!(count(&frames, "append"), offered, "{frames:?}");
        assert_eq!(chat.lines(SystemEvent::RelayWentBack), 1);
    }
    assert_eq!(
        chat.texts(),
        ["before", "one", "two"],
        "nothing shown is removed"
    );
}

#[test]
fn a_relay_that_was_put_back_says_what_is_delivered_by_its_new_count() {
    let mut chat = Chat::new();
    let copied = written(&mut chat);
    let ready = chat.online.ana.ready(50);
    let sent = ready.sent - 2;
    chat.online.reconnect(&Ready { sent, ..ready });
    put_back(&mut chat, copied);
    let states = |chat: &Chat| -> Vec<_> {
        let messages = chat.messages().into_iter();
        messages.filter_map(|message| message.outgoing).collect()
    };
    assert_eq!(states(&chat), [OutgoingState::Sent; 2]);
    // after a greeting both come again
    chat.last = copied;
    let echoes = [(); 3].map(|()| {
        let mut echo = chat.entry(EntryKind::Application, b"sealed");
        echo.sender = chat.online.register.device;
        echo
    });
    chat.push(echoes.to_vec());
    // it counted to four further before
    for (further, second) in [(2, OutgoingState::Sent), (3, OutgoingState::Delivered)] {
        let told = Delivered {
            conversation: chat.id,
            seq: copied + further,
        };
        chat.online.reply(0, &told.into());
        assert_eq!(states(&chat), [OutgoingState::Delivered, second]);
    }
}

#[test]
fn a_relay_that_has_less_of_a_stream_than_was_read_is_offered_what_it_lost() {
    let mut chat = Chat::new();
    let copied = written(&mut chat);
    let news = News {
        stream: StreamId::Conversation(chat.id),
        last: copied,
        base: 0,
    };
    let ready = Ready {
        news: vec![news],
        ..chat.online.ana.ready(50)
    };
    chat.online.reconnect(&ready);
    let frames = put_back(&mut chat, copied);
    assert_eq!(count(&frames, "append"), 1, "{frames:?}");
    assert_eq!(chat.lines(SystemEvent::RelayWentBack), 1);
}

#[test]
fn a_relay_that_says_on_each_connection_that_it_has_less_sets_off_a_bounded_offer() {
    let mut chat = Chat::new();
    let copied = written(&mut chat);
    for _ in 0..4 {
        let ready = Ready {
            sent: 0,
            ..chat.online.ana.ready(50)
        };
        chat.online.reconnect(&ready);
        let frames = put_back(&mut chat, copied);
        assert!(frames.len() <= 8, "{frames:?}");
        assert!(count(&frames, "fetch_group") <= 1, "{frames:?}");
        assert!(count(&frames, "append") <= 1, "{frames:?}");
        assert!(chat.is_online());
    }
    chat.say("as before");
}

#[test]
fn what_a_relay_counts_again_from_where_it_was_before_is_shown_below_what_was_there() {
    let mut chat = Chat::new();
    let copied = written(&mut chat);
    let shown = chat.texts();
    chat.last = copied;
    for text in ["new", "and another"] {
        let mut entry = chat.text(text);
        entry.time = NOW + 3_600_000;
        let request = chat.online.ana.sent();
        assert!(request.is_empty(), "{request:?}");
        chat.push(vec![entry]);
        let frames = put_back(&mut chat, copied + 1);
        assert!(frames.len() <= 8, "{frames:?}");
        chat.last = copied + 1;
    }
    let texts = chat.texts();
    assert_eq!(texts[..shown.len()], shown[..]);
    assert_eq!(texts[shown.len()..], ["new", "and another"]);
}

#[test]
fn entries_that_come_again_are_passed_over_and_ask_for_nothing() {
    let mut chat = Chat::new();
    let entries: Vec<_> = ["one", "two"].map(|text| chat.text(text)).into();
    chat.push(entries.clone());
    chat.online.reconnect(&chat.online.ana.ready(50));
    chat.push(entries);
    assert_eq!(chat.texts(), ["one", "two"]);
    let sent = chat.lie(|_| None);
    assert!(sent.is_empty(), "{sent:?}");
    assert_eq!(chat.lines(SystemEvent::RelayWentBack), 0);
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

#[test]
fn what_a_restored_relay_lost_is_not_delivered_before_it_is_there_again() {
    let mut chat = Chat::new();
    let copied = written(&mut chat);
    let base = copied + (1 << 32);
    chat.last = base;
    let mut commit = chat.commit(|group| group.self_update().unwrap());
    chat.merge();
    let news = News {
        stream: StreamId::Conversation(chat.id),
        last: chat.last,
        base,
    };
    let ready = Ready {
        news: vec![news],
        ..chat.online.ana.ready(50)
    };
    let restored = StoreGeneration::new([9; 16]);
    chat.online.reconnect_to(restored, &ready);
    let (state, seq) = (chat.state(), chat.last);
    let stale = Refusal {
        incarnation: Some(0),
        epoch: Some(2),
        seq: Some(seq),
        ..Refusal::new(ErrorCode::StaleEpoch)
    };
    chat.lie(|frame| match frame {
        Frame::FetchGroup(_) => Some(state.clone().into()),
        Frame::Fetch(_) => Some(far(seq, copied)),
        Frame::PublishKeyPackages(_) => Some(KeyPackageCount { count: 50 }.into()),
        Frame::Append(_) => Some(stale.clone().into()),
        Frame::Ack(_) => None,
        _ => Some(Done {}.into()),
    });
    commit.epoch = 1;
    chat.push(vec![commit.clone()]);
    let asked = chat.online.ana.sent();
    let Some((id, Frame::Fetch(_))) = asked.last() else {
        panic!("expected a fetch, not {asked:?}")
    };
    let page = Page {
        entries: vec![commit],
        last: chat.last,
        base,
        kept: u64::MAX,
    };
    chat.online.reply(*id, &page.into());
    // the peer has processed its own commit, and nothing of Ana's has come to the relay again
    let told = Delivered {
        conversation: chat.id,
        seq: base + 1,
    };
    chat.online.reply(0, &told.into());
    let messages = chat.messages().into_iter();
    let states: Vec<_> = messages.filter_map(|it| it.outgoing).collect();
    assert_eq!(states, [OutgoingState::Sent; 2]);
}
