//! A process that does everything that changes files, until it is killed.

use std::{
    fs::{self, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

use client_core::{
    keyslots::{Protection, Unlock},
    profile::Profile,
    seams::SeededRandom,
    store::{Database, mendings},
};

use crate::{
    faults::below,
    home::{DAY, NOW, TestKeyring, insert_message, random, recovery_code, seams, text, texts},
    trial::{TOTAL, Templates, copy_folder},
};

/// The longest life of a writer.
const LIFE: Duration = Duration::from_millis(120);

/// What a killed writer left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Left {
    /// It was writing: every message that it had committed is there.
    EverythingCommitted,
    /// It was mending a damaged database, and had finished.
    MendedBefore,
    /// It was mending a damaged database; the next start did it.
    MendedAfter,
}

/// The writer. Each message that it committed is in the journal.
pub(crate) fn write(folder: &Path) -> ! {
    let profile = Profile::take(folder).unwrap();
    let keyring = TestKeyring::default();
    let key = profile.unlock(&Unlock::Silently(&keyring)).unwrap();
    let opened = profile.open_with(key.clone(), seams(NOW)).unwrap();
    let path = opened.path.clone();
    drop(opened);
    let mut database = Database::open(&path, &key).unwrap();
    let mut journal = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("journal"))
        .unwrap();
    let mut number = TOTAL;
    loop {
        database
            .write(|write| {
                insert_message(write, number);
                Ok(())
            })
            .unwrap();
        writeln!(journal, "{number}").unwrap();
        if number.is_multiple_of(20) {
            profile
                .copy_if_due(&key, NOW + u64::from(number) * DAY)
                .unwrap();
        }
        if number.is_multiple_of(7) {
            for protection in [recovery_code(), Protection::Unprotected] {
                profile
                    .set_slot(&key, &protection, &keyring, &mut random())
                    .unwrap();
            }
        }
        if number.is_multiple_of(30) {
            // the app is quit and started again
            drop(database);
            database = Database::open(&path, &key).unwrap();
        }
        number += 1;
    }
}

pub(crate) fn run(templates: &Templates, seed: u64) -> Result<Left, String> {
    let mut random = SeededRandom::new(seed);
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    copy_folder(templates.folder(), folder.path());
    let account = folder.path().join("account");
    let mends = below(&mut random, 3) == 0;
    if mends {
        destroy_a_page(&account.join("relevo.db"), &mut random);
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg("writer")
        .arg(folder.path())
        .process_group(0)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    // the schedule itself, not a wait for something
    sleep(Duration::from_micros(below(
        &mut random,
        u64::try_from(LIFE.as_micros()).unwrap(),
    )));
    if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
        return Err(format!("the writer ended by itself: {status}"));
    }
    child.kill().map_err(|error| error.to_string())?;
    child.wait().map_err(|error| error.to_string())?;
    look(folder.path(), mends)
}

/// Opens what was left.
fn look(folder: &Path, mends: bool) -> Result<Left, String> {
    let profile = Profile::take(folder).map_err(|error| error.to_string())?;
    let key = profile
        .unlock(&Unlock::Silently(&TestKeyring::default()))
        .map_err(|error| error.to_string())?;
    let opened = profile
        .open_with(key.clone(), seams(NOW))
        .map_err(|error| error.to_string())?;
    let path = opened.path.clone();
    let mended = opened.mended.clone();
    drop(opened);
    let connection = Database::open_reader(&path, &key).map_err(|error| error.to_string())?;
    let untold = mendings::untold(&connection).map_err(|error| error.to_string())?;
    let texts = texts(&path, &key);
    let journal = fs::read_to_string(folder.join("journal")).unwrap_or_default();
    for line in journal
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
    {
        let number: u32 = line.trim().parse().map_err(|_| "a torn journal")?;
        if !texts.contains(&text(number)) {
            return Err(format!("message {number} was committed and is gone"));
        }
    }
    let lost = untold
        .iter()
        .map(|mended| mended.messages_missing)
        .try_fold(0, |sum, missing| missing.map(|missing| sum + missing));
    if let Some(lost) = lost
        && (texts.len() as u64) + lost < u64::from(TOTAL)
    {
        return Err(format!(
            "{} messages are left, {lost} said to be lost",
            texts.len()
        ));
    }
    match (mends, mended, untold.len()) {
        (false, None, 0) => Ok(Left::EverythingCommitted),
        (true, Some(_), 1) => Ok(Left::MendedAfter),
        (true, None, 1) => Ok(Left::MendedBefore),
        (_, mended, untold) => Err(format!("{untold} mendings to tell, now {mended:?}")),
    }
}

/// Damages the first page beyond its salt, so that the opening must notice.
fn destroy_a_page(path: &Path, random: &mut SeededRandom) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(16 + below(random, 4000)))
        .unwrap();
    file.write_all(&[0x5a; 24]).unwrap();
}
