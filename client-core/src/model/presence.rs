//! Whether somebody is there, and what they say of it.

use std::{fmt, time::Duration};

/// How a person is, as their devices tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Availability {
    /// Simply there.
    #[default]
    Active,
    /// There was no input for a while.
    Idle,
    /// The person does not want to be disturbed.
    DoNotDisturb,
}

/// Whether a contact is there. The relay says whether it is connected, the contact itself the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct Presence {
    /// Whether a device of it is connected.
    pub connected: bool,
    /// When the last one left, ms.
    pub last_seen: Option<u64>,
    /// How it is; active while it is not connected.
    pub availability: Availability,
    /// Since when, by the contact's word and never later than now, relay's time in ms; `None` where it is active.
    pub since: Option<u64>,
    /// A status text of at most [`crate::content::MAX_STATUS`] characters; none while it is not connected.
    pub text: Option<String>,
}

/// Shows no text.
impl fmt::Debug for Presence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Presence")
            .field("connected", &self.connected)
            .field("last_seen", &self.last_seen)
            .field("availability", &self.availability)
            .finish_non_exhaustive()
    }
}

/// How long something that a person says of themselves lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// Until the person changes it.
    UntilChanged,
    /// For this long, at most 31 days.
    For(Duration),
}

/// What a person says of themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnPresence {
    /// Do not disturb, where the person asked for it.
    pub do_not_disturb: Option<DoNotDisturb>,
    /// A status text.
    pub text: Option<StatusText>,
}

/// A time without disturbance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoNotDisturb {
    /// When it began, relay's time in ms.
    pub since: u64,
    /// When it ends by itself, relay's time in ms.
    pub until: Option<u64>,
}

/// A line for one's contacts.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusText {
    /// At most [`crate::content::MAX_STATUS`] characters, cleaned.
    pub text: String,
    /// When it goes by itself, relay's time in ms.
    pub until: Option<u64>,
}

/// Shows no text.
impl fmt::Debug for StatusText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StatusText")
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

impl OwnPresence {
    /// When the next of it ends by itself, relay's time in ms.
    #[must_use]
    pub fn next_end(&self) -> Option<u64> {
        let disturbance = self.do_not_disturb.and_then(|it| it.until);
        let text = self.text.as_ref().and_then(|it| it.until);
        disturbance.into_iter().chain(text).min()
    }

    /// What is left of it at a time.
    #[must_use]
    pub fn at(self, now: u64) -> Self {
        let lasts = |until: Option<u64>| until.is_none_or(|until| until > now);
        Self {
            do_not_disturb: self.do_not_disturb.filter(|it| lasts(it.until)),
            text: self.text.filter(|it| lasts(it.until)),
        }
    }
}
