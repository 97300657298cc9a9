//! What arrives in the streams: opened, deduplicated, stored and counted as processed in one transaction, then acknowledged.

use protocol::{Digest, Entry, EntryKind, Fetch, MessageId, Page, Refusal, StreamId};
use tracing::{error, info, warn};

use crate::{
    crypto::Mls,
    engine::{
        Engine,
        holds::{UNNAMED, wait_after},
        ids::Ids,
        is_seq,
        opening::DECLARED_GAP,
        reading::Reading,
        requests::Request,
        welcomes::Inbox,
    },
    error::{ErrorKind, Result},
    model::{MessageKind, OfflineCause, SystemEvent},
    store::{
        commits,
        conversations::{self, Unread},
        gaps, messages, requests, streams,
    },
};

/// How many entries one transaction processes when there are many.
const PER_TRANSACTION: usize = 100;
/// How many entries a gap is asked for at once.
const FETCH: u16 = 100;

/// Whether entries are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// As always.
    Open,
    /// Taking in what it says failed here: it is opened and counted, and what it says is kept for a later version.
    Park,
    /// That failed too, in a way that rolled everything back: the entry is kept as it is.
    KeepSealed,
    /// It has a position that was processed before: it counts only if it opens, and nothing opens twice.
    Again,
}

/// Whether entries ended the epoch of their conversation, and with it the key of its signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    Same,
    Changed,
}

impl Epoch {
    fn after(entries: &[Entry]) -> Self {
        if entries.iter().any(|entry| entry.kind == EntryKind::Commit) {
            Self::Changed
        } else {
            Self::Same
        }
    }
}

/// What a batch leads to once it is committed.
#[derive(Default)]
struct Consequences {
    cursor: u64,
    /// The last entry that may be acknowledged: below the cursor where entries came again.
    handled: u64,
    processed: usize,
    gap: bool,
    /// What came again was new: the relay counts from a position where it was before.
    new_again: bool,
    /// Something could not be opened that others could perhaps open.
    doubtful: bool,
    /// How the two stand to each other changed.
    stands_anew: bool,
}

impl Engine {
    /// Takes pushed or fetched entries of one stream.
    pub(super) fn entries(&mut self, stream: StreamId, entries: Vec<Entry>) -> Result<()> {
        self.quiet.remove(&stream);
        if stream == StreamId::Inbox {
            // what its welcome leads to is pushed only once that is acknowledged, also where it comes again
            for conversation in entries.iter().filter_map(|entry| entry.conversation) {
                self.quiet.remove(&StreamId::Conversation(conversation));
            }
        }
        let epoch = Epoch::after(&entries);
        let last = entries.last().map_or(0, |entry| entry.seq);
        if let Some(cursor) = self.take_entries(stream, entries)? {
            // what lies behind the gap is not pushed again, and the page that is on its way may end before it
            let seen = self.seen.entry(stream).or_default();
            *seen = last.max(*seen);
            self.fetch(stream, cursor);
        }
        self.go_on_after(stream, epoch)
    }

    /// Takes entries as far as there is no gap; else says up to where.
    pub(super) fn take_entries(
        &mut self,
        stream: StreamId,
        entries: Vec<Entry>,
    ) -> Result<Option<u64>> {
        let is_possible = |it: &Entry| is_seq(it.seq) && it.start.is_none_or(is_seq);
        if !entries.iter().all(is_possible) {
            warn!("the relay counts further than any stream gets");
            return Ok(None);
        }
        for batch in entries.chunks(PER_TRANSACTION) {
            let consequences = match self.process(stream, batch, Care::Open) {
                Err(error) if is_of_an_entry(error.kind()) => {
                    error!(%error, "an entry cannot be processed; one by one");
                    if error.kind() == ErrorKind::Crypto {
                        self.leave_group_of(stream)?;
                    }
                    self.process_one_by_one(stream, batch)?
                }
                consequences => consequences?,
            };
            self.note_ack(stream, consequences.handled, consequences.processed);
            self.index_waits |= consequences.processed > 0;
            self.plan_answers();
            if consequences.new_again {
                self.suspect_lapse(stream)?;
            }
            if consequences.stands_anew {
                self.tell_read_soon();
            }
            if let StreamId::Conversation(conversation) = stream
                && consequences.doubtful
            {
                self.compare(conversation)?;
            }
            if consequences.gap {
                return Ok(Some(consequences.cursor));
            }
        }
        Ok(None)
    }

    fn go_on_after(&mut self, stream: StreamId, epoch: Epoch) -> Result<()> {
        if let StreamId::Conversation(conversation) = stream
            && let Some(row) = conversations::row_of(self.database.connection(), conversation)?
        {
            // whoever wrote is not typing any more
            self.typed(row.key);
            self.note_delivered(conversation)?;
            self.hear_again(&row, epoch)?;
            if epoch == Epoch::Changed {
                self.tell_presence_in(row.key);
            }
        }
        self.resume_commits()?;
        self.fetch_manifests()?;
        self.pump()
    }

    /// Takes a page that was asked for because of a gap, `from` the entry after the cursor on.
    pub(super) fn page(&mut self, stream: StreamId, from: u64, page: Page) -> Result<()> {
        if is_seq(page.base) {
            self.pass_missing(stream, page.base)?;
        }
        // what it shows begins here; where it shows nothing, whatever it has is not for this device
        let first = match page.entries.first() {
            Some(first) => first.seq,
            None => page.last.saturating_add(1),
        };
        if is_seq(first) {
            self.pass_left_out(stream, from, first)?;
        }
        let epoch = Epoch::after(&page.entries);
        if stream == StreamId::Inbox && std::mem::take(&mut self.looks_for_welcome) {
            self.looked_into_inbox(page.entries)?;
        } else {
            self.take_entries(stream, page.entries)?;
        }
        self.go_on_after(stream, epoch)?;
        let cursor = streams::cursor(self.database.connection(), stream)?;
        let seen = self.seen.get(&stream).copied().unwrap_or(0);
        if cursor >= seen {
            self.seen.remove(&stream);
        }
        if cursor >= page.last && streams::may_leave_out(self.database.connection(), stream)? {
            self.write(|write| streams::set_read_whole(write, stream))?;
        }
        // without progress it ends: the next push or connection asks again
        if cursor >= from && cursor < page.last.max(seen) {
            self.fetch(stream, cursor);
        }
        Ok(())
    }

    /// The relay was asked for all `from` the entry after the cursor on, and shows nothing before `first`: what lies between is not
    /// for this device, and nothing comes of waiting for it. If it was, the senders' counts tell.
    fn pass_left_out(&mut self, stream: StreamId, from: u64, first: u64) -> Result<()> {
        self.write(|write| {
            let cursor = streams::cursor(write.connection(), stream)?;
            if from != cursor.saturating_add(1) || first <= from {
                return Ok(());
            }
            warn!(cursor, first, "the relay leaves out some entries");
            streams::advance(write, stream, first.saturating_sub(1))
        })
    }

    /// What lies at and below `base` is gone at the relay. The person is told, and reading goes on behind it.
    fn pass_missing(&mut self, stream: StreamId, base: u64) -> Result<()> {
        let time = self.relay_time();
        let own = self.account.account;
        self.write(|write| {
            let cursor = streams::cursor(write.connection(), stream)?;
            if base <= cursor {
                return Ok(());
            }
            let left_out = base.saturating_sub(cursor) >= DECLARED_GAP
                && streams::may_leave_out(write.connection(), stream)?;
            streams::advance(write, stream, base)?;
            if left_out {
                // by a restored relay; what is truly missing the senders' counts tell
                return Ok(());
            }
            warn!(base, cursor, "the relay no longer has some entries");
            let StreamId::Conversation(conversation) = stream else {
                return Ok(());
            };
            match conversations::row_of(write.connection(), conversation)? {
                // before its first entry a device has missed nothing that it was meant to read
                Some(row) if cursor > 0 => {
                    let place = [conversation.as_bytes().as_slice(), &base.to_be_bytes()].concat();
                    let id = Digest::of(&[b"relevo missing 1", &place]);
                    let message = messages::NewMessage {
                        id: MessageId::new(*id.as_bytes()),
                        conversation: row.key,
                        seq: Some(base),
                        sender: own,
                        mine: false,
                        kind: MessageKind::System(SystemEvent::MessagesMissing),
                        text: "",
                        content: &[],
                        time,
                        client_id: None,
                    };
                    gaps::note_unknown(write, row.key, base, &message)?;
                    conversations::note_message(write, row.key, time, Unread::No)
                }
                _ => Ok(()),
            }
        })
    }

    /// The relay does not fill a gap now: that stream waits, and the others go on. One that it refuses for good stays open until the
    /// next connection, which begins at the cursor.
    pub(super) fn fetch_refused(&mut self, stream: StreamId, refusal: &Refusal) {
        info!(code = ?refusal.code, "the relay refused to fill a gap");
        if !refusal.code.retryable() {
            return self.drop_connection(Some(OfflineCause::RelayBusy));
        }
        let wait = wait_after(refusal.retry_after, UNNAMED);
        let until = self.seams.clock.monotonic().saturating_add(wait);
        self.fetch_pauses.insert(stream, until);
    }

    /// Asks again for what the relay did not send, in each stream whose pause is over.
    pub(super) fn fetch_again(&mut self) -> Result<()> {
        let now = self.seams.clock.monotonic();
        let waiting = self.fetch_pauses.iter();
        let due: Vec<StreamId> = waiting
            .filter(|(_, until)| **until <= now)
            .map(|(stream, _)| *stream)
            .collect();
        for stream in due {
            self.fetch_pauses.remove(&stream);
            let cursor = streams::cursor(self.database.connection(), stream)?;
            self.fetch(stream, cursor);
        }
        Ok(())
    }

    /// Asks for what follows a position of a stream, unless that is under way or waits.
    pub(super) fn fetch(&mut self, stream: StreamId, cursor: u64) {
        if self.fetch_pauses.contains_key(&stream) {
            return;
        }
        if !self.in_flight(
            |request| matches!(request, Request::Fetch { stream: other, .. } if *other == stream),
        ) {
            let from = cursor.saturating_add(1);
            let frame = Fetch {
                stream,
                from,
                limit: FETCH,
            };
            self.request(Request::Fetch { stream, from }, &frame.into());
        }
    }

    /// Where it is the group that cannot be read, this device comes back, and the entries lead to nothing else.
    fn leave_group_of(&mut self, stream: StreamId) -> Result<()> {
        if let StreamId::Conversation(conversation) = stream
            && let Some(row) = conversations::row_of(self.database.connection(), conversation)?
        {
            self.leave_if_unreadable(row.key)?;
        }
        Ok(())
    }

    /// One of the entries cannot be processed. The others are.
    fn process_one_by_one(&mut self, stream: StreamId, batch: &[Entry]) -> Result<Consequences> {
        let mut all = Consequences::default();
        for entry in batch {
            let consequences = self.process_one(stream, entry)?;
            all.cursor = consequences.cursor;
            all.handled = consequences.handled;
            all.new_again |= consequences.new_again;
            all.processed = all.processed.saturating_add(consequences.processed);
            all.gap = consequences.gap;
            all.doubtful |= consequences.doubtful;
            all.stands_anew |= consequences.stands_anew;
            if all.gap {
                break;
            }
        }
        Ok(all)
    }

    /// An entry that fails again is parked, so that it does not hold up what follows each time that it comes.
    fn process_one(&mut self, stream: StreamId, entry: &Entry) -> Result<Consequences> {
        let one = std::slice::from_ref(entry);
        let mut processed = self.process(stream, one, Care::Open);
        for care in [Care::Park, Care::KeepSealed] {
            match processed {
                Err(error) if is_of_an_entry(error.kind()) => {
                    error!(%error, seq = entry.seq, ?care, "an entry is parked");
                    processed = self.process(stream, one, care);
                }
                _ => break,
            }
        }
        processed
    }

    fn process(&mut self, stream: StreamId, batch: &[Entry], care: Care) -> Result<Consequences> {
        let now = self.relay_time();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let Self {
            database,
            keys,
            seams,
            account,
            answers,
            ..
        } = self;
        let (consequences, events) = database.write(|write| {
            let cursor = streams::cursor(write.connection(), stream)?;
            let mut done = Consequences {
                cursor,
                handled: cursor,
                ..Consequences::default()
            };
            match stream {
                StreamId::Inbox => {
                    let mut inbox = Inbox {
                        keys,
                        random: seams.random.as_mut(),
                        ids: &ids,
                        name: &account.name,
                        manifest: &account.manifest,
                        now,
                        care,
                        new_again: false,
                    };
                    walk(stream, batch, &mut done, |entry, turn| match turn {
                        Turn::First => inbox.entry(write, entry),
                        Turn::Again => inbox.again(write, entry),
                    })?;
                    done.new_again = inbox.new_again;
                }
                StreamId::Conversation(id) => {
                    match conversations::row_of(write.connection(), id)? {
                        Some(row) => {
                            let stood = row.standing;
                            let mls =
                                Mls::new(write.connection(), seams.random.as_mut(), keys, now);
                            let mut reading = Reading {
                                keys,
                                relay: account.relay,
                                name: &account.name,
                                manifest: &account.manifest,
                                privacy: account.privacy,
                                row,
                                group: None,
                                care,
                                new_again: false,
                                mls: &mls,
                                ids: &ids,
                                now,
                                answers,
                                doubtful: false,
                            };
                            walk(stream, batch, &mut done, |entry, turn| {
                                reading.care = match turn {
                                    Turn::First => care,
                                    // one that fails again is passed over again
                                    Turn::Again if care != Care::Open => return Ok(()),
                                    Turn::Again => Care::Again,
                                };
                                reading.entry(write, entry)
                            })?;
                            done.new_again = reading.new_again;
                            done.doubtful = reading.doubtful;
                            done.stands_anew = reading.row.standing != stood;
                        }
                        None => {
                            // acknowledged, so that the relay's window does not fill; nothing is noted here
                            done.cursor = batch.last().map_or(0, |entry| entry.seq);
                            done.handled = done.cursor;
                            done.processed = batch.len();
                            // what a block leaves out of entries is not for this device, and with commits alone there is nothing to read
                            let tells = batch.iter().any(|entry| {
                                entry.kind == EntryKind::Application && !entry.bytes.0.is_empty()
                            });
                            if tells && !requests::is_declined(write.connection(), id)? {
                                if streams::is_left(write.connection(), id)? {
                                    info!(conversation = %id, "entries of a conversation whose welcome was left");
                                } else {
                                    // its welcome never came here, or what came of it is lost
                                    warn!(conversation = %id, "entries of a conversation that is not here");
                                }
                                commits::want_unknown(write, id, ids.client_id())?;
                            }
                            return Ok(done);
                        }
                    }
                }
            }
            streams::advance(write, stream, done.cursor)?;
            crate::KillPoint::ReceivedBeforeCommit.reach();
            Ok(done)
        })?;
        match stream {
            StreamId::Inbox => crate::KillPoint::InboxAfterCommit.reach(),
            StreamId::Conversation(_) => crate::KillPoint::ReceivedAfterCommit.reach(),
        }
        self.events.extend(events);
        Ok(consequences)
    }
}

/// Whether an error may be that of one entry: a fault of this program, or of the encryption library. A database that is damaged, or
/// has no room, fails at the others as well.
const fn is_of_an_entry(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Crypto | ErrorKind::Database | ErrorKind::NotFound | ErrorKind::Internal
    )
}

/// Whether a position is processed for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    First,
    Again,
}

/// Takes the entries in order, stops at a gap. What has a position that was processed before is looked at again: nearly always
/// it is the same entry, but a relay that went back in time gives its positions to others.
fn walk(
    stream: StreamId,
    batch: &[Entry],
    done: &mut Consequences,
    mut take: impl FnMut(&Entry, Turn) -> Result<()>,
) -> Result<()> {
    for entry in batch {
        if entry.seq > done.cursor {
            // a device reads a conversation from where its welcome put it, so a first cursor may lie anywhere
            let first = done.cursor == 0 && stream != StreamId::Inbox;
            if entry.seq != done.cursor.saturating_add(1) && !first {
                done.gap = true;
                return Ok(());
            }
            take(entry, Turn::First)?;
            done.cursor = entry.seq;
        } else {
            take(entry, Turn::Again)?;
        }
        done.handled = entry.seq;
        done.processed = done.processed.saturating_add(1);
    }
    Ok(())
}
