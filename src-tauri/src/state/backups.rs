//! The backup that a person keeps elsewhere, and conversations as files.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use client_core::{
    Error, ErrorKind,
    backup::{self, BackupError},
    export::{Format, Words},
    model::ConversationKey,
};
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::{
    dto::{AppError, ErrorCode, Health, Rehearsal},
    state::{Account, Shell, blocking},
};

/// A backup is written this often, in milliseconds.
const PERIOD: u64 = 24 * 60 * 60 * 1000;
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
        let backup_problem = account.keeper.backup_problem();
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
            last_copy,
            damaged,
        };
        if let Some(backup) = backup {
            health.backup_folder = Some(backup.folder);
            health.last_backup = backup.last_run;
            health.backup_problem = backup_problem;
            health.last_rehearsal = backup
                .rehearsed
                .map(|(time, problem)| Rehearsal { time, problem });
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
            account.keeper.note_backup(None);
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
        let _alone = account.backing_up.lock().await;
        let settings = account
            .client
            .backup()
            .await?
            .ok_or_else(|| AppError::new(ErrorCode::Folder, "backups are off"))?;
        let rehearsed = blocking(move || backup::rehearse(&settings)).await?;
        let problem = rehearsed.err().map(|error| error.to_string());
        if let Some(problem) = &problem {
            warn!(problem, "the backup would not restore");
        }
        let now = account.keeper.now();
        Ok(account.client.note_rehearsal(now, problem).await?)
    }

    /// Writes a conversation into a folder, beside whatever is there.
    pub(crate) async fn export(
        &self,
        conversation: ConversationKey,
        format: Format,
        words: Words,
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
                .export(conversation, format, &words, &mut output)
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
        blocking(export).await?
    }
}

impl Account {
    /// Backs up if the last time was a day ago.
    pub(super) async fn back_up_if_due(&self) {
        let last = match self.client.backup().await {
            Ok(Some(settings)) => settings.last_run,
            Ok(None) => return,
            Err(error) => {
                warn!(%error, "whether a backup is due is not known");
                return;
            }
        };
        let now = self.keeper.now();
        let due = last.is_none_or(|last| last > now || now.saturating_sub(last) >= PERIOD);
        if due {
            // logged, and part of the health
            let _noted = self.back_up().await;
        }
    }

    async fn back_up(&self) -> Result<(), AppError> {
        let _alone = self.backing_up.lock().await;
        let outcome = self.run_backup().await;
        match &outcome {
            Ok(messages) => info!(messages, "the backup was written"),
            Err(error) => {
                warn!(code = ?error.code, detail = error.detail, "the backup was not written");
            }
        }
        self.keeper.note_backup(outcome.as_ref().err().map(|error| {
            error
                .detail
                .clone()
                .unwrap_or_else(|| format!("{:?}", error.code))
        }));
        outcome.map(drop)
    }

    async fn run_backup(&self) -> Result<u64, AppError> {
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

/// What is wrong with a backup, to the page.
pub(super) fn of_backup(error: BackupError) -> AppError {
    let code = match &error {
        BackupError::WrongCode => ErrorCode::WrongCode,
        BackupError::Newer => ErrorCode::Version,
        BackupError::NotFresh => ErrorCode::Internal,
        BackupError::OtherAccount => ErrorCode::OtherAccount,
        BackupError::Missing | BackupError::OtherDevice | BackupError::Damaged(_) => {
            ErrorCode::Folder
        }
        BackupError::Failed(error) => match error.kind() {
            // nearly always it is the folder that does not answer
            ErrorKind::Database => ErrorCode::Folder,
            kind => kind.into(),
        },
    };
    AppError::new(code, error.to_string())
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
