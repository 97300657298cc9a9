use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How a test of the backup ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rehearsal {
    pub(crate) time: u64,
    /// Null where all was well.
    pub(crate) problem: Option<String>,
}

/// What a person asks to trust this app: counted, not claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    /// Messages that could not be opened in the last 30 days.
    pub(crate) unopened: u32,
    /// Messages that are known to be missing now.
    pub(crate) missing: u32,
    pub(crate) backup_folder: Option<String>,
    pub(crate) last_backup: Option<u64>,
    pub(crate) backup_problem: Option<String>,
    pub(crate) last_rehearsal: Option<Rehearsal>,
    /// When the newest automatic copy of the database was made.
    pub(crate) last_copy: Option<u64>,
    /// Folders with damaged files as they were found. Those from before the recovery code was confirmed may still hold it.
    pub(crate) damaged: Vec<String>,
}

/// What a backup brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BroughtBack {
    /// Messages that were not here.
    pub(crate) messages: u64,
    /// When the backup was written.
    pub(crate) time: u64,
}

/// A form of an exported conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ExportFormat {
    Html,
    Json,
    Markdown,
}
