//! Hash chains over what a device sealed in a conversation, by which a receiver sees that something never arrived.

use minicbor::bytes::ByteArray;
use protocol::{ClientId, DeviceId, Digest};
use rusqlite::{Connection, OptionalExtension as _, Row};

use crate::{
    error::Result,
    model::ConversationKey,
    store::{WriteTransaction, id, signed, unsigned},
};

/// Chains of a device that are remembered after it began another.
pub(super) const MOST_FORMER: u32 = 16;
/// Devices of others whose chains are remembered in a conversation: those that wrote last. More never are in one.
const MOST_DEVICES: u32 = 64;

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

/// Names one entry of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// The chain that it was in.
    pub chain: ChainId,
    /// Its number in it.
    pub number: u64,
}

impl Numbered {
    /// What a row says that it repeats.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Option<Self>> {
        let number: Option<i64> = row.get("again")?;
        let chain: Option<Vec<u8>> = row.get("again_chain")?;
        let chain = chain.as_deref().and_then(chain_id);
        Ok(number.zip(chain).map(|(number, chain)| Self {
            chain,
            number: unsigned(number),
        }))
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

/// Keeps how far the chain of another is, and where its newest entry lies in the stream.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn save_seen(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    device: DeviceId,
    chain: &Chain,
    seq: u64,
) -> Result<()> {
    save(write, key, device, chain)?;
    write
        .connection()
        .prepare_cached("UPDATE chains SET seq = ?3 WHERE conversation = ?1 AND device = ?2")?
        .execute((key.0, device.as_bytes(), signed(seq)))?;
    forget_silent(write, key)
}

/// Forgets those who wrote longest ago, where there are too many. Our own chain has no seq, and stays.
fn forget_silent(write: &WriteTransaction<'_>, key: ConversationKey) -> Result<()> {
    let forgotten: Vec<Vec<u8>> = {
        let mut statement = write.connection().prepare_cached(
            "DELETE FROM chains WHERE conversation = ?1 AND seq > 0 AND device NOT IN
                 (SELECT device FROM chains WHERE conversation = ?1 AND seq > 0 ORDER BY seq DESC LIMIT ?2)
             RETURNING device",
        )?;
        let rows = statement.query_map((key.0, MOST_DEVICES), |row| row.get(0))?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    for device in forgotten {
        write
            .connection()
            .prepare_cached("DELETE FROM former_chains WHERE conversation = ?1 AND device = ?2")?
            .execute((key.0, device))?;
    }
    Ok(())
}

/// Whether nothing was ever seen of this device of another, while something was of others. Our own chain has no seq.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_new(connection: &Connection, key: ConversationKey, device: DeviceId) -> Result<bool> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM chains WHERE conversation = ?1 AND seq > 0
             AND NOT EXISTS (SELECT 1 FROM chains WHERE conversation = ?1 AND device = ?2)",
        )?
        .exists((key.0, device.as_bytes()))?)
}

/// Whether anything was ever seen of a device of another.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn knows_others(connection: &Connection, key: ConversationKey, own: DeviceId) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM chains WHERE conversation = ?1 AND device <> ?2")?
        .exists((key.0, own.as_bytes()))?)
}

/// Where the newest entry of another's chain lies in the stream; 0 before the first.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn seen_up_to(connection: &Connection, key: ConversationKey, device: DeviceId) -> Result<u64> {
    let seq: Option<i64> = connection
        .prepare_cached("SELECT seq FROM chains WHERE conversation = ?1 AND device = ?2")?
        .query_row((key.0, device.as_bytes()), |row| row.get(0))
        .optional()?;
    Ok(seq.map_or(0, unsigned))
}

/// Ends a chain: the device begins another. How far it was is remembered.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn end(write: &WriteTransaction<'_>, key: ConversationKey, device: DeviceId) -> Result<()> {
    let of_device = (key.0, device.as_bytes());
    let connection = write.connection();
    connection
        .prepare_cached(
            "INSERT INTO former_chains (conversation, device, chain, number)
             SELECT conversation, device, chain, number FROM chains WHERE conversation = ?1 AND device = ?2
             ON CONFLICT DO NOTHING",
        )?
        .execute(of_device)?;
    connection
        .prepare_cached("DELETE FROM chains WHERE conversation = ?1 AND device = ?2")?
        .execute(of_device)?;
    connection
        .prepare_cached(
            "DELETE FROM former_chains WHERE conversation = ?1 AND device = ?2 AND id NOT IN
                 (SELECT id FROM former_chains WHERE conversation = ?1 AND device = ?2 ORDER BY id DESC LIMIT ?3)",
        )?
        .execute((key.0, device.as_bytes(), MOST_FORMER))?;
    Ok(())
}

/// How many entries a device has at the relay in a conversation, as far as that is known here.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn count(connection: &Connection, key: ConversationKey, device: DeviceId) -> Result<u32> {
    let count: i64 = connection
        .prepare_cached(
            "SELECT coalesce(sum(number), 0) FROM
                 (SELECT number FROM chains WHERE conversation = ?1 AND device = ?2
                  UNION ALL SELECT number FROM former_chains WHERE conversation = ?1 AND device = ?2)",
        )?
        .query_row((key.0, device.as_bytes()), |row| row.get(0))?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How far a chain was that a device has ended; `None` for one that is not remembered.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn former(
    connection: &Connection,
    key: ConversationKey,
    device: DeviceId,
    chain: ChainId,
) -> Result<Option<u64>> {
    let number: Option<i64> = connection
        .prepare_cached(
            "SELECT number FROM former_chains WHERE conversation = ?1 AND device = ?2 AND chain = ?3",
        )?
        .query_row((key.0, device.as_bytes(), chain.as_slice()), |row| row.get(0))
        .optional()?;
    Ok(number.map(unsigned))
}

/// Forgets all chains of a device: the conversation that they were in has ended.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn forget(write: &WriteTransaction<'_>, key: ConversationKey, device: DeviceId) -> Result<()> {
    for table in ["chains", "former_chains"] {
        write
            .connection()
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE conversation = ?1 AND device = ?2"
            ))?
            .execute((key.0, device.as_bytes()))?;
    }
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
    for table in ["chains", "former_chains"] {
        write
            .connection()
            .prepare_cached(&format!(
                "DELETE FROM {table} WHERE conversation = ?1 AND device <> ?2"
            ))?
            .execute((key.0, own.as_bytes()))?;
    }
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

/// How far a chain of ours is known here: a copy of this database may have had more of it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn known_up_to(
    connection: &Connection,
    key: ConversationKey,
    own: DeviceId,
    chain: ChainId,
) -> Result<u64> {
    if let Some(present) = load(connection, key, own)?.filter(|present| present.chain == chain) {
        return Ok(present.number);
    }
    if let Some(number) = former(connection, key, own, chain)? {
        return Ok(number);
    }
    let sent: Option<i64> = connection
        .prepare_cached(
            "SELECT max(number) FROM sent_numbers WHERE conversation = ?1 AND chain = ?2",
        )?
        .query_row((key.0, chain.as_slice()), |row| row.get(0))?;
    Ok(sent.map_or(0, unsigned))
}

/// Where the relay put a message of ours, and when.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn sent_at(
    connection: &Connection,
    key: ConversationKey,
    sent: Numbered,
) -> Result<Option<(u64, u64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT m.seq, m.time FROM sent_numbers s JOIN messages m ON m.id = s.message
         WHERE s.conversation = ?1 AND s.chain = ?2 AND s.number = ?3 AND m.seq IS NOT NULL",
    )?;
    let place = (key.0, sent.chain.as_slice(), signed(sent.number));
    Ok(statement
        .query_row(place, |row| {
            Ok((unsigned(row.get(0)?), unsigned(row.get(1)?)))
        })
        .optional()?)
}

/// Our messages with numbers in a range, at most `limit`, ascending: number and row.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn sent_between(
    connection: &Connection,
    key: ConversationKey,
    chain: ChainId,
    range: (u64, u64),
    limit: u32,
) -> Result<Vec<(u64, i64)>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, message FROM sent_numbers
         WHERE conversation = ?1 AND chain = ?2 AND number BETWEEN ?3 AND ?4 ORDER BY number LIMIT ?5",
    )?;
    let rows = statement.query_map(
        (
            key.0,
            chain.as_slice(),
            signed(range.0),
            signed(range.1),
            limit,
        ),
        |row| Ok((unsigned(row.get(0)?), row.get(1)?)),
    )?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn chain_id(bytes: &[u8]) -> Option<ChainId> {
    <[u8; 8]>::try_from(bytes).ok().map(ByteArray::from)
}
