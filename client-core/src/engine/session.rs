//! The connection: dial, prove both sides, be online, fail, wait, try again.
//!
//! ```text
//! Waiting ──due──▶ Dialing ──opened──▶ Greeting ──challenge──▶ Proving ──ready──▶ Online
//!    ▲                │                    │                      │                │
//!    └────────────────┴──── closed, refused, wrong identity, silent for too long ──┘
//! ```

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use protocol::{Address, Bye, Challenge, ErrorCode, Frame, Hello, decode_frame};
use tracing::{debug, info, warn};

use crate::{
    engine::{
        Engine, acks::Acks, holds::Patience, lapse::Lapse, offers::Offers, requests::Request,
        room::BETWEEN_TRIES,
    },
    error::{Error, ErrorKind, Result},
    event::Event,
    model::{ConnectionState, OfflineCause},
    seams::{ConnectionId, TlsFacts},
    store,
};

/// How long dialling and the handshake may take together.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);
/// How long a reply may take. The relay answers in milliseconds or refuses.
pub(super) const REPLY_TIMEOUT: Duration = Duration::from_secs(30);
/// The first pause before another attempt, doubled up to [`LONGEST_PAUSE`], with full jitter.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause between attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause that the relay may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(60 * 60);

/// Told once, how the registration that a person waits for ended.
pub type RegistrationOutcome = Box<dyn FnOnce(Result<()>) + Send>;

/// What is known of the connection, and forgotten with it.
pub(super) enum Session {
    /// No connection; the next attempt is due at this monotonic time, or only when the person asks.
    Waiting { until: Option<Duration> },
    /// On the way to an open WebSocket.
    Dialing {
        connection: ConnectionId,
        deadline: Duration,
    },
    /// `hello` is sent.
    Greeting {
        connection: ConnectionId,
        deadline: Duration,
        tls: TlsFacts,
        hello: Hello,
    },
    /// `prove` or `register` is sent.
    Proving {
        connection: ConnectionId,
        deadline: Duration,
        challenge: Challenge,
    },
    /// Requests may be sent.
    Online(Online),
}

/// An authenticated connection.
pub(super) struct Online {
    pub(super) connection: ConnectionId,
    pub(super) next_id: u32,
    pub(super) requests: BTreeMap<u32, (Request, Duration)>,
}

impl Session {
    /// Due at once.
    pub(super) const fn start() -> Self {
        Self::Waiting {
            until: Some(Duration::ZERO),
        }
    }

    pub(super) const fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::Waiting { .. } => None,
            Self::Dialing { connection, .. }
            | Self::Greeting { connection, .. }
            | Self::Proving { connection, .. } => Some(*connection),
            Self::Online(online) => Some(online.connection),
        }
    }

    pub(super) const fn is_online(&self) -> bool {
        matches!(self, Self::Online(_))
    }

    pub(super) fn next_wake(&self) -> Option<Duration> {
        match self {
            Self::Waiting { until } => *until,
            Self::Dialing { deadline, .. }
            | Self::Greeting { deadline, .. }
            | Self::Proving { deadline, .. } => Some(*deadline),
            Self::Online(online) => online
                .requests
                .values()
                .map(|(_, deadline)| *deadline)
                .min(),
        }
    }
}

/// How long another connection of this device that takes over has the relay for itself.
const REPLACED_PAUSE: Duration = Duration::from_secs(10);
/// A connection that is taken over again within this time has another profile to blame.
const REPLACED_AGAIN: Duration = Duration::from_secs(10 * 60);

impl Engine {
    /// Ends a pause between attempts. For a person's "Retry", a wake-up and a change of network.
    pub fn reconnect(&mut self) {
        if matches!(self.session, Session::Waiting { .. }) {
            self.backoff.asked();
            self.session = Session::start();
        }
        self.wake();
    }

    /// Tells once how the registration ends: `Ok` when the relay made the account, the reason of the next failure otherwise.
    /// Attempts go on unless the relay refused.
    pub fn on_registered(&mut self, outcome: RegistrationOutcome) {
        if self.account.registration.is_none() && !self.account.enrolling {
            outcome(Ok(()));
            return;
        }
        self.registration = Some(outcome);
        self.reconnect();
    }

    pub(super) fn wake_session(&mut self) -> Result<()> {
        let now = self.seams.clock.monotonic();
        match &self.session {
            Session::Waiting { until: Some(until) } if *until <= now => self.dial(now),
            Session::Dialing { deadline, .. }
            | Session::Greeting { deadline, .. }
            | Session::Proving { deadline, .. }
                if *deadline <= now =>
            {
                self.drop_connection(Some(OfflineCause::RelayUnreachable));
                Ok(())
            }
            Session::Online(online)
                if online
                    .requests
                    .values()
                    .any(|(_, deadline)| *deadline <= now) =>
            {
                warn!("a request was not answered in time");
                self.drop_connection(None);
                Ok(())
            }
            Session::Waiting { .. }
            | Session::Dialing { .. }
            | Session::Greeting { .. }
            | Session::Proving { .. }
            | Session::Online(_) => Ok(()),
        }
    }

    fn dial(&mut self, now: Duration) -> Result<()> {
        if !self.has_room() {
            self.session = Session::Waiting {
                until: Some(now.saturating_add(BETWEEN_TRIES)),
            };
            return Ok(());
        }
        let addresses = &self.account.addresses;
        // one address after the other, one per attempt
        let turn = usize::try_from(self.backoff.failures)
            .unwrap_or(0)
            .checked_rem(addresses.len())
            .unwrap_or(0);
        let address: Address = addresses
            .get(turn)
            .ok_or_else(|| Error::new(ErrorKind::Database, "the account has no relay address"))?
            .parse()?;
        self.connections = self.connections.wrapping_add(1);
        let connection = ConnectionId(self.connections);
        self.session = Session::Dialing {
            connection,
            deadline: now.saturating_add(HANDSHAKE_TIMEOUT),
        };
        self.seams.network.dial(connection, &address);
        Ok(())
    }

    pub(super) fn closed(&mut self, closed: ConnectionId) -> Result<()> {
        if self.session.connection() == Some(closed) {
            let cause = (!self.session.is_online()).then_some(OfflineCause::RelayUnreachable);
            self.lose_connection(cause, None)?;
        }
        Ok(())
    }

    pub(super) fn received(&mut self, from: ConnectionId, bytes: &Bytes) -> Result<()> {
        if self.session.connection() != Some(from) {
            return Ok(());
        }
        let (id, frame) = match decode_frame(bytes) {
            Ok(frame) => frame,
            // a newer relay may push what this version does not know
            Err(protocol::DecodeError::UnknownType { frame_type, .. }) => {
                debug!(frame_type, "frame of an unknown type");
                return Ok(());
            }
            Err(error) => {
                warn!(%error, "the relay sent a malformed frame");
                self.drop_connection(None);
                return Ok(());
            }
        };
        if let Frame::Bye(bye) = frame {
            return self.dismissed(&bye);
        }
        match (&self.session, frame) {
            (Session::Greeting { .. }, Frame::Challenge(challenge)) => self.challenged(challenge),
            (Session::Proving { .. }, Frame::Ready(ready)) => self.ready(&ready),
            (Session::Online(_), frame) => self.online_frame(id, frame),
            (_, frame) => {
                warn!(frame = frame.name(), "the relay sent a frame out of turn");
                self.drop_connection(None);
                Ok(())
            }
        }
    }

    /// The relay closes the connection and says why.
    fn dismissed(&mut self, bye: &Bye) -> Result<()> {
        info!(code = ?bye.code, "the relay closes the connection");
        // before the challenge is checked, this could be anybody between us and the relay
        let proved = matches!(self.session, Session::Proving { .. } | Session::Online(_));
        let longest = if proved { LONGEST_ASKED } else { LONGEST_PAUSE };
        let now = self.seams.clock.monotonic();
        let wait = bye
            .retry_after
            .map(|wait| Duration::from_millis(wait).min(longest));
        if !proved {
            let cause = match bye.code {
                ErrorCode::UnsupportedVersion => OfflineCause::Version,
                _ if self.backoff.is_restarting(now) => OfflineCause::RelayRestarting,
                _ => OfflineCause::RelayBusy,
            };
            return self.lose_connection(Some(cause), wait);
        }
        match bye.code {
            ErrorCode::Replaced => self.replaced(),
            ErrorCode::Revoked => {
                self.note_removed(true)?;
                self.give_up(OfflineCause::Revoked, ErrorKind::Refused)
            }
            // a relay that was restored from a backup may have lost the account
            ErrorCode::NotAuthenticated if self.may_return() => {
                self.returning = true;
                self.lose_connection(Some(OfflineCause::RelayBusy), wait)
            }
            ErrorCode::NotAuthenticated => {
                self.give_up(OfflineCause::SignedOut, ErrorKind::Refused)
            }
            ErrorCode::BadLink => self.give_up(OfflineCause::SignedOut, ErrorKind::LinkExpired),
            ErrorCode::BadIdentity => self.give_up(OfflineCause::SignedOut, ErrorKind::Refused),
            ErrorCode::UnsupportedVersion => {
                self.lose_connection(Some(OfflineCause::Version), wait)
            }
            // who is not asked to wait may come back as soon as the relay does
            ErrorCode::Unavailable if self.session.is_online() && wait.is_none() => {
                self.backoff.stopping(now);
                let cause = if self.backoff.is_restarting(now) {
                    OfflineCause::RelayRestarting
                } else {
                    OfflineCause::RelayBusy
                };
                self.lose_connection(Some(cause), None)
            }
            _ => self.lose_connection(Some(OfflineCause::RelayBusy), wait),
        }
    }

    /// Remembers whether this device is out of the account, as the relay says: without a connection nobody says it again.
    pub(super) fn note_removed(&mut self, removed: bool) -> Result<()> {
        if self.account.removed != removed {
            self.write(|write| store::account::set_removed(write, removed))?;
            self.account.removed = removed;
        }
        Ok(())
    }

    /// A newer connection of this device took over. Once that may be one of a process that has ended, whose last words were late; twice
    /// within a short time a copy of the profile is at work.
    fn replaced(&mut self) -> Result<()> {
        let now = self.seams.clock.monotonic();
        let before = self.backoff.replaced.replace(now);
        if before.is_some_and(|before| now.saturating_sub(before) < REPLACED_AGAIN) {
            return self.give_up(OfflineCause::Replaced, ErrorKind::Refused);
        }
        self.lose_connection(Some(OfflineCause::Replaced), Some(REPLACED_PAUSE))
    }

    /// Whether the relay that does not know this device once did, and that has not been tried: it was restored from a backup, or
    /// went back in time without saying so.
    const fn may_return(&self) -> bool {
        !self.returning && self.account.is_made()
    }

    /// Ends the connection from this side after a fault; another attempt follows.
    pub(super) fn drop_connection(&mut self, cause: Option<OfflineCause>) {
        // the transaction that failed is gone; planning the next attempt touches no database
        if let Err(error) = self.lose_connection(cause, None) {
            warn!(%error, "plan the next attempt");
        }
    }

    pub(super) fn lose_connection(
        &mut self,
        cause: Option<OfflineCause>,
        wait: Option<Duration>,
    ) -> Result<()> {
        self.forget_connection();
        let now = self.seams.clock.monotonic();
        self.backoff.ended(now);
        let pause = self.next_pause()?.max(wait.unwrap_or_default());
        self.session = Session::Waiting {
            until: Some(now.saturating_add(pause)),
        };
        self.backoff.failed(now);
        let cause = match cause {
            Some(OfflineCause::RelayUnreachable) if self.backoff.is_restarting(now) => {
                Some(OfflineCause::RelayRestarting)
            }
            cause => cause,
        };
        self.backoff.cause = cause;
        self.fail_registration(match cause {
            Some(OfflineCause::RelayIdentity) => ErrorKind::RelayIdentity,
            Some(OfflineCause::Version) => ErrorKind::Version,
            Some(OfflineCause::RelayBusy | OfflineCause::RelayRestarting) => ErrorKind::Busy,
            Some(OfflineCause::DiskFull) => ErrorKind::DiskFull,
            _ => ErrorKind::RelayUnreachable,
        });
        Ok(())
    }

    /// No further attempt unless the person asks.
    fn give_up(&mut self, cause: OfflineCause, kind: ErrorKind) -> Result<()> {
        self.forget_connection();
        self.session = Session::Waiting { until: None };
        self.backoff.cause = Some(cause);
        self.fail_registration(kind);
        Ok(())
    }

    /// Ends the connection for good: no attempt follows, whoever asks.
    pub(super) fn end_connection(&mut self) {
        self.forget_connection();
        self.session = Session::Waiting { until: None };
        self.backoff.cause = None;
        self.fail_registration(ErrorKind::Damaged);
    }

    fn forget_connection(&mut self) {
        if let Some(connection) = self.session.connection() {
            self.seams.network.close(connection);
        }
        if let Session::Online(online) = &mut self.session {
            let requests = std::mem::take(&mut online.requests);
            for (request, _) in requests.into_values() {
                request.abandon();
            }
        }
        self.acks = Acks::default();
        self.holds.clear();
        self.sent_in_vain.clear();
        self.fetch_pauses.clear();
        self.untold = Patience::default();
        self.offers = Offers::default();
        self.checks.clear();
        self.checks_wait = Patience::default();
        self.unchecked.clear();
        self.restored = None;
        self.lapse = Lapse::None;
        self.kept = None;
        self.delivered.clear();
        self.seen.clear();
        self.forget_held();
        if let Err(error) = self.forget_live() {
            warn!(%error, "forget who is there");
        }
    }

    fn fail_registration(&mut self, kind: ErrorKind) {
        if let Some(outcome) = self.registration.take() {
            outcome(Err(Error::new(kind, "register")));
        }
    }

    /// Full jitter: uniform between nothing and a bound that doubles.
    fn next_pause(&mut self) -> Result<Duration> {
        let bound = FIRST_PAUSE
            .saturating_mul(1 << self.backoff.doublings.min(16))
            .min(LONGEST_PAUSE);
        let random = u32::from_be_bytes(self.random()?);
        Ok(bound.mul_f64(f64::from(random) / f64::from(u32::MAX)))
    }

    /// Shows a changed connection, once.
    pub(super) fn show_connection(&mut self) {
        let now = self.seams.clock.wall_ms();
        let (state, retry_at) = match &self.session {
            Session::Online(_) => (ConnectionState::Online, None),
            Session::Dialing { .. } | Session::Greeting { .. } | Session::Proving { .. } => {
                (ConnectionState::Connecting, None)
            }
            Session::Waiting { until } => {
                let pause = until.map(|until| until.saturating_sub(self.seams.clock.monotonic()));
                let retry_at = pause.map(|pause| {
                    now.saturating_add(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX))
                });
                (ConnectionState::Offline, retry_at)
            }
        };
        // an attempt under way still shows why there is none yet
        let cause = match state {
            ConnectionState::Online => None,
            _ if self.account.removed => Some(OfflineCause::Revoked),
            _ => self.backoff.cause,
        };
        let waiting =
            store::outbox::waiting(self.database.connection()).unwrap_or(self.shown.waiting);
        let before = self.shown;
        let retry_at = if before.state == state
            && before.cause == cause
            && state != ConnectionState::Offline
        {
            before.retry_at
        } else {
            retry_at
        };
        let since = if before.state == state {
            before.since
        } else {
            now
        };
        let unchanged = before.state == state
            && before.cause == cause
            && before.retry_at.is_some() == retry_at.is_some()
            && before.waiting == waiting;
        if !unchanged {
            self.shown = crate::model::Connection {
                state,
                since,
                cause,
                retry_at,
                waiting,
            };
            self.events.insert(Event::ConnectionChanged(self.shown));
        }
    }
}
