//! Commands about trust: the safety number, the recovery code, and what went wrong.

use tokio::runtime::Handle;

use crate::{
    client::Client,
    crypto::{Comparison, RecoveryCode, SafetyNumber},
    engine::{ShownCode, recovery::other_code},
    error::{ErrorKind, Result},
    model::{ConversationKey, Troubles},
    store::mendings::{self, Mended},
};

impl Client {
    /// See [`crate::engine::Engine::safety_number`].
    ///
    /// # Errors
    /// As there. The same holds for every command here.
    pub async fn safety_number(&self, key: ConversationKey) -> Result<SafetyNumber> {
        self.command(move |engine| engine.safety_number(key)).await
    }

    /// See [`crate::engine::Engine::compare_safety_number`].
    ///
    /// # Errors
    /// As there.
    pub async fn compare_safety_number(
        &self,
        key: ConversationKey,
        text: String,
    ) -> Result<Comparison> {
        self.command(move |engine| engine.compare_safety_number(key, &text))
            .await
    }

    /// See [`crate::engine::Engine::set_verified`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_verified(&self, key: ConversationKey, verified: bool) -> Result<()> {
        self.command(move |engine| engine.set_verified(key, verified))
            .await
    }

    /// See [`crate::engine::Engine::recovery_code`].
    ///
    /// # Errors
    /// As there.
    pub async fn recovery_code(&self) -> Result<ShownCode> {
        self.command(|engine| engine.recovery_code()).await
    }

    /// See [`crate::engine::Engine::check_recovery_words`].
    ///
    /// # Errors
    /// As there.
    pub async fn check_recovery_words(
        &self,
        answers: Vec<(usize, String)>,
    ) -> Result<RecoveryCode> {
        self.command(move |engine| engine.check_recovery_words(&answers))
            .await
    }

    /// Whether a code that a person gives is the one of this account. Where this device does not know, its relay is asked.
    ///
    /// # Errors
    /// [`ErrorKind::WrongCode`]; the errors of [`crate::restoring::Lost::find`]; [`ErrorKind::Database`].
    pub async fn check_recovery_code(&self, code: &RecoveryCode, runtime: &Handle) -> Result<()> {
        let given = code.clone();
        let here = self.command(move |engine| engine.check_recovery_code(&given));
        match here.await {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            known => return known,
        }
        let given = code.clone();
        let lost = self.command(move |engine| engine.lost(given)).await?;
        let found = lost
            .find(runtime)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::NoRecoveryRecord => other_code(),
                _ => error,
            })?;
        if found.account() == self.account() {
            Ok(())
        } else {
            Err(other_code())
        }
    }

    /// See [`crate::engine::Engine::confirm_recovery_code`].
    ///
    /// # Errors
    /// As there.
    pub async fn confirm_recovery_code(&self, answers: Vec<(usize, String)>) -> Result<()> {
        self.command(move |engine| engine.confirm_recovery_code(&answers))
            .await
    }

    /// See [`crate::engine::Engine::note_wiped`].
    ///
    /// # Errors
    /// As there.
    pub async fn note_wiped(&self) -> Result<()> {
        self.command(crate::engine::Engine::note_wiped).await
    }

    /// What went wrong in the last 30 days, counted.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub async fn troubles(&self) -> Result<Troubles> {
        let now = self.command(|engine| Ok(engine.now())).await?;
        self.read(move |reader| reader.troubles(now)).await
    }

    /// What became of a damaged database, as long as the person has not read it.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub async fn untold_mendings(&self) -> Result<Vec<Mended>> {
        self.read(|reader| reader.untold_mendings()).await
    }

    /// The person has read what became of a damaged database.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub async fn mendings_told(&self) -> Result<()> {
        self.command(|engine| engine.change(mendings::set_told))
            .await
    }
}
