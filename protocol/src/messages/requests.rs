//! What a client asks of the relay.

use minicbor::{Decode, Encode};

use crate::{
    AccountId, ClientId, ConversationId, DeviceId, Opaque, Signature, StreamId, Token,
    cbor::{list, present},
    limits::bounds,
};

/// Appends application entries to a conversation, all or nothing. One is in flight per conversation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Append {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The incarnation in which the entries were sealed.
    #[n(1)]
    pub incarnation: u32,
    /// The epoch in which they were sealed.
    #[n(2)]
    pub epoch: u64,
    /// 1 to [`bounds::BATCH`] entries.
    #[cbor(n(3), decode_with = "list::<{ bounds::BATCH }, _, _>")]
    pub entries: Vec<NewEntry>,
}

/// One entry of an [`Append`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct NewEntry {
    /// Idempotency key; the same for every attempt.
    #[n(0)]
    pub client_id: ClientId,
    /// The sealed content: an MLS PrivateMessage.
    #[n(1)]
    pub bytes: Opaque,
}

/// Changes a conversation's group by one MLS commit, by compare-and-set on (incarnation, epoch).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Commit {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The incarnation of the group.
    #[n(1)]
    pub incarnation: u32,
    /// The epoch that the commit ends.
    #[n(2)]
    pub epoch: u64,
    /// Idempotency key; the same for every attempt.
    #[n(3)]
    pub client_id: ClientId,
    /// The commit: an MLS PublicMessage.
    #[n(4)]
    pub commit: Opaque,
    /// One welcome for each device that the commit adds, no other.
    #[cbor(n(5), decode_with = "list::<{ bounds::WELCOMES }, _, _>")]
    pub welcomes: Vec<Welcome>,
    /// The MLS GroupInfo of the new epoch, without the ratchet tree.
    #[n(6)]
    pub group_info: Opaque,
}

/// A welcome for one device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Welcome {
    /// The device that joins.
    #[n(0)]
    pub device: DeviceId,
    /// An MLS Welcome with this device's secrets only.
    #[n(1)]
    pub bytes: Opaque,
}

/// Makes the one direct conversation of two accounts: the group of its first device and the commit that adds all others.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateConversation {
    /// Its id for life.
    #[n(0)]
    pub conversation: ConversationId,
    /// The other account.
    #[n(1)]
    pub peer: AccountId,
    /// Proof of consent where the creator opened a contact link of `peer`.
    #[cbor(n(2), decode_with = "present")]
    pub token: Option<Token>,
    /// The MLS GroupInfo of epoch 0 with its ratchet tree of one leaf.
    #[n(3)]
    pub founding: Opaque,
    /// Idempotency key; the same for every attempt.
    #[n(4)]
    pub client_id: ClientId,
    /// The commit from epoch 0 to 1: adds every other device of both accounts.
    #[n(5)]
    pub commit: Opaque,
    /// One welcome for each device that the commit adds.
    #[cbor(n(6), decode_with = "list::<{ bounds::WELCOMES }, _, _>")]
    pub welcomes: Vec<Welcome>,
    /// The MLS GroupInfo of epoch 1, without the ratchet tree.
    #[n(7)]
    pub group_info: Opaque,
    /// Absent for a conversation that never was. Else the incarnation that begins: one more than the relay's, or whatever
    /// follows for the client where the relay knows of none (it was restored from an older backup).
    #[cbor(n(8), decode_with = "present")]
    pub incarnation: Option<u32>,
}

/// Adds one-time key packages of this device and replaces the one of last resort.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PublishKeyPackages {
    /// At most [`bounds::KEY_PACKAGES`] MLS KeyPackages.
    #[cbor(n(0), decode_with = "list::<{ bounds::KEY_PACKAGES }, _, _>")]
    pub packages: Vec<Opaque>,
    /// Handed out when no one-time package is left, and again and again.
    #[cbor(n(1), decode_with = "present")]
    pub last_resort: Option<Opaque>,
    /// Forget all packages held so far: their private keys are gone, or the relay was restored.
    #[n(2)]
    pub replace: bool,
}

/// Takes one key package of each device of an account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ClaimKeyPackages {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// Idempotency key: a repeat within the retention gets the same packages.
    #[n(1)]
    pub client_id: ClientId,
}

/// Asks for entries by position, to fill a gap.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Fetch {
    /// The stream.
    #[n(0)]
    pub stream: StreamId,
    /// The first seq wanted.
    #[n(1)]
    pub from: u64,
    /// At most this many entries; the relay may send fewer.
    #[n(2)]
    pub limit: u16,
}

/// Makes a link of this account known to the relay.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct NewLink {
    /// Derived from the link's secret.
    #[n(0)]
    pub token: Token,
    /// Whether the link also lets a new account register.
    #[n(1)]
    pub invite: bool,
    /// How many accounts may use it.
    #[n(2)]
    pub uses: u16,
    /// When it ends.
    #[n(3)]
    pub expires: u64,
}

/// Shows or hides that this device is connected; hiding works in both directions.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Announce {
    /// Whether to announce.
    #[n(0)]
    pub announce: bool,
}

/// Ends a conversation that the other account asked for and this one does not want. A new request is refused for 30 days.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct DeclineRequest {
    /// The conversation, in the state *requested* by the other account.
    #[n(0)]
    pub conversation: ConversationId,
}

/// Blocks another account, or ends that.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetBlock {
    /// The other account; one that the relay does not know is kept all the same.
    #[n(0)]
    pub account: AccountId,
    /// Whether it is blocked from now on.
    #[n(1)]
    pub blocked: bool,
}

/// Asks for the own block list.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListBlocks {}

/// Sets, changes or gives up the handle of the own account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SetHandle {
    /// The handle, see [`crate::is_handle`]; absent: none.
    #[cbor(n(0), decode_with = "present")]
    pub handle: Option<String>,
}

/// Asks which account has a handle.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FindAccount {
    /// The handle.
    #[n(0)]
    pub handle: String,
}

/// Ends a link of this account before its time.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct EndLink {
    /// The link's token.
    #[n(0)]
    pub token: Token,
}

/// Asks for what an external commit needs: for a device that lost its group, or joins as a new device of a member account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FetchGroup {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
}

/// Publishes the next manifest of the own account: revokes devices, or changes the device-signing key.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct PublishManifest {
    /// It follows the one that the relay holds.
    #[n(0)]
    pub manifest: Opaque,
}

/// Asks for the newest manifest of the own account, or of one with which it shares a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FetchManifest {
    /// The account.
    #[n(0)]
    pub account: AccountId,
}

/// Stores the account's recovery record. It replaces another one only where the root key signed it: a login key alone must not
/// make a recovery code worthless.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StoreRecord {
    /// Its name, derived from the recovery code.
    #[n(0)]
    pub record: Token,
    /// Sealed by the recovery code.
    #[n(1)]
    pub bytes: Opaque,
    /// By the account's root key, over [`crate::identity::record_message`]. Absent where the root key left the device before
    /// records were signed.
    #[cbor(n(2), decode_with = "present")]
    pub signature: Option<Signature>,
}

/// Asks for the conversations of the own account: for a new device that has to enter them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListConversations {
    /// Conversations whose id is greater; absent: from the first.
    #[cbor(n(0), decode_with = "present")]
    pub after: Option<ConversationId>,
}

/// Whether a text may be a handle: `[a-z0-9._-]{2,32}`.
#[must_use]
pub fn is_handle(text: &str) -> bool {
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    (2..=32).contains(&text.len()) && text.bytes().all(allowed)
}
