//! Conversations that one account asked for and the other has not accepted: columns `requester` and `allowance` of
//! `conversations`, and those that were declined.

use protocol::{ConversationId, ErrorCode, Refusal};
use rusqlite::{OptionalExtension as _, Result as SqlResult};

use super::{
    Fault, groups,
    heads::{self, Asked, Head},
    members,
    writer::Tx,
};
use crate::store::{AccountRow, Ended, Identity};

/// How many entries a request may hold until it is accepted.
pub(super) const ALLOWANCE: u64 = 8;
/// How many commits the requester may make until then, and incarnations begin: a renewal each week, and a few returns.
pub(super) const COMMITS: u64 = 16;
/// How long a requester waits that has used them up. Only the other account can change that.
const WAIT_MS: u64 = 60 * 60 * 1000;
/// Entries beyond the quota of a conversation that commits may take, so that its members can still change.
const COMMITS_BEYOND: u64 = 1024;
/// How long after a decline the same account may not ask again.
pub(super) const DECLINED_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Whether `own` may ask `peer`, who did not consent, for a conversation.
pub(super) fn may_ask(
    tx: &Tx<'_>,
    own: AccountRow,
    peer: AccountRow,
    most: u32,
) -> Result<(), Fault> {
    let declined: bool = tx
        .connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM ended_conversations WHERE account = ?1 AND requester = ?2 AND time > ?3)",
        )?
        .query_row((peer.0, own.0, tx.now.saturating_sub(DECLINED_MS)), |row| row.get(0))?;
    if declined {
        return Err(Refusal::new(ErrorCode::NoConsent).into());
    }
    let open: u32 = tx
        .connection
        .prepare_cached("SELECT count(*) FROM conversations WHERE requester = ?1")?
        .query_row((own.0,), |row| row.get(0))?;
    if open >= most {
        return Err(Refusal::new(ErrorCode::Quota).into());
    }
    Ok(())
}

/// Whether so many entries of this account have room in a conversation.
pub(super) fn has_room(head: &Head, account: AccountRow, entries: u64) -> bool {
    head.asked
        .is_none_or(|asked| asked.by != account || entries <= asked.room)
}

/// Counts a commit that is about to be stored, of a member or a newcomer. Refused where the conversation holds too much, and
/// where a requester made too many that nobody asked for.
pub(super) fn may_commit(tx: &Tx<'_>, head: &Head, account: AccountRow) -> Result<(), Fault> {
    let quota = tx.limits.entries_per_conversation;
    if head.held >= quota.saturating_add(COMMITS_BEYOND) {
        return Err(Refusal::new(ErrorCode::Quota).into());
    }
    let Some(asked) = head.asked.filter(|asked| asked.by == account) else {
        return Ok(());
    };
    let left = asked.commits.checked_sub(1).ok_or(Refusal {
        retry_after: Some(WAIT_MS),
        ..Refusal::new(ErrorCode::Quota)
    })?;
    tx.connection
        .prepare_cached("UPDATE conversations SET commits = ?2 WHERE stream = ?1")?
        .execute((head.stream.0, left))?;
    Ok(())
}

/// Counts entries that were stored, and answers whether they accepted the request.
pub(super) fn appended(
    tx: &mut Tx<'_>,
    conversation: ConversationId,
    account: AccountRow,
    entries: u64,
) -> SqlResult<bool> {
    let Some(head) = tx.heads.get_mut(&conversation) else {
        return Ok(false);
    };
    let Some(asked) = head.asked else {
        return Ok(false);
    };
    let accepted = asked.by != account;
    head.asked = (!accepted).then(|| Asked {
        room: asked.room.saturating_sub(entries),
        ..asked
    });
    let room = head.asked.map_or(0, |asked| asked.room);
    let requester = head.asked.map(|asked| asked.by.0);
    tx.connection
        .prepare_cached(
            "UPDATE conversations SET requester = ?2, allowance = ?3 WHERE stream = ?1",
        )?
        .execute((head.stream.0, requester, room))?;
    Ok(accepted)
}

/// Ends a conversation that the other account asked for. The pair is free again; that it was declined is remembered.
pub(super) fn decline(
    tx: &mut Tx<'_>,
    (caller, conversation): &(Identity, ConversationId),
) -> Result<Option<Ended>, Fault> {
    let own = caller.account_row;
    let head = heads::head(tx, *conversation)?.cloned();
    let asked = head
        .filter(|head| head.is_of(caller.account))
        .and_then(|head| head.asked.map(|asked| (head, asked)))
        .filter(|(_, asked)| asked.by != own);
    let Some((head, asked)) = asked else {
        let before: bool = tx
            .connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM ended_conversations WHERE conversation = ?1 AND account = ?2)",
            )?
            .query_row((conversation.as_bytes(), own.0), |row| row.get(0))?;
        return if before {
            Ok(None)
        } else {
            Err(Refusal::new(ErrorCode::NotMember).into())
        };
    };
    let Head { stream, last, .. } = head;
    tx.heads.remove(conversation);
    let present = members::present(tx.connection, stream)?;
    tx.connection
        .prepare_cached(
            "INSERT INTO ended_conversations (stream, conversation, requester, account, time) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute((stream.0, conversation.as_bytes(), asked.by.0, own.0, tx.now))?;
    for sql in [
        // a welcome that is still on its way leads nowhere
        "UPDATE entries SET bytes = x'' WHERE (stream, seq) IN
         (SELECT d.inbox, m.welcome FROM members m JOIN devices d ON d.id = m.device WHERE m.stream = ?1)",
        "DELETE FROM conversations WHERE stream = ?1",
        "DELETE FROM members WHERE stream = ?1",
        "UPDATE entries SET bytes = x'' WHERE stream = ?1",
    ] {
        tx.connection.prepare_cached(sql)?.execute((stream.0,))?;
    }
    groups::forget(tx.connection, stream)?;
    tx.connection
        .prepare_cached("UPDATE streams SET base = ?2 WHERE id = ?1")?
        .execute((stream.0, last))?;
    crate::KillPoint::DeclineWritten.reach();
    Ok(Some(Ended {
        conversation: *conversation,
        last,
        left: present.into_iter().map(|(_, device)| device).collect(),
    }))
}

/// Who asked for the conversation of this id, if it was declined.
pub(super) fn declined(tx: &Tx<'_>, conversation: ConversationId) -> SqlResult<Option<AccountRow>> {
    tx.connection
        .prepare_cached("SELECT requester FROM ended_conversations WHERE conversation = ?1")?
        .query_row((conversation.as_bytes(),), |row| row.get(0).map(AccountRow))
        .optional()
}
