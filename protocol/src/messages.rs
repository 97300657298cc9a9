//! The frames: one struct each, by who says them. `PROTOCOL.md` says who sends which, when, and why it may
//! be refused. Times are milliseconds since 1970-01-01 UTC by the relay's clock.

mod handshake;
mod pushes;
mod replies;
mod requests;

pub use self::{
    handshake::{
        Challenge, Enroll, Hello, News, Prove, Ready, Receipt, Recover, Recovered, Register,
    },
    pushes::{Ack, Bye, Delivered, Entries, Entry, EntryKind, Presence, Signal, SignalPush},
    replies::{
        AccountManifest, Appended, Blocks, Claimed, ClaimedKeyPackage, Committed, ConversationOf,
        Conversations, Done, Found, GroupState, KeyPackageCount, Page,
    },
    requests::{
        Announce, Append, ClaimKeyPackages, Commit, CreateConversation, DeclineRequest, EndLink,
        Fetch, FetchGroup, FetchManifest, FindAccount, ListBlocks, ListConversations, NewEntry,
        NewLink, PublishKeyPackages, PublishManifest, SetBlock, SetHandle, StoreRecord, Welcome,
        is_handle,
    },
};
