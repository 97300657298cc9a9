//! The account's row as the key slots keep it, and back.

use protocol::Token;
use rusqlite::{Connection, named_params};
use zeroize::Zeroizing;

use crate::{
    crypto::AccountKeys,
    error::Result,
    model::Privacy,
    store::{account, account::AccountRow},
};

/// What a new database of the same device needs. Without it, a damaged database would end the account on this computer.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// The long-term keys, as [`crate::crypto::AccountKeys::to_bytes`] writes them: leaf key, login key and device id.
    pub keys: Zeroizing<Vec<u8>>,
    /// The relay's addresses.
    pub addresses: Vec<String>,
    /// The account's newest manifest.
    pub manifest: Vec<u8>,
    /// The account's name.
    pub name: String,
    /// The invite's token while the relay has not made the account.
    pub registration: Option<Token>,
    /// The relay's signed word that it made the account.
    pub receipt: Option<Vec<u8>>,
    /// What others may see.
    pub privacy: Privacy,
    /// The handle, as the relay confirmed it.
    pub handle: Option<String>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Identity(…)")
    }
}

/// Reads what the key slots keep.
///
/// # Errors
/// [`crate::ErrorKind::Database`]; [`crate::ErrorKind::NotFound`] in a database without an account.
pub(crate) fn load(connection: &Connection) -> Result<Identity> {
    let row = account::load(connection)?;
    let receipt = connection
        .prepare_cached("SELECT receipt FROM account WHERE id = 1")?
        .query_row([], |row| row.get(0))?;
    Ok(Identity {
        keys: row.keys,
        addresses: row.addresses,
        manifest: row.manifest,
        name: row.name,
        registration: row.registration,
        receipt,
        privacy: row.privacy,
        handle: row.handle,
    })
}

/// What the key slots keep of a row that is about to be written.
pub(crate) fn of_row(row: &AccountRow) -> Identity {
    Identity {
        keys: Zeroizing::new(row.keys.to_vec()),
        addresses: row.addresses.clone(),
        manifest: row.manifest.clone(),
        name: row.name.clone(),
        registration: row.registration,
        receipt: None,
        privacy: row.privacy,
        handle: row.handle.clone(),
    }
}

/// Writes the row from what the key slots kept, unless there is one. Says whether it did.
///
/// # Errors
/// [`crate::ErrorKind::Database`]: the keys do not hold.
pub(crate) fn restore(connection: &Connection, identity: &Identity) -> Result<bool> {
    let keys = AccountKeys::from_bytes(&identity.keys)?;
    let written = connection.prepare_cached("INSERT INTO account (id, account, relay, addresses, keys, manifest, name, registration, receipt, privacy, handle)
         VALUES (1, :account, :relay, :addresses, :keys, :manifest, :name, :registration, :receipt, :privacy, :handle)
         ON CONFLICT DO NOTHING")?.execute(
        named_params! {
            ":account": keys.account().as_bytes(),
            ":relay": keys.relay().as_bytes(),
            ":addresses": identity.addresses.join("\n"),
            ":keys": *identity.keys,
            ":manifest": identity.manifest,
            ":name": identity.name,
            ":registration": identity.registration.map(|token: Token| *token.as_bytes()),
            ":receipt": identity.receipt,
            ":privacy": account::privacy_bits(identity.privacy),
            ":handle": identity.handle,
        },
    )?;
    account::note_own_manifest(connection, &identity.manifest)?;
    Ok(written > 0)
}
