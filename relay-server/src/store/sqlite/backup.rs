//! Copies of a database: made while it serves, checked, and taken into service again.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use protocol::StoreGeneration;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{clock, gaps, schema};
use crate::{clock::Vouched, environment::Environment, files};

/// Writes a copy of a database as of one moment, checked and on stable storage. Another process may be serving it.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    make(to, |draft| fill(from, draft))
}

/// Makes a database from a backup, marked as such before it has its name: what was interrupted is not served.
pub(super) fn restore(
    from: &Path,
    to: &Path,
    environment: &Environment,
    vouched: Vouched,
) -> anyhow::Result<()> {
    make(to, |draft| {
        fill(from, draft)?;
        mark_restored(draft, environment, vouched)
    })
}

/// Makes a file that was not there: whole or not at all.
fn make(to: &Path, fill: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    ensure!(!to.exists(), "{} is there already", to.display());
    let name = to.file_name().context("no name for a file")?;
    let beside = |suffix: &str| {
        let mut name = name.to_owned();
        name.push(suffix);
        to.with_file_name(name)
    };
    let draft = beside(".draft");
    let remove = || {
        for file in [&draft, &beside(".draft-wal"), &beside(".draft-shm")] {
            if file.exists() {
                fs::remove_file(file).with_context(|| format!("remove {}", file.display()))?;
            }
        }
        anyhow::Ok(())
    };
    // one that was interrupted
    remove()?;
    let filled = fill(&draft);
    if filled.is_err() {
        // what went wrong first is what a person has to know
        drop(remove());
    }
    filled?;
    fs::rename(&draft, to).with_context(|| format!("name it {}", to.display()))?;
    sync_folder(to)
}

fn fill(from: &Path, draft: &Path) -> anyhow::Result<()> {
    // who is in which conversation is in there: only its owner may read it, from its first byte on
    let file = files::private()
        .create_new(true)
        .open(draft)
        .with_context(|| format!("create {}", draft.display()))?;
    let source = Connection::open_with_flags(
        from,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .with_context(|| format!("open {}", from.display()))?;
    source
        .busy_timeout(schema::BUSY)
        .context("set the patience")?;
    let target = draft.to_str().context("a path that is no text")?;
    source
        .execute("VACUUM INTO ?1", (target,))
        .with_context(|| format!("copy {}", from.display()))?;
    file.sync_all().context("sync the copy")?;
    check(draft)
}

/// Checks that a file is a whole database of a relay, of this version or an older one.
fn check(path: &Path) -> anyhow::Result<()> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .with_context(|| format!("open {}", path.display()))?;
    let verdict: String = connection
        .pragma_query_value(None, "integrity_check", |row| row.get(0))
        .with_context(|| format!("check {}", path.display()))?;
    ensure!(verdict == "ok", "{} is damaged: {verdict}", path.display());
    let version: usize = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .context("read the version of the schema")?;
    ensure!(
        (1..=schema::MIGRATIONS.len()).contains(&version),
        "{} is not a database of this version of the relay or an older one",
        path.display()
    );
    schema::generation(&connection)
        .map(drop)
        .with_context(|| format!("{} is no database of a relay", path.display()))
}

/// Marks a database as restored from a backup: a new generation, and a gap behind the last entry of every stream. How wide a gap is
/// goes by the clock, which therefore may not be behind. It is what the relay believes from then on; and however old the backup is,
/// what it holds is as old as the restore.
pub(super) fn mark_restored(
    path: &Path,
    environment: &Environment,
    vouched: Vouched,
) -> anyhow::Result<()> {
    let connection = schema::open_for_writing(path, 0).context("open the database")?;
    schema::migrate(&connection, environment).context("migrate")?;
    let transaction =
        rusqlite::Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)
            .context("begin")?;
    let now = environment.clock.now();
    let newest = clock::newest(&transaction).context("read the newest time")?;
    if vouched == Vouched::No {
        believe(&transaction, now, newest)?;
    }
    let time = now.max(newest);
    gaps::declare(&transaction, time).context("declare the gaps")?;
    clock::begin_ages(&transaction, now).context("note the time")?;
    transaction
        .execute(
            "UPDATE meta SET value = ?1 WHERE key = 'generation'",
            (environment.draw::<{ StoreGeneration::LEN }>(),),
        )
        .context("draw the generation")?;
    transaction.commit().context("commit")?;
    // all of it in the one file: it may be given another name now
    let mode: String = connection
        .pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))
        .context("write the log into the database")?;
    ensure!(mode == "delete", "another process has the database open");
    Ok(())
}

/// Refuses a clock by which a later restore could declare no wider gap.
fn believe(connection: &Connection, now: u64, newest: u64) -> anyhow::Result<()> {
    let in_words = |time| clock::in_words(connection, time).context("write the time");
    let (clock, newest_at) = (in_words(now)?, in_words(newest)?);
    ensure!(
        now <= gaps::LATEST,
        "the machine's clock says {clock}, and that is wrong. Set the clock, then restore again"
    );
    ensure!(
        now >= newest,
        "the machine's clock says {clock}, but the backup holds something of {newest_at}. Set the clock, then restore again; or say that it is right with --clock-is-right"
    );
    Ok(())
}

/// Makes the names in a file's folder durable.
fn sync_folder(path: &Path) -> anyhow::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    files::sync_folder(folder)
}
