//! Column `handle` of `accounts`.

use protocol::{AccountId, ErrorCode, Refusal};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use super::{Fault, writer::Tx};
use crate::store::Identity;

/// Gives an account a handle that no other has, or takes it away.
pub(super) fn set(
    tx: &mut Tx<'_>,
    (caller, handle): &(Identity, Option<String>),
) -> Result<(), Fault> {
    let own = caller.account_row.0;
    let taken: bool = tx
        .connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM accounts WHERE handle = ?1 AND id <> ?2)")?
        .query_row((handle, own), |row| row.get(0))?;
    if taken {
        return Err(Refusal::new(ErrorCode::Taken).into());
    }
    tx.connection
        .prepare_cached("UPDATE accounts SET handle = ?2 WHERE id = ?1")?
        .execute((own, handle))?;
    Ok(())
}

/// The account that has a handle, unless it blocked who asks: that is as if nobody had it, by the same query.
pub(super) fn find(
    connection: &Connection,
    caller: Identity,
    handle: &str,
) -> SqlResult<Option<AccountId>> {
    connection
        .prepare_cached(
            "SELECT a.account FROM accounts a WHERE a.handle = ?1
             AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.account = a.id AND b.blocked = ?2)",
        )?
        .query_row((handle, caller.account.as_bytes()), |row| {
            row.get(0).map(AccountId::new)
        })
        .optional()
}
