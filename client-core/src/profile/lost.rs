//! What a person can choose where a database is beyond mending: see [`crate::profile::OpeningError::Lost`].

use std::{fs, path::PathBuf};

use crate::{
    backup::{BackupError, Opened},
    crypto::AccountKeys,
    engine::Seams,
    error::{Error, ErrorKind, Result},
    files, keyslots,
    profile::{OpenedAccount, Profile},
    safekeeping::{How, Mended},
    store::DatabaseKey,
};

impl Profile {
    /// Whether [`Profile::open_without_messages`] and [`Profile::open_with_backup`] can bring the account back: its keys lie
    /// beside the key slots.
    #[must_use]
    pub fn can_open_without_messages(&self, key: &DatabaseKey) -> bool {
        matches!(keyslots::identity(&self.slots(), key), Ok(Some(_)))
    }

    /// Opens the account with what a backup of it has. The backup is tried out first; backups go on in its folder. The
    /// damaged files are kept. A database that opens, or that can be mended, opens as ever.
    ///
    /// # Errors
    /// [`BackupError::OtherAccount`]; [`BackupError`]. Nothing was changed, except where the
    /// disk failed in the midst of it: then the account may open without messages.
    pub fn open_with_backup(
        &self,
        key: DatabaseKey,
        backup: &Opened,
        seams: Seams,
    ) -> std::result::Result<OpenedAccount, BackupError> {
        let identity = keyslots::identity(&self.slots(), &key)?
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "the account's keys are not there"))?;
        let keys = AccountKeys::from_bytes(&identity.keys).map_err(Error::from)?;
        if keys.account() != backup.account() {
            return Err(BackupError::OtherAccount);
        }
        backup.rehearse()?;
        let mut opened = self
            .open_without_messages(key, seams)
            .map_err(Error::from)?;
        let empty = |mended: &Mended| mended.how == How::KeysOnly;
        if opened.mended.as_ref().is_some_and(empty) {
            opened.change(|write| backup.refill(write))?;
        }
        Ok(opened)
    }

    /// Moves an account that nothing opens any more out of the way, so that it can be restored in its place. Nothing of it is
    /// deleted; the folder that has it now is returned. Only for a person who decided so. `now` is the computer's time in
    /// milliseconds.
    ///
    /// # Errors
    /// [`ErrorKind::Database`], [`ErrorKind::DiskFull`].
    pub fn put_aside(&self, now: u64) -> Result<PathBuf> {
        let folder = self.folder.join(format!("lost-{now}"));
        fs::rename(self.account(), &folder)?;
        files::sync_folder(&self.folder)?;
        Ok(folder)
    }
}
