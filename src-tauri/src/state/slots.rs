//! The ways into an open account.

use std::sync::Arc;

use client_core::{
    ErrorKind,
    keyslots::{Protection, SlotKind},
    model::RecoveryState,
};

use crate::{
    dto::{AppError, ErrorCode, Slot},
    state::{Shell, blocking, keeper::CodeConfirmed},
};

impl Shell {
    /// The ways in, and what is wrong with those that open without a question.
    pub(crate) async fn slots(&self) -> Result<Vec<Slot>, AppError> {
        let account = self.account()?;
        let keyring = Arc::clone(&self.keyring);
        Ok(blocking(move || account.keeper.slots(keyring.as_ref())).await??)
    }

    /// Adds a way in, or replaces the one of the same kind.
    pub(crate) async fn add_slot(&self, protection: Protection) -> Result<Vec<Slot>, AppError> {
        let _changing = self.profile.lock().await;
        self.set_slot(protection).await?;
        self.slots().await
    }

    /// Removes a way in, never the last that is sure to open.
    pub(crate) async fn remove_slot(&self, kind: SlotKind) -> Result<Vec<Slot>, AppError> {
        let _changing = self.profile.lock().await;
        let account = self.account()?;
        let code = match account.client.me().await?.recovery {
            RecoveryState::Confirmed => CodeConfirmed::Yes,
            RecoveryState::Later | RecoveryState::Due => CodeConfirmed::No,
        };
        let keyring = Arc::clone(&self.keyring);
        let removed = blocking(move || account.keeper.remove_slot(kind, code, keyring.as_ref()));
        removed.await?.map_err(|error| match error.kind() {
            ErrorKind::Refused => AppError::new(ErrorCode::LastSlot, error.context()),
            _ => error.into(),
        })?;
        self.slots().await
    }

    /// For whoever holds the lock of the profile.
    pub(super) async fn set_slot(&self, protection: Protection) -> Result<(), AppError> {
        let account = self.account()?;
        let keyring = Arc::clone(&self.keyring);
        Ok(blocking(move || account.keeper.set_slot(&protection, keyring.as_ref())).await??)
    }
}
