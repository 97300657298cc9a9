//! The relay did not take entries, or did not make a conversation: what that means for what waits. Nothing is given up that may still
//! go out, and nothing goes out again and again that nothing speaks for.

use std::time::Duration;

use protocol::{ErrorCode, Frame, Refusal, StreamId, decode_frame};
use tracing::{info, warn};

use crate::{
    crypto::Mls,
    engine::{
        Engine, Hold,
        holds::{UNNAMED, wait_after},
        ids::Ids,
        opening::{give_up_queued, open_anew, uncount},
        requests::SentBatch,
    },
    error::Result,
    model::{ConversationKey, ConversationState, Standing},
    store::{
        self, chains, commits, conversations,
        openings::{self, Opening},
        outbox, requests, streams,
    },
};

/// What becomes of entries of another epoch than the relay names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// They wait until the stream was processed so far.
    Wait(u64),
    /// They are sealed again.
    Seal,
    /// They were sealed where this device still is: sealing again changes nothing.
    Nothing,
    /// This device comes back first.
    ComeBack,
}

/// The pause after the relay said that the other side was first: its welcome is on its way.
const WELCOME_PAUSE: Duration = Duration::from_secs(30);
/// How often the relay may say that the other side was first while no welcome comes that can be followed.
const MOST_EXISTS: u32 = 3;

impl Engine {
    /// The relay did not take entries.
    pub(super) fn append_refused(
        &mut self,
        key: ConversationKey,
        sent: &SentBatch,
        refusal: &Refusal,
    ) -> Result<()> {
        info!(code = ?refusal.code, "entries refused");
        if sent.new && !refusal.code.retryable() {
            self.write(|write| store::account::uncount_sent(write, sent.rows.len()))?;
        }
        match refusal.code {
            ErrorCode::StaleEpoch => self.sealed_too_early(key, sent, refusal),
            code if code.retryable() => {
                self.hold_for(key, wait_after(refusal.retry_after, UNNAMED));
                Ok(())
            }
            // the relay has something else of ours under one of these ids: this database is older than what was sent. Who has
            // the messages already shows them once
            ErrorCode::IdConflict => {
                let ids = Ids::draw(self.seams.random.as_mut())?;
                self.write(|write| {
                    let rows = sent.ids();
                    outbox::clear_sealed(write, &rows)?;
                    rows.iter()
                        .try_for_each(|row| outbox::set_client_id(write, *row, ids.client_id()))
                })?;
                self.hold_in_vain(key, 1);
                Ok(())
            }
            // the relay knows no such conversation, or not with us
            ErrorCode::NotMember => self.not_a_member(key, sent),
            // the other has not accepted, and has had enough
            ErrorCode::NoConsent => self.is_request(key, sent),
            // each further code is final for these bytes: the person decides
            _ => self.write(|write| {
                for row in &sent.rows {
                    match row.message {
                        Some(message) => store::messages::set_failed(write, message)?,
                        None => outbox::delete(write, row.id)?,
                    }
                }
                outbox::clear_sealed(write, &sent.ids())
            }),
        }
    }

    /// Another epoch is current: the same content is sealed again once this device is there.
    fn sealed_too_early(
        &mut self,
        key: ConversationKey,
        sent: &SentBatch,
        refusal: &Refusal,
    ) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let next = self.write_mls(|write, mls| {
            outbox::clear_sealed(write, &sent.ids())?;
            let row = conversations::row(write.connection(), key)?;
            let stream = StreamId::Conversation(row.conversation);
            let winner = refusal.seq.unwrap_or(0);
            if streams::cursor(write.connection(), stream)? < winner {
                return Ok(Next::Wait(winner));
            }
            let group = mls.load(row.conversation, row.incarnation)?;
            let epoch = group.map(|group| group.epoch()).transpose()?;
            let next = after_refusal(
                sent.place,
                epoch.map(|epoch| (row.incarnation, epoch)),
                refusal.incarnation.zip(refusal.epoch),
            );
            if next == Next::ComeBack {
                warn!("this device is not in the epoch that the relay names: it comes back from outside");
                commits::want_rejoin(write, row.conversation, ids.client_id())?;
            }
            Ok(next)
        })?;
        match next {
            Next::Wait(seq) => drop(self.holds.insert(key, Hold::Seq(seq))),
            Next::Seal => {}
            Next::Nothing => self.hold_in_vain(key, 0),
            Next::ComeBack => self.hold_in_vain(key, 1),
        }
        self.resume_commits()
    }

    /// The relay does not know this device in a conversation: declined, or lost by a relay that was restored.
    fn not_a_member(&mut self, key: ConversationKey, sent: &SentBatch) -> Result<()> {
        let now = self.relay_time();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let anew = self.seams.random.conversation_id()?;
        let Self {
            database,
            keys,
            seams,
            ..
        } = self;
        let ((), events) = database.write(|write| {
            let row = conversations::row(write.connection(), key)?;
            outbox::clear_sealed(write, &sent.ids())?;
            if row.standing != Standing::Asked {
                return commits::want_rejoin(write, row.conversation, ids.client_id());
            }
            let Some(secret) = conversations::take_secret(write, key)? else {
                let refused = ConversationState::Refused;
                conversations::set_state(write, key, row.conversation, row.incarnation, refused)?;
                return give_up_queued(write, key);
            };
            info!("a request was declined; a link of the other opens another conversation");
            let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
            open_anew(write, &mls, keys, &row, (anew, secret), &ids)
        })?;
        self.events.extend(events);
        self.hold_in_vain(key, 1);
        self.resume_openings()?;
        self.resume_commits()
    }

    /// The relay takes no more before the other accepts, perhaps although a link was opened, which was over. Whatever the other
    /// sends accepts.
    fn is_request(&mut self, key: ConversationKey, sent: &SentBatch) -> Result<()> {
        let own = self.keys.device();
        let hold = self.write(|write| {
            let connection = write.connection();
            outbox::clear_sealed(write, &sent.ids())?;
            let row = conversations::row(connection, key)?;
            if row.standing == Standing::Open && !chains::knows_others(connection, key, own)? {
                requests::set_standing(write, key, Standing::Asked)?;
                // what was sealed for another frame waits too: only so much goes as a request may hold
                let sealed = outbox::all(connection, key)?;
                outbox::clear_sealed(write, &sealed.iter().map(|row| row.id).collect::<Vec<_>>())?;
                return Ok(None);
            }
            let stream = StreamId::Conversation(row.conversation);
            let cursor = streams::cursor(connection, stream)?;
            Ok(Some(Hold::Seq(cursor.saturating_add(1))))
        })?;
        if let Some(hold) = hold {
            self.holds.insert(key, hold);
        }
        Ok(())
    }

    /// The relay did not make a conversation that it was asked to make.
    pub(super) fn creation_refused(
        &mut self,
        key: ConversationKey,
        refusal: &Refusal,
    ) -> Result<()> {
        if openings::load(self.database.connection(), key)?.is_none() {
            // the other side's welcome came first
            self.write(|write| store::account::uncount_sent(write, 1))?;
        }
        self.opening_refused(key, refusal)
    }

    pub(super) fn opening_refused(
        &mut self,
        key: ConversationKey,
        refusal: &Refusal,
    ) -> Result<()> {
        info!(code = ?refusal.code, "the relay did not make a conversation");
        let Some(opening) = openings::load(self.database.connection(), key)? else {
            // the other side's welcome came first, and the conversation is there
            return Ok(());
        };
        if opening.incarnation > 0 {
            return self.reset_refused(key, &opening, refusal);
        }
        let refusals = self.exists_refusals.entry(key).or_default();
        match refusal.code {
            // the other side was first: its welcome brings the conversation, and what is queued goes there
            ErrorCode::Exists if *refusals < MOST_EXISTS => {
                *refusals = refusals.saturating_add(1);
                self.hold_for(key, WELCOME_PAUSE);
                // it is there before the relay says so: whatever became of its push
                let inbox = streams::cursor(self.database.connection(), StreamId::Inbox)?;
                self.fetch(StreamId::Inbox, inbox);
                Ok(())
            }
            // nothing was stored by the relay: the same intent is tried again
            code if code.retryable() || code == ErrorCode::NoKeyPackages => {
                self.tell_held(key, refusal);
                self.hold_longer(key, refusal.retry_after)
            }
            // a link was opened after the request was made
            ErrorCode::NoConsent if came_later(&opening) => self.open_again(&opening),
            _ => self.refuse_opening(key),
        }
    }

    /// Goes back to the beginning of an intent that the relay refused: nothing was stored there.
    fn open_again(&mut self, opening: &Opening) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write_mls(|write, mls| {
            let row = conversations::row(write.connection(), opening.conversation)?;
            if let Some(mut group) = mls.load(row.conversation, opening.incarnation)? {
                group.delete()?;
            }
            uncount(write, opening)?;
            openings::begin_again(write, opening, (ids.client_id(), ids.client_id()))
        })?;
        self.resume_openings()
    }
}

/// Whether the link of an intent came after its request was made, without it.
fn came_later(opening: &Opening) -> bool {
    let request = opening.request.as_deref().map(decode_frame);
    let without = matches!(request, Some(Ok((_, Frame::CreateConversation(create)))) if create.token.is_none());
    opening.secret.is_some() && !opening.invited && without
}

/// What becomes of entries that were sealed at a `place`, while this device is at `ours` and the relay names another one: each an
/// incarnation and an epoch. Everything up to what the relay names is processed.
fn after_refusal(place: (u32, u64), ours: Option<(u32, u64)>, named: Option<(u32, u64)>) -> Next {
    let has_moved = ours != Some(place);
    if named == ours && !has_moved {
        // the relay contradicts itself
        Next::Nothing
    } else if named > ours || !has_moved {
        Next::ComeBack
    } else {
        // also where the answer is older than what was processed since
        Next::Seal
    }
}
