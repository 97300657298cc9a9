//! Persistence: the trait that every promise about durability rests on, and its one implementation so far.
//!
//! A write takes a completion, which runs only after the write is on stable storage, or with a refusal if it is not.
//! Completions run in the order of the writes. Reads see everything whose completion has run. Only this module and those
//! below it hold SQL.

#[cfg(test)]
mod contract;
mod rows;
mod sqlite;

use std::{future::Future, pin::Pin, sync::mpsc};

use bytes::Bytes;
use protocol::{
    AccountId, ClientId, ConversationId, ConversationOf, DeviceId, Digest, ErrorCode,
    KeyPackageCount, Refusal, StoreGeneration,
};

pub(crate) use self::{
    rows::{
        AccountRow, Added, AppendDone, Attachment, Behind, Caller, Change, Coming, CommitDone,
        Committer, CursorRow, DeviceInfo, DeviceRow, Ended, Expiry, GroupRow, HeadRow, Identity,
        Joined, LoginRow, Made, MemberRow, Membership, NewAccount, NewAppend, NewBlock, NewClaim,
        NewCommit, NewConversation, NewDevice, NewEntryRow, NewKeyPackage, NewKeyPackages,
        NewLinkRow, NewManifest, NewRecord, PageRange, PageRow, Prior, ReadableRow, RecordRow,
        Regard, SeenHead, Span, Standing, StreamRow,
    },
    sqlite::{ENVELOPE, SqliteStore, WriterTask},
};

/// Runs when a write is durable, or was refused.
pub(crate) type Done<T> = Box<dyn FnOnce(Result<T, Refusal>) + Send>;
/// A completion with its outcome.
pub(crate) type Completion = Box<dyn FnOnce() + Send>;
/// Receives the completions of one transaction, in order. May block: then the writer waits.
pub(crate) type CompletionSink = Box<dyn FnMut(Vec<Completion>) + Send>;
/// A read under way.
pub(crate) type Reading<T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + Send>>;

/// Everything that must survive.
pub(crate) trait Store: Send + Sync {
    /// Drawn anew when the store is restored from a backup.
    fn generation(&self) -> StoreGeneration;
    /// The time that expiry went by last or at which the store was restored, or else that of an entry, as of when the store was
    /// opened; `None`: nothing was ever stored.
    fn latest(&self) -> Option<u64>;

    /// Appends application entries by the order of checks of promise 3.
    fn append(&self, request: NewAppend, done: Done<AppendDone>);
    /// Applies a validated commit if its epoch is still current.
    fn commit(&self, request: NewCommit, done: Done<CommitDone>);
    /// Makes a direct conversation if the two accounts have none, or begins its next incarnation.
    fn create_conversation(&self, request: NewConversation, done: Done<CommitDone>);
    /// Makes an account, consuming one use of the link; an account that has the manifest is a success again.
    fn register(&self, request: NewAccount, done: Done<()>);
    /// Takes the next manifest of an account, and answers which devices it revoked.
    fn publish_manifest(&self, request: NewManifest, done: Done<Vec<DeviceId>>);
    /// Holds the recovery record of an account in place of an older one.
    fn store_record(&self, request: NewRecord, done: Done<()>);
    /// Gives an account a handle, or takes it away.
    fn set_handle(&self, caller: Identity, handle: Option<String>, done: Done<()>);
    /// Holds key packages.
    fn publish_key_packages(&self, request: NewKeyPackages, done: Done<KeyPackageCount>);
    /// Takes one package of each device of an account. The answer is stored, and given again to a repeat.
    fn claim_key_packages(&self, request: NewClaim, done: Done<Bytes>);
    /// Ends a link of the caller's account, if it has it.
    fn end_link(&self, caller: Identity, token: Digest, done: Done<()>);
    /// Makes a link known.
    fn new_link(&self, caller: Caller, request: NewLinkRow, done: Done<()>);
    /// Ends a conversation that the other account asked for; `None` where that was done before.
    fn decline(&self, caller: Identity, conversation: ConversationId, done: Done<Option<Ended>>);
    /// Sets or ends a block, and names the direct conversation with that account.
    fn set_block(&self, request: NewBlock, done: Done<Option<ConversationId>>);
    /// Raises cursors and times; none ever falls.
    fn write_behind(&self, request: Behind, done: Done<()>);
    /// Removes some of what is too old or that everybody has; answers where to go on, or that the round is over. Where the time
    /// is more than 30 days from that of the round before, all that is stored counts as stored now.
    fn expire(&self, request: Expiry, done: Done<Option<StreamRow>>);

    /// What a login is checked with.
    fn login(&self, account: AccountId, device: DeviceId) -> Reading<Option<LoginRow>>;
    /// The newest manifest of an account.
    fn manifest(&self, account: AccountId) -> Reading<Option<Vec<u8>>>;
    /// The newest manifest of an account as another one sees it, with which it shares a conversation.
    fn manifest_for(&self, caller: Identity, account: AccountId) -> Reading<Option<Vec<u8>>>;
    /// Whether there is such an account that did not block the caller's.
    fn sees(&self, caller: Identity, account: AccountId) -> Reading<bool>;
    /// A recovery record by the stored hash of its name.
    fn record(&self, record: Digest) -> Reading<Option<RecordRow>>;
    /// The account that has a handle, as another one sees it.
    fn find(&self, caller: Identity, handle: String) -> Reading<Option<AccountId>>;
    /// The conversations of an account whose ids are greater, ascending, and whether more follow.
    fn conversations(
        &self,
        account: AccountRow,
        after: Option<ConversationId>,
    ) -> Reading<(Vec<ConversationOf>, bool)>;
    /// The inbox and the conversations of a device, and its key packages that are usable then.
    fn attachment(&self, device: DeviceRow, now: u64) -> Reading<Attachment>;
    /// Some entries, as `reader` gets them: application entries of accounts that it blocked without bytes.
    fn page(&self, stream: StreamRow, range: PageRange, reader: AccountRow) -> Reading<PageRow>;
    /// The accounts that an account blocked.
    fn blocks(&self, account: AccountRow) -> Reading<Vec<AccountId>>;
    /// What a device may read of a conversation that it left.
    fn left(&self, device: DeviceRow, conversation: ConversationId)
    -> Reading<Option<ReadableRow>>;
    /// Where a conversation stands, for a device of one of its accounts.
    fn head(&self, caller: Identity, conversation: ConversationId) -> Reading<Option<SeenHead>>;
    /// The public state of a conversation's group.
    fn group(&self, conversation: ConversationId) -> Reading<Option<GroupRow>>;
    /// The devices of these accounts.
    fn devices(&self, accounts: Vec<AccountId>) -> Reading<Vec<DeviceInfo>>;
    /// What the device stored under this client id.
    fn prior(&self, device: DeviceRow, client_id: ClientId) -> Reading<Option<Prior>>;
    /// Whether the store answers.
    fn probe(&self) -> Reading<()>;
}

/// The refusal of a store that cannot do it now.
pub(crate) const UNAVAILABLE: Refusal = Refusal {
    retry_after: Some(500),
    ..Refusal::new(ErrorCode::Unavailable)
};

/// Waits for a write.
pub(crate) async fn call<T: Send + 'static>(write: impl FnOnce(Done<T>)) -> Result<T, Refusal> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    // a caller that went away does not undo the write
    write(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.await.unwrap_or(Err(UNAVAILABLE))
}

/// Waits for a write outside of the runtime.
pub(crate) fn call_blocking<T: Send + 'static>(write: impl FnOnce(Done<T>)) -> Result<T, Refusal> {
    let (sender, receiver) = mpsc::sync_channel(1);
    write(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().unwrap_or(Err(UNAVAILABLE))
}
