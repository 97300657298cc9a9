use bytes::Bytes;
use protocol::{Address, Digest};

/// Names one attempt to reach the relay, so that what arrives from an older one is told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// What TLS said of the other side. Whether it is good enough is decided by the handshake above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// SHA-256 of the SubjectPublicKeyInfo that the server proved to hold.
    pub key: Digest,
    /// Whether the certificate also holds for the host's name by the system's authorities.
    pub trusted_certificate: bool,
}

/// What the network tells the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkEvent {
    /// The WebSocket is open.
    Opened(ConnectionId, TlsFacts),
    /// One binary message arrived.
    Received(ConnectionId, Bytes),
    /// The connection ended or was never made. The last event of its id.
    Closed(ConnectionId),
}

/// Opens connections and carries frames. Never blocks; what happens is reported as [`NetworkEvent`]s.
pub trait Network: Send {
    /// Starts to connect. Answered by `Opened` or `Closed`.
    fn dial(&mut self, connection: ConnectionId, address: &Address);

    /// Queues a frame. A connection whose queue is full is closed: the relay has stopped reading.
    fn send(&mut self, connection: ConnectionId, frame: Bytes);

    /// Drops a connection without a further event.
    fn close(&mut self, connection: ConnectionId);
}
