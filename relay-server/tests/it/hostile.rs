//! Bytes that no client of ours sends.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{ErrorCode, Frame, Ready, StreamId, encode_frame};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

use crate::client::Client;
use crate::relay::{TestRelay, test_config};

#[tokio::test]
async fn garbage_ends_the_connection_that_sent_it_and_no_other() {
    let relay = TestRelay::start().await;
    let (person, mut client) = relay.person().await;
    let (_, mut other) = relay.person().await;
    let valid = encode_frame(1, &protocol::Announce { announce: true }.into());
    let mut garbage: Vec<Vec<u8>> = vec![
        Vec::new(),
        vec![0xff; 3],
        vec![0x83; 60_000],
        vec![0x9f; 100],
    ];
    garbage.extend((1..valid.len()).map(|len| valid[..len].to_vec()));
    garbage.push([&valid[..], &[0]].concat());
    for bytes in garbage {
        client.send_bytes(bytes.clone()).await;
        assert_eq!(
            client.farewell().await,
            Some(ErrorCode::BadFrame),
            "{bytes:02x?}"
        );
        client = relay.login(person.device()).await;
    }
    // frames that only a relay sends, and requests that name no reply
    let bye = protocol::Bye {
        code: ErrorCode::Internal,
        retry_after: None,
    };
    for (id, frame) in [
        (1, Frame::from(bye)),
        (0, protocol::Announce { announce: true }.into()),
    ] {
        client.send(id, frame).await;
        assert_eq!(client.farewell().await, Some(ErrorCode::BadFrame));
        client = relay.login(person.device()).await;
    }
    other.nothing_before_reply().await;
}

#[tokio::test]
async fn who_sends_too_large_a_message_is_told_so() {
    let relay = TestRelay::start().await;
    let (_, mut client) = relay.person().await;
    let message = Message::Binary(vec![0; protocol::bounds::FRAME + 1].into());
    client.socket.send(message).await.expect("send");
    assert_eq!(client.farewell().await, Some(ErrorCode::BadFrame));
}

#[tokio::test]
async fn an_unknown_type_is_refused_by_its_id_or_ignored() {
    let relay = TestRelay::start().await;
    let (_, mut client) = relay.person().await;
    client
        .send_bytes(vec![0x83, 0x19, 0x03, 0xe8, 0x00, 0xa0])
        .await;
    client
        .send_bytes(vec![0x83, 0x19, 0x03, 0xe8, 0x07, 0xa0])
        .await;
    let Frame::Refusal(refusal) = client.reply(7).await else {
        panic!("not refused")
    };
    assert_eq!(refusal.code, ErrorCode::UnknownType);
    client.nothing_before_reply().await;
}

#[tokio::test]
async fn nothing_but_the_handshake_has_a_place_before_ready() {
    let relay = TestRelay::start().await;
    let mut client = relay.dial().await;
    client
        .send(
            0,
            protocol::Ack {
                stream: StreamId::Inbox,
                seq: 1,
            },
        )
        .await;
    assert_eq!(client.farewell().await, Some(ErrorCode::BadFrame));
    let mut client = relay.dial().await;
    client
        .socket
        .send(Message::Text("hello".into()))
        .await
        .expect("send");
    assert_eq!(client.farewell().await, Some(ErrorCode::BadFrame));
    let mut client = relay.dial().await;
    drop(
        client
            .socket
            .send(Message::Binary(vec![0; 70_000].into()))
            .await,
    );
    assert_eq!(client.farewell().await, None::<ErrorCode>);
}

#[tokio::test]
async fn trickles_are_cut_off_at_every_stage() {
    let mut config = test_config();
    config.timeouts.header = 200;
    // somebody registers meanwhile, and a disk takes its time
    config.timeouts.login = 1_500;
    config.timeouts.ping = 150;
    config.timeouts.dead = 300;
    let relay = TestRelay::start_with(config).await;
    let patience = Duration::from_secs(10);
    for head in ["", "GET /v1/so", "GET /v1/socket HTTP/1.1\r\nHost: a\r\n"] {
        let mut stream = TcpStream::connect(relay.address).await.expect("connect");
        stream.write_all(head.as_bytes()).await.expect("write");
        let mut rest = Vec::new();
        drop(
            timeout(patience, stream.read_to_end(&mut rest))
                .await
                .expect("closed in time"),
        );
    }
    let mut silent = relay.dial().await;
    assert_eq!(silent.farewell().await, Some(ErrorCode::TimedOut));
    let mut halfway = relay.dial().await;
    halfway.hello().await;
    assert_eq!(halfway.farewell().await, Some(ErrorCode::TimedOut));
    // one that answers no ping: its socket is not read
    let (_, mut deaf) = relay.person().await;
    let stream = deaf.socket.get_mut();
    let mut bytes = vec![0; 1024];
    let mut seen = Vec::new();
    loop {
        let read = timeout(patience, stream.read(&mut bytes))
            .await
            .expect("closed in time")
            .unwrap_or(0);
        if read == 0 {
            break;
        }
        seen.extend_from_slice(&bytes[..read]);
    }
    assert!(seen.starts_with(&[0x89, 0]), "a ping first: {seen:02x?}");
}

#[tokio::test]
async fn a_live_connection_is_kept_by_its_pongs() {
    let mut config = test_config();
    config.timeouts.ping = 100;
    config.timeouts.dead = 1_500;
    let relay = TestRelay::start_with(config).await;
    let (_, mut client) = relay.person().await;
    // reading answers pings; twice the deadline passes
    for _ in 0..5 {
        match timeout(Duration::from_secs(10), client.socket.next())
            .await
            .expect("a ping in time")
        {
            Some(Ok(Message::Ping(_))) => {}
            other => panic!("not a ping: {other:?}"),
        }
    }
    client.nothing_before_reply().await;
}

#[tokio::test]
async fn rates_are_refused_with_a_time_to_wait() {
    let mut config = test_config();
    config.quotas.appends_per_second = 1;
    config.quotas.appends_burst = 3;
    config.quotas.failed_logins_per_minute = 1;
    let relay = TestRelay::start_with(config).await;
    let mut pair = relay.pair().await;
    let first = pair.append(&[b"1", b"2", b"3"]);
    pair.bo_client.append(first.clone()).await.expect("appends");
    let more = pair.append(&[b"4", b"5"]);
    let refusal = pair.bo_client.append(more).await.expect_err("too fast");
    assert_eq!(refusal.code, ErrorCode::RateLimited);
    assert!(refusal.retry_after.is_some());
    // a repeat is no new work
    pair.bo_client.append(first).await.expect("again");

    let mut codes = Vec::new();
    for _ in 0..2 {
        let stranger = crate::people::Person::new(relay.id, 1);
        codes.push(
            relay
                .dial()
                .await
                .login(stranger.device())
                .await
                .map(|ready: Ready| ready.time),
        );
    }
    assert_eq!(
        codes,
        [
            Err(ErrorCode::NotAuthenticated),
            Err(ErrorCode::RateLimited)
        ]
    );
    // who is known still gets in
    let mut known = Client::dial(relay.address).await;
    known.login(pair.bo.device()).await.expect("logs in");
}
