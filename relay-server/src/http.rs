//! The routes. Everything but the socket is a constant.

mod landing;

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering},
};

use axum::{
    Extension, Router,
    extract::{State, WebSocketUpgrade},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use protocol::{SOCKET_PATH, SUBPROTOCOL, bounds};
use tokio::sync::OwnedSemaphorePermit;

use crate::{node::Node, session};

/// What is read from a socket at once: small, because it is allocated for every idle connection.
const READ_BUFFER: usize = 4096;
/// Written frames gather up to this before a system call; nothing is allocated ahead for it.
const WRITE_BUFFER: usize = 16 * 1024;

/// One TCP connection: its address, and its share of the limits.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    admission: Option<Arc<Admission>>,
    _permit: Arc<OwnedSemaphorePermit>,
}

impl Peer {
    /// `None` where too many connections of this address have not logged in.
    pub(crate) fn admit(
        node: &Arc<Node>,
        address: IpAddr,
        permit: OwnedSemaphorePermit,
    ) -> Option<Self> {
        // behind a proxy all come from one address, and the proxy's own limits hold
        let counted = node.tls_key.is_some();
        if counted && !node.limits.admit(address) {
            return None;
        }
        let admission = counted.then(|| {
            Arc::new(Admission {
                node: Arc::clone(node),
                address,
            })
        });
        Some(Self {
            address,
            admission,
            _permit: Arc::new(permit),
        })
    }

    /// It logged in: it no longer counts against its address.
    pub(crate) fn authenticated(&mut self) {
        self.admission = None;
    }
}

/// The place of a connection that has not logged in; free when the last handle is gone.
struct Admission {
    node: Arc<Node>,
    address: IpAddr,
}

impl Drop for Admission {
    fn drop(&mut self) {
        self.node.limits.release(self.address);
    }
}

/// All routes.
pub(crate) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route(SOCKET_PATH, get(socket))
        .route("/healthz", get(|| async { "alive\n" }))
        .route("/readyz", get(ready))
        .route("/i", get(landing::invite))
        .route("/c", get(landing::contact))
        .with_state(node)
}

async fn socket(
    State(node): State<Arc<Node>>,
    Extension(mut peer): Extension<Peer>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    // a browser names the page that asks; none but the app's own may (CWE-1385)
    if let Some(origin) = headers.get(header::ORIGIN) {
        let allowed = node
            .config
            .listen
            .origins
            .iter()
            .any(|allowed| origin.as_bytes() == allowed.as_bytes());
        if !allowed {
            return StatusCode::FORBIDDEN.into_response();
        }
    }
    let upgrade = upgrade.protocols([SUBPROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return (StatusCode::BAD_REQUEST, "sub-protocol relevo.v1 required\n").into_response();
    }
    if node.shutdown.is_cancelled() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    if node.tls_key.is_none()
        && let Some(forwarded) = forwarded_for(&headers)
    {
        peer.address = forwarded;
    }
    let token = node.connections.token();
    upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(bounds::FRAME)
        .max_frame_size(bounds::FRAME)
        .on_upgrade(move |socket| async move {
            session::serve(node, socket, peer).await;
            drop(token);
        })
}

/// The address that the proxy on this machine saw: the last in the list, which the proxy itself appended.
fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers
        .get_all("x-forwarded-for")
        .iter()
        .next_back()?
        .to_str()
        .ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

async fn ready(State(node): State<Arc<Node>>) -> Response {
    let answers = !node.shutdown.is_cancelled() && node.store.probe().await.is_ok();
    if answers && node.store_answers.load(Ordering::Relaxed) {
        "ready\n".into_response()
    } else {
        StatusCode::SERVICE_UNAVAILABLE.into_response()
    }
}
