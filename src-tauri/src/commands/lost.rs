use std::path::PathBuf;

use super::{OpenWithBackup, OpenWithoutMessages, PutAside, account};
use crate::{
    dto::{AppError, AppState},
    state::Shell,
};

pub(super) async fn open_without_messages(
    shell: &Shell,
    OpenWithoutMessages {}: OpenWithoutMessages,
) -> Result<AppState, AppError> {
    shell.open_without_messages().await
}

pub(super) async fn open_with_backup(
    shell: &Shell,
    params: OpenWithBackup,
) -> Result<AppState, AppError> {
    let code = account::code(&params.code.0)?;
    shell
        .open_with_backup(PathBuf::from(params.folder), code)
        .await
}

pub(super) async fn put_aside(shell: &Shell, PutAside {}: PutAside) -> Result<AppState, AppError> {
    shell.put_aside().await
}
