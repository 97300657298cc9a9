//! Table `entries`: the log of every stream.

use bytes::Bytes;
use protocol::{
    Appended, ClientId, ConversationId, DeviceId, Digest, Entry, EntryKind, ErrorCode, Opaque,
    Refusal,
};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult, Row, types::ValueRef};

use super::{Fault, blocks, gaps, heads, requests, writer::Tx};
use crate::store::{
    AccountRow, AppendDone, DeviceRow, NewAppend, PageRange, PageRow, Prior, StreamRow,
};

/// What an entry takes in a frame beside its bytes, at most.
pub(crate) const ENVELOPE: usize = 130;

/// Appends by the order of checks of promise 3: client id → member → epoch → quota → store. Everything is checked
/// before the first row is written.
pub(super) fn append(tx: &mut Tx<'_>, request: &NewAppend) -> Result<AppendDone, Fault> {
    let mut priors = Vec::with_capacity(request.entries.len());
    for (index, entry) in request.entries.iter().enumerate() {
        let repeated_within = request
            .entries
            .iter()
            .take(index)
            .any(|earlier| earlier.client_id == entry.client_id);
        if repeated_within {
            return Err(Refusal::new(ErrorCode::IdConflict).into());
        }
        let prior = prior(tx.connection, request.caller.device_row, entry.client_id)?;
        if prior.is_some_and(|prior| prior.digest != entry.digest) {
            return Err(Refusal::new(ErrorCode::IdConflict).into());
        }
        priors.push(prior);
    }
    let mut done = AppendDone {
        appended: Appended {
            seqs: Vec::with_capacity(priors.len()),
            times: Vec::with_capacity(priors.len()),
        },
        fresh: Vec::new(),
        accepted: false,
    };
    let fresh = priors.iter().filter(|prior| prior.is_none()).count();
    let mut next = 0;
    let mut stream = StreamRow(0);
    if fresh > 0 {
        let quota = tx.limits.entries_per_conversation;
        let head = heads::head(tx, request.conversation)?;
        let head = head.filter(|head| head.is_member(request.caller.device_row));
        let Some(head) = head else {
            return Err(Refusal::new(ErrorCode::NotMember).into());
        };
        if (head.row.incarnation, head.row.epoch) != (request.incarnation, request.epoch) {
            return Err(head.row.stale().into());
        }
        if !requests::has_room(
            head,
            request.caller.account_row,
            u64::try_from(fresh).unwrap_or(u64::MAX),
        ) {
            return Err(Refusal::new(ErrorCode::NoConsent).into());
        }
        if let Some(refusal) = &request.limited {
            return Err(refusal.clone().into());
        }
        if head.held >= quota {
            return Err(Refusal::new(ErrorCode::Quota).into());
        }
        next = head.last + 1;
        stream = head.stream;
        done.fresh.reserve_exact(fresh);
    }
    for (entry, prior) in request.entries.iter().zip(&priors) {
        let (seq, time) = match prior {
            Some(prior) => (prior.seq, prior.time),
            None => {
                let row = NewRow {
                    stream,
                    sender: request.caller.device_row,
                    digest: entry.digest,
                    about: None,
                    entry: Entry {
                        seq: next,
                        sender: request.caller.device,
                        kind: EntryKind::Application,
                        incarnation: request.incarnation,
                        epoch: request.epoch,
                        time: tx.now,
                        client_id: entry.client_id,
                        conversation: None,
                        bytes: Opaque(entry.bytes.clone()),
                        start: None,
                    },
                };
                insert(tx.connection, &row)?;
                done.fresh.push(row.entry);
                next += 1;
                (next - 1, tx.now)
            }
        };
        done.appended.seqs.push(seq);
        done.appended.times.push(time);
    }
    if fresh > 0 {
        crate::KillPoint::EntriesInserted.reach();
        heads::advance(tx, request.conversation, next - 1);
        let count = u64::try_from(fresh).unwrap_or(u64::MAX);
        let account = request.caller.account_row;
        tx.count_sent(request.caller.device_row, count);
        done.accepted = requests::appended(tx, request.conversation, account, count)?;
    }
    Ok(done)
}

/// What the device stored under this client id.
pub(super) fn prior(
    connection: &Connection,
    device: DeviceRow,
    client_id: ClientId,
) -> SqlResult<Option<Prior>> {
    connection
        .prepare_cached("SELECT digest, seq, time FROM entries WHERE sender = ?1 AND client_id = ?2 AND kind <> 3")?
        .query_row((device.0, client_id.as_bytes()), |row| {
            Ok(Prior { digest: Digest::new(row.get(0)?), seq: row.get(1)?, time: row.get(2)? })
        })
        .optional()
}

/// A row to insert.
pub(super) struct NewRow {
    pub(super) stream: StreamRow,
    pub(super) sender: DeviceRow,
    pub(super) digest: Digest,
    /// The stream of the conversation that a welcome opens.
    pub(super) about: Option<StreamRow>,
    pub(super) entry: Entry,
}

pub(super) fn insert(connection: &Connection, row: &NewRow) -> SqlResult<()> {
    let entry = &row.entry;
    connection
        .prepare_cached(
            "INSERT INTO entries (stream, seq, sender, kind, incarnation, epoch, time, client_id, digest, about, bytes, start)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        )?
        .execute((
            row.stream.0,
            entry.seq,
            row.sender.0,
            entry.kind.number(),
            entry.incarnation,
            entry.epoch,
            entry.time,
            entry.client_id.as_bytes(),
            row.digest.as_bytes(),
            row.about.map(|about| about.0),
            &entry.bytes.0[..],
            entry.start,
        ))
        .map(drop)
}

/// Reads some entries of a stream, ascending and without gaps. Application entries of accounts that the reader blocked come
/// without bytes. `base` is what is gone for one who has read up to where the page begins.
pub(super) fn page(
    connection: &Connection,
    stream: StreamRow,
    range: PageRange,
    reader: AccountRow,
) -> SqlResult<PageRow> {
    // one snapshot of the database for both queries: what expires in between has no bytes any more
    let connection = connection.unchecked_transaction()?;
    let (last, base) = connection
        .prepare_cached("SELECT last, base FROM streams WHERE id = ?1")?
        .query_row((stream.0,), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut page = PageRow {
        entries: Vec::new(),
        last,
        base,
        kept: gaps::kept(&connection, stream, range.after, last)?,
    };
    let mut statement = connection.prepare_cached(
        "SELECT e.seq, d.device, e.kind, e.incarnation, e.epoch, e.time, e.client_id, coalesce(c.conversation, x.conversation),
                e.bytes, e.start, d.account
         FROM entries e JOIN devices d ON d.id = e.sender LEFT JOIN conversations c ON c.stream = e.about
         LEFT JOIN ended_conversations x ON x.stream = e.about
         WHERE e.stream = ?1 AND e.seq > ?2 AND e.seq <= ?3 ORDER BY e.seq LIMIT ?4",
    )?;
    let blocked = blocks::rows(&connection, reader)?;
    let mut after = range.after.max(page.base);
    let mut until = range.until.min(last);
    // who stands before a gap reads up to it, and then behind it
    while let Some(gap) = gaps::next(&connection, stream, after)? {
        if gap.begins > after {
            until = until.min(gap.begins);
            break;
        }
        (after, page.base) = (gap.ends, gap.ends);
    }
    let mut rows = statement.query((stream.0, after, until, range.entries))?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let mut entry = read(row)?;
        if entry.kind == EntryKind::Application && blocked.contains(&AccountRow(row.get(10)?)) {
            entry.bytes = Opaque::default();
        }
        bytes += entry.bytes.len() + ENVELOPE;
        if bytes > range.bytes && !page.entries.is_empty() {
            break;
        }
        page.entries.push(entry);
    }
    Ok(page)
}

fn read(row: &Row<'_>) -> SqlResult<Entry> {
    let bytes = match row.get_ref(8)? {
        ValueRef::Blob(bytes) => Bytes::copy_from_slice(bytes),
        _ => Bytes::new(),
    };
    Ok(Entry {
        seq: row.get(0)?,
        sender: DeviceId::new(row.get(1)?),
        kind: EntryKind::from_number(row.get(2)?),
        incarnation: row.get(3)?,
        epoch: row.get(4)?,
        time: row.get(5)?,
        client_id: ClientId::new(row.get(6)?),
        conversation: row
            .get::<_, Option<[u8; ConversationId::LEN]>>(7)?
            .map(ConversationId::new),
        bytes: Opaque(bytes),
        start: row.get(9)?,
    })
}
