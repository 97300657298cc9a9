//! Ana and Luis: real clients against a real relay in this process, over real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod chat;
mod lying;
mod naming;
mod openings;
mod peer;
mod people;
mod presence;
mod profiles;
mod recovery;
mod requests;
mod restoring;
mod returning;
mod scripted;
mod session;
mod upkeep;
