//! Publishing and claiming key packages.

use protocol::{ErrorCode, Frame, Opaque, PublishKeyPackages};

use crate::{client::Client, people::client_id, relay::TestRelay};

async fn publish(client: &mut Client, packages: Vec<Opaque>) -> Result<u16, ErrorCode> {
    let publish = PublishKeyPackages {
        packages,
        last_resort: None,
        replace: false,
    };
    match client.request(publish).await {
        Frame::KeyPackageCount(count) => Ok(count.count),
        Frame::Refusal(refusal) => Err(refusal.code),
        other => panic!("neither counted nor refused: {other:?}"),
    }
}

#[tokio::test]
async fn packages_that_are_not_usable_now_are_refused() {
    let relay = TestRelay::start().await;
    let (ana, mut client) = relay.person().await;
    let device = ana.device();
    for days in [0, 86] {
        let packages = vec![device.key_package(), device.key_package_for(days)];
        assert_eq!(
            publish(&mut client, packages).await,
            Err(ErrorCode::BadIdentity),
            "usable for {days} days"
        );
    }
    assert_eq!(
        publish(&mut client, vec![device.key_package()]).await,
        Ok(1)
    );
    let mut again = relay.login(device).await;
    assert_eq!(again.ready.take().expect("ready").key_packages, 1);
}

#[tokio::test]
async fn of_the_own_account_with_one_device_there_is_nothing_to_claim_and_that_is_no_error() {
    let relay = TestRelay::start().await;
    let (ana, mut client) = relay.person().await;
    let claimed = client.claim(ana.account).await;
    assert_eq!(&claimed.manifest.0[..], &ana.manifest[..]);
    assert!(claimed.packages.is_empty());
}

#[tokio::test]
async fn of_another_account_with_nothing_left_and_of_nobody_the_answer_is_the_same() {
    let relay = TestRelay::start().await;
    let (ana, _ana_client) = relay.person().await;
    let (_, mut client) = relay.person().await;
    for account in [ana.account, protocol::AccountId::new([9; 16])] {
        let claim = protocol::ClaimKeyPackages {
            account,
            client_id: client_id(),
        };
        let expected = protocol::Refusal::new(ErrorCode::NoKeyPackages);
        assert_eq!(client.request(claim).await, Frame::from(expected));
    }
}
