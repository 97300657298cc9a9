//! The frames: one struct each, in the order of the conversation. `PROTOCOL.md` says who sends which, when, and why it may
//! be refused. Times are milliseconds since 1970-01-01 UTC by the relay's clock.

use minicbor::{
    Decode, Decoder, Encode, Encoder,
    decode::Error as CborDecodeError,
    encode::{Error as CborEncodeError, Write},
};

use crate::{
    AccountId, ClientId, ConversationId, DeviceId, Digest, ErrorCode, Key, Limits, Nonce, Opaque,
    Signature, StoreGeneration, StreamId, Token,
    cbor::{is_false, list, only_true, present},
    limits::bounds,
};

// ---- handshake -------------------------------------------------------------------------------------------------------

/// Client → relay, first frame of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hello {
    /// The protocol versions that the client speaks.
    #[cbor(n(0), decode_with = "list::<{ bounds::VERSIONS }, _, _>")]
    pub versions: Vec<u16>,
    /// Fresh for each connection.
    #[n(1)]
    pub nonce: Nonce,
    /// Name and version of the program, for the relay's statistics: printable ASCII.
    #[n(2)]
    pub client: String,
}

/// Relay → client: proves the relay's identity and asks the client to prove its own.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Challenge {
    /// The version that both will speak: the highest common one.
    #[n(0)]
    pub version: u16,
    /// Fresh for each connection; valid 30 s, once.
    #[n(1)]
    pub nonce: Nonce,
    /// Changes when the relay is restored from a backup.
    #[n(2)]
    pub store_generation: StoreGeneration,
    /// The relay's identity key; its hash is pinned by the link.
    #[n(3)]
    pub identity_key: Key,
    /// SHA-256 of the SubjectPublicKeyInfo of the TLS key that the relay serves; absent behind a proxy.
    #[cbor(n(4), decode_with = "present")]
    pub tls_key: Option<Digest>,
    /// By the identity key, over [`crate::handshake::challenge_message`].
    #[n(5)]
    pub signature: Signature,
}

/// Client → relay: the device proves who it is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Prove {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The device.
    #[n(1)]
    pub device: DeviceId,
    /// By the device's login key, over [`crate::handshake::login_message`].
    #[n(2)]
    pub signature: Signature,
    /// Whether contacts may see that this device is connected, and this device them.
    #[n(3)]
    pub announce: bool,
}

/// Client → relay instead of [`Prove`]: a new account by an invite. Safe to repeat: an account that was made by the same
/// manifest is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Register {
    /// Derived from the invite's secret.
    #[n(0)]
    pub token: Token,
    /// The first manifest of the account (n = 1), see [`crate::identity::Manifest`].
    #[n(1)]
    pub manifest: Opaque,
    /// The device that registers; certified in the manifest.
    #[n(2)]
    pub device: DeviceId,
    /// By the device's login key, over [`crate::handshake::registration_message`].
    #[n(3)]
    pub signature: Signature,
    /// As in [`Prove`].
    #[n(4)]
    pub announce: bool,
    /// The relay's own word that it made this account before: brings the account back to a relay that was restored from an
    /// older backup. Then the token is not looked at, and the manifest is the newest one, whatever its number.
    #[cbor(n(5), decode_with = "present")]
    pub receipt: Option<Receipt>,
}

/// Client → relay instead of [`Prove`]: asks for the recovery record that the holder of a recovery code can name and open.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Recover {
    /// Derived from the recovery code.
    #[n(0)]
    pub record: Token,
}

/// Relay → client: the recovery record. The client goes on with [`Enroll`] on the same connection.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Recovered {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// Its newest manifest, which the next one has to follow.
    #[n(1)]
    pub manifest: Opaque,
    /// What [`StoreRecord`] stored: sealed by the recovery code.
    #[n(2)]
    pub bytes: Opaque,
}

/// Client → relay instead of [`Prove`]: a device that its account certified in a new manifest logs in for the first time.
/// Safe to repeat.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Enroll {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// The manifest that follows the one which the relay holds, and certifies the device.
    #[n(1)]
    pub manifest: Opaque,
    /// The device.
    #[n(2)]
    pub device: DeviceId,
    /// By the device's login key, over [`crate::handshake::enrolment_message`].
    #[n(3)]
    pub signature: Signature,
    /// As in [`Prove`].
    #[n(4)]
    pub announce: bool,
}

/// Relay → client: the session is open.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ready {
    /// What this relay allows.
    #[n(0)]
    pub limits: Limits,
    /// The relay's clock.
    #[n(1)]
    pub time: u64,
    /// Streams with entries past the device's cursor, newest activity first; at most [`bounds::NEWS`].
    #[cbor(n(2), decode_with = "list::<{ bounds::NEWS }, _, _>")]
    pub news: Vec<News>,
    /// How many unclaimed one-time key packages the relay holds for this device.
    #[n(3)]
    pub key_packages: u16,
    /// Only as the answer to [`Register`].
    #[cbor(n(4), decode_with = "present")]
    pub receipt: Option<Receipt>,
    /// How many entries the relay ever took from this device: application entries and commits. A device that remembers
    /// fewer was copied, or restored from an older state, and must not use its keys any more.
    #[n(5)]
    pub sent: u64,
    /// The number of the account's manifest that the relay holds.
    #[n(6)]
    pub manifest: u64,
}

/// One stream that has entries for this device.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct News {
    /// The stream.
    #[n(0)]
    pub stream: StreamId,
    /// The seq of its last entry.
    #[n(1)]
    pub last: u64,
    /// What lies at and below this seq was declared gone by a restore from backup, or expired.
    #[n(2)]
    pub base: u64,
}

/// The relay's signed word that it made an account, to bring the account back to a relay restored from an older backup.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Receipt {
    /// The account.
    #[n(0)]
    pub account: AccountId,
    /// When it was made.
    #[n(1)]
    pub time: u64,
    /// By the relay's identity key, over [`crate::handshake::receipt_message`].
    #[n(2)]
    pub signature: Signature,
}

// ---- requests --------------------------------------------------------------------------------------------------------

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

/// Stores the account's recovery record, and replaces an older one.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct StoreRecord {
    /// Its name, derived from the recovery code.
    #[n(0)]
    pub record: Token,
    /// Sealed by the recovery code.
    #[n(1)]
    pub bytes: Opaque,
}

/// Asks for the conversations of the own account: for a new device that has to enter them.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListConversations {
    /// Conversations whose id is greater; absent: from the first.
    #[cbor(n(0), decode_with = "present")]
    pub after: Option<ConversationId>,
}

// ---- notices ---------------------------------------------------------------------------------------------------------

/// The device has durably processed a stream up to here. Cumulative.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Ack {
    /// The stream.
    #[n(0)]
    pub stream: StreamId,
    /// The highest seq processed.
    #[n(1)]
    pub seq: u64,
}

/// Something transient for the connected members of a conversation. Never on a disk.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Signal {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// Encrypted.
    #[n(1)]
    pub bytes: Opaque,
    /// Whether it is true until another one takes its place: the relay keeps it for those who connect while this device is
    /// connected.
    #[cbor(n(2), default, skip_if = "is_false", decode_with = "only_true")]
    pub keep: bool,
}

// ---- replies ---------------------------------------------------------------------------------------------------------

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

// ---- pushes ----------------------------------------------------------------------------------------------------------

/// The next entries of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Entries {
    /// The stream.
    #[n(0)]
    pub stream: StreamId,
    /// Ascending by seq, without gaps.
    #[n(1)]
    pub entries: Vec<Entry>,
}

/// One position of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Entry {
    /// Its position.
    #[n(0)]
    pub seq: u64,
    /// The device that sent it.
    #[n(1)]
    pub sender: DeviceId,
    /// What it is.
    #[n(2)]
    pub kind: EntryKind,
    /// The incarnation of the group in which it was sealed.
    #[n(3)]
    pub incarnation: u32,
    /// The epoch in which it was sealed; for a commit, the epoch that it ends; for a welcome, the one in which it joins.
    #[n(4)]
    pub epoch: u64,
    /// When the relay stored it.
    #[n(5)]
    pub time: u64,
    /// The sender's idempotency key.
    #[n(6)]
    pub client_id: ClientId,
    /// The conversation that a welcome opens.
    #[cbor(n(7), decode_with = "present")]
    pub conversation: Option<ConversationId>,
    /// Empty where the receiver blocked the sender.
    #[n(8)]
    pub bytes: Opaque,
    /// Of a welcome: the seq of the commit that adds the device, which reads the conversation from the next one.
    #[cbor(n(9), decode_with = "present")]
    pub start: Option<u64>,
}

/// What an entry holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// An MLS PrivateMessage with content.
    Application,
    /// An MLS PublicMessage with a commit.
    Commit,
    /// An MLS Welcome; only in an inbox.
    Welcome,
    /// A kind that this version does not know.
    Unknown(u8),
}

impl EntryKind {
    /// The number on the wire and in the relay's store.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Application => 1,
            Self::Commit => 2,
            Self::Welcome => 3,
            Self::Unknown(number) => number,
        }
    }

    /// Reads the number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Application,
            2 => Self::Commit,
            3 => Self::Welcome,
            number => Self::Unknown(number),
        }
    }
}

impl<C> Encode<C> for EntryKind {
    fn encode<W: Write>(
        &self,
        encoder: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), CborEncodeError<W::Error>> {
        encoder.u8(self.number())?.ok()
    }
}

impl<'b, C> Decode<'b, C> for EntryKind {
    fn decode(decoder: &mut Decoder<'b>, _: &mut C) -> Result<Self, CborDecodeError> {
        decoder.u8().map(Self::from_number)
    }
}

/// At least one device of every recipient has the conversation up to here. Derived from cursors, coalesced, not stored.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Delivered {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The highest such seq.
    #[n(1)]
    pub seq: u64,
}

/// Whether a contact has a device connected.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Presence {
    /// The contact.
    #[n(0)]
    pub account: AccountId,
    /// Whether at least one of its announcing devices is connected.
    #[n(1)]
    pub connected: bool,
    /// When the last one left.
    #[cbor(n(2), decode_with = "present")]
    pub last_seen: Option<u64>,
}

/// A member's signal.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct SignalPush {
    /// The conversation.
    #[n(0)]
    pub conversation: ConversationId,
    /// The device that sent it, stamped by the relay.
    #[n(1)]
    pub sender: DeviceId,
    /// Encrypted.
    #[n(2)]
    pub bytes: Opaque,
    /// Whether the relay keeps it: whoever cannot open it yet may be able to later.
    #[cbor(n(3), default, skip_if = "is_false", decode_with = "only_true")]
    pub keep: bool,
}

/// The relay closes the connection, and why. Also the answer to a handshake that fails.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Bye {
    /// Why.
    #[n(0)]
    pub code: ErrorCode,
    /// Do not come back before this many milliseconds.
    #[cbor(n(1), decode_with = "present")]
    pub retry_after: Option<u64>,
}

/// Whether a text may be a handle: `[a-z0-9._-]{2,32}`.
#[must_use]
pub fn is_handle(text: &str) -> bool {
    let allowed = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-');
    (2..=32).contains(&text.len()) && text.bytes().all(allowed)
}
