//! A new incarnation of a conversation whose group cannot go on.

use protocol::{EntryKind, ErrorCode, StreamId};

use crate::{
    client::package,
    people::{Group, client_id, direct, reset},
    relay::{Pair, TestRelay, append},
};

/// Bo begins the next incarnation.
async fn begin(pair: &mut Pair) -> u64 {
    let (group, request) = reset(
        pair.bo.device(),
        pair.ana.account,
        pair.conversation,
        pair.bo_group.incarnation() + 1,
        &[package(pair.ana.device())],
    );
    let committed = pair.bo_client.create(request).await.expect("begins");
    pair.bo_group = group;
    committed.seq
}

#[tokio::test]
async fn a_conversation_goes_on_in_a_new_incarnation_in_the_same_stream() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    pair.bo_client
        .append(pair.append(&[b"one", b"two"]))
        .await
        .expect("appends");
    assert_eq!(begin(&mut pair).await, 4);
    let mut text = append(pair.conversation, 1, &[b"three"]);
    text.incarnation = 1;
    pair.bo_client.append(text).await.expect("appends");

    // the former membership reads up to the commit, by the former welcome
    pair.ana_client.entries(stream, 2).await;
    let welcome = pair.ana_client.entries(StreamId::Inbox, 1).await.remove(0);
    assert_eq!((welcome.incarnation, welcome.start), (1, Some(4)));
    let commit = pair.ana_client.entries(stream, 1).await.remove(0);
    assert_eq!(
        (commit.seq, commit.kind, commit.incarnation, commit.epoch),
        (4, EntryKind::Commit, 1, 0)
    );
    pair.ana_client.nothing_before_reply_but_presence().await;
    // the new one reads on once its welcome is acknowledged
    pair.ana_client.ack(StreamId::Inbox, welcome.seq).await;
    let mut entries = pair.ana_client.entries(stream, 1).await;
    assert_eq!((entries[0].seq, entries[0].incarnation), (5, 1));
    entries.clear();

    // who connects now gets the same, in the same order
    let mut again = relay.login(pair.ana.device()).await;
    let entries = again.entries(stream, 4).await;
    assert_eq!((entries[0].seq, entries[3].seq), (2, 5));
    pair.ana_group = Group::join(
        pair.ana.device(),
        pair.conversation,
        &welcome.bytes,
        &pair.bo_group,
    );
    let built = pair.ana_group.build(pair.ana.device(), &[], &[]);
    again
        .commit(pair.ana_group.request(&built))
        .await
        .expect("commits in the new group");
}

#[tokio::test]
async fn of_two_resets_one_wins() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let (_, late) = reset(
        pair.ana.device(),
        pair.bo.account,
        pair.conversation,
        1,
        &[package(pair.bo.device())],
    );
    let seq = begin(&mut pair).await;
    let refusal = pair.ana_client.create(late).await.expect_err("late");
    assert_eq!(
        (
            refusal.code,
            refusal.incarnation,
            refusal.epoch,
            refusal.seq
        ),
        (ErrorCode::StaleEpoch, Some(1), Some(1), Some(seq))
    );
    // and again
    begin(&mut pair).await;
}

#[tokio::test]
async fn nobody_resets_the_conversation_of_others() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let (cy, mut cy_client) = relay.person().await;
    let packages = [package(pair.ana.device())];
    let (_, request) = reset(
        cy.device(),
        pair.ana.account,
        pair.conversation,
        1,
        &packages,
    );
    let refused = cy_client.create(request).await.expect_err("refused");
    assert_eq!(refused.code, ErrorCode::IdConflict);
    // a group for another incarnation than the one that is asked for
    let (_, mut request) = reset(
        pair.bo.device(),
        pair.ana.account,
        pair.conversation,
        2,
        &packages,
    );
    (request.incarnation, request.client_id) = (Some(1), client_id());
    let refused = pair.bo_client.create(request).await.expect_err("refused");
    assert_eq!(refused.code, ErrorCode::InvalidCommit);
    // the pair has another conversation
    let (_, mut other) = direct(pair.bo.device(), pair.ana.account, None, &packages);
    other.incarnation = Some(0);
    let refused = pair.bo_client.create(other).await.expect_err("refused");
    assert_eq!(
        (refused.code, refused.conversation),
        (ErrorCode::Exists, Some(pair.conversation))
    );
}
