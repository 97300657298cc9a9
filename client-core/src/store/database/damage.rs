//! Telling a damaged database from a wrong key, from a newer version, and from one that is in order.

use std::{fmt, path::Path};

use rusqlite::{Connection, ErrorCode};

use crate::{
    error::{Error, ErrorKind},
    store::{
        DatabaseKey,
        database::{page_size, unlocked},
    },
};

/// What is wrong with a damaged database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// In words for the page of details.
    pub what: String,
    /// The file is not there at all.
    pub missing: bool,
    /// The last transactions, in the write-ahead log, are gone, or nothing tells that they are not.
    pub log_lost: bool,
}

/// Why a database does not open.
#[derive(Debug)]
pub enum OpenError {
    /// No page of the file is of this key.
    WrongKey,
    /// A newer version of this program made it.
    Newer,
    /// The key fits, and it is no database of ours.
    Foreign,
    /// It is ours, and some of it is gone.
    Damaged(Damage),
    /// Something else: no access, a full disk.
    Failed(Error),
}

impl OpenError {
    pub(crate) fn damaged(what: impl Into<String>) -> Self {
        Self::Damaged(Damage {
            what: what.into(),
            missing: false,
            log_lost: false,
        })
    }

    fn missing() -> Self {
        Self::Damaged(Damage {
            what: "the file is missing".to_owned(),
            missing: true,
            log_lost: false,
        })
    }

    /// What is known of the log beside a damage.
    pub(super) fn beside(self, log_is_whole: bool) -> Self {
        match self {
            Self::Damaged(damage) => Self::Damaged(Damage {
                log_lost: damage.log_lost || !log_is_whole,
                ..damage
            }),
            other => other,
        }
    }

    pub(super) fn log_lost(what: impl Into<String>) -> Self {
        Self::Damaged(Damage {
            what: what.into(),
            missing: false,
            log_lost: true,
        })
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongKey => formatter.write_str("the database has another key"),
            Self::Newer => formatter.write_str("made by a newer version of Relevo"),
            Self::Foreign => formatter.write_str("not a database of Relevo"),
            Self::Damaged(damage) => {
                write!(formatter, "the database is damaged: {}", damage.what)
            }
            Self::Failed(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Failed(error) => error,
            other => Self::new(ErrorKind::Database, other.to_string()),
        }
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        if is_damage(&error) {
            Self::damaged(error.to_string())
        } else {
            Self::Failed(error.into())
        }
    }
}

/// Whether SQLite found pages that are not as they were written. A page that SQLCipher cannot authenticate appears as
/// `SQLITE_NOTADB` at first and as a general error, `SQLITE_ERROR`, to whoever reads on.
pub(crate) fn is_damage(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => true,
        Some(ErrorCode::Unknown) => error
            .sqlite_error()
            .is_some_and(|failure| failure.extended_code == 1),
        // a value of another type than its column's, or a row that is shorter than it was
        Some(_) => false,
        None => matches!(
            error,
            rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::Utf8Error(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
        ),
    }
}

/// Looks at a file that does not open: is it the key?
pub(super) fn diagnose(path: &Path, key: &DatabaseKey) -> OpenError {
    let pages = match std::fs::metadata(path) {
        Ok(metadata) => metadata.len() / page_size(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return OpenError::missing();
        }
        Err(error) => return OpenError::Failed(error.into()),
    };
    if pages == 0 {
        return OpenError::damaged("the file is empty");
    }
    // the salt lies in the file's first bytes; where they are damaged, it is known all the same
    for salt in [Salt::OfTheFile, Salt::OfTheKey] {
        match faulty_pages(path, key, salt) {
            Ok(faulty) if faulty < pages => {
                return OpenError::damaged(format!("{faulty} of {pages} pages"));
            }
            Ok(_) => {}
            Err(error) => return OpenError::Failed(error.into()),
        }
    }
    OpenError::WrongKey
}

/// Which salt SQLCipher derives the key of its authentication codes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Salt {
    /// That which the file begins with.
    OfTheFile,
    /// That with which databases are made, see [`DatabaseKey::salt`].
    OfTheKey,
}

fn faulty_pages(path: &Path, key: &DatabaseKey, salt: Salt) -> rusqlite::Result<u64> {
    let connection = unlocked(path, key, salt)?;
    let mut faulty = 0_u64;
    let mut statement = connection.prepare("PRAGMA cipher_integrity_check")?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {
        faulty = faulty.saturating_add(1);
    }
    Ok(faulty)
}

/// How thoroughly to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    /// The structure of every table: reads, decrypts and authenticates the pages in use.
    Structure,
    /// And every page of the file, in use or not.
    Everything,
}

/// Checks an opened database.
///
/// # Errors
/// [`OpenError::Damaged`] with the first thing found.
pub(crate) fn check(connection: &Connection, check: Check) -> Result<(), OpenError> {
    if check == Check::Everything {
        let mut statement = connection.prepare("PRAGMA cipher_integrity_check")?;
        if let Some(row) = statement.query([])?.next()? {
            return Err(OpenError::damaged(row.get::<_, String>(0)?));
        }
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        Ok(())
    } else {
        Err(OpenError::damaged(found))
    }
}
