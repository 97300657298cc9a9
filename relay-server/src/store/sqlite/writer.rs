//! The one thread that writes. Each transaction takes what queued during the one before: group commit without a timer.

mod inline;

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
};

use anyhow::Context as _;
use protocol::{ConversationId, ErrorCode, Refusal};
use rusqlite::{Connection, Error as SqlError, ErrorCode as SqlCode};
use tokio::sync::Notify;

pub(crate) use self::inline::WriterTask;
use super::{Fault, heads::Head};
use crate::{
    environment::Environment,
    store::{Completion, CompletionSink, DeviceRow, Done, StreamRow, UNAVAILABLE},
};

/// The most rows of a transaction.
const BATCH_ROWS: usize = 1024;
/// The most bytes of a transaction.
const BATCH_BYTES: usize = 1024 * 1024;
/// A checkpoint is due when the log holds this many pages. Fewer cost more writing, more a longer pause.
const CHECKPOINT_PAGES: i64 = 2048;
/// Conversations whose head the writer remembers.
const HEADS: usize = 65_536;

/// What a request weighs in its transaction.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

/// How a refusal is undone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Undo {
    /// It writes nothing before it can refuse.
    Nothing,
    /// It may have written.
    Savepoint,
}

/// What the operator limits.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) entries_per_conversation: u64,
}

/// A transaction under way, and what the writer knows beside it.
pub(super) struct Tx<'a> {
    pub(super) connection: &'a Connection,
    pub(super) limits: Limits,
    /// The time of everything in this transaction.
    pub(super) now: u64,
    /// Heads as of this transaction; forgotten when it fails.
    pub(super) heads: &'a mut HashMap<ConversationId, Head>,
    /// Streams whose head changed and is written before COMMIT, once for all appends of the transaction.
    pub(super) touched: &'a mut HashMap<StreamRow, u64>,
    /// How many entries were taken from each device; added to its count before COMMIT.
    pub(super) sent: &'a mut HashMap<DeviceRow, u64>,
}

impl Tx<'_> {
    /// Counts entries of a device that are stored and will not be refused any more.
    pub(super) fn count_sent(&mut self, device: DeviceRow, entries: u64) {
        let sent = self.sent.entry(device).or_insert(0);
        *sent = sent.saturating_add(entries);
    }
}

/// A queued request.
trait Job: Send {
    fn cost(&self) -> Cost;
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), SqlError>;
    fn finish(self: Box<Self>, failure: Option<Refusal>) -> Completion;
}

type Run<R, T> = fn(&mut Tx<'_>, &R) -> Result<T, Fault>;

struct Task<R, T> {
    request: R,
    run: Run<R, T>,
    cost: Cost,
    undo: Undo,
    outcome: Option<Result<T, Refusal>>,
    done: Done<T>,
}

impl<R: Send, T: Send + 'static> Job for Task<R, T> {
    fn cost(&self) -> Cost {
        self.cost
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), SqlError> {
        let connection = tx.connection;
        if self.undo == Undo::Savepoint {
            connection.prepare_cached("SAVEPOINT item")?.execute(())?;
        }
        match (self.run)(tx, &self.request) {
            Ok(value) => self.outcome = Some(Ok(value)),
            Err(Fault::Refused(refusal)) => {
                if self.undo == Undo::Savepoint {
                    connection.prepare_cached("ROLLBACK TO item")?.execute(())?;
                }
                self.outcome = Some(Err(refusal));
            }
            Err(Fault::Sql(error)) => return Err(error),
        }
        if self.undo == Undo::Savepoint {
            connection.prepare_cached("RELEASE item")?.execute(())?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>, failure: Option<Refusal>) -> Completion {
        let Self { outcome, done, .. } = *self;
        let outcome = match failure {
            Some(refusal) => Err(refusal),
            None => outcome.unwrap_or(Err(UNAVAILABLE)),
        };
        Box::new(move || done(outcome))
    }
}

/// The sending side of the queue. Dropping it writes what is queued and ends the thread.
pub(super) struct Writer {
    queue: Option<SyncSender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
    /// Rung where a task writes instead of the thread.
    bell: Option<Arc<Notify>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        capacity: usize,
        limits: Limits,
        environment: Environment,
        sink: CompletionSink,
    ) -> anyhow::Result<Self> {
        let (sender, worker) = Worker::new(connection, capacity, limits, environment, sink);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || worker.work())
            .context("start the writer thread")?;
        Ok(Self {
            queue: Some(sender),
            thread: Some(thread),
            bell: None,
        })
    }

    /// Queues a request. A full queue refuses at once: waiting would only hide the overload.
    pub(super) fn submit<R: Send + 'static, T: Send + 'static>(
        &self,
        request: R,
        run: Run<R, T>,
        cost: Cost,
        undo: Undo,
        done: Done<T>,
    ) {
        let task: Box<dyn Job> = Box::new(Task {
            request,
            run,
            cost,
            undo,
            outcome: None,
            done,
        });
        match self.queue.as_ref().map(|queue| queue.try_send(task)) {
            Some(Ok(())) | None => {}
            Some(Err(TrySendError::Full(task) | TrySendError::Disconnected(task))) => {
                task.finish(Some(UNAVAILABLE))()
            }
        }
        self.ring();
    }

    fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.notify_one();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        self.ring();
        if let Some(thread) = self.thread.take() {
            // a panic of the writer was logged where it happened
            drop(thread.join());
        }
    }
}

struct Worker {
    connection: Connection,
    queue: Receiver<Box<dyn Job>>,
    limits: Limits,
    environment: Environment,
    sink: CompletionSink,
    heads: HashMap<ConversationId, Head>,
    touched: HashMap<StreamRow, u64>,
    sent: HashMap<DeviceRow, u64>,
}

impl Worker {
    fn new(
        connection: Connection,
        capacity: usize,
        limits: Limits,
        environment: Environment,
        sink: CompletionSink,
    ) -> (SyncSender<Box<dyn Job>>, Self) {
        let (sender, queue) = sync_channel(capacity);
        let worker = Self {
            connection,
            queue,
            limits,
            environment,
            sink,
            heads: HashMap::new(),
            touched: HashMap::new(),
            sent: HashMap::new(),
        };
        (sender, worker)
    }

    fn work(mut self) {
        while let Ok(first) = self.queue.recv() {
            self.turn(first);
        }
    }

    /// One transaction: a request, and what queued behind it.
    fn turn(&mut self, first: Box<dyn Job>) {
        let mut rows = first.cost().rows;
        let mut bytes = first.cost().bytes;
        let mut batch = vec![first];
        while rows < BATCH_ROWS && bytes < BATCH_BYTES {
            let Ok(next) = self.queue.try_recv() else {
                break;
            };
            rows += next.cost().rows;
            bytes += next.cost().bytes;
            batch.push(next);
        }
        self.write(batch);
        crate::KillPoint::BeforeCheckpoint.reach();
        self.checkpoint();
    }

    fn write(&mut self, mut batch: Vec<Box<dyn Job>>) {
        match self.transaction(&mut batch) {
            Ok(()) => (self.sink)(batch.into_iter().map(|job| job.finish(None)).collect()),
            // one item broke it: each alone, so that it fails alone
            Err(Failure::Item) if batch.len() > 1 => {
                for job in batch {
                    let mut alone = vec![job];
                    let failure = self.transaction(&mut alone).err().map(Failure::refusal);
                    (self.sink)(
                        alone
                            .into_iter()
                            .map(|job| job.finish(failure.clone()))
                            .collect(),
                    );
                }
            }
            Err(failure) => {
                let refusal = failure.refusal();
                (self.sink)(
                    batch
                        .into_iter()
                        .map(|job| job.finish(Some(refusal.clone())))
                        .collect(),
                );
            }
        }
    }

    /// Runs the items and commits. After an error nothing of it is in the database, nor in the memory of it.
    fn transaction(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.attempt(batch))).unwrap_or_else(|_| {
            tracing::error!("panic in a transaction");
            Err(Failure::Item)
        });
        if outcome.is_err() {
            self.heads.clear();
            self.touched.clear();
            self.sent.clear();
            if !self.connection.is_autocommit()
                && let Err(error) = self.connection.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "roll back");
            }
        }
        outcome
    }

    fn attempt(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), Failure> {
        let connection = &self.connection;
        let now = self.environment.clock.now();
        crate::KillPoint::BatchBeforeBegin.reach();
        run_cached(connection, "BEGIN IMMEDIATE").map_err(|error| Failure::of(&error, "begin"))?;
        crate::KillPoint::BatchAfterBegin.reach();
        if self.heads.len() > HEADS {
            self.heads.clear();
        }
        let mut tx = Tx {
            connection,
            limits: self.limits,
            now,
            heads: &mut self.heads,
            touched: &mut self.touched,
            sent: &mut self.sent,
        };
        for job in batch {
            job.run(&mut tx)
                .map_err(|error| Failure::of(&error, "write"))?;
        }
        for (stream, last) in self.touched.drain() {
            connection
                .prepare_cached("UPDATE streams SET last = ?2, time = ?3 WHERE id = ?1")
                .and_then(|mut statement| statement.execute((stream.0, last, now)))
                .map_err(|error| Failure::of(&error, "write the head of a stream"))?;
        }
        for (device, count) in self.sent.drain() {
            connection
                .prepare_cached("UPDATE devices SET sent = sent + ?2 WHERE id = ?1")
                .and_then(|mut statement| statement.execute((device.0, count)))
                .map_err(|error| Failure::of(&error, "count what a device sent"))?;
        }
        crate::KillPoint::BatchBeforeCommit.reach();
        run_cached(connection, "COMMIT").map_err(|error| {
            Failure::of(&error, "commit");
            Failure::Database
        })?;
        crate::KillPoint::BatchAfterCommit.reach();
        Ok(())
    }

    /// Moves the log into the database where enough has gathered. Done after the answers have left.
    fn checkpoint(&self) {
        let outcome = self
            .connection
            .prepare_cached("PRAGMA wal_checkpoint(NOOP)")
            .and_then(|mut statement| {
                statement.query_row((), |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))
            });
        let pages = outcome.map_or(CHECKPOINT_PAGES, |(log, done)| log - done);
        if pages >= CHECKPOINT_PAGES
            && let Err(error) =
                self.connection
                    .query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()))
        {
            tracing::warn!(%error, "checkpoint");
        }
    }
}

fn run_cached(connection: &Connection, sql: &str) -> Result<(), SqlError> {
    connection.prepare_cached(sql)?.execute(()).map(drop)
}

/// What kept a transaction from being committed.
#[derive(Clone, Copy)]
enum Failure {
    /// One of its items.
    Item,
    /// The database: its disk is full, or does not answer.
    Database,
}

impl Failure {
    fn of(error: &SqlError, action: &'static str) -> Self {
        let code = error.sqlite_error_code();
        let failure = match code {
            Some(
                SqlCode::DiskFull
                | SqlCode::SystemIoFailure
                | SqlCode::DatabaseBusy
                | SqlCode::OutOfMemory,
            ) => Self::Database,
            _ => Self::Item,
        };
        tracing::error!(%error, action, "write to the database");
        failure
    }

    fn refusal(self) -> Refusal {
        match self {
            Self::Item => Refusal::new(ErrorCode::Internal),
            Self::Database => Refusal {
                retry_after: Some(2_000),
                ..UNAVAILABLE
            },
        }
    }
}
