//! People: pinned root keys, manifests, and the names they gave themselves.

mod succession;

use protocol::{AccountId, Digest, Key, identity::Manifest};
use rusqlite::{Connection, OptionalExtension as _};

use crate::{
    content::{self, ShortDigest},
    error::{Error, ErrorKind, Result},
    event::Event,
    store::{WriteTransaction, conversations, id, signed, unsigned},
};

/// Makes sure that there is a row for the account.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn ensure(write: &WriteTransaction<'_>, account: AccountId) -> Result<()> {
    write.execute(
        "INSERT INTO contacts (account) VALUES (?1) ON CONFLICT DO NOTHING",
        [account.as_bytes()],
    )?;
    Ok(())
}

/// Pins the root key, or compares it with the pinned one.
///
/// # Errors
/// [`ErrorKind::Crypto`] where another key was pinned; [`ErrorKind::Database`].
pub fn pin_root_key(write: &WriteTransaction<'_>, account: AccountId, root_key: Key) -> Result<()> {
    ensure(write, account)?;
    let pinned: Option<Vec<u8>> = write
        .connection()
        .prepare_cached("SELECT root_key FROM contacts WHERE account = ?1")?
        .query_row([account.as_bytes()], |row| row.get(0))?;
    match pinned {
        Some(pinned) if pinned == root_key.as_bytes() => Ok(()),
        Some(_) => Err(Error::new(
            ErrorKind::Crypto,
            "root key of a contact differs from the pinned one",
        )),
        None => {
            write.execute(
                "UPDATE contacts SET root_key = ?2 WHERE account = ?1",
                (account.as_bytes(), root_key.as_bytes()),
            )?;
            Ok(())
        }
    }
}

/// Keeps a checked manifest unless a newer one is known.
///
/// # Errors
/// [`ErrorKind::Crypto`] where it is of another root key, older than the known one, or contradicts it;
/// [`ErrorKind::Database`].
pub fn save_manifest(
    write: &WriteTransaction<'_>,
    manifest: &Manifest,
    bytes: &[u8],
) -> Result<()> {
    let account = manifest.account();
    pin_root_key(write, account, manifest.root_key)?;
    if let Some(stored) = self::manifest(write.connection(), account)? {
        if stored == bytes {
            return Ok(());
        }
        let known = Manifest::open(&stored).map_err(|error| {
            Error::new(ErrorKind::Database, format!("a kept manifest: {error}"))
        })?;
        succession::check(&known, &stored, manifest)
            .map_err(|what| Error::new(ErrorKind::Crypto, what))?;
    }
    // numbers above that of a list which begins them anew were never the account's own
    write.execute(
        "UPDATE contacts SET manifest = ?2, manifest_number = ?3,
             claimed_number = CASE WHEN ?3 <= manifest_number THEN ?3 ELSE claimed_number END
         WHERE account = ?1",
        (account.as_bytes(), bytes, signed(manifest.number)),
    )?;
    Ok(())
}

/// Sets the name that a contact gave itself; the row of its conversation changes with it.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_name(write: &WriteTransaction<'_>, account: AccountId, name: &str) -> Result<()> {
    let changed = write.execute(
        "UPDATE contacts SET name = ?2 WHERE account = ?1 AND name <> ?2",
        (account.as_bytes(), name),
    )?;
    announce_name(write, account, changed)
}

/// Sets what a contact goes by until it tells its name. One that has a name keeps it.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_first_name(write: &WriteTransaction<'_>, account: AccountId, name: &str) -> Result<()> {
    let changed = write.execute(
        "UPDATE contacts SET name = ?2 WHERE account = ?1 AND name = ''",
        (account.as_bytes(), name),
    )?;
    announce_name(write, account, changed)
}

fn announce_name(write: &WriteTransaction<'_>, account: AccountId, changed: usize) -> Result<()> {
    if changed > 0
        && let Some(key) = conversations::key_of_peer(write.connection(), account)?
    {
        write.announce(Event::ConversationChanged(key));
    }
    Ok(())
}

/// Notes that the contact proved to hold one of our links.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_consented(write: &WriteTransaction<'_>, account: AccountId) -> Result<()> {
    ensure(write, account)?;
    write.execute(
        "UPDATE contacts SET consented = 1 WHERE account = ?1",
        [account.as_bytes()],
    )?;
    Ok(())
}

/// Whether the contact proved to hold one of our links, or we opened one of its.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn has_consented(connection: &Connection, account: AccountId) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM contacts WHERE account = ?1 AND consented = 1")?
        .exists([account.as_bytes()])?)
}

/// The newest manifest of a contact that was seen.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn manifest(connection: &Connection, account: AccountId) -> Result<Option<Vec<u8>>> {
    let manifest: Option<Option<Vec<u8>>> = connection
        .prepare_cached("SELECT manifest FROM contacts WHERE account = ?1")?
        .query_row([account.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(manifest.flatten())
}

/// Number and shortened digest of the newest manifest of a contact that was seen. It was checked when it was kept.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn manifest_seen(
    connection: &Connection,
    account: AccountId,
) -> Result<Option<(u64, ShortDigest)>> {
    let seen: Option<(i64, Option<Vec<u8>>)> = connection
        .prepare_cached("SELECT manifest_number, manifest FROM contacts WHERE account = ?1")?
        .query_row([account.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(seen.and_then(|(number, bytes)| {
        let digest = content::short(Digest::of(&[&bytes?]));
        Some((unsigned(number), digest))
    }))
}

/// The pinned root key of a contact.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn root_key(connection: &Connection, account: AccountId) -> Result<Option<Key>> {
    let key: Option<Option<Vec<u8>>> = connection
        .prepare_cached("SELECT root_key FROM contacts WHERE account = ?1")?
        .query_row([account.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(key.flatten().as_deref().and_then(Key::from_slice))
}

/// Marks a contact as verified, or not.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn set_verified(
    write: &WriteTransaction<'_>,
    account: AccountId,
    verified: bool,
) -> Result<()> {
    write.execute(
        "UPDATE contacts SET verified = ?2 WHERE account = ?1",
        (account.as_bytes(), verified),
    )?;
    if let Some(key) = conversations::key_of_peer(write.connection(), account)? {
        write.announce(Event::ConversationChanged(key));
    }
    Ok(())
}

/// Whether the safety number of a contact was compared.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn is_verified(connection: &Connection, account: AccountId) -> Result<bool> {
    Ok(connection
        .prepare_cached("SELECT 1 FROM contacts WHERE account = ?1 AND verified = 1")?
        .exists([account.as_bytes()])?)
}

/// Notes that the relay shows different manifests of this account. Says whether that is news.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn note_split(write: &WriteTransaction<'_>, account: AccountId) -> Result<bool> {
    let changed = write.execute(
        "UPDATE contacts SET split = 1 WHERE account = ?1 AND split = 0",
        [account.as_bytes()],
    )?;
    Ok(changed > 0)
}

/// Notes a number of its own manifest that the contact named. Says whether a newer one than the known is waited for.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn note_claimed(write: &WriteTransaction<'_>, account: AccountId, number: u64) -> Result<()> {
    write
        .connection()
        .prepare_cached(
            "UPDATE contacts SET claimed_number = ?2 WHERE account = ?1 AND claimed_number < ?2",
        )?
        .execute((account.as_bytes(), signed(number)))?;
    Ok(())
}

/// Contacts that named a newer manifest of theirs than the one known here, or whose manifest was never seen.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn behind(connection: &Connection) -> Result<Vec<AccountId>> {
    let mut statement = connection.prepare_cached(
        "SELECT account FROM contacts WHERE claimed_number > manifest_number ORDER BY account",
    )?;
    let rows = statement.query_map([], |row| id(row, "account", AccountId::from_slice))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The highest number of its own manifest that a contact named.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn claimed_number(connection: &Connection, account: AccountId) -> Result<u64> {
    let number: Option<i64> = connection
        .prepare_cached("SELECT claimed_number FROM contacts WHERE account = ?1")?
        .query_row([account.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(number.map_or(0, unsigned))
}

/// The name that a contact gave itself, empty while unknown.
///
/// # Errors
/// [`ErrorKind::Database`].
pub fn name(connection: &Connection, account: AccountId) -> Result<String> {
    let name = connection
        .prepare_cached("SELECT name FROM contacts WHERE account = ?1")?
        .query_row([account.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(name.unwrap_or_default())
}
