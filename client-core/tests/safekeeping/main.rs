//! What happens to a profile's files: key slots, copies, damage, backup, export.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod copies;
mod damage;
mod home;
mod slots;
