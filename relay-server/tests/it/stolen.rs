//! A device in wrong hands: what its keys sign must not keep the owner out.

use std::path::Path;

use protocol::{DeviceId, ErrorCode, Frame, Receipt, Recover, StoreRecord, Token};
use relay_server::Relay;

use crate::{
    client::{Client, opaque},
    people::{Person, draw},
    relay::TestRelay,
};

/// How far a list that comes back may be ahead.
const MOST_LOST: u64 = 1 << 16;

fn receipt(client: &Client) -> Receipt {
    let ready = client.ready.as_ref().expect("ready");
    ready.receipt.clone().expect("a receipt")
}

/// Comes back by the receipt, with the newest list and the first device of a person.
async fn returns(
    relay: &TestRelay,
    person: &Person,
    receipt: &Receipt,
) -> Result<(Client, u64), ErrorCode> {
    let mut client = relay.dial().await;
    let token = Token::new(draw());
    let receipt = Some(receipt.clone());
    let ready = client
        .register_with(person, person.device(), token, receipt)
        .await?;
    Ok((client, ready.manifest))
}

fn back_up(relay: &TestRelay, to: &Path) {
    Relay::open_with(relay.dir.path(), relay.config.clone())
        .expect("opens")
        .backup(to)
        .expect("backs up");
}

/// Stops a relay and starts it from a backup that was made before.
async fn restore(relay: TestRelay, backup: &Path) -> TestRelay {
    let (old, config) = relay.stop().await;
    let key = backup.with_file_name("identity-key");
    std::fs::copy(old.path().join("identity-key"), key).expect("the key beside the backup");
    let dir = tempfile::tempdir().expect("a directory");
    Relay::restore(dir.path(), backup).expect("restores");
    TestRelay::open(dir, config).await
}

#[tokio::test]
async fn nobody_uses_up_the_numbers_of_an_accounts_lists() {
    let relay = TestRelay::start().await;
    let (mut ana, client) = relay.person().await;
    let (first, receipt) = (ana.manifest.clone(), receipt(&client));
    // the first three are no numbers of a list, the others are too far ahead
    for number in [
        u64::MAX,
        i64::MAX.unsigned_abs(),
        1 << 47,
        (1 << 47) - 1,
        MOST_LOST + 2,
    ] {
        ana.manifest.clone_from(&first);
        ana.skip_to(number, &[]);
        let refused = returns(&relay, &ana, &receipt).await.err();
        assert_eq!(refused, Some(ErrorCode::BadIdentity), "{number}");
    }
    ana.manifest = first;
    ana.skip_to(MOST_LOST + 1, &[]);
    let (_client, manifest) = returns(&relay, &ana, &receipt).await.expect("returns");
    assert_eq!(manifest, MOST_LOST + 1);
    // nor where the account is lost
    let empty = TestRelay::start().await;
    let folder = tempfile::tempdir().expect("a directory");
    let backup = folder.path().join("backup");
    back_up(&empty, &backup);
    let (mut bo, client) = empty.person().await;
    let receipt = self::receipt(&client);
    let empty = restore(empty, &backup).await;
    // one too far, and the farthest
    bo.skip_to(MOST_LOST + 1, &[]);
    let refused = returns(&empty, &bo, &receipt).await.err();
    assert_eq!(refused, Some(ErrorCode::BadIdentity));
    bo.skip_to(MOST_LOST, &[]);
    returns(&empty, &bo, &receipt).await.expect("returns");
}

#[tokio::test]
async fn a_list_is_not_filled_up_with_devices_that_never_were() {
    let relay = TestRelay::start().await;
    let (mut ana, mut client) = relay.person().await;
    let first = ana.manifest.clone();
    ana.change(relay.id, true, &[DeviceId::new(draw())]);
    let refused = client.publish_manifest(&ana).await;
    assert_eq!(refused, Err(ErrorCode::BadIdentity));
    // a list that comes back to a restored relay may name some that it never knew, and so may those after it
    ana.manifest = first;
    ana.skip_to(3, &[DeviceId::new(draw())]);
    let (mut client, manifest) = returns(&relay, &ana, &receipt(&client))
        .await
        .expect("returns");
    assert_eq!(manifest, 3);
    ana.change(relay.id, true, &[]);
    assert_eq!(client.publish_manifest(&ana).await, Ok(()));
}

#[tokio::test]
async fn a_stolen_device_does_not_outrun_the_root_key() {
    let relay = TestRelay::start().await;
    let (mut ana, mut thief) = relay.person().await;
    let anew = ana.restored(relay.id, &[ana.device().id]);
    // between the question for the newest list and the one that follows it
    for _ in 0..2 {
        ana.change(relay.id, true, &[]);
        assert_eq!(thief.publish_manifest(&ana).await, Ok(()));
    }
    let mut client = relay.dial().await;
    let ready = client.enroll(&anew, anew.device()).await.expect("enrolls");
    assert_eq!(ready.manifest, 2);
    assert_eq!(thief.farewell().await, Some(ErrorCode::Revoked));
    for device in &ana.devices {
        let mut client = relay.dial().await;
        assert_eq!(client.login(device).await, Err(ErrorCode::Revoked));
    }
}

#[tokio::test]
async fn who_came_back_by_the_code_does_so_again_after_a_restore_whatever_the_stolen_device_did() {
    let relay = TestRelay::start().await;
    let (mut ana, mut client) = relay.person().await;
    let record = Token::new(draw());
    let bytes = b"sealed";
    let store = StoreRecord {
        record,
        bytes: opaque(bytes),
        signature: Some(ana.sign_record(relay.id, &record, bytes)),
    };
    assert!(matches!(client.request(store).await, Frame::Done(_)));
    let folder = tempfile::tempdir().expect("a directory");
    let backup = folder.path().join("backup");
    back_up(&relay, &backup);
    let stolen = ana.device().id;
    let anew = ana.restored(relay.id, &[stolen]);
    let mut client = relay.dial().await;
    let (hello, challenge) = client.hello().await;
    client.send(0, Recover { record }).await;
    assert!(matches!(
        client.next().await,
        Some((0, Frame::Recovered(_)))
    ));
    client
        .enroll_after(&anew, anew.device(), &hello, &challenge)
        .await
        .expect("enrolls");
    let receipt = receipt(&client);

    let relay = restore(relay, &backup).await;
    // the backup knows the stolen device and not the new one; the thief goes on from there
    let mut thief = relay.login(ana.device()).await;
    for _ in 0..2 {
        ana.change(relay.id, true, &[]);
        assert_eq!(thief.publish_manifest(&ana).await, Ok(()));
    }
    let mut second = relay.login(&ana.devices[1]).await;
    let mut lost = relay.dial().await;
    let refused = lost.login(anew.device()).await;
    assert_eq!(refused, Err(ErrorCode::NotAuthenticated));
    let (_client, manifest) = returns(&relay, &anew, &receipt).await.expect("returns");
    assert_eq!(manifest, 2);
    for client in [&mut thief, &mut second] {
        assert_eq!(client.farewell().await, Some(ErrorCode::Revoked));
    }
    // nor does its receipt help the thief
    let refused = returns(&relay, &ana, &receipt).await.err();
    assert_eq!(refused, Some(ErrorCode::Revoked));
    relay.login(anew.device()).await;
}
