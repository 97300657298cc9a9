//! The wire as both sides see it: golden bytes, properties, hostile input, and the text of `PROTOCOL.md`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]
#![allow(
    unreachable_pub,
    reason = "nothing outside of a test binary can reach it"
)]

mod document;
mod frames;
mod fuzz;
mod fuzz_targets;
mod golden;
mod hostile;
mod identities;
mod links;
mod mutate;
mod sample_frames;
mod samples;
mod strategies;
mod tree;
