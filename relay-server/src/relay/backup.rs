//! Backups of a relay, and taking one into service.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};

use super::{CONFIG_FILE, DATABASE_FILE, IDENTITY_FILE, Relay};
use crate::{
    clock::Vouched, config::Config, environment::Environment, files, store::SqliteStore, tls,
};

/// The identity key while a restore is under way.
const IDENTITY_DRAFT: &str = "identity-key.draft";

impl Relay {
    /// Writes a copy of the database as of one moment to a new file, checked and on stable storage. Another process may be
    /// serving. The identity key is not in it: keep a copy of that apart, once.
    ///
    /// # Errors
    /// Where the file is there already or cannot be written, or the database is damaged.
    pub fn backup(&self, to: &Path) -> anyhow::Result<()> {
        SqliteStore::copy(&self.dir.join(DATABASE_FILE), to)
    }

    /// Makes a data directory from a backup: see [`Relay::mark_restored`]. The identity key is the one in the directory, or
    /// else the one beside the backup; configuration and TLS key are those in the directory, or else new ones.
    ///
    /// # Errors
    /// Where the directory holds more than those files, the backup is damaged or of a newer version, there is no identity
    /// key, the machine's clock is behind the backup (see [`Relay::mark_restored`]), or something cannot be written.
    pub fn restore(dir: &Path, from: &Path) -> anyhow::Result<Self> {
        Self::restore_where(dir, from, Vouched::No)
    }

    /// The same where an operator says that the machine's clock is right, although the backup is of a later time.
    ///
    /// # Errors
    /// As [`Relay::restore`], save for the clock.
    pub fn restore_by_confirmed_clock(dir: &Path, from: &Path) -> anyhow::Result<Self> {
        Self::restore_where(dir, from, Vouched::Yes)
    }

    fn restore_where(dir: &Path, from: &Path, vouched: Vouched) -> anyhow::Result<Self> {
        let environment = Environment::system();
        fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        clear_interrupted(dir)?;
        refuse_others(dir)?;
        // who is in which conversation is in there
        files::protect_folder(dir)?;
        let identity = dir.join(IDENTITY_FILE);
        let beside = from.with_file_name(IDENTITY_FILE);
        let text = if identity.exists() {
            None
        } else {
            let text = fs::read(&beside).with_context(|| {
                format!(
                    "no identity key: copy the relay's to {} or {}",
                    identity.display(),
                    beside.display()
                )
            })?;
            Some(text)
        };
        if !dir.join(CONFIG_FILE).exists() {
            let config = Config::default().to_commented_toml();
            files::write(&dir.join(CONFIG_FILE), config.as_bytes())?;
        }
        if !tls::exists(dir) {
            tls::create(dir)?;
        }
        let draft = dir.join(IDENTITY_DRAFT);
        if let Some(text) = &text {
            files::write_new(&draft, text)?;
            files::sync_folder(dir)?;
        }
        SqliteStore::restore(from, &dir.join(DATABASE_FILE), &environment, vouched)?;
        // last: a directory with an identity key is a whole relay
        if text.is_some() {
            fs::rename(&draft, &identity)
                .with_context(|| format!("name it {}", identity.display()))?;
            files::sync_folder(dir)?;
        }
        Self::open(dir)
    }

    /// Marks the database as restored from a backup: draws a new store generation, and declares a gap behind the last entry
    /// of every stream, so that no seq is used twice, however often a backup is restored: by the clock. Serving believes that clock
    /// at once, and what the backup holds counts as stored now. Nobody may be serving it.
    ///
    /// # Errors
    /// Where the machine's clock is behind what was stored last, unless it is [confirmed](Relay::with_confirmed_clock), or the
    /// database cannot be written.
    pub fn mark_restored(&self) -> anyhow::Result<()> {
        SqliteStore::mark_restored(
            &self.dir.join(DATABASE_FILE),
            &self.environment,
            self.vouched,
        )
    }
}

/// Removes what a restore left that was interrupted before the identity key had its name. Nobody served that database.
fn clear_interrupted(dir: &Path) -> anyhow::Result<()> {
    let draft = dir.join(IDENTITY_DRAFT);
    if !draft.exists() || dir.join(IDENTITY_FILE).exists() {
        return Ok(());
    }
    let database = dir.join(DATABASE_FILE);
    // the draft goes last: it is what tells that the database may go
    for file in [&database, &draft] {
        if file.exists() {
            fs::remove_file(file).with_context(|| format!("remove {}", file.display()))?;
        }
    }
    Ok(())
}

/// Refuses a directory that holds anything but what a restore leaves alone.
fn refuse_others(dir: &Path) -> anyhow::Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("read {}", dir.display()))?;
    for entry in entries {
        let name = entry
            .with_context(|| format!("read {}", dir.display()))?
            .file_name();
        let name = name.to_string_lossy();
        let known = [IDENTITY_FILE, CONFIG_FILE].contains(&&*name)
            || tls::is_file(&name)
            || (name.starts_with(DATABASE_FILE) && name.contains(".draft"));
        ensure!(
            known,
            "{} is not empty: {name} is in it. Restore into a new directory",
            dir.display()
        );
    }
    Ok(())
}
