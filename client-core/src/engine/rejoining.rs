//! Coming back into a group from outside, after its state here was lost or left behind: the second step of the ladder.
//!
//! What is kept is the intent. The group's public state is fetched, checked leaf by leaf, and the external commit that is made
//! from it is stored and sent unchanged until the relay answers. If it lost its epoch, the next one is made from the newer state.
//! Where nothing of this leads anywhere, the group is set up anew: the third step.

use protocol::{
    AccountId, Commit, ConversationId, ErrorCode, FetchGroup, Frame, GroupState, Opaque, Refusal,
    StreamId, decode_frame, encode_frame,
};
use tracing::{error, info, warn};

use crate::{
    crypto::{MemberInfo, Mls, RejoinError},
    engine::{
        Engine,
        holds::{PAUSE, wait_after},
        ids::Ids,
        members::Known,
        opening::{Accepted, Founder},
        requests::Request,
        returning::complete,
    },
    error::{Error, ErrorKind, Result},
    store::{
        self, WriteTransaction,
        commits::{self, Rejoin},
        contacts, conversations, openings, streams, wishes,
    },
};

/// Commits that may lose or be refused before the group is set up anew.
const MOST_ATTEMPTS: u32 = 5;

impl Engine {
    /// Goes on with every intent to come back, a few at a time: after each connection, when one is added, and with each answer.
    pub(super) fn resume_commits(&mut self) -> Result<()> {
        if !self.session.is_online() {
            return Ok(());
        }
        let is_one = |request: &Request| {
            matches!(request, Request::FetchGroup { .. } | Request::Rejoin { .. })
        };
        for rejoin in commits::rejoins(self.database.connection())? {
            if self.room_for(is_one) == 0 {
                break;
            }
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
                self.pause(conversation, wait_after(refusal.retry_after, PAUSE));
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
pub(super) fn peer_of(members: &[MemberInfo], own: AccountId) -> Option<&MemberInfo> {
    let mut others = members.iter().filter(|member| member.account != own);
    let peer = others.next()?;
    others
        .all(|other| other.account == peer.account)
        .then_some(peer)
}
