//! The outbox: what waits is sealed just before it is sent, one request in flight per conversation.
//!
//! Sealed bytes are durable before they leave, and are sent again unchanged until the relay accepts them or says for good
//! that their epoch is over; only then is the same content sealed again, with the same message id and client id.

use protocol::{
    Append, Appended, ConversationId, Delivered, DeviceId, Frame, NewEntry, StreamId, bounds,
};
use tracing::{error, warn};

use crate::{
    content::Content,
    crypto::Mls,
    engine::{
        Engine, Hold,
        ids::Ids,
        is_seq,
        notes::{self, Notes, note_own},
        opening::give_up_queued,
        requests::{Request, SentBatch, SentRow},
        resending,
    },
    error::{ErrorKind, Result},
    event::Event,
    model::{ConversationKey, Standing},
    store::{
        self, WriteTransaction, chains, commits,
        conversations::{self, REQUEST_ENTRIES, REQUEST_TEXTS},
        openings,
        outbox::{self, OutboxRow, Sealed, Waiting},
        progress::{self, Progress},
    },
};

/// The most sealed bytes in one append; the envelope must fit the frame too.
const BATCH_BYTES: usize = bounds::ENTRY;
/// What was written longer ago and never sealed goes out only if the person says so: by then it may be out of place.
const OLDEST_MS: u64 = 60 * 24 * 60 * 60 * 1000;

impl Engine {
    /// Sends what can be sent: for each conversation without a request in flight, its next batch.
    pub(super) fn pump(&mut self) -> Result<()> {
        if !self.session.is_online() {
            return Ok(());
        }
        let ready = outbox::ready(self.database.connection())?;
        if ready.is_empty() {
            return Ok(());
        }
        for key in ready {
            if self.room_for(|request| matches!(request, Request::Append { .. })) == 0 {
                break;
            }
            let busy = self.in_flight(|request| match request {
                Request::Append { conversation, .. } | Request::Renew { conversation } => {
                    *conversation == key
                }
                _ => false,
            });
            if conversations::must_renew_first(self.database.connection(), key)? {
                self.hasten_renewal();
            }
            if busy || self.is_held(key)? || self.is_elsewhere(key)? {
                continue;
            }
            match self.pump_conversation(key) {
                Err(error) if error.kind() == ErrorKind::Crypto => {
                    // one broken conversation must not take the others with it
                    error!(%error, "a conversation cannot send");
                    if !self.leave_if_unreadable(key)? {
                        self.hold_longer(key, None)?;
                    }
                }
                outcome => outcome?,
            }
        }
        self.resume_commits()
    }

    fn pump_conversation(&mut self, key: ConversationKey) -> Result<()> {
        let now = self.relay_time();
        // neither a relay nor a computer that is wrong about the time parks anything by itself
        let oldest = now
            .min(self.seams.clock.wall_ms())
            .saturating_sub(OLDEST_MS);
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let Self {
            database,
            keys,
            seams,
            account,
            nothing_taken,
            ..
        } = self;
        let (batch, events) = database.write(|write| {
            let mut new = *nothing_taken;
            let conversation = conversations::row(write.connection(), key)?;
            outbox::park_older(write, key, oldest)?;
            let mut rows = outbox::next(write.connection(), key, bounds::BATCH)?;
            if conversation.standing == Standing::Asked {
                hold_back(write, key, keys.device(), &mut rows)?;
            }
            let epoch_of = |row: &OutboxRow| {
                row.sealed
                    .as_ref()
                    .map(|sealed| (sealed.incarnation, sealed.epoch))
            };
            let batch = match rows.first().map(epoch_of) {
                None => return Ok(None),
                // what was sealed before is sent again as it is
                Some(Some(place)) => rows
                    .into_iter()
                    .take_while(|row| epoch_of(row) == Some(place))
                    .filter_map(|row| row.sealed.clone().map(|sealed| (row, sealed)))
                    .collect(),
                Some(None) => {
                    let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
                    let group =
                        mls.load(conversation.conversation, conversation.incarnation)?;
                    let Some(mut group) = group else {
                        warn!("the group of a conversation is lost: this device comes back from outside");
                        commits::want_rejoin(write, conversation.conversation, ids.client_id())?;
                        return Ok(None);
                    };
                    if !group.is_active()? {
                        warn!("this device was removed from a conversation");
                        give_up_queued(write, key)?;
                        return Ok(None);
                    }
                    let device = keys.device();
                    let mut notes =
                        Notes::load(write, &conversation, device, &account.manifest, &ids)?;
                    let mut sealed = Vec::new();
                    let mut bytes = 0usize;
                    for row in rows.into_iter().take_while(|row| row.sealed.is_none()) {
                        let again = notes::again(write, key, row.again)?;
                        let entry = Sealed {
                            bytes: group.seal(&row.content, &notes.next(row.client_id, again))?,
                            incarnation: conversation.incarnation,
                            epoch: group.epoch()?,
                        };
                        bytes = bytes.saturating_add(entry.bytes.len());
                        sealed.push((row, entry));
                        // sealing can not be undone, so room for one more of the largest texts is kept
                        if bytes.saturating_add(crate::content::MAX_SEALED) > BATCH_BYTES {
                            break;
                        }
                    }
                    for (row, entry) in &sealed {
                        outbox::set_sealed(write, row.id, entry)?;
                    }
                    new = true;
                    store::account::count_sent(write, sealed.len())?;
                    conversations::count_sealed(write, key, sealed.len())?;
                    crate::KillPoint::SealedBeforeCommit.reach();
                    sealed
                }
            };
            let batch = within_frame(batch);
            Ok(request_of(conversation.conversation, batch, new))
        })?;
        self.events.extend(events);
        if let Some((batch, frame)) = batch {
            crate::KillPoint::SealedAfterCommit.reach();
            let request = Request::Append {
                conversation: key,
                batch,
            };
            self.request(request, &Frame::Append(frame));
        }
        Ok(())
    }

    /// The relay has the entries.
    pub(super) fn appended(
        &mut self,
        key: ConversationKey,
        rows: &[SentRow],
        appended: &Appended,
    ) -> Result<()> {
        if rows.len() != appended.seqs.len() {
            warn!("an answer of the wrong length");
            self.drop_connection(None);
            return Ok(());
        }
        let device = self.keys.device();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write(|write| {
            for ((row, seq), time) in rows.iter().zip(&appended.seqs).zip(&appended.times) {
                // the echo may have come first
                if let Some(row) = outbox::by_client_id(write.connection(), row.client_id)? {
                    mark_sent(write, device, &row, (*seq, *time), &ids)?;
                }
            }
            crate::KillPoint::SentBeforeCommit.reach();
            Ok(())
        })?;
        crate::KillPoint::SentAfterCommit.reach();
        self.holds.remove(&key);
        self.sent_in_vain.remove(&key);
        self.renew_worn(key)?;
        self.pump()
    }

    /// Whether this device first has to come back into a conversation, or is about to enter another epoch.
    pub(super) fn is_elsewhere(&self, key: ConversationKey) -> Result<bool> {
        let connection = self.database.connection();
        let row = conversations::row(connection, key)?;
        Ok(self.unchecked.contains(&row.conversation)
            || commits::rejoin(connection, row.conversation)?.is_some()
            || commits::renewal(connection, key)?.is_some()
            || conversations::must_renew_first(connection, key)?
            || openings::load(connection, key)?.is_some())
    }

    /// The relay says how far the recipients' devices are. It is noted once the stream was processed up to there: what is still
    /// on its way may say that another device, which had nothing of this, has taken the place of the one that did.
    pub(super) fn delivered(&mut self, delivered: &Delivered) -> Result<()> {
        let conversation = delivered.conversation;
        if !is_seq(delivered.seq) {
            warn!("the relay counts further than any stream gets");
            return Ok(());
        }
        if conversations::row_of(self.database.connection(), conversation)?.is_none() {
            return self.look_for(conversation);
        }
        let told = self.delivered.entry(conversation).or_default();
        *told = delivered.seq.max(*told);
        self.note_delivered(conversation)?;
        let stream = StreamId::Conversation(conversation);
        if self.delivered.contains_key(&conversation) && self.quiet.contains(&stream) {
            // others have what the relay does not push to us, as if we had it: this database is older than what we acknowledged, and
            // perhaps than a block
            self.know_again()?;
            let cursor = store::streams::cursor(self.database.connection(), stream)?;
            self.fetch(stream, cursor);
        }
        Ok(())
    }

    /// Notes what the relay said of delivery, where the stream was processed so far.
    pub(super) fn note_delivered(&mut self, conversation: ConversationId) -> Result<()> {
        let Some(told) = self.delivered.get(&conversation).copied() else {
            return Ok(());
        };
        let stream = StreamId::Conversation(conversation);
        if told > store::streams::cursor(self.database.connection(), stream)? {
            return Ok(());
        }
        let now = self.relay_time();
        self.write(
            |write| match conversations::row_of(write.connection(), conversation)? {
                Some(row) => progress::raise(write, row.key, Progress::Delivered, told, now),
                None => Ok(()),
            },
        )?;
        self.delivered.remove(&conversation);
        Ok(())
    }

    pub(super) fn is_held(&mut self, key: ConversationKey) -> Result<bool> {
        let held = match self.holds.get(&key) {
            None => false,
            Some(Hold::Time(until)) => *until > self.seams.clock.monotonic(),
            Some(Hold::Seq(seq)) => {
                let row = conversations::row(self.database.connection(), key)?;
                store::streams::cursor(
                    self.database.connection(),
                    StreamId::Conversation(row.conversation),
                )? < *seq
            }
        };
        if !held {
            self.holds.remove(&key);
        }
        Ok(held)
    }
}

/// Notes in one place that an own entry is at the relay, whether the answer or the echo came first.
pub(super) fn mark_sent(
    write: &WriteTransaction<'_>,
    device: DeviceId,
    row: &Waiting,
    (seq, time): (u64, u64),
    ids: &Ids,
) -> Result<()> {
    if row.is_sealed {
        note_own(write, row.conversation, device, row.client_id, row.message)?;
    }
    if let Some(message) = row.message {
        store::messages::set_sent(write, message, seq, time)?;
        write.announce(Event::ConversationChanged(row.conversation));
    }
    if let Some(again) = row.again {
        store::messages::set_taken_again(write, row.conversation, again, seq)?;
    }
    store::account::count_taken(write)?;
    outbox::delete(write, row.id)?;
    if resending::is_question(row.content.as_deref()) {
        resending::ask_on(write, row.conversation, ids)?;
    }
    Ok(())
}

/// Leaves out what is more than a request may have: it waits until that is accepted. A name that changes often takes no place
/// of a text, and none of what shows that a link of the other was held.
fn hold_back(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    device: DeviceId,
    rows: &mut Vec<OutboxRow>,
) -> Result<()> {
    let sent = store::messages::count_sent(write.connection(), key)?;
    let taken = chains::count(write.connection(), key, device)?;
    let sealed = |of: &dyn Fn(&OutboxRow) -> bool| {
        let rows = rows.iter().filter(|row| row.sealed.is_some() && of(row));
        rows.fold(0u32, |sealed, _| sealed.saturating_add(1))
    };
    let gone = sent.saturating_add(sealed(&is_text));
    let mut left = REQUEST_TEXTS.saturating_sub(gone);
    let used = taken.saturating_add(sealed(&|_| true));
    let mut spare = REQUEST_ENTRIES.saturating_sub(used.saturating_add(left));
    rows.retain(|row| {
        if row.sealed.is_some() {
            return true;
        }
        let (places, kept) = if is_text(row) {
            (&mut left, 0)
        } else {
            (&mut spare, u32::from(!Content::has_proof(&row.content)))
        };
        let goes = *places > kept;
        *places = places.saturating_sub(u32::from(goes));
        goes
    });
    Ok(())
}

/// A text, or one that goes once more.
const fn is_text(row: &OutboxRow) -> bool {
    row.message.is_some() || row.again.is_some()
}

/// As many entries as one frame holds; the rest waits for the next request.
fn within_frame(batch: Vec<(OutboxRow, Sealed)>) -> Vec<(OutboxRow, Sealed)> {
    let mut bytes = 0usize;
    batch
        .into_iter()
        .enumerate()
        .take_while(|(index, (_, sealed))| {
            bytes = bytes.saturating_add(sealed.bytes.len());
            *index == 0 || bytes <= BATCH_BYTES
        })
        .map(|(_, entry)| entry)
        .collect()
}

fn request_of(
    conversation: ConversationId,
    batch: Vec<(OutboxRow, Sealed)>,
    new: bool,
) -> Option<(SentBatch, Append)> {
    let (incarnation, epoch) = batch
        .first()
        .map(|(_, sealed)| (sealed.incarnation, sealed.epoch))?;
    let (rows, entries) = batch
        .into_iter()
        .map(|(row, sealed)| {
            let entry = NewEntry {
                client_id: row.client_id,
                bytes: sealed.bytes.into(),
            };
            (
                SentRow {
                    id: row.id,
                    message: row.message,
                    client_id: row.client_id,
                },
                entry,
            )
        })
        .unzip();
    let place = (incarnation, epoch);
    let frame = Append {
        conversation,
        incarnation,
        epoch,
        entries,
    };
    Some((SentBatch { rows, new, place }, frame))
}
