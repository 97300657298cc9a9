//! The recovery code leaves this computer, and opens the profile from then on.

use std::{collections::BTreeSet, sync::Arc};

use client_core::keyslots::Protection;
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::{
    dto::AppError,
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
        let shown = account.client.recovery_code().await?;
        let is_right = |(position, word): &(usize, Zeroizing<String>)| {
            let known = position
                .checked_sub(1)
                .and_then(|index| shown.words.get(index));
            known.is_some_and(|known| *known == word.trim().to_lowercase())
        };
        let asked: BTreeSet<usize> = answers.iter().map(|(position, _)| *position).collect();
        let right = asked.len() >= shown.ask.len() && answers.iter().all(is_right);
        // only who has the code on paper needs it as a way in
        if right {
            let code = Zeroizing::new(*shown.code.as_bytes());
            self.set_slot(Protection::RecoveryCode(code)).await?;
        }
        let answers = answers
            .iter()
            .map(|(position, word)| (*position, word.as_str().to_owned()))
            .collect();
        account.client.confirm_recovery_code(answers).await?;
        // what fails now is noted in the database, and tried again
        account.forget_if_due().await;
        Ok(blocking(move || account.keeper.quarantines()).await??)
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
