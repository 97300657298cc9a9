//! The wire of Relevo: what a client and a relay say to each other.
//!
//! This crate holds ids, frames, limits, errors, links and the signed identity documents that both sides read. It does no
//! I/O, spawns nothing and knows no message content: what travels inside an entry is bytes to it. Every decoder takes
//! bytes from a hostile network and answers with a value or a [`DecodeError`], never with a panic.
//!
//! `PROTOCOL.md` beside this crate is the normative text; a test checks that each frame, error code and bound is in it.

#![warn(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm
)]

pub mod cbor;
mod error;
mod frame;
pub mod handshake;
pub mod identity;
mod ids;
mod limits;
mod link;
mod messages;
mod strict;

pub use crate::{
    error::{ErrorCode, Refusal},
    frame::{DecodeError, FRAME_NAMES, Frame, decode_frame, encode_frame},
    ids::{
        AccountId, ClientId, ConversationId, DeviceId, Digest, Key, MessageId, Nonce, Opaque,
        RelayId, Signature, StoreGeneration, StreamId, Token,
    },
    limits::{Limits, bounds},
    link::{Address, Link, LinkError, LinkKind, LinkSecret},
    messages::{
        AccountManifest, Ack, Announce, Append, Appended, Blocks, Bye, Challenge, ClaimKeyPackages,
        Claimed, ClaimedKeyPackage, Commit, Committed, ConversationOf, Conversations,
        CreateConversation, DeclineRequest, Delivered, Done, EndLink, Enroll, Entries, Entry,
        EntryKind, Fetch, FetchGroup, FetchManifest, FindAccount, Found, GroupState, Hello,
        KeyPackageCount, ListBlocks, ListConversations, NewEntry, NewLink, News, Page, Presence,
        Prove, PublishKeyPackages, PublishManifest, Ready, Receipt, Recover, Recovered, Register,
        SetBlock, SetHandle, Signal, SignalPush, StoreRecord, Welcome, is_handle,
    },
    strict::check_deterministic,
};

/// The version of the frames that this crate speaks, offered in [`Hello`].
pub const PROTOCOL_VERSION: u16 = 1;

/// The WebSocket sub-protocol (RFC 6455 §1.9) that both sides name in the upgrade.
pub const SUBPROTOCOL: &str = "relevo.v1";

/// The path of the WebSocket on a relay.
pub const SOCKET_PATH: &str = "/v1/socket";
