//! Times as people write them, in UTC or where they are. Nothing here knows what time it is.

use time::{OffsetDateTime, UtcOffset};

use crate::seams::Zone;

/// The date and time of a number of milliseconds since 1970-01-01; `None` beyond the year 9999.
pub(crate) fn utc(ms: u64) -> Option<OffsetDateTime> {
    let seconds = i64::try_from(ms / 1000).ok()?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

/// `2026-11-22T15:43:00Z`, or nothing where there is no such time.
pub(crate) fn rfc3339(ms: u64) -> String {
    utc(ms).map_or_else(String::new, |at| {
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute, second) = (at.hour(), at.minute(), at.second());
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    })
}

/// `2026-11-22 16:43 +01:00` where the person is, `2026-11-22 15:43 UTC` without an offset, or nothing where there is no such time.
pub(crate) fn readable(ms: u64, zone: Zone) -> String {
    let offset = UtcOffset::from_whole_seconds(zone.offset_at(ms)).unwrap_or(UtcOffset::UTC);
    let there = |at: OffsetDateTime| at.checked_to_offset(offset);
    utc(ms).and_then(there).map_or_else(String::new, |at| {
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        let (hour, minute) = (at.hour(), at.minute());
        let name = if offset.is_utc() {
            "UTC".to_owned()
        } else {
            let sign = if offset.is_negative() { '-' } else { '+' };
            let (hours, minutes, _) = offset.as_hms();
            format!("{sign}{:02}:{:02}", hours.abs(), minutes.abs())
        };
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} {name}")
    })
}
