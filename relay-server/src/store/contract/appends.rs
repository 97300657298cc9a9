//! Appending: seqs, repeats, and the order of checks.

use super::*;

#[tokio::test]
async fn seqs_rise_by_one_and_repeats_keep_theirs() {
    let world = World::new().await;
    let bo = world.bo;
    assert_eq!(
        world.append(bo, 1, &[(10, "a"), (11, "b")]).await.unwrap(),
        [2, 3]
    );
    assert_eq!(
        world
            .append(world.ana[0], 1, &[(10, "of another sender")])
            .await
            .unwrap(),
        [4]
    );
    assert_eq!(
        world
            .append(bo, 1, &[(11, "b"), (12, "c"), (10, "a")])
            .await
            .unwrap(),
        [3, 5, 2]
    );
    let texts: Vec<_> = world.page().await.into_iter().skip(1).collect();
    let expected: Vec<(u64, Vec<u8>)> = vec![
        (2, b"a".to_vec()),
        (3, b"b".to_vec()),
        (4, b"of another sender".to_vec()),
        (5, b"c".to_vec()),
    ];
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn a_request_is_stored_as_a_whole_or_not_at_all() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    for items in [&[(11, "b"), (10, "not a")][..], &[(11, "b"), (11, "b")]] {
        assert_eq!(
            code(world.append(world.bo, 1, items).await),
            ErrorCode::IdConflict
        );
    }
    assert_eq!(world.append(world.bo, 1, &[(11, "b")]).await.unwrap(), [3]);
}

#[tokio::test]
async fn checks_come_in_the_promised_order() {
    let world = World::new().await;
    world.append(world.bo, 1, &[(10, "a")]).await.unwrap();
    let limited = |epoch, items: &[(u8, &'static str)]| {
        let limited = Some(Refusal::new(ErrorCode::RateLimited));
        let request = NewAppend {
            limited,
            ..append(world.bo, epoch, items)
        };
        call(|done| world.store.append(request, done))
    };
    // the client id before the epoch and the rate, the epoch before the rate
    assert_eq!(limited(7, &[(10, "a")]).await.unwrap().appended.seqs, [2]);
    assert_eq!(code(limited(7, &[(11, "b")]).await), ErrorCode::StaleEpoch);
    assert_eq!(code(limited(1, &[(11, "b")]).await), ErrorCode::RateLimited);
    // membership before the epoch
    call(|done| world.store.new_link(Caller::Operator, link(9, 1), done))
        .await
        .unwrap();
    call(|done| {
        world
            .store
            .register(account(3, 1, Digest::new([9; 32])), done)
    })
    .await
    .unwrap();
    let cy = identity(&*world.store, 3, 0).await;
    assert_eq!(
        code(world.append(cy, 7, &[(1, "x")]).await),
        ErrorCode::NotMember
    );
}
