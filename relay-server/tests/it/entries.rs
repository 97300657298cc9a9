//! Appending, pushing, acknowledging.

use protocol::{Append, ErrorCode, Fetch, Frame, StreamId};

use crate::client::opaque;
use crate::relay::{TestRelay, append, test_config};

#[tokio::test]
async fn a_repeated_append_gets_its_first_answer() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let request = pair.append(&[b"one", b"two"]);
    let first = pair
        .bo_client
        .append(request.clone())
        .await
        .expect("appends");
    assert_eq!(
        pair.bo_client.append(request.clone()).await.expect("again"),
        first
    );
    // stored and new ones in one request
    let mut mixed = request.clone();
    mixed.entries.extend(pair.append(&[b"three"]).entries);
    assert_eq!(
        pair.bo_client.append(mixed).await.expect("mixed").seqs,
        [2, 3, 4]
    );
    let mut other = request.clone();
    other.entries[1].bytes = opaque(b"not two");
    assert_eq!(
        pair.bo_client
            .append(other)
            .await
            .expect_err("conflict")
            .code,
        ErrorCode::IdConflict
    );

    // also when the epoch is over
    let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
    pair.bo_client
        .commit(pair.bo_group.request(&built))
        .await
        .expect("commits");
    assert_eq!(pair.bo_client.append(request).await.expect("still"), first);
    let late = append(pair.conversation, 1, &[b"late"]);
    let refusal = pair.bo_client.append(late).await.expect_err("stale");
    assert_eq!(
        (
            refusal.code,
            refusal.incarnation,
            refusal.epoch,
            refusal.seq
        ),
        (ErrorCode::StaleEpoch, Some(0), Some(2), Some(5))
    );
}

#[tokio::test]
async fn a_stranger_may_neither_append_nor_fetch_nor_learn_that_there_is_something() {
    let relay = TestRelay::start().await;
    let pair = relay.pair().await;
    let (_, mut stranger) = relay.person().await;
    let real = append(pair.conversation, 1, &[b"x"]);
    let unreal = Append {
        conversation: protocol::ConversationId::new([9; 16]),
        ..real.clone()
    };
    let refusals = [
        stranger.append(real).await.expect_err("refused"),
        stranger.append(unreal).await.expect_err("refused"),
    ];
    assert_eq!(refusals[0], refusals[1]);
    assert_eq!(refusals[0].code, ErrorCode::NotMember);
    let fetch = Fetch {
        stream: pair.stream(),
        from: 1,
        limit: 10,
    };
    let Frame::Refusal(refusal) = stranger.request(fetch).await else {
        panic!("fetched")
    };
    assert_eq!(refusal.code, ErrorCode::NotMember);
}

#[tokio::test]
async fn the_inbox_comes_first_and_nothing_of_a_conversation_before_its_welcome_is_acknowledged() {
    let relay = TestRelay::start().await;
    let (ana, mut ana_client) = relay.person().await;
    let (bo, mut bo_client) = relay.person().await;
    let token = ana_client.contact_link(1).await;
    let packages = [crate::client::package(ana.device())];
    let (group, request) = crate::people::direct(bo.device(), ana.account, Some(token), &packages);
    let conversation = request.conversation;
    bo_client.create(request).await.expect("creates");
    bo_client
        .append(append(conversation, group.epoch(), &[b"early"]))
        .await
        .expect("appends");

    let welcome = ana_client.entries(StreamId::Inbox, 1).await.remove(0);
    assert_eq!(welcome.conversation, Some(conversation));
    ana_client.nothing_before_reply_but_presence().await;
    drop(ana_client);
    let mut ana_client = relay.login(ana.device()).await;
    assert_eq!(ana_client.ready.as_ref().expect("ready").news.len(), 1);
    assert_eq!(
        ana_client.entries(StreamId::Inbox, 1).await,
        std::slice::from_ref(&welcome)
    );
    ana_client.ack(StreamId::Inbox, welcome.seq).await;
    let entries = ana_client
        .entries(StreamId::Conversation(conversation), 1)
        .await;
    // it joined by the commit at 1
    assert_eq!(
        (entries[0].seq, &entries[0].bytes.0[..]),
        (2, &b"early"[..])
    );
}

#[tokio::test]
async fn what_was_not_acknowledged_comes_again_after_a_restart() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    for text in [b"1", b"2", b"3"] {
        pair.bo_client
            .append(pair.append(&[text]))
            .await
            .expect("appends");
    }
    pair.ana_client.entries(stream, 3).await;
    pair.ana_client.ack(stream, 2).await;
    // the acknowledgement is read before the next request of the same connection is answered
    let fetch = Fetch {
        stream,
        from: 1,
        limit: 10,
    };
    let Frame::Page(page) = pair.ana_client.request(fetch).await else {
        panic!("no page")
    };
    assert_eq!(
        page.entries
            .iter()
            .map(|entry| entry.seq)
            .collect::<Vec<_>>(),
        [2, 3, 4]
    );
    let (dir, config) = relay.stop().await;
    let relay = TestRelay::open(dir, config).await;
    let mut ana = relay.login(pair.ana.device()).await;
    let entries = ana.entries(stream, 2).await;
    assert_eq!(
        entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        [3, 4]
    );
    let ready = ana.ready.expect("ready");
    assert_eq!(ready.news[0].last, 4);
}

#[tokio::test]
async fn entries_of_next_to_nothing_use_up_the_day_as_well() {
    let mut config = test_config();
    config.quotas.bytes_per_day = 100_000;
    let relay = TestRelay::start_with(config).await;
    let mut pair = relay.pair().await;
    let epoch = pair.ana_group.epoch();
    let mut outcomes = Vec::new();
    for _ in 0..7 {
        let small = append(pair.conversation, epoch, &[&b"x"[..]; 64]);
        let outcome = pair.ana_client.append(small).await;
        outcomes.push(outcome.map_err(|refusal| refusal.code).err());
    }
    let mut expected = [None; 7];
    expected[6] = Some(ErrorCode::Quota);
    assert_eq!(outcomes, expected);
}
