//! Commands about the backup that a person keeps elsewhere. What takes long runs elsewhere: [`crate::profile::Profile::back_up`].

use std::path::PathBuf;

use protocol::Token;
use zeroize::Zeroizing;

use crate::{
    backup::{self, BackupError, BroughtBack, Found, Job, Ran, Settings},
    client::Client,
    crypto::RecoveryCode,
    engine::recovery::other_code,
    error::{Error, ErrorKind, Result},
    store::account,
};

impl Client {
    /// The backup of this account; `None` while there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub async fn backup(&self) -> Result<Option<Settings>> {
        self.read(|reader| reader.backup()).await
    }

    /// Turns backups on, into a folder, under the recovery code of this account. The next run writes everything.
    ///
    /// # Errors
    /// [`ErrorKind::WrongCode`], [`ErrorKind::NotFound`] where this device has no recovery record, [`ErrorKind::Database`].
    pub async fn turn_backup_on(&self, folder: PathBuf, code: Zeroizing<[u8; 32]>) -> Result<()> {
        let code = RecoveryCode::new(code);
        let work = move |write: &crate::store::WriteTransaction<'_>| {
            let record = account::record(write.connection())?
                .ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no recovery record"))?;
            is_of(&code, record.name)?;
            backup::turn_on(write, code.as_bytes(), &folder, &record.bytes)
        };
        self.command(move |engine| engine.change(work)).await
    }

    /// Writes to another folder from now on, under the same code. The next run writes everything.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] while there is no backup, [`ErrorKind::Database`].
    pub async fn move_backup(&self, folder: PathBuf) -> Result<()> {
        self.command(move |engine| engine.change(|write| backup::move_to(write, &folder)))
            .await
    }

    /// Turns backups off. What was written stays where it is.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub async fn turn_backup_off(&self) -> Result<()> {
        self.command(|engine| engine.change(backup::turn_off)).await
    }

    /// Begins a run.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] while backups are off, [`ErrorKind::Database`].
    pub async fn begin_backup(&self) -> Result<Job> {
        self.command(|engine| {
            let mut job = None;
            engine.change(|write| {
                job = Some(backup::begin(write)?);
                Ok(())
            })?;
            job.ok_or_else(|| Error::new(ErrorKind::Internal, "the run did not begin"))
        })
        .await
    }

    /// Notes a run that ended well.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub async fn finish_backup(&self, ran: Ran) -> Result<()> {
        self.command(move |engine| engine.change(|write| backup::finish(write, &ran)))
            .await
    }

    /// Notes that a run failed, at a time of the computer's clock, ms, and why in a word of the caller.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub async fn note_backup_failure(&self, time: u64, problem: String) -> Result<()> {
        self.command(move |engine| {
            engine.change(|write| backup::note_failure(write, time, &problem))
        })
        .await
    }

    /// See [`crate::engine::Engine::bring_back`].
    ///
    /// # Errors
    /// As there.
    pub async fn bring_back(&self, found: Found) -> std::result::Result<BroughtBack, BackupError> {
        self.command(move |engine| Ok(engine.bring_back(&found)))
            .await?
    }

    /// Notes how a rehearsal ended, at a time of the computer's clock, ms.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub async fn note_rehearsal(&self, time: u64, problem: Option<String>) -> Result<()> {
        self.command(move |engine| {
            engine.change(|write| backup::note_rehearsal(write, time, problem.as_deref()))
        })
        .await
    }
}

/// Whether the code is the one under whose name the relay keeps the account's record.
fn is_of(code: &RecoveryCode, name: Token) -> Result<()> {
    if code.record_id() == name {
        Ok(())
    } else {
        Err(other_code())
    }
}
