//! Key packages and claims.

use super::*;

#[tokio::test]
async fn a_one_time_key_package_is_handed_out_once_and_the_last_resort_again_and_again() {
    let world = World::new().await;
    let once = package(b"once", NOON + 1);
    let last = package(b"last", NOON + 1);
    assert_eq!(world.publish(vec![once], Some(last)).await, 1);
    let claim = |id: u8, account: u8| world.claim(id, account);
    let first = claim(1, 1).await.unwrap();
    let claimed: Claimed = cbor::decode(&first).unwrap();
    assert_eq!(claimed.packages.len(), 1, "the other device has none");
    assert_eq!(&claimed.packages[0].bytes.0[..], b"once");
    let second: Claimed = cbor::decode(&claim(2, 1).await.unwrap()).unwrap();
    assert_eq!(&second.packages[0].bytes.0[..], b"last");
    assert_eq!(claim(1, 1).await.unwrap(), first);
    assert_eq!(code(claim(1, 2).await), ErrorCode::IdConflict);
    assert_eq!(code(claim(3, 9).await), ErrorCode::NoKeyPackages);
}

#[tokio::test]
async fn a_key_package_whose_time_is_over_is_not_handed_out() {
    let world = World::new().await;
    let packages = vec![package(b"short", NOON + 1), package(b"long", NOON + 2)];
    let last = package(b"last", NOON + 2);
    assert_eq!(world.publish(packages, Some(last)).await, 2);
    world.clock.0.store(NOON + 1, Ordering::SeqCst);
    let claimed: Claimed = cbor::decode(&world.claim(1, 1).await.unwrap()).unwrap();
    assert_eq!(&claimed.packages[0].bytes.0[..], b"long");
    world.clock.0.store(NOON + 2, Ordering::SeqCst);
    assert_eq!(code(world.claim(2, 1).await), ErrorCode::NoKeyPackages);
    // and takes no room
    assert_eq!(
        world.publish(vec![package(b"new", NOON + 3)], None).await,
        1
    );
}

#[tokio::test]
async fn a_claim_that_fits_no_frame_takes_nothing() {
    let world = World::new().await;
    let large: &'static [u8] = vec![7; 70_000].leak();
    assert_eq!(world.publish(vec![package(large, NOON + 1)], None).await, 1);
    assert_eq!(code(world.claim(1, 1).await), ErrorCode::TooLarge);
    assert_eq!(world.publish(Vec::new(), None).await, 1);
}
