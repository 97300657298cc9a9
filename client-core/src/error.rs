//! Errors that a caller acts on: a stable kind and a few words for the log.

use std::fmt;

use crate::store::mls::MlsStoreError;

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, as a caller tells cases apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorKind {
    /// The text is not a link, or a damaged one.
    BadLink,
    /// The relay does not accept the link: unknown, used up, revoked or expired.
    LinkExpired,
    /// The link belongs to another relay than the account.
    WrongRelay,
    /// The link was made by this account.
    OwnLink,
    /// There is no connection to the relay now.
    Offline,
    /// The relay could not be reached.
    RelayUnreachable,
    /// What answered is not the relay that the link names.
    RelayIdentity,
    /// The relay speaks no version that this app speaks.
    Version,
    /// The name is empty, too long, or holds characters that names may not.
    NameInvalid,
    /// The text is empty or too long for a message.
    TextInvalid,
    /// The passphrase does not open the profile.
    WrongPassphrase,
    /// An earlier attempt with the same link or code is protected in another way.
    OtherProtection,
    /// The passphrase is too short.
    PassphraseTooShort,
    /// The computer's keyring failed; the profile is untouched.
    Keyring,
    /// The local database failed; nothing was changed.
    Database,
    /// The local database is damaged: nothing is written any more, and the next start mends it. Of key slots: beyond mending.
    Damaged,
    /// A newer version of this program wrote it; nothing was changed.
    Newer,
    /// The disk is full; nothing was changed.
    DiskFull,
    /// There is no such conversation, message or account.
    NotFound,
    /// The relay refused.
    Refused,
    /// The other has to accept before more can be written.
    RequestLimit,
    /// The handle belongs to somebody else.
    HandleTaken,
    /// The text is no handle.
    HandleInvalid,
    /// The text is no recovery code, or not this account's.
    WrongCode,
    /// A word of the recovery code is not the one that was asked.
    WrongWord,
    /// The relay has nothing to restore for this code.
    NoRecoveryRecord,
    /// Too much at once; try again.
    Busy,
    /// Encryption failed: a fault of this program or a hostile message.
    Crypto,
    /// A fault of this program.
    Internal,
}

/// An error with its kind and the action that failed.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    context: String,
}

impl Error {
    /// A new error. `context` says what was being done; it may be logged and must hold nothing secret.
    pub fn new(kind: ErrorKind, context: impl Into<String>) -> Self {
        Self {
            kind,
            context: context.into(),
        }
    }

    /// What was being done, for the log and for a details line.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }

    /// What went wrong.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {}", self.kind, self.context)
    }
}

impl std::error::Error for Error {}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        // the text names tables and conditions, never values
        Self::new(kind_of(&error), error.to_string())
    }
}

fn kind_of(error: &rusqlite::Error) -> ErrorKind {
    use rusqlite::ErrorCode;
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => ErrorKind::DiskFull,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => ErrorKind::Damaged,
        _ if matches!(error, rusqlite::Error::QueryReturnedNoRows) => ErrorKind::NotFound,
        _ => ErrorKind::Database,
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::StorageFull => ErrorKind::DiskFull,
            _ => ErrorKind::Database,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<protocol::LinkError> for Error {
    fn from(error: protocol::LinkError) -> Self {
        Self::new(ErrorKind::BadLink, error.to_string())
    }
}

/// Declares how errors of other modules are seen by a caller that cannot mend them.
macro_rules! seen_as {
    ($($error:ty => $kind:ident,)+) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Self::new(ErrorKind::$kind, error.to_string())
            }
        })+
    };
}

seen_as! {
    crate::crypto::KeysError => Database,
    crate::crypto::SealError => Crypto,
    crate::crypto::FoundError => Crypto,
    crate::crypto::CommitError => Crypto,
    crate::seams::RandomError => Internal,
}

impl From<crate::crypto::Failure> for Error {
    fn from(failure: crate::crypto::Failure) -> Self {
        let kind = match failure {
            // a row that cannot be read is the trouble of one group, not of the database
            crate::crypto::Failure::Storage(MlsStoreError::Database(ref error)) => kind_of(error),
            _ => ErrorKind::Crypto,
        };
        Self::new(kind, failure.to_string())
    }
}
