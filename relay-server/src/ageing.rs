//! The time that expiry goes by. A wall clock may jump: by ten years, when the battery of a small computer is empty or a
//! person mistypes. What expires by such a clock is gone for good, so expiry takes its word once, when the relay starts and
//! the word is credible, and counts on by the monotonic clock.

use std::time::Duration;

use tokio::time::Instant;

/// How far the clock may be ahead of what was stored last.
const CREDIBLE_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// How long a relay runs before it believes a clock that is further ahead: long enough for somebody to notice.
const TRIAL: Duration = Duration::from_secs(24 * 60 * 60);

/// The time that expiry goes by, in one run of a relay.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ageing {
    /// What the clock said when the run began.
    wall: u64,
    began: Instant,
    /// How long to wait until it is believed.
    trial: Duration,
}

/// Whether an operator vouches for the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vouched {
    Yes,
    No,
}

impl Ageing {
    /// Begins a run: `wall` is what the clock says, `latest` the latest time that is stored.
    pub(crate) fn begin(wall: u64, latest: Option<u64>, vouched: Vouched, now: Instant) -> Self {
        let credible = latest.is_none_or(|latest| wall <= latest.saturating_add(CREDIBLE_MS));
        let trial = if credible || vouched == Vouched::Yes {
            Duration::ZERO
        } else {
            tracing::warn!(
                "the clock is far ahead of what was stored last: nothing expires for 24 hours"
            );
            TRIAL
        };
        Self {
            wall,
            began: now,
            trial,
        }
    }

    /// The time to go by; `None` while the clock is not believed.
    pub(crate) fn time(&self, now: Instant) -> Option<u64> {
        let elapsed = now.saturating_duration_since(self.began);
        let elapsed_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        (elapsed >= self.trial).then(|| self.wall.saturating_add(elapsed_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_795_348_800_000;
    const DAY: u64 = 24 * 60 * 60 * 1000;

    #[test]
    fn a_credible_clock_is_read_once_and_then_the_monotonic_one_counts() {
        let start = Instant::now();
        for latest in [
            None,
            Some(NOON),
            Some(NOON + 500 * DAY),
            Some(NOON - 30 * DAY),
        ] {
            let ageing = Ageing::begin(NOON, latest, Vouched::No, start);
            assert_eq!(ageing.time(start), Some(NOON), "{latest:?}");
            let later = start + Duration::from_secs(3600);
            assert_eq!(ageing.time(later), Some(NOON + 3_600_000));
        }
    }

    #[test]
    fn a_clock_that_is_years_ahead_is_believed_after_a_day_or_on_an_operators_word() {
        let start = Instant::now();
        let jumped = NOON + 3650 * DAY;
        let ageing = Ageing::begin(jumped, Some(NOON), Vouched::No, start);
        assert_eq!(ageing.time(start), None);
        assert_eq!(ageing.time(start + TRIAL - Duration::from_secs(1)), None);
        assert_eq!(ageing.time(start + TRIAL), Some(jumped + DAY));
        let vouched = Ageing::begin(jumped, Some(NOON), Vouched::Yes, start);
        assert_eq!(vouched.time(start), Some(jumped));
    }
}
