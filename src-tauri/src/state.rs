//! The account of this window: not there, locked, or at work.

mod backups;
mod bringing_back;
mod idleness;
mod keeper;
mod lost;
mod naming;
mod opening;
mod recovery;
mod reviving;
mod slots;

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use client_core::{
    Client, Error, ErrorKind, SystemSeams,
    engine::Seams,
    profile::{OpenedAccount, Profile},
};
use tokio::{
    runtime::Handle,
    sync::Mutex,
    task::{self, JoinSet},
    time,
};
use tracing::{error, info};

use self::{idleness::Input, keeper::Keeper, lost::LostAccount, reviving::Failures};
use crate::{
    bridge::Bridge,
    dto::{AppError, AppState, ErrorCode, Mended, Settings},
    keyring::Keyring,
    settings::SettingsFile,
};

/// An earlier window of the same profile may still be closing its database.
const HANDOVER: Duration = Duration::from_secs(5);
const HANDOVER_POLL: Duration = Duration::from_millis(100);

/// The program around the account.
pub(crate) trait Program: Send + Sync {
    /// The person chose other settings.
    fn settings_changed(&self, settings: Settings);

    /// Ends this process and starts the program anew, soon. Returns.
    fn restart(&self);

    /// Asks the person for a folder with the system's dialog. `None` where they gave up, or there is no such dialog.
    fn pick_folder(&self) -> Answer<Option<PathBuf>>;

    /// How long nobody has touched the computer. `None` where its system does not tell.
    fn idle_time(&self) -> Answer<Option<Duration>>;

    /// Shows a folder in the system's file manager. Returns before it is there.
    fn open_folder(&self, folder: &Path) -> io::Result<()>;
}

/// What a person answers, some time.
pub(crate) type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Makes what an account needs of the system.
type NewSeams = dyn Fn(&Handle) -> (Seams, SystemSeams) + Send + Sync;

/// What every command works on.
pub(crate) struct Shell {
    folder: PathBuf,
    settings: Arc<SettingsFile>,
    program: Arc<dyn Program>,
    input: Arc<Input>,
    bridge: Arc<Bridge>,
    keyring: Arc<dyn Keyring>,
    runtime: Handle,
    /// The locked folder, once it was taken. Whoever changes `account` holds this, so that changes come one after the other.
    profile: Mutex<Option<Arc<Profile>>>,
    account: RwLock<Option<Arc<Account>>>,
    /// Looks after the files of the account.
    keeping: std::sync::Mutex<JoinSet<()>>,
    /// The keyring answered, and does not have what opens the profile: it is given it again by who opens it otherwise.
    keyring_lost: AtomicBool,
    /// The clock, the randomness and the sockets of an account that is opened.
    seams: Box<NewSeams>,
    /// How often the engine failed lately.
    failures: std::sync::Mutex<Failures>,
    /// An account that nothing opens, until the person has decided about it.
    lost: std::sync::Mutex<Option<LostAccount>>,
    /// Where the last export was written.
    exported: std::sync::Mutex<Option<PathBuf>>,
}

/// An account at work, and the tasks that belong to it.
struct Account {
    client: Client,
    keeper: Arc<Keeper>,
    bridge: Arc<Bridge>,
    /// Tells the page what changes.
    forwarding: JoinSet<()>,
    /// One run of the backup at a time.
    backing_up: Mutex<()>,
    /// Whether it was told to stop, or its engine ended.
    over: Arc<AtomicBool>,
}

impl Account {
    async fn stop(mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.client.stop().await;
        // it ends because the account did
        while self.forwarding.join_next().await.is_some() {}
    }
}

impl Shell {
    /// Nothing is opened before [`Shell::open`].
    pub(crate) fn new(
        folder: PathBuf,
        settings: Arc<SettingsFile>,
        runtime: Handle,
        keyring: impl Keyring + 'static,
        program: impl Program + 'static,
    ) -> Self {
        Self {
            folder,
            settings,
            program: Arc::new(program),
            input: Arc::default(),
            bridge: Arc::default(),
            keyring: Arc::new(keyring),
            runtime,
            profile: Mutex::default(),
            account: RwLock::default(),
            keeping: std::sync::Mutex::default(),
            keyring_lost: AtomicBool::new(false),
            seams: Box::new(SystemSeams::new),
            failures: std::sync::Mutex::default(),
            lost: std::sync::Mutex::default(),
            exported: std::sync::Mutex::default(),
        }
    }

    pub(crate) fn bridge(&self) -> &Arc<Bridge> {
        &self.bridge
    }

    /// Replaces the settings.
    pub(crate) async fn save_settings(&self, settings: Settings) -> Result<Settings, AppError> {
        let file = Arc::clone(&self.settings);
        blocking(move || file.save(settings).map_err(Error::from)).await??;
        self.program.settings_changed(settings);
        Ok(settings)
    }

    /// A command met a fault of the database: it is checked whole at its next opening.
    pub(crate) async fn doubt(&self) {
        if let Some(account) = self.running() {
            // a failure is in the log, and the next fault tries again
            let _noted = blocking(move || account.keeper.doubt()).await;
        }
    }

    /// Asks the person for a folder.
    pub(crate) async fn pick_folder(&self) -> Option<PathBuf> {
        self.program.pick_folder().await
    }

    /// The person did something in the window.
    pub(crate) fn note_input(&self) {
        self.input.note();
    }

    /// Ends this process and starts the program anew.
    pub(crate) fn restart(&self) {
        info!("the person starts the program anew");
        self.program.restart();
    }

    /// The account, if it is at work.
    pub(crate) fn client(&self) -> Result<impl AsRef<Client> + use<>, AppError> {
        self.account().map(Running)
    }

    fn account(&self) -> Result<Arc<Account>, AppError> {
        self.running()
            .ok_or_else(|| AppError::new(ErrorCode::Internal, "there is no open account"))
    }

    /// Ends the account and waits until its database is closed.
    pub(crate) async fn stop(&self) {
        let _changing = self.profile.lock().await;
        let mut keeping = std::mem::take(&mut *self.keeping());
        keeping.shutdown().await;
        let account = self
            .account
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(account) = &account {
            account.over.store(true, Ordering::Relaxed);
        }
        // else a command still runs, and the account ends after it
        if let Some(Ok(account)) = account.map(Arc::try_unwrap) {
            account.stop().await;
            info!("the account has stopped");
        }
    }

    /// Takes the folder for this process.
    async fn take(&self, slot: &mut Option<Arc<Profile>>) -> Result<Arc<Profile>, AppError> {
        if let Some(profile) = slot {
            return Ok(Arc::clone(profile));
        }
        let deadline = time::Instant::now() + HANDOVER;
        loop {
            let folder = self.folder.clone();
            match blocking(move || Profile::take(&folder)).await? {
                Ok(profile) => return Ok(Arc::clone(slot.insert(Arc::new(profile)))),
                Err(error)
                    if error.kind() == ErrorKind::Busy && time::Instant::now() < deadline =>
                {
                    time::sleep(HANDOVER_POLL).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn start(
        &self,
        profile: Arc<Profile>,
        opened: OpenedAccount,
        system: SystemSeams,
    ) -> Result<Account, AppError> {
        let keeper = Arc::new(Keeper::new(profile, opened.key.clone()));
        let (client, notices) = Client::start(opened, system, &self.runtime)?;
        let over = Arc::new(AtomicBool::new(false));
        let mut forwarding = JoinSet::new();
        let forward = {
            let (bridge, over) = (Arc::clone(&self.bridge), Arc::clone(&over));
            let oneself = client.oneself();
            async move {
                Arc::clone(&bridge).forward(notices, oneself).await;
                // nobody stopped it, so it failed
                if !over.swap(true, Ordering::Relaxed) {
                    error!("the engine ended by itself");
                    bridge.engine_failed();
                }
            }
        };
        forwarding.spawn_on(forward, &self.runtime);
        Ok(Account {
            client,
            keeper,
            bridge: Arc::clone(&self.bridge),
            forwarding,
            backing_up: Mutex::default(),
            over,
        })
    }

    fn publish(&self, account: Account) {
        info!(account = %account.client.account(), "the account is at work");
        let account = Arc::new(account);
        let keep = keeper::keep(Arc::downgrade(&account));
        self.keeping().spawn_on(keep, &self.runtime);
        let watch = idleness::watch(
            Arc::downgrade(&account),
            Arc::clone(&self.program),
            Arc::clone(&self.input),
        );
        self.keeping().spawn_on(watch, &self.runtime);
        *self.account.write().unwrap_or_else(PoisonError::into_inner) = Some(account);
    }

    fn keeping(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.keeping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> Option<Arc<Account>> {
        self.account
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn ready(&self) -> Result<AppState, AppError> {
        let account = self.account()?;
        let client = &account.client;
        // of several, the newest says what is here now
        let mended = match client.untold_mendings().await?.pop() {
            Some(mended) => Some(Mended::new(mended, client.conversations().await?.len())),
            None => None,
        };
        Ok(AppState::Ready {
            me: Box::new(client.me().await?.into()),
            connection: client.connection().await?.into(),
            settings: self.settings.current(),
            mended,
            damaged: client.is_damaged(),
            backup: account.backup_trouble().await?,
        })
    }
}

/// Keeps the account alive while a command runs.
struct Running(Arc<Account>);

impl AsRef<Client> for Running {
    fn as_ref(&self) -> &Client {
        &self.0.client
    }
}

/// Files and the keyring make whoever calls them wait.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    task::spawn_blocking(work).await.map_err(|fault| {
        error!(%fault, "a blocking call failed");
        AppError::new(ErrorCode::Internal, "a blocking call failed")
    })
}

#[cfg(test)]
mod tests;
