//! Tables `conversations` and `members`: commits, creation, and who reads what.

use std::collections::HashMap;

use protocol::{
    AccountId, Committed, ConversationId, DeviceId, Digest, Entry, EntryKind, ErrorCode, Opaque,
    Refusal,
};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use super::{
    Fault, accounts,
    entries::{self, NewRow},
    groups, links,
    writer::{Cost, Tx},
};
use crate::store::{
    AccountRow, Added, Attachment, Change, CommitDone, DeviceRow, HeadRow, Joined, MemberRow,
    Membership, NewCommit, NewConversation, ReadableRow, StreamRow,
};

/// What the writer remembers of a conversation, so that an append reads nothing.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) stream: StreamRow,
    pub(super) row: HeadRow,
    pub(super) last: u64,
    pub(super) base: u64,
    members: Vec<DeviceRow>,
}

impl Head {
    pub(super) fn is_member(&self, device: DeviceRow) -> bool {
        self.members.contains(&device)
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
        head.last = tx.touched.get(&head.stream).copied().unwrap_or(head.last);
        tx.heads.insert(conversation, head);
    }
    Ok(tx.heads.get(&conversation))
}

/// Notes that entries up to `last` were stored; `streams` is written once, before COMMIT.
pub(super) fn advance(tx: &mut Tx<'_>, conversation: ConversationId, last: u64) {
    if let Some(head) = tx.heads.get_mut(&conversation) {
        head.last = last;
        tx.touched.insert(head.stream, last);
    }
}

fn read_head(connection: &Connection, conversation: ConversationId) -> SqlResult<Option<Head>> {
    let head = connection
        .prepare_cached(
            "SELECT low.account, high.account, c.incarnation, c.epoch, c.commit_seq, c.commit_digest, s.id, s.last, s.base
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
                base: row.get(8)?,
                members: Vec::new(),
            })
        })
        .optional()?;
    let Some(mut head) = head else {
        return Ok(None);
    };
    let mut statement = connection
        .prepare_cached("SELECT device FROM members WHERE stream = ?1 AND left IS NULL")?;
    head.members = statement
        .query_map((head.stream.0,), |row| row.get(0).map(DeviceRow))?
        .collect::<SqlResult<_>>()?;
    Ok(Some(head))
}

/// What a device may read of a conversation that it left.
pub(super) fn left(
    connection: &Connection,
    device: DeviceRow,
    conversation: ConversationId,
) -> SqlResult<Option<ReadableRow>> {
    connection
        .prepare_cached(
            "SELECT m.stream, m.joined, m.left FROM conversations c JOIN members m ON m.stream = c.stream
             WHERE c.conversation = ?1 AND m.device = ?2 AND m.left IS NOT NULL",
        )?
        .query_row((conversation.as_bytes(), device.0), |row| {
            Ok(ReadableRow { stream: StreamRow(row.get(0)?), joined: row.get(1)?, left: row.get(2)? })
        })
        .optional()
}

/// Where a conversation stands, for one of its members.
pub(super) fn head_for(
    connection: &Connection,
    device: DeviceRow,
    conversation: ConversationId,
) -> SqlResult<Option<HeadRow>> {
    // one snapshot of the database for both queries
    let transaction = connection.unchecked_transaction()?;
    Ok(read_head(&transaction, conversation)?
        .filter(|head| head.is_member(device))
        .map(|head| head.row))
}

pub(super) fn cost(commit: &NewCommit) -> Cost {
    let welcomes: usize = commit.added.iter().map(|added| added.welcome.len()).sum();
    let snapshot = commit.snapshot.as_ref().map_or(0, Vec::len);
    Cost {
        rows: 4 + 2 * commit.added.len(),
        bytes: 2 * commit.bytes.len() + welcomes + snapshot + commit.group_info.len(),
    }
}

/// Applies a commit by compare-and-set on (incarnation, epoch).
pub(super) fn commit(tx: &mut Tx<'_>, request: &NewCommit) -> Result<CommitDone, Fault> {
    if let Some(done) = repeated(tx, request)? {
        return Ok(done);
    }
    let head = head(tx, request.conversation)?
        .filter(|head| head.is_member(request.caller.device_row))
        .cloned();
    let Some(head) = head else {
        return Err(Refusal::new(ErrorCode::NotMember).into());
    };
    if (head.row.incarnation, head.row.epoch) != (request.incarnation, request.epoch) {
        return Err(head.row.stale().into());
    }
    // whatever happens below, the remembered head no longer holds
    tx.heads.remove(&request.conversation);

    let seq = head.last + 1;
    tx.connection
        .prepare_cached(
            "UPDATE conversations SET epoch = ?2, commit_seq = ?3, commit_digest = ?4, group_info = ?5 WHERE stream = ?1",
        )?
        .execute((head.stream.0, request.epoch + 1, seq, request.digest.as_bytes(), &request.group_info[..]))?;
    groups::advance(tx.connection, head.stream, request)?;
    let mut left = Vec::with_capacity(request.removed.len());
    for device in &request.removed {
        let changed = tx
            .connection
            .prepare_cached(
                "UPDATE members SET left = ?3 WHERE stream = ?1 AND left IS NULL
                 AND device = (SELECT id FROM devices WHERE device = ?2)",
            )?
            .execute((head.stream.0, device.as_bytes(), seq))?;
        if changed != 1 {
            return Err(Refusal::new(ErrorCode::InvalidCommit).into());
        }
        left.push(*device);
    }
    store_commit(tx, head.stream, seq, request, left)
}

/// Makes a direct conversation by compare-and-set on the pair of accounts.
pub(super) fn create(tx: &mut Tx<'_>, request: &NewConversation) -> Result<CommitDone, Fault> {
    let commit = &request.commit;
    if let Some(done) = repeated(tx, commit)? {
        return Ok(done);
    }
    let own = commit.caller.account_row;
    // an unknown account and one that did not consent are alike
    let no_consent = || Fault::Refused(Refusal::new(ErrorCode::NoConsent));
    let peer = accounts::row(tx.connection, request.peer)?
        .filter(|peer| *peer != own)
        .ok_or_else(no_consent)?;
    let (low, high) = (own.0.min(peer.0), own.0.max(peer.0));
    let existing: Option<[u8; ConversationId::LEN]> = tx
        .connection
        .prepare_cached("SELECT conversation FROM conversations WHERE low = ?1 AND high = ?2")?
        .query_row((low, high), |row| row.get(0))
        .optional()?;
    if let Some(existing) = existing {
        let conversation = Some(ConversationId::new(existing));
        return Err(Refusal {
            conversation,
            ..Refusal::new(ErrorCode::Exists)
        }
        .into());
    }
    if head(tx, commit.conversation)?.is_some() {
        return Err(Refusal::new(ErrorCode::IdConflict).into());
    }
    let consent = accounts::invited_by(tx.connection, own, peer)?
        || match request.token {
            Some(token) => links::consume_of(tx, token, peer)?,
            None => false,
        };
    if !consent {
        return Err(no_consent());
    }
    tx.connection
        .prepare_cached("INSERT INTO streams (time) VALUES (?1)")?
        .execute((tx.now,))?;
    let stream = StreamRow(tx.connection.last_insert_rowid());
    tx.connection
        .prepare_cached(
            "INSERT INTO conversations
             (stream, conversation, low, high, incarnation, epoch, commit_seq, commit_digest, group_info)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8)",
        )?
        .execute((
            stream.0,
            commit.conversation.as_bytes(),
            low,
            high,
            commit.incarnation,
            commit.epoch + 1,
            commit.digest.as_bytes(),
            &commit.group_info[..],
        ))?;
    groups::advance(tx.connection, stream, commit)?;
    // the creator was there before the first entry, and needs no welcome
    tx.connection
        .prepare_cached("INSERT INTO members (stream, device, joined, welcome, cursor) VALUES (?1, ?2, 0, 0, 0)")?
        .execute((stream.0, commit.caller.device_row.0))?;
    let mut done = store_commit(tx, stream, 1, commit, Vec::new())?;
    if let Some(change) = &mut done.change {
        let member = MemberRow {
            device: commit.caller.device,
            device_row: commit.caller.device_row,
            account: commit.caller.account,
            account_row: own,
            joined: 0,
            left: None,
            welcome: 0,
            cursor: 0,
            last_seen: 0,
        };
        change.joined.push(Joined {
            member,
            welcome: None,
        });
    }
    Ok(done)
}

/// The first answer to a repeat.
fn repeated(tx: &Tx<'_>, request: &NewCommit) -> Result<Option<CommitDone>, Fault> {
    let Some(prior) = entries::prior(tx.connection, request.caller.device_row, request.client_id)?
    else {
        return Ok(None);
    };
    if prior.digest != request.digest {
        return Err(Refusal::new(ErrorCode::IdConflict).into());
    }
    Ok(Some(CommitDone {
        committed: Committed {
            seq: prior.seq,
            time: prior.time,
        },
        change: None,
    }))
}

/// Stores the entry of a commit, the new members and their welcomes.
fn store_commit(
    tx: &mut Tx<'_>,
    stream: StreamRow,
    seq: u64,
    request: &NewCommit,
    left: Vec<DeviceId>,
) -> Result<CommitDone, Fault> {
    let entry = Entry {
        seq,
        sender: request.caller.device,
        kind: EntryKind::Commit,
        incarnation: request.incarnation,
        epoch: request.epoch,
        time: tx.now,
        client_id: request.client_id,
        conversation: None,
        bytes: Opaque(request.bytes.clone()),
    };
    let row = NewRow {
        stream,
        sender: request.caller.device_row,
        digest: request.digest,
        about: None,
        entry,
    };
    entries::insert(tx.connection, &row)?;
    let mut joined = Vec::with_capacity(request.added.len());
    for added in &request.added {
        joined.push(join(tx, stream, seq, request, added)?);
    }
    // last: nothing can be refused any more
    tx.touched.insert(stream, seq);
    Ok(CommitDone {
        committed: Committed { seq, time: tx.now },
        change: Some(Change {
            conversation: request.conversation,
            stream,
            entry: row.entry,
            joined,
            left,
        }),
    })
}

/// Puts a welcome into a device's inbox and makes the device a member.
///
/// It reads from the entry after the commit: its welcome already holds the state that the commit leads to.
fn join(
    tx: &Tx<'_>,
    stream: StreamRow,
    seq: u64,
    request: &NewCommit,
    added: &Added,
) -> Result<Joined, Fault> {
    let device = &added.device;
    let (inbox, last): (i64, u64) = tx
        .connection
        .prepare_cached("SELECT s.id, s.last FROM devices d JOIN streams s ON s.id = d.inbox WHERE d.id = ?1 AND d.revoked = 0")?
        .query_row((device.device_row.0,), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or(Refusal::new(ErrorCode::InvalidCommit))?;
    let welcome = Entry {
        seq: last + 1,
        sender: request.caller.device,
        kind: EntryKind::Welcome,
        incarnation: request.incarnation,
        epoch: request.epoch + 1,
        time: tx.now,
        client_id: request.client_id,
        conversation: Some(request.conversation),
        bytes: Opaque(added.welcome.clone()),
    };
    let inbox = StreamRow(inbox);
    let row = NewRow {
        stream: inbox,
        sender: request.caller.device_row,
        digest: Digest::of(&[&added.welcome]),
        about: Some(stream),
        entry: welcome,
    };
    entries::insert(tx.connection, &row)?;
    write_last(tx, inbox, last + 1)?;
    // a device that comes back starts anew: what it missed in between was never meant for it
    tx.connection
        .prepare_cached(
            "INSERT INTO members (stream, device, joined, welcome, cursor) VALUES (?1, ?2, ?3, ?4, ?3)
             ON CONFLICT (stream, device) DO UPDATE SET joined = ?3, left = NULL, welcome = ?4, cursor = ?3",
        )?
        .execute((stream.0, device.device_row.0, seq, last + 1))?;
    let member = MemberRow {
        device: device.device,
        device_row: device.device_row,
        account: device.account,
        account_row: device.account_row,
        joined: seq,
        left: None,
        welcome: last + 1,
        cursor: seq,
        last_seen: 0,
    };
    Ok(Joined {
        member,
        welcome: Some(row.entry),
    })
}

fn write_last(tx: &Tx<'_>, stream: StreamRow, last: u64) -> SqlResult<()> {
    tx.connection
        .prepare_cached("UPDATE streams SET last = ?2, time = ?3 WHERE id = ?1")?
        .execute((stream.0, last, tx.now))
        .map(drop)
}

/// The conversations that a device may still read something of, with all their members, newest activity first.
pub(super) fn attachment(connection: &Connection, device: DeviceRow) -> SqlResult<Attachment> {
    // one snapshot of the database for all queries
    let transaction = connection.unchecked_transaction()?;
    transaction
        .prepare_cached(
            "SELECT s.id, s.last, s.base, d.inbox_cursor, s.time FROM devices d JOIN streams s ON s.id = d.inbox WHERE d.id = ?1",
        )?
        .query_row((device.0,), |row| {
            Ok(Attachment {
                inbox: StreamRow(row.get(0)?),
                last: row.get(1)?,
                base: row.get(2)?,
                cursor: row.get(3)?,
                time: row.get(4)?,
                memberships: memberships(&transaction, device)?,
            })
        })
}

fn memberships(connection: &Connection, device: DeviceRow) -> SqlResult<Vec<Membership>> {
    let mut statement = connection.prepare_cached(
        "SELECT c.conversation, s.id, s.last, s.base, s.time
         FROM members m JOIN conversations c ON c.stream = m.stream JOIN streams s ON s.id = m.stream
         WHERE m.device = ?1 AND (m.left IS NULL OR m.cursor < m.left) ORDER BY s.time DESC, s.id DESC",
    )?;
    let mut memberships = statement
        .query_map((device.0,), |row| {
            Ok(Membership {
                conversation: ConversationId::new(row.get(0)?),
                stream: StreamRow(row.get(1)?),
                last: row.get(2)?,
                base: row.get(3)?,
                time: row.get(4)?,
                members: Vec::new(),
            })
        })?
        .collect::<SqlResult<Vec<_>>>()?;
    let index: HashMap<StreamRow, usize> = memberships
        .iter()
        .enumerate()
        .map(|(index, membership)| (membership.stream, index))
        .collect();
    let mut statement = connection.prepare_cached(
        "SELECT m.stream, d.device, d.id, a.account, a.id, m.joined, m.left, m.welcome, m.cursor, a.last_seen
         FROM members own JOIN members m ON m.stream = own.stream
         JOIN devices d ON d.id = m.device JOIN accounts a ON a.id = d.account
         WHERE own.device = ?1",
    )?;
    let mut rows = statement.query((device.0,))?;
    while let Some(row) = rows.next()? {
        let membership = index
            .get(&StreamRow(row.get(0)?))
            .and_then(|index| memberships.get_mut(*index));
        if let Some(membership) = membership {
            membership.members.push(MemberRow {
                device: DeviceId::new(row.get(1)?),
                device_row: DeviceRow(row.get(2)?),
                account: AccountId::new(row.get(3)?),
                account_row: AccountRow(row.get(4)?),
                joined: row.get(5)?,
                left: row.get(6)?,
                welcome: row.get(7)?,
                cursor: row.get(8)?,
                last_seen: row.get(9)?,
            });
        }
    }
    Ok(memberships)
}
