//! Entering a group by an external commit: after a lost database, and as a further device.

use protocol::{EntryKind, ErrorCode, FetchGroup, Frame, GroupState, StreamId};

use crate::{
    client::{Client, package},
    people::{Group, Person, direct},
    relay::{Pair, TestRelay, append},
};

async fn state(client: &mut Client, conversation: protocol::ConversationId) -> GroupState {
    match client.request(FetchGroup { conversation }).await {
        Frame::GroupState(state) => state,
        other => panic!("no state: {other:?}"),
    }
}

/// Ana's device loses its group and enters again.
async fn reenter(pair: &mut Pair) -> u64 {
    let state = state(&mut pair.ana_client, pair.conversation).await;
    let (group, commit) = Group::enter(pair.ana.device(), pair.conversation, &state);
    let committed = pair.ana_client.commit(commit).await.expect("enters");
    pair.ana_group = group;
    committed.seq
}

#[tokio::test]
async fn a_device_that_lost_its_group_takes_the_place_of_its_former_leaf() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    pair.bo_client
        .append(pair.append(&[b"never read"]))
        .await
        .expect("appends");
    let seq = reenter(&mut pair).await;
    assert_eq!(seq, 3);
    // Bo follows: the old leaf is gone, the new one is Ana's
    let entries = pair.bo_client.entries(stream, 2).await;
    assert_eq!(entries[1].kind, EntryKind::Commit);
    pair.bo_group.process(pair.bo.device(), &entries[1].bytes);
    assert_eq!(pair.bo_group.mls.members().count(), 2);
    assert_eq!(
        pair.bo_group.mls.epoch_authenticator().as_slice(),
        pair.ana_group.mls.epoch_authenticator().as_slice()
    );
    // who entered reads from the next entry: the connected session, and one that logs in
    let text = append(pair.conversation, pair.bo_group.epoch(), &[b"hello again"]);
    pair.bo_client.append(text).await.expect("appends");
    let pushed = pair
        .ana_client
        .find(|frame| match frame {
            Frame::Entries(push) if push.stream == stream && push.entries[0].seq > 3 => {
                Some(push.entries)
            }
            _ => None,
        })
        .await;
    assert_eq!((pushed.len(), pushed[0].seq), (1, 4));
    let mut again = relay.login(pair.ana.device()).await;
    assert_eq!(again.entries(stream, 1).await, pushed);
    // and commits like any member
    let built = pair.ana_group.build(pair.ana.device(), &[], &[]);
    again
        .commit(pair.ana_group.request(&built))
        .await
        .expect("commits");
}

#[tokio::test]
async fn a_restarted_relay_builds_a_group_with_external_commits_again() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    reenter(&mut pair).await;
    let (dir, config) = relay.stop().await;
    let relay = TestRelay::open(dir, config).await;
    pair.ana_client = relay.login(pair.ana.device()).await;
    let built = pair.ana_group.build(pair.ana.device(), &[], &[]);
    pair.ana_client
        .commit(pair.ana_group.request(&built))
        .await
        .expect("commits");
    pair.ana_group.merge(pair.ana.device());
    let state = state(&mut pair.ana_client, pair.conversation).await;
    assert_eq!(state.epoch, pair.ana_group.epoch());
}

#[tokio::test]
async fn a_further_device_of_a_member_account_enters_and_is_pushed_what_follows() {
    let relay = TestRelay::start().await;
    let (ana, mut ana_client) = relay.person().await;
    let bo = Person::new(relay.id, 2);
    let mut bo_client = relay.register(&bo, relay.invite(1)).await;
    let token = ana_client.contact_link(1).await;
    let (bo_group, request) = direct(
        bo.device(),
        ana.account,
        Some(token),
        &[package(ana.device())],
    );
    let conversation = request.conversation;
    let stream = StreamId::Conversation(conversation);
    bo_client.create(request).await.expect("creates");
    let mut second = relay.login(&bo.devices[1]).await;
    let refused = second.append(append(conversation, 1, &[b"x"])).await;
    assert_eq!(refused.expect_err("no member").code, ErrorCode::NotMember);
    let state = state(&mut second, conversation).await;
    assert_eq!((state.epoch, state.seq), (bo_group.epoch(), 1));
    let (group, commit) = Group::enter(&bo.devices[1], conversation, &state);
    let committed = second.commit(commit.clone()).await.expect("enters");
    assert_eq!(second.commit(commit).await.expect("again"), committed);
    let text = append(conversation, group.epoch(), &[b"from the laptop"]);
    second.append(text).await.expect("appends");
    let entries = second.entries(stream, 1).await;
    assert_eq!(entries[0].seq, 3);
}

#[tokio::test]
async fn only_the_two_accounts_get_the_state_of_a_group() {
    let relay = TestRelay::start().await;
    let pair = relay.pair().await;
    let (_, mut stranger) = relay.person().await;
    for conversation in [pair.conversation, protocol::ConversationId::new([9; 16])] {
        let expected = protocol::Refusal::new(ErrorCode::NotMember);
        assert_eq!(
            stranger.request(FetchGroup { conversation }).await,
            Frame::from(expected)
        );
    }
}

#[tokio::test]
async fn nobody_else_enters() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let (cy, mut stranger) = relay.person().await;
    let state = state(&mut pair.ana_client, pair.conversation).await;
    let (_, commit) = Group::enter(cy.device(), pair.conversation, &state);
    let refused = stranger.commit(commit.clone()).await;
    assert_eq!(refused.expect_err("a stranger").code, ErrorCode::NotMember);
    // a leaf of a stranger, sent by a member
    let refused = pair.ana_client.commit(commit).await;
    assert_eq!(refused.expect_err("foreign").code, ErrorCode::InvalidCommit);
    // one's own leaf key under the other's name
    let (_, commit) = Group::enter_as(cy.device(), pair.bo.device(), pair.conversation, &state);
    let refused = pair.bo_client.commit(commit).await;
    assert_eq!(refused.expect_err("forged").code, ErrorCode::InvalidCommit);
    // a group info that is signed by another
    let (_, mut commit) = Group::enter(pair.ana.device(), pair.conversation, &state);
    commit.group_info = state.group_info.clone();
    let refused = pair.ana_client.commit(commit).await;
    assert_eq!(
        refused.expect_err("old info").code,
        ErrorCode::InvalidCommit
    );
    // an epoch that is over
    reenter(&mut pair).await;
    let (_, commit) = Group::enter(pair.bo.device(), pair.conversation, &state);
    let refusal = pair.bo_client.commit(commit).await.expect_err("stale");
    assert_eq!(
        (refusal.code, refusal.epoch),
        (ErrorCode::StaleEpoch, Some(2))
    );
}
