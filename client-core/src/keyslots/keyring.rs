use thiserror::Error;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind};

/// Why a keyring gives nothing. Each has the system's reason, for the page of details.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeyringTrouble {
    /// This computer has none, or it does not run.
    #[error("{0}")]
    Missing(String),
    /// It is there, and the person did not unlock it.
    #[error("{0}")]
    Locked(String),
    /// It is there and answers with an error, or not at all.
    #[error("{0}")]
    Failed(String),
}

impl From<KeyringTrouble> for Error {
    fn from(trouble: KeyringTrouble) -> Self {
        Self::new(ErrorKind::Keyring, format!("keyring: {trouble}"))
    }
}

/// The computer's keyring, behind a trait: the shell has the system's, tests have a map. May block on a prompt.
pub trait SecretStore: Send + Sync {
    /// Reads an entry; `None` where there is none.
    ///
    /// # Errors
    /// [`KeyringTrouble`].
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble>;

    /// Writes an entry.
    ///
    /// # Errors
    /// [`KeyringTrouble`].
    fn set(&self, name: &str, secret: &[u8]) -> Result<(), KeyringTrouble>;

    /// Deletes an entry; one that is not there is no error.
    ///
    /// # Errors
    /// [`KeyringTrouble`].
    fn remove(&self, name: &str) -> Result<(), KeyringTrouble>;
}
