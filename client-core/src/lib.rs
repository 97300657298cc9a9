//! A whole messenger without a window: one [`Client`] is one account with one encrypted database.
//!
//! How data passes: a command or a frame becomes an [`engine`] input on the one thread that owns the writing connection and
//! every MLS call. The engine changes the database in one transaction, and what changed is announced as [`Event`]s after the
//! commit, never before. Reading for a user interface has connections of its own ([`Reader`]).
//!
//! The engine does no I/O but the database: sockets, time and randomness come through [`seams`], so that a simulator can
//! run many engines inline with virtual time and a seed.
//!
//! What it never does: know a window, print, or let a secret reach a log.

#![warn(missing_docs)]

pub mod backup;
mod calendar;
mod client;
pub mod connection;
pub mod content;
pub mod crypto;
pub mod engine;
mod error;
mod event;
pub mod export;
mod files;
pub mod keyslots;
mod kill_point;
pub mod lookalikes;
pub mod model;
mod notices;
pub mod profile;
mod reader;
pub mod restoring;
pub mod safekeeping;
pub mod seams;
pub mod store;

pub use crate::{
    client::{Client, Oneself, SystemSeams},
    error::{Error, ErrorKind, Result},
    event::{Event, Notice},
    kill_point::KillPoint,
    notices::Notices,
    reader::Reader,
};
