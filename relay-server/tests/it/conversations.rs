//! Making conversations and changing their groups.

use protocol::{ErrorCode, StreamId};

use crate::{
    client::package,
    people::{client_id, direct},
    relay::{TestRelay, append},
};

#[tokio::test]
async fn two_people_get_a_conversation_and_talk() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    let appended = pair
        .bo_client
        .append(pair.append(&[b"hello", b"again"]))
        .await
        .expect("appends");
    assert_eq!(appended.seqs, [2, 3]);
    let entries = pair.ana_client.entries(stream, 2).await;
    assert_eq!(entries[0].seq, 2);
    assert_eq!(&entries[1].bytes.0[..], b"again");
    assert_eq!(entries[0].sender, pair.bo.device().id);
    let echo = pair.bo_client.entries(stream, 2).await;
    assert_eq!(echo, entries);
    pair.ana_client.ack(stream, 3).await;
    pair.bo_client.delivered(pair.conversation, 3).await;
}

#[tokio::test]
async fn what_was_delivered_is_told_once_the_welcome_is_acknowledged() {
    let relay = TestRelay::start().await;
    let (ana, mut ana_client) = relay.person().await;
    let (bo, mut bo_client) = relay.person().await;
    let token = ana_client.contact_link(1).await;
    ana_client.publish(ana.device(), 3).await;
    let packages = bo_client.claim(ana.account).await.packages;
    let (group, request) = direct(bo.device(), ana.account, Some(token), &packages);
    let conversation = request.conversation;
    let stream = StreamId::Conversation(conversation);
    bo_client.create(request).await.expect("creates");
    let welcome = ana_client.entries(StreamId::Inbox, 1).await.remove(0);
    // Ana writes, and what she says of her inbox never arrives
    let text = append(conversation, group.epoch(), &[b"hello"]);
    ana_client.append(text).await.expect("appends");
    bo_client.entries(stream, 2).await;
    bo_client.ack(stream, 2).await;
    let mut ana_client = relay.login(ana.device()).await;
    ana_client.ack(StreamId::Inbox, welcome.seq).await;
    ana_client.delivered(conversation, 2).await;
}

#[tokio::test]
async fn a_second_conversation_of_the_same_two_is_refused_with_the_first() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let token = pair.bo_client.contact_link(1).await;
    let packages = pair.ana_client.claim(pair.bo.account).await.packages;
    let (_, request) = direct(pair.ana.device(), pair.bo.account, Some(token), &packages);
    let refusal = pair.ana_client.create(request).await.expect_err("exists");
    assert_eq!(
        (refusal.code, refusal.conversation),
        (ErrorCode::Exists, Some(pair.conversation))
    );
}

#[tokio::test]
async fn who_came_by_an_invite_of_a_person_may_write_to_that_person() {
    let relay = TestRelay::start().await;
    let (ana, mut ana_client) = relay.person().await;
    let invite = ana_client.link(true, 1).await;
    let bo = crate::people::Person::new(relay.id, 1);
    let mut bo_client = relay.register(&bo, invite).await;
    let (_, request) = direct(bo.device(), ana.account, None, &[package(ana.device())]);
    let first = bo_client.create(request.clone()).await.expect("creates");
    // a repeat is the first answer, whatever happened since
    assert_eq!(bo_client.create(request).await.expect("again"), first);
    assert_eq!(
        ana_client.entries(StreamId::Inbox, 1).await[0].kind,
        protocol::EntryKind::Welcome
    );
}

#[tokio::test]
async fn who_made_a_conversation_and_lost_the_answer_gets_its_commit_first_and_then_the_rest() {
    let relay = TestRelay::start().await;
    let (ana, mut ana_client) = relay.person().await;
    let (bo, mut bo_client) = relay.person().await;
    let token = ana_client.contact_link(1).await;
    let (group, request) = direct(
        bo.device(),
        ana.account,
        Some(token),
        &[package(ana.device())],
    );
    let stream = StreamId::Conversation(request.conversation);
    bo_client.begin(request.clone()).await;
    // the welcome is there: the conversation is made, and nobody has read the answer
    let welcome = ana_client.entries(StreamId::Inbox, 1).await.remove(0);
    drop(bo_client);
    ana_client.ack(StreamId::Inbox, welcome.seq).await;
    ana_client
        .append(append(request.conversation, group.epoch(), &[b"a", b"b"]))
        .await
        .expect("appends");

    let mut again = relay.login(bo.device()).await;
    let entries = again.entries(stream, 3).await;
    let seqs: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [1, 2, 3]);
    assert_eq!(entries[0].kind, protocol::EntryKind::Commit);
    assert_eq!(entries[0].bytes, request.commit);
    assert_eq!(again.create(request).await.expect("the answer").seq, 1);
}

#[tokio::test]
async fn of_two_commits_in_an_epoch_one_wins_and_the_other_learns_of_it() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let ana_built = pair.ana_group.build(pair.ana.device(), &[], &[]);
    let bo_built = pair.bo_group.build(pair.bo.device(), &[], &[]);
    let ana_id = pair
        .ana_client
        .begin(pair.ana_group.request(&ana_built))
        .await;
    let bo_id = pair.bo_client.begin(pair.bo_group.request(&bo_built)).await;
    let outcomes = [
        pair.ana_client.reply(ana_id).await,
        pair.bo_client.reply(bo_id).await,
    ];
    let won: Vec<_> = outcomes
        .iter()
        .filter(|frame| matches!(frame, protocol::Frame::Committed(_)))
        .collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let lost = outcomes.iter().find_map(|frame| match frame {
        protocol::Frame::Refusal(refusal) => Some(refusal.clone()),
        _ => None,
    });
    let lost = lost.expect("one lost");
    assert_eq!(
        (lost.code, lost.epoch, lost.seq),
        (ErrorCode::StaleEpoch, Some(2), Some(2))
    );
    let winner = if matches!(outcomes[0], protocol::Frame::Committed(_)) {
        &ana_built
    } else {
        &bo_built
    };
    assert_eq!(lost.winner, Some(protocol::Digest::of(&[&winner.commit.0])));
}

#[tokio::test]
async fn a_chain_of_commits_outlives_snapshots_and_a_restart() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    for _ in 0..66 {
        let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
        pair.bo_client
            .commit(pair.bo_group.request(&built))
            .await
            .expect("commits");
        pair.bo_group.merge(pair.bo.device());
    }
    let (dir, config) = relay.stop().await;
    let relay = TestRelay::open(dir, config).await;
    let mut client = relay.login(pair.bo.device()).await;
    let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
    client
        .commit(pair.bo_group.request(&built))
        .await
        .expect("commits on");
}

#[tokio::test]
async fn a_repeated_commit_gets_its_first_answer_even_when_its_epoch_is_over() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
    let request = pair.bo_group.request(&built);
    let first = pair
        .bo_client
        .commit(request.clone())
        .await
        .expect("commits");
    assert_eq!(
        pair.bo_client.commit(request.clone()).await.expect("again"),
        first
    );
    pair.bo_group.merge(pair.bo.device());
    let other = pair.bo_group.build(pair.bo.device(), &[], &[]);
    let stolen = protocol::Commit {
        client_id: request.client_id,
        ..pair.bo_group.request(&other)
    };
    assert_eq!(
        pair.bo_client
            .commit(stolen)
            .await
            .expect_err("conflict")
            .code,
        ErrorCode::IdConflict
    );
    let late = protocol::Commit {
        client_id: client_id(),
        ..request
    };
    assert_eq!(
        pair.bo_client.commit(late).await.expect_err("stale").code,
        ErrorCode::StaleEpoch
    );
}
