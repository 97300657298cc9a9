//! Table `conversations`: making them, and changing their groups by compare-and-set.

use protocol::{
    AccountId, Committed, ConversationId, ConversationOf, DeviceId, Entry, EntryKind, ErrorCode,
    Opaque, Refusal, bounds,
};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult};

use super::{
    Fault, accounts, blocks,
    entries::{self, NewRow},
    gaps, groups,
    heads::head,
    incarnations, links,
    members::{self, Joining},
    requests,
    writer::{Cost, Tx},
};
use crate::store::{
    AccountRow, Change, CommitDone, Committer, Joined, MemberRow, NewCommit, NewConversation,
    StreamRow,
};

pub(super) fn cost(commit: &NewCommit) -> Cost {
    let welcomes: usize = commit.added.iter().map(|added| added.welcome.len()).sum();
    let snapshot = commit.snapshot.as_ref().map_or(0, Vec::len);
    Cost {
        rows: 4 + 2 * commit.added.len(),
        bytes: 2 * commit.bytes.len() + welcomes + snapshot + commit.group_info.len(),
    }
}

/// Applies a commit by compare-and-set on (incarnation, epoch).
pub(super) fn commit(tx: &mut Tx<'_>, request: &NewCommit) -> Result<CommitDone, Fault> {
    if let Some(done) = repeated(tx, request)? {
        return Ok(done);
    }
    let head = head(tx, request.conversation)?
        .filter(|head| match request.committer {
            Committer::Member => head.is_member(request.caller.device_row),
            Committer::Newcomer => head.is_of(request.caller.account),
        })
        .cloned();
    let Some(head) = head else {
        return Err(Refusal::new(ErrorCode::NotMember).into());
    };
    if (head.row.incarnation, head.row.epoch) != (request.incarnation, request.epoch) {
        return Err(head.row.stale().into());
    }
    requests::may_commit(tx, &head, request.caller.account_row)?;
    // whatever happens below, the remembered head no longer holds
    tx.heads.remove(&request.conversation);

    let seq = head.last + 1;
    tx.connection
        .prepare_cached(
            "UPDATE conversations SET epoch = ?2, commit_seq = ?3, commit_digest = ?4, group_info = ?5 WHERE stream = ?1",
        )?
        .execute((head.stream.0, request.epoch + 1, seq, request.digest.as_bytes(), &request.group_info[..]))?;
    groups::advance(tx.connection, head.stream, request)?;
    let mut left = Vec::with_capacity(request.removed.len());
    for device in &request.removed {
        let changed = tx
            .connection
            .prepare_cached(
                "UPDATE members SET left = ?3 WHERE stream = ?1 AND left IS NULL
                 AND device = (SELECT id FROM devices WHERE device = ?2)",
            )?
            .execute((head.stream.0, device.as_bytes(), seq))?;
        if changed != 1 {
            return Err(Refusal::new(ErrorCode::InvalidCommit).into());
        }
        left.push(*device);
    }
    let done = store_commit(tx, head.stream, seq, request, Joining::Anew, left)?;
    crate::KillPoint::CommitWritten.reach();
    Ok(done)
}

/// Makes a direct conversation by compare-and-set on the pair of accounts.
pub(super) fn create(tx: &mut Tx<'_>, request: &NewConversation) -> Result<CommitDone, Fault> {
    let commit = &request.commit;
    if let Some(done) = repeated(tx, commit)? {
        return Ok(done);
    }
    if let Some(incarnation) = request.incarnation {
        if let Some(known) = head(tx, commit.conversation)?.cloned() {
            return incarnations::begin(tx, &known, incarnation, request);
        }
        if incarnation > incarnations::FURTHEST {
            return Err(Refusal::new(ErrorCode::IdConflict).into());
        }
    }
    let own = commit.caller.account_row;
    // an unknown account and one that does not want it are alike
    let peer = blocks::seen_by(tx.connection, request.peer, commit.caller.account)?
        .filter(|peer| *peer != own)
        .ok_or(Refusal::new(ErrorCode::NoConsent))?;
    if let Some(existing) = of_pair(tx.connection, own, peer)? {
        return Err(Refusal {
            conversation: Some(existing),
            ..Refusal::new(ErrorCode::Exists)
        }
        .into());
    }
    if head(tx, commit.conversation)?.is_some() {
        return Err(Refusal::new(ErrorCode::IdConflict).into());
    }
    if let Some(requester) = requests::declined(tx, commit.conversation)? {
        // who asked under this id, and perhaps begins another incarnation, hears what became of it; to others it is in use
        let code = if requester == own {
            ErrorCode::NoConsent
        } else {
            ErrorCode::IdConflict
        };
        return Err(Refusal::new(code).into());
    }
    let consent = accounts::invited_by(tx.connection, own, peer)?
        || match request.token {
            Some(token) => links::consume_of(tx, token, peer)?,
            None => false,
        };
    if !consent {
        requests::may_ask(tx, own, peer, request.most_requests)?;
    }
    let requester = (!consent).then_some(own);
    let (room, commits) = if consent {
        (0, 0)
    } else {
        (requests::ALLOWANCE, requests::COMMITS)
    };
    let (low, high) = (own.0.min(peer.0), own.0.max(peer.0));
    // a conversation that this relay has lost goes on above all that its members remember
    let base = match request.incarnation {
        Some(_) => gaps::above_all(tx)?,
        None => 0,
    };
    let seq = base + 1;
    tx.connection
        .prepare_cached("INSERT INTO streams (last, base, time) VALUES (?1, ?1, ?2)")?
        .execute((base, tx.now))?;
    let stream = StreamRow(tx.connection.last_insert_rowid());
    tx.connection
        .prepare_cached(
            "INSERT INTO conversations
             (stream, conversation, low, high, incarnation, epoch, commit_seq, commit_digest, group_info, requester, allowance, commits)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?11, ?7, ?8, ?9, ?10, ?12)",
        )?
        .execute((
            stream.0,
            commit.conversation.as_bytes(),
            low,
            high,
            commit.incarnation,
            commit.epoch + 1,
            commit.digest.as_bytes(),
            &commit.group_info[..],
            requester.map(|row| row.0),
            room,
            seq,
            commits,
        ))?;
    groups::advance(tx.connection, stream, commit)?;
    // the creator was there before the first entry, and needs no welcome
    tx.connection
        .prepare_cached("INSERT INTO members (stream, device, joined, welcome, cursor) VALUES (?1, ?2, ?3, 0, ?3)")?
        .execute((stream.0, commit.caller.device_row.0, base))?;
    let mut done = store_commit(tx, stream, seq, commit, Joining::Anew, Vec::new())?;
    if let Some(change) = &mut done.change {
        change.made = true;
        let member = MemberRow {
            device: commit.caller.device,
            device_row: commit.caller.device_row,
            account: commit.caller.account,
            account_row: own,
            joined: base,
            left: None,
            welcome: 0,
            since: 0,
            former_welcome: 0,
            cursor: base,
            last_seen: 0,
        };
        change.joined.push(Joined {
            member,
            welcome: None,
        });
    }
    crate::KillPoint::ConversationInserted.reach();
    Ok(done)
}

/// The direct conversation of two accounts.
pub(super) fn of_pair(
    connection: &Connection,
    one: AccountRow,
    other: AccountRow,
) -> SqlResult<Option<ConversationId>> {
    connection
        .prepare_cached("SELECT conversation FROM conversations WHERE low = ?1 AND high = ?2")?
        .query_row((one.0.min(other.0), one.0.max(other.0)), |row| {
            row.get(0).map(ConversationId::new)
        })
        .optional()
}

/// The conversations of an account whose ids are greater, ascending, and whether more follow.
pub(super) fn of_account(
    connection: &Connection,
    account: AccountRow,
    after: Option<ConversationId>,
) -> SqlResult<(Vec<ConversationOf>, bool)> {
    let after = after.map_or(Vec::new(), |after| after.as_bytes().to_vec());
    let mut found = connection
        .prepare_cached(
            "SELECT c.conversation, a.account, coalesce(c.requester = a.id, 0)
             FROM conversations c JOIN accounts a ON a.id = c.high
             WHERE c.low = ?1 AND c.conversation > ?2
             UNION ALL
             SELECT c.conversation, a.account, coalesce(c.requester = a.id, 0)
             FROM conversations c JOIN accounts a ON a.id = c.low
             WHERE c.high = ?1 AND c.conversation > ?2
             ORDER BY 1 LIMIT ?3",
        )?
        .query_map((account.0, after, bounds::CONVERSATIONS + 1), |row| {
            Ok(ConversationOf {
                conversation: ConversationId::new(row.get(0)?),
                peer: AccountId::new(row.get(1)?),
                requested: row.get(2)?,
            })
        })?
        .collect::<SqlResult<Vec<_>>>()?;
    let more = found.len() > bounds::CONVERSATIONS;
    found.truncate(bounds::CONVERSATIONS);
    Ok((found, more))
}

/// The first answer to a repeat.
fn repeated(tx: &Tx<'_>, request: &NewCommit) -> Result<Option<CommitDone>, Fault> {
    let Some(prior) = entries::prior(tx.connection, request.caller.device_row, request.client_id)?
    else {
        return Ok(None);
    };
    if prior.digest != request.digest {
        return Err(Refusal::new(ErrorCode::IdConflict).into());
    }
    Ok(Some(CommitDone {
        committed: Committed {
            seq: prior.seq,
            time: prior.time,
        },
        change: None,
    }))
}

/// Stores the entry of a commit, the new members and their welcomes.
pub(super) fn store_commit(
    tx: &mut Tx<'_>,
    stream: StreamRow,
    seq: u64,
    request: &NewCommit,
    joining: Joining,
    left: Vec<DeviceId>,
) -> Result<CommitDone, Fault> {
    let entry = Entry {
        seq,
        sender: request.caller.device,
        kind: EntryKind::Commit,
        incarnation: request.incarnation,
        epoch: request.epoch,
        time: tx.now,
        client_id: request.client_id,
        conversation: None,
        bytes: Opaque(request.bytes.clone()),
        start: None,
    };
    let row = NewRow {
        stream,
        sender: request.caller.device_row,
        digest: request.digest,
        about: None,
        entry,
    };
    entries::insert(tx.connection, &row)?;
    let mut joined = Vec::with_capacity(request.added.len());
    if request.committer == Committer::Newcomer {
        joined.push(members::enter(tx, stream, seq, request.caller, joining)?);
    }
    for added in &request.added {
        joined.push(members::join(tx, stream, seq, request, joining, added)?);
    }
    // last: nothing can be refused any more
    tx.touched.insert(stream, seq);
    tx.count_sent(request.caller.device_row, 1);
    Ok(CommitDone {
        committed: Committed { seq, time: tx.now },
        change: Some(Change {
            conversation: request.conversation,
            stream,
            entry: row.entry,
            joined,
            left,
            standing: members::standing(tx.connection, stream)?,
            made: false,
        }),
    })
}
