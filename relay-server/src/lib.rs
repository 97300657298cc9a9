//! The relay of Relevo: ordered, durable store and forward of sealed entries.
//!
//! It knows accounts, devices, membership, sizes and times, and never opens a message. A request flows: [`run`] accepts →
//! `http` upgrades → `session` authenticates and reads → `handlers` check → `store` makes durable → `delivery` answers and
//! pushes to the sessions in `registry`.

mod clock;
mod config;
mod delivery;
mod environment;
mod files;
mod groups;
mod handlers;
mod http;
mod inline;
mod jobs;
mod kill_point;
mod limits;
mod manifests;
mod node;
mod presence;
mod registry;
mod relay;
mod server;
mod session;
mod store;
mod tls;
mod workers;

pub use crate::{
    config::{Config, Connections, Listen, Quotas, Retention, Storage, Timeouts, Tls, TlsMode},
    environment::{Clock, Environment, Random},
    inline::{DiskMoment, InlineRelay},
    kill_point::KillPoint,
    relay::{InitOptions, Relay, local_config},
    server::run,
};
