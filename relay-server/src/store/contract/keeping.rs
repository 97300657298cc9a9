//! What is kept, for how long, and through what.

use super::*;

#[tokio::test]
async fn a_round_of_expiry_removes_all_that_is_due() {
    const ENTRIES: u16 = 3000;
    let world = World::new().await;
    for part in (0..ENTRIES).collect::<Vec<_>>().chunks(500) {
        let mut request = append(world.bo, 1, &[]);
        request.entries.extend(part.iter().map(|n| NewEntryRow {
            client_id: numbered(*n),
            digest: Digest::of(&[b"x"]),
            bytes: Bytes::from_static(b"x"),
        }));
        call(|done| world.store.append(request, done))
            .await
            .unwrap();
    }
    for device in [world.bo, world.ana[0], world.ana[1]] {
        world.raise(device, u64::from(ENTRIES) + 1).await;
    }
    world.expire(60).await;
    assert_eq!(world.page().await, []);
    let newest = || {
        world
            .store
            .prior(world.bo.device_row, numbered(ENTRIES - 1))
    };
    assert!(newest().await.unwrap().is_some(), "its client id is kept");
    world.pass(91, 90).await;
    assert!(newest().await.unwrap().is_none());
}

#[tokio::test]
async fn entries_stay_until_everybody_has_them_or_they_are_too_old() {
    let world = World::new().await;
    world
        .append(world.bo, 1, &[(10, "a"), (11, "b"), (12, "c")])
        .await
        .unwrap();
    world.raise(world.bo, 4).await;
    world.raise(world.ana[0], 4).await;
    world.raise(world.ana[1], 2).await;
    // a cursor never falls
    world.raise(world.ana[1], 1).await;
    world.expire(60).await;
    assert_eq!(world.page().await, [(3, b"b".to_vec()), (4, b"c".to_vec())]);
    // the client ids are still known
    assert_eq!(world.append(world.bo, 1, &[(10, "a")]).await.unwrap(), [2]);
    world.pass(61, 60).await;
    assert_eq!(world.page().await, []);
    assert_eq!(world.append(world.bo, 1, &[(13, "d")]).await.unwrap(), [5]);
}

#[tokio::test]
async fn what_was_answered_is_there_after_reopening() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    world.raise(world.ana[0], 2).await;
    let world = world.reopened(&Config::default());
    assert_eq!(
        world
            .append(world.bo, 1, &[(10, "a"), (11, "b")])
            .await
            .unwrap(),
        [2, 3]
    );
    let membership = world
        .store
        .attachment(world.ana[0].device_row, NOON)
        .await
        .unwrap()
        .memberships
        .remove(0);
    assert_eq!(membership.last, 3);
    assert_eq!(
        membership.members.iter().map(|member| member.cursor).max(),
        Some(2)
    );
}

#[tokio::test]
async fn a_full_disk_refuses_writes_keeps_reads_and_recovers() {
    const LIMIT: u64 = 400 * 1024;
    let mut config = Config::default();
    config.storage.max_bytes = LIMIT;
    let world = World::with(config).await;
    let big: &'static str = "x".repeat(30_000).leak();
    let mut stored = 0;
    let refusal = loop {
        let id = stored + 100;
        match world.append(world.bo, 1, &[(id, big)]).await {
            Ok(_) => stored += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!(refusal.code, ErrorCode::Unavailable);
    assert!(refusal.retry_after.is_some() && stored > 1);
    assert_eq!(world.page().await.len(), usize::from(stored) + 1);
    // space came back
    let world = world.reopened(&Config::default());
    let next = u64::from(stored) + 2;
    assert_eq!(
        world
            .append(world.bo, 1, &[(stored + 100, big)])
            .await
            .unwrap(),
        [next]
    );
}

#[tokio::test]
async fn what_was_stored_while_the_clock_was_ahead_keeps_nothing_else() {
    let world = World::new().await;
    world.clock.0.store(NOON + 3650 * DAY, Ordering::SeqCst);
    // more than a round looks at in one step
    let mut ahead = append(world.bo, 1, &[]);
    ahead.entries.extend((1000..1600).map(|n| NewEntryRow {
        client_id: numbered(n),
        digest: Digest::of(&[b"ahead"]),
        bytes: Bytes::from_static(b"ahead"),
    }));
    call(|done| world.store.append(ahead, done)).await.unwrap();
    world.clock.0.store(NOON, Ordering::SeqCst);
    let mut request = append(world.bo, 1, &[]);
    request.entries.push(NewEntryRow {
        client_id: numbered(7),
        digest: Digest::of(&[b"x"]),
        bytes: Bytes::from_static(b"x"),
    });
    let seq = call(|done| world.store.append(request, done))
        .await
        .unwrap()
        .appended
        .seqs[0];
    for device in [world.bo, world.ana[0], world.ana[1]] {
        world.raise(device, seq).await;
    }
    world.pass(91, 90).await;
    let prior = world.store.prior(world.bo.device_row, numbered(7));
    assert!(prior.await.unwrap().is_none(), "its client id is forgotten");
}

#[tokio::test]
async fn what_was_stored_while_a_right_clock_was_on_trial_is_not_too_old_once_it_is_believed() {
    let world = World::new().await;
    world.expire(60).await;
    // the relay was off for 70 days, and counts on from what it believed last
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    world.pass(1, 60).await;
    // the next round may be one of another run, and the first step of one that is interrupted
    let world = world.reopened(&Config::default());
    world.clock.0.fetch_add(70 * DAY, Ordering::SeqCst);
    world.expire(60).await;
    let kept = [(1, b"commit 1".to_vec()), (2, b"a".to_vec())];
    assert_eq!(world.page().await, kept);
    let world = world.reopened(&Config::default());
    // its client id stays known as well
    assert_eq!(world.append(world.bo, 1, &[(10, "a")]).await.unwrap(), [2]);
    world.pass(59, 60).await;
    assert_eq!(world.page().await, kept);
    world.pass(2, 60).await;
    assert_eq!(world.page().await, []);
}

#[tokio::test]
async fn however_a_clock_jumps_nothing_goes_before_its_time_and_all_goes_after_it() {
    const DECADE: u64 = 3650 * DAY;
    let mut world = World::new().await;
    world.expire(60).await;
    let mut texts = 1;
    for (id, set) in [
        (10, NOON + DECADE),
        (11, NOON),
        (12, NOON + DECADE),
        (13, NOON + 45 * DAY),
        (14, NOON + 2 * DECADE),
        (15, NOON + DECADE),
    ] {
        world.append(world.bo, 1, &[(id, "text")]).await.unwrap();
        texts += 1;
        world.clock.0.store(set, Ordering::SeqCst);
        world.expire(60).await;
        world = world.reopened(&Config::default());
        world.pass(25, 60).await;
        assert_eq!(world.page().await.len(), texts, "{id}");
    }
    world.append(world.bo, 1, &[(16, "text")]).await.unwrap();
    world.pass(61, 60).await;
    assert_eq!(world.page().await, []);
}

#[tokio::test]
async fn links_and_key_packages_that_end_by_a_jump_are_there_when_the_clock_is_set_right() {
    let world = World::without_conversation().await;
    let in_a_week = NOON + 7 * DAY;
    let invite = NewLinkRow {
        expires: in_a_week,
        ..link(9, 1)
    };
    call(|done| world.store.new_link(Caller::Operator, invite, done))
        .await
        .unwrap();
    let held = world.publish(vec![package(b"one", in_a_week)], None).await;
    assert_eq!(held, 1);
    world.expire(90).await;
    world.clock.0.store(NOON + 3650 * DAY, Ordering::SeqCst);
    world.expire(90).await;
    assert_eq!(
        world.publish(Vec::new(), None).await,
        0,
        "by the wrong clock"
    );
    world.clock.0.store(NOON + DAY, Ordering::SeqCst);
    world.expire(90).await;
    assert_eq!(world.publish(Vec::new(), None).await, 1);
    call(|done| {
        let invited = account(3, 1, Digest::new([9; 32]));
        world.store.register(invited, done)
    })
    .await
    .unwrap();
    // and they go in the end
    world.pass(10, 90).await;
    world.clock.0.store(NOON + DAY, Ordering::SeqCst);
    assert_eq!(world.publish(Vec::new(), None).await, 0);
}
