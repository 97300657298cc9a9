//! The task of one WebSocket: handshake, then reading, pushing and writing in turn.

use std::{panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use axum::extract::ws::{Message, WebSocket};
use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use protocol::{Bye, DecodeError, ErrorCode, Frame, Refusal, decode_frame, encode_frame};
use tokio::time::{Instant, sleep_until, timeout};

use super::{Session, handshake};
use crate::{handlers, http::Peer, node::Node, session::handshake::Established};

/// Why the loop of a session ended.
enum End {
    /// The relay says why.
    Bye(Bye),
    /// The socket is gone.
    Gone,
}

impl End {
    fn code(code: ErrorCode) -> Self {
        Self::Bye(Bye {
            code,
            retry_after: None,
        })
    }
}

/// Serves one socket until it ends. A panic ends this connection and nothing else.
pub(crate) async fn serve(node: Arc<Node>, mut socket: WebSocket, peer: Peer) {
    let outcome = AssertUnwindSafe(serve_inner(&node, &mut socket, peer))
        .catch_unwind()
        .await;
    let end = outcome.unwrap_or_else(|_| {
        tracing::error!("panic in a session");
        End::code(ErrorCode::Internal)
    });
    if let End::Bye(bye) = end {
        let frame = encode_frame(0, &bye.into());
        // the peer may be gone or deaf: a moment of courtesy, no more
        let farewell = async {
            socket.send(Message::Binary(frame.into())).await?;
            socket.send(Message::Close(None)).await
        };
        drop(timeout(Duration::from_secs(1), farewell).await);
    }
}

async fn serve_inner(node: &Arc<Node>, socket: &mut WebSocket, mut peer: Peer) -> End {
    let login = Duration::from_millis(node.config.timeouts.login);
    let established = tokio::select! {
        biased;
        () = node.shutdown.cancelled() => return End::code(ErrorCode::Unavailable),
        outcome = timeout(login, handshake::establish(node, socket, peer.address)) => match outcome {
            Err(_) => return End::code(ErrorCode::TimedOut),
            Ok(Err(handshake::Failure::Gone)) => return End::Gone,
            Ok(Err(handshake::Failure::Bye(bye))) => return End::Bye(bye),
            Ok(Ok(established)) => established,
        },
    };
    peer.authenticated();
    let Established {
        identity,
        announce,
        receipt,
    } = established;
    let session = Arc::new(Session::new(
        identity,
        announce,
        &node.config.connections,
        node.session_rates,
    ));
    // an entry in the registry goes whatever happens here
    let guard = Attached {
        node,
        session: &session,
    };
    node.registry.insert(&session);
    let end = match node.attach(&session, receipt).await {
        Ok(()) => tokio::select! {
            biased;
            () = session.cut.cancelled() => End::code(ErrorCode::Revoked),
            end = session_loop(node, socket, &session) => end,
        },
        Err(refusal) => End::Bye(Bye {
            code: refusal.code,
            retry_after: refusal.retry_after,
        }),
    };
    drop(guard);
    end
}

/// Takes the session out of the registry when it ends, also by a panic.
struct Attached<'a> {
    node: &'a Arc<Node>,
    session: &'a Arc<Session>,
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        self.node.detach(self.session);
    }
}

async fn session_loop(node: &Arc<Node>, socket: &mut WebSocket, session: &Arc<Session>) -> End {
    let ping = Duration::from_millis(node.config.timeouts.ping);
    let dead = Duration::from_millis(node.config.timeouts.dead);
    let stall = Duration::from_millis(node.config.timeouts.write);
    let mut last_read = Instant::now();
    let mut pinged = false;
    let mut timer = pin!(sleep_until(last_read + ping));
    let mut shutdown = pin!(node.shutdown.cancelled());
    let mut stopping = false;
    loop {
        if let Err(end) = write(socket, session, stall).await {
            return end;
        }
        if let Some(bye) = session.closing() {
            return End::Bye(bye);
        }
        if let Some((stream, row, range)) = session.next_page() {
            match node
                .store
                .page(row, range, session.identity.account_row)
                .await
            {
                Ok(page) => session.apply(stream, page),
                Err(refusal) => {
                    return End::Bye(Bye {
                        code: refusal.code,
                        retry_after: refusal.retry_after,
                    });
                }
            }
            continue;
        }
        // in a fixed order, so that a simulation can repeat it. Reading holds up nothing: what a wake is for is done at the
        // top of the loop
        tokio::select! {
            biased;
            () = &mut shutdown, if !stopping => {
                stopping = true;
                session.close(ErrorCode::Unavailable, None);
            }
            message = socket.next(), if session.may_read() => {
                match message {
                    Some(Ok(Message::Binary(bytes))) => {
                        if let Err(end) = receive(node, session, &bytes).await {
                            return end;
                        }
                    }
                    // tungstenite queues the pong itself; it leaves with the next flush
                    Some(Ok(Message::Ping(_))) => {
                        if timeout(stall, socket.flush()).await.is_err() {
                            return End::code(ErrorCode::SlowReader);
                        }
                    }
                    Some(Ok(Message::Pong(_))) => {}
                    Some(Ok(Message::Text(_))) => return End::code(ErrorCode::BadFrame),
                    Some(Ok(Message::Close(_))) | None => return End::Gone,
                    // too large or no WebSocket message at all; where the socket broke nobody is there to be told
                    Some(Err(_)) => return End::code(ErrorCode::BadFrame),
                }
                last_read = Instant::now();
                pinged = false;
            }
            () = session.wake.notified() => {}
            () = &mut timer => {
                // re-armed here only: a busy connection pays nothing for it
                let idle = last_read.elapsed();
                if idle >= dead {
                    return End::code(ErrorCode::TimedOut);
                }
                if idle >= ping && !pinged {
                    pinged = true;
                    if !matches!(timeout(stall, socket.send(Message::Ping(Bytes::new()))).await, Ok(Ok(()))) {
                        return End::Gone;
                    }
                }
                timer.as_mut().reset(last_read + if pinged { dead } else { ping });
            }
        }
    }
}

/// Writes what waits, in as few system calls as it fits.
async fn write(socket: &mut WebSocket, session: &Session, stall: Duration) -> Result<(), End> {
    loop {
        let frames = session.take();
        if frames.is_empty() {
            return Ok(());
        }
        for frame in frames {
            progress(timeout(stall, socket.feed(Message::Binary(frame))).await)?;
        }
        progress(timeout(stall, socket.flush()).await)?;
    }
}

fn progress(
    outcome: Result<Result<(), axum::Error>, tokio::time::error::Elapsed>,
) -> Result<(), End> {
    match outcome {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::code(ErrorCode::SlowReader)),
    }
}

async fn receive(node: &Arc<Node>, session: &Arc<Session>, bytes: &Bytes) -> Result<(), End> {
    match decode_frame(bytes) {
        Ok((id, frame)) => {
            let name = frame.name();
            match AssertUnwindSafe(handlers::dispatch(node, session, id, frame))
                .catch_unwind()
                .await
            {
                Ok(Ok(())) => Ok(()),
                Ok(Err(code)) => Err(End::code(code)),
                Err(_) => {
                    tracing::error!(name, "panic in a handler");
                    session.send(id, &Refusal::new(ErrorCode::Internal).into());
                    Ok(())
                }
            }
        }
        // a notice of a newer version
        Err(DecodeError::UnknownType { id: 0, .. }) => Ok(()),
        Err(DecodeError::UnknownType { id, .. }) => {
            let refusal = Frame::from(Refusal::new(ErrorCode::UnknownType));
            session.send(id, &refusal);
            Ok(())
        }
        Err(_) => Err(End::code(ErrorCode::BadFrame)),
    }
}
