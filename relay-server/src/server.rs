//! Accepting connections, and stopping.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use anyhow::{Context as _, ensure};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use protocol::identity;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{
    clock::SteadyClock,
    delivery::{self, Delivery, Room},
    environment::Environment,
    groups::Groups,
    http::{self, Peer},
    jobs,
    limits::{Limits, SessionRates},
    node::Node,
    presence::Presence,
    registry::Registry,
    relay::Relay,
    session::nobodys_key,
    store::Store,
    workers::Workers,
};

/// Transactions whose completions wait; beyond, the writer waits.
const BATCHES: usize = 8;
/// The most bytes of a request's head.
const HEAD_BYTES: usize = 8 * 1024;
/// The most headers of a request.
const HEADERS: usize = 64;
/// How long accepting pauses where the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Serves on `listener` until `shutdown`, then lets every session finish what was begun.
///
/// # Errors
/// Where the store cannot be opened, or plain HTTP would be reachable from outside.
pub async fn run(
    listener: TcpListener,
    relay: Relay,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let local = listener
        .local_addr()
        .context("ask for the address of the listener")?;
    ensure!(
        !relay.behind_proxy() || local.ip().is_loopback(),
        "tls.mode = \"behind-proxy\" serves plain HTTP: {local} is not a loopback address"
    );
    let (sender, completions) = mpsc::channel(BATCHES);
    // after the drain nobody is left to be told
    let (store, clock) =
        relay.open_store(Box::new(move |batch| drop(sender.blocking_send(batch))))?;
    let delivery = Arc::new(Delivery::new(Room::of(
        relay.config.connections.kept_signal_bytes,
    )));
    let node = assemble(
        &relay,
        (store, clock),
        Arc::clone(&delivery),
        Workers::Threads,
        shutdown,
    );
    let mut deliveries = JoinSet::new();
    deliveries.spawn(delivery::run(delivery, completions));
    let background = background(&node);

    accept(
        &listener,
        &node,
        relay.tls.map(|tls| TlsAcceptor::from(tls.config)),
    )
    .await;
    drop(listener);
    drain(node, background, deliveries).await;
    Ok(())
}

/// What the sessions of a relay share.
pub(crate) fn assemble(
    relay: &Relay,
    (store, clock): (Arc<dyn Store>, Arc<SteadyClock>),
    delivery: Arc<Delivery>,
    workers: Workers,
    shutdown: CancellationToken,
) -> Arc<Node> {
    let config = relay.config.clone();
    let presence = Presence::new(
        Duration::from_millis(config.timeouts.presence_grace),
        clock.clone(),
    );
    Arc::new(Node {
        relay_id: relay.relay_id(),
        identity_key: identity::public_key(&relay.identity_key),
        tls_key: relay.tls.as_ref().map(|tls| tls.key_digest),
        nobodys_key: nobodys_key(),
        environment: Environment {
            clock: clock.clone(),
            random: Arc::clone(&relay.environment.random),
        },
        clock,
        identity_secret: relay.identity_key.clone(),
        store,
        workers,
        registry: Registry::default(),
        delivery,
        presence: Arc::new(presence),
        groups: Groups::new(config.storage.groups, workers),
        limits: Limits::new(
            &config.quotas,
            config.connections.unauthenticated_per_address,
        ),
        session_rates: SessionRates::new(&config.quotas),
        shutdown,
        connections: TaskTracker::new(),
        store_answers: AtomicBool::new(true),
        config,
    })
}

/// What a relay does by itself.
pub(crate) fn background(node: &Arc<Node>) -> JoinSet<()> {
    let mut background = JoinSet::new();
    background.spawn(jobs::write_behind(Arc::clone(node)));
    background.spawn(jobs::expire(Arc::clone(node)));
    let (presence, delivery) = (Arc::clone(&node.presence), Arc::clone(&node.delivery));
    background.spawn(async move { presence.run(&delivery).await });
    background
}

/// Accepts until shutdown. Where all connections are taken, the next waits in the kernel.
async fn accept(listener: &TcpListener, node: &Arc<Node>, acceptor: Option<TlsAcceptor>) {
    let places = Arc::new(Semaphore::new(node.config.connections.total));
    let router = http::router(Arc::clone(node));
    loop {
        let accepted = tokio::select! {
            biased;
            () = node.shutdown.cancelled() => return,
            accepted = async {
                let permit = Arc::clone(&places).acquire_owned().await.ok()?;
                match listener.accept().await {
                    Ok((stream, address)) => Some((stream, address, permit)),
                    Err(error) => {
                        tracing::warn!(%error, "accept");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        None
                    }
                }
            } => accepted,
        };
        let Some((stream, address, permit)) = accepted else {
            continue;
        };
        let Some(peer) = Peer::admit(node, address.ip(), permit) else {
            continue;
        };
        let connection = connection(
            Arc::clone(node),
            stream,
            address,
            peer,
            acceptor.clone(),
            router.clone(),
        );
        node.connections.spawn(connection);
    }
}

async fn connection(
    node: Arc<Node>,
    stream: TcpStream,
    address: SocketAddr,
    peer: Peer,
    acceptor: Option<TlsAcceptor>,
    router: Router,
) {
    // small frames leave at once; the session batches them itself
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %address, "set TCP_NODELAY");
    }
    match acceptor {
        None => serve(&node, stream, peer, router).await,
        Some(acceptor) => {
            let deadline = Duration::from_millis(node.config.timeouts.tls);
            match timeout(deadline, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => serve(&node, stream, peer, router).await,
                Ok(Err(error)) => tracing::debug!(%error, "TLS handshake"),
                Err(_) => tracing::debug!("TLS handshake timed out"),
            }
        }
    }
}

/// Serves one connection, TLS taken off.
pub(crate) async fn serve(
    node: &Node,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Peer,
    router: Router,
) {
    let service = router.layer(axum::Extension(peer));
    let service = TowerToHyperService::new(service.map_request(
        |request: hyper::Request<hyper::body::Incoming>| request.map(axum::body::Body::new),
    ));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(node.config.timeouts.header))
        .max_headers(HEADERS)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        biased;
        outcome = connection => {
            if let Err(error) = outcome {
                tracing::debug!(%error, "serve a connection");
            }
        }
        // a connection that became a socket is no longer here
        () = node.shutdown.cancelled() => {}
    }
}

/// Waits for the sessions, writes what is behind, and ends the store.
pub(crate) async fn drain(
    node: Arc<Node>,
    mut background: JoinSet<()>,
    mut deliveries: JoinSet<()>,
) {
    node.connections.close();
    let deadline = Duration::from_millis(node.config.timeouts.drain);
    if timeout(deadline, node.connections.wait()).await.is_err() {
        tracing::warn!(
            left = node.connections.len(),
            "sessions did not end in time"
        );
    }
    background.shutdown().await;
    jobs::flush(&node).await;
    // the last handle of the store joins its thread, which hands its last completions to the delivery task
    let (store, workers) = (Arc::clone(&node.store), node.workers);
    drop(node);
    if workers.run(move || drop(store)).await.is_none() {
        tracing::error!("close the store");
    }
    // a session that did not end in time still holds the store, and with it the queue of completions
    deliveries.shutdown().await;
}
