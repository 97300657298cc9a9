//! Bringing back what a backup has and the account lost.

use std::path::{Path, PathBuf};

use client_core::backup;
use zeroize::Zeroizing;

use crate::{
    dto::{AppError, BroughtBack, ErrorCode},
    state::{
        Shell,
        backups::{existing, of_backup},
        blocking,
    },
};

impl Shell {
    /// Adds what a backup of this account has and is not here. The folder into which this computer backs up needs no code.
    /// What is here stays as it is.
    pub(crate) async fn bring_back(
        &self,
        folder: PathBuf,
        code: Option<Zeroizing<[u8; 32]>>,
    ) -> Result<BroughtBack, AppError> {
        let account = self.account()?;
        let _alone = account.backing_up.lock().await;
        let folder = existing(folder).await?;
        let own = account.client.backup().await?;
        let read = move || {
            let opened = match (code, own) {
                (Some(code), _) => backup::open(&folder, &code),
                (None, Some(own)) if Path::new(&own.folder) == folder => {
                    backup::open_with_key(&own)
                }
                (None, _) => {
                    return Err(AppError::new(
                        ErrorCode::WrongCode,
                        "the backup of another folder takes the code",
                    ));
                }
            };
            opened.and_then(|opened| opened.read()).map_err(of_backup)
        };
        let found = blocking(read).await??;
        let brought = account.client.bring_back(found).await.map_err(of_backup)?;
        Ok(BroughtBack {
            messages: brought.messages,
            time: brought.time,
        })
    }
}
