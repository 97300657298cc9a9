//! What comes before the first frame: the head of the request, and what a client offers in it.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{client::PATIENCE, relay::TestRelay};

/// An upgrade of ours, with these headers more.
fn upgrade(headers: &str) -> String {
    format!(
        "GET /v1/socket HTTP/1.1\r\nHost: relay\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: relevo.v1\r\n{headers}\r\n"
    )
}

/// What is answered to a head, as far as the end of the answer's own head, or of the connection.
async fn answer(relay: &TestRelay, head: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(relay.address).await.expect("connect");
    // one that is refused may be closed before all of it is written
    drop(stream.write_all(head.as_bytes()).await);
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        match timeout(PATIENCE, stream.read_u8()).await.expect("in time") {
            Ok(byte) => answer.push(byte),
            Err(_) => break,
        }
    }
    (String::from_utf8(answer).expect("text"), stream)
}

#[tokio::test]
async fn a_head_of_more_than_8_kib_or_64_headers_is_refused() {
    let relay = TestRelay::start().await;
    for headers in [
        format!("X-Large: {}\r\n", "a".repeat(1024 * 1024)),
        format!("X-Large: {}\r\n", "a".repeat(9 * 1024)),
        (0..64).map(|number| format!("X-{number}: a\r\n")).collect(),
    ] {
        let (answer, mut stream) = answer(&relay, &upgrade(&headers)).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
            "{answer}"
        );
        let mut rest = Vec::new();
        drop(
            timeout(PATIENCE, stream.read_to_end(&mut rest))
                .await
                .expect("closed"),
        );
        assert!(!String::from_utf8_lossy(&rest).contains(" 101 "));
    }
    // just within
    let (answer, _stream) =
        answer(&relay, &upgrade(&format!("X-A: {}\r\n", "a".repeat(6000)))).await;
    assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
}

#[tokio::test]
async fn compression_is_not_taken_up_and_a_compressed_frame_ends_the_connection() {
    let relay = TestRelay::start().await;
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\
                 Accept-Encoding: gzip, br, zstd\r\n";
    let (answer, mut stream) = answer(&relay, &upgrade(offer)).await;
    let answer = answer.to_lowercase();
    assert!(answer.starts_with("http/1.1 101"), "{answer}");
    assert!(!answer.contains("sec-websocket-extensions"), "{answer}");
    assert!(!answer.contains("content-encoding"), "{answer}");
    // final, RSV1, binary; masked; nothing but an empty deflate block
    stream
        .write_all(&[0xc2, 0x81, 0, 0, 0, 0, 0x00])
        .await
        .expect("write");
    let mut rest = Vec::new();
    drop(
        timeout(PATIENCE, stream.read_to_end(&mut rest))
            .await
            .expect("closed"),
    );
    // at most a goodbye and a closing frame: the frame was never looked into
    assert!(rest.len() < 100, "{} bytes", rest.len());
}
