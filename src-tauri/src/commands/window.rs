use tracing::error;

use super::{Input, OpenFolder, PickFolder, ReportError, Restart, SaveSettings};
use crate::{
    dto::{AppError, ErrorCode, Settings},
    state::Shell,
};

/// An error of a page is a sentence and a few lines of where.
const LONGEST_REPORT: usize = 2_000;

pub(super) async fn save_settings(
    shell: &Shell,
    params: SaveSettings,
) -> Result<Settings, AppError> {
    shell.save_settings(params.settings).await
}

pub(super) async fn pick_folder(
    shell: &Shell,
    PickFolder {}: PickFolder,
) -> Result<Option<String>, AppError> {
    let Some(folder) = shell.pick_folder().await else {
        return Ok(None);
    };
    // the page gives it back as text
    match folder.into_os_string().into_string() {
        Ok(folder) => Ok(Some(folder)),
        Err(_) => Err(AppError::new(
            ErrorCode::Folder,
            "the name of the folder is no text",
        )),
    }
}

pub(super) async fn input(shell: &Shell, Input {}: Input) -> Result<(), AppError> {
    shell.note_input();
    Ok(())
}

pub(super) async fn open_folder(shell: &Shell, params: OpenFolder) -> Result<(), AppError> {
    shell.open_folder(params.folder).await
}

pub(super) async fn restart(shell: &Shell, Restart {}: Restart) -> Result<(), AppError> {
    shell.restart();
    Ok(())
}

pub(super) async fn report_error(_shell: &Shell, params: ReportError) -> Result<(), AppError> {
    // quoted by Debug, so that a report cannot look like another line of the log
    let text: String = params.text.chars().take(LONGEST_REPORT).collect();
    error!(?text, "the page reports");
    Ok(())
}
