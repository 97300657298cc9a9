//! This device is a member again: what that changes here, and what the others are told.

use protocol::{AccountId, ConversationId, Frame, StreamId, decode_frame};
use tracing::warn;

use crate::{
    crypto::Mls,
    engine::{
        members,
        notes::{line, tell},
        opening::{Accepted, Founder, begin_anew, enter, tell_profile},
        rejoining::peer_of,
        resending,
    },
    error::{Error, ErrorKind, Result},
    model::{ConversationState, MessageKind, Standing, SystemEvent},
    store::{
        WriteTransaction, chains,
        commits::{self, Rejoin},
        contacts,
        conversations::{self, ConversationRow},
        openings, requests, streams,
    },
};

/// How long after this device came in anew, in milliseconds, others may send again what was before: as long as a relay keeps entries
/// for them by default.
const OFFERED_MS: u64 = 60 * 24 * 60 * 60 * 1000;

/// This device is a member again: from the entry of its commit on.
pub(super) fn complete(
    write: &WriteTransaction<'_>,
    mls: &Mls<'_>,
    rejoin: &Rejoin,
    founder: &Founder<'_>,
    accepted: Accepted,
) -> Result<()> {
    let request = rejoin.request.as_deref().map(decode_frame);
    let Some(Ok((_, Frame::Commit(commit)))) = request else {
        return Err(Error::new(
            ErrorKind::Crypto,
            "a commit that was never made was accepted",
        ));
    };
    let conversation = rejoin.conversation;
    let Some(mut group) = mls.load(conversation, commit.incarnation)? else {
        // lost since the commit was made: once more
        warn!("an entered group is lost: this device comes back from outside");
        return commits::set_rejoin_request(write, conversation, None);
    };
    group.merge_pending()?;
    commits::delete_rejoin(write, conversation)?;
    let stream = StreamId::Conversation(conversation);
    // a welcome that could not be followed says from where on this device was meant to read
    let invited = streams::cursor(write.connection(), stream)? > 0;
    // also where the relay went back in time, and counts from below what was read here
    streams::set(write, stream, accepted.seq)?;
    let here = conversations::row_of(write.connection(), conversation)?;
    // this device was in it all the time, and its database is of a time before that
    let is_new = here.is_none();
    let forgotten = is_new && rejoin.was_member;
    let row = match here {
        Some(row) => {
            if row.state == ConversationState::Opening {
                // the relay had made it before this database forgot
                openings::delete(write, row.key)?;
                enter(write, &row, founder, accepted.time)?;
            }
            give_up_reset(write, mls, &row, commit.incarnation)?;
            row
        }
        None => {
            let members = group.members()?;
            let Some(peer) = peer_of(&members, founder.keys.account()) else {
                return group.delete().map_err(Into::into);
            };
            let place = (conversation, commit.incarnation);
            admit(write, mls, place, peer.account, founder, accepted.time)?
        }
    };
    let is_late = !rejoin.was_member && !invited;
    if is_late {
        // a new device; a backup may have brought the conversation back, and what came since is not missed
        conversations::set_entered_late(write, row.key)?;
    }
    if is_late || is_new {
        // what was before is sent again perhaps, and has its place there
        streams::pass_over(write, stream, accepted.seq)?;
        streams::expect(write, stream, accepted.time.saturating_add(OFFERED_MS))?;
    }
    commits::delete_renewal(write, row.key)?;
    let established = ConversationState::Established;
    conversations::set_state(
        write,
        row.key,
        conversation,
        commit.incarnation,
        established,
    )?;
    conversations::plan_renewal(write, row.key, None)?;
    let members = group.members()?;
    let place = (accepted.seq, accepted.time);
    members::look_at_own(write, &row, &members, founder.manifest, place)?;
    for former in [row.incarnation, commit.incarnation.saturating_sub(1)] {
        if former < commit.incarnation
            && let Some(mut group) = mls.load(conversation, former)?
        {
            group.delete()?;
        }
    }
    if forgotten {
        resending::ask_after(write, row.key, 0, founder.ids)?;
    }
    if conversations::row(write.connection(), row.key)?.standing == Standing::Open {
        // the other may have come back as well, unseen from here
        tell_profile(write, row.key, founder.name, None, founder.ids)?;
        resending::ask(write, row.key, founder.ids)?;
        for member in group.members()? {
            let connection = write.connection();
            if member.account == row.peer && chains::is_new(connection, row.key, member.device)? {
                // it came in while this device was away, and nobody told it what it missed
                resending::offer_undelivered(write, row.key, accepted.seq, founder.ids)?;
            }
        }
    }
    let kind = MessageKind::System(SystemEvent::Rejoined);
    let id = founder.ids.message_id();
    tell(write, &line(&row, id, kind, accepted.seq, accepted.time))?;
    crate::KillPoint::RejoinedBeforeCommit.reach();
    Ok(())
}

/// This device is back in the group: it is not set up anew.
fn give_up_reset(
    write: &WriteTransaction<'_>,
    mls: &Mls<'_>,
    row: &ConversationRow,
    entered: u32,
) -> Result<()> {
    let opening = openings::load(write.connection(), row.key)?;
    let Some(opening) = opening.filter(|opening| opening.incarnation > 0) else {
        return Ok(());
    };
    openings::delete(write, row.key)?;
    match mls.load(row.conversation, opening.incarnation)? {
        Some(mut group) if opening.incarnation != entered => Ok(group.delete()?),
        Some(_) | None => Ok(()),
    }
}

/// A conversation that this database did not know.
fn admit(
    write: &WriteTransaction<'_>,
    mls: &Mls<'_>,
    (conversation, incarnation): (ConversationId, u32),
    peer: AccountId,
    founder: &Founder<'_>,
    time: u64,
) -> Result<ConversationRow> {
    let opening = ConversationState::Opening;
    let key = match conversations::key_of_peer(write.connection(), peer)? {
        None => conversations::insert(write, conversation, peer, opening, time)?,
        // it was being opened from here too: that one goes
        Some(key) => {
            let former = conversations::row(write.connection(), key)?;
            if openings::load(write.connection(), key)?.is_some()
                || former.standing != Standing::Requested
            {
                // each asked the other
                contacts::set_consented(write, peer)?;
            }
            openings::delete(write, key)?;
            let place = (conversation, incarnation);
            begin_anew(write, mls, founder.keys, &former, place, founder.ids)?;
            key
        }
    };
    let row = conversations::row(write.connection(), key)?;
    enter(write, &row, founder, time)?;
    let standing = if contacts::has_consented(write.connection(), peer)? {
        Standing::Open
    } else {
        Standing::Requested
    };
    requests::set_standing(write, key, standing)?;
    conversations::row(write.connection(), key)
}
