//! What the relay answers to a request.

use minicbor::{Decode, Encode};

use crate::{AccountId, ConversationId, DeviceId, Entry, Opaque, cbor::list, limits::bounds};

/// Carried out; there is nothing more to say.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Done {}

/// The entries are durable, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Appended {
    /// The seq of each entry of the request. A repeated entry has the seq that it got the first time.
    #[cbor(n(0), decode_with = "list::<{ bounds::BATCH }, _, _>")]
    pub seqs: Vec<u64>,
    /// The relay's time of each entry.
    #[cbor(n(1), decode_with = "list::<{ bounds::BATCH }, _, _>")]
    pub times: Vec<u64>,
}

/// The commit is durable and won its epoch.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Committed {
    /// The seq of its entry.
    #[n(0)]
    pub seq: u64,
    /// The relay's time of its entry.
    #[n(1)]
    pub time: u64,
}

/// How many one-time key packages of this device the relay holds now.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeyPackageCount {
    /// The count.
    #[n(0)]
    pub count: u16,
}

/// What is needed to add an account to a group.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Claimed {
    /// The newest manifest of the account.
    #[n(0)]
    pub manifest: Opaque,
    /// One package for each of its devices that has any.
    #[cbor(n(1), decode_with = "list::<{ bounds::DEVICES }, _, _>")]
    pub packages: Vec<ClaimedKeyPackage>,
}

/// One claimed key package.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ClaimedKeyPackage {
    /// Whose it is.
    #[n(0)]
    pub device: DeviceId,
    /// An MLS KeyPackage.
    #[n(1)]
    pub bytes: Opaque,
}

/// A page of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Page {
    /// Ascending by seq, without gaps.
    #[n(0)]
    pub entries: Vec<Entry>,
    /// The seq of the stream's last entry.
    #[n(1)]
    pub last: u64,
    /// What lies at and below this seq is gone.
    #[n(2)]
    pub base: u64,
    /// How far the relay has what lies before the entry that was asked for: the seq before it, or less where a restore lost that.
    #[n(3)]
    pub kept: u64,
}

/// The accounts that this one blocked.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Blocks {
    /// In no order.
    #[cbor(n(0), decode_with = "list::<{ bounds::BLOCKS }, _, _>")]
    pub accounts: Vec<AccountId>,
}

/// The account that has the handle.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Found {
    /// The account.
    #[n(0)]
    pub account: AccountId,
}

/// The public state of a conversation's group.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct GroupState {
    /// The incarnation.
    #[n(0)]
    pub incarnation: u32,
    /// The epoch.
    #[n(1)]
    pub epoch: u64,
    /// The seq of the commit that made the epoch.
    #[n(2)]
    pub seq: u64,
    /// The MLS GroupInfo of the epoch, without the ratchet tree.
    #[n(3)]
    pub group_info: Opaque,
    /// The MLS ratchet tree (RFC 9420 §12.4.3.3).
    #[n(4)]
    pub tree: Opaque,
}

/// A manifest that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AccountManifest {
    /// The newest.
    #[n(0)]
    pub manifest: Opaque,
}

/// Conversations of the own account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Conversations {
    /// Ascending by conversation.
    #[cbor(n(0), decode_with = "list::<{ bounds::CONVERSATIONS }, _, _>")]
    pub conversations: Vec<ConversationOf>,
    /// Whether more follow.
    #[n(1)]
    pub more: bool,
}

/// One conversation of the own account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ConversationOf {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The other account.
    #[n(1)]
    pub peer: AccountId,
    /// Whether the other account asked for it and has no answer yet.
    #[n(2)]
    pub requested: bool,
}
