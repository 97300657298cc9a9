//! What others sealed and never came here, by the counts of their chains: where it lies, what tells of it, what was asked for.

use protocol::{DeviceId, Digest, MessageId};
use rusqlite::{Connection, OptionalExtension as _};

use crate::{
    error::Result,
    event::Event,
    model::{ConversationKey, MessageKind, SystemEvent},
    store::{
        WriteTransaction,
        chains::{ChainId, MOST_FORMER, Numbered, chain_id},
        conversations, id, messages, signed, unsigned,
    },
};

/// Of more missing entries than this at one place the newest are noted. Nobody misses as many; it keeps a count from telling lies.
pub const MOST_MISSING: u64 = 100_000;
/// The highest number that is told apart from its neighbours; no device seals so much.
const MOST_NUMBER: u64 = 1 << 62;
/// Devices that are asked for what is missing of them.
const MOST_DEVICES: u32 = 64;
/// Chains of a device that are asked for: its present one, and as many as it may have remembered of those before.
const MOST_ASKED: u32 = MOST_FORMER + 1;

/// In place of a device where it is not known who is missing what; the number is 0 then.
const NOBODY: [u8; DeviceId::LEN] = [0; DeviceId::LEN];

/// Where entries of a device are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The conversation.
    pub key: ConversationKey,
    /// Who sealed them.
    pub device: DeviceId,
    /// Their chain.
    pub chain: ChainId,
    /// The first number.
    pub first: u64,
    /// The last number.
    pub last: u64,
}

/// Notes that entries are missing which lie after `after_seq`, and tells of it in a line.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note_missing(
    write: &WriteTransaction<'_>,
    missing: &Missing,
    after_seq: u64,
    line: &messages::NewMessage<'_>,
) -> Result<()> {
    let last = missing.last.min(MOST_NUMBER);
    let first = missing
        .first
        .max(last.saturating_sub(MOST_MISSING.saturating_sub(1)));
    let missing = Missing {
        first,
        last,
        ..*missing
    };
    let unknown = unknown_of(write.connection(), &missing)?;
    if unknown.is_empty() {
        return Ok(());
    }
    let Some(row) = messages::insert(write, line)? else {
        return Ok(());
    };
    for (first, last) in unknown {
        let told = Told {
            line: row,
            after_seq,
            asked: false,
        };
        let missing = Missing {
            first,
            last,
            ..missing
        };
        insert(write, &missing, told)?;
    }
    conversations::announce(write, missing.key);
    Ok(())
}

/// Notes that an entry is missing which is here and could not be opened: the line that shows it goes when the entry comes again,
/// or was no message.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note_unreadable(
    write: &WriteTransaction<'_>,
    missing: &Missing,
    seq: u64,
    line: MessageId,
) -> Result<()> {
    let connection = write.connection();
    if missing.last > MOST_NUMBER || unknown_of(connection, missing)?.is_empty() {
        return Ok(());
    }
    let Some(line) = messages::row(connection, missing.key, line)? else {
        return Ok(());
    };
    let told = Told {
        line,
        after_seq: seq.saturating_sub(1),
        asked: false,
    };
    insert(write, missing, told)
}

/// What is known of a range besides its place.
#[derive(Clone, Copy)]
struct Told {
    /// The row of the line that tells of it.
    line: i64,
    after_seq: u64,
    asked: bool,
}

fn insert(write: &WriteTransaction<'_>, missing: &Missing, told: Told) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT INTO gaps (conversation, device, chain, number, last, message, after_seq, asked)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((
            missing.key.0,
            missing.device.as_bytes(),
            missing.chain.as_slice(),
            signed(missing.first),
            signed(missing.last),
            told.line,
            signed(told.after_seq),
            told.asked,
        ))?;
    Ok(())
}

/// The parts of a range that are not noted as missing yet.
fn unknown_of(connection: &Connection, missing: &Missing) -> Result<Vec<(u64, u64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, last FROM gaps
         WHERE conversation = ?1 AND device = ?2 AND chain = ?3 AND number <= ?5 AND last >= ?4 ORDER BY number",
    )?;
    let rows = statement.query_map(
        (
            missing.key.0,
            missing.device.as_bytes(),
            missing.chain.as_slice(),
            signed(missing.first),
            signed(missing.last),
        ),
        |row| Ok((unsigned(row.get(0)?), unsigned(row.get(1)?))),
    )?;
    let (mut next, mut unknown) = (missing.first, Vec::new());
    for row in rows {
        let (first, last) = row?;
        if next < first {
            unknown.push((next, first.saturating_sub(1)));
        }
        next = next.max(last.saturating_add(1));
    }
    if next <= missing.last {
        unknown.push((next, missing.last));
    }
    Ok(unknown)
}

/// Notes that the relay had to leave out something below `base`, nobody knows how much, and tells of it in a line.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note_unknown(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    base: u64,
    line: &messages::NewMessage<'_>,
) -> Result<()> {
    let Some(row) = messages::insert(write, line)? else {
        return Ok(());
    };
    write.execute(
        "INSERT OR IGNORE INTO gaps (conversation, device, chain, number, message) VALUES (?1, ?2, ?3, 0, ?4)",
        (key.0, NOBODY, base.to_be_bytes(), row),
    )?;
    Ok(())
}

/// An entry says by its number what is missing: the lines that could not tell how much go.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn close_unknown(write: &WriteTransaction<'_>, key: ConversationKey) -> Result<()> {
    let lines: Vec<i64> = {
        let mut statement = write.connection().prepare_cached(
            "DELETE FROM gaps WHERE conversation = ?1 AND device = ?2 RETURNING message",
        )?;
        let rows = statement.query_map((key.0, NOBODY), |row| row.get(0))?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    lines
        .into_iter()
        .try_for_each(|line| messages::delete(write, line))
}

/// Where a missing entry lies in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    after_seq: u64,
    before_seq: u64,
    before_time: u64,
}

impl Gap {
    /// The place that the sender names, with a time that is not after the gap was seen; `None` for one outside of the gap.
    #[must_use]
    pub fn place(&self, seq: u64, time: u64) -> Option<Place> {
        (self.after_seq < seq && seq < self.before_seq).then(|| Place {
            seq,
            time: time.min(self.before_time),
        })
    }
}

/// Where a message belongs that came later than those after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its position in the stream.
    pub seq: u64,
    /// When it was sent, by the relay's clock.
    pub time: u64,
}

/// The gap in which one entry is missing, if it is.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn gap(
    connection: &Connection,
    key: ConversationKey,
    device: DeviceId,
    of: Numbered,
) -> Result<Option<Gap>> {
    let mut statement = connection.prepare_cached(
        "SELECT g.after_seq, m.seq + (m.kind = 3), m.time FROM gaps g JOIN messages m ON m.id = g.message
         WHERE g.conversation = ?1 AND g.device = ?2 AND g.chain = ?3 AND g.number <= ?4 AND g.last >= ?4
             AND m.seq IS NOT NULL",
    )?;
    let place = (
        key.0,
        device.as_bytes(),
        of.chain.as_slice(),
        signed(of.number),
    );
    Ok(statement
        .query_row(place, |row| {
            Ok(Gap {
                after_seq: unsigned(row.get(0)?),
                before_seq: unsigned(row.get(1)?),
                before_time: unsigned(row.get(2)?),
            })
        })
        .optional()?)
}

/// Closes gaps: these numbers arrived after all, or were no messages. A line that tells of nothing any more goes.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn close(write: &WriteTransaction<'_>, closed: &Missing) -> Result<()> {
    if closed.first > closed.last {
        return Ok(());
    }
    let ranges: Vec<(u64, u64, Told)> = {
        let mut statement = write.connection().prepare_cached(
            "DELETE FROM gaps WHERE conversation = ?1 AND device = ?2 AND chain = ?3 AND number <= ?5 AND last >= ?4
             RETURNING number, last, message, after_seq, asked",
        )?;
        let rows = statement.query_map(
            (
                closed.key.0,
                closed.device.as_bytes(),
                closed.chain.as_slice(),
                signed(closed.first),
                signed(closed.last),
            ),
            |row| {
                let told = Told {
                    line: row.get("message")?,
                    after_seq: unsigned(row.get("after_seq")?),
                    asked: row.get("asked")?,
                };
                let (first, last) = (row.get("number")?, row.get("last")?);
                Ok((unsigned(first), unsigned(last), told))
            },
        )?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    for (first, last, told) in &ranges {
        let before = Missing {
            first: *first,
            last: closed.first.saturating_sub(1),
            ..*closed
        };
        let behind = Missing {
            first: closed.last.saturating_add(1),
            last: *last,
            ..*closed
        };
        for left in [before, behind] {
            if left.first <= left.last {
                insert(write, &left, *told)?;
            }
        }
    }
    let mut lines: Vec<i64> = ranges.iter().map(|(_, _, told)| told.line).collect();
    lines.sort_unstable();
    lines.dedup();
    for line in lines {
        let left: i64 = write
            .connection()
            .prepare_cached("SELECT count(*) FROM gaps WHERE message = ?1")?
            .query_row([line], |row| row.get(0))?;
        if left == 0 {
            messages::delete(write, line)?;
        } else {
            let message = messages::by_row(write.connection(), line)?;
            write.announce(Event::MessageChanged(closed.key, message.id));
        }
    }
    Ok(())
}

/// Whether something is still missing of a chain after the numbers that are named.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_missing_after(connection: &Connection, of: &Missing) -> Result<bool> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM gaps WHERE conversation = ?1 AND device = ?2 AND chain = ?3 AND last > ?4",
        )?
        .exists((
            of.key.0,
            of.device.as_bytes(),
            of.chain.as_slice(),
            signed(of.last),
        ))?)
}

/// Those of whom something is missing, at most so many as are asked.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn devices(connection: &Connection, key: ConversationKey) -> Result<Vec<DeviceId>> {
    let mut statement = connection.prepare_cached(
        "SELECT device FROM gaps WHERE conversation = ?1 AND number > 0 GROUP BY device ORDER BY max(id) DESC LIMIT ?2",
    )?;
    let rows = statement.query_map((key.0, MOST_DEVICES), |row| {
        id(row, "device", DeviceId::from_slice)
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether a chain is one of a device's.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_of(
    connection: &Connection,
    key: ConversationKey,
    device: DeviceId,
    chain: ChainId,
) -> Result<bool> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM gaps WHERE conversation = ?1 AND device = ?2 AND chain = ?3
             UNION ALL SELECT 1 FROM chains WHERE conversation = ?1 AND device = ?2 AND chain = ?3
             UNION ALL SELECT 1 FROM former_chains WHERE conversation = ?1 AND device = ?2 AND chain = ?3",
        )?
        .exists((key.0, device.as_bytes(), chain.as_slice()))?)
}

/// What a device was not asked for yet: of one chain, from the first to the last number.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn next_unasked(
    connection: &Connection,
    key: ConversationKey,
    device: DeviceId,
) -> Result<Option<Missing>> {
    let mut statement = connection.prepare_cached(
        "SELECT chain, first, last FROM (
             SELECT chain, min(number) AS first, max(last) AS last, min(asked) AS asked, min(id) AS id FROM gaps
             WHERE conversation = ?1 AND device = ?2 AND number > 0 GROUP BY chain ORDER BY max(id) DESC LIMIT ?3)
         WHERE asked = 0 ORDER BY id LIMIT 1",
    )?;
    Ok(statement
        .query_row((key.0, device.as_bytes(), MOST_ASKED), |row| {
            Ok(Missing {
                key,
                device,
                chain: id(row, "chain", chain_id)?,
                first: unsigned(row.get("first")?),
                last: unsigned(row.get("last")?),
            })
        })
        .optional()?)
}

/// A device is asked for what is missing of a chain, or is to be asked again.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_asked(write: &WriteTransaction<'_>, of: &Missing, asked: bool) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "UPDATE gaps SET asked = ?4 WHERE conversation = ?1 AND device = ?2 AND chain = ?3",
        )?
        .execute((of.key.0, of.device.as_bytes(), of.chain.as_slice(), asked))?;
    Ok(())
}

/// Everything that is missing in a conversation is to be asked for again.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_all_unasked(write: &WriteTransaction<'_>, key: ConversationKey) -> Result<()> {
    write
        .connection()
        .prepare_cached("UPDATE gaps SET asked = 0 WHERE conversation = ?1 AND asked = 1")?
        .execute([key.0])?;
    Ok(())
}

/// How many entries are known to be missing, in all conversations.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn count_missing(connection: &Connection) -> Result<u32> {
    Ok(connection.query_row(
        "SELECT min(coalesce(sum(last - number + 1), 0), 4294967295) FROM gaps WHERE number > 0",
        [],
        |row| row.get(0),
    )?)
}

/// The id of the line that tells of a gap: the same for the same gap.
#[must_use]
pub fn line_id(missing: &Missing) -> MessageId {
    let digest = Digest::of(&[
        b"relevo gap 1",
        &missing.key.0.to_be_bytes(),
        missing.device.as_bytes(),
        missing.chain.as_slice(),
        &missing.first.to_be_bytes(),
    ]);
    MessageId::new(*digest.as_bytes())
}

/// What the line is.
pub const LINE: MessageKind = MessageKind::System(SystemEvent::MessagesMissing);
