//! The computer's keyring: Secret Service, Keychain or Credential Manager. Every call may block on a question to the
//! person, so it is made from threads that may block.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use client_core::keyslots::SecretStore;
use keyring::v1::{Entry, Error};
use zeroize::Zeroizing;

use crate::dto::KeyringStatus;

const SERVICE: &str = "org.relevo.Relevo";

/// The system's keyring.
pub(crate) struct SystemKeyring;

impl SystemKeyring {
    /// Whether it keeps what it is given. Only trying tells: a keyring that answers may still be unable to store.
    pub(crate) fn status(&self) -> KeyringStatus {
        match self.try_out() {
            Ok(()) => KeyringStatus::Available,
            Err(reason) => KeyringStatus::Unavailable { reason },
        }
    }

    fn try_out(&self) -> Result<(), String> {
        let name = format!("availability check {}", std::process::id());
        let secret = b"relevo";
        self.set(&name, secret)?;
        let kept = self.get(&name)?;
        entry(&name)?
            .delete_credential()
            .map_err(|error| error.to_string())?;
        if kept.as_deref().map(Vec::as_slice) == Some(secret) {
            Ok(())
        } else {
            Err("it did not keep a test entry".to_owned())
        }
    }
}

impl SecretStore for SystemKeyring {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        match entry(name)?.get_password().map(Zeroizing::new) {
            Ok(text) => {
                let secret = STANDARD
                    .decode(text.as_bytes())
                    .map_err(|_| "the entry is damaged")?;
                Ok(Some(Zeroizing::new(secret)))
            }
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), String> {
        // some keyrings keep text only
        let text = Zeroizing::new(STANDARD.encode(secret));
        entry(name)?
            .set_password(&text)
            .map_err(|error| error.to_string())
    }
}

fn entry(name: &str) -> Result<Entry, String> {
    // says why there is no keyring, where `new` only says that there is none
    Entry::store_status()
        .as_ref()
        .map_err(ToString::to_string)?;
    Entry::new(SERVICE, name).map_err(|error| error.to_string())
}
