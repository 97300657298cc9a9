//! Relays that lie and peers that cheat, played frame by frame against one engine: what it sees through, what it refuses, what
//! the person is told, and that no lie sets off a loop. `docs/hostile-doubles.md` lists all of it.

mod again;
mod blocked;
pub(crate) mod chat;
mod claims;
mod commits;
mod counts;
mod crowds;
pub(crate) mod devices;
mod echoes;
mod entries;
mod lists;
mod live;
mod manifests;
mod numbers;
mod open;
mod own;
mod presence;
mod proofs;
mod refused;
mod restored;
mod rollback;
mod runs;
mod states;
mod unopened;
mod unusable;
mod welcomes;
