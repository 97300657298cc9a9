//! A new incarnation: another group for the same conversation, in the same stream.

use protocol::{AccountId, ErrorCode, Refusal};

use super::{
    Fault, conversations, groups,
    heads::Head,
    members::{self, Joining},
    requests,
    writer::Tx,
};
use crate::store::{CommitDone, NewConversation};

/// How much further than the present incarnation the next one may be: more resets than there are between two backups, and so
/// few that nobody uses the numbers up.
pub(super) const STEP: u32 = 256;
/// The furthest incarnation that a conversation may have which this store does not know: it was lost with a restore.
pub(super) const FURTHEST: u32 = 1 << 16;

/// Begins another incarnation after the present one, by compare-and-set. The first commit of its group is the next entry of the
/// stream; it is the last one of all former memberships.
pub(super) fn begin(
    tx: &mut Tx<'_>,
    head: &Head,
    incarnation: u32,
    request: &NewConversation,
) -> Result<CommitDone, Fault> {
    let commit = &request.commit;
    let own: AccountId = commit.caller.account;
    if own == request.peer || !head.is_of(own) || !head.is_of(request.peer) {
        return Err(Refusal::new(ErrorCode::IdConflict).into());
    }
    // more than one further where the relay was restored from a backup and its members had gone on
    match incarnation.checked_sub(head.row.incarnation) {
        None | Some(0) => return Err(head.row.stale().into()),
        Some(further) if further > STEP => {
            return Err(Refusal::new(ErrorCode::IdConflict).into());
        }
        Some(_) => {}
    }
    requests::may_commit(tx, head, commit.caller.account_row)?;
    // whatever happens below, the remembered head no longer holds
    tx.heads.remove(&commit.conversation);

    let (stream, seq) = (head.stream, head.last + 1);
    tx.connection
        .prepare_cached(
            "UPDATE conversations SET incarnation = ?2, epoch = ?3, commit_seq = ?4, commit_digest = ?5, group_info = ?6
             WHERE stream = ?1",
        )?
        .execute((
            stream.0,
            commit.incarnation,
            commit.epoch + 1,
            seq,
            commit.digest.as_bytes(),
            &commit.group_info[..],
        ))?;
    groups::forget(tx.connection, stream)?;
    groups::advance(tx.connection, stream, commit)?;
    let goes_on = |device| {
        device == commit.caller.device
            || commit
                .added
                .iter()
                .any(|added| added.device.device == device)
    };
    let mut left = Vec::new();
    for (row, device) in members::present(tx.connection, stream)? {
        if !goes_on(device) {
            members::end(tx.connection, stream, row, seq)?;
            left.push(device);
        }
    }
    let creator = members::enter(tx, stream, seq, commit.caller, Joining::GoingOn)?;
    let mut done = conversations::store_commit(tx, stream, seq, commit, Joining::GoingOn, left)?;
    if let Some(change) = &mut done.change {
        change.joined.push(creator);
    }
    crate::KillPoint::IncarnationBegun.reach();
    Ok(done)
}
