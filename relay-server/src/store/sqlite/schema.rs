//! Opening a database, and bringing its schema up to date.

use std::{path::Path, time::Duration};

use protocol::StoreGeneration;
use rusqlite::{Connection, OpenFlags, Result, TransactionBehavior, config::DbConfig};

use crate::{environment::Environment, files};

/// The scripts that lead from an empty database to the present schema. An applied one is never edited.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
];
/// How long a statement waits for another process, such as `invite new` beside `serve`.
pub(super) const BUSY: Duration = Duration::from_secs(10);
/// Bytes of a page, SQLite's default.
const PAGE: u64 = 4096;
/// Statements that a connection keeps compiled.
const STATEMENTS: usize = 128;

/// Opens the connection that writes; `max_bytes` 0 is no limit. The database is its owner's alone from then on.
pub(super) fn open_for_writing(path: &Path, max_bytes: u64) -> Result<Connection> {
    files::protect_database(path);
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    keep_statements(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // each COMMIT is on stable storage before it returns; on macOS that takes fullfsync
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "checkpoint_fullfsync", true)?;
    // the writer checkpoints itself, after the answers have left
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "cache_size", -32 * 1024)?;
    if max_bytes > 0 {
        connection.pragma_update(None, "max_page_count", (max_bytes / PAGE).max(1))?;
    }
    Ok(connection)
}

/// Opens a connection that reads.
pub(super) fn open_for_reading(path: &Path) -> Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY)?;
    keep_statements(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -8 * 1024)?;
    Ok(connection)
}

/// Has statements compiled once. Else SQLite compiles some of them anew for each value that is bound to them.
fn keep_statements(connection: &Connection) -> Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(drop)
}

/// Applies the migrations that the database lacks.
pub(super) fn migrate(connection: &Connection, environment: &Environment) -> Result<()> {
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let applied: usize = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    for script in MIGRATIONS.iter().skip(applied) {
        transaction.execute_batch(script)?;
    }
    transaction.execute(
        "INSERT OR IGNORE INTO meta (key, value) VALUES ('generation', ?1)",
        (environment.draw::<{ StoreGeneration::LEN }>(),),
    )?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len().max(applied))?;
    transaction.commit()
}

/// Reads the generation.
pub(super) fn generation(connection: &Connection) -> Result<StoreGeneration> {
    connection
        .query_row(
            "SELECT value FROM meta WHERE key = 'generation'",
            (),
            |row| row.get(0),
        )
        .map(StoreGeneration::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_the_release_before_is_brought_up_to_date_and_keeps_what_it_has() {
        let dir = tempfile::tempdir().unwrap();
        let connection = open_for_writing(&dir.path().join("db"), 0).unwrap();
        for script in &MIGRATIONS[..2] {
            connection.execute_batch(script).unwrap();
        }
        connection.pragma_update(None, "user_version", 2).unwrap();
        connection
            .execute_batch(
                "INSERT INTO accounts (id, account, created, manifest) VALUES (1, x'01', 5, 1), (2, x'02', 5, 1);
                 INSERT INTO devices (id, device, account, login_key, leaf_key, inbox, created) VALUES (1, x'01', 1, x'', x'', 1, 5);
                 INSERT INTO streams (id, last) VALUES (1, 1), (2, 2);
                 INSERT INTO conversations VALUES (2, x'c0', 1, 2, 0, 1, 1, x'', x'');
                 INSERT INTO members (stream, device, joined, welcome, cursor) VALUES (2, 1, 0, 0, 1);
                 INSERT INTO entries (stream, seq, sender, kind, incarnation, epoch, time, client_id, digest, bytes)
                 VALUES (2, 1, 1, 2, 0, 0, 5, x'01', x'', x''), (2, 2, 1, 1, 0, 1, 5, x'02', x'', x''), (1, 1, 1, 3, 0, 1, 5, x'01', x'', x'');",
            )
            .unwrap();
        for _ in 0..2 {
            migrate(&connection, &Environment::system()).unwrap();
        }
        let sent: u64 = connection
            .query_row("SELECT sent FROM devices", (), |row| row.get(0))
            .unwrap();
        assert_eq!(sent, 2, "a welcome is not counted");
        let standing: (Option<i64>, i64, i64) = connection
            .query_row(
                "SELECT c.requester, m.since, m.former_welcome FROM conversations c JOIN members m ON m.stream = c.stream",
                (),
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .unwrap();
        assert_eq!(standing, (None, 0, 0), "accepted, as it was");
        // the release before still writes what it knows
        connection
            .execute("INSERT INTO members (stream, device, joined, welcome, cursor) VALUES (2, 9, 2, 1, 2)", ())
            .unwrap();
    }
}
