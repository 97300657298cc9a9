//! One account at work in the app: the engine on a thread of its own, commands sent to it, notices coming out.

mod backups;
mod oneself;
mod people;
mod trust;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::RecvTimeoutError,
    },
    thread,
    time::Duration,
};

use protocol::{AccountId, Link, MessageId, RelayId};
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    task, time,
};
use tracing::{error, warn};

use crate::{
    connection::TokioNetwork,
    engine::{Engine, Seams},
    error::{Error, ErrorKind, Result},
    model::{
        Connection, Conversation, ConversationKey, IssuedLink, Me, Message, MessagePage, SearchHit,
    },
    notices::{NoticeSender, Notices, notices},
    profile::OpenedAccount,
    reader::Reader,
    seams::{NetworkEvent, SystemClock, SystemRandom},
};

pub use self::oneself::Oneself;

/// Commands and frames that wait for the engine; beyond that their senders wait.
const INPUTS: usize = 256;

enum Input {
    Network(NetworkEvent),
    Command(Box<dyn FnOnce(&mut Engine) + Send>),
    Stop,
}

/// The seams of the app before its engine exists: what the network says waits here for the engine's thread.
pub struct SystemSeams {
    network: mpsc::Receiver<NetworkEvent>,
}

impl SystemSeams {
    /// The system's clock, randomness and sockets on this runtime.
    #[must_use]
    pub fn new(runtime: &Handle) -> (Seams, Self) {
        let (sender, network) = mpsc::channel(INPUTS);
        let seams = Seams {
            clock: Box::new(SystemClock::new()),
            random: Box::new(SystemRandom),
            network: Box::new(TokioNetwork::new(runtime.clone(), sender)),
        };
        (seams, Self { network })
    }
}

/// How long a client that is dropped waits for its engine.
const LAST_WORK: Duration = Duration::from_secs(2);

/// A running account. Dropping it stops it; what was accepted is on disk at any time.
pub struct Client {
    account: AccountId,
    // dropped before the thread is waited for, which ends with it
    inputs: mpsc::Sender<Input>,
    reader: Arc<Reader>,
    damaged: Arc<AtomicBool>,
    thread: EngineThread,
}

/// The thread of the engine. It is not left to run while the process ends: the library beneath the database takes down its
/// state then, under whoever still uses it.
struct EngineThread {
    thread: Option<thread::JoinHandle<()>>,
    // nobody waits for the lock: it lets threads share the client
    ended: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl EngineThread {
    fn is_finished(&self) -> bool {
        self.thread
            .as_ref()
            .is_none_or(thread::JoinHandle::is_finished)
    }

    fn join(&mut self) -> thread::Result<()> {
        self.thread.take().map_or(Ok(()), thread::JoinHandle::join)
    }
}

impl Drop for EngineThread {
    fn drop(&mut self) {
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        if self.thread.is_some() && ended.recv_timeout(LAST_WORK) == Err(RecvTimeoutError::Timeout)
        {
            warn!("the engine still works, and is left");
        }
    }
}

impl Client {
    /// Starts the engine's thread. What changes comes out of the [`Notices`].
    ///
    /// # Errors
    /// [`ErrorKind::Database`]: no connection for reading; [`ErrorKind::Internal`]: no thread.
    pub fn start(
        opened: OpenedAccount,
        seams: SystemSeams,
        runtime: &Handle,
    ) -> Result<(Self, Notices)> {
        let reader =
            Arc::new(Reader::open(&opened.path, &opened.key)?.with_live(opened.engine.live()));
        let account = opened.engine.me().account;
        let damaged = opened.engine.damaged();
        let (inputs, receiver) = mpsc::channel(INPUTS);
        let handle = runtime.clone();
        let (sender, notices) = notices(account);
        let (ends, ended) = std::sync::mpsc::sync_channel(0);
        let thread = thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || {
                let _ends: std::sync::mpsc::SyncSender<()> = ends;
                handle.block_on(run(opened.engine, receiver, seams.network, sender));
            })
            .map_err(|error| {
                Error::new(ErrorKind::Internal, format!("start the engine: {error}"))
            })?;
        let client = Self {
            account,
            inputs,
            reader,
            damaged,
            thread: EngineThread {
                thread: Some(thread),
                ended: Mutex::new(ended),
            },
        };
        Ok((client, notices))
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Whether the database was found to be damaged: see [`crate::Event::DatabaseDamaged`]. Stop the client and open the
    /// account anew, and it is mended.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// Stops the account's writing because somebody else found its database damaged, as by [`crate::profile::Profile::copy_if_due`].
    pub fn report_damage(&self) {
        self.tell(Engine::report_damage);
    }

    /// Whether the engine's thread has ended, by [`Client::stop`] or because it failed.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Oneself.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`]: the engine has stopped.
    pub async fn me(&self) -> Result<Me> {
        self.command(|engine| Ok(engine.me())).await
    }

    /// The relay, whatever its address.
    ///
    /// # Errors
    /// As [`Client::me`].
    pub async fn relay(&self) -> Result<RelayId> {
        self.command(|engine| Ok(engine.relay())).await
    }

    /// Waits until the relay has made the account.
    ///
    /// # Errors
    /// Why the next attempt failed: [`ErrorKind::LinkExpired`], [`ErrorKind::RelayUnreachable`], [`ErrorKind::RelayIdentity`],
    /// [`ErrorKind::Version`], [`ErrorKind::Busy`], [`ErrorKind::Refused`]. May be called again.
    pub async fn registered(&self) -> Result<()> {
        self.answer(|engine, answer| engine.on_registered(answer))
            .await
    }

    /// How the connection is.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`]: the engine has stopped. The same holds for every command.
    pub async fn connection(&self) -> Result<Connection> {
        self.command(|engine| Ok(engine.connection())).await
    }

    /// Connects at once, whatever was planned.
    ///
    /// # Errors
    /// As [`Client::connection`].
    pub async fn reconnect(&self) -> Result<()> {
        self.command(|engine| {
            engine.reconnect();
            Ok(())
        })
        .await
    }

    /// See [`Engine::send_text`].
    ///
    /// # Errors
    /// As there.
    pub async fn send_text(&self, conversation: ConversationKey, text: String) -> Result<Message> {
        self.command(move |engine| engine.send_text(conversation, &text))
            .await
    }

    /// See [`Engine::retry`].
    ///
    /// # Errors
    /// As there.
    pub async fn retry(
        &self,
        conversation: ConversationKey,
        message: MessageId,
    ) -> Result<Message> {
        self.command(move |engine| engine.retry(conversation, message))
            .await
    }

    /// See [`Engine::delete_failed`].
    ///
    /// # Errors
    /// As there.
    pub async fn delete_failed(
        &self,
        conversation: ConversationKey,
        message: MessageId,
    ) -> Result<()> {
        self.command(move |engine| engine.delete_failed(conversation, message))
            .await
    }

    /// See [`Engine::save_draft`].
    ///
    /// # Errors
    /// As there.
    pub async fn save_draft(&self, conversation: ConversationKey, text: String) -> Result<()> {
        self.command(move |engine| engine.save_draft(conversation, &text))
            .await
    }

    /// See [`Engine::mark_read`].
    ///
    /// # Errors
    /// As there.
    pub async fn mark_read(&self, conversation: ConversationKey, position: i64) -> Result<()> {
        self.command(move |engine| engine.mark_read(conversation, position))
            .await
    }

    /// See [`Engine::open_link`].
    ///
    /// # Errors
    /// As there.
    pub async fn open_link(&self, link: Link) -> Result<ConversationKey> {
        self.command(move |engine| engine.open_link(&link)).await
    }

    /// See [`Engine::create_invite`].
    ///
    /// # Errors
    /// [`ErrorKind::Offline`], [`ErrorKind::Refused`], [`ErrorKind::Busy`].
    pub async fn create_invite(&self) -> Result<IssuedLink> {
        self.answer(|engine, answer| engine.create_invite(answer))
            .await
    }

    /// The conversations, newest activity first.
    ///
    /// # Errors
    /// [`ErrorKind::Database`]. The same holds for every reading.
    pub async fn conversations(&self) -> Result<Vec<Conversation>> {
        self.read(Reader::conversations).await
    }

    /// See [`Reader::messages`].
    ///
    /// # Errors
    /// As there.
    pub async fn messages(
        &self,
        key: ConversationKey,
        before: Option<i64>,
        limit: u32,
    ) -> Result<MessagePage> {
        self.read(move |reader| reader.messages(key, before, limit))
            .await
    }

    /// See [`Reader::messages_by_ids`].
    ///
    /// # Errors
    /// As there.
    pub async fn messages_by_ids(
        &self,
        key: ConversationKey,
        ids: Vec<MessageId>,
    ) -> Result<Vec<Message>> {
        self.read(move |reader| reader.messages_by_ids(key, &ids))
            .await
    }

    /// See [`Reader::search`].
    ///
    /// # Errors
    /// As there.
    pub async fn search(&self, query: String, limit: u32) -> Result<Vec<SearchHit>> {
        self.read(move |reader| reader.search(&query, limit)).await
    }

    /// Stops the engine and waits until its database is closed.
    pub async fn stop(self) {
        let Self {
            inputs,
            reader,
            mut thread,
            ..
        } = self;
        // the engine's connection must be the last: whoever closes last folds the write-ahead log into the file
        drop(reader);
        // a full queue or a gone engine: dropping the sender ends it as well
        let _ended = inputs.send(Input::Stop).await;
        if task::spawn_blocking(move || thread.join()).await.is_err() {
            error!("the engine's thread could not be joined");
        }
    }

    async fn command<T: Send + 'static>(
        &self,
        command: impl FnOnce(&mut Engine) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.answer(move |engine, answer| {
            let outcome = command(engine);
            if let Err(error) = &outcome {
                engine.look_into(error);
            }
            answer(outcome);
        })
        .await
    }

    /// Has the engine do something that nobody waits for.
    fn tell(&self, work: impl FnOnce(&mut Engine) + Send + 'static) {
        if self
            .inputs
            .try_send(Input::Command(Box::new(work)))
            .is_err()
        {
            warn!("the engine is busy or has stopped");
        }
    }

    async fn answer<T: Send + 'static>(
        &self,
        command: impl FnOnce(&mut Engine, Box<dyn FnOnce(Result<T>) + Send>) + Send + 'static,
    ) -> Result<T> {
        let stopped = || Error::new(ErrorKind::Internal, "the engine has stopped");
        let (sender, receiver) = oneshot::channel();
        let run: Box<dyn FnOnce(&mut Engine) + Send> = Box::new(move |engine| {
            // whoever asked may be gone
            command(engine, Box::new(move |outcome| drop(sender.send(outcome))));
        });
        self.inputs
            .send(Input::Command(run))
            .await
            .map_err(|_| stopped())?;
        receiver.await.map_err(|_| stopped())?
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let reader = Arc::clone(&self.reader);
        let outcome = task::spawn_blocking(move || read(&reader))
            .await
            .map_err(|error| Error::new(ErrorKind::Internal, format!("read: {error}")))?;
        if let Err(error) = &outcome {
            let failure = Error::new(error.kind(), error.context());
            self.tell(move |engine| engine.look_into(&failure));
        }
        outcome
    }
}

/// The engine's thread: one input after the other, background work when there is none.
async fn run(
    mut engine: Engine,
    mut inputs: mpsc::Receiver<Input>,
    mut network: mpsc::Receiver<NetworkEvent>,
    notices: NoticeSender,
) {
    engine.wake();
    loop {
        // what is due does not wait until there is nothing else to do
        if engine.until_wake().is_some_and(|pause| pause.is_zero()) {
            engine.wake();
        }
        let events = engine.take_events();
        if !events.is_empty() && notices.send(events).await.is_err() {
            return;
        }
        let input = match inputs
            .try_recv()
            .ok()
            .or_else(|| network.try_recv().ok().map(Input::Network))
        {
            Some(input) => Some(input),
            None if engine.idle() || engine.has_events() => continue,
            None => {
                let pause = engine.until_wake();
                tokio::select! {
                    input = inputs.recv() => Some(input.unwrap_or(Input::Stop)),
                    event = network.recv() => event.map(Input::Network),
                    () = async { match pause { Some(pause) => time::sleep(pause).await, None => std::future::pending().await } } => None,
                }
            }
        };
        match input {
            Some(Input::Network(event)) => engine.network(event),
            Some(Input::Command(command)) => command(&mut engine),
            Some(Input::Stop) => return,
            None => engine.wake(),
        }
    }
}
