//! From a folder to an account at work: opened by one of its ways in, made, or brought back.

use std::{
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use client_core::{
    Error, SystemSeams, backup,
    keyslots::{self, Protection, SlotKind, Trouble, Unlock, UnlockError},
    profile::{OpeningError, Profile, ProfileState},
    restoring::Lost,
    store::DatabaseKey,
};
use protocol::Link;
use tokio::time;
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::{
    dto::{AppError, AppState, ErrorCode, Slot},
    state::{Account, Shell, backups::of_backup, blocking},
};

/// A relay that has not made the account by then is not going to.
const REGISTRATION: Duration = Duration::from_secs(30);

impl Shell {
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
        if let Some(account) = self.running() {
            if account.over.load(Ordering::Relaxed) {
                return self.revive(account).await;
            }
            return self.ready().await;
        }
        let again = slot.is_some();
        let profile = self.take(&mut slot).await?;
        let kinds = match kinds(&profile).await {
            Err(error) if error.code == ErrorCode::Damaged => return Ok(self.without_ways(error)),
            kinds => kinds?,
        };
        let kinds = match kinds {
            None if self.finish_begun(&profile).await => self::kinds(&profile).await?,
            kinds => kinds,
        };
        let Some(kinds) = kinds else {
            return self.first_run().await;
        };
        let keyring = Arc::clone(&self.keyring);
        let unlocked = blocking({
            let profile = Arc::clone(&profile);
            move || profile.unlock(&Unlock::Silently(keyring.as_ref()))
        });
        let troubles = match unlocked.await? {
            Ok(key) => return self.open_with(profile, key).await,
            Err(UnlockError::SlotsLost(error)) => return Err(error.into()),
            Err(UnlockError::Locked(troubles)) => troubles,
        };
        // the page tries again: in vain where this process found no keyring
        if again && kinds.contains(&SlotKind::Keyring) {
            let keyring = Arc::clone(&self.keyring);
            if let Err(trouble) = blocking(move || keyring.reach()).await? {
                info!(reason = %trouble, "only a new process may find the keyring");
                self.program.restart();
            }
        }
        Ok(self.closed(&troubles))
    }

    /// Whether an account was made, and the program ended before it could note that.
    async fn finish_begun(&self, profile: &Arc<Profile>) -> bool {
        let (profile, keyring) = (Arc::clone(profile), Arc::clone(&self.keyring));
        let finished = blocking(move || profile.finish_begun(keyring.as_ref())).await;
        match finished.and_then(|finished| Ok(finished?)) {
            Ok(finished) => finished,
            Err(error) => {
                // the first page goes on with it, or leaves it aside
                warn!(code = ?error.code, detail = error.detail, "what an earlier attempt left is not known");
                false
            }
        }
    }

    pub(super) async fn first_run(&self) -> Result<AppState, AppError> {
        let keyring = Arc::clone(&self.keyring);
        Ok(AppState::FirstRun {
            keyring: blocking(move || keyring.status()).await?,
            settings: self.settings.current(),
        })
    }

    /// The profile stays closed until the person does something.
    fn closed(&self, troubles: &[keyslots::SlotTrouble]) -> AppState {
        let settings = self.settings.current();
        let slots = troubles.iter().map(Slot::from).collect();
        let of_keyring = troubles.iter().find(|of| of.slot == SlotKind::Keyring);
        self.keyring_lost.store(
            of_keyring
                .is_some_and(|of| matches!(of.trouble, Trouble::NoEntry | Trouble::OtherSecret)),
            Ordering::Relaxed,
        );
        match of_keyring {
            Some(of) if troubles.len() == 1 => AppState::KeyringFailed {
                reason: format!("keyring: {}", of.trouble),
                slots,
                settings,
            },
            _ => AppState::Locked { slots, settings },
        }
    }

    /// Opens the account with its passphrase.
    pub(crate) async fn unlock(&self, passphrase: Zeroizing<String>) -> Result<AppState, AppError> {
        self.unlock_by(SlotKind::Passphrase, move |profile| {
            profile.unlock(&Unlock::Passphrase(&passphrase))
        })
        .await
    }

    /// Opens the account with the 256 bits of its recovery code.
    pub(crate) async fn unlock_with_code(
        &self,
        code: Zeroizing<[u8; 32]>,
    ) -> Result<AppState, AppError> {
        self.unlock_by(SlotKind::RecoveryCode, move |profile| {
            profile.unlock(&Unlock::RecoveryCode(&code))
        })
        .await
    }

    async fn unlock_by(
        &self,
        way: SlotKind,
        unlock: impl FnOnce(&Profile) -> Result<DatabaseKey, UnlockError> + Send + 'static,
    ) -> Result<AppState, AppError> {
        let mut slot = self.profile.lock().await;
        if self.running().is_some() {
            return self.ready().await;
        }
        let profile = self.take(&mut slot).await?;
        let unlocked = blocking({
            let profile = Arc::clone(&profile);
            move || unlock(&profile)
        });
        let key = unlocked.await?.map_err(|error| refused(error, way))?;
        let state = self.open_with(profile, key).await?;
        if self.running().is_some()
            && self.keyring_lost.swap(false, Ordering::Relaxed)
            && let Err(error) = self.set_slot(Protection::Keyring).await
        {
            warn!(code = ?error.code, detail = error.detail, "the keyring does not take the key back");
        }
        Ok(state)
    }

    pub(super) async fn open_with(
        &self,
        profile: Arc<Profile>,
        key: DatabaseKey,
    ) -> Result<AppState, AppError> {
        let (seams, system) = (self.seams)(&self.runtime);
        let opened = blocking({
            let (profile, key) = (Arc::clone(&profile), key.clone());
            move || profile.open_with(key, seams)
        });
        match opened.await? {
            Err(OpeningError::Lost(damage)) => self.without_messages(&profile, key, &damage).await,
            opened => {
                let opened = opened.map_err(Error::from)?;
                self.publish(self.start(profile, opened, system)?);
                self.ready().await
            }
        }
    }

    /// Makes an account on the link's relay and waits until the relay has it. After a failure it may be repeated: with
    /// the same link it goes on with the same account, with another link it begins anew. An account that was made after all is
    /// opened instead, also one of another relay; the page sees that by its relay.
    pub(crate) async fn create(
        &self,
        link: Link,
        name: String,
        protection: Protection,
    ) -> Result<AppState, AppError> {
        let mut slot = self.profile.lock().await;
        let profile = self.take_empty(&mut slot).await?;
        let (keyring, (seams, system)) =
            (Arc::clone(&self.keyring), SystemSeams::new(&self.runtime));
        let opened = blocking({
            let profile = Arc::clone(&profile);
            move || profile.create(&link, &name, &protection, keyring.as_ref(), seams)
        });
        let account = self.start(profile, opened.await??, system)?;
        self.publish(registered(account).await?);
        self.ready().await
    }

    /// Brings an account back by its recovery code, with what a backup has of it, and waits until the relay has let this
    /// computer in. The code opens the profile from then on, too. After a failure it may be repeated with the same code.
    /// Without a name the person keeps the former one.
    pub(crate) async fn restore(
        &self,
        lost: Lost,
        folder: Option<PathBuf>,
        name: Option<String>,
        protection: Protection,
    ) -> Result<AppState, AppError> {
        let mut slot = self.profile.lock().await;
        let profile = self.take_empty(&mut slot).await?;
        let code = Zeroizing::new(*lost.code.as_bytes());
        let backup = match folder {
            Some(folder) => {
                let code = code.clone();
                Some(
                    blocking(move || backup::open(&folder, &code))
                        .await?
                        .map_err(of_backup)?,
                )
            }
            None => None,
        };
        let found = lost.find(&self.runtime).await?;
        let (keyring, (seams, system)) =
            (Arc::clone(&self.keyring), SystemSeams::new(&self.runtime));
        let opened = blocking({
            let profile = Arc::clone(&profile);
            move || {
                let mut opened = profile.restore(
                    &found,
                    name.as_deref(),
                    &protection,
                    keyring.as_ref(),
                    seams,
                )?;
                if let Some(backup) = &backup {
                    let messages = opened.take_over(backup).map_err(of_backup)?;
                    info!(messages, "the backup was taken over");
                }
                Ok::<_, AppError>(opened)
            }
        });
        let account = self.start(profile, opened.await??, system)?;
        self.publish(registered(account).await?);
        if let Err(error) = self.set_slot(Protection::RecoveryCode(code)).await {
            // the account is back; the code still brings it back another time
            warn!(code = ?error.code, detail = error.detail, "the recovery code does not open the profile");
        }
        self.ready().await
    }

    /// Takes the folder for an account that is not there yet.
    async fn take_empty(&self, slot: &mut Option<Arc<Profile>>) -> Result<Arc<Profile>, AppError> {
        let profile = self.take(slot).await?;
        if self.running().is_some() || kinds(&profile).await?.is_some() {
            return Err(AppError::new(
                ErrorCode::Internal,
                "there is an account already",
            ));
        }
        Ok(profile)
    }
}

/// The ways into the account; `None` where there is none.
async fn kinds(profile: &Arc<Profile>) -> Result<Option<Vec<SlotKind>>, AppError> {
    let profile = Arc::clone(profile);
    Ok(match blocking(move || profile.state()).await?? {
        ProfileState::Empty => None,
        ProfileState::Account(kinds) => Some(kinds),
    })
}

/// Waits until the relay has the account. One that it does not get is stopped.
async fn registered(account: Account) -> Result<Account, AppError> {
    let registered = match time::timeout(REGISTRATION, account.client.registered()).await {
        Ok(Ok(())) => {
            let keeper = Arc::clone(&account.keeper);
            blocking(move || keeper.registered())
                .await
                .and_then(|done| Ok(done?))
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(AppError::new(
            ErrorCode::RelayUnreachable,
            "the relay did not make the account in time",
        )),
    };
    match registered {
        Ok(()) => Ok(account),
        Err(error) => {
            account.stop().await;
            Err(error)
        }
    }
}

/// Why one way does not open the profile.
fn refused(error: UnlockError, way: SlotKind) -> AppError {
    let troubles = match error {
        UnlockError::SlotsLost(error) => return error.into(),
        UnlockError::Locked(troubles) => troubles,
    };
    let trouble = troubles
        .into_iter()
        .find(|of| of.slot == way)
        .map(|of| of.trouble);
    let code = match (&trouble, way) {
        (Some(Trouble::Damaged | Trouble::OtherSecret), _) => ErrorCode::Database,
        (_, SlotKind::RecoveryCode) => ErrorCode::WrongCode,
        _ => ErrorCode::WrongPassphrase,
    };
    let detail = trouble.map_or_else(
        || "the profile has no such way in".to_owned(),
        |trouble| trouble.to_string(),
    );
    AppError::new(code, detail)
}
