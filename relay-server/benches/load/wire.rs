//! A connection that costs the generator as little as it can.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{
    Frame, Hello, Nonce, Prove, Register, SUBPROTOCOL, Token, decode_frame, encode_frame,
    handshake, identity::sign,
};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest as _, protocol::WebSocketConfig},
};

use crate::people::{Device, Person, draw};

/// One connection.
pub(crate) struct Wire {
    pub(crate) socket: WebSocketStream<TcpStream>,
}

impl Wire {
    pub(crate) async fn dial(address: SocketAddr) -> Self {
        Self::dial_for(address, Some(SUBPROTOCOL)).await
    }

    /// Dials a server that may know no sub-protocol.
    pub(crate) async fn dial_for(address: SocketAddr, protocol: Option<&'static str>) -> Self {
        let stream = TcpStream::connect(address).await.expect("connect");
        stream.set_nodelay(true).expect("nodelay");
        let mut request = format!("ws://{address}/v1/socket")
            .into_client_request()
            .expect("request");
        if let Some(protocol) = protocol {
            request
                .headers_mut()
                .insert("sec-websocket-protocol", protocol.parse().expect("header"));
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(16 * 1024)
            .write_buffer_size(16 * 1024);
        let (socket, _) = client_async_with_config(request, stream, Some(config))
            .await
            .expect("upgrade");
        Self { socket }
    }

    pub(crate) async fn login(address: SocketAddr, device: &Device) -> Self {
        let mut wire = Self::dial(address).await;
        let (hello, challenge) = wire.hello().await;
        let message = handshake::login_message(&hello, &challenge, device.account, device.id);
        let signature = sign(&device.login, &message);
        wire.send(
            0,
            Prove {
                account: device.account,
                device: device.id,
                signature,
                announce: false,
            },
        )
        .await;
        let Frame::Ready(_) = wire.next().await else {
            panic!("not ready")
        };
        wire
    }

    pub(crate) async fn register(address: SocketAddr, person: &Person, token: Token) -> Self {
        let mut wire = Self::dial(address).await;
        let (hello, challenge) = wire.hello().await;
        let device = person.device();
        let message = handshake::registration_message(
            &hello,
            &challenge,
            person.account,
            device.id,
            &person.manifest,
            &token,
        );
        let signature = sign(&device.login, &message);
        let manifest = person.manifest.clone().into();
        wire.send(
            0,
            Register {
                token,
                manifest,
                device: device.id,
                signature,
                announce: false,
                receipt: None,
            },
        )
        .await;
        let Frame::Ready(_) = wire.next().await else {
            panic!("not registered")
        };
        wire
    }

    async fn hello(&mut self) -> (Hello, protocol::Challenge) {
        let hello = Hello {
            versions: vec![1],
            nonce: Nonce::new(draw()),
            client: "load".to_owned(),
        };
        self.send(0, hello.clone()).await;
        let Frame::Challenge(challenge) = self.next().await else {
            panic!("no challenge")
        };
        (hello, challenge)
    }

    pub(crate) async fn send(&mut self, id: u32, frame: impl Into<Frame>) {
        let bytes = encode_frame(id, &frame.into());
        self.socket
            .send(Message::Binary(bytes.into()))
            .await
            .expect("send");
    }

    /// Queues a frame for the next flush.
    pub(crate) async fn feed(&mut self, id: u32, frame: impl Into<Frame>) {
        let bytes = encode_frame(id, &frame.into());
        self.socket
            .feed(Message::Binary(bytes.into()))
            .await
            .expect("feed");
    }

    pub(crate) async fn flush(&mut self) {
        self.socket.flush().await.expect("flush");
    }

    pub(crate) async fn next(&mut self) -> Frame {
        loop {
            match self.socket.next().await.expect("open").expect("read") {
                Message::Binary(bytes) => return decode_frame(&bytes).expect("a frame").1,
                Message::Close(_) => panic!("closed"),
                _ => {}
            }
        }
    }
}
