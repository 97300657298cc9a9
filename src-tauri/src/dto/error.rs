use client_core::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What went wrong, as the window tells cases apart. It has the words for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ErrorCode {
    BadLink,
    LinkExpired,
    WrongRelay,
    OwnLink,
    Offline,
    RelayUnreachable,
    RelayIdentity,
    Version,
    NameInvalid,
    TextInvalid,
    WrongPassphrase,
    OtherProtection,
    PassphraseTooShort,
    Keyring,
    Database,
    /// Nothing is written any more; a restart mends it.
    Damaged,
    /// A newer version of the program wrote it.
    Newer,
    DiskFull,
    NotFound,
    Refused,
    Busy,
    Internal,
    WrongCode,
    WrongWord,
    HandleTaken,
    HandleInvalid,
    NoQr,
    RequestLimit,
    LastSlot,
    Folder,
    NoRecoveryRecord,
    OtherAccount,
    NoBackup,
    BackupDamaged,
    BackupOfOther,
    NoFileManager,
}

impl From<ErrorKind> for ErrorCode {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::BadLink => Self::BadLink,
            ErrorKind::LinkExpired => Self::LinkExpired,
            ErrorKind::WrongRelay => Self::WrongRelay,
            ErrorKind::OwnLink => Self::OwnLink,
            ErrorKind::Offline => Self::Offline,
            ErrorKind::RelayUnreachable => Self::RelayUnreachable,
            ErrorKind::RelayIdentity => Self::RelayIdentity,
            ErrorKind::Version => Self::Version,
            ErrorKind::NameInvalid => Self::NameInvalid,
            ErrorKind::TextInvalid => Self::TextInvalid,
            ErrorKind::WrongPassphrase => Self::WrongPassphrase,
            ErrorKind::OtherProtection => Self::OtherProtection,
            ErrorKind::PassphraseTooShort => Self::PassphraseTooShort,
            ErrorKind::Keyring => Self::Keyring,
            ErrorKind::Database => Self::Database,
            ErrorKind::Damaged => Self::Damaged,
            ErrorKind::Newer => Self::Newer,
            ErrorKind::DiskFull => Self::DiskFull,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Refused => Self::Refused,
            ErrorKind::Busy => Self::Busy,
            ErrorKind::WrongCode => Self::WrongCode,
            ErrorKind::WrongWord => Self::WrongWord,
            ErrorKind::HandleTaken => Self::HandleTaken,
            ErrorKind::HandleInvalid => Self::HandleInvalid,
            ErrorKind::RequestLimit => Self::RequestLimit,
            ErrorKind::NoRecoveryRecord => Self::NoRecoveryRecord,
            ErrorKind::Crypto | ErrorKind::Internal => Self::Internal,
        }
    }
}

/// Every command rejects with this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AppError {
    pub(crate) code: ErrorCode,
    /// For the page of details and the log, never translated.
    pub(crate) detail: Option<String>,
}

impl AppError {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: Some(detail.into()),
        }
    }
}

impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        Self::new(error.kind().into(), error.context())
    }
}
