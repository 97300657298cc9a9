use std::path::PathBuf;

use client_core::restoring::{self, Lost};
use zeroize::Zeroizing;

use super::{CreateAccount, Open, Reconnect, RestoreAccount, Unlock, UnlockWithCode};
use crate::{
    dto::{AppError, AppState},
    state::Shell,
};

pub(super) async fn open(shell: &Shell, Open {}: Open) -> Result<AppState, AppError> {
    Ok(shell.open().await)
}

pub(super) async fn create(shell: &Shell, params: CreateAccount) -> Result<AppState, AppError> {
    shell
        .create(
            super::links::parse(&params.link)?,
            params.name,
            params.protection.into(),
        )
        .await
}

pub(super) async fn unlock(shell: &Shell, params: Unlock) -> Result<AppState, AppError> {
    shell.unlock(params.passphrase.0).await
}

pub(super) async fn unlock_with_code(
    shell: &Shell,
    params: UnlockWithCode,
) -> Result<AppState, AppError> {
    shell.unlock_with_code(code(&params.code.0)?).await
}

pub(super) async fn restore(shell: &Shell, params: RestoreAccount) -> Result<AppState, AppError> {
    let lost = Lost::parse(&params.code.0, &params.relay)?;
    shell
        .restore(
            lost,
            params.folder.map(PathBuf::from),
            params.name,
            params.protection.into(),
        )
        .await
}

pub(super) async fn reconnect(shell: &Shell, Reconnect {}: Reconnect) -> Result<(), AppError> {
    Ok(shell.client()?.as_ref().reconnect().await?)
}

/// The 256 bits of a recovery code that a person typed as words, or read from its QR code.
pub(super) fn code(text: &str) -> Result<Zeroizing<[u8; 32]>, AppError> {
    Ok(Zeroizing::new(*restoring::code(text)?.as_bytes()))
}
