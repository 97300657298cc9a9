//! What is pushed, when, and to whom.

use protocol::{Announce, ErrorCode, Fetch, Frame, Presence, Signal, StreamId};

use crate::client::{Client, opaque};
use crate::relay::{Pair, TestRelay, append, test_config};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_the_log_and_live_there_is_no_gap_and_no_repetition() {
    const ENTRIES: usize = 600;
    let relay = TestRelay::start().await;
    let Pair {
        conversation,
        ana,
        ana_client,
        mut bo_client,
        ..
    } = relay.pair().await;
    let stream = StreamId::Conversation(conversation);
    drop(ana_client);
    let mut tasks = tokio::task::JoinSet::new();
    // Bo sends without a pause while Ana connects again and again in the middle of it
    tasks.spawn(async move {
        for number in 0..ENTRIES {
            let text = number.to_be_bytes();
            bo_client
                .append(append(conversation, 1, &[&text]))
                .await
                .expect("appends");
            if number % 50 == 0 {
                bo_client.ack(stream, number as u64 + 2).await;
            }
        }
        bo_client
    });
    let mut cursor = 1;
    let mut rounds = 0;
    while cursor < ENTRIES as u64 + 1 {
        let mut client = relay.login(ana.device()).await;
        let mut expected = cursor + 1;
        rounds += 1;
        let until = (cursor + 90).min(ENTRIES as u64 + 1);
        while cursor < until {
            let entries = client
                .find(|frame| match frame {
                    Frame::Entries(push) if push.stream == stream => Some(push.entries),
                    _ => None,
                })
                .await;
            for entry in entries {
                assert_eq!(
                    entry.seq, expected,
                    "on one connection each once and in order"
                );
                assert_eq!(entry.bytes.0[..], (entry.seq as usize - 2).to_be_bytes());
                expected += 1;
                cursor = entry.seq;
            }
            client.ack(stream, cursor).await;
        }
        // the acknowledgement is taken in before this is answered
        client.request(Announce { announce: true }).await;
    }
    assert!(rounds > 3);
    tasks.join_next().await.expect("a task").expect("no panic");
}

#[tokio::test]
async fn pushing_stops_at_the_window_and_goes_on_from_the_log() {
    let mut config = test_config();
    config.connections.window_entries = 8;
    let relay = TestRelay::start_with(config).await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    for number in 0..30_u8 {
        let request = pair.append(&[&[number]]);
        pair.bo_client.append(request).await.expect("appends");
        pair.bo_client.entries(stream, 1).await;
        pair.bo_client.ack(stream, u64::from(number) + 2).await;
    }
    let mut seen = 1;
    while seen < 31 {
        let count = 8.min(31 - seen);
        let entries = pair.ana_client.entries(stream, count).await;
        assert_eq!(entries[0].seq, seen as u64 + 1);
        pair.ana_client.nothing_before_reply().await;
        seen += count;
        pair.ana_client.ack(stream, seen as u64).await;
    }
}

#[tokio::test]
async fn a_slow_reader_is_disconnected_and_slows_nobody() {
    let mut config = test_config();
    config.timeouts.write = 300;
    config.timeouts.presence_grace = 100;
    config.connections.window_bytes = 64 * 1024 * 1024;
    config.connections.window_entries = 100_000;
    let relay = TestRelay::start_with(config).await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    let big = vec![7; 50_000];
    let ana = pair.ana.account;
    let mut gone = false;
    // Ana reads nothing of this; the sockets of the machine hold some megabytes
    for number in 0..400_u64 {
        let request = pair.append(&[&big]);
        pair.bo_client.append(request).await.expect("appends");
        let came = pair.bo_client.find(|frame| match frame {
            Frame::Entries(push) if push.stream == stream => Some(()),
            Frame::Presence(told) if told.account == ana => {
                gone = !told.connected;
                None
            }
            _ => None,
        });
        came.await;
        pair.bo_client.ack(stream, number + 2).await;
    }
    while !gone {
        gone = !presence_of(&mut pair.bo_client, ana).await.connected;
    }
    // what the sockets held comes, then the connection ends
    while pair.ana_client.push().await.is_some() {}
    let mut again = relay.login(pair.ana.device()).await;
    let first = again.find(|frame| match frame {
        Frame::Entries(push) if push.stream == stream => {
            push.entries.first().map(|entry| entry.seq)
        }
        _ => None,
    });
    assert_eq!(first.await, 2);
}

#[tokio::test]
async fn signals_reach_the_other_members_who_are_connected_and_nobody_else() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let (_, mut stranger) = relay.person().await;
    let typing = Signal {
        conversation: pair.conversation,
        bytes: opaque(b"typing"),
        keep: false,
    };
    stranger.send(0, typing.clone()).await;
    stranger.nothing_before_reply().await;
    pair.bo_client.send(0, typing).await;
    let (sender, bytes) = pair
        .ana_client
        .find(|frame| match frame {
            Frame::SignalPush(signal) => Some((signal.sender, signal.bytes)),
            _ => None,
        })
        .await;
    assert_eq!(
        (sender, &bytes.0[..]),
        (pair.bo.device().id, &b"typing"[..])
    );
}

async fn presence_of(client: &mut Client, person: protocol::AccountId) -> Presence {
    client
        .find(|frame| match frame {
            Frame::Presence(presence) if presence.account == person => Some(presence),
            _ => None,
        })
        .await
}

#[tokio::test]
async fn a_contact_is_shown_as_gone_after_the_grace_and_as_connected_at_once() {
    let mut config = test_config();
    config.timeouts.presence_grace = 100;
    let relay = TestRelay::start_with(config).await;
    let mut pair = relay.pair().await;
    drop(pair.ana_client);
    let gone = presence_of(&mut pair.bo_client, pair.ana.account).await;
    assert!(!gone.connected && gone.last_seen.is_some());
    let mut ana = relay.login(pair.ana.device()).await;
    assert!(
        presence_of(&mut pair.bo_client, pair.ana.account)
            .await
            .connected
    );
    assert!(presence_of(&mut ana, pair.bo.account).await.connected);
}

#[tokio::test]
async fn a_short_drop_is_not_shown() {
    // an hour of grace: whatever is pushed comes before it
    let mut config = test_config();
    config.timeouts.presence_grace = 3_600_000;
    let relay = TestRelay::start_with(config).await;
    let mut pair = relay.pair().await;
    drop(pair.ana_client);
    let mut ana = relay.login(pair.ana.device()).await;
    ana.nothing_before_reply_but_presence().await;
    pair.bo_client.nothing_before_reply().await;
}

#[tokio::test]
async fn who_hides_is_not_shown_and_is_shown_nothing() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let Frame::Done(_) = pair.ana_client.request(Announce { announce: false }).await else {
        panic!("not hidden")
    };
    let gone = presence_of(&mut pair.bo_client, pair.ana.account).await;
    assert!(!gone.connected);
    // Bo hides and appears again: Ana, hidden, learns nothing of it
    pair.bo_client.request(Announce { announce: false }).await;
    pair.bo_client.request(Announce { announce: true }).await;
    pair.ana_client.nothing_before_reply_hidden().await;
}

#[tokio::test]
async fn delivered_waits_for_a_device_of_the_other_and_comes_again_on_connecting() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    let request = pair.append(&[b"1", b"2"]);
    pair.bo_client.append(request).await.expect("appends");
    pair.bo_client.entries(stream, 2).await;
    pair.bo_client.ack(stream, 3).await;
    pair.ana_client.entries(stream, 2).await;
    pair.bo_client.nothing_before_reply().await;
    pair.ana_client.ack(stream, 3).await;
    pair.bo_client.delivered(pair.conversation, 3).await;
    drop(pair.bo_client);
    let mut bo = relay.login(pair.bo.device()).await;
    bo.delivered(pair.conversation, 3).await;
}

#[tokio::test]
async fn acknowledgements_of_what_is_not_there_or_not_ones_own_change_nothing() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    let (_, mut stranger) = relay.person().await;
    stranger.ack(stream, 100).await;
    stranger.nothing_before_reply().await;
    pair.ana_client.ack(stream, 1_000_000).await;
    pair.ana_client.ack(stream, 0).await;
    let request = pair.append(&[b"1"]);
    pair.bo_client.append(request).await.expect("appends");
    assert_eq!(pair.ana_client.entries(stream, 1).await[0].seq, 2);
}

#[tokio::test]
async fn a_stopping_relay_says_so_and_loses_nothing_that_it_answered() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    let request = pair.append(&[b"last words"]);
    let id = pair.bo_client.begin(request).await;
    let reply = pair.bo_client.reply(id).await;
    assert!(matches!(reply, Frame::Appended(_)));
    relay.begin_stop();
    assert_eq!(
        pair.bo_client.farewell().await,
        Some(ErrorCode::Unavailable)
    );
    assert_eq!(
        pair.ana_client.farewell().await,
        Some(ErrorCode::Unavailable)
    );
    let (dir, config) = relay.stop().await;
    let relay = TestRelay::open(dir, config).await;
    let mut ana = relay.login(pair.ana.device()).await;
    assert_eq!(&ana.entries(stream, 1).await[0].bytes.0[..], b"last words");
    let fetch = Fetch {
        stream,
        from: 2,
        limit: 10,
    };
    assert!(
        matches!(ana.request(fetch).await, Frame::Page(page) if page.entries.len() == 1 && page.last == 2)
    );
}
