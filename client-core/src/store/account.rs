//! The one row that says whose database this is.

use protocol::{AccountId, RelayId, StoreGeneration, Token};
use rusqlite::{Connection, OptionalExtension as _, named_params};
use zeroize::Zeroizing;

use crate::{
    error::Result,
    store::{WriteTransaction, id},
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
}

/// Writes the row of a new database.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn insert(write: &WriteTransaction<'_>, row: &AccountRow) -> Result<()> {
    write.connection().execute(
        "INSERT INTO account (id, account, relay, addresses, keys, manifest, name, registration)
         VALUES (1, :account, :relay, :addresses, :keys, :manifest, :name, :registration)",
        named_params! {
            ":account": row.account.as_bytes(),
            ":relay": row.relay.as_bytes(),
            ":addresses": row.addresses.join("\n"),
            ":keys": *row.keys,
            ":manifest": row.manifest,
            ":name": row.name,
            ":registration": row.registration.map(|token| *token.as_bytes()),
        },
    )?;
    Ok(())
}

/// Reads the row.
///
/// # Errors
/// [`crate::ErrorKind::Database`]; [`crate::ErrorKind::NotFound`] in a database without an account.
pub fn load(connection: &Connection) -> Result<AccountRow> {
    let row = connection.query_row(
        "SELECT account, relay, addresses, keys, manifest, name, registration, relay_offset FROM account WHERE id = 1",
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
            })
        },
    )?;
    Ok(row)
}

/// Sets the own name.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_name(write: &WriteTransaction<'_>, name: &str) -> Result<()> {
    write
        .connection()
        .execute("UPDATE account SET name = ?1 WHERE id = 1", [name])?;
    Ok(())
}

/// Notes that the relay made the account.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub fn set_registered(write: &WriteTransaction<'_>, receipt: &[u8]) -> Result<()> {
    write.connection().execute(
        "UPDATE account SET registration = NULL, receipt = ?1 WHERE id = 1",
        [receipt],
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
    write.connection().execute(
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
        .query_row(
            "SELECT store_generation FROM account WHERE id = 1",
            [],
            |row| row.get(0),
        )
        .optional()?;
    Ok(bytes
        .flatten()
        .as_deref()
        .and_then(StoreGeneration::from_slice))
}
