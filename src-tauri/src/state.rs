//! The account of this window: not there, locked, or at work.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use client_core::{
    Client, Error, ErrorKind, SystemSeams,
    keyslots::{Protection, SlotKind, Unlock},
    profile::{OpenedAccount, Profile, ProfileState},
};
use protocol::Link;
use tokio::{
    runtime::Handle,
    sync::Mutex,
    task::{self, JoinSet},
    time,
};
use tracing::{error, info, warn};
use zeroize::Zeroizing;

use crate::{
    bridge::Bridge,
    dto::{AppError, AppState, ErrorCode, Settings},
    keyring::Keyring,
    settings::SettingsFile,
};

/// A relay that has not made the account by then is not going to.
const REGISTRATION: Duration = Duration::from_secs(30);
/// An earlier window of the same profile may still be closing its database.
const HANDOVER: Duration = Duration::from_secs(5);
const HANDOVER_POLL: Duration = Duration::from_millis(100);

/// The program around the account.
pub(crate) trait Program: Send + Sync {
    /// The person chose other settings.
    fn settings_changed(&self, settings: Settings);

    /// Ends this process and starts the program anew, soon. Returns.
    fn restart(&self);
}

/// What every command works on.
pub(crate) struct Shell {
    folder: PathBuf,
    settings: Arc<SettingsFile>,
    program: Box<dyn Program>,
    bridge: Arc<Bridge>,
    keyring: Arc<dyn Keyring>,
    runtime: Handle,
    /// The locked folder, once it was taken. Whoever changes `account` holds this, so that changes come one after the other.
    profile: Mutex<Option<Arc<Profile>>>,
    account: RwLock<Option<Arc<Account>>>,
}

/// An account at work, and the task that tells the page about it.
struct Account {
    client: Client,
    forwarding: JoinSet<()>,
}

impl Account {
    async fn stop(mut self) {
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
            program: Box::new(program),
            bridge: Arc::default(),
            keyring: Arc::new(keyring),
            runtime,
            profile: Mutex::default(),
            account: RwLock::default(),
        }
    }

    pub(crate) fn bridge(&self) -> &Arc<Bridge> {
        &self.bridge
    }

    /// Where things stand. Opens what opens without a question; may be repeated after a failure.
    pub(crate) async fn open(&self) -> AppState {
        match self.open_silently().await {
            Ok(state) => state,
            Err(error) => {
                warn!(code = ?error.code, detail = error.detail, "the profile cannot be opened");
                let detail = format!(
                    "{}: {}",
                    self.folder.display(),
                    error.detail.unwrap_or_default()
                );
                AppState::Broken {
                    error: AppError::new(error.code, detail),
                    settings: self.settings.current(),
                }
            }
        }
    }

    async fn open_silently(&self) -> Result<AppState, AppError> {
        let mut slot = self.profile.lock().await;
        if self.running().is_some() {
            return self.ready().await;
        }
        let again = slot.is_some();
        let profile = self.take(&mut slot).await?;
        let settings = self.settings.current();
        let state = blocking({
            let profile = Arc::clone(&profile);
            move || profile.state()
        });
        let kinds = match state.await?? {
            ProfileState::Account(kinds) => kinds,
            ProfileState::Empty => {
                let keyring = Arc::clone(&self.keyring);
                return Ok(AppState::FirstRun {
                    keyring: blocking(move || keyring.status()).await?,
                    settings,
                });
            }
        };
        if kinds.iter().all(|kind| kind.asks()) {
            return Ok(AppState::Locked { settings });
        }
        // the page tries again: in vain where this process found no keyring
        let needs_keyring = kinds.contains(&SlotKind::Keyring)
            && !kinds.contains(&SlotKind::Unprotected)
            && !kinds.contains(&SlotKind::Passphrase);
        if again && needs_keyring {
            let keyring = Arc::clone(&self.keyring);
            if let Err(trouble) = blocking(move || keyring.reach()).await? {
                let reason = trouble.to_string();
                info!(reason, "only a new process may find the keyring");
                self.program.restart();
                return Ok(AppState::KeyringFailed { reason, settings });
            }
        }
        let (keyring, (seams, system)) =
            (Arc::clone(&self.keyring), SystemSeams::new(&self.runtime));
        let opened =
            blocking(move || profile.open(&Unlock::Silently(keyring.as_ref()), seams)).await?;
        match opened {
            Ok(opened) => self.run(opened, system).await,
            Err(error)
                if error.kind() == ErrorKind::Keyring && kinds.contains(&SlotKind::Passphrase) =>
            {
                Ok(AppState::Locked { settings })
            }
            Err(error) if error.kind() == ErrorKind::Keyring => Ok(AppState::KeyringFailed {
                reason: error.context().to_owned(),
                settings,
            }),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens the account with its passphrase.
    pub(crate) async fn unlock(&self, passphrase: Zeroizing<String>) -> Result<AppState, AppError> {
        let mut slot = self.profile.lock().await;
        if self.running().is_some() {
            return self.ready().await;
        }
        let profile = self.take(&mut slot).await?;
        let (seams, system) = SystemSeams::new(&self.runtime);
        let opened =
            blocking(move || profile.open(&Unlock::Passphrase(&passphrase), seams)).await??;
        self.run(opened, system).await
    }

    /// Makes an account on the link's relay and waits until the relay has it. After a failure it may be repeated: with
    /// the same link it goes on with the same account.
    pub(crate) async fn create(
        &self,
        link: Link,
        name: String,
        protection: Protection,
    ) -> Result<AppState, AppError> {
        let mut slot = self.profile.lock().await;
        if self.running().is_some() {
            return Err(AppError::new(
                ErrorCode::Internal,
                "there is an account already",
            ));
        }
        let profile = self.take(&mut slot).await?;
        let (keyring, (seams, system)) =
            (Arc::clone(&self.keyring), SystemSeams::new(&self.runtime));
        let opened = blocking({
            let profile = Arc::clone(&profile);
            move || profile.create(&link, &name, &protection, keyring.as_ref(), seams)
        });
        let account = self.start(opened.await??, system)?;
        let registered = match time::timeout(REGISTRATION, account.client.registered()).await {
            Ok(Ok(())) => blocking(move || profile.registered())
                .await
                .and_then(|done| Ok(done?)),
            Ok(Err(error)) => Err(error.into()),
            Err(_) => Err(AppError::new(
                ErrorCode::RelayUnreachable,
                "the relay did not make the account in time",
            )),
        };
        if let Err(error) = registered {
            account.stop().await;
            return Err(error);
        }
        self.publish(account);
        self.ready().await
    }

    /// Replaces the settings.
    pub(crate) async fn save_settings(&self, settings: Settings) -> Result<Settings, AppError> {
        let file = Arc::clone(&self.settings);
        blocking(move || file.save(settings).map_err(Error::from)).await??;
        self.program.settings_changed(settings);
        Ok(settings)
    }

    /// The account, if it is at work.
    pub(crate) fn client(&self) -> Result<impl AsRef<Client> + use<>, AppError> {
        self.running()
            .map(Running)
            .ok_or_else(|| AppError::new(ErrorCode::Internal, "there is no open account"))
    }

    /// Ends the account and waits until its database is closed.
    pub(crate) async fn stop(&self) {
        let _changing = self.profile.lock().await;
        let account = self
            .account
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
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

    async fn run(&self, opened: OpenedAccount, system: SystemSeams) -> Result<AppState, AppError> {
        let account = self.start(opened, system)?;
        self.publish(account);
        self.ready().await
    }

    fn start(&self, opened: OpenedAccount, system: SystemSeams) -> Result<Account, AppError> {
        let (client, notices) = Client::start(opened, system, &self.runtime)?;
        let mut forwarding = JoinSet::new();
        forwarding.spawn_on(Arc::clone(&self.bridge).forward(notices), &self.runtime);
        Ok(Account { client, forwarding })
    }

    fn publish(&self, account: Account) {
        info!(account = %account.client.me().account, "the account is at work");
        *self.account.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(account));
    }

    fn running(&self) -> Option<Arc<Account>> {
        self.account
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn ready(&self) -> Result<AppState, AppError> {
        let client = self.client()?;
        let client = client.as_ref();
        Ok(AppState::Ready {
            me: client.me().into(),
            connection: client.connection().await?.into(),
            settings: self.settings.current(),
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
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, AppError> {
    task::spawn_blocking(work).await.map_err(|fault| {
        error!(%fault, "a blocking call failed");
        AppError::new(ErrorCode::Internal, "a blocking call failed")
    })
}

#[cfg(test)]
mod tests;
