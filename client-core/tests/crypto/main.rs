//! Encryption as a story of people: keys, groups, the table that they live in, and what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::panic,
    reason = "tests"
)]

mod aad;
mod commits;
mod content;
mod external;
mod forgery;
mod golden;
mod groups;
mod hostile;
mod keys;
mod manifests;
mod noise;
mod packages;
mod people;
mod recovery;
mod rejoin;
mod relay;
mod rules;
mod safety;
mod signals;
mod transactions;
