//! The one row that says whose database this is.

use protocol::{
    AccountId, Address, Digest, RelayId, Signature, StoreGeneration, Token, identity::Manifest,
};
use rusqlite::{Connection, OptionalExtension as _, named_params};
use zeroize::Zeroizing;

use crate::{
    content::ShortDigest,
    crypto::AccountKeys,
    error::Result,
    event::Event,
    model::Privacy,
    store::{WriteTransaction, id, signed, unsigned},
};

/// The account as kept.
pub struct AccountRow {
    /// Its id.
    pub account: AccountId,
    /// The pinned relay.
    pub relay: RelayId,
    /// The relay's addresses.
    pub addresses: Vec<String>,
    /// The encoded secret keys.
    pub keys: Zeroizing<Vec<u8>>,
    /// The newest manifest.
    pub manifest: Vec<u8>,
    /// The own name.
    pub name: String,
    /// The invite's token while the relay has not made the account.
    pub registration: Option<Token>,
    /// The relay's clock minus ours, ms.
    pub relay_offset: i64,
    /// The relay's signed word that it made the account.
    pub receipt: Option<Vec<u8>>,
    /// What others may see.
    pub privacy: Privacy,
    /// The handle, as the relay confirmed it.
    pub handle: Option<String>,
    /// The recovery code until the person confirmed it: secret.
    pub recovery_code: Option<Zeroizing<[u8; 32]>>,
    /// Whether this device waits to be let in by its certificate in the manifest.
    pub enrolling: bool,
    /// Whether the account removed this device, as the relay said last.
    pub removed: bool,
}

impl AccountRow {
    /// The row of a new account, or of one that comes to this computer; without a name.
    #[must_use]
    pub fn new(
        keys: &AccountKeys,
        manifest: Vec<u8>,
        addresses: &[Address],
        registration: Option<Token>,
    ) -> Self {
        Self {
            account: keys.account(),
            relay: keys.relay(),
            addresses: addresses.iter().map(ToString::to_string).collect(),
            keys: keys.to_bytes(),
            manifest,
            name: String::new(),
            registration,
            relay_offset: 0,
            receipt: None,
            privacy: DEFAULT_PRIVACY,
            handle: None,
            recovery_code: None,
            enrolling: false,
            removed: false,
        }
    }

    /// Whether the relay has the account, and this device in it, as far as is known here.
    #[must_use]
    pub const fn is_made(&self) -> bool {
        self.registration.is_none() && !self.enrolling
    }
}

/// Everything is shown until the person says otherwise.
pub const DEFAULT_PRIVACY: Privacy = Privacy {
    read_receipts: true,
    typing: true,
    announce: true,
};

/// Writes the row of a new database.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn insert(write: &WriteTransaction<'_>, row: &AccountRow) -> Result<()> {
    write.execute(
        "INSERT INTO account (id, account, relay, addresses, keys, manifest, name, registration, recovery_code, enrolling)
         VALUES (1, :account, :relay, :addresses, :keys, :manifest, :name, :registration, :recovery_code, :enrolling)",
        named_params! {
            ":account": row.account.as_bytes(),
            ":relay": row.relay.as_bytes(),
            ":addresses": row.addresses.join("\n"),
            ":keys": *row.keys,
            ":manifest": row.manifest,
            ":name": row.name,
            ":registration": row.registration.map(|token| *token.as_bytes()),
            ":recovery_code": row.recovery_code.as_ref().map(|code| code.as_slice()),
            ":enrolling": row.enrolling,
        },
    )?;
    note_own_manifest(write.connection(), &row.manifest)
}

/// Reads the row.
///
/// # Errors
/// [`crate::ErrorKind::Database`]; [`crate::ErrorKind::NotFound`] in a database without an account.
pub fn load(connection: &Connection) -> Result<AccountRow> {
    let row = connection.prepare_cached("SELECT account, relay, addresses, keys, manifest, name, registration, relay_offset, receipt, privacy, handle,
             recovery_code, enrolling, removed FROM account WHERE id = 1")?.query_row(
        [],
        |row| {
            let addresses: String = row.get("addresses")?;
            let registration: Option<Vec<u8>> = row.get("registration")?;
            Ok(AccountRow {
                account: id(row, "account", AccountId::from_slice)?,
                relay: id(row, "relay", RelayId::from_slice)?,
                addresses: addresses.lines().map(str::to_owned).collect(),
                keys: Zeroizing::new(row.get("keys")?),
                manifest: row.get("manifest")?,
                name: row.get("name")?,
                registration: registration.as_deref().and_then(Token::from_slice),
                relay_offset: row.get("relay_offset")?,
                receipt: row.get("receipt")?,
                privacy: privacy_from(row.get("privacy")?),
                handle: row.get("handle")?,
                recovery_code: row
                    .get::<_, Option<[u8; 32]>>("recovery_code")?
                    .map(Zeroizing::new),
                enrolling: row.get("enrolling")?,
                removed: row.get("removed")?,
            })
        },
    )?;
    Ok(row)
}

/// Sets where the relay is.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_addresses(write: &WriteTransaction<'_>, addresses: &[Address]) -> Result<()> {
    let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
    write.execute(
        "UPDATE account SET addresses = ?1 WHERE id = 1",
        [addresses.join("\n")],
    )?;
    Ok(())
}

/// Sets the own name.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_name(write: &WriteTransaction<'_>, name: &str) -> Result<()> {
    write.execute("UPDATE account SET name = ?1 WHERE id = 1", [name])?;
    write.announce(Event::MeChanged);
    Ok(())
}

/// Notes that the relay made the account.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_registered(write: &WriteTransaction<'_>, receipt: &[u8]) -> Result<()> {
    write.execute(
        "UPDATE account SET registration = NULL, receipt = ?1 WHERE id = 1",
        [receipt],
    )?;
    Ok(())
}

/// The relay let this device in by its certificate.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_enrolled(write: &WriteTransaction<'_>) -> Result<()> {
    write.execute("UPDATE account SET enrolling = 0 WHERE id = 1", [])?;
    Ok(())
}

/// Notes whether the account removed this device.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_removed(write: &WriteTransaction<'_>, removed: bool) -> Result<()> {
    write.execute("UPDATE account SET removed = ?1 WHERE id = 1", [removed])?;
    Ok(())
}

/// Remembers a manifest of our own, to recognise what others saw of us.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub(crate) fn note_own_manifest(connection: &Connection, manifest: &[u8]) -> Result<()> {
    // a manifest that cannot be read is the trouble of whoever uses it
    if let Ok(opened) = Manifest::open(manifest) {
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO own_manifests (number, bytes, digest) VALUES (?1, ?2, ?3)",
            )?
            .execute((
                signed(opened.number),
                manifest,
                Digest::of(&[manifest]).as_bytes(),
            ))?;
    }
    Ok(())
}

/// Whether this account never signed a manifest of this number and digest, as far as it can tell: one of its own has the number and
/// another digest, or none has so high a number. Of lists that an earlier device made it may remember only the last.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_foreign_manifest(
    connection: &Connection,
    number: Option<u64>,
    digest: &ShortDigest,
) -> Result<bool> {
    let known = connection
        .prepare_cached("SELECT 1 FROM own_manifests WHERE substr(digest, 1, 16) = ?1")?
        .exists([digest.as_slice()])?;
    if known {
        return Ok(false);
    }
    let (kept, newest): (i64, i64) = connection
        .prepare_cached("SELECT count(*), coalesce(max(number), 0) FROM own_manifests")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(number) = number.map(signed) else {
        // without a number it could be any that is not remembered
        return Ok(kept == newest);
    };
    Ok(number > newest
        || connection
            .prepare_cached("SELECT 1 FROM own_manifests WHERE number = ?1")?
            .exists([number])?)
}

/// The number of our newest manifest.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn own_manifest_number(connection: &Connection) -> Result<u64> {
    let number: i64 = connection
        .prepare_cached("SELECT coalesce(max(number), 0) FROM own_manifests")?
        .query_row([], |row| row.get(0))?;
    Ok(unsigned(number))
}

/// Our manifests after a number, ascending.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn own_manifests_after(connection: &Connection, number: u64) -> Result<Vec<Vec<u8>>> {
    let mut statement = connection
        .prepare_cached("SELECT bytes FROM own_manifests WHERE number > ?1 ORDER BY number")?;
    let rows = statement.query_map([signed(number)], |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Counts entries made for the relay, before they leave.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn count_sent(write: &WriteTransaction<'_>, entries: usize) -> Result<()> {
    write
        .connection()
        .prepare_cached("UPDATE account SET sent = sent + ?1 WHERE id = 1")?
        .execute([signed(entries as u64)])?;
    Ok(())
}

/// How many entries this device ever made for the relay.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn sent(connection: &Connection) -> Result<u64> {
    let sent: i64 = connection
        .prepare_cached("SELECT sent FROM account WHERE id = 1")?
        .query_row([], |row| row.get(0))?;
    Ok(unsigned(sent))
}

/// Takes over the relay's count, after everything that depends on it was begun anew.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_sent(write: &WriteTransaction<'_>, sent: u64) -> Result<()> {
    write.execute("UPDATE account SET sent = ?1 WHERE id = 1", [signed(sent)])?;
    Ok(())
}

/// Takes entries out of our count that the relay refused for good. A count that stays too high is one behind which an older copy
/// of this database could hide.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn uncount_sent(write: &WriteTransaction<'_>, entries: usize) -> Result<()> {
    write
        .connection()
        .prepare_cached("UPDATE account SET sent = max(sent - ?1, taken) WHERE id = 1")?
        .execute([signed(entries as u64)])?;
    Ok(())
}

/// Lowers our count to what the relay took, and what it may still take of what is stored: what was made and dropped without an
/// answer is not counted any more. Says whether the relay surely took nothing of what is stored.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn settle_sent(write: &WriteTransaction<'_>, taken: u64) -> Result<bool> {
    let stored: i64 = write
        .connection()
        .prepare_cached(
            "SELECT (SELECT count(*) FROM outbox WHERE sealed IS NOT NULL)
             + (SELECT count(*) FROM openings WHERE request IS NOT NULL)
             + (SELECT count(*) FROM rejoins WHERE request IS NOT NULL)
             + (SELECT count(*) FROM renewals WHERE request IS NOT NULL)",
        )?
        .query_row((), |row| row.get(0))?;
    let most = signed(taken).saturating_add(stored);
    write.execute(
        "UPDATE account SET sent = min(sent, ?1) WHERE id = 1",
        [most],
    )?;
    Ok(signed(sent(write.connection())?) == most)
}

/// How many entries of this device the relay surely took, at least.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn taken(connection: &Connection) -> Result<u64> {
    let taken: i64 = connection
        .prepare_cached("SELECT taken FROM account WHERE id = 1")?
        .query_row([], |row| row.get(0))?;
    Ok(unsigned(taken))
}

/// Notes how many entries the relay took. Of what is stored and unanswered it may have counted some.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_taken(write: &WriteTransaction<'_>, taken: u64) -> Result<()> {
    write.execute(
        "UPDATE account SET taken = ?1,
             unsure = (SELECT count(*) FROM outbox WHERE sealed IS NOT NULL)
         WHERE id = 1",
        [signed(taken)],
    )?;
    Ok(())
}

/// Counts an entry of the outbox that the relay has now, unless it may have been counted before.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn count_taken(write: &WriteTransaction<'_>) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "UPDATE account SET taken = taken + (unsure = 0), unsure = max(unsure - 1, 0) WHERE id = 1",
        )?
        .execute([])?;
    Ok(())
}

/// Sets what others may see.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_privacy(write: &WriteTransaction<'_>, privacy: Privacy) -> Result<()> {
    write.execute(
        "UPDATE account SET privacy = ?1 WHERE id = 1",
        [privacy_bits(privacy)],
    )?;
    Ok(())
}

/// Sets the handle that the relay confirmed.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_handle(write: &WriteTransaction<'_>, handle: Option<&str>) -> Result<()> {
    write.execute("UPDATE account SET handle = ?1 WHERE id = 1", [handle])?;
    write.announce(Event::MeChanged);
    Ok(())
}

/// Whether the person should write the recovery code down now. Where that cannot be read there are other worries.
#[must_use]
pub fn is_recovery_due(connection: &Connection) -> bool {
    connection
        .query_row("SELECT recovery_due FROM account WHERE id = 1", [], |row| {
            row.get(0)
        })
        .unwrap_or(false)
}

/// Somebody answered: the recovery code is worth writing down from now on. Says whether that is news.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_recovery_due(write: &WriteTransaction<'_>) -> Result<bool> {
    let changed = write
        .connection()
        .prepare_cached(
            "UPDATE account SET recovery_due = 1 WHERE id = 1 AND recovery_due = 0 AND recovery_code IS NOT NULL",
        )?
        .execute([])?;
    if changed > 0 {
        write.announce(Event::MeChanged);
    }
    Ok(changed > 0)
}

/// A recovery record, as the relay is told it.
pub struct Record {
    /// Its name, which the code tells.
    pub name: Token,
    /// Sealed by the code.
    pub bytes: Vec<u8>,
    /// By the root key; `None` in one of an early version.
    pub signature: Option<Signature>,
}

impl Record {
    fn column(&self) -> Vec<u8> {
        [self.name.as_bytes().as_slice(), &self.bytes].concat()
    }

    fn signature_column(&self) -> Option<&[u8]> {
        self.signature
            .as_ref()
            .map(|signature| signature.as_bytes().as_slice())
    }

    fn from_columns(record: &[u8], signature: Option<&[u8]>) -> Option<Self> {
        let (name, bytes) = record.split_at_checked(Token::LEN)?;
        Some(Self {
            name: Token::from_slice(name)?,
            bytes: bytes.to_vec(),
            signature: signature.and_then(Signature::from_slice),
        })
    }
}

/// Keeps a new recovery code until the person confirmed having written it down, and its record for the relay.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_recovery_code(
    write: &WriteTransaction<'_>,
    code: &[u8; 32],
    record: &Record,
) -> Result<()> {
    write.execute(
        "UPDATE account SET recovery_code = ?1, recovery_due = 0 WHERE id = 1",
        [code],
    )?;
    set_record(write, record)?;
    write.announce(Event::MeChanged);
    Ok(())
}

/// The person has the recovery code: it goes, and the root key with it. That they may live on in copies of the database stays
/// noted until [`note_wiped`].
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn confirm_recovery(write: &WriteTransaction<'_>, keys: &[u8]) -> Result<()> {
    write.execute(
        "UPDATE account SET recovery_code = NULL, recovery_due = 0, keys = ?1, unwiped = 1 WHERE id = 1",
        [keys],
    )?;
    write.announce(Event::MeChanged);
    Ok(())
}

/// Whether the root key left this database and may still lie beside it.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn is_unwiped(connection: &Connection) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT unwiped FROM account WHERE id = 1")?
        .query_row([], |row| row.get(0))?)
}

/// The root key lies in no copy of the database any more.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn note_wiped(write: &WriteTransaction<'_>) -> Result<()> {
    write.execute("UPDATE account SET unwiped = 0 WHERE id = 1", [])?;
    Ok(())
}

/// The recovery record that the relay has to be told, if any.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn untold_record(connection: &Connection) -> Result<Option<Record>> {
    read_record(
        connection,
        "SELECT CASE record_told WHEN 0 THEN record END, record_signature FROM account WHERE id = 1",
    )
}

/// The recovery record. `None` where this device never made one.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn record(connection: &Connection) -> Result<Option<Record>> {
    read_record(
        connection,
        "SELECT record, record_signature FROM account WHERE id = 1",
    )
}

fn read_record(connection: &Connection, sql: &str) -> Result<Option<Record>> {
    let (record, signature): (Option<Vec<u8>>, Option<Vec<u8>>) =
        connection
            .prepare_cached(sql)?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(record.and_then(|record| Record::from_columns(&record, signature.as_deref())))
}

/// Keeps the recovery record; the relay has to be told.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_record(write: &WriteTransaction<'_>, record: &Record) -> Result<()> {
    write.execute(
        "UPDATE account SET record = ?1, record_signature = ?2, record_told = 0 WHERE id = 1",
        (record.column(), record.signature_column()),
    )?;
    Ok(())
}

/// Whether the relay has the recovery record.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_record_told(write: &WriteTransaction<'_>, told: bool) -> Result<()> {
    write.execute("UPDATE account SET record_told = ?1 WHERE id = 1", [told])?;
    Ok(())
}

/// What others may see, as the database keeps it.
pub(crate) const fn privacy_from(bits: i64) -> Privacy {
    Privacy {
        read_receipts: bits & 1 != 0,
        typing: bits & 2 != 0,
        announce: bits & 4 != 0,
    }
}

/// The other way.
pub(crate) fn privacy_bits(privacy: Privacy) -> i64 {
    i64::from(privacy.read_receipts)
        | i64::from(privacy.typing) << 1
        | i64::from(privacy.announce) << 2
}

/// Notes which store the relay has now: in a stream that was not read since it was another one, positions may be left out.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn see_generation(write: &WriteTransaction<'_>, generation: StoreGeneration) -> Result<()> {
    write.execute(
        "UPDATE account SET seen_generation = ?1 WHERE id = 1",
        [generation.as_bytes()],
    )?;
    Ok(())
}

/// Notes what the relay said of itself at this connection.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_relay_facts(
    write: &WriteTransaction<'_>,
    generation: StoreGeneration,
    offset: i64,
) -> Result<()> {
    write.execute(
        "UPDATE account SET store_generation = ?1, relay_offset = ?2 WHERE id = 1",
        (generation.as_bytes(), offset),
    )?;
    Ok(())
}

/// The relay's store generation at the last connection.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn store_generation(connection: &Connection) -> Result<Option<StoreGeneration>> {
    let bytes: Option<Option<Vec<u8>>> = connection
        .prepare_cached("SELECT store_generation FROM account WHERE id = 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(bytes
        .flatten()
        .as_deref()
        .and_then(StoreGeneration::from_slice))
}
