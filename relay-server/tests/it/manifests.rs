//! Further devices and revoked ones.

use protocol::{AccountId, ClaimKeyPackages, ErrorCode, FetchManifest, Frame, Refusal, StreamId};

use crate::{
    client::{Client, package},
    people::{Person, client_id, direct},
    relay::TestRelay,
};

async fn manifest_of(client: &mut Client, account: AccountId) -> Result<Vec<u8>, ErrorCode> {
    match client.request(FetchManifest { account }).await {
        Frame::AccountManifest(manifest) => Ok(manifest.manifest.0.to_vec()),
        Frame::Refusal(refusal) => Err(refusal.code),
        other => panic!("neither found nor refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_further_device_logs_in_once_a_manifest_certifies_it() {
    let relay = TestRelay::start().await;
    let (mut ana, mut client) = relay.person().await;
    ana.change(relay.id, true, &[]);
    let mut early = relay.dial().await;
    let refused = early.login(&ana.devices[1]).await;
    assert_eq!(refused, Err(ErrorCode::NotAuthenticated));
    for _ in 0..2 {
        assert_eq!(client.publish_manifest(&ana).await, Ok(()));
    }
    let second = relay.login(&ana.devices[1]).await;
    assert_eq!(second.ready.expect("ready").manifest, 2);
    assert_eq!(
        manifest_of(&mut client, ana.account).await,
        Ok(ana.manifest.clone())
    );
}

#[tokio::test]
async fn a_manifest_that_does_not_follow_is_refused() {
    let relay = TestRelay::start().await;
    let ana = Person::new(relay.id, 3);
    let mut client = relay.register(&ana, relay.invite(1)).await;
    let (second, third) = (ana.devices[1].id, ana.devices[2].id);
    let own = ana.device().id;
    let mut ana = ana;
    let first = ana.manifest.clone();
    // the device that publishes it
    ana.change(relay.id, false, &[own]);
    assert_eq!(
        client.publish_manifest(&ana).await,
        Err(ErrorCode::BadIdentity)
    );
    // one too many
    ana.manifest.clone_from(&first);
    ana.change(relay.id, false, &[]);
    let unseen = ana.manifest.clone();
    ana.change(relay.id, false, &[second]);
    assert_eq!(
        client.publish_manifest(&ana).await,
        Err(ErrorCode::BadIdentity)
    );
    // of another account
    let (mut bo, _bo_client) = relay.person().await;
    bo.change(relay.id, true, &[]);
    assert_eq!(
        client.publish_manifest(&bo).await,
        Err(ErrorCode::BadIdentity)
    );
    // a device that is neither in force nor revoked any more
    ana.manifest = ana.forget(&first, second);
    assert_eq!(
        client.publish_manifest(&ana).await,
        Err(ErrorCode::BadIdentity)
    );
    // who is out comes back
    ana.manifest = first;
    ana.change(relay.id, false, &[third]);
    assert_eq!(client.publish_manifest(&ana).await, Ok(()));
    ana.manifest = ana.bring_back(third);
    assert_eq!(
        client.publish_manifest(&ana).await,
        Err(ErrorCode::BadIdentity)
    );
    // a fork: number two was another one
    ana.manifest = unseen;
    assert_eq!(
        client.publish_manifest(&ana).await,
        Err(ErrorCode::BadIdentity)
    );
}

#[tokio::test]
async fn a_revoked_device_is_cut_off_at_once() {
    let relay = TestRelay::start().await;
    let mut ana = Person::new(relay.id, 2);
    let mut client = relay.register(&ana, relay.invite(1)).await;
    let mut lost = relay.login(&ana.devices[1]).await;
    lost.publish(&ana.devices[1], 3).await;
    let lost_id = ana.devices[1].id;
    ana.change(relay.id, false, &[lost_id]);
    assert_eq!(client.publish_manifest(&ana).await, Ok(()));
    // nothing else ends the connection
    assert_eq!(lost.farewell().await, Some(ErrorCode::Revoked));
    let mut again = relay.dial().await;
    let refused = again.login(&ana.devices[1]).await;
    assert_eq!(refused, Err(ErrorCode::Revoked));
    // nobody gets its key packages
    let (_, mut bo_client) = relay.person().await;
    let claim = ClaimKeyPackages {
        account: ana.account,
        client_id: client_id(),
    };
    assert_eq!(
        bo_client.request(claim).await,
        Refusal::new(ErrorCode::NoKeyPackages).into()
    );
}

#[tokio::test]
async fn a_device_that_reads_nothing_is_cut_off_as_well() {
    let relay = TestRelay::start().await;
    let mut ana = Person::new(relay.id, 2);
    let mut client = relay.register(&ana, relay.invite(1)).await;
    let (bo, mut bo_client) = relay.person().await;
    let token = client.contact_link(1).await;
    let packages = [package(ana.device()), package(&ana.devices[1])];
    let (group, request) = direct(bo.device(), ana.account, Some(token), &packages);
    let conversation = request.conversation;
    bo_client.create(request).await.expect("creates");
    let mut lost = relay.login(&ana.devices[1]).await;
    let welcome = lost.entries(StreamId::Inbox, 1).await.remove(0);
    lost.ack(StreamId::Inbox, welcome.seq).await;
    for _ in 0..60 {
        let large = vec![7; 60_000];
        let text = crate::relay::append(conversation, group.epoch(), &[&large]);
        bo_client.append(text).await.expect("appends");
    }
    let lost_id = ana.devices[1].id;
    ana.change(relay.id, false, &[lost_id]);
    assert_eq!(client.publish_manifest(&ana).await, Ok(()));
    assert_eq!(lost.farewell().await, Some(ErrorCode::Revoked));
}

#[tokio::test]
async fn only_contacts_get_a_manifest() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let (_, mut stranger) = relay.person().await;
    let ana = pair.ana.account;
    let whole = Ok(pair.ana.manifest.clone());
    assert_eq!(manifest_of(&mut pair.bo_client, ana).await, whole);
    for account in [ana, AccountId::new([9; 16])] {
        let refused = manifest_of(&mut stranger, account).await;
        assert_eq!(refused, Err(ErrorCode::NotFound));
    }
    let block = protocol::SetBlock {
        account: pair.bo.account,
        blocked: true,
    };
    pair.ana_client.request(block).await;
    let refused = manifest_of(&mut pair.bo_client, ana).await;
    assert_eq!(refused, Err(ErrorCode::NotFound));
}
