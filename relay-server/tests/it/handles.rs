//! Handles: one for each account, and found by those who may.

use protocol::{AccountId, ErrorCode, FindAccount, Frame, SetBlock, SetHandle};

use crate::{
    client::Client,
    relay::{TestRelay, test_config},
};

async fn set(client: &mut Client, handle: Option<&str>) -> Result<(), ErrorCode> {
    let handle = handle.map(str::to_owned);
    match client.request(SetHandle { handle }).await {
        Frame::Done(_) => Ok(()),
        Frame::Refusal(refusal) => Err(refusal.code),
        other => panic!("neither done nor refused: {other:?}"),
    }
}

async fn find(client: &mut Client, handle: &str) -> Result<AccountId, ErrorCode> {
    let handle = handle.to_owned();
    match client.request(FindAccount { handle }).await {
        Frame::Found(found) => Ok(found.account),
        Frame::Refusal(refusal) => Err(refusal.code),
        other => panic!("neither found nor refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_handle_is_of_one_account_until_it_gives_it_up() {
    let relay = TestRelay::start().await;
    let (ana, mut ana_client) = relay.person().await;
    let (bo, mut bo_client) = relay.person().await;
    for _ in 0..2 {
        assert_eq!(set(&mut ana_client, Some("ana")).await, Ok(()));
    }
    assert_eq!(
        set(&mut bo_client, Some("ana")).await,
        Err(ErrorCode::Taken)
    );
    assert_eq!(find(&mut bo_client, "ana").await, Ok(ana.account));
    assert_eq!(find(&mut bo_client, "anna").await, Err(ErrorCode::NotFound));
    assert_eq!(set(&mut ana_client, None).await, Ok(()));
    assert_eq!(find(&mut bo_client, "ana").await, Err(ErrorCode::NotFound));
    assert_eq!(set(&mut bo_client, Some("ana")).await, Ok(()));
    assert_eq!(find(&mut ana_client, "ana").await, Ok(bo.account));
}

#[tokio::test]
async fn who_is_blocked_finds_nobody() {
    let relay = TestRelay::start().await;
    let (_, mut ana_client) = relay.person().await;
    let (bo, mut bo_client) = relay.person().await;
    assert_eq!(set(&mut ana_client, Some("ana")).await, Ok(()));
    let block = SetBlock {
        account: bo.account,
        blocked: true,
    };
    ana_client.request(block).await;
    assert_eq!(find(&mut bo_client, "ana").await, Err(ErrorCode::NotFound));
}

#[tokio::test]
async fn nobody_reads_the_book_of_handles() {
    let mut config = test_config();
    config.quotas.lookups_per_hour = 3;
    config.quotas.lookups_per_minute = 4;
    let relay = TestRelay::start_with(config).await;
    let (_, mut ana_client) = relay.person().await;
    let (_, mut bo_client) = relay.person().await;
    for _ in 0..3 {
        assert_eq!(find(&mut bo_client, "ana").await, Err(ErrorCode::NotFound));
    }
    assert_eq!(
        find(&mut bo_client, "ana").await,
        Err(ErrorCode::RateLimited)
    );
    // one more of all together
    assert_eq!(find(&mut ana_client, "ana").await, Err(ErrorCode::NotFound));
    assert_eq!(
        find(&mut ana_client, "ana").await,
        Err(ErrorCode::RateLimited)
    );
}
