//! One connection: a WebSocket client over a stream whose other end is the relay's, with pipes between that are slow and break.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use client_core::seams::{ConnectionId, NetworkEvent, TlsFacts};
use futures_util::{SinkExt as _, StreamExt as _};
use protocol::{Digest, SOCKET_PATH, SUBPROTOCOL};
use tokio::{
    io::{
        AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex, split,
    },
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest as _, http::HeaderValue},
};

use crate::{
    chance::Chance,
    network::{Arrival, Life, Line},
    relay::{Door, address_of},
};

/// The figures of the app's own connection.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);
const PING_AFTER: Duration = Duration::from_secs(30);
const DEAD_AFTER: Duration = Duration::from_secs(45);
/// How long a computer goes on sending what an app left.
const LINGER: Duration = Duration::from_secs(1);
/// Bytes on the way in each direction.
const IN_FLIGHT: usize = 16 * 1024;

/// What becomes of one connection.
pub(crate) struct Fate {
    reached: bool,
    dial: Duration,
    /// Bytes at a time and the longest pause before they arrive.
    pace: (usize, u64),
    /// Bytes until the cut, each way.
    cut: [u64; 2],
    /// Who sees the cut at once, and how late the other may.
    seen: Seen,
    chance: [Chance; 2],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Together,
    AppFirst(Duration),
    RelayFirst,
}

impl Fate {
    pub(crate) fn draw(seed: u64, who: usize, dial: u64) -> Self {
        let number = ((who as u64) << 32) | dial;
        let mut chance = Chance::new(seed, "fate", number);
        let late = Duration::from_millis(chance.between(1, 60_000));
        let mut cut = || {
            if chance.hit(40) {
                chance.magnitude(1, 200_000) + chance.pick(&[0, 500, 90_000])
            } else {
                u64::MAX
            }
        };
        Self {
            cut: [cut(), cut()],
            reached: chance.hit(95),
            dial: Duration::from_millis(chance.between(1, 200)),
            pace: chance.pick(&[
                (IN_FLIGHT, 0),
                (IN_FLIGHT, 20),
                (IN_FLIGHT, 400),
                (1000, 3),
                (97, 0),
            ]),
            seen: match chance.below(3) {
                0 => Seen::AppFirst(late),
                1 => Seen::RelayFirst,
                _ => Seen::Together,
            },
            chance: [
                Chance::new(seed, "up", number),
                Chance::new(seed, "down", number),
            ],
        }
    }
}

/// One connection's task.
pub(crate) struct Link {
    pub(crate) life: Life,
    pub(crate) connection: ConnectionId,
    pub(crate) arrivals: mpsc::Sender<Arrival>,
}

impl Link {
    async fn tell(&self, event: NetworkEvent) {
        // nobody listens any more when the run is over
        drop(self.arrivals.send((self.life, event)).await);
    }

    pub(crate) async fn run(
        self,
        fate: Fate,
        line: Line,
        door: Door,
        frames: mpsc::Receiver<Bytes>,
    ) {
        sleep(fate.dial).await;
        let reached = fate.reached || line.calm.load(Ordering::Relaxed);
        let (client, near) = duplex(IN_FLIGHT);
        let (far, server) = duplex(IN_FLIGHT);
        let refused = !reached || !door.knock(server, address_of(self.life.0));
        let closed = NetworkEvent::Closed(self.connection);
        if refused {
            return self.tell(closed).await;
        }
        let seen = fate.seen;
        {
            let carry = self.carry(client, frames);
            let pipes = pipes(near, far, fate, line, &door);
            tokio::pin!(carry, pipes);
            tokio::select! {
                biased;
                () = &mut carry => {}
                (near, far) = &mut pipes => match seen {
                    Seen::Together => {}
                    Seen::AppFirst(late) => {
                        self.tell(closed).await;
                        sleep(late).await;
                        drop((near, far));
                        return;
                    }
                    Seen::RelayFirst => {
                        drop(far);
                        carry.await;
                        drop(near);
                    }
                },
            }
        }
        self.tell(closed).await;
    }

    /// As the app's own connection does.
    async fn carry(&self, stream: DuplexStream, mut frames: mpsc::Receiver<Bytes>) {
        let Ok(Some(mut socket)) = timeout(STEP_TIMEOUT, upgrade(stream)).await else {
            return;
        };
        let tls = TlsFacts {
            key: Digest::new([0; 32]),
            trusted_certificate: true,
        };
        self.tell(NetworkEvent::Opened(self.connection, tls)).await;
        let mut heard = Instant::now();
        let mut pinged = false;
        loop {
            let alarm = heard + if pinged { DEAD_AFTER } else { PING_AFTER };
            tokio::select! {
                biased;
                frame = frames.recv() => {
                    let Some(frame) = frame else {
                        // the app is gone; the computer still sends what it had taken. Virtual time, which is part of the run: it
                        // passes at once when nothing else is due
                        return sleep(LINGER).await;
                    };
                    let sent = timeout(DEAD_AFTER, socket.send(Message::Binary(frame)));
                    if !matches!(sent.await, Ok(Ok(()))) {
                        return;
                    }
                }
                message = socket.next() => {
                    heard = Instant::now();
                    pinged = false;
                    match message {
                        Some(Ok(Message::Binary(bytes))) => {
                            self.tell(NetworkEvent::Received(self.connection, bytes)).await;
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

async fn upgrade(stream: DuplexStream) -> Option<WebSocketStream<DuplexStream>> {
    let mut request = format!("ws://relay.test{SOCKET_PATH}")
        .into_client_request()
        .ok()?;
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let (socket, _) = client_async(request, stream).await.ok()?;
    Some(socket)
}

/// Carries bytes both ways until the cut or the end of one side, and gives the ends back, so that they can be dropped one
/// after the other.
async fn pipes(
    near: DuplexStream,
    far: DuplexStream,
    fate: Fate,
    line: Line,
    door: &Door,
) -> (impl Sized, impl Sized) {
    let (mut near_read, mut near_write) = split(near);
    let (mut far_read, mut far_write) = split(far);
    let [up_chance, down_chance] = fate.chance;
    let [up_cut, down_cut] = fate.cut;
    let up = pipe(
        &mut near_read,
        &mut far_write,
        Direction {
            passes: line.up.subscribe(),
            calm: Arc::clone(&line.calm),
            pace: fate.pace,
            cut: up_cut,
            chance: up_chance,
            from: None,
        },
    );
    let down = pipe(
        &mut far_read,
        &mut near_write,
        Direction {
            passes: line.down.subscribe(),
            calm: Arc::clone(&line.calm),
            pace: fate.pace,
            cut: down_cut,
            chance: down_chance,
            from: Some(door),
        },
    );
    tokio::select! {
        biased;
        () = up => {}
        () = down => {}
    }
    ((near_read, near_write), (far_read, far_write))
}

struct Direction<'a> {
    passes: watch::Receiver<bool>,
    calm: Arc<AtomicBool>,
    pace: (usize, u64),
    cut: u64,
    chance: Chance,
    /// The relay, where bytes come from it.
    from: Option<&'a Door>,
}

async fn pipe(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    mut way: Direction<'_>,
) {
    let (most, slowest) = way.pace;
    let mut buffer = vec![0; most];
    let mut left = way.cut;
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        if way.from.is_some_and(Door::is_dead) {
            // until the machine's end of the connection is gone too
            return std::future::pending().await;
        }
        if slowest > 0 {
            sleep(Duration::from_millis(way.chance.between(0, slowest))).await;
        }
        if way.passes.wait_for(|passes| *passes).await.is_err() {
            return;
        }
        let cut = left < read as u64 && !way.calm.load(Ordering::Relaxed);
        let passed = if cut {
            usize::try_from(left).expect("less than was read")
        } else {
            read
        };
        if to.write_all(&buffer[..passed]).await.is_err() || cut {
            return;
        }
        left = left.saturating_sub(read as u64);
    }
}
