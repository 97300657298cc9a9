//! Table `blocks`: whom an account wants to hear nothing of.

use protocol::{AccountId, ConversationId, ErrorCode, Refusal, bounds};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use super::{Fault, accounts, conversations, writer::Tx};
use crate::store::{AccountRow, NewBlock};

/// Sets or ends a block, and names the direct conversation of the two where there is one. Blocking oneself is nothing.
pub(super) fn set(tx: &mut Tx<'_>, request: &NewBlock) -> Result<Option<ConversationId>, Fault> {
    let NewBlock {
        caller,
        account,
        blocked,
    } = *request;
    if account == caller.account {
        return Ok(None);
    }
    let own = caller.account_row;
    if blocked {
        let (count, known): (usize, bool) = tx
            .connection
            .prepare_cached(
                "SELECT count(*), coalesce(max(blocked = ?2), 0) FROM blocks WHERE account = ?1",
            )?
            .query_row((own.0, account.as_bytes()), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        if !known && count >= bounds::BLOCKS {
            return Err(Refusal::new(ErrorCode::Quota).into());
        }
        tx.connection
            .prepare_cached("INSERT OR IGNORE INTO blocks (account, blocked) VALUES (?1, ?2)")?
            .execute((own.0, account.as_bytes()))?;
    } else {
        tx.connection
            .prepare_cached("DELETE FROM blocks WHERE account = ?1 AND blocked = ?2")?
            .execute((own.0, account.as_bytes()))?;
    }
    crate::KillPoint::BlockWritten.reach();
    match accounts::row(tx.connection, account)? {
        Some(other) => Ok(conversations::of_pair(tx.connection, own, other)?),
        None => Ok(None),
    }
}

/// The accounts that an account blocked.
pub(super) fn list(connection: &Connection, account: AccountRow) -> SqlResult<Vec<AccountId>> {
    connection
        .prepare_cached("SELECT blocked FROM blocks WHERE account = ?1")?
        .query_map((account.0,), |row| row.get(0).map(AccountId::new))?
        .collect()
}

/// Those of the accounts that an account blocked which are known here.
pub(super) fn rows(connection: &Connection, account: AccountRow) -> SqlResult<Vec<AccountRow>> {
    connection
        .prepare_cached(
            "SELECT a.id FROM blocks b JOIN accounts a ON a.account = b.blocked WHERE b.account = ?1",
        )?
        .query_map((account.0,), |row| row.get(0).map(AccountRow))?
        .collect()
}

/// The store's name of an account as another one sees it: one that blocked it is as unknown as one that is not there, by
/// the same query.
pub(super) fn seen_by(
    connection: &Connection,
    account: AccountId,
    other: AccountId,
) -> SqlResult<Option<AccountRow>> {
    connection
        .prepare_cached(
            "SELECT a.id FROM accounts a WHERE a.account = ?1
             AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.account = a.id AND b.blocked = ?2)",
        )?
        .query_row((account.as_bytes(), other.as_bytes()), |row| {
            row.get(0).map(AccountRow)
        })
        .optional()
}
