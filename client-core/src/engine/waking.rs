//! What is due by the clock, and when something is.

use std::time::Duration;

use crate::engine::{Engine, Hold};

impl Engine {
    /// Does what is due by now. Call it at the start, and when [`Engine::next_wake`] has come.
    pub fn wake(&mut self) {
        if self.is_damaged() {
            return;
        }
        let now = self.seams.clock.monotonic();
        let held = self.holds.len();
        self.holds
            .retain(|_, hold| !matches!(hold, Hold::Time(until) if *until <= now));
        let released = self.holds.len() < held;
        let paused = self.pauses.len();
        self.pauses.retain(|_, until| *until > now);
        let released_commits = self.pauses.len() < paused;
        self.end_typing();
        self.count_packages();
        let outcome = self
            .wake_session()
            .and_then(|()| {
                if released {
                    self.resume_openings()
                } else {
                    Ok(())
                }
            })
            .and_then(|()| {
                if released_commits {
                    self.resume_commits()
                } else {
                    Ok(())
                }
            })
            .and_then(|()| self.fetch_again())
            .and_then(|()| self.tell_again())
            .and_then(|()| self.resume_offers())
            .and_then(|()| self.check_again())
            .and_then(|()| self.renew_due())
            .and_then(|()| self.lists_again())
            .and_then(|()| self.answers_again())
            .and_then(|()| self.tell_read())
            .and_then(|()| self.end_presence())
            .and_then(|()| self.tell_presence())
            .and_then(|()| self.pump());
        if self
            .acks
            .due
            .is_some_and(|due| due <= self.seams.clock.monotonic())
        {
            self.flush_acks();
        }
        self.settle(outcome);
    }

    /// The monotonic time at which [`Engine::wake`] has something to do.
    #[must_use]
    pub fn next_wake(&self) -> Option<Duration> {
        if self.is_damaged() {
            return None;
        }
        let holds = self.holds.values().filter_map(|hold| match hold {
            Hold::Time(until) => Some(*until),
            Hold::Seq(_) => None,
        });
        let online = self.session.is_online();
        let when_online = [
            self.renewal_due,
            self.receipts_due,
            self.packages_due,
            self.lists_due,
            self.answers.due(),
            self.telling.due(),
            self.untold.due(),
            self.offers.due(),
            self.checks_wait.due(),
        ]
        .into_iter()
        .flatten()
        .chain(self.pauses.values().copied())
        .chain(self.fetch_pauses.values().copied())
        .filter(|_| online);
        self.session
            .next_wake()
            .into_iter()
            .chain(self.acks.due)
            .chain(holds)
            .chain(when_online)
            .chain(self.next_typing_end())
            .chain(self.next_presence_end())
            .min()
    }

    /// How long until [`Engine::next_wake`].
    #[must_use]
    pub fn until_wake(&self) -> Option<Duration> {
        self.next_wake()
            .map(|at| at.saturating_sub(self.seams.clock.monotonic()))
    }
}
