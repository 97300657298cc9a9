//! Registration by an invite.

use super::*;

#[tokio::test]
async fn an_invite_lets_in_as_many_as_it_says_until_it_expires() {
    let world = World::new().await;
    let used_up = account(3, 1, Digest::new([1; 32]));
    assert_eq!(
        code(call(|done| world.store.register(used_up, done)).await),
        ErrorCode::BadLink
    );
    call(|done| world.store.new_link(Caller::Operator, link(9, 2), done))
        .await
        .unwrap();
    call(|done| {
        world
            .store
            .register(account(3, 1, Digest::new([9; 32])), done)
    })
    .await
    .unwrap();
    // the same once more takes no use
    call(|done| {
        world
            .store
            .register(account(3, 1, Digest::new([9; 32])), done)
    })
    .await
    .unwrap();
    world.clock.0.store(NOON + 1_001, Ordering::SeqCst);
    let late = account(4, 1, Digest::new([9; 32]));
    assert_eq!(
        code(call(|done| world.store.register(late, done)).await),
        ErrorCode::BadLink
    );
    let taken = NewAccount {
        account: AccountId::new([5; 16]),
        ..account(3, 1, Digest::new([9; 32]))
    };
    world.clock.0.store(NOON, Ordering::SeqCst);
    assert_eq!(
        code(call(|done| world.store.register(taken, done)).await),
        ErrorCode::BadIdentity
    );
    // what was refused took no use either
    call(|done| {
        world
            .store
            .register(account(4, 1, Digest::new([9; 32])), done)
    })
    .await
    .unwrap();
}
