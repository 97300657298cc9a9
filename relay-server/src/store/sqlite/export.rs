//! All that the database holds of one account, for the person whose it is: of what others sealed or signed, sizes and times only.
//! Ids, keys and hashes are hexadecimal digits; times are milliseconds since 1970-01-01 UTC.

use std::path::Path;

use anyhow::Context as _;
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use protocol::AccountId;
use rusqlite::{
    Connection, OptionalExtension as _, Params, Result as SqlResult, Row, types::ValueRef,
};
use serde_json::{Map, Value};

use super::schema;

/// One list of the export: its name, and the query by the account's row number.
struct List {
    name: &'static str,
    sql: &'static str,
}

/// Everything, list by list. A column is named as it stands in the export; bytes become hexadecimal digits.
const LISTS: &[List] = &[
    List {
        name: "manifests",
        sql: "SELECT number, length(bytes) AS size, bytes FROM manifests WHERE account = ?1 ORDER BY number",
    },
    List {
        name: "devices",
        sql: "SELECT d.device, d.login_key, d.leaf_key, d.created, nullif(d.revoked, 0) AS revoked, d.sent,
                  d.inbox_cursor, s.last AS inbox_last, s.base AS inbox_base, nullif(s.time, 0) AS inbox_time
              FROM devices d JOIN streams s ON s.id = d.inbox WHERE d.account = ?1 ORDER BY d.id",
    },
    List {
        name: "key_packages",
        sql: "SELECT d.device, k.last_resort, k.expires, length(k.bytes) AS size
              FROM key_packages k JOIN devices d ON d.id = k.device WHERE d.account = ?1 ORDER BY k.id",
    },
    List {
        name: "conversations",
        sql: "SELECT c.conversation, p.account AS peer, q.account AS requester, c.incarnation, c.epoch, s.last, s.base,
                  nullif(s.time, 0) AS time, length(c.group_info) AS group_info_size,
                  (SELECT length(g.state) FROM group_snapshots g WHERE g.stream = s.id) AS group_size
              FROM conversations c JOIN streams s ON s.id = c.stream
              JOIN accounts p ON p.id = CASE c.low WHEN ?1 THEN c.high ELSE c.low END
              LEFT JOIN accounts q ON q.id = c.requester WHERE ?1 IN (c.low, c.high) ORDER BY c.stream",
    },
    List {
        name: "ended_conversations",
        sql: "SELECT x.conversation, q.account AS requester, a.account AS declined_by, x.time
              FROM ended_conversations x JOIN accounts q ON q.id = x.requester JOIN accounts a ON a.id = x.account
              WHERE ?1 IN (x.requester, x.account) ORDER BY x.stream",
    },
    List {
        name: "memberships",
        sql: "SELECT d.device, c.conversation, m.joined, m.left, m.cursor
              FROM members m JOIN devices d ON d.id = m.device JOIN conversations c ON c.stream = m.stream
              WHERE d.account = ?1 ORDER BY m.stream, m.device",
    },
    List {
        name: "sent",
        sql: "SELECT d.device, coalesce(c.conversation, x.conversation) AS conversation, e.seq, e.kind, e.incarnation, e.epoch,
                  e.time, e.client_id, length(e.bytes) AS size
              FROM devices d JOIN entries e ON e.sender = d.id LEFT JOIN conversations c ON c.stream = e.stream
              LEFT JOIN ended_conversations x ON x.stream = e.stream WHERE d.account = ?1 ORDER BY e.id",
    },
    List {
        name: "inbox",
        sql: "SELECT d.device, e.seq, e.kind, e.time, length(e.bytes) AS size
              FROM devices d JOIN entries e ON e.stream = d.inbox WHERE d.account = ?1 ORDER BY e.id",
    },
    List {
        name: "blocks",
        sql: "SELECT blocked AS account FROM blocks WHERE account = ?1 ORDER BY blocked",
    },
    List {
        name: "links",
        sql: "SELECT token AS token_hash, invite, uses, expires FROM links WHERE issuer = ?1 ORDER BY expires, token",
    },
    List {
        name: "invited",
        sql: "SELECT account, created FROM accounts WHERE invited_by = ?1 ORDER BY id",
    },
    List {
        name: "claims",
        sql: "SELECT d.device, k.account, k.time, k.client_id, length(k.reply) AS size
              FROM claims k JOIN devices d ON d.id = k.device WHERE d.account = ?1 ORDER BY k.id",
    },
    List {
        name: "records",
        sql: "SELECT record AS record_hash, length(bytes) AS size, bytes FROM records WHERE account = ?1",
    },
];

/// All of an account, by its id in hexadecimal digits or by its handle; `None` where there is none. Another process may be
/// serving the database.
pub(super) fn account(path: &Path, name: &str) -> anyhow::Result<Option<Value>> {
    let connection = schema::open_for_reading(path).context("open the database")?;
    // one moment of the database for all of it
    let connection = connection
        .unchecked_transaction()
        .context("begin to read")?;
    let id = HEXLOWER_PERMISSIVE
        .decode(name.as_bytes())
        .ok()
        .filter(|id| id.len() == AccountId::LEN)
        .unwrap_or_default();
    let row: Option<i64> = connection
        .query_row(
            "SELECT id FROM accounts WHERE account = ?1 OR handle = ?2",
            (id, name),
            |row| row.get(0),
        )
        .optional()
        .context("look for the account")?;
    row.map(|row| read(&connection, row).context("read the account"))
        .transpose()
}

fn read(connection: &Connection, account: i64) -> SqlResult<Value> {
    let own = rows(
        connection,
        "SELECT a.account, a.handle, a.created, nullif(a.last_seen, 0) AS last_seen, i.account AS invited_by
         FROM accounts a LEFT JOIN accounts i ON i.id = a.invited_by WHERE a.id = ?1",
        (account,),
    )?;
    let mut export = match own.into_iter().next() {
        Some(Value::Object(own)) => own,
        _ => Map::new(),
    };
    for List { name, sql } in LISTS {
        export.insert(
            (*name).to_owned(),
            rows(connection, sql, (account,))?.into(),
        );
    }
    Ok(export.into())
}

fn rows(connection: &Connection, sql: &str, params: impl Params) -> SqlResult<Vec<Value>> {
    let mut statement = connection.prepare(sql)?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    statement
        .query_map(params, |row| object(row, &names))?
        .collect()
}

fn object(row: &Row<'_>, names: &[String]) -> SqlResult<Value> {
    let mut object = Map::new();
    for (column, name) in names.iter().enumerate() {
        let value = match row.get_ref(column)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => number.into(),
            ValueRef::Real(number) => number.into(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
            ValueRef::Blob(bytes) => HEXLOWER.encode(bytes).into(),
        };
        object.insert(name.clone(), value);
    }
    Ok(object.into())
}
