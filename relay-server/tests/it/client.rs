//! A client that speaks the protocol and nothing more.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{
    Ack, Append, Appended, Challenge, ClaimKeyPackages, Claimed, ClaimedKeyPackage, Committed,
    ConversationId, CreateConversation, Entry, ErrorCode, Frame, Hello, LinkSecret, Nonce, Opaque,
    Prove, PublishKeyPackages, Ready, Receipt, Refusal, Register, SUBPROTOCOL, StreamId, Token,
    decode_frame, encode_frame, handshake, identity::sign,
};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _},
};

use crate::people::{Device, Person, client_id, draw};

/// Nothing on a loopback takes this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a client's socket holds that is not read, in bytes.
const RECEIVES: u32 = 1 << 20;

/// One connection.
pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pushes: VecDeque<Frame>,
    last_id: u32,
    pub(crate) ready: Option<Ready>,
}

impl Client {
    pub(crate) async fn dial(address: SocketAddr) -> Self {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()
        } else {
            TcpSocket::new_v6()
        };
        let socket = socket.expect("a socket");
        // some machines hold tens of megabytes for a peer that does not read
        socket.set_recv_buffer_size(RECEIVES).expect("a size");
        let stream = socket.connect(address).await.expect("connect");
        stream.set_nodelay(true).expect("nodelay");
        let mut request = format!("ws://{address}/v1/socket")
            .into_client_request()
            .expect("request");
        request.headers_mut().insert(
            "sec-websocket-protocol",
            SUBPROTOCOL.parse().expect("header"),
        );
        let (socket, _) = client_async(request, stream).await.expect("upgrade");
        Self {
            socket,
            pushes: VecDeque::new(),
            last_id: 0,
            ready: None,
        }
    }

    pub(crate) async fn send_bytes(&mut self, bytes: Vec<u8>) {
        self.socket
            .send(Message::Binary(bytes.into()))
            .await
            .expect("send");
    }

    pub(crate) async fn send(&mut self, id: u32, frame: impl Into<Frame>) {
        self.send_bytes(encode_frame(id, &frame.into())).await;
    }

    /// The next frame; `None` when the connection is closed.
    pub(crate) async fn next(&mut self) -> Option<(u32, Frame)> {
        loop {
            match timeout(PATIENCE, self.socket.next())
                .await
                .expect("something in time")
            {
                Some(Ok(Message::Binary(bytes))) => {
                    return Some(decode_frame(&bytes).expect("a frame"));
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// hello → challenge.
    pub(crate) async fn hello(&mut self) -> (Hello, Challenge) {
        let hello = Hello {
            versions: vec![1],
            nonce: Nonce::new(draw()),
            client: "test".to_owned(),
        };
        self.send(0, hello.clone()).await;
        let Some((_, Frame::Challenge(challenge))) = self.next().await else {
            panic!("no challenge")
        };
        (hello, challenge)
    }

    pub(crate) fn proof(device: &Device, hello: &Hello, challenge: &Challenge) -> Prove {
        let message = handshake::login_message(hello, challenge, device.account, device.id);
        let signature = sign(&device.login, &message);
        Prove {
            account: device.account,
            device: device.id,
            signature,
            announce: true,
        }
    }

    pub(crate) async fn login(&mut self, device: &Device) -> Result<Ready, ErrorCode> {
        self.login_as(device, true).await
    }

    pub(crate) async fn login_as(
        &mut self,
        device: &Device,
        announce: bool,
    ) -> Result<Ready, ErrorCode> {
        let (hello, challenge) = self.hello().await;
        let prove = Prove {
            announce,
            ..Self::proof(device, &hello, &challenge)
        };
        self.send(0, prove).await;
        self.opened().await
    }

    pub(crate) async fn register(
        &mut self,
        person: &Person,
        device: &Device,
        token: Token,
    ) -> Result<Ready, ErrorCode> {
        self.register_with(person, device, token, None).await
    }

    pub(crate) async fn register_with(
        &mut self,
        person: &Person,
        device: &Device,
        token: Token,
        receipt: Option<Receipt>,
    ) -> Result<Ready, ErrorCode> {
        self.ask_to_register(person, device, token, receipt).await;
        self.opened().await
    }

    /// hello → challenge, register; the answer is still to come.
    pub(crate) async fn ask_to_register(
        &mut self,
        person: &Person,
        device: &Device,
        token: Token,
        receipt: Option<Receipt>,
    ) {
        let (hello, challenge) = self.hello().await;
        let message = handshake::registration_message(
            &hello,
            &challenge,
            person.account,
            device.id,
            &person.manifest,
            &token,
        );
        let register = Register {
            token,
            manifest: person.manifest.clone().into(),
            device: device.id,
            signature: sign(&device.login, &message),
            announce: true,
            receipt,
        };
        self.send(0, register).await;
    }

    /// Logs in as a device that the person's newest manifest certifies.
    pub(crate) async fn enroll(
        &mut self,
        person: &Person,
        device: &Device,
    ) -> Result<Ready, ErrorCode> {
        let (hello, challenge) = self.hello().await;
        self.enroll_after(person, device, &hello, &challenge).await
    }

    /// The same on a connection whose handshake is under way.
    pub(crate) async fn enroll_after(
        &mut self,
        person: &Person,
        device: &Device,
        hello: &Hello,
        challenge: &Challenge,
    ) -> Result<Ready, ErrorCode> {
        let message = handshake::enrolment_message(
            hello,
            challenge,
            person.account,
            device.id,
            &person.manifest,
        );
        let enroll = protocol::Enroll {
            account: person.account,
            manifest: person.manifest.clone().into(),
            device: device.id,
            signature: sign(&device.login, &message),
            announce: true,
        };
        self.send(0, enroll).await;
        self.opened().await
    }

    /// Publishes the person's newest manifest.
    pub(crate) async fn publish_manifest(&mut self, person: &Person) -> Result<(), ErrorCode> {
        let manifest = person.manifest.clone().into();
        match self.request(protocol::PublishManifest { manifest }).await {
            Frame::Done(_) => Ok(()),
            Frame::Refusal(refusal) => Err(refusal.code),
            other => panic!("neither done nor refused: {other:?}"),
        }
    }

    pub(crate) async fn opened(&mut self) -> Result<Ready, ErrorCode> {
        match self.next().await {
            Some((_, Frame::Ready(ready))) => {
                self.ready = Some(ready.clone());
                Ok(ready)
            }
            Some((_, Frame::Bye(bye))) => Err(bye.code),
            other => panic!("neither ready nor bye: {other:?}"),
        }
    }

    /// Sends a request without waiting.
    pub(crate) async fn begin(&mut self, frame: impl Into<Frame>) -> u32 {
        self.last_id += 1;
        let id = self.last_id;
        self.send(id, frame).await;
        id
    }

    /// Waits for the reply to a request; pushes are kept.
    pub(crate) async fn reply(&mut self, id: u32) -> Frame {
        loop {
            match self.next().await {
                Some((got, frame)) if got == id => return frame,
                Some((0, frame)) => self.pushes.push_back(frame),
                other => panic!("no reply but {other:?}"),
            }
        }
    }

    pub(crate) async fn request(&mut self, frame: impl Into<Frame>) -> Frame {
        let id = self.begin(frame).await;
        self.reply(id).await
    }

    pub(crate) async fn append(&mut self, append: Append) -> Result<Appended, Refusal> {
        match self.request(append).await {
            Frame::Appended(appended) => Ok(appended),
            Frame::Refusal(refusal) => Err(refusal),
            other => panic!("neither appended nor refused: {other:?}"),
        }
    }

    pub(crate) async fn commit(&mut self, commit: impl Into<Frame>) -> Result<Committed, Refusal> {
        match self.request(commit).await {
            Frame::Committed(committed) => Ok(committed),
            Frame::Refusal(refusal) => Err(refusal),
            other => panic!("neither committed nor refused: {other:?}"),
        }
    }

    pub(crate) async fn create(
        &mut self,
        create: CreateConversation,
    ) -> Result<Committed, Refusal> {
        self.commit(create).await
    }

    pub(crate) async fn ack(&mut self, stream: StreamId, seq: u64) {
        self.send(0, Ack { stream, seq }).await;
    }

    pub(crate) async fn publish(&mut self, device: &Device, count: usize) {
        let packages = (0..count).map(|_| device.key_package()).collect();
        let publish = PublishKeyPackages {
            packages,
            last_resort: None,
            replace: false,
        };
        let Frame::KeyPackageCount(_) = self.request(publish).await else {
            panic!("not published")
        };
    }

    pub(crate) async fn claim(&mut self, account: protocol::AccountId) -> Claimed {
        match self
            .request(ClaimKeyPackages {
                account,
                client_id: client_id(),
            })
            .await
        {
            Frame::Claimed(claimed) => claimed,
            other => panic!("not claimed: {other:?}"),
        }
    }

    /// A contact link of this account.
    pub(crate) async fn contact_link(&mut self, uses: u16) -> Token {
        self.link(false, uses).await
    }

    pub(crate) async fn link(&mut self, invite: bool, uses: u16) -> Token {
        let token = LinkSecret::new(draw()).token();
        let expires = self.ready.as_ref().expect("ready").time + 3_600_000;
        let link = protocol::NewLink {
            token,
            invite,
            uses,
            expires,
        };
        let Frame::Done(_) = self.request(link).await else {
            panic!("no link")
        };
        token
    }

    /// The next push, kept or new.
    pub(crate) async fn push(&mut self) -> Option<Frame> {
        if let Some(frame) = self.pushes.pop_front() {
            return Some(frame);
        }
        self.next().await.map(|(id, frame)| {
            assert_eq!(id, 0, "a reply that nobody waits for: {frame:?}");
            frame
        })
    }

    /// Waits for a push that fits; others are dropped.
    pub(crate) async fn find<T>(&mut self, mut fits: impl FnMut(Frame) -> Option<T>) -> T {
        loop {
            let frame = self.push().await.expect("still connected");
            if let Some(found) = fits(frame) {
                return found;
            }
        }
    }

    /// The next `count` entries of a stream; they must come in order and without a gap.
    pub(crate) async fn entries(&mut self, stream: StreamId, count: usize) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::new();
        while entries.len() < count {
            let more = self
                .find(|frame| match frame {
                    Frame::Entries(push) if push.stream == stream => Some(push.entries),
                    _ => None,
                })
                .await;
            for entry in more {
                if let Some(last) = entries.last() {
                    assert_eq!(entry.seq, last.seq + 1, "a gap or a repetition");
                }
                entries.push(entry);
            }
        }
        assert_eq!(entries.len(), count, "more entries than expected");
        entries
    }

    /// Waits until the relay says that a contact is connected.
    pub(crate) async fn connected(&mut self, account: protocol::AccountId) {
        self.find(|frame| match frame {
            Frame::Presence(presence) if presence.account == account => {
                presence.connected.then_some(())
            }
            _ => None,
        })
        .await;
    }

    pub(crate) async fn delivered(&mut self, conversation: ConversationId, seq: u64) {
        self.find(|frame| match frame {
            Frame::Delivered(delivered) if delivered.conversation == conversation => {
                (delivered.seq >= seq).then_some(())
            }
            _ => None,
        })
        .await;
    }

    /// Reads until the relay says good-bye.
    pub(crate) async fn farewell(&mut self) -> Option<ErrorCode> {
        while let Some(frame) = self.push().await {
            if let Frame::Bye(bye) = frame {
                return Some(bye.code);
            }
        }
        None
    }

    /// As [`Client::nothing_before_reply`], of one who hides.
    pub(crate) async fn nothing_before_reply_hidden(&mut self) {
        let reply = self.request(protocol::Announce { announce: false }).await;
        assert!(matches!(reply, Frame::Done(_)));
        assert!(self.pushes.is_empty(), "pushed: {:?}", self.pushes);
    }

    /// As [`Client::nothing_before_reply`], but for what is told of contacts and cursors on connecting.
    pub(crate) async fn nothing_before_reply_but_presence(&mut self) {
        let reply = self.request(protocol::Announce { announce: true }).await;
        assert!(matches!(reply, Frame::Done(_)));
        self.pushes
            .retain(|frame| !matches!(frame, Frame::Presence(_) | Frame::Delivered(_)));
        assert!(self.pushes.is_empty(), "pushed: {:?}", self.pushes);
    }

    /// Asserts that nothing is pushed before an answer to a request comes back.
    pub(crate) async fn nothing_before_reply(&mut self) {
        let reply = self.request(protocol::Announce { announce: true }).await;
        assert!(matches!(reply, Frame::Done(_)));
        assert!(self.pushes.is_empty(), "pushed: {:?}", self.pushes);
    }
}

pub(crate) fn package(device: &Device) -> ClaimedKeyPackage {
    ClaimedKeyPackage {
        device: device.id,
        bytes: device.key_package(),
    }
}

pub(crate) fn opaque(bytes: &[u8]) -> Opaque {
    Opaque(Bytes::copy_from_slice(bytes))
}
