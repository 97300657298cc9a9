use super::{
    AcknowledgeMended, BackupNow, ExportConversation, Health, RehearseBackup, SetBackupFolder,
};
use crate::{
    dto::{self, AppError, ErrorCode},
    state::Shell,
};

pub(super) async fn acknowledge_mended(
    shell: &Shell,
    AcknowledgeMended {}: AcknowledgeMended,
) -> Result<(), AppError> {
    Ok(shell.client()?.as_ref().mendings_told().await?)
}

pub(super) async fn health(shell: &Shell, Health {}: Health) -> Result<dto::Health, AppError> {
    let troubles = shell.client()?.as_ref().troubles().await?;
    Ok(dto::Health {
        unopened: troubles.unopened,
        missing: troubles.missing,
        backup_folder: None,
        last_backup: None,
        backup_problem: None,
        last_rehearsal: None,
        last_copy: shell.last_copy().await?,
    })
}

pub(super) async fn set_backup_folder(
    shell: &Shell,
    _params: SetBackupFolder,
) -> Result<dto::Health, AppError> {
    shell.client().and_then(|_| Err(no_backups()))
}

pub(super) async fn backup_now(
    shell: &Shell,
    BackupNow {}: BackupNow,
) -> Result<dto::Health, AppError> {
    shell.client().and_then(|_| Err(no_backups()))
}

pub(super) async fn rehearse_backup(
    shell: &Shell,
    RehearseBackup {}: RehearseBackup,
) -> Result<dto::Health, AppError> {
    shell.client().and_then(|_| Err(no_backups()))
}

pub(super) async fn export_conversation(
    shell: &Shell,
    _params: ExportConversation,
) -> Result<String, AppError> {
    shell.client().and_then(|_| Err(no_backups()))
}

fn no_backups() -> AppError {
    AppError::new(ErrorCode::Folder, "this version writes no backups")
}
