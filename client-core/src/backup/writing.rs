//! One run: everything, or what changed since the last one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use minicbor::bytes::ByteArray;
use rusqlite::Connection;
use tracing::warn;

use crate::{
    backup::{
        BackupError, Opened, aside,
        manifest::{self, Manifest, SegmentId},
        record::Record,
        rests,
        stream::SegmentWriter,
    },
    crypto::AccountKeys,
    error::{Error, ErrorKind, Result},
    files,
    seams::Randomness,
    store::{
        Database, DatabaseKey, WriteTransaction, account,
        account::AccountRow,
        backup::{self, MESSAGES, SMALL_TABLES, Settings, Written},
        database,
    },
};

/// With more segments than this, a run writes everything anew.
const MOST_SEGMENTS: usize = 32;

/// What a run needs to know.
pub struct Job {
    settings: Settings,
    up_to: i64,
}

/// What a run did.
#[derive(Debug)]
pub struct Ran {
    run: [u8; 16],
    time: u64,
    up_to: i64,
    changes: Vec<(i64, i64)>,
    forgets_filling: bool,
    /// How many messages it wrote, those that went among them.
    pub written: u64,
    /// How many messages the backup has now, not counting those that are set aside.
    pub messages: u64,
}

/// Begins a run, on the thread that writes the database.
///
/// # Errors
/// [`ErrorKind::NotFound`]: backups are off; [`ErrorKind::Database`].
pub fn begin(write: &WriteTransaction<'_>) -> Result<Job> {
    let up_to = backup::watch(write)?;
    let settings = backup::settings(write.connection())?
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "backups are off"))?;
    Ok(Job { settings, up_to })
}

/// Notes a run that ended well, on the thread that writes the database.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn finish(write: &WriteTransaction<'_>, ran: &Ran) -> Result<()> {
    backup::note_run(
        write,
        &Written {
            run: ran.run,
            time: ran.time,
            last_message: ran.up_to,
            changes: &ran.changes,
            forgets_filling: ran.forgets_filling,
        },
    )?;
    crate::KillPoint::BackupBeforeCommit.reach();
    Ok(())
}

/// Writes the backup. Blocks; the engine may go on writing. `now` is the computer's time in milliseconds.
///
/// # Errors
/// [`BackupError`]; then the former backup is as it was, or the new one is complete in its place and the next run finds it there.
pub fn run(
    database: &Path,
    key: &DatabaseKey,
    job: &Job,
    now: u64,
    random: &mut dyn Randomness,
) -> std::result::Result<Ran, BackupError> {
    let folder = PathBuf::from(&job.settings.folder);
    files::create_private_folder(&folder)?;
    let connection = Database::open_reader(database, key)?;
    // one moment for everything that is read
    let snapshot = connection.unchecked_transaction().map_err(Error::from)?;
    let row = account::load(&snapshot)?;
    let keys = AccountKeys::from_bytes(&row.keys).map_err(Error::from)?;
    let former = former(&folder, &job.settings, &keys)?;
    let plan = Plan::new(&folder, job, former, &snapshot);
    let superseded = plan.former.clone();
    let is_segment = |(path, _): &(PathBuf, SegmentId)| !rests::is_partial(path);
    // the segments of a manifest may be where others were set aside
    let holds_something =
        !superseded.is_empty() || manifest::segments_in(&folder)?.iter().any(is_segment);
    let place = (plan.sets_aside && holds_something)
        .then(|| aside::begin(&folder))
        .transpose()?;
    if place.is_some() {
        warn!("the former backup may have what is lost here, and is set aside");
    }
    let mut run = Run {
        folder: &folder,
        job,
        connection: &snapshot,
        random,
        written: Vec::new(),
    };
    let outcome = run.write(plan, (&row, &keys), now);
    let (written, names) = match outcome {
        Ok(done) => done,
        Err(error) => {
            rests::give_up(&folder, &job.settings.key, &run.written);
            return Err(error);
        }
    };
    let cleared = rests::clear(
        &folder,
        &job.settings.key,
        &names,
        &superseded,
        place.as_deref(),
    );
    if let Err(error) = cleared {
        warn!(%error, "old segments stay in the backup's folder");
    }
    Ok(written)
}

/// The manifest that is there, if it is ours and whole.
fn former(
    folder: &Path,
    settings: &Settings,
    keys: &AccountKeys,
) -> std::result::Result<Option<Manifest>, BackupError> {
    match manifest::read(folder, &settings.key) {
        Ok(manifest) if (manifest.account, manifest.device) != (keys.account(), keys.device()) => {
            Err(BackupError::OtherDevice)
        }
        Ok(manifest) => Ok(Some(manifest)),
        Err(BackupError::Missing) => Ok(None),
        Err(BackupError::Damaged(what)) => {
            warn!(what, "the backup is written anew");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What to write, and what becomes of the former backup.
struct Plan {
    after: i64,
    kept: Vec<SegmentId>,
    /// Those of the former backup. What is not kept of them holds nothing that is not written now, unless they are set aside.
    former: Vec<SegmentId>,
    sets_aside: bool,
}

impl Plan {
    fn new(folder: &Path, job: &Job, former: Option<Manifest>, database: &Connection) -> Self {
        let Some(manifest) = former else {
            // whose segments are there, if any, is not known
            return Self::anew(Vec::new(), true);
        };
        let names: Vec<SegmentId> = manifest.names().copied().collect();
        let noted = job.settings.run == Some(*manifest.run);
        if noted && job.settings.filled && !manifest.holds_lost {
            return Self::anew(names, false);
        }
        if !noted || manifest.holds_lost {
            // the database is not as it was when that was written, or a run ended before it was noted: numbers of rows say nothing
            let sets_aside = manifest.holds_lost || !is_held(folder, job, manifest, database);
            return Self::anew(names, sets_aside);
        }
        let there = |id| files::there(&aside::find(folder, id));
        let whole = manifest.segments.iter().all(there);
        if !whole || manifest.segments.len() >= MOST_SEGMENTS {
            return Self::anew(names, false);
        }
        Self {
            after: job.settings.last_message,
            kept: manifest.segments,
            former: names,
            sets_aside: false,
        }
    }

    /// Everything is written, and nothing kept.
    const fn anew(former: Vec<SegmentId>, sets_aside: bool) -> Self {
        Self {
            after: i64::MIN,
            kept: Vec::new(),
            former,
            sets_aside,
        }
    }
}

/// Whether the database has what a backup has, so that nothing goes with it.
fn is_held(folder: &Path, job: &Job, manifest: Manifest, database: &Connection) -> bool {
    let former = Opened {
        folder: folder.to_owned(),
        key: job.settings.key.clone(),
        manifest,
    };
    let held = former
        .read_alone()
        .and_then(|found| Ok(backup::holds(database, job.up_to, found.connection())?));
    held.unwrap_or_else(|error| {
        warn!(%error, "the former backup cannot be read");
        false
    })
}

struct Run<'a> {
    folder: &'a Path,
    job: &'a Job,
    connection: &'a Connection,
    random: &'a mut dyn Randomness,
    written: Vec<SegmentId>,
}

impl Run<'_> {
    fn write(
        &mut self,
        plan: Plan,
        (row, keys): (&AccountRow, &AccountKeys),
        now: u64,
    ) -> std::result::Result<(Ran, Vec<SegmentId>), BackupError> {
        let mut segments = plan.kept;
        let state = self.write_state()?;
        let changes = backup::changes(self.connection)?;
        let (messages, written) = self.write_messages(plan.after, &changes)?;
        segments.extend(messages);
        let columns = backup::columns(self.connection, MESSAGES)?;
        let (count, digest) = backup::digest(self.connection, &columns, self.job.up_to)?;
        let run: [u8; 16] = self.random.array().map_err(Error::from)?;
        let manifest = Manifest {
            run: run.into(),
            time: now,
            account: keys.account(),
            device: keys.device(),
            form: database::newest_form(),
            record: self.job.settings.record.clone().into(),
            state,
            segments,
            last_message: self.job.up_to,
            messages: count,
            digest: digest.into(),
            holds_lost: false,
            privacy: Some(account::privacy_bits(row.privacy)),
            handle: row.handle.clone(),
        };
        crate::KillPoint::BackupBeforeManifest.reach();
        manifest::write(self.folder, &self.job.settings.key, &manifest, self.random)?;
        crate::KillPoint::BackupAfterManifest.reach();
        let mut names = manifest.segments;
        names.push(state);
        let ran = Ran {
            run,
            time: now,
            up_to: self.job.up_to,
            changes,
            forgets_filling: self.job.settings.filled,
            written,
            messages: count,
        };
        Ok((ran, names))
    }

    fn write_state(&mut self) -> std::result::Result<SegmentId, BackupError> {
        let (id, mut segment) = self.begin_segment()?;
        for table in SMALL_TABLES {
            let columns = backup::columns(self.connection, table)?;
            segment.push(&Record::Table((*table).to_owned(), columns.clone()))?;
            backup::small_rows(self.connection, table, &columns, &mut |row, cells| {
                segment.push(&Record::Row(row, cells))
            })?;
        }
        self.end_segment(id, segment)
    }

    /// `None` where nothing is new.
    fn write_messages(
        &mut self,
        after: i64,
        changes: &[(i64, i64)],
    ) -> std::result::Result<(Option<SegmentId>, u64), BackupError> {
        let columns = backup::columns(self.connection, MESSAGES)?;
        let (id, mut segment) = self.begin_segment()?;
        let mut written = 0_u64;
        segment.push(&Record::Table(MESSAGES.to_owned(), columns.clone()))?;
        // what is after it comes below
        let earlier = changes.iter().filter(|(row, _)| *row <= after);
        for (row, _) in earlier {
            let record = match backup::message(self.connection, &columns, *row)? {
                Some(cells) => Record::Row(*row, cells),
                None => Record::Removed(*row),
            };
            segment.push(&record)?;
            written = written.saturating_add(1);
        }
        let range = (after, self.job.up_to);
        backup::messages(self.connection, &columns, range, &mut |row, cells| {
            written = written.saturating_add(1);
            segment.push(&Record::Row(row, cells))
        })?;
        if written == 0 {
            drop(segment);
            fs::remove_file(self.partial(&id))?;
            return Ok((None, 0));
        }
        Ok((Some(self.end_segment(id, segment)?), written))
    }

    fn begin_segment(&mut self) -> std::result::Result<(SegmentId, SegmentWriter), BackupError> {
        let id: SegmentId = ByteArray::from(self.random.array::<16>().map_err(Error::from)?);
        let key = &self.job.settings.key;
        let segment = SegmentWriter::create(&self.partial(&id), &id, key, self.random)?;
        Ok((id, segment))
    }

    fn end_segment(
        &mut self,
        id: SegmentId,
        segment: SegmentWriter,
    ) -> std::result::Result<SegmentId, BackupError> {
        segment.finish()?;
        crate::KillPoint::BackupSegmentWritten.reach();
        self.written.push(id);
        files::put_in_place(
            &self.partial(&id),
            &manifest::segment_path(self.folder, &id),
        )?;
        Ok(id)
    }

    fn partial(&self, id: &SegmentId) -> PathBuf {
        files::beside(&manifest::segment_path(self.folder, id), ".partial")
    }
}
