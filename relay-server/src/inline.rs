//! A relay on the caller's runtime alone: no listener, no thread, and no order that the machine decides.
//!
//! For simulations with virtual time: what a client sends goes through the same HTTP upgrade, sessions, handlers, writer and
//! database as in [`crate::run`]; only the listener, TLS and the threads are left out.

use std::{net::IpAddr, sync::Arc, time::Duration};

use anyhow::ensure;
use axum::Router;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    delivery::{Delivery, Room},
    http::{self, Peer},
    node::Node,
    relay::Relay,
    server,
    store::CompletionSink,
    workers::Workers,
};

/// Where the disk takes its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskMoment {
    /// A transaction is about to be written.
    Begins,
    /// It is on the disk, and the answers are on their way.
    Written,
}

/// A relay that serves streams which the caller brings.
///
/// Dropped, it is as if the process had been killed: nothing more is written. The caller drops the streams as well.
pub struct InlineRelay {
    node: Arc<Node>,
    router: Router,
    places: Arc<Semaphore>,
    background: JoinSet<()>,
    writer: JoinSet<()>,
}

impl InlineRelay {
    /// Starts on the current runtime. `disk` says how long the disk takes at each moment of a transaction.
    ///
    /// # Errors
    /// Where the store cannot be opened, or the relay is not configured to be behind a proxy: there is no TLS here.
    pub fn start(
        relay: &Relay,
        disk: impl FnMut(DiskMoment) -> Duration + Send + 'static,
    ) -> anyhow::Result<Self> {
        ensure!(
            relay.behind_proxy(),
            "an inline relay has no TLS: set tls.mode = \"behind-proxy\""
        );
        let delivery = Arc::new(Delivery::new(Room::of(
            relay.config.connections.kept_signal_bytes,
        )));
        let carry_out = Arc::clone(&delivery);
        let sink: CompletionSink = Box::new(move |batch| carry_out.carry_out(batch));
        let (store, clock, task) = relay.open_store_inline(sink)?;
        let mut writer = JoinSet::new();
        writer.spawn(task.run(Box::new(disk)));
        let shutdown = CancellationToken::new();
        let node = server::assemble(relay, (store, clock), delivery, Workers::Inline, shutdown);
        Ok(Self {
            background: server::background(&node),
            router: http::router(Arc::clone(&node)),
            places: Arc::new(Semaphore::new(node.config.connections.total)),
            node,
            writer,
        })
    }

    /// Serves a connection from `address`; dropped where all places are taken.
    pub fn accept(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        address: IpAddr,
    ) {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok();
        let peer = permit.and_then(|permit| Peer::admit(&self.node, address, permit));
        if let Some(peer) = peer {
            let (node, router) = (Arc::clone(&self.node), self.router.clone());
            self.node
                .connections
                .spawn(async move { server::serve(&node, stream, peer, router).await });
        }
    }

    /// Lets every session finish what was begun, as a relay does that is told to stop.
    pub async fn stop(self) {
        let Self {
            node,
            background,
            writer,
            router,
            ..
        } = self;
        node.shutdown.cancel();
        drop(router);
        server::drain(node, background, writer).await;
    }
}
