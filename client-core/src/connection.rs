//! Sockets on tokio: TCP, TLS, WebSocket, heartbeat. What it carries is bytes; who is on the other side is proved above it.

mod tls;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{Address, SOCKET_PATH, SUBPROTOCOL, bounds};
use rustls_pki_types::ServerName;
use tokio::{
    net::TcpStream,
    runtime::Handle,
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        self, Message, client::IntoClientRequest as _, http::HeaderValue, protocol::WebSocketConfig,
    },
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::debug;

use crate::seams::{ConnectionId, Network, NetworkEvent, TlsFacts};

use self::tls::Connector;

/// How long TCP, TLS and the upgrade may each take.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
/// Idleness after which a ping goes out.
const PING_AFTER: Duration = Duration::from_secs(30);
/// Silence after which the connection counts as dead.
const DEAD_AFTER: Duration = Duration::from_secs(45);
/// Frames that wait to be written; more means that the relay has stopped reading.
const OUTGOING: usize = 256;

/// The network of the app.
pub struct TokioNetwork {
    runtime: Handle,
    events: mpsc::Sender<NetworkEvent>,
    connector: Arc<Connector>,
    live: BTreeMap<ConnectionId, Live>,
    tasks: TaskTracker,
}

struct Live {
    outgoing: mpsc::Sender<Bytes>,
    cancel: CancellationToken,
}

impl TokioNetwork {
    /// Connections run on `runtime` and report to `events`.
    #[must_use]
    pub fn new(runtime: Handle, events: mpsc::Sender<NetworkEvent>) -> Self {
        Self {
            runtime,
            events,
            connector: Arc::new(Connector::new()),
            live: BTreeMap::new(),
            tasks: TaskTracker::new(),
        }
    }
}

impl Network for TokioNetwork {
    fn dial(&mut self, connection: ConnectionId, address: &Address) {
        self.live.retain(|_, live| !live.outgoing.is_closed());
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let cancel = CancellationToken::new();
        let link = Link {
            connection,
            events: self.events.clone(),
        };
        let run = link.run(address.clone(), Arc::clone(&self.connector), queue);
        let cancelled = cancel.clone();
        self.tasks.spawn_on(
            async move {
                let _cancelled = cancelled.run_until_cancelled(run).await;
            },
            &self.runtime,
        );
        self.live.insert(connection, Live { outgoing, cancel });
    }

    fn send(&mut self, connection: ConnectionId, frame: Bytes) {
        if let Some(live) = self.live.get(&connection)
            && live.outgoing.try_send(frame).is_err()
        {
            // full: dropping the queue's sender ends the task, which reports that it closed
            self.live.remove(&connection);
        }
    }

    fn close(&mut self, connection: ConnectionId) {
        if let Some(live) = self.live.remove(&connection) {
            live.cancel.cancel();
        }
    }
}

impl Drop for TokioNetwork {
    fn drop(&mut self) {
        for live in self.live.values() {
            live.cancel.cancel();
        }
    }
}

/// One connection's task.
struct Link {
    connection: ConnectionId,
    events: mpsc::Sender<NetworkEvent>,
}

type Socket = WebSocketStream<TlsStream<TcpStream>>;

impl Link {
    async fn run(self, address: Address, connector: Arc<Connector>, queue: mpsc::Receiver<Bytes>) {
        match open(&address, &connector).await {
            Ok((socket, tls)) => {
                if self
                    .events
                    .send(NetworkEvent::Opened(self.connection, tls))
                    .await
                    .is_ok()
                {
                    self.carry(socket, queue).await;
                }
            }
            Err(error) => debug!(%address, %error, "no connection"),
        }
        // the engine may have stopped
        drop(
            self.events
                .send(NetworkEvent::Closed(self.connection))
                .await,
        );
    }

    /// Carries frames until either side ends, or the other is silent for too long.
    async fn carry(&self, mut socket: Socket, mut queue: mpsc::Receiver<Bytes>) {
        let mut heard = Instant::now();
        let mut pinged = false;
        loop {
            let alarm = heard + if pinged { DEAD_AFTER } else { PING_AFTER };
            tokio::select! {
                frame = queue.recv() => {
                    let Some(frame) = frame else { return };
                    if !matches!(timeout(DEAD_AFTER, write_all(&mut socket, frame, &mut queue)).await, Ok(Ok(()))) {
                        return;
                    }
                }
                message = socket.next() => {
                    heard = Instant::now();
                    pinged = false;
                    match message {
                        Some(Ok(Message::Binary(bytes))) => {
                            if self.events.send(NetworkEvent::Received(self.connection, bytes)).await.is_err() {
                                return;
                            }
                        }
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(_) | Err(_)) | None => return,
                    }
                }
                () = sleep_until(alarm) => {
                    let ping = timeout(DEAD_AFTER, socket.send(Message::Ping(Bytes::new())));
                    if pinged || !matches!(ping.await, Ok(Ok(()))) {
                        return;
                    }
                    pinged = true;
                }
            }
        }
    }
}

/// Writes a frame, and with it what else waits, in one go.
async fn write_all(
    socket: &mut Socket,
    first: Bytes,
    queue: &mut mpsc::Receiver<Bytes>,
) -> Result<(), tungstenite::Error> {
    socket.feed(Message::Binary(first)).await?;
    while let Ok(frame) = queue.try_recv() {
        socket.feed(Message::Binary(frame)).await?;
    }
    socket.flush().await?;
    crate::KillPoint::FramesWritten.reach();
    Ok(())
}

async fn open(
    address: &Address,
    connector: &Connector,
) -> Result<(Socket, TlsFacts), Box<dyn std::error::Error + Send + Sync>> {
    let tcp = timeout(
        STEP_TIMEOUT,
        TcpStream::connect((address.host(), address.port())),
    )
    .await??;
    tcp.set_nodelay(true)?;
    let name = ServerName::try_from(address.host().to_owned())?;
    let (stream, facts) = timeout(STEP_TIMEOUT, connector.connect(name, tcp)).await??;
    let mut request = format!("wss://{address}{SOCKET_PATH}").into_client_request()?;
    request.headers_mut().insert(
        "sec-websocket-protocol",
        HeaderValue::from_static(SUBPROTOCOL),
    );
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_message_size(Some(bounds::FRAME))
        .max_frame_size(Some(bounds::FRAME));
    let (socket, _) = timeout(
        STEP_TIMEOUT,
        client_async_with_config(request, stream, Some(config)),
    )
    .await??;
    Ok((socket, facts))
}
