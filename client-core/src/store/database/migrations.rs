//! Bringing a database up to this version. Migrations only add.

use rusqlite::{Connection, TransactionBehavior};

use crate::{
    error::Result,
    store::{database::damage::OpenError, mls},
};

/// Raises with each migration; kept in `PRAGMA user_version`.
const MIGRATIONS: &[&str] = &[
    include_str!("../schema.sql"),
    include_str!("../schema-2.sql"),
    include_str!("../schema-3.sql"),
    include_str!("../schema-5.sql"),
    include_str!("../schema-6.sql"),
    include_str!("../schema-7.sql"),
    include_str!("../schema-8.sql"),
    include_str!("../schema-9.sql"),
    include_str!("../schema-10.sql"),
    include_str!("../schema-11.sql"),
    include_str!("../schema-12.sql"),
    include_str!("../schema-13.sql"),
    include_str!("../schema-14.sql"),
    include_str!("../schema-15.sql"),
];

/// Marks the file as ours ("Rlvo"), so that a foreign database is never migrated.
const APPLICATION_ID: i32 = 0x526c_766f;

/// How many migrations this version knows.
pub(super) const fn newest() -> usize {
    MIGRATIONS.len()
}

/// The version of an existing database of ours.
///
/// # Errors
/// [`OpenError::Newer`], [`OpenError::Foreign`]; [`OpenError::Damaged`] where there is nothing in it: SQLite takes an empty
/// file for an empty database, and a person's history must not end that way.
pub(super) fn version(connection: &Connection) -> std::result::Result<usize, OpenError> {
    let version: u32 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let application: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    match (version, application) {
        (0, 0) => Err(OpenError::damaged("the file is empty")),
        (0, _) => Err(OpenError::Foreign),
        (_, APPLICATION_ID) if version > MIGRATIONS.len() => Err(OpenError::Newer),
        (_, APPLICATION_ID) => Ok(version),
        _ => Err(OpenError::Foreign),
    }
}

/// Applies what comes after `version`, each in a transaction of its own.
///
/// # Errors
/// [`crate::ErrorKind::Database`], [`crate::ErrorKind::DiskFull`]; the database stays at the last version that was reached.
pub(super) fn migrate(connection: &mut Connection, version: usize) -> Result<()> {
    for (number, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(migration)?;
        if number == 0 {
            transaction.execute_batch(mls::SCHEMA)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        transaction.pragma_update(
            None,
            "user_version",
            u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1),
        )?;
        crate::KillPoint::MigrationBeforeCommit.reach();
        transaction.commit()?;
        crate::KillPoint::MigrationAfterCommit.reach();
    }
    Ok(())
}
