use tracing::error;

use super::{ReportError, SaveSettings};
use crate::{
    dto::{AppError, Settings},
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

pub(super) async fn report_error(_shell: &Shell, params: ReportError) -> Result<(), AppError> {
    // quoted by Debug, so that a report cannot look like another line of the log
    let text: String = params.text.chars().take(LONGEST_REPORT).collect();
    error!(?text, "the page reports");
    Ok(())
}
