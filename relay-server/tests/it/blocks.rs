//! Blocking: what the blocked get, and what the blocker still gets.

use protocol::{
    AccountId, ClaimKeyPackages, ConversationId, Entry, EntryKind, ErrorCode, Fetch, Frame,
    Refusal, SetBlock, Signal,
};

use crate::{
    client::{Client, opaque, package},
    people::{client_id, direct, reset},
    relay::{TestRelay, test_config},
};

async fn block(client: &mut Client, account: AccountId, blocked: bool) {
    let reply = client.request(SetBlock { account, blocked }).await;
    assert!(matches!(reply, Frame::Done(_)), "{reply:?}");
}

async fn blocks(client: &mut Client) -> Vec<AccountId> {
    match client.request(protocol::ListBlocks {}).await {
        Frame::Blocks(blocks) => blocks.accounts,
        other => panic!("no list: {other:?}"),
    }
}

fn shape(entries: &[Entry]) -> Vec<(u64, EntryKind, usize)> {
    let shape = |entry: &Entry| (entry.seq, entry.kind, entry.bytes.len());
    entries.iter().map(shape).collect()
}

#[tokio::test]
async fn the_list_keeps_whom_nobody_knows_and_is_bounded() {
    let relay = TestRelay::start().await;
    let (_, mut client) = relay.person().await;
    let nobody = AccountId::new([9; 16]);
    for _ in 0..2 {
        block(&mut client, nobody, true).await;
    }
    assert_eq!(blocks(&mut client).await, [nobody]);
    block(&mut client, nobody, false).await;
    assert!(blocks(&mut client).await.is_empty());
    for n in 0..1000_u16 {
        let mut id = [1; 16];
        id[..2].copy_from_slice(&n.to_be_bytes());
        block(&mut client, AccountId::new(id), true).await;
    }
    let more = SetBlock {
        account: nobody,
        blocked: true,
    };
    let refused = client.request(more).await;
    assert_eq!(refused, Refusal::new(ErrorCode::Quota).into());
}

#[tokio::test]
async fn the_blocked_reach_nobody_and_hear_what_strangers_hear() {
    let relay = TestRelay::start().await;
    let (ana, mut ana_client) = relay.person().await;
    let (bo, mut bo_client) = relay.person().await;
    ana_client.publish(ana.device(), 3).await;
    let token = ana_client.contact_link(5).await;
    block(&mut ana_client, bo.account, true).await;
    let claim = ClaimKeyPackages {
        account: ana.account,
        client_id: client_id(),
    };
    let refused = bo_client.request(claim).await;
    assert_eq!(refused, Refusal::new(ErrorCode::NoKeyPackages).into());
    for token in [None, Some(token)] {
        let packages = [package(ana.device())];
        let (_, request) = direct(bo.device(), ana.account, token, &packages);
        let refused = bo_client.create(request).await.expect_err("refused");
        assert_eq!(refused, Refusal::new(ErrorCode::NoConsent));
    }
    block(&mut ana_client, bo.account, false).await;
    assert_eq!(bo_client.claim(ana.account).await.packages.len(), 1);
}

#[tokio::test]
async fn an_incarnation_of_what_is_not_there_tells_nobody_that_it_is_blocked() {
    let relay = TestRelay::start().await;
    let (ana, mut ana_client) = relay.person().await;
    let (bo, mut bo_client) = relay.person().await;
    block(&mut ana_client, bo.account, true).await;
    for (n, account) in [(7, ana.account), (8, AccountId::new([9; 16]))] {
        let conversation = ConversationId::new([n; 16]);
        let packages = [package(ana.device())];
        let (_, mut request) = reset(bo.device(), account, conversation, 1, &packages);
        request.commit = opaque(b"nothing that holds");
        let refused = bo_client.create(request).await.expect_err("refused");
        assert_eq!(refused, Refusal::new(ErrorCode::NoConsent));
    }
}

#[tokio::test]
async fn who_is_blocked_commits_seldom_and_begins_incarnations_as_seldom() {
    let mut config = test_config();
    config.quotas.commits_of_blocked_per_day = 2;
    let relay = TestRelay::start_with(config).await;
    let mut pair = relay.pair().await;
    block(&mut pair.ana_client, pair.bo.account, true).await;
    for _ in 0..2 {
        let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
        let request = pair.bo_group.request(&built);
        pair.bo_client.commit(request).await.expect("commits");
        pair.bo_group.merge(pair.bo.device());
    }
    let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
    let request = pair.bo_group.request(&built);
    let refused = pair.bo_client.commit(request.clone()).await;
    let refused = refused.expect_err("too often");
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert!(refused.retry_after.is_some());
    let packages = [package(pair.ana.device())];
    let (_, anew) = reset(
        pair.bo.device(),
        pair.ana.account,
        pair.conversation,
        1,
        &packages,
    );
    let refused = pair.bo_client.create(anew).await.expect_err("too often");
    assert_eq!(refused.code, ErrorCode::RateLimited);
    // the blocker is not held up, nor the other once the block is over
    block(&mut pair.ana_client, pair.bo.account, false).await;
    pair.bo_client.commit(request).await.expect("commits");
}

#[tokio::test]
async fn the_blocker_gets_entries_without_bytes_and_no_tick_tells_of_it() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    pair.bo_client
        .append(pair.append(&[b"before"]))
        .await
        .expect("appends");
    assert_eq!(
        shape(&pair.ana_client.entries(stream, 1).await),
        [(2, EntryKind::Application, 6)]
    );
    pair.ana_client.ack(stream, 2).await;
    pair.bo_client.entries(stream, 1).await;
    pair.bo_client.delivered(pair.conversation, 2).await;

    block(&mut pair.ana_client, pair.bo.account, true).await;
    pair.bo_client
        .append(pair.append(&[b"you"]))
        .await
        .expect("appends");
    let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
    let request = pair.bo_group.request(&built);
    pair.bo_client.commit(request).await.expect("commits");
    pair.bo_group.merge(pair.bo.device());
    let pushed = pair.ana_client.entries(stream, 2).await;
    assert_eq!(
        shape(&pushed),
        [
            (3, EntryKind::Application, 0),
            (4, EntryKind::Commit, built.commit.len())
        ]
    );
    let fetch = Fetch {
        stream,
        from: 3,
        limit: 10,
    };
    let Frame::Page(page) = pair.ana_client.request(fetch).await else {
        panic!("no page")
    };
    assert_eq!(page.entries, pushed);
    // the blocker's own entries come to both, and are ticked
    pair.ana_client
        .append(pair.append(&[b"me"]))
        .await
        .expect("appends");
    assert_eq!(pair.ana_client.entries(stream, 1).await[0].bytes.len(), 2);
    pair.ana_client.ack(stream, 5).await;
    // what Bo is pushed is whole
    let own = pair.bo_client.entries(stream, 3).await;
    assert!(own.iter().all(|entry| !entry.bytes.is_empty()));
    pair.bo_client.ack(stream, 5).await;
    pair.ana_client.delivered(pair.conversation, 5).await;

    // a device of the blocker that connects gets the same
    let mut again = relay.login(pair.ana.device()).await;
    again.nothing_before_reply_but_presence().await;
    // and when it ends, what comes is whole and ticks come again
    block(&mut again, pair.bo.account, false).await;
    pair.bo_client
        .append(pair.append(&[b"again"]))
        .await
        .expect("appends");
    let whole = again.entries(stream, 1).await;
    assert_eq!(shape(&whole), [(6, EntryKind::Application, 5)]);
    again.ack(stream, 6).await;
    let told = pair
        .bo_client
        .find(|frame| match frame {
            Frame::Delivered(delivered) => Some(delivered.seq),
            _ => None,
        })
        .await;
    assert!(told >= 5, "told of {told} while it was blocked");
}

#[tokio::test]
async fn no_signals_and_no_presence_pass_in_either_direction() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    block(&mut pair.ana_client, pair.bo.account, true).await;
    // Bo sees Ana leave, as if she hid herself
    let presence = pair
        .bo_client
        .find(|frame| match frame {
            Frame::Presence(presence) => Some(presence),
            _ => None,
        })
        .await;
    assert_eq!(
        (presence.account, presence.connected),
        (pair.ana.account, false)
    );
    let signal = Signal {
        conversation: pair.conversation,
        bytes: opaque(b"typing"),
        keep: false,
    };
    pair.ana_client.send(0, signal.clone()).await;
    pair.ana_client.nothing_before_reply_but_presence().await;
    pair.bo_client.send(0, signal).await;
    pair.bo_client.nothing_before_reply().await;
    pair.ana_client.nothing_before_reply().await;
    // nor to who connects now
    let mut bo = relay.login(pair.bo.device()).await;
    bo.nothing_before_reply().await;
    pair.ana_client.nothing_before_reply().await;
    block(&mut pair.ana_client, pair.bo.account, false).await;
    bo.connected(pair.ana.account).await;
}
