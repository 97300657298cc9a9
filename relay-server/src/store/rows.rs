//! What goes into a store and comes out of it.

use bytes::Bytes;
use protocol::{
    AccountId, Appended, ClientId, Committed, ConversationId, DeviceId, Digest, Entry, ErrorCode,
    Key, Refusal,
};

/// Declares row numbers, so that they cannot be mistaken for each other.
macro_rules! row_number {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        $($(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) i64);)+
    };
}

row_number! {
    /// The store's short name of an account.
    AccountRow,
    /// The store's short name of a device.
    DeviceRow,
    /// The store's short name of a stream.
    StreamRow,
}

/// A device that proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) account: AccountId,
    pub(crate) account_row: AccountRow,
    pub(crate) device: DeviceId,
    pub(crate) device_row: DeviceRow,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    Operator,
    Device(Identity),
}

/// Entries to append, all or nothing.
#[derive(Debug)]
pub(crate) struct NewAppend {
    pub(crate) caller: Identity,
    pub(crate) conversation: ConversationId,
    pub(crate) incarnation: u32,
    pub(crate) epoch: u64,
    /// What new work is refused with: a rate or a quota is used up. A repeat is answered all the same.
    pub(crate) limited: Option<Refusal>,
    pub(crate) entries: Vec<NewEntryRow>,
}

/// One entry to append.
#[derive(Debug)]
pub(crate) struct NewEntryRow {
    pub(crate) client_id: ClientId,
    /// SHA-256 of the bytes.
    pub(crate) digest: Digest,
    pub(crate) bytes: Bytes,
}

/// What came of an append.
#[derive(Debug)]
pub(crate) struct AppendDone {
    pub(crate) appended: Appended,
    /// The entries that were not there before; their seqs are consecutive.
    pub(crate) fresh: Vec<Entry>,
    /// Whether they accepted the request that the conversation was.
    pub(crate) accepted: bool,
}

/// A device that a commit adds, with its welcome.
#[derive(Clone, Debug)]
pub(crate) struct Added {
    pub(crate) device: DeviceInfo,
    pub(crate) welcome: Bytes,
}

/// How the device that commits stands to the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Committer {
    /// It is a member.
    Member,
    /// It enters by an external commit, perhaps in place of its former leaf.
    Newcomer,
}

/// A validated commit.
#[derive(Debug)]
pub(crate) struct NewCommit {
    pub(crate) caller: Identity,
    pub(crate) committer: Committer,
    pub(crate) conversation: ConversationId,
    pub(crate) incarnation: u32,
    /// The epoch that it ends.
    pub(crate) epoch: u64,
    pub(crate) client_id: ClientId,
    pub(crate) digest: Digest,
    pub(crate) bytes: Bytes,
    pub(crate) added: Vec<Added>,
    pub(crate) removed: Vec<DeviceId>,
    pub(crate) group_info: Bytes,
    /// The public state of the group after the commit, where one is due.
    pub(crate) snapshot: Option<Vec<u8>>,
}

/// A direct conversation to make; `commit` leads from epoch 0 to 1.
#[derive(Debug)]
pub(crate) struct NewConversation {
    pub(crate) peer: AccountId,
    /// Stored hash of a token that `peer` issued.
    pub(crate) token: Option<Digest>,
    /// The incarnation that begins, where the conversation was there before.
    pub(crate) incarnation: Option<u32>,
    /// How many requests that nobody answered the account may have.
    pub(crate) most_requests: u32,
    pub(crate) commit: NewCommit,
}

/// What came of a commit or a creation.
#[derive(Debug)]
pub(crate) struct CommitDone {
    pub(crate) committed: Committed,
    /// Absent where the commit was there before.
    pub(crate) change: Option<Change>,
}

/// What a commit changed.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) conversation: ConversationId,
    pub(crate) stream: StreamRow,
    pub(crate) entry: Entry,
    pub(crate) joined: Vec<Joined>,
    pub(crate) left: Vec<DeviceId>,
    /// As of the commit.
    pub(crate) standing: Standing,
    /// Whether the conversation was made by it.
    pub(crate) made: bool,
}

/// A device that joined, and the entry in its inbox (none for the creator).
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) member: MemberRow,
    pub(crate) welcome: Option<Entry>,
}

/// By what an account comes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// By a link: the stored hash of its token.
    ByInvite(Digest),
    /// By the relay's own receipt of that time: a store that was restored knows it no more.
    ByReceipt(u64),
}

/// How a device comes into a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coming {
    /// For the first time.
    Anew,
    /// Perhaps it was there before the store was restored, and remembers how far it had read its inbox: that goes on above.
    Back,
}

/// A new account.
#[derive(Debug)]
pub(crate) struct NewAccount {
    pub(crate) made: Made,
    pub(crate) account: AccountId,
    /// The number of the manifest.
    pub(crate) number: u64,
    pub(crate) manifest: Bytes,
    pub(crate) devices: Vec<NewDevice>,
}

/// The next manifest of an account, whose documents hold.
#[derive(Debug)]
pub(crate) struct NewManifest {
    pub(crate) account: AccountId,
    /// The digest of the one that it was compared with; it is stored only if that is still the one held.
    pub(crate) held: Digest,
    pub(crate) number: u64,
    pub(crate) bytes: Bytes,
    pub(crate) devices: Vec<NewDevice>,
    /// How those come that are not known.
    pub(crate) coming: Coming,
    pub(crate) revoked: Vec<DeviceId>,
    /// Whether its device-signing key is newer than that of the one held: then who is not named in it is out.
    pub(crate) by_newer_key: bool,
}

/// A recovery record to hold.
#[derive(Debug)]
pub(crate) struct NewRecord {
    pub(crate) caller: Identity,
    /// Stored hash of its name.
    pub(crate) record: Digest,
    pub(crate) bytes: Bytes,
    /// Whether the account's root key signed it: another record gives way to no other.
    pub(crate) signed: bool,
}

/// A recovery record with what goes with it.
#[derive(Debug)]
pub(crate) struct RecordRow {
    pub(crate) account: AccountId,
    pub(crate) manifest: Vec<u8>,
    pub(crate) bytes: Vec<u8>,
}

/// A device of an account.
#[derive(Debug)]
pub(crate) struct NewDevice {
    pub(crate) device: DeviceId,
    pub(crate) login_key: Key,
    pub(crate) leaf_key: Key,
}

/// Key packages to hold for a device.
#[derive(Debug)]
pub(crate) struct NewKeyPackages {
    pub(crate) caller: Identity,
    pub(crate) packages: Vec<NewKeyPackage>,
    pub(crate) last_resort: Option<NewKeyPackage>,
    pub(crate) replace: bool,
    /// More than this many one-time packages are not held.
    pub(crate) most: u16,
}

/// One key package.
#[derive(Clone, Debug)]
pub(crate) struct NewKeyPackage {
    pub(crate) bytes: Bytes,
    /// From then on it is not handed out.
    pub(crate) expires: u64,
}

/// Key packages to take.
#[derive(Debug)]
pub(crate) struct NewClaim {
    pub(crate) caller: Identity,
    pub(crate) account: AccountId,
    pub(crate) client_id: ClientId,
    /// As in [`NewAppend`].
    pub(crate) limited: Option<Refusal>,
}

/// A link to know.
#[derive(Debug)]
pub(crate) struct NewLinkRow {
    /// Stored hash of its token.
    pub(crate) token: Digest,
    pub(crate) invite: bool,
    pub(crate) uses: u16,
    pub(crate) expires: u64,
    /// How many links in force the issuer may have. Of those with links that ended, a multiple is kept.
    pub(crate) most: u32,
}

/// What a device has processed of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CursorRow {
    Inbox {
        device: DeviceRow,
        seq: u64,
    },
    Conversation {
        device: DeviceRow,
        stream: StreamRow,
        seq: u64,
    },
}

/// What is written behind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Behind {
    pub(crate) cursors: Vec<CursorRow>,
    pub(crate) last_seen: Vec<(AccountRow, u64)>,
}

/// What may go, as times before which it is too old.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expiry {
    /// The time to go by, whatever the clock says.
    pub(crate) now: u64,
    pub(crate) entries_before: u64,
    pub(crate) client_ids_before: u64,
    /// Streams up to here were looked at in this round.
    pub(crate) after: StreamRow,
}

/// How a login of a device is checked.
#[derive(Debug)]
pub(crate) struct LoginRow {
    pub(crate) identity: Identity,
    pub(crate) login_key: Key,
    pub(crate) revoked: bool,
    /// When the account was made.
    pub(crate) created: u64,
}

/// Everything that a device may read.
#[derive(Debug)]
pub(crate) struct Attachment {
    /// Its inbox.
    pub(crate) inbox: StreamRow,
    pub(crate) last: u64,
    pub(crate) base: u64,
    pub(crate) cursor: u64,
    /// The time of the last entry of the inbox.
    pub(crate) time: u64,
    /// How many entries were ever taken from it.
    pub(crate) sent: u64,
    /// The number of its account's manifest.
    pub(crate) manifest: u64,
    /// Whether its account revoked it.
    pub(crate) revoked: bool,
    /// Usable one-time key packages that are held for it.
    pub(crate) key_packages: u16,
    /// Its conversations, newest activity first.
    pub(crate) memberships: Vec<Membership>,
}

/// A conversation of a device, as the store has it.
#[derive(Debug)]
pub(crate) struct Membership {
    pub(crate) conversation: ConversationId,
    pub(crate) stream: StreamRow,
    pub(crate) last: u64,
    pub(crate) base: u64,
    /// The time of its last entry.
    pub(crate) time: u64,
    pub(crate) standing: Standing,
    /// Every member, the device itself too.
    pub(crate) members: Vec<MemberRow>,
}

/// How the two accounts of a conversation stand to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Who asked for the conversation, until the other accepts.
    pub(crate) requester: Option<AccountId>,
    /// Those of the two that blocked the other.
    pub(crate) blockers: Vec<AccountId>,
}

impl Standing {
    /// Whether presence and signals may pass between the two.
    pub(crate) fn is_open(&self) -> bool {
        self.requester.is_none() && self.blockers.is_empty()
    }

    /// Whether an account gets the entries of `sender` without bytes.
    pub(crate) fn blinds(&self, account: AccountId, sender: AccountId) -> bool {
        account != sender && self.blockers.contains(&account)
    }

    /// Whether an account is not told what of its entries was delivered.
    pub(crate) fn hides_delivery_from(&self, account: AccountId) -> bool {
        self.requester == Some(account) || self.blockers.iter().any(|blocker| *blocker != account)
    }
}

/// A conversation that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) conversation: ConversationId,
    /// The seq of its last entry.
    pub(crate) last: u64,
    /// Those that were members.
    pub(crate) left: Vec<DeviceId>,
}

/// A block to set or to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewBlock {
    pub(crate) caller: Identity,
    pub(crate) account: AccountId,
    pub(crate) blocked: bool,
}

/// A device in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberRow {
    pub(crate) device: DeviceId,
    pub(crate) device_row: DeviceRow,
    pub(crate) account: AccountId,
    pub(crate) account_row: AccountRow,
    /// It reads what comes after this seq.
    pub(crate) joined: u64,
    /// It reads up to this seq.
    pub(crate) left: Option<u64>,
    /// The seq of its welcome in its inbox; 0 where it needed none.
    pub(crate) welcome: u64,
    /// See [`Span::since`].
    pub(crate) since: u64,
    /// See [`Span::former_welcome`].
    pub(crate) former_welcome: u64,
    pub(crate) cursor: u64,
    /// When its account was last connected.
    pub(crate) last_seen: u64,
}

impl MemberRow {
    /// What the device may read.
    pub(crate) fn span(&self) -> Span {
        Span {
            joined: self.joined,
            until: self.left,
            welcome: self.welcome,
            since: self.since,
            former_welcome: self.former_welcome,
        }
    }
}

/// What a device may read of a stream. A membership that goes on in a new incarnation reads on without a gap, but what comes
/// after the commit that began it only once the new welcome is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    /// It reads what comes after this seq.
    pub(crate) joined: u64,
    /// It reads up to this seq.
    pub(crate) until: Option<u64>,
    /// The seq of its welcome in its inbox; 0 where it needs none.
    pub(crate) welcome: u64,
    /// What comes after this seq needs `welcome` acknowledged; what comes before, where it is above `joined`, the former one.
    pub(crate) since: u64,
    /// The seq of the welcome of the former membership; 0 where it needed none.
    pub(crate) former_welcome: u64,
}

impl Span {
    /// Up to where a device may read that has acknowledged its inbox up to `inbox`; `None`: nothing yet.
    pub(crate) fn open_until(&self, inbox: u64) -> Option<u64> {
        if self.welcome <= inbox {
            Some(self.until.unwrap_or(u64::MAX))
        } else if self.since > self.joined && self.former_welcome <= inbox {
            Some(self.since)
        } else {
            None
        }
    }

    /// Where the present membership began.
    pub(crate) fn began(&self) -> u64 {
        self.joined.max(self.since)
    }
}

/// A registered device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceInfo {
    pub(crate) device: DeviceId,
    pub(crate) device_row: DeviceRow,
    pub(crate) account: AccountId,
    pub(crate) account_row: AccountRow,
    pub(crate) leaf_key: Key,
    pub(crate) revoked: bool,
}

/// Entries of a stream.
#[derive(Debug, Default)]
pub(crate) struct PageRow {
    pub(crate) entries: Vec<Entry>,
    pub(crate) last: u64,
    pub(crate) base: u64,
    /// The seq that the page begins after, or less where a restore lost that.
    pub(crate) kept: u64,
}

/// Where a page begins and ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageRange {
    pub(crate) after: u64,
    pub(crate) until: u64,
    pub(crate) entries: usize,
    /// The sum of the entries' sizes, envelopes included; at least one entry is read all the same.
    pub(crate) bytes: usize,
}

/// What a device may read of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReadableRow {
    pub(crate) stream: StreamRow,
    /// It reads what comes after this seq.
    pub(crate) joined: u64,
    /// It reads up to this seq.
    pub(crate) left: u64,
}

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeadRow {
    /// Its two accounts.
    pub(crate) low: AccountId,
    pub(crate) high: AccountId,
    pub(crate) incarnation: u32,
    pub(crate) epoch: u64,
    /// The commit that made the epoch.
    pub(crate) commit_seq: u64,
    pub(crate) commit_digest: Digest,
}

impl HeadRow {
    /// The refusal of what was sealed in another epoch.
    pub(crate) fn stale(&self) -> Refusal {
        Refusal {
            incarnation: Some(self.incarnation),
            epoch: Some(self.epoch),
            seq: Some(self.commit_seq),
            winner: Some(self.commit_digest),
            ..Refusal::new(ErrorCode::StaleEpoch)
        }
    }
}

/// A conversation as a device of one of its accounts sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeenHead {
    pub(crate) head: HeadRow,
    /// Whether the device is a member.
    pub(crate) member: bool,
    /// How the other account regards that of the device.
    pub(crate) regard: Regard,
}

/// How one account of a conversation regards the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Regard {
    /// As anybody.
    Open,
    /// It blocked it.
    Blocked,
}

/// The public state of a group: a snapshot and the commits since.
#[derive(Debug)]
pub(crate) struct GroupRow {
    pub(crate) incarnation: u32,
    pub(crate) epoch: u64,
    /// The commit that made the epoch.
    pub(crate) commit_seq: u64,
    /// The GroupInfo of the epoch.
    pub(crate) group_info: Vec<u8>,
    pub(crate) snapshot: Vec<u8>,
    pub(crate) commits: Vec<Vec<u8>>,
}

/// What a repeated request did the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Prior {
    pub(crate) digest: Digest,
    pub(crate) seq: u64,
    pub(crate) time: u64,
}
