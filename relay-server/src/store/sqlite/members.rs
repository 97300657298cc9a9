//! Table `members`: who reads what of a conversation.

use std::collections::HashMap;

use protocol::{
    AccountId, ConversationId, DeviceId, Digest, Entry, EntryKind, ErrorCode, Opaque, Refusal,
};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult, Row};

use super::{
    Fault,
    entries::{self, NewRow},
    key_packages,
    writer::Tx,
};
use crate::store::{
    AccountRow, Added, Attachment, DeviceRow, Identity, Joined, MemberRow, Membership, NewCommit,
    ReadableRow, Span, Standing, StreamRow,
};

/// What becomes of a membership that a device has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joining {
    /// It is replaced: what the device missed in between was never meant for it.
    Anew,
    /// It goes on: the commit begins a new incarnation, and ends it where the next begins.
    GoingOn,
}

/// Puts a welcome into a device's inbox and makes the device a member.
///
/// It reads from the entry after the commit: its welcome already holds the state that the commit leads to.
pub(super) fn join(
    tx: &Tx<'_>,
    stream: StreamRow,
    seq: u64,
    request: &NewCommit,
    joining: Joining,
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
        start: Some(seq),
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
    let (span, cursor) = write_member(tx, (stream, device.device_row), seq, last + 1, joining)?;
    let member = MemberRow {
        device: device.device,
        device_row: device.device_row,
        account: device.account,
        account_row: device.account_row,
        joined: span.joined,
        left: None,
        welcome: span.welcome,
        since: span.since,
        former_welcome: span.former_welcome,
        cursor,
        last_seen: 0,
    };
    Ok(Joined {
        member,
        welcome: Some(row.entry),
    })
}

/// Makes the sender of a commit a member that needs no welcome: by an external commit, or as who begins an incarnation.
pub(super) fn enter(
    tx: &Tx<'_>,
    stream: StreamRow,
    seq: u64,
    caller: Identity,
    joining: Joining,
) -> Result<Joined, Fault> {
    let revoked: bool = tx
        .connection
        .prepare_cached("SELECT revoked <> 0 FROM devices WHERE id = ?1")?
        .query_row((caller.device_row.0,), |row| row.get(0))?;
    if revoked {
        return Err(Refusal::new(ErrorCode::InvalidCommit).into());
    }
    let (span, cursor) = write_member(tx, (stream, caller.device_row), seq, 0, joining)?;
    let member = MemberRow {
        device: caller.device,
        device_row: caller.device_row,
        account: caller.account,
        account_row: caller.account_row,
        joined: span.joined,
        left: None,
        welcome: 0,
        since: span.since,
        former_welcome: span.former_welcome,
        cursor,
        last_seen: 0,
    };
    Ok(Joined {
        member,
        welcome: None,
    })
}

/// Writes a membership that begins at `seq`, and says what the device may read then and its cursor. That begins where it
/// reads from; of a membership which goes on it stays.
fn write_member(
    tx: &Tx<'_>,
    (stream, device): (StreamRow, DeviceRow),
    seq: u64,
    welcome: u64,
    joining: Joining,
) -> SqlResult<(Span, u64)> {
    tx.connection
        .prepare_cached(
            "INSERT INTO members (stream, device, joined, welcome, cursor) VALUES (?1, ?2, ?3, ?4, ?3)
             ON CONFLICT (stream, device) DO UPDATE SET
             joined = iif(?5 AND left IS NULL, joined, ?3),
             since = iif(?5 AND left IS NULL, ?3, 0),
             former_welcome = iif(?5 AND left IS NULL, welcome, 0),
             cursor = iif(?5 AND left IS NULL, cursor, ?3),
             left = NULL, welcome = ?4
             RETURNING joined, since, former_welcome, cursor",
        )?
        .query_row(
            (
                stream.0,
                device.0,
                seq,
                welcome,
                joining == Joining::GoingOn,
            ),
            |row| {
                let span = Span {
                    joined: row.get(0)?,
                    until: None,
                    welcome,
                    since: row.get(1)?,
                    former_welcome: row.get(2)?,
                };
                Ok((span, row.get(3)?))
            },
        )
}

/// The devices that are members.
pub(super) fn present(
    connection: &Connection,
    stream: StreamRow,
) -> SqlResult<Vec<(DeviceRow, DeviceId)>> {
    connection
        .prepare_cached(
            "SELECT d.id, d.device FROM members m JOIN devices d ON d.id = m.device WHERE m.stream = ?1 AND m.left IS NULL",
        )?
        .query_map((stream.0,), |row| {
            Ok((DeviceRow(row.get(0)?), DeviceId::new(row.get(1)?)))
        })?
        .collect()
}

/// Ends a membership at `seq`.
pub(super) fn end(
    connection: &Connection,
    stream: StreamRow,
    device: DeviceRow,
    seq: u64,
) -> SqlResult<()> {
    connection
        .prepare_cached("UPDATE members SET left = ?3 WHERE stream = ?1 AND device = ?2")?
        .execute((stream.0, device.0, seq))
        .map(drop)
}

fn write_last(tx: &Tx<'_>, stream: StreamRow, last: u64) -> SqlResult<()> {
    tx.connection
        .prepare_cached("UPDATE streams SET last = ?2, time = ?3 WHERE id = ?1")?
        .execute((stream.0, last, tx.now))
        .map(drop)
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

/// The inbox and the conversations of a device, and its key packages that are usable then.
pub(super) fn attachment(
    connection: &Connection,
    device: DeviceRow,
    now: u64,
) -> SqlResult<Attachment> {
    // one snapshot of the database for all queries
    let transaction = connection.unchecked_transaction()?;
    transaction
        .prepare_cached(
            "SELECT s.id, s.last,
                coalesce((SELECT g.ends FROM gaps g WHERE g.stream = s.id AND g.begins <= max(d.inbox_cursor, s.base)
                    AND g.ends > d.inbox_cursor ORDER BY g.begins DESC LIMIT 1), s.base),
                d.inbox_cursor, s.time, d.sent, a.manifest, d.revoked <> 0
             FROM devices d JOIN streams s ON s.id = d.inbox JOIN accounts a ON a.id = d.account WHERE d.id = ?1",
        )?
        .query_row((device.0,), |row| {
            Ok(Attachment {
                inbox: StreamRow(row.get(0)?),
                last: row.get(1)?,
                base: row.get(2)?,
                cursor: row.get(3)?,
                time: row.get(4)?,
                sent: row.get(5)?,
                manifest: row.get(6)?,
                revoked: row.get(7)?,
                key_packages: key_packages::count(&transaction, device, now)?,
                memberships: memberships(&transaction, device)?,
            })
        })
}

/// The conversations that a device may still read something of, with all their members, newest activity first.
fn memberships(connection: &Connection, device: DeviceRow) -> SqlResult<Vec<Membership>> {
    let mut statement = connection.prepare_cached(
        "SELECT c.conversation, s.id, s.last,
            coalesce((SELECT g.ends FROM gaps g WHERE g.stream = s.id AND g.begins <= max(m.cursor, s.base) AND g.ends > m.cursor
                ORDER BY g.begins DESC LIMIT 1), s.base),
            s.time, low.account, high.account, c.requester = c.low, c.requester = c.high,
            EXISTS (SELECT 1 FROM blocks b WHERE b.account = c.low AND b.blocked = high.account),
            EXISTS (SELECT 1 FROM blocks b WHERE b.account = c.high AND b.blocked = low.account)
         FROM members m JOIN conversations c ON c.stream = m.stream JOIN streams s ON s.id = m.stream
         JOIN accounts low ON low.id = c.low JOIN accounts high ON high.id = c.high
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
                standing: read_standing(row, 5)?,
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
        "SELECT m.stream, d.device, d.id, a.account, a.id, m.joined, m.left, m.welcome, m.since,
                m.former_welcome, m.cursor, a.last_seen
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
                since: row.get(8)?,
                former_welcome: row.get(9)?,
                cursor: row.get(10)?,
                last_seen: row.get(11)?,
            });
        }
    }
    Ok(memberships)
}

/// How the two accounts of a conversation stand to each other.
pub(super) fn standing(connection: &Connection, stream: StreamRow) -> SqlResult<Standing> {
    connection
        .prepare_cached(
            "SELECT low.account, high.account, c.requester = c.low, c.requester = c.high,
                EXISTS (SELECT 1 FROM blocks b WHERE b.account = c.low AND b.blocked = high.account),
                EXISTS (SELECT 1 FROM blocks b WHERE b.account = c.high AND b.blocked = low.account)
             FROM conversations c JOIN accounts low ON low.id = c.low JOIN accounts high ON high.id = c.high
             WHERE c.stream = ?1",
        )?
        .query_row((stream.0,), |row| read_standing(row, 0))
}

/// Reads six columns from `first`: the two accounts, which of them asked, and which blocks the other.
fn read_standing(row: &Row<'_>, first: usize) -> SqlResult<Standing> {
    let accounts = [
        AccountId::new(row.get(first)?),
        AccountId::new(row.get(first + 1)?),
    ];
    let asked = [
        row.get::<_, Option<bool>>(first + 2)?,
        row.get::<_, Option<bool>>(first + 3)?,
    ];
    let blocks: [bool; 2] = [row.get(first + 4)?, row.get(first + 5)?];
    Ok(Standing {
        requester: accounts
            .into_iter()
            .zip(asked)
            .find_map(|(account, asked)| (asked == Some(true)).then_some(account)),
        blockers: accounts
            .into_iter()
            .zip(blocks)
            .filter_map(|(account, blocks)| blocks.then_some(account))
            .collect(),
    })
}
