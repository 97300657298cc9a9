//! An account that nothing opens any more: nothing is done before the person has decided.

use std::{
    path::PathBuf,
    sync::{Arc, MutexGuard, PoisonError},
};

use client_core::{
    Error, SystemSeams,
    backup::{self, BackupError},
    engine::Seams,
    profile::{OpenedAccount, Profile},
    seams::{Clock as _, SystemClock},
    store::{Damage, DatabaseKey},
};
use tracing::{error, info};
use zeroize::Zeroizing;

use crate::{
    dto::{AppError, AppState, ErrorCode, LostFiles},
    state::{Shell, backups::of_backup, blocking},
};

/// What is known of it.
pub(super) struct LostAccount {
    /// The key of its database, where the ways in still open.
    key: Option<DatabaseKey>,
}

impl Shell {
    /// Nothing can be read of the database.
    pub(super) async fn without_messages(
        &self,
        profile: &Arc<Profile>,
        key: DatabaseKey,
        damage: &Damage,
    ) -> Result<AppState, AppError> {
        let keys = blocking({
            let (profile, key) = (Arc::clone(profile), key.clone());
            move || profile.can_open_without_messages(&key)
        });
        let keys = keys.await?;
        let what = if damage.missing {
            LostFiles::Missing
        } else {
            LostFiles::Damaged
        };
        Ok(self.lose(LostAccount { key: Some(key) }, what, keys, &damage.what))
    }

    /// No way in is left.
    pub(super) fn without_ways(&self, error: AppError) -> AppState {
        let detail = error.detail.unwrap_or_default();
        self.lose(LostAccount { key: None }, LostFiles::Ways, false, &detail)
    }

    fn lose(&self, account: LostAccount, what: LostFiles, keys: bool, detail: &str) -> AppState {
        error!(?what, keys, detail, "nothing opens the account");
        *self.lost() = Some(account);
        AppState::Lost {
            what,
            keys,
            detail: format!("{}: {detail}", self.folder.display()),
            settings: self.settings.current(),
        }
    }

    /// Opens the lost account; its conversations come back from the relay.
    pub(crate) async fn open_without_messages(&self) -> Result<AppState, AppError> {
        self.reopen(|profile, key, seams| {
            let opened = profile.open_without_messages(key, seams);
            Ok(opened.map_err(Error::from)?)
        })
        .await
    }

    /// Opens the lost account with what a backup of it has. Backups go on in the same folder.
    pub(crate) async fn open_with_backup(
        &self,
        folder: PathBuf,
        code: Zeroizing<[u8; 32]>,
    ) -> Result<AppState, AppError> {
        self.reopen(move |profile, key, seams| {
            let open = || -> Result<OpenedAccount, BackupError> {
                let backup = backup::open(&folder, &code)?;
                profile.open_with_backup(key, &backup, seams)
            };
            open().map_err(of_backup)
        })
        .await
    }

    async fn reopen(
        &self,
        open: impl FnOnce(&Profile, DatabaseKey, Seams) -> Result<OpenedAccount, AppError>
        + Send
        + 'static,
    ) -> Result<AppState, AppError> {
        let mut slot = self.profile.lock().await;
        if self.running().is_some() {
            return self.ready().await;
        }
        let profile = self.take(&mut slot).await?;
        let key = self.lost().as_ref().and_then(|lost| lost.key.clone());
        let key = key.ok_or_else(not_lost)?;
        let (seams, system) = SystemSeams::new(&self.runtime);
        let opened = blocking({
            let profile = Arc::clone(&profile);
            move || open(&profile, key, seams)
        });
        let account = self.start(profile, opened.await??, system)?;
        *self.lost() = None;
        self.publish(account);
        self.ready().await
    }

    /// Makes place for the account to be restored by its recovery code. The lost files are kept beside.
    pub(crate) async fn put_aside(&self) -> Result<AppState, AppError> {
        let mut slot = self.profile.lock().await;
        let profile = self.take(&mut slot).await?;
        if self.running().is_some() || self.lost().is_none() {
            return Err(not_lost());
        }
        let now = SystemClock::new().wall_ms();
        let folder = blocking(move || profile.put_aside(now)).await??;
        info!(folder = %folder.display(), "the lost account was put aside");
        *self.lost() = None;
        self.first_run().await
    }

    fn lost(&self) -> MutexGuard<'_, Option<LostAccount>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_lost() -> AppError {
    AppError::new(ErrorCode::Internal, "there is no lost account")
}
