//! The relay's clock: the machine's, as far as it can be believed. A wall clock may jump: by ten years, when the battery of a
//! small computer is empty or a person mistypes. What expires by such a clock is gone for good, and what is stored by it bears
//! a wrong time for ever. So the relay remembers the last time that it believed; where the machine's clock is more than 30
//! days from that, the relay counts on by the monotonic clock until the machine's has gone steadily for a day. Even then nothing
//! expires by the jump: the store has ages count from it on.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::environment::Clock;

/// How far the machine's clock may be from what was believed last, in milliseconds.
pub(crate) const FAR_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// How long a clock that is further away must go steadily until it is believed: long enough for somebody to notice.
const TRIAL: Duration = Duration::from_secs(24 * 60 * 60);
/// No relay ran before (2026-11-01): a clock that goes back further is wrong, however steady it is.
pub(crate) const EARLIEST: u64 = 1_793_491_200_000;

/// Whether an operator vouches for the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vouched {
    Yes,
    No,
}

/// The clock that everything in a relay goes by.
pub(crate) struct SteadyClock {
    machine: Arc<dyn Clock>,
    state: Mutex<State>,
}

/// A time, and when it was that.
#[derive(Clone, Copy)]
struct Reading {
    time: u64,
    at: Instant,
}

struct State {
    /// What the machine's clock said since when it goes without a jump.
    steady: Reading,
    /// What was believed last. `None`: nothing was ever stored, and any time is as good as another.
    believed: Option<Reading>,
}

impl Reading {
    /// The time counted on from here.
    fn counted(self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.at);
        self.time
            .saturating_add(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }
}

impl State {
    /// Begins to believe nothing: where `latest` is absent, whatever comes first.
    fn begin(wall: u64, latest: Option<u64>, vouched: Vouched, now: Instant) -> Self {
        let believed = match vouched {
            Vouched::Yes => Some(wall),
            Vouched::No => latest,
        };
        let reading = |time| Reading { time, at: now };
        Self {
            steady: reading(wall),
            believed: believed.map(reading),
        }
    }

    /// The time where the machine says `wall`.
    fn time(&self, wall: u64, now: Instant) -> u64 {
        self.believed
            .map(|believed| believed.counted(now))
            .filter(|counted| wall.abs_diff(*counted) > FAR_MS)
            .unwrap_or(wall)
    }

    fn settle(&mut self, wall: u64, now: Instant) -> u64 {
        if wall.abs_diff(self.steady.counted(now)) > FAR_MS {
            tracing::warn!("the clock has jumped by more than 30 days");
            self.steady = Reading {
                time: wall,
                at: now,
            };
        }
        // of two clocks that differ the one that removes less
        let time = wall.min(self.steady.counted(now));
        let steady_for = now.saturating_duration_since(self.steady.at);
        let counted = self.believed.map(|believed| believed.counted(now));
        match counted.filter(|counted| time.abs_diff(*counted) > FAR_MS) {
            Some(counted) if steady_for < TRIAL || (time < counted && time < EARLIEST) => counted,
            Some(_) | None => {
                self.believed = Some(Reading { time, at: now });
                time
            }
        }
    }
}

impl SteadyClock {
    /// Believes the machine until it begins.
    pub(crate) fn new(machine: Arc<dyn Clock>) -> Self {
        let state = State::begin(machine.now(), None, Vouched::No, Instant::now());
        Self {
            machine,
            state: Mutex::new(state),
        }
    }

    /// Begins a run: `latest` is the time that was believed last in the runs before.
    pub(crate) fn begin(&self, latest: Option<u64>, vouched: Vouched) {
        let wall = self.machine.now();
        let state = State::begin(wall, latest, vouched, Instant::now());
        let time = state.believed.map_or(wall, |believed| believed.time);
        if wall.abs_diff(time) > FAR_MS {
            tracing::warn!(
                ahead = wall > time,
                "the clock is more than 30 days from what was stored last: it is not believed for 24 hours, unless by --clock-is-right"
            );
        }
        *self.lock() = state;
    }

    /// Looks at the machine's clock, and answers the time that expiry goes by: one that nothing speaks against. Called
    /// regularly, for what is steady shows in time.
    pub(crate) fn settle(&self) -> u64 {
        let wall = self.machine.now();
        self.lock().settle(wall, Instant::now())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // what the lock guards is whole at every moment
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> u64 {
        let wall = self.machine.now();
        self.lock().time(wall, Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_795_348_800_000;
    const MINUTE: u64 = 60_000;
    const DAY: u64 = 24 * 60 * MINUTE;
    const YEAR: u64 = 365 * DAY;

    /// A machine with its monotonic clock and a wall clock that can be set, and a relay on it.
    struct Machine {
        start: Instant,
        passed: u64,
        /// What the wall clock would have said at the start.
        set: u64,
        state: State,
    }

    impl Machine {
        fn started(set: u64, latest: Option<u64>, vouched: Vouched) -> Self {
            let start = Instant::now();
            Self {
                start,
                passed: 0,
                set,
                state: State::begin(set, latest, vouched, start),
            }
        }

        fn instant(&self) -> Instant {
            self.start + Duration::from_millis(self.passed)
        }

        fn now(&self) -> u64 {
            self.state.time(self.set + self.passed, self.instant())
        }

        /// Lets time pass as a relay does, and answers the last time that expiry went by.
        fn pass(&mut self, ms: u64) -> u64 {
            let mut time = 0;
            for _ in 0..ms / MINUTE {
                self.passed += MINUTE;
                let now = self.instant();
                time = self.state.settle(self.set + self.passed, now);
            }
            time
        }
    }

    #[test]
    fn a_clock_within_thirty_days_of_what_was_stored_last_is_believed_at_once() {
        for latest in [
            None,
            Some(NOON),
            Some(NOON - 30 * DAY),
            Some(NOON + 30 * DAY),
        ] {
            let mut machine = Machine::started(NOON, latest, Vouched::No);
            assert_eq!(machine.now(), NOON, "{latest:?}");
            assert_eq!(machine.pass(60 * MINUTE), NOON + 60 * MINUTE);
        }
    }

    #[test]
    fn a_clock_that_is_years_ahead_is_believed_after_a_day_or_on_an_operators_word() {
        let mut machine = Machine::started(NOON + 10 * YEAR, Some(NOON), Vouched::No);
        assert_eq!(machine.now(), NOON);
        let before = machine.pass(DAY - MINUTE);
        assert_eq!(before, NOON + DAY - MINUTE, "it counts on meanwhile");
        assert_eq!(machine.now(), NOON + DAY - MINUTE);
        // the trial begins when the clock is first looked at
        assert_eq!(machine.pass(MINUTE), NOON + 10 * YEAR + DAY);
        assert_eq!(machine.now(), NOON + 10 * YEAR + DAY);
        let vouched = Machine::started(NOON + 10 * YEAR, Some(NOON), Vouched::Yes);
        assert_eq!(vouched.now(), NOON + 10 * YEAR);
    }

    #[test]
    fn started_years_ahead_and_soon_set_right_it_never_goes_by_the_wrong_time() {
        let mut machine = Machine::started(NOON + 10 * YEAR, Some(NOON), Vouched::No);
        machine.pass(MINUTE);
        machine.set = NOON;
        for minutes in 2..3 * 24 * 60 {
            assert_eq!(machine.pass(MINUTE), NOON + minutes * MINUTE);
            assert_eq!(machine.now(), NOON + minutes * MINUTE);
        }
    }

    #[test]
    fn started_in_the_past_and_set_right_it_expires_as_it_should_and_stores_no_old_times() {
        let mut machine = Machine::started(0, Some(NOON), Vouched::No);
        assert_eq!(machine.now(), NOON);
        // however long it takes: nobody ran a relay then
        assert_eq!(machine.pass(3 * DAY), NOON + 3 * DAY);
        assert_eq!(machine.now(), NOON + 3 * DAY);
        machine.set = NOON;
        assert_eq!(machine.pass(MINUTE), NOON + 3 * DAY + MINUTE);
        assert_eq!(machine.now(), NOON + 3 * DAY + MINUTE);
    }

    #[test]
    fn a_jump_while_it_runs_begins_a_trial() {
        let mut machine = Machine::started(NOON, Some(NOON), Vouched::No);
        machine.pass(40 * DAY);
        machine.set = NOON + 10 * YEAR;
        assert_eq!(machine.now(), NOON + 40 * DAY);
        assert_eq!(machine.pass(DAY), NOON + 41 * DAY);
        // and one back is believed again at once
        machine.set = NOON;
        assert_eq!(machine.pass(MINUTE), NOON + 41 * DAY + MINUTE);
    }

    #[test]
    fn a_wrong_time_that_was_believed_is_left_after_a_day() {
        let mut machine = Machine::started(NOON, Some(NOON + 10 * YEAR), Vouched::No);
        assert_eq!(machine.pass(DAY - MINUTE), NOON + 10 * YEAR + DAY - MINUTE);
        machine.pass(MINUTE);
        assert_eq!(machine.now(), NOON + DAY);
    }

    #[test]
    fn small_steps_forward_do_not_hurry_expiry() {
        let mut machine = Machine::started(NOON, Some(NOON), Vouched::No);
        let time = machine.pass(MINUTE);
        for days in 1..=100 {
            machine.set = NOON + days * DAY;
            assert_eq!(machine.pass(MINUTE), time + days * MINUTE);
        }
    }
}
