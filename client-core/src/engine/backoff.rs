//! How long this device waits between attempts to reach the relay.

use std::time::Duration;

use crate::model::OfflineCause;

/// A connection that lasted so long ends the series of failures before it.
const LASTING: Duration = Duration::from_secs(30);
/// How long a relay that said that it stops is taken to be starting again.
const RESTART: Duration = Duration::from_secs(60);
/// How often the first pause is doubled for that time: all hear at the same moment that the relay stops, and come back at random
/// within four seconds.
const RESTART_DOUBLINGS: u32 = 4;

/// Counts failed attempts. A connection that ends soon is one too: a relay that lets in and closes is not dialled in a storm.
#[derive(Default)]
pub(super) struct Backoff {
    pub(super) failures: u32,
    /// How often the bound of the pause was doubled.
    pub(super) doublings: u32,
    /// When the relay said that it stops, if no connection lasted since.
    stopped: Option<Duration>,
    pub(super) cause: Option<OfflineCause>,
    /// When the connection that there is was let in, by the clock that does not jump.
    online_since: Option<Duration>,
    /// When another connection of this device took over last.
    pub(super) replaced: Option<Duration>,
}

impl Backoff {
    pub(super) fn online(&mut self, now: Duration) {
        self.cause = None;
        self.online_since = Some(now);
    }

    pub(super) fn ended(&mut self, now: Duration) {
        let lived = self
            .online_since
            .take()
            .is_some_and(|since| now.saturating_sub(since) >= LASTING);
        if lived {
            self.failures = 0;
            self.doublings = 0;
            self.stopped = None;
        }
    }

    /// The relay stops. One that says so again and again, without a connection that lasted, gets no further time.
    pub(super) fn stopping(&mut self, now: Duration) {
        self.ended(now);
        if self.stopped.is_none() {
            self.stopped = Some(now);
            self.doublings = RESTART_DOUBLINGS;
        }
    }

    /// Whether the relay is likely to be back at any moment.
    pub(super) fn is_restarting(&self, now: Duration) -> bool {
        self.stopped
            .is_some_and(|stopped| now.saturating_sub(stopped) < RESTART)
    }

    /// A person asks: the attempts before count no more, and what is known of the relay does.
    pub(super) fn asked(&mut self) {
        *self = Self {
            cause: self.cause,
            stopped: self.stopped,
            ..Self::default()
        };
    }

    /// Counts an attempt that failed, or a connection that ended.
    pub(super) fn failed(&mut self, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        if !self.is_restarting(now) {
            self.doublings = self.doublings.saturating_add(1);
        }
    }
}
