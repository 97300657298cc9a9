//! hello → challenge → prove or register.

use protocol::{Digest, ErrorCode, Frame, Hello, Nonce, RelayId, handshake, identity};

use crate::{
    client::Client,
    people::{Person, draw},
    relay::{TestRelay, test_config},
};

#[tokio::test]
async fn the_relay_proves_its_identity_and_a_registered_device_logs_in() {
    let relay = TestRelay::start().await;
    let (person, client) = relay.person().await;
    let ready = client.ready.expect("ready");
    let receipt = ready.receipt.expect("a receipt");
    assert_eq!(receipt.account, person.account);

    let mut again = relay.dial().await;
    let (hello, challenge) = again.hello().await;
    assert_eq!(RelayId::of_identity_key(&challenge.identity_key), relay.id);
    assert_eq!(challenge.tls_key, None::<Digest>);
    let message = handshake::challenge_message(&hello, &challenge);
    identity::verify(&challenge.identity_key, &message, &challenge.signature)
        .expect("signed by the relay");
    let message = handshake::receipt_message(relay.id, receipt.account, receipt.time);
    identity::verify(&challenge.identity_key, &message, &receipt.signature)
        .expect("a signed receipt");

    again
        .send(0, Client::proof(person.device(), &hello, &challenge))
        .await;
    let ready = again.opened().await.expect("logs in");
    assert!(ready.receipt == Some(receipt) && ready.news.is_empty());
}

#[tokio::test]
async fn a_proof_of_another_connection_is_refused() {
    let relay = TestRelay::start().await;
    let (person, _client) = relay.person().await;
    let mut first = relay.dial().await;
    let (hello, challenge) = first.hello().await;
    let recorded = Client::proof(person.device(), &hello, &challenge);
    let mut second = relay.dial().await;
    second.send(0, hello).await;
    assert!(matches!(
        second.next().await,
        Some((_, Frame::Challenge(_)))
    ));
    second.send(0, recorded).await;
    assert_eq!(second.opened().await, Err(ErrorCode::NotAuthenticated));
}

#[tokio::test]
async fn a_tampered_proof_an_unknown_device_and_an_unknown_account_get_the_same_answer() {
    let relay = TestRelay::start().await;
    let (person, _client) = relay.person().await;
    let stranger = Person::new(relay.id, 1);
    for case in 0..4 {
        let mut client = relay.dial().await;
        let (hello, challenge) = client.hello().await;
        let mut prove = Client::proof(person.device(), &hello, &challenge);
        match case {
            0 => prove.signature = identity::sign(&person.device().login, b"something else"),
            1 => prove.device = stranger.device().id,
            2 => prove.account = stranger.account,
            _ => prove = Client::proof(stranger.device(), &hello, &challenge),
        }
        client.send(0, prove).await;
        assert_eq!(
            client.opened().await,
            Err(ErrorCode::NotAuthenticated),
            "case {case}"
        );
    }
}

#[tokio::test]
async fn a_client_of_another_version_is_told_so() {
    let relay = TestRelay::start().await;
    let mut client = relay.dial().await;
    client
        .send(
            0,
            Hello {
                versions: vec![7],
                nonce: Nonce::new(draw()),
                client: "test".to_owned(),
            },
        )
        .await;
    assert_eq!(client.farewell().await, Some(ErrorCode::UnsupportedVersion));
}

#[tokio::test]
async fn registering_again_is_a_login_and_takes_no_further_use() {
    let relay = TestRelay::start().await;
    let token = relay.invite(1);
    let person = Person::new(relay.id, 1);
    let first = relay
        .register(&person, token)
        .await
        .ready
        .and_then(|ready| ready.receipt)
        .expect("a receipt");
    let second = relay
        .register(&person, token)
        .await
        .ready
        .and_then(|ready| ready.receipt)
        .expect("a receipt");
    assert_eq!(first.time, second.time);

    let other = Person::new(relay.id, 1);
    let mut client = relay.dial().await;
    assert_eq!(
        client.register(&other, other.device(), token).await,
        Err(ErrorCode::BadLink)
    );
    let fork = person.forked(relay.id);
    let mut client = relay.dial().await;
    assert_eq!(
        client.register(&fork, fork.device(), token).await,
        Err(ErrorCode::BadIdentity)
    );
}

#[tokio::test]
async fn a_manifest_of_another_relay_is_refused() {
    let relay = TestRelay::start().await;
    let person = Person::new(RelayId::new([7; 32]), 1);
    let mut client = relay.dial().await;
    assert_eq!(
        client
            .register(&person, person.device(), relay.invite(1))
            .await,
        Err(ErrorCode::BadIdentity)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_64_who_spend_the_same_use_exactly_one_gets_in() {
    let relay = TestRelay::start().await;
    let token = relay.invite(1);
    let mut joins = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (address, id) = (relay.address, relay.id);
        joins.spawn(async move {
            let person = Person::new(id, 1);
            let mut client = Client::dial(address).await;
            client
                .register(&person, person.device(), token)
                .await
                .map(drop)
        });
    }
    let outcomes = joins.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Err(ErrorCode::BadLink))
            .count(),
        63
    );
}

#[tokio::test]
async fn the_newest_connection_of_a_device_wins() {
    let relay = TestRelay::start().await;
    let (person, mut first) = relay.person().await;
    let mut second = relay.login(person.device()).await;
    assert_eq!(first.farewell().await, Some(ErrorCode::Replaced));
    second.nothing_before_reply().await;
}

#[tokio::test]
async fn a_device_that_logs_in_too_often_waits_and_keeps_nobody_else_out() {
    let mut config = test_config();
    config.quotas.logins_per_minute = 2;
    let relay = TestRelay::start_with(config).await;
    let (ana, _ana_client) = relay.person().await;
    let (bo, _bo_client) = relay.person().await;
    for outcome in [None, None, Some(ErrorCode::RateLimited)] {
        let login = relay.dial().await.login(ana.device()).await;
        assert_eq!(login.err(), outcome);
    }
    relay.login(bo.device()).await;
}
