//! A profile: the folder of one installation, its lock, its account's database and key slots.
//!
//! ```text
//! PROFILE/lock                 held while the app runs, so that one process at a time has the profile
//! PROFILE/account/keys         key slots, see [`crate::keyslots`]
//! PROFILE/account/relevo.db    the encrypted database
//! PROFILE/account/registering  there until the relay has made the account
//! ```

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use protocol::{AccountId, Link, LinkKind, Token};
use zeroize::Zeroizing;

use crate::{
    content,
    crypto::AccountKeys,
    engine::{Engine, Seams},
    error::{Error, ErrorKind, Result},
    keyslots::{self, Protection, SecretStore, SlotKind, Unlock},
    store::{Database, DatabaseKey, account, account::AccountRow},
};

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
}

impl Profile {
    /// Takes the folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`]: another process has it; [`ErrorKind::Database`], [`ErrorKind::DiskFull`].
    pub fn take(folder: &Path) -> Result<Self> {
        create_private_folder(folder)?;
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

    /// What is there. An account that the relay has not made yet does not count.
    ///
    /// # Errors
    /// [`ErrorKind::Database`]: there is an account, but its key slots are missing or damaged.
    pub fn state(&self) -> Result<ProfileState> {
        if !self.database().exists() || self.marker().exists() {
            return Ok(ProfileState::Empty);
        }
        keyslots::kinds(&self.slots()).map(ProfileState::Account)
    }

    /// Makes an account for a link, ready to register. Safe to repeat with the same link: the same keys are used again, so
    /// that an answer of the relay that was lost does no harm.
    ///
    /// # Errors
    /// [`ErrorKind::BadLink`] where the link is no invite, [`ErrorKind::NameInvalid`], the errors of [`keyslots::create`],
    /// [`ErrorKind::Database`], [`ErrorKind::DiskFull`].
    pub fn create(
        &self,
        link: &Link,
        name: &str,
        protection: &Protection,
        keyring: &dyn SecretStore,
        mut seams: Seams,
    ) -> Result<OpenedAccount> {
        let name = content::clean_name(name)?;
        if link.kind != LinkKind::Invite {
            return Err(Error::new(
                ErrorKind::BadLink,
                "a contact link makes no account",
            ));
        }
        let token = link.secret.token();
        let marker = token.stored_hash().to_hex();
        let mut opened = match self.begun(&marker, protection, keyring) {
            Some((key, database)) => {
                let account = account::load(database.connection())?.account;
                self.protect_anew(&key, protection, account, keyring, &mut seams)?;
                OpenedAccount {
                    engine: Engine::new(database, seams)?,
                    path: self.database(),
                    key,
                }
            }
            None => self.begin(link, token, &marker, protection, keyring, seams)?,
        };
        opened.engine.set_name(&name)?;
        if let Some(issuer) = link.issuer {
            opened.engine.open_inviter(issuer, link.secret.clone())?;
        }
        Ok(opened)
    }

    /// What an earlier attempt with the same link left, if it is whole and can be opened with what is at hand.
    fn begun(
        &self,
        marker: &str,
        protection: &Protection,
        keyring: &dyn SecretStore,
    ) -> Option<(DatabaseKey, Database)> {
        if !fs::read_to_string(self.marker()).is_ok_and(|kept| kept == marker) {
            return None;
        }
        let silently = Unlock::Silently(keyring);
        let key = match protection {
            Protection::Passphrase(passphrase) => {
                keyslots::open(&self.slots(), &Unlock::Passphrase(passphrase))
                    .or_else(|_| keyslots::open(&self.slots(), &silently))
            }
            Protection::Keyring | Protection::Unprotected => {
                keyslots::open(&self.slots(), &silently)
            }
        };
        let key = key.ok()?;
        let database = Database::open(&self.database(), &key).ok()?;
        account::load(database.connection())
            .is_ok()
            .then_some((key, database))
    }

    /// The person may choose another protection at the second attempt.
    fn protect_anew(
        &self,
        key: &DatabaseKey,
        protection: &Protection,
        account: AccountId,
        keyring: &dyn SecretStore,
        seams: &mut Seams,
    ) -> Result<()> {
        if keyslots::kinds(&self.slots())? == [protection.kind()] {
            return Ok(());
        }
        let random = seams.random.as_mut();
        keyslots::create(
            &self.slots(),
            key,
            protection,
            &entry_name(account),
            keyring,
            random,
        )
    }

    /// Makes keys, slots and database. An account that was never made is moved out of the way, not deleted.
    fn begin(
        &self,
        link: &Link,
        token: Token,
        marker: &str,
        protection: &Protection,
        keyring: &dyn SecretStore,
        mut seams: Seams,
    ) -> Result<OpenedAccount> {
        if self.database().exists() {
            self.set_aside(seams.clock.wall_ms())?;
        }
        create_private_folder(&self.account())?;
        fs::write(self.marker(), marker)?;
        let now = seams.clock.wall_ms();
        let random = seams.random.as_mut();
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(bytes.as_mut_slice())?;
        let key = DatabaseKey::new(*bytes);
        let keys = AccountKeys::generate(random, link.relay, now)?;
        let entry = entry_name(keys.account());
        keyslots::create(&self.slots(), &key, protection, &entry, keyring, random)?;
        crate::KillPoint::KeySlotsMade.reach();
        let mut database = Database::create(&self.database(), &key)?;
        crate::KillPoint::DatabaseMade.reach();
        let row = AccountRow {
            account: keys.account(),
            relay: link.relay,
            addresses: link.addresses.iter().map(ToString::to_string).collect(),
            keys: keys.to_bytes(),
            manifest: keys.manifest(),
            name: String::new(),
            registration: Some(token),
            relay_offset: 0,
        };
        database.write(|write| account::insert(write, &row))?;
        crate::KillPoint::AccountStored.reach();
        Ok(OpenedAccount {
            engine: Engine::new(database, seams)?,
            path: self.database(),
            key,
        })
    }

    /// The relay has made the account.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub fn registered(&self) -> Result<()> {
        match fs::remove_file(self.marker()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Opens the account.
    ///
    /// # Errors
    /// The errors of [`keyslots::open`] and [`Database::open`]. The profile is never changed by a failure.
    pub fn open(&self, unlock: &Unlock<'_>, seams: Seams) -> Result<OpenedAccount> {
        let key = keyslots::open(&self.slots(), unlock)?;
        self.start(key, seams)
    }

    fn start(&self, key: DatabaseKey, seams: Seams) -> Result<OpenedAccount> {
        let database = Database::open(&self.database(), &key)?;
        Ok(OpenedAccount {
            engine: Engine::new(database, seams)?,
            path: self.database(),
            key,
        })
    }

    fn set_aside(&self, now: u64) -> Result<()> {
        if !self.marker().exists() {
            return Err(Error::new(
                ErrorKind::Database,
                "there is an account already",
            ));
        }
        fs::rename(self.account(), self.folder.join(format!("abandoned-{now}")))?;
        Ok(())
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

    fn marker(&self) -> PathBuf {
        self.account().join("registering")
    }
}

/// The keyring's entry of an account, so that profiles share a keyring without touching each other.
fn entry_name(account: AccountId) -> String {
    format!("profile {account}")
}

fn create_private_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    Ok(builder.create(folder)?)
}
