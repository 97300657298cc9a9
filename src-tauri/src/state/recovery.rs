//! The recovery code leaves this computer, and opens the profile from then on.

use std::collections::BTreeSet;

use client_core::keyslots::Protection;
use zeroize::Zeroizing;

use crate::{
    dto::AppError,
    state::{Shell, blocking},
};

impl Shell {
    /// Checks words of the recovery code, by their positions from 1. If they are right, the code becomes a way into the
    /// profile, and then it leaves the database and its copies.
    pub(crate) async fn confirm_recovery_code(
        &self,
        answers: Vec<(usize, Zeroizing<String>)>,
    ) -> Result<(), AppError> {
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
        blocking(move || account.keeper.forget_what_was_wiped()).await
    }
}
