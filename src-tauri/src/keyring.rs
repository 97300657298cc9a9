//! The computer's keyring: Secret Service, Keychain or Credential Manager.
//!
//! A call may wait for the person, who is asked for a password, or for ever, where a keyring does not start. So each has a
//! thread of its own and a limit.

use std::{sync::mpsc, thread, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use client_core::keyslots::SecretStore;
use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use crate::dto::KeyringStatus;

const SERVICE: &str = "org.relevo.Relevo";
/// A person finds a password and types it in this time.
const PATIENCE: Duration = Duration::from_secs(60);

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
        ask(name, |entry| entry.delete_credential())?;
        if kept.as_deref().map(Vec::as_slice) == Some(secret) {
            Ok(())
        } else {
            Err("it did not keep a test entry".to_owned())
        }
    }
}

impl SecretStore for SystemKeyring {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
        let kept = ask(name.to_owned(), |entry| match entry.get_password() {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })?;
        kept.map(|text| STANDARD.decode(text.as_bytes()).map(Zeroizing::new))
            .transpose()
            .map_err(|_| "the entry is damaged".to_owned())
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), String> {
        // some keyrings keep text only
        let text = Zeroizing::new(STANDARD.encode(secret));
        ask(name.to_owned(), move |entry| entry.set_password(&text))
    }
}

/// Does something with an entry. An error is the reason, for the person.
fn ask<T: Send + 'static>(
    name: String,
    work: impl FnOnce(&Entry) -> Result<T, Error> + Send + 'static,
) -> Result<T, String> {
    within(PATIENCE, move || {
        connect()?;
        work(&Entry::new(SERVICE, &name)?)
    })
}

fn within<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, String> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("keyring".to_owned())
        // whoever asked may have given up
        .spawn(move || drop(sender.send(work())))
        .map_err(|error| error.to_string())?;
    match receiver.recv_timeout(limit) {
        Ok(outcome) => outcome.map_err(|error| error.to_string()),
        Err(_) => Err("it does not answer".to_owned()),
    }
}

/// Finds the system's keyring, again after a failure: it may have been started since.
fn connect() -> Result<(), Error> {
    if keyring_core::get_default_store().is_none() {
        #[cfg(target_os = "macos")]
        let store = apple_native_keyring_store::keychain::Store::new()?;
        #[cfg(windows)]
        let store = windows_native_keyring_store::Store::new()?;
        #[cfg(all(unix, not(target_os = "macos")))]
        let store = zbus_secret_service_keyring_store::Store::new()?;
        keyring_core::set_default_store(store);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_that_hangs_or_breaks_is_an_error() {
        let (_open, never) = mpsc::sync_channel::<()>(1);
        let hangs = within(Duration::from_millis(10), move || {
            never.recv().map_err(|_| Error::NoEntry)
        });
        assert_eq!(hangs, Err("it does not answer".to_owned()));
        let breaks = within(PATIENCE, || -> Result<(), Error> { panic!("broken") });
        assert_eq!(breaks, Err("it does not answer".to_owned()));
        assert_eq!(within(PATIENCE, || Ok(7)), Ok(7));
        assert!(within::<()>(PATIENCE, || Err(Error::NoEntry)).is_err());
    }
}
