//! The four things that come from outside: time, randomness, the network, and where database jobs run.
//!
//! In the app they are the system's clock and random source, sockets on tokio, and a thread of its own for the engine
//! ([`crate::Client::start`]). In a simulation they are virtual, seeded and inline: the engine itself is a plain value whose
//! methods are called by whoever owns it.

mod clock;
mod network;
mod random;
mod zone;

pub use self::{
    clock::{Clock, SystemClock},
    network::{ConnectionId, Network, NetworkEvent, TlsFacts},
    random::{RandomError, Randomness, SeededRandom, SystemRandom},
    zone::Zone,
};
