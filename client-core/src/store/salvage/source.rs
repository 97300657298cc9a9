//! Reading what can be read of a damaged database.

use std::{collections::BTreeMap, path::Path};

use rusqlite::{Connection, params_from_iter, types::Value};

use crate::{
    error::Result,
    store::{
        DatabaseKey,
        database::{Salt, is_damage, unlocked},
    },
};

/// After a row that cannot be read, this many ids are tried one by one: the rows of one page, and of a few more.
const PROBES_BY_ONE: u32 = 400;
/// Then the distance doubles after this many tries, so that even a lost half of a table is passed in a second.
const PROBES_BY_STEP: u32 = 40;

/// Rows that could not be read, by their ids; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Gap {
    pub(super) const ALL: Self = Self {
        first: i64::MIN,
        last: i64::MAX,
    };
}

/// A row with its id.
pub(super) type Row = (i64, Vec<Value>);

/// A database of which some pages may be damaged. SQLCipher refuses everything after the first page that does not hold, so
/// a connection that failed is replaced.
pub(super) struct Source<'a> {
    path: &'a Path,
    key: &'a DatabaseKey,
    salt: Salt,
    connection: Option<Connection>,
}

impl<'a> Source<'a> {
    pub(super) const fn new(path: &'a Path, key: &'a DatabaseKey) -> Self {
        Self {
            path,
            key,
            salt: Salt::OfTheFile,
            connection: None,
        }
    }

    /// The tables with their columns; empty where the schema cannot be read, and then nothing can.
    pub(super) fn tables(&mut self) -> BTreeMap<String, Vec<String>> {
        for salt in [Salt::OfTheFile, Salt::OfTheKey] {
            self.salt = salt;
            self.connection = None;
            if let Ok(tables) = self.read_tables()
                && !tables.is_empty()
            {
                return tables;
            }
        }
        BTreeMap::new()
    }

    fn read_tables(&mut self) -> rusqlite::Result<BTreeMap<String, Vec<String>>> {
        let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut statement = self.connection()?.prepare(
            "SELECT t.name, c.name FROM pragma_table_list t JOIN pragma_table_info(t.name) c
             WHERE t.schema = 'main' AND t.type = 'table' AND t.wr = 0 AND t.name NOT LIKE 'sqlite_%'
             ORDER BY t.name, c.cid",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            tables.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        Ok(tables)
    }

    /// Reads the rows of a range in order and returns what could not be read of it. `take` may refuse by an error, which ends
    /// the reading.
    pub(super) fn read(
        &mut self,
        table: &str,
        columns: &[String],
        range: Gap,
        take: &mut dyn FnMut(Row) -> Result<()>,
    ) -> Result<Vec<Gap>> {
        let mut gaps = Vec::new();
        let mut from = range.first;
        loop {
            let mut seen = None;
            let scanned = self.scan(table, columns, from, range.last, &mut |row| {
                seen = Some(row.0);
                take(row)
            })?;
            if scanned {
                return Ok(gaps);
            }
            self.connection = None;
            let first = match seen {
                Some(i64::MAX) => return Ok(gaps),
                Some(seen) => seen.saturating_add(1),
                None => from,
            };
            let Some(next) = self.next_readable(table, columns, first, range.last) else {
                gaps.push(Gap {
                    first,
                    last: range.last,
                });
                return Ok(gaps);
            };
            gaps.push(Gap {
                first,
                last: next.saturating_sub(1),
            });
            from = next;
        }
    }

    /// Whether it came to the end. An error is one of `take`.
    fn scan(
        &mut self,
        table: &str,
        columns: &[String],
        first: i64,
        last: i64,
        take: &mut dyn FnMut(Row) -> Result<()>,
    ) -> Result<bool> {
        let Ok(connection) = self.connection() else {
            return Ok(false);
        };
        let Ok(mut statement) = connection.prepare(&select(table, columns, "")) else {
            return Ok(false);
        };
        let Ok(mut rows) = statement.query([first, last]) else {
            return Ok(false);
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => {
                    let Ok(row) = values(row, columns.len()) else {
                        return Ok(false);
                    };
                    take(row)?;
                }
                Ok(None) => return Ok(true),
                Err(_) => return Ok(false),
            }
        }
    }

    /// The id of the first row after a damaged place that can be read.
    fn next_readable(
        &mut self,
        table: &str,
        columns: &[String],
        damaged: i64,
        last: i64,
    ) -> Option<i64> {
        let last = last.min(self.last_id(table)?);
        // ids begin at 1; a range that begins below it is the whole table
        let mut at = damaged.max(0);
        let (mut step, mut probes) = (1_i64, 0_u32);
        loop {
            at = at.checked_add(step).filter(|at| *at <= last)?;
            match self.probe(table, columns, at, last) {
                Ok(found) => return found,
                Err(()) => self.connection = None,
            }
            probes = probes.saturating_add(1);
            if probes >= PROBES_BY_ONE && probes.is_multiple_of(PROBES_BY_STEP) {
                step = step.saturating_mul(2);
            }
        }
    }

    fn probe(
        &mut self,
        table: &str,
        columns: &[String],
        first: i64,
        last: i64,
    ) -> std::result::Result<Option<i64>, ()> {
        let connection = self.connection().map_err(drop)?;
        let mut statement = connection
            .prepare(&select(table, columns, "LIMIT 1"))
            .map_err(drop)?;
        let mut rows = statement.query([first, last]).map_err(drop)?;
        let row = rows.next().map_err(drop)?;
        row.map(|row| values(row, columns.len()).map(|(id, _)| id).map_err(drop))
            .transpose()
    }

    /// The highest id that a table has or had, as far as anything tells. `None`: it has no rows.
    pub(super) fn last_id(&mut self, table: &str) -> Option<i64> {
        let highest = self.ask(
            &format!("SELECT max(rowid) FROM \"{table}\" NOT INDEXED"),
            [],
        );
        match highest {
            Ok(highest) => highest,
            Err(()) => Some(
                self.sequence(table)
                    // more rows than any database has
                    .unwrap_or(1 << 40),
            ),
        }
    }

    /// The highest id that a table ever gave out, where it counts them.
    pub(super) fn sequence(&mut self, table: &str) -> Option<i64> {
        let sql = "SELECT max(seq) FROM sqlite_sequence WHERE name = ?1";
        self.ask(sql, [table]).ok().flatten()
    }

    fn ask<const N: usize>(
        &mut self,
        sql: &str,
        parameters: [&str; N],
    ) -> std::result::Result<Option<i64>, ()> {
        let asked = self.connection().and_then(|connection| {
            connection.query_row(sql, params_from_iter(parameters), |row| row.get(0))
        });
        asked.map_err(|error| {
            if is_damage(&error) {
                self.connection = None;
            }
        })
    }

    fn connection(&mut self) -> rusqlite::Result<&Connection> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(unlocked(self.path, self.key, self.salt)?)),
        }
    }
}

/// Names come from the schema of this program.
fn select(table: &str, columns: &[String], limit: &str) -> String {
    let columns = columns.join("\", \"");
    format!(
        "SELECT rowid, \"{columns}\" FROM \"{table}\" NOT INDEXED WHERE rowid BETWEEN ?1 AND ?2 ORDER BY rowid {limit}"
    )
}

fn values(row: &rusqlite::Row<'_>, columns: usize) -> rusqlite::Result<Row> {
    let values = (1..=columns)
        .map(|index| row.get(index))
        .collect::<rusqlite::Result<_>>()?;
    Ok((row.get(0)?, values))
}
