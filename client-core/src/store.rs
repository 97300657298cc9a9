//! The account's encrypted database. Only this module and those below it hold SQL: one file per table group, functions
//! that take a connection, and inside a write transaction the [`WriteTransaction`], which notes what it changed.

pub mod account;
pub mod backup;
pub mod chains;
pub mod commits;
pub mod contacts;
pub mod conversations;
pub(crate) mod copying;
pub(crate) mod database;
pub(crate) mod exporting;
pub mod gaps;
pub(crate) mod identity;
pub mod links;
pub mod mendings;
pub mod messages;
pub mod mls;
pub mod opened;
pub mod openings;
pub mod outbox;
pub mod presence;
pub mod progress;
pub mod questions;
pub mod requests;
pub(crate) mod salvage;
pub mod search;
pub mod streams;
pub mod unopened;
pub mod wishes;

use rusqlite::Row;

pub use self::{
    database::{Damage, Database, DatabaseKey, OpenError, WriteTransaction},
    identity::Identity,
};

/// Reads an id column; another length than the id's is a damaged row.
fn id<T>(
    row: &Row<'_>,
    column: &str,
    from_slice: impl FnOnce(&[u8]) -> Option<T>,
) -> rusqlite::Result<T> {
    let index = row.as_ref().column_index(column)?;
    from_slice(row.get_ref(index)?.as_blob()?).ok_or_else(|| {
        rusqlite::Error::InvalidColumnType(index, column.to_owned(), rusqlite::types::Type::Blob)
    })
}

/// Times and counts are never negative; SQLite has signed integers only.
pub(crate) fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

/// The other way; a value that does not fit is clamped.
pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
