//! The relay from outside: real sockets, real groups, one process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod client;
mod people;
mod relay;

mod blocks;
mod conversations;
mod counters;
mod entries;
mod exports;
mod handles;
mod handshake;
mod heads;
mod hostile;
mod http;
mod invalid_commits;
mod key_packages;
mod links;
mod manifests;
mod probes;
mod pushing;
mod recovery;
mod rejoining;
mod requests;
mod resets;
mod restoring;
#[cfg(unix)]
mod rights;
mod signals;
mod stolen;
