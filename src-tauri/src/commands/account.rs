use super::{CreateAccount, Open, Reconnect, Unlock};
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

pub(super) async fn reconnect(shell: &Shell, Reconnect {}: Reconnect) -> Result<(), AppError> {
    Ok(shell.client()?.as_ref().reconnect().await?)
}
