use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::ErrorCode;

/// How a test of the backup ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rehearsal {
    pub(crate) time: u64,
    /// Null where all was well.
    pub(crate) problem: Option<ErrorCode>,
}

/// What a person asks to trust this app: counted, not claimed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    /// Messages that could not be opened when they came, in the last 30 days, whether they came again since or not.
    pub(crate) unopened: u32,
    /// Messages that are known to be missing now.
    pub(crate) missing: u32,
    pub(crate) backup_folder: Option<String>,
    pub(crate) last_backup: Option<u64>,
    /// Why the last run failed.
    pub(crate) backup_problem: Option<ErrorCode>,
    pub(crate) last_rehearsal: Option<Rehearsal>,
    /// Folders with former backups that a run set aside in the backup's folder, oldest first.
    pub(crate) set_aside: Vec<String>,
    /// When the newest automatic copy of the database was made.
    pub(crate) last_copy: Option<u64>,
    /// Folders with damaged files as they were found. Those from before the recovery code was confirmed may still hold it.
    pub(crate) damaged: Vec<String>,
}

/// What is wrong with the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum BackupTroubleKind {
    NotWritten,
    NotRestorable,
}

/// Backups that do not do what they are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BackupTrouble {
    pub(crate) kind: BackupTroubleKind,
    /// The last that ended well, or when the first failed; or when the test restore failed.
    pub(crate) since: u64,
    pub(crate) problem: ErrorCode,
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

/// A folder that the program can open in the system's file manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OwnFolder {
    /// Where the backup is.
    Backup,
    /// Where the last export was written.
    Export,
    /// Where files are that were found damaged.
    Quarantine,
}

/// A form of an exported conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ExportFormat {
    Html,
    Json,
    Markdown,
}

/// The language of an exported file: that of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ExportLanguage {
    En,
    Es,
}
