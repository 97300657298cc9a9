//! Signals that are kept for who connects later: whose, for how long, and how many.

use protocol::{Announce, ConversationId, DeviceId, Frame, SetBlock, Signal, StreamId};

use crate::{
    client::{Client, opaque},
    people::{Group, direct},
    relay::{Pair, TestRelay, test_config},
};

fn kept(conversation: ConversationId, bytes: &[u8]) -> Signal {
    Signal {
        conversation,
        bytes: opaque(bytes),
        keep: true,
    }
}

/// Sends a signal, and waits until the relay has it.
async fn say(client: &mut Client, conversation: ConversationId, bytes: &[u8]) {
    client.send(0, kept(conversation, bytes)).await;
    client.nothing_before_reply_but_presence().await;
}

/// The next kept signal: who said what.
async fn heard(client: &mut Client) -> (DeviceId, Vec<u8>) {
    client
        .find(|frame| match frame {
            Frame::SignalPush(signal) => {
                assert!(signal.keep);
                Some((signal.sender, signal.bytes.0.to_vec()))
            }
            _ => None,
        })
        .await
}

/// Asserts that who connects now is handed nothing.
async fn hears_nothing(relay: &TestRelay, pair: &Pair) {
    let mut ana = relay.login(pair.ana.device()).await;
    ana.nothing_before_reply_but_presence().await;
}

#[tokio::test]
async fn the_newest_is_handed_to_who_connects_later() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    say(&mut pair.bo_client, pair.conversation, b"idle").await;
    say(&mut pair.bo_client, pair.conversation, b"busy").await;
    let bo = pair.bo.device().id;
    assert_eq!(heard(&mut pair.ana_client).await.0, bo);
    drop(pair.ana_client);
    for _ in 0..2 {
        let mut ana = relay.login(pair.ana.device()).await;
        assert_eq!(heard(&mut ana).await, (bo, b"busy".to_vec()));
        ana.nothing_before_reply_but_presence().await;
    }
}

#[tokio::test]
async fn it_is_forgotten_with_the_connection() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    say(&mut pair.bo_client, pair.conversation, b"busy").await;
    // the newer connection has said nothing yet
    let mut bo = relay.login(pair.bo.device()).await;
    assert!(pair.bo_client.farewell().await.is_some());
    bo.nothing_before_reply_but_presence().await;
    hears_nothing(&relay, &pair).await;
}

#[tokio::test]
async fn who_hides_is_heard_by_nobody_and_hears_nobody() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    say(&mut pair.ana_client, pair.conversation, b"busy").await;
    assert_eq!(heard(&mut pair.bo_client).await.1, b"busy");
    pair.ana_client.request(Announce { announce: false }).await;
    drop(pair.bo_client);
    let mut bo = relay.login(pair.bo.device()).await;
    bo.nothing_before_reply_but_presence().await;
    let hidden = kept(pair.conversation, b"idle");
    pair.ana_client.send(0, hidden).await;
    pair.ana_client.nothing_before_reply_hidden().await;
    say(&mut bo, pair.conversation, b"busy too").await;
    pair.ana_client.nothing_before_reply_hidden().await;
    // whoever appears again is told what is true now
    pair.ana_client.request(Announce { announce: true }).await;
    assert_eq!(heard(&mut pair.ana_client).await.1, b"busy too");
}

#[tokio::test]
async fn a_block_forgets_it_and_its_end_does_not_bring_it_back() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    say(&mut pair.bo_client, pair.conversation, b"busy").await;
    assert_eq!(heard(&mut pair.ana_client).await.1, b"busy");
    for blocked in [true, false] {
        let account = pair.bo.account;
        pair.ana_client.request(SetBlock { account, blocked }).await;
    }
    hears_nothing(&relay, &pair).await;
}

#[tokio::test]
async fn a_commit_ends_the_epoch_and_what_was_sealed_in_it() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    say(&mut pair.bo_client, pair.conversation, b"busy").await;
    let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
    let renewal = pair.bo_group.request(&built);
    pair.bo_client.commit(renewal).await.expect("renews");
    pair.ana_client.entries(pair.stream(), 1).await;
    pair.ana_client.ack(pair.stream(), 2).await;
    pair.ana_client.nothing_before_reply_but_presence().await;
    hears_nothing(&relay, &pair).await;
}

#[tokio::test]
async fn who_comes_in_hears_it_with_the_welcome_behind_it() {
    let relay = TestRelay::start().await;
    let (ana, mut ana_client) = relay.person().await;
    let (bo, mut bo_client) = relay.person().await;
    let token = ana_client.contact_link(1).await;
    ana_client.publish(ana.device(), 1).await;
    let packages = bo_client.claim(ana.account).await.packages;
    let (group, request) = direct(bo.device(), ana.account, Some(token), &packages);
    let conversation = request.conversation;
    bo_client.create(request).await.expect("creates");
    bo_client
        .entries(StreamId::Conversation(conversation), 1)
        .await;
    say(&mut bo_client, conversation, b"busy").await;
    let welcome = ana_client.entries(StreamId::Inbox, 1).await.remove(0);
    ana_client.nothing_before_reply_but_presence().await;
    Group::join(ana.device(), conversation, &welcome.bytes, &group);
    ana_client.ack(StreamId::Inbox, welcome.seq).await;
    let heard = heard(&mut ana_client).await;
    assert_eq!(heard, (bo.device().id, b"busy".to_vec()));
}

#[tokio::test]
async fn what_is_beyond_the_limits_is_handed_on_and_not_kept() {
    let mut config = test_config();
    config.connections.kept_signal_bytes = 300;
    let relay = TestRelay::start_with(config).await;
    let mut pair = relay.pair().await;
    say(&mut pair.bo_client, pair.conversation, &[7; 300]).await;
    assert_eq!(heard(&mut pair.ana_client).await.1, [7; 300]);
    hears_nothing(&relay, &pair).await;
    say(&mut pair.bo_client, pair.conversation, b"small").await;
    let mut ana = relay.login(pair.ana.device()).await;
    assert_eq!(heard(&mut ana).await.1, b"small");
}
