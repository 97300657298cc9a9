//! One damaged profile: it opens as it was, is mended and says so, or asks. Never silent, never plain, never empty.

use std::{collections::BTreeSet, fs, path::Path};

use client_core::{
    keyslots::{Unlock, UnlockError},
    profile::{OpeningError, Profile},
    safekeeping::{How, Mended},
    seams::SeededRandom,
    store::{Database, DatabaseKey},
};

use crate::{
    faults::{self, Fault},
    home::{DAY, Home, NOW, TestKeyring, insert_message, seams, text},
};

/// Messages in the database, in its newest copy, and in the log of the killed process.
const MESSAGES: u32 = 400;
const COPIED: u32 = 300;
const LOGGED: u32 = 40;

/// Messages of the profile of a process that closed its database.
pub(crate) const TOTAL: u32 = MESSAGES;

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// It opens, and everything is there.
    Whole,
    /// Mended from what could be read, nothing lost.
    MendedWhole,
    /// Mended from what could be read; messages are lost, and the person is told.
    MendedWithLoss,
    /// Nothing could be read; the copy took its place.
    FromCopy,
    /// Neither database nor copy can be read: the person decides.
    AskedForMessages,
    /// Both copies of the key slots are gone: the person restores a backup.
    AskedForKeys,
    /// The log and its index are both damaged: it opens as it was before the log. The relay notices.
    OlderByTheLog,
}

/// Profiles that are damaged in copies.
pub(crate) struct Templates {
    closed: Home,
    killed: Home,
}

impl Templates {
    pub(crate) fn new() -> Self {
        Self {
            closed: template(),
            killed: {
                let home = template();
                leave_a_log(&home);
                home
            },
        }
    }

    /// A profile whose database was closed.
    pub(crate) fn folder(&self) -> &Path {
        self.closed.folder.path()
    }

    /// Damages a copy by a seed and opens it.
    ///
    /// # Errors
    /// What must never be.
    pub(crate) fn run(&self, seed: u64) -> Result<Outcome, String> {
        let mut random = SeededRandom::new(seed);
        let (home, total) = match faults::below(&mut random, 2) {
            0 => (&self.closed, MESSAGES),
            _ => (&self.killed, MESSAGES + LOGGED),
        };
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        copy_folder(home.folder.path(), folder.path());
        let done = faults::damage(&folder.path().join("account"), &mut random);
        let outcome = Trial {
            folder: folder.path(),
            key: &home.key,
            total,
            done: &done,
        }
        .run();
        outcome.map_err(|fault| format!("seed {seed}, {done:?}: {fault}"))
    }
}

fn template() -> Home {
    let home = Home::with_messages(COPIED);
    home.profile.copy_if_due(&home.key, NOW - DAY).unwrap();
    let mut database = home.database();
    write(&mut database, COPIED..MESSAGES);
    drop(database);
    home
}

/// Leaves the files as a process does that was killed.
fn leave_a_log(home: &Home) {
    let mut database = home.database();
    for number in MESSAGES..MESSAGES + LOGGED {
        write(&mut database, number..number + 1);
    }
    let left = tempfile::tempdir().unwrap();
    copy_folder(&home.account(), left.path());
    drop(database);
    copy_folder(left.path(), &home.account());
}

fn write(database: &mut Database, numbers: std::ops::Range<u32>) {
    database
        .write(|write| {
            numbers.for_each(|number| insert_message(write, number));
            Ok(())
        })
        .unwrap();
}

struct Trial<'a> {
    folder: &'a Path,
    key: &'a DatabaseKey,
    total: u32,
    done: &'a BTreeSet<(String, Fault)>,
}

impl Trial<'_> {
    fn hit(&self, file: &str) -> bool {
        self.done.iter().any(|(target, _)| target == file)
    }

    fn run(&self) -> Result<Outcome, String> {
        let profile = Profile::take(self.folder).map_err(|error| error.to_string())?;
        let unlocked = profile.unlock(&Unlock::Silently(&TestKeyring::default()));
        match unlocked {
            Ok(key) if key.as_bytes() == self.key.as_bytes() => {}
            Ok(_) => return Err("another key".to_owned()),
            Err(UnlockError::SlotsLost(_)) if self.hit("keys") && self.hit("keys-copy") => {
                return Ok(Outcome::AskedForKeys);
            }
            Err(error) => return Err(format!("the slots do not open: {error}")),
        }
        let outcome = match profile.open_with(self.key.clone(), seams(NOW)) {
            Ok(opened) => {
                let (path, mended) = (opened.path.clone(), opened.mended.clone());
                let read = read(&path, self.key);
                drop(opened);
                match read {
                    Ok(texts) => self.judge(&texts, mended)?,
                    // a page that nothing had looked at: the app asks for a check and opens it anew
                    Err(_) => {
                        profile.doubt().map_err(|error| error.to_string())?;
                        let opened = profile
                            .open_with(self.key.clone(), seams(NOW))
                            .map_err(|error| format!("after a doubt: {error}"))?;
                        let mended = opened.mended.clone();
                        let again = read_whole(&opened.path, self.key)?;
                        if mended.is_none() {
                            return Err("could not be read, and nothing was found".to_owned());
                        }
                        self.judge(&again, mended)?
                    }
                }
            }
            Err(OpeningError::Lost(_)) => self.go_on_without_messages(&profile)?,
            Err(error) => return Err(format!("does not open: {error}")),
        };
        nothing_is_plain(self.folder)?;
        // whatever it was, it is over
        let again = profile
            .open_with(self.key.clone(), seams(NOW + 1))
            .map_err(|error| format!("the second time: {error}"))?;
        match again.mended {
            None => Ok(outcome),
            Some(mended) => Err(format!("mended twice: {mended:?}")),
        }
    }

    fn go_on_without_messages(&self, profile: &Profile) -> Result<Outcome, String> {
        if !self
            .done
            .iter()
            .any(|(file, _)| file.starts_with("copies/"))
        {
            return Err("the copy was not used".to_owned());
        }
        let opened = profile
            .open_without_messages(self.key.clone(), seams(NOW))
            .map_err(|error| format!("without messages: {error}"))?;
        match opened.mended.map(|mended| mended.how) {
            Some(How::KeysOnly) => Ok(Outcome::AskedForMessages),
            how => Err(format!("not from the keys: {how:?}")),
        }
    }

    fn judge(&self, texts: &[String], mended: Option<Mended>) -> Result<Outcome, String> {
        let numbers: Vec<u32> = texts
            .iter()
            .map(|text| {
                text.split_once(' ')
                    .and_then(|(first, _)| first.parse().ok())
            })
            .collect::<Option<_>>()
            .ok_or("a message that nobody wrote")?;
        if !numbers.is_sorted()
            || numbers
                .iter()
                .zip(texts)
                .any(|(number, it)| text(*number) != *it)
        {
            return Err("messages are not as they were written".to_owned());
        }
        let missing = u64::from(self.total) - numbers.len() as u64;
        let Some(mended) = mended else {
            return match missing {
                0 => Ok(Outcome::Whole),
                _ if self.hit("relevo.db-wal")
                    && self.hit("relevo.db-shm")
                    && missing <= u64::from(LOGGED) =>
                {
                    Ok(Outcome::OlderByTheLog)
                }
                _ => Err(format!("{missing} messages are missing in silence")),
            };
        };
        if mended.messages_kept != numbers.len() as u64 || !mended.quarantine.is_dir() {
            return Err(format!("the words are wrong: {mended:?}"));
        }
        if missing > 0 {
            if mended.lost_since.is_none()
                || mended.messages_missing.is_some_and(|said| said < missing)
            {
                return Err(format!("{missing} are missing: {mended:?}"));
            }
            if numbers.len() < COPIED as usize
                && !self
                    .done
                    .iter()
                    .any(|(file, _)| file.starts_with("copies/"))
            {
                return Err(format!("the copy has more: {mended:?}"));
            }
        }
        Ok(match mended.how {
            How::Copy(_) => Outcome::FromCopy,
            How::KeysOnly | How::Backup(_) => return Err("empty without a question".to_owned()),
            How::Salvaged | How::SalvagedAndCopy(_) if missing == 0 => Outcome::MendedWhole,
            How::Salvaged | How::SalvagedAndCopy(_) => Outcome::MendedWithLoss,
        })
    }
}

fn read(path: &Path, key: &DatabaseKey) -> Result<Vec<String>, client_core::Error> {
    let connection = Database::open_reader(path, key)?;
    let mut statement =
        connection.prepare("SELECT text, content, message_id FROM messages ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        row.get::<_, Vec<u8>>(1)?;
        row.get(0)
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn read_whole(path: &Path, key: &DatabaseKey) -> Result<Vec<String>, String> {
    read(path, key).map_err(|error| format!("cannot be read after mending: {error}"))
}

fn nothing_is_plain(folder: &Path) -> Result<(), String> {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nothing_is_plain(&path)?;
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for secret in ["unmistakable", "SQLite format 3"] {
            if bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
            {
                return Err(format!("{} shows {secret}", path.display()));
            }
        }
    }
    Ok(())
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
