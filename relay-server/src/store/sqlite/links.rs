//! Table `links`.

use protocol::{Digest, ErrorCode, Refusal};
use rusqlite::OptionalExtension as _;

use super::{Fault, writer::Tx};
use crate::store::{AccountRow, Caller, Identity, NewLinkRow};

/// So many times as many links as may be in force are kept of an issuer: those too that were used up, or ended before their time.
const KEPT: u32 = 10;

/// Makes a link known; the same link of the same issuer once more is a success.
pub(super) fn insert(tx: &mut Tx<'_>, (caller, link): &(Caller, NewLinkRow)) -> Result<(), Fault> {
    let issuer = match caller {
        Caller::Operator => None,
        Caller::Device(identity) => Some(identity.account_row.0),
    };
    let known: Option<Option<i64>> = tx
        .connection
        .prepare_cached("SELECT issuer FROM links WHERE token = ?1")?
        .query_row((link.token.as_bytes(),), |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return if known == issuer {
            Ok(())
        } else {
            Err(Refusal::new(ErrorCode::IdConflict).into())
        };
    }
    if let Some(issuer) = issuer {
        let (kept, in_force): (u32, u32) = tx
            .connection
            .prepare_cached(
                "SELECT count(*), count(*) FILTER (WHERE expires > ?2 AND uses > 0) FROM links WHERE issuer = ?1",
            )?
            .query_row((issuer, tx.now), |row| Ok((row.get(0)?, row.get(1)?)))?;
        if in_force >= link.most || kept >= link.most.saturating_mul(KEPT) {
            return Err(Refusal::new(ErrorCode::Quota).into());
        }
    }
    tx.connection
        .prepare_cached(
            "INSERT INTO links (token, issuer, invite, uses, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((
            link.token.as_bytes(),
            issuer,
            link.invite,
            link.uses,
            link.expires,
        ))?;
    crate::KillPoint::LinkInserted.reach();
    Ok(())
}

/// Ends a link of the caller's account. It stays known until its time is over, so that it cannot be made again.
pub(super) fn end(tx: &mut Tx<'_>, (caller, token): &(Identity, Digest)) -> Result<(), Fault> {
    tx.connection
        .prepare_cached("UPDATE links SET uses = 0 WHERE token = ?1 AND issuer = ?2")?
        .execute((token.as_bytes(), caller.account_row.0))?;
    Ok(())
}

/// Takes one use of an invite and names its issuer. Unknown, used up, expired or of another kind: alike.
pub(super) fn consume_invite(tx: &Tx<'_>, token: Digest) -> Result<Option<AccountRow>, Fault> {
    tx.connection
        .prepare_cached(
            "UPDATE links SET uses = uses - 1 WHERE token = ?1 AND invite = 1 AND uses > 0 AND expires > ?2 RETURNING issuer",
        )?
        .query_row((token.as_bytes(), tx.now), |row| row.get::<_, Option<i64>>(0))
        .optional()?
        .map(|issuer| issuer.map(AccountRow))
        .ok_or_else(|| Refusal::new(ErrorCode::BadLink).into())
}

/// Takes one use of any link of this issuer; `false` if there is none.
pub(super) fn consume_of(tx: &Tx<'_>, token: Digest, issuer: AccountRow) -> Result<bool, Fault> {
    let changed = tx
        .connection
        .prepare_cached(
            "UPDATE links SET uses = uses - 1 WHERE token = ?1 AND issuer = ?2 AND uses > 0 AND expires > ?3",
        )?
        .execute((token.as_bytes(), issuer.0, tx.now))?;
    Ok(changed == 1)
}
