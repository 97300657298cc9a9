//! One authenticated connection: what waits for its socket, and what it has been pushed.

mod handshake;
mod push;
mod socket;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use protocol::{
    AccountId, Bye, ConversationId, Delivered, DeviceId, ErrorCode, Frame, Presence, Refusal,
    SignalPush, StreamId, encode_frame,
};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    handshake::nobodys_key,
    push::{Push, SharedFrame, Stream, Window},
    socket::serve,
};
use crate::{
    config::Connections,
    limits::{Bucket, SessionRates},
    store::{Identity, PageRange, PageRow, StreamRow},
};

/// What a client may ask for at a rate of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activity {
    Append(usize),
    Signal,
    Request,
}

/// One authenticated connection.
pub(crate) struct Session {
    pub(crate) identity: Identity,
    announce: AtomicBool,
    /// Counted by `presence` among the account's sessions.
    shown: AtomicBool,
    /// Signals of it that are kept.
    kept: AtomicUsize,
    wake: Notify,
    /// Ends the connection at once, whatever its socket is doing.
    cut: CancellationToken,
    /// Whether a newer connection of the device took over. Held while something is handed to the store.
    replaced: Mutex<bool>,
    limits: SessionLimits,
    inner: Mutex<Inner>,
}

#[derive(Clone, Copy)]
struct SessionLimits {
    queue_frames: usize,
    queue_bytes: usize,
    in_flight: usize,
    kept_signals: usize,
    rates: SessionRates,
}

struct Inner {
    /// Encoded frames that wait for the socket.
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Coalesced: only the newest of each counts.
    delivered: Vec<(ConversationId, u64)>,
    presence: BTreeMap<AccountId, Presence>,
    signals: BTreeMap<(ConversationId, DeviceId), SignalPush>,
    /// Requests whose reply is not queued yet.
    in_flight: usize,
    closing: Option<Bye>,
    /// The socket's task was woken and has not looked yet.
    awake: bool,
    push: Push,
    appends: Bucket,
    signalling: Bucket,
    requests: Bucket,
}

impl Session {
    pub(crate) fn new(
        identity: Identity,
        announce: bool,
        config: &Connections,
        rates: SessionRates,
    ) -> Self {
        let window = Window {
            entries: config.window_entries,
            bytes: config.window_bytes,
        };
        let now = Instant::now();
        Self {
            identity,
            announce: AtomicBool::new(announce),
            shown: AtomicBool::new(false),
            kept: AtomicUsize::new(0),
            wake: Notify::new(),
            cut: CancellationToken::new(),
            replaced: Mutex::new(false),
            limits: SessionLimits {
                queue_frames: config.queue_frames,
                queue_bytes: config.queue_bytes,
                in_flight: config.in_flight,
                kept_signals: config.kept_signals,
                rates,
            },
            inner: Mutex::new(Inner {
                frames: VecDeque::new(),
                bytes: 0,
                delivered: Vec::new(),
                presence: BTreeMap::new(),
                signals: BTreeMap::new(),
                in_flight: 0,
                closing: None,
                awake: false,
                push: Push::new(window),
                appends: Bucket::full(rates.appends, now),
                signalling: Bucket::full(rates.signals, now),
                requests: Bucket::full(rates.requests, now),
            }),
        }
    }

    /// Whether contacts may see that it is connected.
    pub(crate) fn announces(&self) -> bool {
        self.announce.load(Ordering::Relaxed)
    }

    /// Answers what it was before.
    pub(crate) fn set_announce(&self, announce: bool) -> bool {
        self.announce.swap(announce, Ordering::Relaxed)
    }

    /// Notes whether `presence` counts it, and answers what it was before.
    pub(crate) fn set_shown(&self, shown: bool) -> bool {
        self.shown.swap(shown, Ordering::Relaxed)
    }

    /// Counts a signal that is to be kept; `false`: it has enough of them.
    pub(crate) fn reserve_kept(&self) -> bool {
        let more = self
            .kept
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |kept| {
                (kept < self.limits.kept_signals).then_some(kept + 1)
            });
        more.is_ok()
    }

    /// A signal that was counted is not kept any more.
    pub(crate) fn release_kept(&self) {
        self.kept.fetch_sub(1, Ordering::Relaxed);
    }

    /// Wakes the socket's task. Several changes may share one wake.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Queues the reply to a request that was counted by [`Session::begin`]. The caller wakes where it answers `true`.
    #[must_use]
    pub(crate) fn finish(&self, id: u32, reply: &Frame) -> bool {
        let frame = encode_frame(id, reply).into();
        let mut inner = self.lock();
        inner.in_flight = inner.in_flight.saturating_sub(1);
        inner.queue(frame);
        inner.rouse()
    }

    /// Queues a frame that no window counts: a reply, or `ready`.
    pub(crate) fn send(&self, id: u32, frame: &Frame) {
        let frame = encode_frame(id, frame).into();
        self.lock().queue(frame);
        self.wake();
    }

    /// Counts a request whose reply comes later.
    pub(crate) fn begin(&self) {
        self.lock().in_flight += 1;
    }

    /// Takes from the session's own rates.
    pub(crate) fn spend(&self, activity: Activity) -> Result<(), Refusal> {
        let rates = self.limits.rates;
        let now = Instant::now();
        let inner = &mut *self.lock();
        let outcome = match activity {
            Activity::Append(entries) => {
                let entries = f64::from(u32::try_from(entries).unwrap_or(u32::MAX));
                inner.appends.take(rates.appends, entries, now)
            }
            Activity::Signal => inner.signalling.take(rates.signals, 1.0, now),
            Activity::Request => inner.requests.take(rates.requests, 1.0, now),
        };
        outcome.map_err(crate::limits::limited)
    }

    /// New entries are stored. The caller wakes where it answers `true`.
    #[must_use]
    pub(crate) fn offer(&self, stream: StreamId, frame: &SharedFrame) -> bool {
        let inner = &mut *self.lock();
        let room = inner.has_room(&self.limits);
        if inner.push.offer(stream, frame, room) {
            inner.queue(frame.bytes.clone());
        }
        inner.rouse()
    }

    /// New entries are stored that it has to read itself. The caller wakes where it answers `true`.
    #[must_use]
    pub(crate) fn stored(&self, stream: StreamId, last: u64) -> bool {
        let inner = &mut *self.lock();
        inner.push.stored(stream, last);
        inner.rouse()
    }

    /// Tells how far every recipient is.
    pub(crate) fn delivered(&self, conversation: ConversationId, seq: u64) {
        let mut inner = self.lock();
        match inner
            .delivered
            .iter_mut()
            .find(|(known, _)| *known == conversation)
        {
            Some((_, known)) => *known = seq.max(*known),
            None => inner.delivered.push((conversation, seq)),
        }
        if inner.rouse() {
            self.wake();
        }
    }

    /// Tells of a contact, unless this session hides itself.
    pub(crate) fn presence(&self, presence: Presence) {
        if !self.announces() {
            return;
        }
        let mut inner = self.lock();
        inner.presence.insert(presence.account, presence);
        if inner.rouse() {
            self.wake();
        }
    }

    /// Hands over a signal, or drops it where the socket is behind, or the device is not or no longer a member that has
    /// its welcome. Before `ready` it is none. Of those with `keep` the newest waits for the socket, unless the session hides.
    pub(crate) fn signal(&self, signal: &SignalPush) {
        let mut inner = self.lock();
        if !inner.push.is_member(signal.conversation) {
            return;
        }
        if signal.keep {
            if self.announces() {
                let from = (signal.conversation, signal.sender);
                inner.signals.insert(from, signal.clone());
                if inner.rouse() {
                    self.wake();
                }
            }
            return;
        }
        if inner.frames.len() * 2 < self.limits.queue_frames
            && inner.bytes * 2 < self.limits.queue_bytes
        {
            inner.queue(encode_frame(0, &signal.clone().into()).into());
            if inner.rouse() {
                self.wake();
            }
        }
    }

    /// Closes the connection once what is queued is written.
    pub(crate) fn close(&self, code: ErrorCode, retry_after: Option<Duration>) {
        let retry_after =
            retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        self.lock().closing.get_or_insert(Bye { code, retry_after });
        self.wake();
    }

    /// A newer connection of the device takes over: what this one has not handed to the store by now it never does.
    pub(crate) fn replace(&self) {
        *self.replaced.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.close(ErrorCode::Replaced, None);
    }

    /// Hands entries of the device to the store, unless a newer connection took over, which may have been told already how many
    /// there are. Answers whether it did.
    pub(crate) fn hand_over(&self, submit: impl FnOnce()) -> bool {
        let replaced = self.replaced.lock().unwrap_or_else(PoisonError::into_inner);
        if !*replaced {
            submit();
        }
        !*replaced
    }

    /// The device was revoked: nothing more is written to it but that.
    pub(crate) fn revoke(&self) {
        self.close(ErrorCode::Revoked, None);
        self.cut.cancel();
    }

    /// Changes what the session is pushed.
    pub(crate) fn with_push<T>(&self, change: impl FnOnce(&mut Push) -> T) -> T {
        change(&mut self.lock().push)
    }

    /// Whether a further request may be read: none may pile up replies that nobody reads.
    fn may_read(&self) -> bool {
        let inner = self.lock();
        inner.in_flight < self.limits.in_flight && inner.closing.is_none()
    }

    /// Takes what waits for the socket.
    fn take(&self) -> VecDeque<Bytes> {
        let mut inner = self.lock();
        inner.awake = false;
        inner.bytes = 0;
        let mut frames = std::mem::take(&mut inner.frames);
        for (conversation, seq) in std::mem::take(&mut inner.delivered) {
            frames.push_back(encode_frame(0, &Delivered { conversation, seq }.into()).into());
        }
        for presence in std::mem::take(&mut inner.presence).into_values() {
            frames.push_back(encode_frame(0, &presence.into()).into());
        }
        for signal in std::mem::take(&mut inner.signals).into_values() {
            frames.push_back(encode_frame(0, &signal.into()).into());
        }
        frames
    }

    /// What to read of the log next, if there is room for it.
    fn next_page(&self) -> Option<(StreamId, StreamRow, PageRange)> {
        let inner = &mut *self.lock();
        if inner.closing.is_none() && inner.has_room(&self.limits) {
            inner.push.next_page()
        } else {
            None
        }
    }

    fn apply(&self, stream: StreamId, page: PageRow) {
        let inner = &mut *self.lock();
        for frame in inner.push.apply(stream, page) {
            inner.queue(frame.bytes);
        }
    }

    /// The reason to close, once all replies are queued.
    fn closing(&self) -> Option<Bye> {
        let inner = self.lock();
        inner
            .closing
            .clone()
            .filter(|bye| inner.in_flight == 0 || bye.code == ErrorCode::Replaced)
    }

    /// How many frames wait.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> usize {
        self.lock().frames.len()
    }

    #[cfg(test)]
    pub(crate) fn kept_to_tell(&self) -> usize {
        self.lock().signals.len()
    }

    #[cfg(test)]
    pub(crate) fn told_delivered(&self) -> Vec<(ConversationId, u64)> {
        self.lock().delivered.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn queue(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
    }

    fn has_room(&self, limits: &SessionLimits) -> bool {
        self.frames.len() < limits.queue_frames && self.bytes < limits.queue_bytes
    }

    /// Whether the socket's task must be woken.
    fn rouse(&mut self) -> bool {
        !std::mem::replace(&mut self.awake, true)
    }
}

/// Two handles of the same connection.
pub(crate) fn same(one: &Arc<Session>, other: &Arc<Session>) -> bool {
    Arc::ptr_eq(one, other)
}
