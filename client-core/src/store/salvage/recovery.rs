//! What the copy has of an account's recovery, where only the key slots kept the account: they do not know the record.

use rusqlite::{Connection, named_params, types::Value};

use crate::{
    crypto::AccountKeys,
    error::Result,
    store::{
        Identity,
        salvage::source::{Gap, Source},
    },
};

/// Where the columns stand that are read of the copy.
const COLUMNS: [&str; 6] = [
    "keys",
    "record",
    "record_signature",
    "record_told",
    "recovery_code",
    "recovery_due",
];

/// Takes the recovery record, and the code that waits for the person while the root key is here. Another device's, or another
/// account's, is left alone.
///
/// # Errors
/// [`crate::ErrorKind::Database`].
pub(super) fn take_over(
    connection: &Connection,
    copy: &mut Source<'_>,
    identity: &Identity,
) -> Result<()> {
    let keys = AccountKeys::from_bytes(&identity.keys)?;
    let there = copy.tables().remove("account").unwrap_or_default();
    // an older copy has fewer
    let columns: Vec<String> = COLUMNS
        .iter()
        .filter(|column| there.iter().any(|it| it == *column))
        .map(|column| (*column).to_owned())
        .collect();
    let mut found = None;
    copy.read("account", &columns, Gap::ALL, &mut |(_, values)| {
        found = Some(values);
        Ok(())
    })?;
    let Some(values) = found else {
        return Ok(());
    };
    let value = |name: &str| {
        let mut named = columns.iter().zip(&values);
        named
            .find(|(column, _)| *column == name)
            .map(|(_, value)| value)
    };
    let Some(copied) = keys_in(value("keys")) else {
        return Ok(());
    };
    if (copied.account(), copied.device()) != (keys.account(), keys.device()) {
        return Ok(());
    }
    let awaits = keys.has_root_key();
    connection.execute(
        "UPDATE account SET record = :record, record_signature = :signature, record_told = coalesce(:told, 0),
             recovery_code = :code, recovery_due = coalesce(:due, 0), unwiped = :unwiped WHERE id = 1",
        named_params! {
            ":record": value("record"),
            ":signature": value("record_signature"),
            ":told": value("record_told"),
            ":code": value("recovery_code").filter(|_| awaits),
            ":due": value("recovery_due").filter(|_| awaits),
            // the copy is older than the code's leaving, and still holds the key that went with it
            ":unwiped": copied.has_root_key() && !awaits,
        },
    )?;
    Ok(())
}

fn keys_in(value: Option<&Value>) -> Option<AccountKeys> {
    match value {
        Some(Value::Blob(bytes)) => AccountKeys::from_bytes(bytes).ok(),
        _ => None,
    }
}
