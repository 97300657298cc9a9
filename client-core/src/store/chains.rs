//! Hash chains over what a device sealed in a conversation, by which a receiver sees that something never arrived.

use minicbor::bytes::ByteArray;
use protocol::{ClientId, DeviceId, Digest, MessageId};
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::{
    error::Result,
    event::Event,
    model::{ConversationKey, MessageKind, SystemEvent},
    store::{WriteTransaction, conversations, id, messages, signed, unsigned},
};

/// More missing entries than this are not counted one by one.
const MOST_MISSING: u64 = 1000;

/// In place of a device where it is not known who is missing what; the number is 0 then.
const NOBODY: [u8; DeviceId::LEN] = [0; DeviceId::LEN];

/// Names one run of a device's entries in a conversation: 8 random bytes.
pub type ChainId = ByteArray<8>;

/// How far a chain is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its name.
    pub chain: ChainId,
    /// The number of its newest entry; 0 before the first.
    pub number: u64,
    /// The hash over all client ids up to it.
    pub link: Digest,
}

impl Chain {
    /// A chain without entries.
    #[must_use]
    pub fn new(chain: ChainId) -> Self {
        Self {
            chain,
            number: 0,
            link: Digest::of(&[b"relevo chain 1", chain.as_slice()]),
        }
    }

    /// The chain with one entry more.
    #[must_use]
    pub fn with(&self, client_id: ClientId) -> Self {
        Self {
            chain: self.chain,
            number: self.number.saturating_add(1),
            link: Digest::of(&[self.link.as_bytes(), client_id.as_bytes()]),
        }
    }
}

/// The chain of a device in a conversation, as far as it is known here.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn load(
    connection: &Connection,
    key: ConversationKey,
    device: DeviceId,
) -> Result<Option<Chain>> {
    let mut statement = connection.prepare_cached(
        "SELECT chain, number, link FROM chains WHERE conversation = ?1 AND device = ?2",
    )?;
    Ok(statement
        .query_row((key.0, device.as_bytes()), |row| {
            Ok(Chain {
                chain: id(row, "chain", chain_id)?,
                number: unsigned(row.get("number")?),
                link: id(row, "link", Digest::from_slice)?,
            })
        })
        .optional()?)
}

/// Keeps how far a chain is.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn save(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    device: DeviceId,
    chain: &Chain,
) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT INTO chains (conversation, device, chain, number, link) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (conversation, device) DO UPDATE
             SET chain = excluded.chain, number = excluded.number, link = excluded.link",
        )?
        .execute((
            key.0,
            device.as_bytes(),
            chain.chain.as_slice(),
            signed(chain.number),
            chain.link.as_bytes(),
        ))?;
    Ok(())
}

/// Forgets our chain: this device begins another, in which the numbers of the former one mean nothing.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn forget(write: &WriteTransaction<'_>, key: ConversationKey, device: DeviceId) -> Result<()> {
    write
        .connection()
        .prepare_cached("DELETE FROM chains WHERE conversation = ?1 AND device = ?2")?
        .execute((key.0, device.as_bytes()))?;
    write
        .connection()
        .prepare_cached("UPDATE outbox SET again = NULL WHERE conversation = ?1")?
        .execute([key.0])?;
    Ok(())
}

/// Forgets the chains of others: what they seal next is taken as a beginning.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn forget_others(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    own: DeviceId,
) -> Result<()> {
    write
        .connection()
        .prepare_cached("DELETE FROM chains WHERE conversation = ?1 AND device <> ?2")?
        .execute((key.0, own.as_bytes()))?;
    Ok(())
}

/// Remembers which of our messages has a number of our chain.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note_sent(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    chain: ChainId,
    number: u64,
    message: i64,
) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "INSERT OR IGNORE INTO sent_numbers (conversation, chain, number, message) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute((key.0, chain.as_slice(), signed(number), message))?;
    Ok(())
}

/// One of our messages that the relay took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// Its row.
    pub row: i64,
    /// Its position in the stream.
    pub seq: u64,
    /// The chain that it was sealed in, and its number there.
    pub place: (ChainId, u64),
}

impl SentMessage {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row: row.get("message")?,
            seq: unsigned(row.get("seq")?),
            place: (id(row, "chain", chain_id)?, unsigned(row.get("number")?)),
        })
    }
}

/// Our messages with numbers in a range of a chain, at most `limit`, ascending.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn sent_between(
    connection: &Connection,
    key: ConversationKey,
    chain: ChainId,
    range: (u64, u64),
    limit: u32,
) -> Result<Vec<SentMessage>> {
    let mut statement = connection.prepare_cached(
        "SELECT s.message, coalesce(m.seq, 0) AS seq, s.chain, s.number
         FROM sent_numbers s JOIN messages m ON m.id = s.message
         WHERE s.conversation = ?1 AND s.chain = ?2 AND s.number BETWEEN ?3 AND ?4 ORDER BY s.number LIMIT ?5",
    )?;
    let rows = statement.query_map(
        (
            key.0,
            chain.as_slice(),
            signed(range.0),
            signed(range.1),
            limit,
        ),
        SentMessage::read,
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Our messages with positions in a range of the stream, whatever chain they are of: the first ones, at most `limit`, ascending.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn sent_at(
    connection: &Connection,
    key: ConversationKey,
    range: (u64, u64),
    limit: u32,
) -> Result<Vec<SentMessage>> {
    let mut statement = connection.prepare_cached(
        "SELECT s.message, m.seq, s.chain, s.number FROM messages m JOIN sent_numbers s ON s.message = m.id
         WHERE m.conversation = ?1 AND m.seq BETWEEN ?2 AND ?3 AND m.mine = 1 ORDER BY m.seq LIMIT ?4",
    )?;
    let range = (signed(range.0), signed(range.1));
    let rows = statement.query_map((key.0, range.0, range.1, limit), SentMessage::read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The newest of our messages after a position, at most `limit`, ascending.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn sent_after(
    connection: &Connection,
    key: ConversationKey,
    seq: u64,
    limit: u32,
) -> Result<Vec<SentMessage>> {
    let mut statement = connection.prepare_cached(
        "SELECT s.message, m.seq, s.chain, s.number FROM messages m JOIN sent_numbers s ON s.message = m.id
         WHERE m.conversation = ?1 AND m.seq > ?2 AND m.mine = 1 ORDER BY m.seq DESC LIMIT ?3",
    )?;
    let rows = statement.query_map((key.0, signed(seq), limit), SentMessage::read)?;
    let mut newest = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    newest.reverse();
    Ok(newest)
}

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

/// Notes that entries are missing and tells of it in a line before `seq`.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note_missing(
    write: &WriteTransaction<'_>,
    missing: &Missing,
    line: &messages::NewMessage<'_>,
) -> Result<()> {
    let Some(row) = messages::insert(write, line)? else {
        return Ok(());
    };
    let last = missing
        .last
        .min(missing.first.saturating_add(MOST_MISSING - 1));
    for number in missing.first..=last {
        write
            .connection()
            .prepare_cached(
                "INSERT OR IGNORE INTO gaps (conversation, device, chain, number, message) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((
                missing.key.0,
                missing.device.as_bytes(),
                missing.chain.as_slice(),
                signed(number),
                row,
            ))?;
    }
    conversations::announce(write, missing.key);
    Ok(())
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
    write.connection().execute(
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

/// Closes gaps: these numbers arrived after all, or were no messages. A line that tells of nothing any more goes.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn close(write: &WriteTransaction<'_>, closed: &Missing) -> Result<()> {
    let lines: Vec<i64> = {
        let mut statement = write.connection().prepare_cached(
            "DELETE FROM gaps WHERE conversation = ?1 AND device = ?2 AND chain = ?3 AND number BETWEEN ?4 AND ?5
             RETURNING message",
        )?;
        let rows = statement.query_map(
            (
                closed.key.0,
                closed.device.as_bytes(),
                closed.chain.as_slice(),
                signed(closed.first),
                signed(closed.last),
            ),
            |row| row.get(0),
        )?;
        let mut lines = rows.collect::<rusqlite::Result<Vec<i64>>>()?;
        lines.dedup();
        lines
    };
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

/// The first and last number that are still missing of a chain, after those named.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn missing_of(connection: &Connection, of: &Missing) -> Result<Option<(u64, u64)>> {
    let (first, last): (Option<i64>, Option<i64>) = connection
        .prepare_cached(
            "SELECT min(number), max(number) FROM gaps
             WHERE conversation = ?1 AND device = ?2 AND chain = ?3 AND number > ?4",
        )?
        .query_row(
            (
                of.key.0,
                of.device.as_bytes(),
                of.chain.as_slice(),
                signed(of.last),
            ),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
    Ok(first
        .zip(last)
        .map(|(first, last)| (unsigned(first), unsigned(last))))
}

/// All that is missing in a conversation: for each chain the first and last number.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn all_missing(
    connection: &Connection,
    key: ConversationKey,
) -> Result<Vec<(ChainId, u64, u64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT chain, min(number) AS first, max(number) AS last FROM gaps
         WHERE conversation = ?1 AND number > 0 GROUP BY device, chain",
    )?;
    let rows = statement.query_map([key.0], |row| {
        Ok((
            id(row, "chain", chain_id)?,
            unsigned(row.get("first")?),
            unsigned(row.get("last")?),
        ))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn chain_id(bytes: &[u8]) -> Option<ChainId> {
    <[u8; 8]>::try_from(bytes).ok().map(ByteArray::from)
}

/// How many entries are known to be missing, in all conversations.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn count_missing(connection: &Connection) -> Result<u32> {
    Ok(
        connection.query_row("SELECT count(*) FROM gaps WHERE number > 0", [], |row| {
            row.get(0)
        })?,
    )
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
