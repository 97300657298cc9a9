//! What the tests share: a keyring in memory, and a program that remembers what it was told.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use client_core::keyslots::{KeyringTrouble, SecretStore};
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use crate::{
    dto::{KeyringStatus, Settings},
    keyring::Keyring,
    settings::SettingsFile,
    state::{Answer, Program, Shell},
};

/// A keyring in memory. What is done to one copy is seen by all.
#[derive(Clone, Default)]
pub(crate) struct TestKeyring(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    entries: BTreeMap<String, Vec<u8>>,
    failure: Option<Failure>,
}

/// How a keyring fails.
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    Missing,
    Locked,
    Broken,
}

impl TestKeyring {
    pub(crate) fn fail(&self, failure: Option<Failure>) {
        self.0.lock().unwrap().failure = failure;
    }

    /// Somebody deletes everything in it.
    pub(crate) fn empty(&self) {
        self.0.lock().unwrap().entries.clear();
    }

    /// Each entry holds something else from now on.
    pub(crate) fn overwrite(&self, secret: &[u8]) {
        let mut kept = self.0.lock().unwrap();
        kept.entries
            .values_mut()
            .for_each(|entry| *entry = secret.to_vec());
    }

    fn entries<T>(
        &self,
        work: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T,
    ) -> Result<T, KeyringTrouble> {
        let mut kept = self.0.lock().unwrap();
        match kept.failure {
            None => Ok(work(&mut kept.entries)),
            Some(Failure::Missing) => {
                Err(KeyringTrouble::Missing("there is no keyring".to_owned()))
            }
            Some(Failure::Locked) => {
                Err(KeyringTrouble::Locked("the keyring is locked".to_owned()))
            }
            Some(Failure::Broken) => Err(KeyringTrouble::Failed("it does not answer".to_owned())),
        }
    }
}

impl SecretStore for TestKeyring {
    fn get(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        self.entries(|entries| entries.get(name).cloned().map(Zeroizing::new))
    }

    fn set(&self, name: &str, secret: &[u8]) -> Result<(), KeyringTrouble> {
        self.entries(|entries| entries.insert(name.to_owned(), secret.to_owned()))
            .map(drop)
    }

    fn remove(&self, name: &str) -> Result<(), KeyringTrouble> {
        self.entries(|entries| entries.remove(name)).map(drop)
    }
}

impl Keyring for TestKeyring {
    fn reach(&self) -> Result<(), KeyringTrouble> {
        match self.0.lock().unwrap().failure {
            Some(Failure::Missing) => {
                Err(KeyringTrouble::Missing("there is no keyring".to_owned()))
            }
            Some(Failure::Locked | Failure::Broken) | None => Ok(()),
        }
    }

    fn status(&self) -> KeyringStatus {
        match self.entries(|_| ()) {
            Ok(()) => KeyringStatus::Available,
            Err(trouble) => KeyringStatus::Unavailable {
                reason: trouble.to_string(),
            },
        }
    }
}

/// What a program was told. What is done to one copy is seen by all.
#[derive(Clone, Default)]
pub(crate) struct TestProgram(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    settings: Vec<Settings>,
    restarts: usize,
    folder: Option<PathBuf>,
    idle: Option<Duration>,
    opened: Vec<PathBuf>,
}

impl TestProgram {
    pub(crate) fn settings(&self) -> Vec<Settings> {
        self.0.lock().unwrap().settings.clone()
    }

    /// The folder that the person picks from now on.
    pub(crate) fn pick(&self, folder: &Path) {
        self.0.lock().unwrap().folder = Some(folder.to_owned());
    }

    /// How long nobody touches the computer, as its system says from now on.
    pub(crate) fn leave_alone(&self, idle: Duration) {
        self.0.lock().unwrap().idle = Some(idle);
    }

    /// The folders that were shown.
    pub(crate) fn opened(&self) -> Vec<PathBuf> {
        self.0.lock().unwrap().opened.clone()
    }

    pub(crate) fn restarts(&self) -> usize {
        self.0.lock().unwrap().restarts
    }
}

impl Program for TestProgram {
    fn settings_changed(&self, settings: Settings) {
        self.0.lock().unwrap().settings.push(settings);
    }

    fn restart(&self) {
        self.0.lock().unwrap().restarts += 1;
    }

    fn pick_folder(&self) -> Answer<Option<PathBuf>> {
        Box::pin(std::future::ready(self.0.lock().unwrap().folder.clone()))
    }

    fn idle_time(&self) -> Answer<Option<Duration>> {
        Box::pin(std::future::ready(self.0.lock().unwrap().idle))
    }

    fn open_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.lock().unwrap().opened.push(folder.to_owned());
        Ok(())
    }
}

/// A shell over this folder. Needs a runtime.
pub(crate) fn shell(folder: &Path, keyring: &TestKeyring, program: &TestProgram) -> Shell {
    Shell::new(
        folder.to_owned(),
        Arc::new(SettingsFile::load(folder)),
        Handle::current(),
        keyring.clone(),
        program.clone(),
    )
}
