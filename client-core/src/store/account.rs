//! The one row that says whose database this is.

mod counts;
mod recovery;

use protocol::{AccountId, Address, Digest, RelayId, StoreGeneration, Token, identity::Manifest};
use rusqlite::{Connection, OptionalExtension as _, named_params};
use zeroize::Zeroizing;

pub use self::{
    counts::{
        count_sent, count_taken, sent, set_sent, set_taken, settle_sent, taken, uncount_sent,
    },
    recovery::{
        Record, confirm_recovery, is_recovery_due, is_unwiped, note_wiped, record, set_record,
        set_record_told, set_recovery_code, set_recovery_due, untold_record,
    },
};
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
