//! Coming back into a group from outside, after its state here was lost or left behind: the second step of the ladder.
//!
//! What is kept is the intent. The group's public state is fetched, checked leaf by leaf, and the external commit that is made
//! from it is stored and sent unchanged until the relay answers. If it lost its epoch, the next one is made from the newer state.
//! Where nothing of this leads anywhere, the group is set up anew: the third step.

use std::time::Duration;

use protocol::{
    AccountId, Commit, ConversationId, ErrorCode, FetchGroup, Frame, GroupState, Opaque, Refusal,
    StreamId, decode_frame, encode_frame,
};
use tracing::{error, info, warn};

use crate::{
    crypto::{MemberInfo, Mls, RejoinError},
    engine::{
        Engine,
        ids::Ids,
        members::{self, Known},
        notes::{line, tell},
        opening::{Accepted, Founder, begin_anew, enter, give_up_queued, tell_profile, uncount},
        requests::Request,
        resending,
    },
    error::{Error, ErrorKind, Result},
    model::{ConversationKey, ConversationState, MessageKind, Standing, SystemEvent},
    store::{
        self, WriteTransaction, chains, commits,
        commits::Rejoin,
        contacts,
        conversations::{self, ConversationRow},
        openings, requests, streams, wishes,
    },
};

/// Commits that may lose or be refused before the group is set up anew.
const MOST_ATTEMPTS: u32 = 5;
/// How long after this device came in anew, in milliseconds, others may send again what was before: as long as a relay keeps entries
/// for them by default.
const OFFERED_MS: u64 = 60 * 24 * 60 * 60 * 1000;
/// No conversation gets so far: relays take small steps only.
const MOST_INCARNATION: u32 = 1 << 31;
/// The pause after an attempt that failed; doubled with each time in a row that the group could not be set up anew either.
pub(super) const PAUSE: Duration = Duration::from_secs(10);

impl Engine {
    /// Goes on with every intent to come back, after each connection and when one is added.
    pub(super) fn resume_commits(&mut self) -> Result<()> {
        if !self.session.is_online() {
            return Ok(());
        }
        for rejoin in commits::rejoins(self.database.connection())? {
            self.resume_rejoin(&rejoin)?;
        }
        Ok(())
    }

    fn resume_rejoin(&mut self, rejoin: &Rejoin) -> Result<()> {
        let conversation = rejoin.conversation;
        let busy = self.in_flight(|request| {
            matches!(request, Request::FetchGroup { conversation: other } | Request::Rejoin { conversation: other } if *other == conversation)
        });
        let now = self.seams.clock.monotonic();
        let waits = self
            .pauses
            .get(&conversation)
            .is_some_and(|until| *until > now);
        let connection = self.database.connection();
        // who is blocked must not notice, and the list says which conversations are old ones
        let early = wishes::are_blocks_wanted(connection)?
            || (wishes::list(connection)?.is_some()
                && conversations::row_of(connection, conversation)?.is_none());
        if busy || waits || early {
            return Ok(());
        }
        self.pauses.remove(&conversation);
        if let Some(row) = conversations::row_of(self.database.connection(), conversation)?
            && openings::load(self.database.connection(), row.key)?
                .is_some_and(|opening| opening.incarnation > 0)
        {
            // it is being set up anew
            return Ok(());
        }
        match &rejoin.request {
            Some(bytes) => match decode_frame(bytes) {
                Ok((_, frame)) => self.request(Request::Rejoin { conversation }, &frame),
                Err(error) => {
                    error!(%error, "a stored commit cannot be read");
                    self.write(|write| commits::set_rejoin_request(write, conversation, None))?;
                }
            },
            None if rejoin.attempts >= MOST_ATTEMPTS => self.give_up_rejoin(conversation)?,
            None => {
                let frame = FetchGroup { conversation };
                self.request(Request::FetchGroup { conversation }, &frame.into());
            }
        }
        Ok(())
    }

    /// The group's state is there: make the commit that leads into it.
    pub(super) fn group_fetched(
        &mut self,
        conversation: ConversationId,
        state: &GroupState,
    ) -> Result<()> {
        let now = self.relay_time();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let Self {
            database,
            keys,
            seams,
            account,
            ..
        } = self;
        let made = database.write(|write| {
            if commits::rejoin(write.connection(), conversation)?.is_none() {
                return Ok(Made::Nothing);
            }
            let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
            note_reached(write, &mls, conversation)?;
            let reached = commits::reached(write.connection(), conversation)?;
            // as a relay shows it after its restore: no way leads into the group that others know, and it is set up anew
            if reached > (state.incarnation, state.epoch) {
                return Ok(Made::Behind);
            }
            let rejoined = match mls.rejoin(
                conversation,
                state.incarnation,
                &state.group_info.0,
                &state.tree.0,
            ) {
                Ok(rejoined) => rejoined,
                Err(RejoinError::Failure(failure)) => return Err(failure.into()),
                Err(error) => return Err(does_not_hold(error.to_string())),
            };
            // what was compared with our own state is what the relay says; this is what the members signed
            if rejoined.epoch != state.epoch {
                return Err(does_not_hold("it is of another epoch than the relay says"));
            }
            let row = conversations::row_of(write.connection(), conversation)?;
            let peer = peer_of(&rejoined.members, keys.account());
            // an error undoes everything: the group that was here before is still there
            let Some(peer) = peer.filter(|peer| row.is_none_or(|row| row.peer == peer.account))
            else {
                return Err(does_not_hold("it is of other people"));
            };
            let known = Known::load(write.connection(), &account.manifest, peer.account)?;
            if !known.admits(&rejoined.members) {
                return Err(does_not_hold("a device is in it that its account revoked"));
            }
            for member in &rejoined.members {
                if member.account != keys.account() {
                    contacts::pin_root_key(write, member.account, member.root_key)?;
                }
            }
            let client_id = ids.client_id();
            let frame: Frame = Commit {
                conversation,
                incarnation: state.incarnation,
                epoch: rejoined.epoch,
                client_id,
                commit: Opaque::from(rejoined.commit),
                welcomes: Vec::new(),
                group_info: Opaque::from(rejoined.group_info),
            }
            .into();
            let bytes = encode_frame(0, &frame);
            commits::set_rejoin_request(write, conversation, Some((&bytes, client_id)))?;
            commits::set_was_member(write, conversation, rejoined.was_member)?;
            store::account::count_sent(write, 1)?;
            crate::KillPoint::RejoinBeforeCommit.reach();
            Ok(Made::Commit(Box::new(frame)))
        });
        match made {
            Ok((Made::Commit(frame), events)) => {
                crate::KillPoint::RejoinAfterCommit.reach();
                self.events.extend(events);
                self.request(Request::Rejoin { conversation }, &frame);
            }
            Ok((Made::Nothing, _)) => {}
            Ok((Made::Behind, _)) => {
                warn!("the relay shows an older state of a conversation than was reached");
                return self.give_up_rejoin(conversation);
            }
            Err(error) if error.kind() == ErrorKind::Crypto => {
                warn!(%error, "this device cannot come back into a conversation now");
                self.write(|write| commits::set_rejoin_request(write, conversation, None))?;
                self.pause(conversation, PAUSE);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The relay accepted our commit.
    pub(super) fn rejoined(
        &mut self,
        conversation: ConversationId,
        accepted: Accepted,
    ) -> Result<()> {
        let now = self.relay_time();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let is_new = conversations::row_of(self.database.connection(), conversation)?.is_none();
        let Self {
            database,
            keys,
            seams,
            account,
            ..
        } = self;
        let ((), events) = database.write(|write| {
            let rejoin = commits::rejoin(write.connection(), conversation)?;
            // the echo came first, and perhaps something behind it for which this device wants to come back once more
            let Some(rejoin) = rejoin.filter(|rejoin| rejoin.request.is_some()) else {
                return Ok(());
            };
            let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
            let founder = Founder {
                keys,
                name: &account.name,
                manifest: &account.manifest,
                ids: &ids,
            };
            complete(write, &mls, &rejoin, &founder, accepted)
        })?;
        crate::KillPoint::RejoinedAfterCommit.reach();
        self.events.extend(events);
        self.setbacks.remove(&conversation);
        if is_new {
            // what came while the answer was on its way found no conversation here, and is not pushed again
            let stream = StreamId::Conversation(conversation);
            let cursor = streams::cursor(self.database.connection(), stream)?;
            self.fetch(stream, cursor);
        }
        self.plan_renewals()?;
        self.resume_commits()?;
        self.pump()
    }

    /// The relay did not let this device in, or does not show the group.
    pub(super) fn rejoin_refused(
        &mut self,
        conversation: ConversationId,
        refusal: &Refusal,
    ) -> Result<()> {
        info!(code = ?refusal.code, "not back in a conversation yet");
        let lost = match refusal.code {
            // another commit was first: again from the newer state
            ErrorCode::StaleEpoch => {
                self.drop_rejoin_commit(conversation)?;
                return self.resume_commits();
            }
            code if code.retryable() => {
                let pause = refusal.retry_after.map_or(PAUSE, Duration::from_millis);
                self.pause(conversation, pause);
                return Ok(());
            }
            code => code == ErrorCode::NotMember,
        };
        self.drop_rejoin_commit(conversation)?;
        if lost {
            return self.give_up_rejoin(conversation);
        }
        self.pause(conversation, PAUSE);
        Ok(())
    }

    /// Drops a commit that the relay refused, and the group that it would have led to.
    fn drop_rejoin_commit(&mut self, conversation: ConversationId) -> Result<()> {
        self.write_mls(|write, mls| {
            let rejoin = commits::rejoin(write.connection(), conversation)?;
            let request = rejoin.and_then(|rejoin| rejoin.request);
            if let Some(Ok((_, Frame::Commit(commit)))) = request.map(|bytes| decode_frame(&bytes))
                && let Some(mut group) = mls.load(conversation, commit.incarnation)?
                && group.has_pending()?
            {
                group.clear_pending()?;
            }
            commits::set_rejoin_request(write, conversation, None)
        })
    }

    /// There is no way back into the group: it is set up anew, where the other is known; else it is forgotten.
    fn give_up_rejoin(&mut self, conversation: ConversationId) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write(|write| {
            commits::delete_rejoin(write, conversation)?;
            let Some(row) = conversations::row_of(write.connection(), conversation)? else {
                warn!("a conversation that this device was invited to cannot be entered");
                return Ok(());
            };
            if row.state != ConversationState::Established || row.standing == Standing::Requested {
                return Ok(());
            }
            if openings::load(write.connection(), row.key)?.is_some() {
                // that has begun
                return Ok(());
            }
            let Some(incarnation) = next_incarnation(row.incarnation) else {
                return end(write, &row);
            };
            warn!("a conversation is set up anew");
            openings::insert(
                write,
                &openings::Opening {
                    conversation: row.key,
                    secret: None,
                    invited: false,
                    claim_id: ids.client_id(),
                    client_id: ids.client_id(),
                    request: None,
                    incarnation,
                },
            )
        })?;
        self.resume_openings()
    }

    /// Somebody else set the group up anew, or the relay refuses that we do.
    pub(super) fn reset_refused(
        &mut self,
        key: ConversationKey,
        opening: &openings::Opening,
        refusal: &Refusal,
    ) -> Result<()> {
        if refusal.code.retryable() || refusal.code == ErrorCode::NoKeyPackages {
            return self.hold_longer(key, refusal.retry_after);
        }
        let ids = Ids::draw(self.seams.random.as_mut())?;
        // the two have another conversation: what nobody got of this one goes there
        let other = refusal
            .conversation
            .filter(|_| refusal.code == ErrorCode::Exists);
        let gone = matches!(
            refusal.code,
            // the last: the other has declined the request that it was
            ErrorCode::NoConsent | ErrorCode::Exists | ErrorCode::IdConflict
        );
        self.write_mls(|write, mls| {
            let row = conversations::row(write.connection(), key)?;
            uncount(write, opening)?;
            openings::delete(write, key)?;
            if let Some(mut group) = mls.load(row.conversation, opening.incarnation)? {
                group.delete()?;
            }
            if let Some(other) = other.filter(|other| *other != row.conversation) {
                return commits::want_unknown(write, other, ids.client_id());
            }
            if gone {
                // the other ended the conversation
                let refused = ConversationState::Refused;
                conversations::set_state(write, key, row.conversation, row.incarnation, refused)?;
                return give_up_queued(write, key);
            }
            // whoever was first has invited us: if the welcome does not come, we come by ourselves
            commits::want_rejoin(write, row.conversation, ids.client_id())
        })?;
        if refusal.code != ErrorCode::StaleEpoch {
            self.pause_longer(key)?;
        }
        self.resume_commits()
    }

    /// Nothing is sent in a conversation for as long as the relay says, or for longer each time in a row.
    pub(super) fn hold_longer(
        &mut self,
        key: ConversationKey,
        retry_after: Option<u64>,
    ) -> Result<()> {
        let row = conversations::row(self.database.connection(), key)?;
        let pause = self.set_back(row.conversation);
        self.hold_for(key, retry_after.map_or(pause, Duration::from_millis));
        Ok(())
    }

    /// This device does not come back into a conversation for longer each time in a row.
    pub(super) fn pause_longer(&mut self, key: ConversationKey) -> Result<()> {
        let row = conversations::row(self.database.connection(), key)?;
        let pause = self.set_back(row.conversation);
        self.pause(row.conversation, pause);
        Ok(())
    }

    /// Once more a group could not be set up: how long to wait.
    fn set_back(&mut self, conversation: ConversationId) -> Duration {
        let times = self.setbacks.entry(conversation).or_default();
        let pause = PAUSE.saturating_mul(1 << (*times).min(16));
        *times = times.saturating_add(1);
        pause.min(super::LONGEST_HOLD)
    }

    pub(super) fn pause(&mut self, conversation: ConversationId, pause: Duration) {
        let until = self
            .seams
            .clock
            .monotonic()
            .saturating_add(pause.min(super::LONGEST_HOLD));
        self.pauses.insert(conversation, until);
    }
}

/// The incarnation after one; `None` where so many were used up that no honest peer and relay can have done it.
pub(super) fn next_incarnation(incarnation: u32) -> Option<u32> {
    incarnation
        .checked_add(1)
        .filter(|next| *next <= MOST_INCARNATION)
}

/// No way leads on in a conversation: that is shown, and what waits there fails.
pub(super) fn end(write: &WriteTransaction<'_>, row: &ConversationRow) -> Result<()> {
    warn!("the incarnations of a conversation are used up");
    let refused = ConversationState::Refused;
    conversations::set_state(write, row.key, row.conversation, row.incarnation, refused)?;
    give_up_queued(write, row.key)
}

/// What came of a fetched group.
enum Made {
    /// The commit that leads into it.
    Commit(Box<Frame>),
    /// It is older than what was reached here.
    Behind,
    /// Nobody wants it any more.
    Nothing,
}

fn does_not_hold(why: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Crypto,
        format!("what the relay shows of a group does not hold: {why}"),
    )
}

/// Keeps how far this device is in a group, before it enters it from outside: what it has is gone then.
fn note_reached(
    write: &WriteTransaction<'_>,
    mls: &Mls<'_>,
    conversation: ConversationId,
) -> Result<()> {
    let Some(row) = conversations::row_of(write.connection(), conversation)? else {
        return Ok(());
    };
    let epoch = match mls.load(conversation, row.incarnation)? {
        Some(group) => group.epoch()?,
        None => 0,
    };
    commits::note_reached(write, conversation, (row.incarnation, epoch))
}

/// The one other account of a direct conversation.
fn peer_of(members: &[MemberInfo], own: AccountId) -> Option<&MemberInfo> {
    let mut others = members.iter().filter(|member| member.account != own);
    let peer = others.next()?;
    others
        .all(|other| other.account == peer.account)
        .then_some(peer)
}

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
