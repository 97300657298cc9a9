//! The computer's keyring: Secret Service, Keychain or Credential Manager.
//!
//! A call may wait for the person, who is asked for a password, or for ever, where a keyring does not start. So each has a
//! thread of its own and a limit.
//!
//! `keyring` looks for the system's keyring once in the life of a process. One that starts later is found by the next
//! process only, so trying again means to start the program again where [`Keyring::reach`] fails. Where it succeeds,
//! a locked or refusing keyring may be asked again.

use std::{sync::mpsc, thread, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use client_core::keyslots::{KeyringTrouble, SecretStore};
use keyring::{Entry, Error};
use zeroize::Zeroizing;

use crate::dto::KeyringStatus;

const SERVICE: &str = "org.relevo.Relevo";
/// A person finds a password and types it in this time.
const PATIENCE: Duration = Duration::from_secs(60);
/// A keyring that was found before is found again at once.
const GLANCE: Duration = Duration::from_secs(1);

/// A keyring that may be missing.
pub(crate) trait Keyring: SecretStore {
    /// Whether this process found it. An error is the reason, and stays for the life of the process.
    fn reach(&self) -> Result<(), KeyringTrouble>;

    /// Whether it keeps what it is given.
    fn status(&self) -> KeyringStatus;
}

/// The system's keyring.
pub(crate) struct SystemKeyring;

impl Keyring for SystemKeyring {
    fn reach(&self) -> Result<(), KeyringTrouble> {
        within(GLANCE, find)
    }

    /// Only trying tells: a keyring that answers may still be unable to store.
    fn status(&self) -> KeyringStatus {
        match self.try_out() {
            Ok(()) => KeyringStatus::Available,
            Err(trouble) => KeyringStatus::Unavailable {
                reason: trouble.to_string(),
            },
        }
    }
}

impl SystemKeyring {
    fn try_out(&self) -> Result<(), KeyringTrouble> {
        let name = format!("availability check {}", std::process::id());
        let secret = b"relevo";
        self.set(&name, secret)?;
        let kept = self.get(&name)?;
        self.remove(&name)?;
        if kept.as_deref().map(Vec::as_slice) == Some(secret) {
            Ok(())
        } else {
            Err(KeyringTrouble::Failed(
                "it did not keep a test entry".to_owned(),
            ))
        }
    }
}

impl SecretStore for SystemKeyring {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        let kept = ask(name.to_owned(), |entry| match entry.get_password() {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })?;
        kept.map(|text| STANDARD.decode(text.as_bytes()).map(Zeroizing::new))
            .transpose()
            .map_err(|_| KeyringTrouble::Failed("the entry is damaged".to_owned()))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), KeyringTrouble> {
        // some keyrings keep text only
        let text = Zeroizing::new(STANDARD.encode(secret));
        ask(name.to_owned(), move |entry| entry.set_password(&text))
    }

    fn remove(&self, name: &str) -> Result<(), KeyringTrouble> {
        ask(name.to_owned(), |entry| match entry.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            outcome => outcome,
        })
    }
}

/// Does something with an entry.
fn ask<T: Send + 'static>(
    name: String,
    work: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
) -> Result<T, KeyringTrouble> {
    within(PATIENCE, move || {
        find()?;
        Entry::new(SERVICE, &name)
            .and_then(|entry| work(&entry))
            .map_err(|error| match error {
                Error::NoStorageAccess(_) => KeyringTrouble::Locked(error.to_string()),
                _ => KeyringTrouble::Failed(error.to_string()),
            })
    })
}

/// Looks for the system's keyring, once; later calls repeat the outcome. Without this, an entry says only that there is
/// none, and not why.
fn find() -> Result<(), KeyringTrouble> {
    Entry::store_status()
        .as_ref()
        .copied()
        .map_err(|error| KeyringTrouble::Missing(error.to_string()))
}

fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, KeyringTrouble> + Send + 'static,
) -> Result<T, KeyringTrouble> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("keyring".to_owned())
        // whoever asked may have given up
        .spawn(move || drop(sender.send(work())))
        .map_err(|error| KeyringTrouble::Failed(error.to_string()))?;
    receiver
        .recv_timeout(limit)
        .unwrap_or_else(|_| Err(KeyringTrouble::Failed("it does not answer".to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_that_hangs_or_breaks_is_an_error() {
        let silent = Err(KeyringTrouble::Failed("it does not answer".to_owned()));
        let (_open, never) = mpsc::sync_channel::<()>(1);
        let hangs = within(Duration::from_millis(10), move || {
            never
                .recv()
                .map_err(|error| KeyringTrouble::Failed(error.to_string()))
        });
        assert_eq!(hangs, silent);
        let breaks = within(PATIENCE, || -> Result<(), KeyringTrouble> {
            panic!("broken")
        });
        assert_eq!(breaks, silent);
        assert_eq!(within(PATIENCE, || Ok(7)), Ok(7));
        let locked = || KeyringTrouble::Locked("refused".to_owned());
        assert_eq!(within::<()>(PATIENCE, move || Err(locked())), Err(locked()));
    }
}
