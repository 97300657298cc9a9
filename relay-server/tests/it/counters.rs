//! What `ready` counts: entries ever taken from a device, and manifests.

use protocol::{Ready, StreamId};

use crate::relay::{Pair, TestRelay};

async fn ready(relay: &TestRelay, pair: &Pair) -> Ready {
    let client = relay.login(pair.bo.device()).await;
    client.ready.expect("ready")
}

#[tokio::test]
async fn every_entry_that_was_taken_counts_once_and_for_good() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    // Bo made the conversation by a commit
    let request = pair.append(&[b"one", b"two"]);
    for _ in 0..2 {
        let again = request.clone();
        pair.bo_client.append(again).await.expect("appends");
    }
    let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
    let commit = pair.bo_group.request(&built);
    pair.bo_client.commit(commit).await.expect("commits");
    // of an epoch that is over: not taken
    pair.bo_client
        .append(pair.append(&[b"late"]))
        .await
        .expect_err("stale");
    let told = ready(&relay, &pair).await;
    assert_eq!((told.sent, told.manifest), (4, 1));
    let (dir, config) = relay.stop().await;
    let relay = TestRelay::open(dir, config).await;
    assert_eq!(ready(&relay, &pair).await.sent, 4);
    // welcomes are the committer's too, but not entries that it numbered
    let mut ana = relay.login(pair.ana.device()).await;
    assert_eq!(ana.ready.as_ref().expect("ready").sent, 0);
    ana.entries(StreamId::Conversation(pair.conversation), 3)
        .await;
}
