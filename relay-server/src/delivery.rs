//! From a committed transaction to answers and pushes.
//!
//! The writer hands over the completions of a transaction; [`run`] carries them out in order on the runtime, then offers
//! what was stored to the sessions that follow it, each frame encoded once, and wakes each session once.

mod conversation;
mod kept;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use protocol::{AccountId, ConversationId, Entry, Refusal, StreamId};
use tokio::sync::mpsc::Receiver;

pub(crate) use self::{conversation::Conversation, kept::Room};
use crate::{
    registry::Registry,
    session::{Session, SharedFrame, Stream},
    store::{
        AccountRow, AppendDone, Behind, Change, Completion, CursorRow, DeviceRow, Ended, MemberRow,
        Membership, Standing, StreamRow,
    },
};

/// Conversations with a connected member, and what waits to be pushed or written behind.
#[derive(Default)]
pub(crate) struct Delivery {
    conversations: Mutex<HashMap<ConversationId, Arc<Conversation>>>,
    staged: Mutex<Staged>,
    behind: Mutex<Cursors>,
    arrivals: Mutex<Arrivals>,
    /// For the signals that are kept.
    pub(crate) room: Arc<Room>,
}

/// What was stored while sessions read what they may follow: between reading and following nobody offers it to them.
#[derive(Default)]
struct Arrivals {
    sessions: usize,
    /// The last seq of each conversation that got entries since the first of these sessions began to read.
    last: HashMap<ConversationId, u64>,
    /// Counts changes of memberships and of what passes between their accounts, so that what was read before one is read again.
    changes: u64,
    /// The count at the newest change of each conversation since the first of these sessions began to read.
    changed: HashMap<ConversationId, u64>,
}

impl Arrivals {
    /// Whether the conversation changed after there were so many changes.
    fn has_changed(&self, conversation: ConversationId, since: u64) -> bool {
        let newest = self.changed.get(&conversation);
        newest.is_some_and(|newest| *newest > since)
    }
}

/// How the two accounts of a conversation stood to each other when that was read.
#[derive(Clone, Copy)]
enum Read<'a> {
    /// Nothing changed since.
    Newest(&'a Standing),
    /// It may have changed since. It serves where nothing is known, until it is read again.
    Before(&'a Standing),
}

/// A session reads what it may follow.
pub(crate) struct Arriving<'a>(&'a Delivery);

impl Drop for Arriving<'_> {
    fn drop(&mut self) {
        let mut arrivals = lock(&self.0.arrivals);
        arrivals.sessions = arrivals.sessions.saturating_sub(1);
        if arrivals.sessions == 0 {
            arrivals.last = HashMap::new();
            arrivals.changed = HashMap::new();
        }
    }
}

/// What the completions of one transaction left to push.
#[derive(Default)]
struct Staged {
    entries: Vec<(ConversationId, AccountId, Vec<Entry>)>,
    wake: Vec<Arc<Session>>,
}

/// Cursors that are newer than the store's.
#[derive(Default)]
struct Cursors {
    /// `None`: the inbox.
    cursors: HashMap<(DeviceRow, Option<StreamRow>), u64>,
    last_seen: HashMap<AccountRow, u64>,
}

/// Carries out completions until the writer is gone.
pub(crate) async fn run(delivery: Arc<Delivery>, mut batches: Receiver<Vec<Completion>>) {
    while let Some(batch) = batches.recv().await {
        delivery.carry_out(batch);
    }
}

impl Delivery {
    /// `room`: for the signals that are kept.
    pub(crate) fn new(room: Arc<Room>) -> Self {
        Self {
            room,
            ..Self::default()
        }
    }

    /// Carries out the completions of one transaction.
    pub(crate) fn carry_out(&self, batch: Vec<Completion>) {
        for completion in batch {
            if catch_unwind(AssertUnwindSafe(completion)).is_err() {
                tracing::error!("panic in a completion");
            }
        }
        crate::KillPoint::AnsweredBeforePush.reach();
        self.flush();
        crate::KillPoint::Pushed.reach();
    }

    /// Answers an append and stages what it stored.
    pub(crate) fn appended(
        &self,
        session: Arc<Session>,
        id: u32,
        conversation: ConversationId,
        outcome: Result<AppendDone, Refusal>,
    ) {
        match outcome {
            Ok(done) => {
                let mut staged = lock(&self.staged);
                if !done.fresh.is_empty() {
                    staged
                        .entries
                        .push((conversation, session.identity.account, done.fresh));
                }
                if session.finish(id, &done.appended.into()) {
                    staged.wake.push(session);
                }
            }
            // perhaps refused before it came to the writer: no transaction's end would wake the session
            Err(refusal) => {
                if session.finish(id, &refusal.into()) {
                    session.wake();
                }
            }
        }
    }

    /// Pushes what a commit changed: its entry to the members, the welcomes to the inboxes.
    pub(crate) fn changed(&self, registry: &Registry, account: AccountId, change: Change) {
        self.note_change(change.conversation);
        // entries stored before it must be offered before it
        self.flush();
        let Change {
            conversation,
            stream,
            entry,
            joined,
            left,
            standing,
            made: _,
        } = change;
        let seq = entry.seq;
        if let Some(known) = self.conversation(conversation) {
            let members: Vec<_> = joined.iter().map(|joined| joined.member.clone()).collect();
            known.merge(&members);
            known.forget_signals();
            for device in &left {
                known.leave(*device, seq);
            }
        }
        for device in left {
            if let Some(session) = registry.get(device) {
                session.with_push(|push| push.leave(conversation, seq));
            }
        }
        let mut wake = Vec::new();
        let members: Vec<_> = joined.iter().map(|joined| joined.member.clone()).collect();
        for joined in joined {
            let Some(session) = registry.get(joined.member.device) else {
                continue;
            };
            let place = (conversation, stream);
            let known = self.subscribe(place, Read::Newest(&standing), &members, &session, seq);
            let row = known.stream;
            session.with_push(|push| {
                let member = &joined.member;
                let followed = Stream::new(row, member.cursor, 0, seq).within(member.span());
                push.join(conversation, followed);
            });
            let welcome = joined
                .welcome
                .into_iter()
                .flat_map(|entry| SharedFrame::encode(StreamId::Inbox, vec![entry]));
            for frame in welcome {
                if session.offer(StreamId::Inbox, &frame) {
                    wake.push(Arc::clone(&session));
                }
            }
        }
        lock(&self.staged).wake.append(&mut wake);
        lock(&self.staged)
            .entries
            .push((conversation, account, vec![entry]));
        self.flush();
    }

    /// The other account accepted a request. Answers the conversation, if anyone follows it.
    pub(crate) fn accepted(&self, conversation: ConversationId) -> Option<Arc<Conversation>> {
        self.note_change(conversation);
        let known = self.conversation(conversation)?;
        known.accept();
        Some(known)
    }

    /// An account blocked the other of a conversation, or ended that.
    pub(crate) fn blocked(
        &self,
        conversation: ConversationId,
        account: AccountId,
        blocked: bool,
    ) -> Option<Arc<Conversation>> {
        self.note_change(conversation);
        let known = self.conversation(conversation)?;
        known.block(account, blocked);
        Some(known)
    }

    /// A conversation ended: nobody is a member any more.
    pub(crate) fn ended(&self, registry: &Registry, ended: &Ended) {
        self.note_change(ended.conversation);
        lock(&self.conversations).remove(&ended.conversation);
        for session in ended.left.iter().filter_map(|device| registry.get(*device)) {
            session.with_push(|push| push.leave(ended.conversation, ended.last));
        }
    }

    /// Notes that a conversation changes, before that shows here.
    fn note_change(&self, conversation: ConversationId) {
        let arrivals = &mut *lock(&self.arrivals);
        arrivals.changes += 1;
        if arrivals.sessions > 0 {
            arrivals.changed.insert(conversation, arrivals.changes);
        }
    }

    /// How many changes of memberships and of what passes between their accounts there were.
    pub(crate) fn changes(&self) -> u64 {
        lock(&self.arrivals).changes
    }

    /// Whether one of these conversations changed after there were so many changes. To be asked by whoever is [`Arriving`] since.
    pub(crate) fn have_changed(&self, conversations: &[ConversationId], since: u64) -> bool {
        let arrivals = lock(&self.arrivals);
        let mut conversations = conversations.iter();
        conversations.any(|conversation| arrivals.has_changed(*conversation, since))
    }

    /// Whether anyone follows the conversation.
    pub(crate) fn conversation(&self, id: ConversationId) -> Option<Arc<Conversation>> {
        lock(&self.conversations).get(&id).cloned()
    }

    /// Begins to note what is stored. Called before a session reads what [`Delivery::follow`] takes.
    pub(crate) fn arrive(&self) -> Arriving<'_> {
        lock(&self.arrivals).sessions += 1;
        Arriving(self)
    }

    /// Lets a session follow a conversation as the store has it, and brings that up to date. It was read after there were so many
    /// `changes`: what is known here of a later one counts more.
    pub(crate) fn follow(&self, session: &Arc<Session>, membership: &mut Membership, changes: u64) {
        {
            let behind = lock(&self.behind);
            for member in &mut membership.members {
                let newer = behind
                    .cursors
                    .get(&(member.device_row, Some(membership.stream)));
                member.cursor = newer.copied().unwrap_or(0).max(member.cursor);
                let seen = behind.last_seen.get(&member.account_row);
                member.last_seen = seen.copied().unwrap_or(0).max(member.last_seen);
            }
        }
        let Membership {
            conversation,
            stream,
            last,
            ..
        } = *membership;
        let arrivals = lock(&self.arrivals);
        let standing = match arrivals.has_changed(conversation, changes) {
            false => Read::Newest(&membership.standing),
            true => Read::Before(&membership.standing),
        };
        let place = (conversation, stream);
        self.subscribe(place, standing, &membership.members, session, last);
        // from here on it is offered what is stored; what came before and was not read yet is known here
        let noted = arrivals.last.get(&conversation).copied();
        membership.last = noted.unwrap_or(0).max(membership.last);
    }

    /// The standing is known before anything passes.
    fn subscribe(
        &self,
        (id, stream): (ConversationId, StreamRow),
        standing: Read<'_>,
        members: &[MemberRow],
        session: &Arc<Session>,
        last: u64,
    ) -> Arc<Conversation> {
        let mut conversations = lock(&self.conversations);
        let (Read::Newest(read) | Read::Before(read)) = standing;
        let conversation = conversations
            .entry(id)
            .or_insert_with(|| Arc::new(Conversation::new(id, stream, read.clone())));
        if let Read::Newest(read) = standing {
            conversation.set_standing(read.clone());
        }
        conversation.merge(members);
        conversation.subscribe(session, last);
        Arc::clone(conversation)
    }

    /// Ends it again.
    pub(crate) fn unfollow(&self, session: &Arc<Session>, id: ConversationId) {
        let mut conversations = lock(&self.conversations);
        if conversations
            .get(&id)
            .is_some_and(|conversation| conversation.unsubscribe(session))
        {
            conversations.remove(&id);
        }
    }

    /// The inbox cursor of a device, if it is newer than the store's.
    pub(crate) fn inbox_cursor(&self, device: DeviceRow) -> u64 {
        lock(&self.behind)
            .cursors
            .get(&(device, None))
            .copied()
            .unwrap_or(0)
    }

    /// A device has processed a stream up to `seq`.
    pub(crate) fn acknowledged(
        &self,
        session: &Session,
        stream: StreamId,
        row: StreamRow,
        seq: u64,
    ) {
        let identity = session.identity;
        let key = match stream {
            StreamId::Inbox => None,
            StreamId::Conversation(_) => Some(row),
        };
        {
            let mut behind = lock(&self.behind);
            let cursor = behind
                .cursors
                .entry((identity.device_row, key))
                .or_insert(0);
            *cursor = seq.max(*cursor);
        }
        if let StreamId::Conversation(id) = stream
            && let Some(conversation) = self.conversation(id)
        {
            conversation.acknowledge(identity.device, seq);
        }
    }

    /// An account was last connected then.
    pub(crate) fn seen(&self, account: AccountRow, time: u64) {
        lock(&self.behind).last_seen.insert(account, time);
    }

    /// What is newer than the store. It stays known here until [`Delivery::written`].
    pub(crate) fn behind(&self) -> Behind {
        let behind = lock(&self.behind);
        let cursors = behind
            .cursors
            .iter()
            .map(|((device, stream), seq)| match stream {
                None => CursorRow::Inbox {
                    device: *device,
                    seq: *seq,
                },
                Some(stream) => CursorRow::Conversation {
                    device: *device,
                    stream: *stream,
                    seq: *seq,
                },
            });
        Behind {
            cursors: cursors.collect(),
            last_seen: behind
                .last_seen
                .iter()
                .map(|(account, time)| (*account, *time))
                .collect(),
        }
    }

    /// These are in the store now. While a session reads they stay known here: it may have read before they were written.
    pub(crate) fn written(&self, written: &Behind) {
        if lock(&self.arrivals).sessions > 0 {
            return;
        }
        let mut behind = lock(&self.behind);
        for cursor in &written.cursors {
            let (key, seq) = match *cursor {
                CursorRow::Inbox { device, seq } => ((device, None), seq),
                CursorRow::Conversation {
                    device,
                    stream,
                    seq,
                } => ((device, Some(stream)), seq),
            };
            if behind.cursors.get(&key) == Some(&seq) {
                behind.cursors.remove(&key);
            }
        }
        for (account, time) in &written.last_seen {
            if behind.last_seen.get(account) == Some(time) {
                behind.last_seen.remove(account);
            }
        }
    }

    /// Offers what is staged and wakes who must look.
    fn flush(&self) {
        let Staged { entries, mut wake } = std::mem::take(&mut *lock(&self.staged));
        // entries of one conversation and sender that were stored together share a frame
        let mut runs: Vec<(ConversationId, AccountId, Vec<Entry>)> =
            Vec::with_capacity(entries.len());
        let mut newest: HashMap<ConversationId, usize> = HashMap::with_capacity(entries.len());
        for (conversation, account, mut more) in entries {
            let run = newest
                .get(&conversation)
                .and_then(|index| runs.get_mut(*index))
                .filter(|run| run.1 == account);
            match run {
                Some((_, _, entries)) => entries.append(&mut more),
                None => {
                    newest.insert(conversation, runs.len());
                    runs.push((conversation, account, more));
                }
            }
        }
        {
            // before the entries are offered: who follows later finds them here
            let mut arrivals = lock(&self.arrivals);
            if arrivals.sessions > 0 {
                for (id, _, entries) in &runs {
                    let stored = entries.last().map_or(0, |entry| entry.seq);
                    let last = arrivals.last.entry(*id).or_insert(0);
                    *last = stored.max(*last);
                }
            }
        }
        for (id, account, entries) in runs {
            if let Some(conversation) = self.conversation(id) {
                let frames = SharedFrame::encode(StreamId::Conversation(id), entries);
                conversation.publish(account, &frames, &mut wake);
            }
        }
        for session in wake {
            session.wake();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
