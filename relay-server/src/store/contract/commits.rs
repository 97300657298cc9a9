//! Changing groups and making conversations.

use super::*;

#[tokio::test]
async fn one_commit_wins_an_epoch_and_a_repeat_learns_of_it() {
    let world = World::new().await;
    let winner = world.commit_of(world.bo, 1, 20, &[], None).await;
    let digest = winner.digest;
    let committed = call(|done| world.store.commit(winner, done))
        .await
        .unwrap()
        .committed;
    let loser = world.commit_of(world.ana[0], 1, 21, &[], None).await;
    let refusal = call(|done| world.store.commit(loser, done))
        .await
        .err()
        .unwrap();
    assert_eq!(refusal.code, ErrorCode::StaleEpoch);
    assert_eq!(
        (refusal.epoch, refusal.seq, refusal.winner),
        (Some(2), Some(committed.seq), Some(digest))
    );
    let repeat = world.commit_of(world.bo, 1, 20, &[], None).await;
    let repeated = call(|done| world.store.commit(repeat, done)).await.unwrap();
    assert_eq!(repeated.committed, committed);
    assert!(repeated.change.is_none());
    let group = world.store.group(CONVERSATION).await.unwrap().unwrap();
    assert_eq!(
        (group.epoch, group.snapshot, group.commits),
        (2, b"snapshot".to_vec(), vec![b"commit 20".to_vec()])
    );
}

#[tokio::test]
async fn a_refused_commit_leaves_no_trace_in_the_transaction_of_others() {
    let world = World::new().await;
    // one that fails after it has written: it removes somebody who is no member
    let mut bad = world.commit_of(world.bo, 1, 20, &[], None).await;
    bad.removed = vec![DeviceId::new([0xee; 16])];
    let good = world.commit_of(world.ana[0], 1, 21, &[], None).await;
    let (before, between) = (
        append(world.bo, 1, &[(10, "a")]),
        append(world.ana[0], 1, &[(10, "b")]),
    );
    // submitted together, so that they share a transaction as far as the store likes
    let outcomes = tokio::join!(
        call(|done| world.store.append(before, done)),
        call(|done| world.store.commit(bad, done)),
        call(|done| world.store.append(between, done)),
        call(|done| world.store.commit(good, done)),
    );
    assert_eq!(outcomes.0.unwrap().appended.seqs, [2]);
    assert_eq!(code(outcomes.1), ErrorCode::InvalidCommit);
    assert_eq!(outcomes.2.unwrap().appended.seqs, [3]);
    assert_eq!(outcomes.3.unwrap().committed.seq, 4);
    assert_eq!(world.append(world.bo, 2, &[(11, "c")]).await.unwrap(), [5]);
    assert_eq!(world.page().await.len(), 5);
}

#[tokio::test]
async fn a_removed_device_keeps_its_part_and_appends_no_more() {
    let world = World::new().await;
    let mut commit = world.commit_of(world.bo, 1, 20, &[], None).await;
    commit.removed = vec![world.ana[1].device];
    call(|done| world.store.commit(commit, done)).await.unwrap();
    assert_eq!(
        code(world.append(world.ana[1], 2, &[(1, "x")]).await),
        ErrorCode::NotMember
    );
    let left = world
        .store
        .left(world.ana[1].device_row, CONVERSATION)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((left.joined, left.left), (1, 2));
    // and comes back from a later commit on
    let again = world
        .commit_of(world.bo, 2, 21, &[world.ana[1]], None)
        .await;
    call(|done| world.store.commit(again, done)).await.unwrap();
    let membership = world
        .store
        .attachment(world.ana[1].device_row, NOON)
        .await
        .unwrap()
        .memberships
        .remove(0);
    let own = membership
        .members
        .iter()
        .find(|member| member.device == world.ana[1].device)
        .unwrap();
    assert_eq!(
        (own.joined, own.left, own.cursor, own.welcome),
        (3, None, 3, 2)
    );
}

#[tokio::test]
async fn a_pair_has_one_conversation() {
    let world = World::new().await;
    // a repeat is the first answer
    assert_eq!(world.create().await.unwrap().committed.seq, 1);
    let other = NewCommit {
        conversation: ConversationId::new([1; 16]),
        ..world
            .commit_of(world.ana[0], 0, 30, &[world.bo], Some(b"s"))
            .await
    };
    let request = NewConversation {
        incarnation: None,
        most_requests: 1,
        peer: world.bo.account,
        token: None,
        commit: other,
    };
    let refusal = call(|done| world.store.create_conversation(request, done))
        .await
        .err()
        .unwrap();
    assert_eq!(
        (refusal.code, refusal.conversation),
        (ErrorCode::Exists, Some(CONVERSATION))
    );
}

#[tokio::test]
async fn a_full_conversation_takes_some_commits_and_then_none() {
    let mut config = Config::default();
    config.quotas.entries_per_conversation = 2;
    let world = World::with(config).await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    let next = || async {
        let attachment = world.store.attachment(world.bo.device_row, NOON).await;
        attachment.unwrap().memberships.remove(0).last
    };
    let mut epoch = 1;
    let refusal = loop {
        let commit = world
            .commit_of(world.bo, epoch, 0, &[], Some(b"snapshot"))
            .await;
        let commit = NewCommit {
            client_id: numbered(u16::try_from(epoch).unwrap()),
            ..commit
        };
        match call(|done| world.store.commit(commit, done)).await {
            Ok(_) => epoch += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal.code, ErrorCode::Quota);
    assert_eq!(next().await, 2 + 1024);
}
