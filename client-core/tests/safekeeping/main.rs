//! What happens to a profile's files: key slots, copies, damage, backup, export.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod backups;
mod branches;
mod copies;
mod corruption;
mod damage;
mod exports;
mod faults;
mod golden;
mod home;
mod recovery;
mod running;
mod slots;
#[allow(dead_code, reason = "the long form uses more of it")]
mod trial;
