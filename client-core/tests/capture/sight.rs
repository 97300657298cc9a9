//! What the relay does see: the kinds and sizes of what it was sent, and what its database holds.

use std::{collections::BTreeMap, fmt, path::Path};

use rusqlite::{Connection, types::ValueRef};

use crate::recording::Sent;

/// Everything, counted.
pub(crate) struct Sight {
    frames: BTreeMap<&'static str, Extent>,
    columns: BTreeMap<String, Extent>,
}

/// How many, and from how many to how many bytes each.
#[derive(Clone, Copy)]
struct Extent {
    count: usize,
    least: usize,
    most: usize,
    kind: &'static str,
}

impl Extent {
    fn of(size: usize, kind: &'static str) -> Self {
        Self {
            count: 1,
            least: size,
            most: size,
            kind,
        }
    }

    fn join(&mut self, other: Self) {
        self.count += other.count;
        self.least = self.least.min(other.least);
        self.most = self.most.max(other.most);
    }
}

impl Sight {
    pub(crate) fn of(frames: &[Sent], folder: &Path) -> Self {
        let mut sight = Self {
            frames: BTreeMap::new(),
            columns: BTreeMap::new(),
        };
        for frame in frames {
            let extent = Extent::of(frame.bytes.len(), "frame");
            sight
                .frames
                .entry(frame.name)
                .and_modify(|known| known.join(extent))
                .or_insert(extent);
        }
        let database = Connection::open(folder.join("relay.db")).unwrap();
        let mut tables = database
            .prepare(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
            )
            .unwrap();
        let tables: Vec<String> = tables
            .query_map((), |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        for table in tables {
            sight.look_into(&database, &table);
        }
        sight
    }

    fn look_into(&mut self, database: &Connection, table: &str) {
        let mut statement = database.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let names: Vec<String> = statement
            .column_names()
            .map(|name| format!("{table}.{name}"))
            .collect();
        for name in &names {
            let nothing = Extent {
                count: 0,
                ..Extent::of(0, "")
            };
            self.columns.insert(name.clone(), nothing);
        }
        let mut rows = statement.query(()).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for (index, name) in names.iter().enumerate() {
                let extent = match row.get_ref(index).unwrap() {
                    ValueRef::Null => continue,
                    ValueRef::Integer(_) | ValueRef::Real(_) => Extent::of(8, "number"),
                    ValueRef::Text(text) => Extent::of(text.len(), "text"),
                    ValueRef::Blob(blob) => Extent::of(blob.len(), "bytes"),
                };
                self.columns
                    .entry(name.clone())
                    .and_modify(|known| {
                        if known.count == 0 {
                            *known = extent;
                        } else {
                            known.join(extent);
                        }
                    })
                    .or_insert(extent);
            }
        }
    }

    /// Whatever the relay gets or keeps is named in the document for those who want to know.
    pub(crate) fn assert_explained_by(
        &self,
        kinds: impl Iterator<Item = &'static str>,
        document: &str,
    ) {
        let frames = kinds.map(str::to_owned);
        for name in frames.chain(self.columns.keys().cloned()) {
            assert!(
                document.contains(&format!("`{name}`")),
                "docs/what-the-relay-sees.md does not say what `{name}` is"
            );
        }
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<32} {:>6} {:>7} {:>7}",
            "frame", "count", "least", "most"
        )?;
        for (name, extent) in &self.frames {
            let Extent {
                count, least, most, ..
            } = extent;
            writeln!(formatter, "{name:<32} {count:>6} {least:>7} {most:>7}")?;
        }
        writeln!(
            formatter,
            "\n{:<32} {:>6} {:>7} {:>7}  kind",
            "column", "values", "least", "most"
        )?;
        for (name, extent) in &self.columns {
            let Extent {
                count,
                least,
                most,
                kind,
            } = extent;
            writeln!(
                formatter,
                "{name:<32} {count:>6} {least:>7} {most:>7}  {kind}"
            )?;
        }
        Ok(())
    }
}
