//! What the writer remembers of conversations, so that an append reads nothing: table `conversations` beside `streams`.

use protocol::{AccountId, ConversationId, Digest};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use super::{blocks, writer::Tx};
use crate::store::{AccountRow, DeviceRow, HeadRow, Identity, Regard, SeenHead, StreamRow};

/// What the writer remembers of a conversation, so that an append reads nothing.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) stream: StreamRow,
    pub(super) row: HeadRow,
    pub(super) last: u64,
    /// How many entries the stream holds.
    pub(super) held: u64,
    pub(super) asked: Option<Asked>,
    members: Vec<DeviceRow>,
}

/// A conversation that is not accepted yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) by: AccountRow,
    /// How many entries it may still append.
    pub(super) room: u64,
    /// How many commits it may still make, and incarnations begin.
    pub(super) commits: u64,
}

impl Head {
    /// Whether the device is a member, and in force.
    pub(super) fn is_member(&self, device: DeviceRow) -> bool {
        self.members.contains(&device)
    }

    /// Whether the account is one of the two.
    pub(super) fn is_of(&self, account: AccountId) -> bool {
        self.row.low == account || self.row.high == account
    }
}

/// The head of a conversation as of this transaction.
pub(super) fn head<'a>(
    tx: &'a mut Tx<'_>,
    conversation: ConversationId,
) -> SqlResult<Option<&'a Head>> {
    if !tx.heads.contains_key(&conversation) {
        let Some(mut head) = read_head(tx.connection, conversation)? else {
            return Ok(None);
        };
        // appends of this transaction are not yet in `streams`
        let last = tx.touched.get(&head.stream).copied().unwrap_or(head.last);
        head.held = head.held.saturating_add(last.saturating_sub(head.last));
        head.last = last;
        tx.heads.insert(conversation, head);
    }
    Ok(tx.heads.get(&conversation))
}

/// Notes that entries up to `last` were stored; `streams` is written once, before COMMIT.
pub(super) fn advance(tx: &mut Tx<'_>, conversation: ConversationId, last: u64) {
    if let Some(head) = tx.heads.get_mut(&conversation) {
        head.held = head.held.saturating_add(last.saturating_sub(head.last));
        head.last = last;
        tx.touched.insert(head.stream, last);
    }
}

fn read_head(connection: &Connection, conversation: ConversationId) -> SqlResult<Option<Head>> {
    let head = connection
        .prepare_cached(
            "SELECT low.account, high.account, c.incarnation, c.epoch, c.commit_seq, c.commit_digest, s.id, s.last, s.base,
                    c.requester, c.allowance, c.commits,
                    coalesce((SELECT sum(g.ends - max(g.begins, s.base)) FROM gaps g WHERE g.stream = s.id AND g.ends > s.base), 0)
             FROM conversations c JOIN streams s ON s.id = c.stream
             JOIN accounts low ON low.id = c.low JOIN accounts high ON high.id = c.high WHERE c.conversation = ?1",
        )?
        .query_row((conversation.as_bytes(),), |row| {
            Ok(Head {
                row: HeadRow {
                    low: AccountId::new(row.get(0)?),
                    high: AccountId::new(row.get(1)?),
                    incarnation: row.get(2)?,
                    epoch: row.get(3)?,
                    commit_seq: row.get(4)?,
                    commit_digest: Digest::new(row.get(5)?),
                },
                stream: StreamRow(row.get(6)?),
                last: row.get(7)?,
                held: row
                    .get::<_, u64>(7)?
                    .saturating_sub(row.get(8)?)
                    .saturating_sub(row.get(12)?),
                asked: match row.get::<_, Option<i64>>(9)? {
                    Some(by) => Some(Asked {
                        by: AccountRow(by),
                        room: row.get(10)?,
                        commits: row.get(11)?,
                    }),
                    None => None,
                },
                members: Vec::new(),
            })
        })
        .optional()?;
    let Some(mut head) = head else {
        return Ok(None);
    };
    let mut statement = connection.prepare_cached(
        "SELECT m.device FROM members m JOIN devices d ON d.id = m.device
             WHERE m.stream = ?1 AND m.left IS NULL AND d.revoked = 0",
    )?;
    head.members = statement
        .query_map((head.stream.0,), |row| row.get(0).map(DeviceRow))?
        .collect::<SqlResult<_>>()?;
    Ok(Some(head))
}

/// Where a conversation stands, for a device of one of its accounts.
pub(super) fn head_for(
    connection: &Connection,
    caller: Identity,
    conversation: ConversationId,
) -> SqlResult<Option<SeenHead>> {
    // one snapshot of the database for both queries
    let transaction = connection.unchecked_transaction()?;
    let Some(head) =
        read_head(&transaction, conversation)?.filter(|head| head.is_of(caller.account))
    else {
        return Ok(None);
    };
    let peer = if head.row.low == caller.account {
        head.row.high
    } else {
        head.row.low
    };
    let regard = match blocks::seen_by(&transaction, peer, caller.account)? {
        Some(_) => Regard::Open,
        None => Regard::Blocked,
    };
    Ok(Some(SeenHead {
        member: head.is_member(caller.device_row),
        regard,
        head: head.row,
    }))
}
