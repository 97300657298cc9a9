//! The relay from outside: real sockets, real groups, one process.

mod client;
mod people;

mod conversations;
mod entries;
mod handshake;
