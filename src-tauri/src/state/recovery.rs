//! The recovery code leaves this computer, and opens the profile from then on.

use std::sync::Arc;

use client_core::{crypto::RecoveryCode, keyslots::Protection};
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::{
    dto::{AppError, Slot},
    state::{Account, Shell, blocking},
};

impl Shell {
    /// Checks words of the recovery code, by their positions from 1. If they are right, the code becomes a way into the
    /// profile, and then it leaves the database and its copies. Returns the folders in which it may still lie: those with
    /// damaged files, which only a person deletes.
    pub(crate) async fn confirm_recovery_code(
        &self,
        answers: Vec<(usize, Zeroizing<String>)>,
    ) -> Result<Vec<String>, AppError> {
        let _changing = self.profile.lock().await;
        let account = self.account()?;
        let answers: Vec<_> = answers
            .iter()
            .map(|(position, word)| (*position, word.as_str().to_owned()))
            .collect();
        let code = account.client.check_recovery_words(answers.clone()).await?;
        // only who has the code on paper needs it as a way in
        self.set_slot(opened_by(&code)).await?;
        account.client.confirm_recovery_code(answers).await?;
        // what fails now is noted in the database, and tried again
        account.forget_if_due().await;
        Ok(blocking(move || account.keeper.quarantines()).await??)
    }

    /// Makes the recovery code a way into the profile again, for whoever has all of it: it is not on this computer.
    pub(crate) async fn add_code_slot(&self, code: &RecoveryCode) -> Result<Vec<Slot>, AppError> {
        let account = self.account()?;
        account
            .client
            .check_recovery_code(code, &self.runtime)
            .await?;
        let _changing = self.profile.lock().await;
        self.set_slot(opened_by(code)).await?;
        self.slots().await
    }

    /// Deletes the damaged files that were kept.
    pub(crate) async fn discard_damaged(&self) -> Result<(), AppError> {
        let account = self.account()?;
        Ok(blocking(move || account.keeper.discard_quarantines()).await??)
    }
}

impl Account {
    /// Keeps the root key, which left the database, from living on beside it. Whether that is due stands in the database, so
    /// that the end of a process changes nothing.
    pub(super) async fn forget_if_due(&self) {
        let forget = || async {
            let keeper = Arc::clone(&self.keeper);
            if blocking(move || keeper.forget_if_due()).await?? {
                self.client.note_wiped().await?;
                info!("the root key lies in no copy any more");
            }
            Ok::<_, AppError>(())
        };
        if let Err(error) = forget().await {
            warn!(code = ?error.code, detail = error.detail, "the root key may still be in older copies");
        }
    }
}

/// The way in that a code opens.
fn opened_by(code: &RecoveryCode) -> Protection {
    Protection::RecoveryCode(Zeroizing::new(*code.as_bytes()))
}
