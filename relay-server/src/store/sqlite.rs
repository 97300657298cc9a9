//! The store of a single machine: SQLite in WAL mode, one thread that writes, a few connections that read.

mod accounts;
mod backup;
mod blocks;
mod claims;
mod clock;
mod conversations;
mod cursors;
mod entries;
mod expiry;
mod export;
mod gaps;
mod groups;
mod handles;
mod heads;
mod incarnations;
mod key_packages;
mod links;
mod manifests;
mod members;
mod reader;
mod records;
mod requests;
mod schema;
mod writer;

use std::path::Path;

use anyhow::Context as _;
use bytes::Bytes;
use protocol::{
    AccountId, ClientId, ConversationId, ConversationOf, DeviceId, Digest, KeyPackageCount,
    Refusal, StoreGeneration,
};
use rusqlite::{Connection, Error as SqlError};

pub(crate) use self::{entries::ENVELOPE, writer::WriterTask};
use self::{reader::Readers, writer::Writer};
use super::{
    AccountRow, AppendDone, Attachment, Behind, Caller, CommitDone, CompletionSink, DeviceInfo,
    DeviceRow, Done, Ended, Expiry, GroupRow, Identity, LoginRow, NewAccount, NewAppend, NewBlock,
    NewClaim, NewCommit, NewConversation, NewKeyPackages, NewLinkRow, NewManifest, NewRecord,
    PageRange, PageRow, Prior, ReadableRow, Reading, RecordRow, SeenHead, Store, StreamRow,
};
use crate::{clock::Vouched, config::Config, environment::Environment, workers::Workers};

/// Why a statement did not do what was asked.
#[derive(Debug)]
enum Fault {
    /// The answer is no.
    Refused(Refusal),
    /// The database cannot.
    Sql(SqlError),
}

impl From<SqlError> for Fault {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The store over one SQLite file.
pub(crate) struct SqliteStore {
    generation: StoreGeneration,
    latest: Option<u64>,
    // before the readers: the last write is done before they close
    writer: Writer,
    readers: Readers,
}

impl SqliteStore {
    /// Makes an empty database.
    pub(crate) fn create(path: &Path, environment: &Environment) -> anyhow::Result<()> {
        let connection = schema::open_for_writing(path, 0).context("create the database")?;
        schema::migrate(&connection, environment).context("create the tables")
    }

    /// Writes a copy of a database as of one moment, checked and on stable storage.
    pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
        backup::copy(from, to)
    }

    /// Makes a database from a backup.
    pub(crate) fn restore(
        from: &Path,
        to: &Path,
        environment: &Environment,
        vouched: Vouched,
    ) -> anyhow::Result<()> {
        backup::restore(from, to, environment, vouched)
    }

    /// Marks a database as restored from a backup. Nobody may be serving it.
    pub(crate) fn mark_restored(
        path: &Path,
        environment: &Environment,
        vouched: Vouched,
    ) -> anyhow::Result<()> {
        backup::mark_restored(path, environment, vouched)
    }

    /// All that a database holds of an account: see [`export`].
    pub(crate) fn export(path: &Path, account: &str) -> anyhow::Result<Option<serde_json::Value>> {
        export::account(path, account)
    }

    /// Opens a database and brings its schema up to date.
    pub(crate) fn open(
        path: &Path,
        config: &Config,
        environment: &Environment,
        sink: CompletionSink,
    ) -> anyhow::Result<Self> {
        let (connection, generation, latest) = open_writing(path, config, environment)?;
        let readers = Readers::open(path, config.storage.readers, Workers::Threads)?;
        let writer = Writer::start(
            connection,
            config.storage.queue,
            limits(config),
            environment.clone(),
            sink,
        )?;
        Ok(Self {
            generation,
            latest,
            writer,
            readers,
        })
    }

    /// Opens it without a thread: the task writes, and reading happens where it is asked for.
    pub(crate) fn open_inline(
        path: &Path,
        config: &Config,
        environment: &Environment,
        sink: CompletionSink,
    ) -> anyhow::Result<(Self, WriterTask)> {
        let (connection, generation, latest) = open_writing(path, config, environment)?;
        let readers = Readers::open(path, config.storage.readers, Workers::Inline)?;
        let (writer, task) = Writer::start_inline(
            connection,
            config.storage.queue,
            limits(config),
            environment.clone(),
            sink,
        );
        let store = Self {
            generation,
            latest,
            writer,
            readers,
        };
        Ok((store, task))
    }
}

fn open_writing(
    path: &Path,
    config: &Config,
    environment: &Environment,
) -> anyhow::Result<(Connection, StoreGeneration, Option<u64>)> {
    let connection =
        schema::open_for_writing(path, config.storage.max_bytes).context("open for writing")?;
    schema::migrate(&connection, environment).context("migrate")?;
    let generation = schema::generation(&connection).context("read the generation")?;
    let latest = clock::latest(&connection).context("read the latest time")?;
    Ok((connection, generation, latest))
}

fn limits(config: &Config) -> writer::Limits {
    writer::Limits {
        entries_per_conversation: config.quotas.entries_per_conversation,
    }
}

impl Store for SqliteStore {
    fn generation(&self) -> StoreGeneration {
        self.generation
    }

    fn latest(&self) -> Option<u64> {
        self.latest
    }

    fn append(&self, request: NewAppend, done: Done<AppendDone>) {
        let bytes = request.entries.iter().map(|entry| entry.bytes.len()).sum();
        // everything is checked before the first row is written: no savepoint
        self.writer.submit(
            request,
            entries::append,
            writer::Cost { rows: 1, bytes },
            writer::Undo::Nothing,
            done,
        );
    }

    fn commit(&self, request: NewCommit, done: Done<CommitDone>) {
        let cost = conversations::cost(&request);
        self.writer.submit(
            request,
            conversations::commit,
            cost,
            writer::Undo::Savepoint,
            done,
        );
    }

    fn create_conversation(&self, request: NewConversation, done: Done<CommitDone>) {
        let cost = conversations::cost(&request.commit);
        self.writer.submit(
            request,
            conversations::create,
            cost,
            writer::Undo::Savepoint,
            done,
        );
    }

    fn register(&self, request: NewAccount, done: Done<()>) {
        let cost = writer::Cost {
            rows: 4,
            bytes: request.manifest.len(),
        };
        self.writer.submit(
            request,
            accounts::register,
            cost,
            writer::Undo::Savepoint,
            done,
        );
    }

    fn publish_manifest(&self, request: NewManifest, done: Done<Vec<DeviceId>>) {
        let cost = writer::Cost {
            rows: 2 + request.devices.len(),
            bytes: request.bytes.len(),
        };
        self.writer.submit(
            request,
            manifests::publish,
            cost,
            writer::Undo::Savepoint,
            done,
        );
    }

    fn store_record(&self, request: NewRecord, done: Done<()>) {
        let cost = writer::Cost {
            rows: 1,
            bytes: request.bytes.len(),
        };
        self.writer
            .submit(request, records::store, cost, writer::Undo::Savepoint, done);
    }

    fn set_handle(&self, caller: Identity, handle: Option<String>, done: Done<()>) {
        let cost = writer::Cost { rows: 1, bytes: 0 };
        self.writer.submit(
            (caller, handle),
            handles::set,
            cost,
            writer::Undo::Savepoint,
            done,
        );
    }

    fn end_link(&self, caller: Identity, token: Digest, done: Done<()>) {
        let cost = writer::Cost { rows: 1, bytes: 0 };
        self.writer.submit(
            (caller, token),
            links::end,
            cost,
            writer::Undo::Savepoint,
            done,
        );
    }

    fn publish_key_packages(&self, request: NewKeyPackages, done: Done<KeyPackageCount>) {
        let bytes = request
            .packages
            .iter()
            .chain(&request.last_resort)
            .map(|package| package.bytes.len())
            .sum();
        let cost = writer::Cost {
            rows: request.packages.len() + 1,
            bytes,
        };
        self.writer.submit(
            request,
            key_packages::publish,
            cost,
            writer::Undo::Savepoint,
            done,
        );
    }

    fn claim_key_packages(&self, request: NewClaim, done: Done<Bytes>) {
        let cost = writer::Cost {
            rows: 4,
            bytes: 8 * 1024,
        };
        self.writer
            .submit(request, claims::claim, cost, writer::Undo::Savepoint, done);
    }

    fn new_link(&self, caller: Caller, request: NewLinkRow, done: Done<()>) {
        let cost = writer::Cost { rows: 1, bytes: 0 };
        self.writer.submit(
            (caller, request),
            links::insert,
            cost,
            writer::Undo::Savepoint,
            done,
        );
    }

    fn decline(&self, caller: Identity, conversation: ConversationId, done: Done<Option<Ended>>) {
        let cost = writer::Cost { rows: 16, bytes: 0 };
        self.writer.submit(
            (caller, conversation),
            requests::decline,
            cost,
            writer::Undo::Savepoint,
            done,
        );
    }

    fn set_block(&self, request: NewBlock, done: Done<Option<ConversationId>>) {
        let cost = writer::Cost { rows: 1, bytes: 0 };
        self.writer
            .submit(request, blocks::set, cost, writer::Undo::Savepoint, done);
    }

    fn write_behind(&self, request: Behind, done: Done<()>) {
        let cost = writer::Cost {
            rows: request.cursors.len() / 4 + 1,
            bytes: 0,
        };
        self.writer
            .submit(request, cursors::raise, cost, writer::Undo::Savepoint, done);
    }

    fn expire(&self, request: Expiry, done: Done<Option<StreamRow>>) {
        let cost = writer::Cost {
            rows: 512,
            bytes: 0,
        };
        self.writer
            .submit(request, expiry::expire, cost, writer::Undo::Savepoint, done);
    }

    fn login(&self, account: AccountId, device: DeviceId) -> Reading<Option<LoginRow>> {
        self.readers
            .read(move |connection| accounts::login(connection, account, device))
    }

    fn manifest(&self, account: AccountId) -> Reading<Option<Vec<u8>>> {
        self.readers
            .read(move |connection| manifests::newest_of(connection, account))
    }

    fn manifest_for(&self, caller: Identity, account: AccountId) -> Reading<Option<Vec<u8>>> {
        self.readers
            .read(move |connection| manifests::newest_for(connection, caller, account))
    }

    fn sees(&self, caller: Identity, account: AccountId) -> Reading<bool> {
        self.readers.read(move |connection| {
            blocks::seen_by(connection, account, caller.account).map(|row| row.is_some())
        })
    }

    fn record(&self, record: Digest) -> Reading<Option<RecordRow>> {
        self.readers
            .read(move |connection| records::find(connection, record))
    }

    fn find(&self, caller: Identity, handle: String) -> Reading<Option<AccountId>> {
        self.readers
            .read(move |connection| handles::find(connection, caller, &handle))
    }

    fn conversations(
        &self,
        account: AccountRow,
        after: Option<ConversationId>,
    ) -> Reading<(Vec<ConversationOf>, bool)> {
        self.readers
            .read(move |connection| conversations::of_account(connection, account, after))
    }

    fn attachment(&self, device: DeviceRow, now: u64) -> Reading<Attachment> {
        self.readers
            .read(move |connection| members::attachment(connection, device, now))
    }

    fn page(&self, stream: StreamRow, range: PageRange, reader: AccountRow) -> Reading<PageRow> {
        self.readers
            .read(move |connection| entries::page(connection, stream, range, reader))
    }

    fn blocks(&self, account: AccountRow) -> Reading<Vec<AccountId>> {
        self.readers
            .read(move |connection| blocks::list(connection, account))
    }

    fn left(
        &self,
        device: DeviceRow,
        conversation: ConversationId,
    ) -> Reading<Option<ReadableRow>> {
        self.readers
            .read(move |connection| members::left(connection, device, conversation))
    }

    fn head(&self, caller: Identity, conversation: ConversationId) -> Reading<Option<SeenHead>> {
        self.readers
            .read(move |connection| heads::head_for(connection, caller, conversation))
    }

    fn group(&self, conversation: ConversationId) -> Reading<Option<GroupRow>> {
        self.readers
            .read(move |connection| groups::load(connection, conversation))
    }

    fn devices(&self, accounts: Vec<AccountId>) -> Reading<Vec<DeviceInfo>> {
        self.readers
            .read(move |connection| accounts::devices(connection, &accounts))
    }

    fn prior(&self, device: DeviceRow, client_id: ClientId) -> Reading<Option<Prior>> {
        self.readers
            .read(move |connection| entries::prior(connection, device, client_id))
    }

    fn probe(&self) -> Reading<()> {
        self.readers
            .read(|connection| connection.query_row("SELECT 1", (), |_| Ok(())))
    }
}
