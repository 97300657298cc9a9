//! Tables `group_snapshots` and `group_commits`: from these the public state of a group is built again.

use protocol::ConversationId;
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use crate::store::{GroupRow, NewCommit, StreamRow};

/// Keeps the commit, or the snapshot that stands for it and all before.
pub(super) fn advance(
    connection: &Connection,
    stream: StreamRow,
    commit: &NewCommit,
) -> SqlResult<()> {
    let Some(snapshot) = &commit.snapshot else {
        return connection
            .prepare_cached("INSERT INTO group_commits (stream, epoch, bytes) VALUES (?1, ?2, ?3)")?
            .execute((stream.0, commit.epoch, &commit.bytes[..]))
            .map(drop);
    };
    connection
        .prepare_cached("DELETE FROM group_commits WHERE stream = ?1")?
        .execute((stream.0,))?;
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO group_snapshots (stream, epoch, state) VALUES (?1, ?2, ?3)",
        )?
        .execute((stream.0, commit.epoch + 1, snapshot))?;
    crate::KillPoint::GroupSnapshot.reach();
    Ok(())
}

/// Forgets the group of an incarnation that is over.
pub(super) fn forget(connection: &Connection, stream: StreamRow) -> SqlResult<()> {
    for sql in [
        "DELETE FROM group_commits WHERE stream = ?1",
        "DELETE FROM group_snapshots WHERE stream = ?1",
    ] {
        connection.prepare_cached(sql)?.execute((stream.0,))?;
    }
    Ok(())
}

pub(super) fn load(
    connection: &Connection,
    conversation: ConversationId,
) -> SqlResult<Option<GroupRow>> {
    // one snapshot of the database for both queries
    let transaction = connection.unchecked_transaction()?;
    let group = transaction
        .prepare_cached(
            "SELECT c.stream, c.incarnation, c.epoch, c.commit_seq, c.group_info, g.state
             FROM conversations c JOIN group_snapshots g ON g.stream = c.stream WHERE c.conversation = ?1",
        )?
        .query_row((conversation.as_bytes(),), |row| {
            let group = GroupRow {
                incarnation: row.get(1)?,
                epoch: row.get(2)?,
                commit_seq: row.get(3)?,
                group_info: row.get(4)?,
                snapshot: row.get(5)?,
                commits: Vec::new(),
            };
            Ok((row.get::<_, i64>(0)?, group))
        })
        .optional()?;
    let Some((stream, mut group)) = group else {
        return Ok(None);
    };
    group.commits = transaction
        .prepare_cached("SELECT bytes FROM group_commits WHERE stream = ?1 ORDER BY epoch")?
        .query_map((stream,), |row| row.get(0))?
        .collect::<SqlResult<_>>()?;
    Ok(Some(group))
}
