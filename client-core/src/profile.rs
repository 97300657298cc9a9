//! A profile: the folder of one installation, its lock, its account's database and key slots.
//!
//! ```text
//! PROFILE/lock                 held while the app runs, so that one process at a time has the profile
//! PROFILE/account/keys         key slots, see [`crate::keyslots`]; once more in `keys-copy`
//! PROFILE/account/relevo.db    the encrypted database
//! PROFILE/account/copies       copies of it, and beside them what was damaged: see [`crate::safekeeping`]
//! PROFILE/account/registering  there until the relay has made the account
//! ```

mod creating;
mod keeping;
mod lost;
mod opening;

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use protocol::AccountId;

use crate::{
    engine::Engine,
    error::{Error, ErrorKind, Result},
    files,
    keyslots::{self, SlotKind},
    safekeeping::Mended,
    store::DatabaseKey,
};

pub use self::opening::OpeningError;

/// The folder, locked by this process.
pub struct Profile {
    folder: PathBuf,
    _lock: File,
}

/// What is in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileState {
    /// No account yet.
    Empty,
    /// An account; its slots need these.
    Account(Vec<SlotKind>),
}

/// An opened account: the engine, and what readers need.
pub struct OpenedAccount {
    /// The engine.
    pub engine: Engine,
    /// The database file.
    pub path: PathBuf,
    /// Its key.
    pub key: DatabaseKey,
    /// The database was damaged and was mended just now. The database keeps this until the person has read it, see
    /// [`crate::store::mendings::untold`].
    pub mended: Option<Mended>,
}

impl Profile {
    /// Takes the folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`]: another process has it; [`ErrorKind::Database`], [`ErrorKind::DiskFull`].
    pub fn take(folder: &Path) -> Result<Self> {
        files::create_private_folder(folder)?;
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => {
                Err(Error::new(ErrorKind::Busy, "the profile is in use"))
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is there. An account that the relay has not made yet does not count; one whose database is lost does.
    ///
    /// # Errors
    /// [`ErrorKind::Damaged`]: there is an account, but its key slots are missing or damaged; [`ErrorKind::Newer`];
    /// [`ErrorKind::Database`]: they cannot be read now.
    pub fn state(&self) -> Result<ProfileState> {
        if !self.holds_account() || self.marker().exists() {
            return Ok(ProfileState::Empty);
        }
        keyslots::kinds(&self.slots()).map(ProfileState::Account)
    }

    /// The relay has made the account.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub fn registered(&self) -> Result<()> {
        match fs::remove_file(self.marker()) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
            Ok(()) => files::sync_folder(&self.account()),
        }
    }

    /// Whether anything of an account is there, so that no other takes its place.
    fn holds_account(&self) -> bool {
        [
            self.database(),
            self.slots(),
            files::beside(&self.slots(), "-copy"),
            self.copies(),
        ]
        .iter()
        .any(|path| files::there(path))
    }

    fn account(&self) -> PathBuf {
        self.folder.join("account")
    }

    fn slots(&self) -> PathBuf {
        self.account().join("keys")
    }

    fn database(&self) -> PathBuf {
        self.account().join("relevo.db")
    }

    fn copies(&self) -> PathBuf {
        self.account().join("copies")
    }

    fn marker(&self) -> PathBuf {
        self.account().join("registering")
    }
}

/// Begins the names of an account's entries in the keyring, so that profiles share a keyring without touching each other.
fn entry_name(account: AccountId) -> String {
    format!("profile {account}")
}
