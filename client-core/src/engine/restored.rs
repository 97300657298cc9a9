//! Databases that went back in time: the relay's, restored from a backup, and our own, copied or restored.
//!
//! A relay that was restored says so by another store generation, and leaves out positions in each stream. It has lost what it
//! took since its backup: everybody offers it again. A device whose database is older than what the relay took from it must not
//! use its keys again: MLS would seal two messages with one key. It comes back into each conversation from outside.

use protocol::{ConversationId, FetchGroup, GroupState, Refusal, StreamId};
use tracing::{error, info, warn};

use crate::{
    backup::{BackupError, BroughtBack, Found},
    engine::{
        Engine, MOST_SEQ,
        ids::Ids,
        lapse::{Kept, Lapse},
        offers::Offer,
        opening::tell_profile,
        requests::Request,
        resending,
        resets::want_reset,
    },
    error::Result,
    event::Event,
    model::Standing,
    store::{self, chains, commits, conversations, links, messages, outbox, requests, streams},
};

/// Messages that are offered again in a conversation; older ones were taken before any sensible backup.
const MOST_AGAIN: u32 = 2_000;

impl Engine {
    /// After the database was damaged its MLS state was dropped: every conversation is entered anew, those too that the database
    /// has forgotten.
    pub(super) fn mend_groups(&mut self, taken: u64) -> Result<()> {
        if !store::mendings::mls_lost(self.database.connection())? {
            return Ok(());
        }
        self.start_over(taken.max(store::account::sent(self.database.connection())?))?;
        self.write(store::mendings::set_mls_whole)
    }

    /// The relay took more from this device than this database knows of: it is a copy, or was restored.
    pub(super) fn start_over(&mut self, taken: u64) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let device = self.keys.device();
        error!(
            "this database is older than what the relay had from this device: its conversations are entered anew"
        );
        self.write_mls(|write, mls| {
            for key in conversations::established(write.connection())? {
                let row = conversations::row(write.connection(), key)?;
                commits::delete_renewal(write, key)?;
                commits::set_rejoin_request(write, row.conversation, None)?;
                commits::want_rejoin(write, row.conversation, ids.client_id())?;
                chains::end(write, key, device)?;
                // what came since then was acknowledged, and whoever sent it may count anew by now
                let stream = StreamId::Conversation(row.conversation);
                let mut known = streams::cursor(write.connection(), stream)?;
                if known == 0 {
                    // a backup has the messages, and not how far the stream was read
                    known = messages::newest(write.connection(), key, false, MOST_SEQ)?;
                }
                resending::ask_after(write, key, known, &ids)?;
                // what was sealed is of the chain that is over
                for queued in outbox::all(write.connection(), key)? {
                    outbox::clear_sealed(write, &[queued.id])?;
                }
            }
            for opening in store::openings::all(write.connection())? {
                // its group may be gone, or the relay may know it already
                let row = conversations::row(write.connection(), opening.conversation)?;
                if let Some(mut group) = mls.load(row.conversation, opening.incarnation)? {
                    group.delete()?;
                }
                store::openings::begin_again(write, &opening, (ids.client_id(), ids.client_id()))?;
                if opening.request.is_some() {
                    commits::want_rejoin(write, row.conversation, ids.client_id())?;
                }
            }
            store::wishes::want_lists(write)?;
            store::account::set_sent(write, taken)
        })?;
        crate::KillPoint::RejoinsWanted.reach();
        Ok(())
    }

    /// Adds what a backup of this account has and this database does not. Conversations that are new here are entered from
    /// outside.
    ///
    /// # Errors
    /// [`BackupError::OtherAccount`]; [`BackupError::Failed`], then nothing was changed.
    pub fn bring_back(&mut self, found: &Found) -> std::result::Result<BroughtBack, BackupError> {
        if found.account() != self.account.account {
            return Err(BackupError::OtherAccount);
        }
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let messages = self.write(|write| {
            let merged = found.merge(write)?;
            for conversation in merged.new {
                commits::want_rejoin(write, conversation, ids.client_id())?;
            }
            for key in merged.touched {
                write.announce(Event::ConversationChanged(key));
            }
            Ok(merged.messages)
        })?;
        info!(messages, "a backup was brought back");
        let resumed = self.resume_commits();
        self.settle(resumed);
        Ok(BroughtBack {
            messages,
            time: found.time(),
        })
    }

    /// The relay was restored from a backup: offers again what it may have lost.
    pub(super) fn offer_again(&mut self, manifest_number: u64) -> Result<()> {
        info!("the relay was restored from a backup");
        self.write(|write| {
            requests::tell_again(write)?;
            store::account::set_record_told(write, false)
        })?;
        self.offer_manifests(manifest_number)?;
        let now = self.relay_time();
        let connection = self.database.connection();
        let (ended, left) = (
            links::ended(connection, now)?,
            links::left(connection, now)?,
        );
        for token in ended {
            self.offer(Offer::EndOfLink(token))?;
        }
        for link in left {
            self.offer(Offer::Link(link.token))?;
        }
        // also that there is none any more
        self.offer(Offer::Handle)?;
        for key in conversations::established(self.database.connection())? {
            let row = conversations::row(self.database.connection(), key)?;
            self.unchecked.insert(row.conversation);
            self.checks.push_back(row.conversation);
        }
        self.check_next()
    }

    /// Publishes manifests that the relay does not have.
    pub(super) fn offer_manifests(&mut self, held: u64) -> Result<()> {
        if held >= self.manifest_number() {
            return Ok(());
        }
        let manifests = store::account::own_manifests_after(self.database.connection(), held)?;
        self.offer(Offer::Manifests(manifests.into()))
    }

    /// Compares one conversation after the other with the restored relay.
    pub(super) fn check_next(&mut self) -> Result<()> {
        if self.checks_wait.waits() {
            return Ok(());
        }
        if let Some(conversation) = self.checks.pop_front() {
            return self.ask_how_far(conversation);
        }
        self.end_comparison()?;
        // what waited for the comparison goes out
        self.pump()
    }

    /// The relay does not say now where it stands with a conversation: the others have their turn, after the pause that it asks for.
    fn check_later(&mut self, conversation: ConversationId, refusal: &Refusal) -> Result<()> {
        info!(code = ?refusal.code, "a conversation is compared with the restored relay later");
        self.checks.push_back(conversation);
        let now = self.seams.clock.monotonic();
        self.checks_wait.refused(now, refusal);
        // what was compared already goes out
        self.pump()
    }

    /// Goes on with the comparison once the pause after a refusal is over.
    pub(super) fn check_again(&mut self) -> Result<()> {
        if self.checks_wait.ends(self.seams.clock.monotonic()) {
            self.check_next()?;
        }
        Ok(())
    }

    /// Ends the comparison when the relay has given a last answer to all that it was asked and offered: until then each connection
    /// begins with it.
    pub(super) fn end_comparison(&mut self) -> Result<()> {
        let offering = !self.offers.is_empty()
            || self.in_flight(|request| matches!(request, Request::Offer(_)));
        if offering || !self.unchecked.is_empty() {
            return Ok(());
        }
        if let Some(taken) = self.lapse.end() {
            self.write(|write| store::account::set_taken(write, taken))?;
        }
        if let Some(generation) = self.restored.take() {
            let offset = self.account.relay_offset;
            self.write(|write| {
                // what it took before its backup it counts from there on
                store::account::set_taken(write, 0)?;
                store::account::set_relay_facts(write, generation, offset)
            })?;
        }
        Ok(())
    }

    /// Compares the group of a conversation with the relay's.
    pub(super) fn check(&mut self, conversation: ConversationId) {
        let frame = FetchGroup { conversation };
        self.request(Request::Check { conversation }, &frame.into());
    }

    /// Where the restored relay stands with a conversation.
    pub(super) fn checked(
        &mut self,
        conversation: ConversationId,
        state: &GroupState,
    ) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        // a device that may not read it there any more knows nothing of how far it is
        let told = self.kept.take();
        self.checks_wait.answered();
        self.offer_messages(conversation, told.map_or(0, |told| told.kept))?;
        let name = self.account.name.clone();
        let ahead = self.write_mls(|write, mls| {
            let Some(row) = conversations::row_of(write.connection(), conversation)? else {
                return Ok(None);
            };
            let group = mls.load(conversation, row.incarnation)?;
            let epoch = group
                .as_ref()
                .map(crate::crypto::Group::epoch)
                .transpose()?;
            if row.standing == Standing::Open {
                // a question or its answer may be lost, and what is lost at the end shows by the number of what follows
                tell_profile(write, row.key, &name, None, &ids)?;
                resending::ask(write, row.key, &ids)?;
            }
            let stream = StreamId::Conversation(conversation);
            if let Some(Kept {
                back: Some(back),
                read,
                ..
            }) = told
                && streams::cursor(write.connection(), stream)? == read
            {
                // together with the offer: from here on nothing shows any more that the relay was further
                streams::set(write, stream, back)?;
            }
            let (shown, ours) = (
                (state.incarnation, Some(state.epoch)),
                (row.incarnation, epoch),
            );
            if let Some(group) = group
                && shown == ours
                && !group.is_state(&state.group_info.0)?
                && store::openings::load(write.connection(), row.key)?.is_none()
            {
                // others set it up anew, or went on, since the backup; so did we, before another restore of it
                warn!("the restored relay has another branch of a group than this device is in");
                commits::want_rejoin(write, conversation, ids.client_id())?;
            }
            Ok((shown < ours).then_some(row))
        })?;
        self.unchecked.remove(&conversation);
        if let Some(row) = ahead {
            warn!("the restored relay has forgotten the newest state of a conversation");
            self.set_up(&row, state.incarnation)?;
        }
        self.resume_commits()?;
        self.check_next()
    }

    /// The relay does not say how far it is in a conversation.
    pub(super) fn how_far_refused(
        &mut self,
        conversation: ConversationId,
        refusal: &Refusal,
    ) -> Result<()> {
        if self.lapse == Lapse::Asked {
            // that was all it was asked for
            return Ok(());
        }
        if self.restored.is_some() && !refusal.code.retryable() {
            self.checks_wait.answered();
            // this device may have come in after its backup, and the account is in it all the same
            self.check(conversation);
            return Ok(());
        }
        self.check_refused(conversation, refusal)
    }

    /// The restored relay does not know a conversation, or not with us.
    pub(super) fn check_refused(
        &mut self,
        conversation: ConversationId,
        refusal: &Refusal,
    ) -> Result<()> {
        if refusal.code.retryable() {
            return self.check_later(conversation, refusal);
        }
        self.checks_wait.answered();
        self.offer_messages(conversation, 0)?;
        if let Some(row) = conversations::row_of(self.database.connection(), conversation)? {
            self.set_up(&row, row.incarnation)?;
        }
        self.unchecked.remove(&conversation);
        self.check_next()
    }

    /// Sets a conversation up anew, in an incarnation after ours and the relay's.
    fn set_up(&mut self, row: &conversations::ConversationRow, incarnation: u32) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write(|write| want_reset(write, row, row.incarnation.max(incarnation), &ids))?;
        crate::KillPoint::ResetWanted.reach();
        self.resume_openings()
    }

    /// Queues our messages again that a restored relay has lost: those above the last entry that it kept. It is kept whatever becomes of
    /// the group. Where others went on in the meantime their commits are on their way, and what was lost is sent in their epoch.
    fn offer_messages(&mut self, conversation: ConversationId, kept: u64) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write(|write| {
            let Some(row) = conversations::row_of(write.connection(), conversation)? else {
                return Ok(());
            };
            // what is offered once too often is shown once all the same
            for message in messages::own_after(write.connection(), row.key, kept, MOST_AGAIN)? {
                outbox::insert_again(
                    write,
                    row.key,
                    message.sent,
                    ids.client_id(),
                    &message.content,
                )?;
                messages::set_lost(write, row.key, message.sent)?;
            }
            Ok(())
        })
    }
}
