//! The backup that a person keeps elsewhere, and conversations as files.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, PoisonError},
};

use client_core::{
    Error, ErrorKind,
    backup::{self, BackupError},
    export::{Format, Locale},
    model::ConversationKey,
};
use serde_json::Value;
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::{
    dto::{AppError, BackupTrouble, BackupTroubleKind, ErrorCode, Health, OwnFolder, Rehearsal},
    state::{Account, Shell, blocking},
};

/// A backup is written this often, in milliseconds.
const PERIOD: u64 = 24 * 60 * 60 * 1000;
/// A disk may be away for a while; after so long the person is told, in milliseconds.
const MISSED: u64 = 3 * PERIOD;
/// A backup is restored to see whether it would, this often, in milliseconds.
const BETWEEN_TESTS: u64 = 7 * PERIOD;
/// Files of the same name that one folder may have.
const MOST_NAMESAKES: u32 = 1_000;
/// Letters of a person's name in the name of a file.
const LONGEST_NAME: usize = 40;

impl Shell {
    /// Counted facts about messages, copies and the backup.
    pub(crate) async fn health(&self) -> Result<Health, AppError> {
        let account = self.account()?;
        let troubles = account.client.troubles().await?;
        let backup = account.client.backup().await?;
        let (last_copy, damaged) = blocking(move || {
            let keeper = &account.keeper;
            Ok::<_, Error>((keeper.last_copy()?, keeper.quarantines()?))
        })
        .await??;
        let mut health = Health {
            unopened: troubles.unopened,
            missing: troubles.missing,
            backup_folder: None,
            last_backup: None,
            backup_problem: None,
            last_rehearsal: None,
            set_aside: Vec::new(),
            last_copy,
            damaged,
        };
        if let Some(backup) = backup {
            let folder = PathBuf::from(&backup.folder);
            let aside = blocking(move || backup::set_aside(&folder)).await?;
            health.set_aside = aside.iter().map(|it| it.display().to_string()).collect();
            health.backup_folder = Some(backup.folder);
            health.last_backup = backup.last_run;
            health.backup_problem = backup.problem.map(|(_, problem)| problem_named(&problem));
            health.last_rehearsal = backup.rehearsed.map(|(time, problem)| Rehearsal {
                time,
                problem: problem.as_deref().map(problem_named),
            });
        }
        Ok(health)
    }

    /// Backs up into this folder from now on, beginning at once; or no more. A first backup takes the recovery code.
    pub(crate) async fn set_backup_folder(
        &self,
        folder: Option<PathBuf>,
        code: Option<Zeroizing<[u8; 32]>>,
    ) -> Result<(), AppError> {
        let account = self.account()?;
        let Some(folder) = folder else {
            account.client.turn_backup_off().await?;
            account.tell_trouble().await;
            return Ok(());
        };
        let folder = existing(folder).await?;
        match code {
            Some(code) => account.client.turn_backup_on(folder, code).await?,
            None => {
                let moved = account.client.move_backup(folder).await;
                moved.map_err(|error| match error.kind() {
                    ErrorKind::NotFound => {
                        AppError::new(ErrorCode::WrongCode, "a first backup takes the code")
                    }
                    _ => error.into(),
                })?;
            }
        }
        // what goes wrong now is part of the health
        let _noted = account.back_up().await;
        Ok(())
    }

    /// Backs up now.
    pub(crate) async fn back_up(&self) -> Result<(), AppError> {
        self.account()?.back_up().await
    }

    /// Restores the backup into memory and compares. What is wrong is part of the health.
    pub(crate) async fn rehearse_backup(&self) -> Result<(), AppError> {
        let account = self.account()?;
        account.rehearse().await
    }

    /// Writes a conversation into a folder, beside whatever is there.
    pub(crate) async fn export(
        &self,
        conversation: ConversationKey,
        format: Format,
        locale: Locale,
        folder: PathBuf,
    ) -> Result<PathBuf, AppError> {
        let account = self.account()?;
        let title = account
            .client
            .conversations()
            .await?
            .into_iter()
            .find(|row| row.key == conversation)
            .map(|row| row.title)
            .ok_or_else(|| AppError::new(ErrorCode::NotFound, "no such conversation"))?;
        let folder = existing(folder).await?;
        let export = move || {
            let (path, file) = new_file(&folder, &title, format)?;
            let mut output = BufWriter::new(file);
            let written = account
                .keeper
                .export(conversation, format, &locale, &mut output)
                .and_then(|_| Ok(output.flush()?))
                .and_then(|()| Ok(output.get_ref().sync_all()?));
            match written {
                Ok(()) => Ok(path),
                Err(error) => {
                    // a part of a conversation passes for the whole
                    let _removed = fs::remove_file(&path);
                    Err(AppError::from(error))
                }
            }
        };
        let file = blocking(export).await??;
        *self.exported.lock().unwrap_or_else(PoisonError::into_inner) =
            file.parent().map(Path::to_owned);
        Ok(file)
    }

    /// Shows one of the account's folders in the system's file manager. The page names none: what it could name, it could
    /// run.
    pub(crate) async fn open_folder(&self, which: OwnFolder) -> Result<(), AppError> {
        let account = self.account()?;
        let client = &account.client;
        let folder = match which {
            OwnFolder::Backup => client.backup().await?.map(|kept| kept.folder.into()),
            OwnFolder::Export => self
                .exported
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
            OwnFolder::Quarantine => client
                .untold_mendings()
                .await?
                .pop()
                .map(|mended| mended.quarantine),
        };
        let folder = folder
            .ok_or_else(|| AppError::new(ErrorCode::NotFound, "there is no such folder now"))?;
        let folder = existing(folder).await?;
        self.program
            .open_folder(&folder)
            .map_err(|error| AppError::new(ErrorCode::NoFileManager, error.to_string()))
    }
}

impl Account {
    /// Backs up if the last time was a day ago, and tests the backup if that was a week ago.
    pub(super) async fn back_up_if_due(&self) {
        let settings = match self.client.backup().await {
            Ok(Some(settings)) => settings,
            Ok(None) => return,
            Err(error) => {
                warn!(%error, "whether a backup is due is not known");
                return;
            }
        };
        let now = self.keeper.now();
        // what fails is logged, and part of the health
        if is_due(settings.last_run, now, PERIOD) && self.back_up().await.is_err() {
            return;
        }
        let tested = settings.rehearsed.map(|(time, _)| time);
        if is_due(tested, now, BETWEEN_TESTS) {
            let _noted = self.rehearse().await;
        }
    }

    async fn back_up(&self) -> Result<(), AppError> {
        let _alone = self.backing_up.lock().await;
        let outcome = self.run_backup().await;
        match &outcome {
            Ok(messages) => info!(messages, "the backup was written"),
            Err(error) => {
                warn!(code = ?error.code, detail = error.detail, "the backup was not written");
                let noted = self
                    .client
                    .note_backup_failure(self.keeper.now(), name_of(error.code));
                if let Err(error) = noted.await {
                    warn!(%error, "that the backup fails will not be known after a restart");
                }
            }
        }
        self.tell_trouble().await;
        outcome.map(drop)
    }

    /// Restores the backup into memory, compares, and notes how it went.
    async fn rehearse(&self) -> Result<(), AppError> {
        let _alone = self.backing_up.lock().await;
        let settings = self
            .client
            .backup()
            .await?
            .ok_or_else(|| AppError::new(ErrorCode::Folder, "backups are off"))?;
        let rehearsed = blocking(move || backup::rehearse(&settings)).await?;
        let problem = match rehearsed {
            Ok(restored) => {
                info!(messages = restored.messages, "the backup would restore");
                None
            }
            Err(error) => {
                let error = of_backup(error);
                warn!(code = ?error.code, detail = error.detail, "the backup would not restore");
                Some(name_of(error.code))
            }
        };
        let now = self.keeper.now();
        self.client.note_rehearsal(now, problem).await?;
        self.tell_trouble().await;
        Ok(())
    }

    /// What a person has to know of the backup without asking.
    pub(super) async fn backup_trouble(&self) -> Result<Option<BackupTrouble>, AppError> {
        let settings = self.client.backup().await?;
        let now = self.keeper.now();
        Ok(settings.and_then(|settings| trouble(&settings, now)))
    }

    pub(super) async fn tell_trouble(&self) {
        match self.backup_trouble().await {
            Ok(trouble) => self.bridge.backup(trouble),
            Err(error) => warn!(code = ?error.code, "how the backup is, is not known"),
        }
    }

    async fn run_backup(&self) -> Result<u64, AppError> {
        if let Some(settings) = self.client.backup().await? {
            // the folder of a disk that is not there is not made anew on this one
            existing(settings.folder.into()).await?;
        }
        let job = self
            .client
            .begin_backup()
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => AppError::new(ErrorCode::Folder, error.context()),
                _ => error.into(),
            })?;
        let keeper = Arc::clone(&self.keeper);
        let ran = blocking(move || keeper.back_up(&job))
            .await?
            .map_err(of_backup)?;
        let messages = ran.written;
        self.client.finish_backup(ran).await?;
        Ok(messages)
    }
}

/// Whether something that happened last then is to happen again. A time from the future was a wrong clock's.
fn is_due(last: Option<u64>, now: u64, period: u64) -> bool {
    last.is_none_or(|last| last > now || now.saturating_sub(last) >= period)
}

/// A backup that was not written for days, or cannot be read back.
fn trouble(settings: &backup::Settings, now: u64) -> Option<BackupTrouble> {
    if let Some((failing, problem)) = &settings.problem {
        let since = settings.last_run.unwrap_or(*failing);
        if is_due(Some(since), now, MISSED) {
            return Some(BackupTrouble {
                kind: BackupTroubleKind::NotWritten,
                since,
                problem: problem_named(problem),
            });
        }
    }
    match &settings.rehearsed {
        Some((since, Some(problem))) => Some(BackupTrouble {
            kind: BackupTroubleKind::NotRestorable,
            since: *since,
            problem: problem_named(problem),
        }),
        _ => None,
    }
}

/// What is wrong with a backup, to the page.
pub(super) fn of_backup(error: BackupError) -> AppError {
    let code = match &error {
        BackupError::WrongCode => ErrorCode::WrongCode,
        BackupError::Newer => ErrorCode::Newer,
        BackupError::NotFresh => ErrorCode::Internal,
        BackupError::OtherAccount => ErrorCode::OtherAccount,
        BackupError::Missing => ErrorCode::NoBackup,
        BackupError::OtherDevice => ErrorCode::BackupOfOther,
        BackupError::Damaged(_) => ErrorCode::BackupDamaged,
        BackupError::Failed(error) => match error.kind() {
            // nearly always it is the folder that does not answer
            ErrorKind::Database => ErrorCode::Folder,
            kind => kind.into(),
        },
    };
    AppError::new(code, error.to_string())
}

/// A problem as the database keeps it: a word that the window has a sentence for, in any language.
fn name_of(code: ErrorCode) -> String {
    match serde_json::to_value(code) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

/// What is not a word of this version was written by another one.
fn problem_named(name: &str) -> ErrorCode {
    serde_json::from_value(name.into()).unwrap_or(ErrorCode::BackupDamaged)
}

/// A folder that is there, named so that it means the same everywhere.
pub(super) async fn existing(folder: PathBuf) -> Result<PathBuf, AppError> {
    let is_there = blocking({
        let folder = folder.clone();
        move || folder.is_dir()
    });
    if folder.is_absolute() && is_there.await? {
        Ok(folder)
    } else {
        Err(AppError::new(ErrorCode::Folder, "there is no such folder"))
    }
}

/// A file that was not there, named after the other person.
fn new_file(folder: &Path, title: &str, format: Format) -> Result<(PathBuf, File), AppError> {
    let name = file_name(title);
    let ending = match format {
        Format::Html => "html",
        Format::Json => "json",
        Format::Markdown => "md",
    };
    for number in 1..=MOST_NAMESAKES {
        let path = folder.join(match number {
            1 => format!("{name}.{ending}"),
            _ => format!("{name} ({number}).{ending}"),
        });
        match File::create_new(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                return Err(Error::from(error).into());
            }
            Err(error) => return Err(AppError::new(ErrorCode::Folder, error.to_string())),
        }
    }
    Err(AppError::new(
        ErrorCode::Folder,
        "there are too many files of this name",
    ))
}

/// What every system takes for the name of a file.
fn file_name(title: &str) -> String {
    let letters: String = title
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter
            } else {
                ' '
            }
        })
        .take(LONGEST_NAME)
        .collect();
    let words: Vec<&str> = letters.split_whitespace().collect();
    format!("Relevo {}", words.join(" ")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_kept_as_a_word_and_one_of_another_version_is_some_damage() {
        assert_eq!(name_of(ErrorCode::NoBackup), "noBackup");
        for code in [ErrorCode::NoBackup, ErrorCode::Folder, ErrorCode::DiskFull] {
            assert_eq!(problem_named(&name_of(code)), code);
        }
        assert_eq!(problem_named("a sentence"), ErrorCode::BackupDamaged);
    }

    #[test]
    fn a_hostile_name_makes_a_harmless_file() {
        for (title, name) in [
            ("Luis", "Relevo Luis"),
            ("", "Relevo"),
            ("../../etc/passwd", "Relevo etc passwd"),
            ("CON", "Relevo CON"),
            ("a\u{202e}gpj.exe\0", "Relevo a gpj exe"),
        ] {
            assert_eq!(file_name(title), name);
        }
        assert!(file_name(&"ñ".repeat(500)).chars().count() < 50);
    }

    #[test]
    fn a_file_that_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> = (0..3)
            .map(|_| new_file(folder.path(), "Luis", Format::Html).unwrap().0)
            .collect();
        let names: Vec<_> = paths
            .iter()
            .map(|path| path.file_name().unwrap().to_str().unwrap())
            .collect();
        assert_eq!(
            names,
            [
                "Relevo Luis.html",
                "Relevo Luis (2).html",
                "Relevo Luis (3).html"
            ]
        );
        let gone = folder.path().join("gone");
        let error = new_file(&gone, "Luis", Format::Json).unwrap_err();
        assert_eq!(error.code, ErrorCode::Folder);
    }
}
