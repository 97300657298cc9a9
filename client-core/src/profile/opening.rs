//! Opening an account, whatever happened to its files.

use std::fmt;

use tracing::{error, warn};

use crate::{
    engine::{Beginning, Engine, Seams},
    error::{Error, ErrorKind, Result},
    keyslots::{self, Unlock, UnlockError},
    profile::{OpenedAccount, Profile},
    safekeeping::{Mended, copies, mending},
    seams::Randomness,
    store::{Damage, Database, DatabaseKey, OpenError, identity},
};

/// Why an unlocked account does not open.
#[derive(Debug)]
pub enum OpeningError {
    /// A newer version of this program made the database.
    Newer,
    /// Nothing can be read of the database, and there is no good copy. A person decides: restore a backup, or go on with the
    /// account alone by [`Profile::open_without_messages`]. Nothing was changed.
    Lost(Damage),
    /// Something else: no access, a full disk.
    Failed(Error),
}

impl fmt::Display for OpeningError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newer => formatter.write_str("made by a newer version of Relevo"),
            Self::Lost(damage) => write!(formatter, "the database is lost: {}", damage.what),
            Self::Failed(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for OpeningError {}

impl From<OpeningError> for Error {
    fn from(error: OpeningError) -> Self {
        match error {
            OpeningError::Failed(error) => error,
            OpeningError::Newer => Self::new(ErrorKind::Newer, error.to_string()),
            OpeningError::Lost(_) => Self::new(ErrorKind::Damaged, error.to_string()),
        }
    }
}

impl From<Error> for OpeningError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What is done where the database is damaged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Remedy {
    Mend,
    BeginAnew,
}

impl Profile {
    /// Finds the database's key.
    ///
    /// # Errors
    /// [`UnlockError`], with the trouble of each slot. Nothing was changed.
    pub fn unlock(&self, unlock: &Unlock<'_>) -> std::result::Result<DatabaseKey, UnlockError> {
        keyslots::unlock(&self.slots(), unlock)
    }

    /// Unlocks and opens the account.
    ///
    /// # Errors
    /// Those of [`Profile::unlock`] and [`Profile::open_with`] as kinds.
    pub fn open(&self, unlock: &Unlock<'_>, seams: Seams) -> Result<OpenedAccount> {
        let key = self.unlock(unlock)?;
        Ok(self.open_with(key, seams)?)
    }

    /// Opens the account. A database of an older form is copied first; a damaged one is mended, and the result says so.
    ///
    /// # Errors
    /// [`OpeningError`].
    pub fn open_with(
        &self,
        key: DatabaseKey,
        seams: Seams,
    ) -> std::result::Result<OpenedAccount, OpeningError> {
        self.open_or(Remedy::Mend, key, seams)
    }

    /// Opens the account with an empty history where its database is beyond mending: see [`OpeningError::Lost`]. The damaged
    /// files are kept. A database that opens, or that can be mended, opens as ever.
    ///
    /// # Errors
    /// [`OpeningError`].
    pub fn open_without_messages(
        &self,
        key: DatabaseKey,
        seams: Seams,
    ) -> std::result::Result<OpenedAccount, OpeningError> {
        self.open_or(Remedy::BeginAnew, key, seams)
    }

    fn open_or(
        &self,
        remedy: Remedy,
        key: DatabaseKey,
        mut seams: Seams,
    ) -> std::result::Result<OpenedAccount, OpeningError> {
        let now = seams.clock.wall_ms();
        mending::resume(&self.database())?;
        let (database, mended) = match self.open_database(&key, now) {
            Ok(database) => (database, None),
            Err(OpenError::Damaged(damage)) => {
                error!(damage = damage.what, "the database is damaged");
                let mended = self.mend(remedy, &key, damage, now)?;
                let database = self.open_database(&key, now).map_err(Error::from)?;
                (database, Some(mended))
            }
            Err(OpenError::Newer) => return Err(OpeningError::Newer),
            Err(error) => return Err(OpeningError::Failed(error.into())),
        };
        if let Err(error) = self.keep_identity_of(&database, &key, seams.random.as_mut()) {
            // a full disk must not keep the profile closed
            warn!(%error, "the identity beside the key slots is an older one");
        }
        Ok(OpenedAccount {
            engine: Engine::new(database, seams)?,
            path: self.database(),
            key,
            mended,
        })
    }

    /// Opens the database and reads what the engine begins with.
    fn open_database(
        &self,
        key: &DatabaseKey,
        now: u64,
    ) -> std::result::Result<Database, OpenError> {
        let path = self.database();
        let copy = || copies::make(&self.copies(), &path, key, now).map(drop);
        let open = || match Database::open_after(&path, key, copy) {
            // the slots know the key; so it is the file that is not what it was
            Err(OpenError::WrongKey) if keyslots::vouches(&self.slots(), key)? => Err(
                OpenError::damaged("no page of the file is of this database"),
            ),
            outcome => outcome,
        };
        let database = open()?;
        let Err(error) = try_out(&database) else {
            return Ok(database);
        };
        warn!(%error, "the database opens and cannot be read; checking it whole");
        drop(database);
        Database::doubt(&path)?;
        let database = open()?;
        // every page is in order; what is wrong is in a row
        match try_out(&database) {
            Ok(()) => Ok(database),
            Err(error) => Err(OpenError::damaged(error.to_string())),
        }
    }

    fn mend(
        &self,
        remedy: Remedy,
        key: &DatabaseKey,
        damage: Damage,
        now: u64,
    ) -> std::result::Result<Mended, OpeningError> {
        let (database, copies) = (self.database(), self.copies());
        let identity = keyslots::identity(&self.slots(), key).ok().flatten();
        let patient = mending::Patient {
            database: &database,
            copies: &copies,
            key,
            identity: identity.as_ref(),
        };
        let outcome = match remedy {
            Remedy::Mend => mending::mend(&patient, &damage, now),
            Remedy::BeginAnew => mending::begin_anew(&patient, &damage, now),
        };
        match outcome {
            Err(error) if error.kind() == ErrorKind::NotFound => Err(OpeningError::Lost(damage)),
            outcome => Ok(outcome?),
        }
    }

    /// Writes the identity beside the slots anew if it changed.
    pub(super) fn keep_identity_of(
        &self,
        database: &Database,
        key: &DatabaseKey,
        random: &mut dyn Randomness,
    ) -> Result<()> {
        let identity = identity::load(database.connection())?;
        keyslots::keep_identity(&self.slots(), key, &identity, random)
    }
}

/// Reads what the engine begins with.
fn try_out(database: &Database) -> Result<()> {
    Beginning::read(database.connection()).map(drop)
}
