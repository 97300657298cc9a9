use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time as the engine sees it.
pub trait Clock: Send {
    /// The computer's wall clock: milliseconds since 1970-01-01 UTC. May jump; decorates only.
    fn wall_ms(&self) -> u64;

    /// Time that never goes back, from an arbitrary start. All waiting is measured by it.
    fn monotonic(&self) -> Duration;
}

/// The computer's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts counting monotonic time now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the computer's clock"
    )]
    fn wall_ms(&self) -> u64 {
        // a clock before 1970 is as wrong as any other; the relay's time decides
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            })
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}
