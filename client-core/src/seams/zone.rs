use time::UtcOffset;

use crate::calendar;

/// Where a person is: how far local time is ahead of UTC at a moment. Summer has another offset than winter.
#[derive(Clone, Copy, Debug)]
pub struct Zone(fn(u64) -> i32);

impl Zone {
    /// No offset.
    pub const UTC: Self = Self(|_| 0);

    /// A zone by its rule: from milliseconds since 1970-01-01 UTC to the seconds that local time is ahead.
    #[must_use]
    pub const fn new(offset_at: fn(u64) -> i32) -> Self {
        Self(offset_at)
    }

    /// That of the computer; UTC where it cannot be told.
    #[must_use]
    pub const fn of_computer() -> Self {
        Self(|ms| {
            calendar::utc(ms)
                .and_then(|at| UtcOffset::local_offset_at(at).ok())
                .map_or(0, UtcOffset::whole_seconds)
        })
    }

    /// How many seconds local time is ahead of UTC at this moment, ms.
    #[must_use]
    pub fn offset_at(self, ms: u64) -> i32 {
        (self.0)(ms)
    }
}
