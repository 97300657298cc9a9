//! A person who has nothing but the recovery code.

use protocol::{
    Conversations, ErrorCode, Frame, ListConversations, Recover, Refusal, RelayId, Signature,
    StoreRecord, Token,
};

use crate::{
    client::{Client, opaque},
    people::draw,
    relay::{TestRelay, test_config},
};

async fn store(
    client: &mut Client,
    record: Token,
    bytes: &[u8],
    signature: Option<Signature>,
) -> Frame {
    let bytes = opaque(bytes);
    let store = StoreRecord {
        record,
        bytes,
        signature,
    };
    client.request(store).await
}

/// What the relay hands to whoever can name the record.
async fn recovered(relay: &TestRelay, record: Token) -> Option<Vec<u8>> {
    let mut client = relay.dial().await;
    client.hello().await;
    client.send(0, Recover { record }).await;
    match client.next().await {
        Some((0, Frame::Recovered(recovered))) => Some(recovered.bytes.0.to_vec()),
        _ => None,
    }
}

async fn conversations(client: &mut Client, list: ListConversations) -> Conversations {
    match client.request(list).await {
        Frame::Conversations(conversations) => conversations,
        other => panic!("no list: {other:?}"),
    }
}

#[tokio::test]
async fn who_can_name_the_record_comes_back_with_a_new_device() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let record = Token::new(draw());
    for bytes in [&b"older"[..], b"sealed"] {
        let signature = pair.bo.sign_record(relay.id, &record, bytes);
        let stored = store(&mut pair.bo_client, record, bytes, Some(signature)).await;
        assert!(matches!(stored, Frame::Done(_)));
    }
    let mut client = relay.dial().await;
    let (hello, challenge) = client.hello().await;
    client.send(0, Recover { record }).await;
    let Some((0, Frame::Recovered(recovered))) = client.next().await else {
        panic!("no record")
    };
    assert_eq!(recovered.account, pair.bo.account);
    assert_eq!(&recovered.bytes.0[..], b"sealed");
    assert_eq!(recovered.manifest.0, pair.bo.manifest);
    // the new device takes the place of all others
    let former = pair.bo.device().id;
    pair.bo.change(relay.id, true, &[former]);
    let device = &pair.bo.devices[1];
    let ready = client
        .enroll_after(&pair.bo, device, &hello, &challenge)
        .await
        .expect("enrolls");
    assert_eq!((ready.manifest, ready.sent), (2, 0));
    assert!(
        ready
            .receipt
            .is_some_and(|receipt| receipt.account == pair.bo.account)
    );
    assert_eq!(pair.bo_client.farewell().await, Some(ErrorCode::Revoked));
    let found = conversations(&mut client, ListConversations { after: None }).await;
    let of = &found.conversations[0];
    assert_eq!(
        (of.conversation, of.peer),
        (pair.conversation, pair.ana.account)
    );
    assert!(!found.more);
    let after = Some(pair.conversation);
    let rest = conversations(&mut client, ListConversations { after }).await;
    assert!(rest.conversations.is_empty());
    // the answer was lost: the same once more, without the record
    let mut again = relay.dial().await;
    again.enroll(&pair.bo, device).await.expect("again");
}

#[tokio::test]
async fn a_record_of_another_account_is_not_replaced() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let record = Token::new(draw());
    store(&mut pair.bo_client, record, b"mine", None).await;
    let signature = pair.ana.sign_record(relay.id, &record, b"ours");
    let stored = store(&mut pair.ana_client, record, b"ours", Some(signature)).await;
    let Frame::Refusal(refusal) = stored else {
        panic!("stored")
    };
    assert_eq!(refusal.code, ErrorCode::IdConflict);
}

#[tokio::test]
async fn who_has_a_login_key_and_not_the_root_key_replaces_no_record() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let (record, other) = (Token::new(draw()), Token::new(draw()));
    let bytes = b"sealed";
    let bo = pair.bo.sign_record(relay.id, &record, bytes);
    let stored = store(&mut pair.bo_client, record, bytes, Some(bo)).await;
    assert!(matches!(stored, Frame::Done(_)));
    let mine = b"worthless";
    let elsewhere = RelayId::new([9; RelayId::LEN]);
    let attempts = [
        (record, &mine[..], None),
        (other, &mine[..], None),
        (other, &bytes[..], None),
        // the signature of what is held, of another account, for another relay, of another name
        (record, &mine[..], Some(bo)),
        (other, &bytes[..], Some(bo)),
        (
            other,
            &mine[..],
            Some(pair.ana.sign_record(relay.id, &other, mine)),
        ),
        (
            other,
            &mine[..],
            Some(pair.bo.sign_record(elsewhere, &other, mine)),
        ),
        (
            other,
            &mine[..],
            Some(pair.bo.sign_record(relay.id, &record, mine)),
        ),
    ];
    for (name, bytes, signature) in attempts {
        let stored = store(&mut pair.bo_client, name, bytes, signature).await;
        assert_eq!(stored, Refusal::new(ErrorCode::BadIdentity).into());
        assert_eq!(recovered(&relay, other).await, None);
    }
    assert_eq!(recovered(&relay, record).await.unwrap(), bytes);
    // a device of an early version tells the same again
    let stored = store(&mut pair.bo_client, record, bytes, None).await;
    assert!(matches!(stored, Frame::Done(_)));
    let bo = pair.bo.sign_record(relay.id, &other, b"of a new code");
    let stored = store(&mut pair.bo_client, other, b"of a new code", Some(bo)).await;
    assert!(matches!(stored, Frame::Done(_)));
    assert_eq!(recovered(&relay, record).await, None);
    assert_eq!(recovered(&relay, other).await.unwrap(), b"of a new code");
}

#[tokio::test]
async fn an_unsigned_record_is_taken_where_there_is_none_and_gives_way_to_a_signed_one() {
    let relay = TestRelay::start().await;
    let (bo, mut client) = relay.person().await;
    let record = Token::new(draw());
    let stored = store(&mut client, record, b"worthless", None).await;
    assert!(matches!(stored, Frame::Done(_)));
    let signature = bo.sign_record(relay.id, &record, b"sealed");
    let stored = store(&mut client, record, b"sealed", Some(signature)).await;
    assert!(matches!(stored, Frame::Done(_)));
    assert_eq!(recovered(&relay, record).await.unwrap(), b"sealed");
}

#[tokio::test]
async fn what_does_not_hold_is_refused_and_counted() {
    let mut config = test_config();
    config.quotas.failed_logins_per_minute = 4;
    let relay = TestRelay::start_with(config).await;
    let (mut ana, _client) = relay.person().await;
    let record = Token::new(draw());
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let mut client = relay.dial().await;
        client.hello().await;
        client.send(0, Recover { record }).await;
        outcomes.push(client.farewell().await);
    }
    // a manifest that does not follow, and a device that is not in it
    ana.change(relay.id, true, &[]);
    ana.change(relay.id, true, &[]);
    let stranger = crate::people::Person::new(relay.id, 1);
    for device in [&ana.devices[2], stranger.device(), &ana.devices[2]] {
        let mut client = relay.dial().await;
        outcomes.push(client.enroll(&ana, device).await.err());
    }
    let expected = [
        ErrorCode::NotAuthenticated,
        ErrorCode::NotAuthenticated,
        ErrorCode::BadIdentity,
        ErrorCode::BadIdentity,
        ErrorCode::RateLimited,
    ];
    assert_eq!(outcomes, expected.map(Some));
}

#[tokio::test]
async fn an_account_that_is_not_here_enrolls_nobody() {
    let relay = TestRelay::start().await;
    let stranger = crate::people::Person::new(relay.id, 1);
    let mut client = relay.dial().await;
    let refused = client.enroll(&stranger, stranger.device()).await;
    assert_eq!(refused, Err(ErrorCode::NotAuthenticated));
}

#[tokio::test]
async fn a_record_is_asked_for_once_on_a_connection_and_only_before_the_login() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let record = Token::new(draw());
    store(&mut pair.bo_client, record, b"sealed", None).await;
    let mut client = relay.dial().await;
    client.hello().await;
    client.send(0, Recover { record }).await;
    assert!(matches!(
        client.next().await,
        Some((0, Frame::Recovered(_)))
    ));
    client.send(0, Recover { record }).await;
    assert_eq!(client.farewell().await, Some(ErrorCode::BadFrame));
    pair.ana_client.send(1, Recover { record }).await;
    assert_eq!(pair.ana_client.farewell().await, Some(ErrorCode::BadFrame));
}
