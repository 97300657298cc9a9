//! A conversation of which a member is connected: its members, their cursors, and the sessions that follow it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use protocol::{AccountId, ConversationId, DeviceId, SignalPush, StreamId};

use super::kept::{KeptSignals, Room};
use crate::{
    session::{Session, SharedFrame, same},
    store::{MemberRow, Standing, StreamRow},
};

/// A conversation of which a member is connected.
pub(crate) struct Conversation {
    pub(crate) id: ConversationId,
    pub(crate) stream: StreamRow,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    members: Vec<MemberRow>,
    sessions: Vec<Arc<Session>>,
    standing: Standing,
    /// For each account that sent: the highest seq of its entries, and the delivered seq that it was told.
    senders: Vec<Sender>,
    kept: KeptSignals,
}

struct Sender {
    account: AccountId,
    sent: u64,
    told: u64,
}

impl Conversation {
    pub(super) fn new(id: ConversationId, stream: StreamRow, standing: Standing) -> Self {
        let state = State {
            standing,
            ..State::default()
        };
        Self {
            id,
            stream,
            state: Mutex::new(state),
        }
    }

    /// Takes in members as the store or a commit names them. Known ones are only ever brought forward.
    pub(super) fn merge(&self, members: &[MemberRow]) {
        let state = &mut *self.lock();
        for member in members {
            match state
                .members
                .iter_mut()
                .find(|known| known.device == member.device)
            {
                Some(known) => {
                    if version(member) > version(known) {
                        let cursor = known.cursor.max(member.cursor);
                        *known = MemberRow {
                            cursor,
                            ..member.clone()
                        };
                    }
                    known.cursor = known.cursor.max(member.cursor);
                }
                None => state.members.push(member.clone()),
            }
        }
    }

    /// Takes in how the two accounts stand to each other.
    pub(super) fn set_standing(&self, standing: Standing) {
        let state = &mut *self.lock();
        state.standing = standing;
        if !state.standing.is_open() {
            state.kept.clear();
        }
    }

    /// The request was accepted.
    pub(super) fn accept(&self) {
        let state = &mut *self.lock();
        state.standing.requester = None;
        state.tell_delivered(self.id, None);
    }

    /// An account blocked the other, or ended that.
    pub(super) fn block(&self, account: AccountId, blocked: bool) {
        let state = &mut *self.lock();
        state.standing.blockers.retain(|known| *known != account);
        if blocked {
            state.standing.blockers.push(account);
            state.kept.clear();
        }
        state.tell_delivered(self.id, None);
    }

    /// Whether presence and signals may pass.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().standing.is_open()
    }

    /// A commit ends the epoch: what was kept is sealed with a key of it.
    pub(super) fn forget_signals(&self) {
        self.lock().kept.clear();
    }

    /// A commit at `seq` removed the device.
    pub(super) fn leave(&self, device: DeviceId, seq: u64) {
        let mut state = self.lock();
        if let Some(member) = state
            .members
            .iter_mut()
            .find(|member| member.device == device && member.span().began() < seq)
        {
            member.left = Some(seq);
        }
    }

    pub(super) fn subscribe(&self, session: &Arc<Session>, last: u64) {
        let state = &mut *self.lock();
        if !state.sessions.iter().any(|known| same(known, session)) {
            state.sessions.push(Arc::clone(session));
            // an older session of the device may still be ending
            state.kept.leave(session.identity.device);
        }
        // what it sent before is not known here: told once more, at most
        let sender = state.sender(session.identity.account);
        sender.sent = sender.sent.max(last);
    }

    /// Answers whether nobody follows it any more.
    pub(super) fn unsubscribe(&self, session: &Arc<Session>) -> bool {
        let mut state = self.lock();
        state.sessions.retain(|known| !same(known, session));
        state.kept.end(session);
        state.sessions.is_empty()
    }

    /// New entries of `sender`, offered to every session. `wake` gets those that must be woken.
    pub(super) fn publish(
        &self,
        sender: AccountId,
        frames: &[SharedFrame],
        wake: &mut Vec<Arc<Session>>,
    ) {
        let Some(last) = frames.last().map(|frame| frame.last) else {
            return;
        };
        let state = &mut *self.lock();
        let known = state.sender(sender);
        known.sent = known.sent.max(last);
        for session in &state.sessions {
            let mut rouse = false;
            // who blocked the sender reads the log, where the bytes are left out
            if state.standing.blinds(session.identity.account, sender) {
                rouse = session.stored(StreamId::Conversation(self.id), last);
            } else {
                for frame in frames {
                    rouse |= session.offer(StreamId::Conversation(self.id), frame);
                }
            }
            if rouse {
                wake.push(Arc::clone(session));
            }
        }
    }

    /// A device has processed the stream up to `seq`: tells the others' senders what that delivers.
    ///
    /// Each acknowledgement looks at every member, which is fine for the direct conversations that there are.
    pub(super) fn acknowledge(&self, device: DeviceId, seq: u64) {
        let state = &mut *self.lock();
        let Some(member) = state
            .members
            .iter_mut()
            .find(|member| member.device == device)
        else {
            return;
        };
        member.cursor = member.cursor.max(seq);
        let account = member.account;
        state.tell_delivered(self.id, Some(account));
    }

    /// Up to where every other account has the conversation, for an account that is told so now.
    pub(crate) fn tell(&self, account: AccountId) -> Option<u64> {
        let state = &mut *self.lock();
        let seq = state.delivered(account).filter(|seq| *seq > 0)?;
        let sender = state.sender(account);
        sender.told = seq.max(sender.told);
        Some(seq)
    }

    /// Hands a signal to the sessions of all other devices, and keeps it where that is asked for.
    pub(crate) fn signal(&self, from: &Arc<Session>, signal: &SignalPush, room: &Arc<Room>) {
        let state = &mut *self.lock();
        if !state.standing.is_open() {
            return;
        }
        if signal.keep {
            state.kept.keep(from, signal, room);
        }
        for session in state.sessions.iter().filter(|session| !same(session, from)) {
            session.signal(signal);
        }
    }

    /// Hands what was kept to a session that may see it now.
    pub(crate) fn hand_kept(&self, session: &Session) {
        let state = self.lock();
        if state.standing.is_open() {
            state.kept.hand_to(session);
        }
    }

    /// The session hides: what it said is over.
    pub(crate) fn hide(&self, session: &Arc<Session>) {
        self.lock().kept.end(session);
    }

    /// The other accounts that may be seen, with the time when they were last connected as of the store.
    pub(crate) fn contacts(&self, account: AccountId) -> Vec<(AccountId, u64)> {
        let mut contacts: Vec<(AccountId, u64)> = Vec::new();
        let state = self.lock();
        if !state.standing.is_open() {
            return contacts;
        }
        for member in state
            .members
            .iter()
            .filter(|member| member.account != account && member.left.is_none())
        {
            match contacts
                .iter_mut()
                .find(|(known, _)| *known == member.account)
            {
                Some((_, last_seen)) => *last_seen = member.last_seen.max(*last_seen),
                None => contacts.push((member.account, member.last_seen)),
            }
        }
        contacts
    }

    /// The sessions of everybody.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        self.lock().sessions.clone()
    }

    /// The sessions of the other accounts that may see this one.
    pub(crate) fn sessions_of_others(&self, account: AccountId) -> Vec<Arc<Session>> {
        let state = self.lock();
        if !state.standing.is_open() {
            return Vec::new();
        }
        state
            .sessions
            .iter()
            .filter(|session| session.identity.account != account)
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Tells senders what is delivered of theirs by now, but not the account `except`, whose cursor rose.
    fn tell_delivered(&mut self, id: ConversationId, except: Option<AccountId>) {
        for index in 0..self.senders.len() {
            let Some(sender) = self.senders.get(index) else {
                continue;
            };
            if Some(sender.account) == except || sender.sent <= sender.told {
                continue;
            }
            let Some(seq) = self
                .delivered(sender.account)
                .filter(|seq| *seq > sender.told)
            else {
                continue;
            };
            let to = sender.account;
            if let Some(sender) = self.senders.get_mut(index) {
                sender.told = seq;
            }
            for session in self
                .sessions
                .iter()
                .filter(|session| session.identity.account == to)
            {
                session.delivered(id, seq);
            }
        }
    }

    /// The highest seq that at least one device of every other account has processed; `None` where the account may not know.
    fn delivered(&self, account: AccountId) -> Option<u64> {
        if self.standing.hides_delivery_from(account) {
            return None;
        }
        let present = || {
            self.members
                .iter()
                .filter(|member| member.left.is_none() && member.account != account)
        };
        present()
            .map(|of| {
                present()
                    .filter(|member| member.account == of.account)
                    .map(|member| member.cursor)
                    .max()
            })
            .min()
            .flatten()
    }

    fn sender(&mut self, account: AccountId) -> &mut Sender {
        let index = self
            .senders
            .iter()
            .position(|sender| sender.account == account);
        let index = index.unwrap_or_else(|| {
            self.senders.push(Sender {
                account,
                sent: 0,
                told: 0,
            });
            self.senders.len() - 1
        });
        #[expect(
            clippy::indexing_slicing,
            reason = "the index was found or made just now"
        )]
        &mut self.senders[index]
    }
}

/// Rises with each change of a membership.
fn version(member: &MemberRow) -> u64 {
    member.span().began().max(member.left.unwrap_or(0))
}
