use minicbor::{Decode, Encode, bytes::ByteVec};
use rusqlite::{
    Connection, OptionalExtension as _, Row, ToSql, params_from_iter,
    types::{ToSqlOutput, Value, ValueRef},
};
use sha2::{Digest as _, Sha256};

use crate::{
    error::{Error, ErrorKind, Result},
    store::{WriteTransaction, salvage, unsigned},
};

/// Written whole by each run, parents first.
pub(crate) const SMALL_TABLES: &[&str] = &["contacts", "conversations", "declined"];
/// Written by rows that are new or changed.
pub(crate) const MESSAGES: &str = "messages";
/// Never in a backup: they belong to this device, are made from messages, or say how this database was kept.
#[cfg(test)]
const LEFT_OUT: &[&str] = &[
    "account",
    "backup",
    "backup_changes",
    "chains",
    "ended_links",
    "former_chains",
    "gaps",
    "link_uses",
    "links",
    "mendings",
    "mls_state",
    "opened",
    "openings",
    "outbox",
    "own_manifests",
    "own_presence",
    "progress",
    "questions",
    "rejoins",
    "renewals",
    "search_index",
    "search_queue",
    "sent_numbers",
    "streams",
    "unopened",
];

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub(crate) enum Cell {
    #[n(0)]
    Null,
    #[n(1)]
    Integer(#[n(0)] i64),
    #[n(2)]
    Text(#[n(0)] String),
    #[n(3)]
    Blob(#[n(0)] ByteVec),
}

impl Cell {
    fn of(value: ValueRef<'_>) -> rusqlite::Result<Self> {
        Ok(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Integer(number),
            ValueRef::Text(text) => Self::Text(String::from_utf8_lossy(text).into_owned()),
            ValueRef::Blob(bytes) => Self::Blob(bytes.to_vec().into()),
            ValueRef::Real(_) => return Err(rusqlite::Error::InvalidQuery),
        })
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => ToSqlOutput::Owned(Value::Null),
            Self::Integer(number) => ToSqlOutput::Owned(Value::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Blob(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

/// The columns of a table, as this version has them.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn columns(connection: &Connection, table: &str) -> Result<Vec<String>> {
    let mut statement =
        connection.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid")?;
    let names = statement.query_map([table], |row| row.get(0))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

/// All rows of a small table.
///
/// # Errors
/// What `take` says; [`ErrorKind::Database`].
pub(crate) fn small_rows(
    connection: &Connection,
    table: &str,
    columns: &[String],
    take: &mut dyn FnMut(i64, Vec<Cell>) -> Result<()>,
) -> Result<()> {
    each(
        connection,
        &select(table, columns, "true"),
        [],
        columns.len(),
        take,
    )
}

/// The messages after one row up to another.
///
/// # Errors
/// What `take` says; [`ErrorKind::Database`].
pub(crate) fn messages(
    connection: &Connection,
    columns: &[String],
    (after, up_to): (i64, i64),
    take: &mut dyn FnMut(i64, Vec<Cell>) -> Result<()>,
) -> Result<()> {
    let sql = select(MESSAGES, columns, "rowid > ?1 AND rowid <= ?2");
    each(connection, &sql, [after, up_to], columns.len(), take)
}

/// One message; `None` if it is gone.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn message(
    connection: &Connection,
    columns: &[String],
    row: i64,
) -> Result<Option<Vec<Cell>>> {
    by_row(connection, MESSAGES, columns, row)
}

/// One row; `None` if it is gone.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(super) fn by_row(
    connection: &Connection,
    table: &str,
    columns: &[String],
    row: i64,
) -> Result<Option<Vec<Cell>>> {
    let cells = connection
        .prepare_cached(&select(table, columns, "rowid = ?1"))?
        .query_row([row], |row| cells(row, columns.len()))
        .optional()?;
    Ok(cells)
}

/// How many messages there are up to a row, and a hash over all of them.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn digest(
    connection: &Connection,
    columns: &[String],
    up_to: i64,
) -> Result<(u64, [u8; 32])> {
    let (mut count, mut hash) = (0_u64, Sha256::new());
    messages(connection, columns, (i64::MIN, up_to), &mut |row, cells| {
        count = count.saturating_add(1);
        hash.update(protocol::cbor::encode(&(row, cells)));
        Ok(())
    })?;
    Ok((count, hash.finalize().into()))
}

/// Whether nothing was ever received or written here, so that rows may keep their ids.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn is_fresh(connection: &Connection) -> Result<bool> {
    let used: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM conversations) OR EXISTS (SELECT 1 FROM contacts) OR EXISTS (SELECT 1 FROM messages)",
        [],
        |row| row.get(0),
    )?;
    Ok(!used)
}

/// Puts a row in its place. The columns were compared with those of this version.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn insert(
    write: &WriteTransaction<'_>,
    table: &str,
    columns: &[String],
    row: i64,
    cells: &[Cell],
) -> Result<()> {
    put(write, "REPLACE", table, columns, row, cells)
}

/// Puts a row in its place unless something of it is there: its number, its id, its position.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn insert_if_new(
    write: &WriteTransaction<'_>,
    table: &str,
    columns: &[String],
    row: i64,
    cells: &[Cell],
) -> Result<()> {
    put(write, "IGNORE", table, columns, row, cells)
}

/// A message that was removed after it was backed up.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn remove_message(write: &WriteTransaction<'_>, row: i64) -> Result<()> {
    write
        .connection()
        .prepare_cached("DELETE FROM messages WHERE rowid = ?1")?
        .execute([row])?;
    Ok(())
}

/// Rows may come before those that they point to, until the transaction ends.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn defer_references(write: &WriteTransaction<'_>) -> Result<()> {
    Ok(write
        .connection()
        .pragma_update(None, "defer_foreign_keys", true)?)
}

/// Makes what follows from the rows, and notes that MLS state is missing.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn finish_restore(write: &WriteTransaction<'_>, run: &[u8; 16]) -> Result<()> {
    finish_filling(write, run)?;
    write.execute("UPDATE account SET mls_lost = 1", [])?;
    Ok(())
}

/// Makes what follows from the rows, and notes that the database has what the backup had.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn finish_filling(write: &WriteTransaction<'_>, run: &[u8; 16]) -> Result<()> {
    let connection = write.connection();
    salvage::mend_references(connection)?;
    salvage::rebuild(connection)?;
    connection.execute("UPDATE backup SET filled = 1, run = ?1", [run])?;
    Ok(())
}

/// Notes that the database has what this run wrote into the folder under the key.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn note_filled(
    write: &WriteTransaction<'_>,
    folder: &str,
    key: &[u8; 32],
    run: &[u8; 16],
) -> Result<()> {
    write.execute(
        "UPDATE backup SET filled = 1, run = ?3 WHERE folder = ?1 AND key = ?2",
        (folder, key, run),
    )?;
    Ok(())
}

/// Removes rows that point nowhere.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn drop_dangling(write: &WriteTransaction<'_>) -> Result<()> {
    salvage::mend_references(write.connection()).map(drop)
}

/// How many contacts, conversations and messages there are.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn count(connection: &Connection) -> Result<[u64; 3]> {
    let counts = connection.query_row(
        "SELECT (SELECT count(*) FROM contacts), (SELECT count(*) FROM conversations), (SELECT count(*) FROM messages)",
        [],
        |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?]),
    )?;
    Ok(counts.map(unsigned))
}

fn put(
    write: &WriteTransaction<'_>,
    on_conflict: &str,
    table: &str,
    columns: &[String],
    row: i64,
    cells: &[Cell],
) -> Result<()> {
    if cells.len() != columns.len() {
        return Err(Error::new(
            ErrorKind::Database,
            "a row has more or fewer values than columns",
        ));
    }
    let names = columns.join("\", \"");
    let places = vec!["?"; columns.len().saturating_add(1)].join(", ");
    let sql =
        format!("INSERT OR {on_conflict} INTO \"{table}\" (rowid, \"{names}\") VALUES ({places})");
    let row = Cell::Integer(row);
    write
        .connection()
        .prepare_cached(&sql)?
        .execute(params_from_iter(std::iter::once(&row).chain(cells)))?;
    Ok(())
}

/// Names come from the schema of this program.
fn select(table: &str, columns: &[String], which: &str) -> String {
    let columns = columns.join("\", \"");
    format!("SELECT rowid, \"{columns}\" FROM \"{table}\" WHERE {which} ORDER BY rowid")
}

fn each<const N: usize>(
    connection: &Connection,
    sql: &str,
    parameters: [i64; N],
    columns: usize,
    take: &mut dyn FnMut(i64, Vec<Cell>) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(params_from_iter(parameters))?;
    while let Some(row) = rows.next()? {
        take(row.get(0)?, cells(row, columns)?)?;
    }
    Ok(())
}

fn cells(row: &Row<'_>, columns: usize) -> rusqlite::Result<Vec<Cell>> {
    (1..=columns)
        .map(|index| Cell::of(row.get_ref(index)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Database, DatabaseKey};

    #[test]
    fn every_table_is_in_the_backup_or_left_out_on_purpose() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        let database = Database::create(&path, &DatabaseKey::new([1; 32])).unwrap();
        let mut statement = database
            .connection()
            .prepare("SELECT name, wr FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual') AND name NOT LIKE 'sqlite_%'")
            .unwrap();
        let tables = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        for table in tables.unwrap() {
            let (table, without_rowid): (String, bool) = table.unwrap();
            let table = table.as_str();
            let decided = [SMALL_TABLES, &[MESSAGES], LEFT_OUT]
                .concat()
                .contains(&table);
            assert!(decided, "does `{table}` belong into the backup?");
            assert!(
                !without_rowid || LEFT_OUT.contains(&table),
                "a backup goes by the ids of rows: `{table}`"
            );
        }
    }
}
