//! What an account's files need while it runs: other slots, the identity beside them, copies.

use std::{
    io::Write,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use client_core::{
    Error, ErrorKind, Result,
    backup::{BackupError, Job, Ran},
    export::{Format, Locale},
    keyslots::{Protection, SecretStore, SlotKind, Unlock, UnlockError},
    model::ConversationKey,
    profile::{Profile, ProfileState},
    safekeeping::Copied,
    seams::{Clock as _, SystemClock, SystemRandom},
    store::{DatabaseKey, OpenError},
};
use tokio::time;
use tracing::{error, info, warn};

use crate::{
    dto::Slot,
    state::{Account, blocking},
};

/// Whoever starts the app wants to read; copying can wait.
const FIRST: Duration = Duration::from_secs(2 * 60);
/// How often is looked whether a day has passed.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// Looks after the files of an account until it ends.
pub(super) async fn keep(account: Weak<Account>) {
    // an earlier process may have ended in the midst of it
    if let Some(account) = account.upgrade() {
        account.forget_if_due().await;
    }
    time::sleep(FIRST).await;
    while let Some(account) = account.upgrade() {
        account.forget_if_due().await;
        let keeper = Arc::clone(&account.keeper);
        match blocking(move || keeper.tidy()).await {
            Ok(Tidied::Done) => account.back_up_if_due().await,
            Ok(Tidied::Damaged) => account.client.report_damage(),
            // logged where it failed
            Err(_) => {}
        }
        drop(account);
        time::sleep(PERIOD).await;
    }
}

/// An open account's files, and the key to them. What reads or writes blocks.
pub(super) struct Keeper {
    profile: Arc<Profile>,
    key: DatabaseKey,
    clock: SystemClock,
    /// One copy is made at a time.
    copying: Mutex<()>,
}

impl Keeper {
    pub(super) fn new(profile: Arc<Profile>, key: DatabaseKey) -> Self {
        Self {
            profile,
            key,
            clock: SystemClock::new(),
            copying: Mutex::default(),
        }
    }

    /// What opens the account again.
    pub(super) fn profile_and_key(&self) -> (Arc<Profile>, DatabaseKey) {
        (Arc::clone(&self.profile), self.key.clone())
    }

    /// Does what is due.
    pub(super) fn tidy(&self) -> Tidied {
        self.keep_identity();
        let _alone = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        match self.profile.copy_if_due(&self.key, self.now()) {
            Ok(Copied::NotDue) => {}
            Ok(Copied::Made(_)) => info!("the database was copied"),
            // it was noted, and is mended at the next start
            Err(OpenError::Damaged(damage)) => {
                error!(damage = damage.what, "the database is damaged");
                return Tidied::Damaged;
            }
            Err(error) => warn!(error = %Error::from(error), "the database was not copied"),
        }
        Tidied::Done
    }

    /// Keeps the root key, which left the database, from living on in its copies. Says whether that was due.
    pub(super) fn forget_if_due(&self) -> Result<bool> {
        let _alone = self.copying.lock().unwrap_or_else(PoisonError::into_inner);
        let due = self.profile.must_forget(&self.key)?;
        if due {
            self.profile
                .forget_what_was_wiped(&self.key, self.now(), &mut SystemRandom)?;
        }
        Ok(due)
    }

    /// Where damaged databases are kept.
    pub(super) fn quarantines(&self) -> Result<Vec<String>> {
        let folders = self.profile.quarantines()?;
        Ok(folders.iter().map(|it| it.display().to_string()).collect())
    }

    /// Deletes the damaged databases for good.
    pub(super) fn discard_quarantines(&self) -> Result<()> {
        self.profile.discard_quarantines()
    }

    /// The relay has the account: its keys changed, and it counts from now on.
    pub(super) fn registered(&self) -> Result<()> {
        self.profile.registered()?;
        self.keep_identity();
        Ok(())
    }

    /// A reading failed: the database is checked whole at its next opening.
    pub(super) fn doubt(&self) {
        if let Err(error) = self.profile.doubt() {
            warn!(%error, "the next opening will not check the database whole");
        }
    }

    /// Notes the account's keys and name beside the ways in, where they changed.
    pub(super) fn keep_identity(&self) {
        let kept = self.profile.keep_identity(&self.key, &mut SystemRandom);
        if let Err(error) = kept {
            // every opening does it too
            warn!(%error, "the identity beside the key slots is an older one");
        }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.wall_ms()
    }

    /// Writes the backup.
    pub(super) fn back_up(&self, job: &Job) -> std::result::Result<Ran, BackupError> {
        self.profile
            .back_up(&self.key, job, self.now(), &mut SystemRandom)
    }

    /// Writes a conversation for other programs.
    pub(super) fn export(
        &self,
        conversation: ConversationKey,
        format: Format,
        locale: &Locale,
        output: &mut dyn Write,
    ) -> Result<u64> {
        self.profile
            .export(&self.key, conversation, format, locale, self.now(), output)
    }

    /// When the newest copy was made.
    pub(super) fn last_copy(&self) -> Result<Option<u64>> {
        self.profile.last_copy()
    }

    /// The ways in, and what is wrong with those that open without a question.
    pub(super) fn slots(&self, keyring: &dyn SecretStore) -> Result<Vec<Slot>> {
        match self.profile.unlock(&Unlock::Silently(keyring)) {
            Err(UnlockError::Locked(troubles)) => Ok(troubles.iter().map(Slot::from).collect()),
            Err(UnlockError::SlotsLost(error)) => Err(error),
            Ok(_) => Ok(self.kinds()?.into_iter().map(Slot::from).collect()),
        }
    }

    /// Adds a way in, or replaces the one of the same kind. Whoever protects the profile wants it to be unprotected no more.
    pub(super) fn set_slot(
        &self,
        protection: &Protection,
        keyring: &dyn SecretStore,
    ) -> Result<()> {
        self.profile
            .set_slot(&self.key, protection, keyring, &mut SystemRandom)?;
        let protects = matches!(protection, Protection::Keyring | Protection::Passphrase(_));
        if protects && self.kinds()?.contains(&SlotKind::Unprotected) {
            self.profile
                .remove_slot(&self.key, SlotKind::Unprotected, keyring)?;
        }
        Ok(())
    }

    /// Removes a way in where another one surely stays.
    pub(super) fn remove_slot(
        &self,
        kind: SlotKind,
        code: CodeConfirmed,
        keyring: &dyn SecretStore,
    ) -> Result<()> {
        let mut others = self.kinds()?;
        others.retain(|other| *other != kind);
        if code == CodeConfirmed::No {
            // it is in this very database, and nobody has it on paper
            others.retain(|other| *other != SlotKind::RecoveryCode);
        }
        match others.as_slice() {
            [] => return Err(Error::new(ErrorKind::Refused, "the last slot stays")),
            // what was put there long ago may be gone: it is given the key again, and read back
            [SlotKind::Keyring] => self.profile.set_slot(
                &self.key,
                &Protection::Keyring,
                keyring,
                &mut SystemRandom,
            )?,
            _ => {}
        }
        self.profile.remove_slot(&self.key, kind, keyring)
    }

    fn kinds(&self) -> Result<Vec<SlotKind>> {
        match self.profile.state()? {
            ProfileState::Account(kinds) => Ok(kinds),
            ProfileState::Empty => Err(Error::new(ErrorKind::NotFound, "there is no account")),
        }
    }
}

/// How the database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tidied {
    Done,
    /// It is damaged, and nothing more is to be written.
    Damaged,
}

/// Whether the person has the recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeConfirmed {
    Yes,
    No,
}
