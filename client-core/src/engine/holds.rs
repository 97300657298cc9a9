//! Conversations that wait: nothing is sent in one that is held, and this device does not come back into one that pauses. And how
//! long anything waits that the relay refused for now.

use std::time::Duration;

use protocol::{ConversationId, Refusal};

use crate::{
    engine::{Engine, Hold, LONGEST_HOLD},
    error::Result,
    model::ConversationKey,
    store::conversations,
};

/// The pause after an attempt that failed; doubled with each time in a row that the group could not be set up anew either.
pub(super) const PAUSE: Duration = Duration::from_secs(10);
/// The shortest wait, whatever the relay says: it must not be able to set off a storm.
const SHORTEST: Duration = Duration::from_secs(1);
/// The pause after a refusal that names none (PROTOCOL.md, section 8).
pub(super) const UNNAMED: Duration = Duration::from_secs(5);

/// How long to wait after a refusal: as long as it says, within bounds, and `pause` where it says nothing.
pub(super) fn wait_after(retry_after: Option<u64>, pause: Duration) -> Duration {
    retry_after
        .map_or(pause, Duration::from_millis)
        .clamp(SHORTEST, LONGEST_HOLD)
}

/// A pause, doubled so often.
fn doubled(pause: Duration, times: u32) -> Duration {
    pause.saturating_mul(1 << times.min(16)).min(LONGEST_HOLD)
}

/// When something is asked again that the relay refused for now: as it says, and later each time in a row.
#[derive(Default)]
pub(super) struct Patience {
    due: Option<Duration>,
    times: u32,
}

impl Patience {
    /// The relay refused it.
    pub(super) fn refused(&mut self, now: Duration, refusal: &Refusal) {
        let least = refusal.retry_after.map_or(UNNAMED, |_| SHORTEST);
        let wait = wait_after(refusal.retry_after, SHORTEST).max(doubled(least, self.times));
        self.times = self.times.saturating_add(1);
        self.due = Some(now.saturating_add(wait));
    }

    /// The relay gave a last answer: the next refusal is the first one.
    pub(super) const fn answered(&mut self) {
        self.times = 0;
    }

    /// Ends the wait at once: a person asked.
    pub(super) const fn hurry(&mut self) {
        self.times = 0;
        if self.due.is_some() {
            self.due = Some(Duration::ZERO);
        }
    }

    /// Whether there is something to wait for.
    pub(super) const fn waits(&self) -> bool {
        self.due.is_some()
    }

    /// Ends the wait where it is over, and says whether it was.
    pub(super) fn ends(&mut self, now: Duration) -> bool {
        self.due.take_if(|due| *due <= now).is_some()
    }

    pub(super) const fn due(&self) -> Option<Duration> {
        self.due
    }
}

impl Engine {
    /// Lets a conversation wait, and the others go on.
    pub(super) fn hold_for(&mut self, key: ConversationKey, pause: Duration) {
        let until = self
            .seams
            .clock
            .monotonic()
            .saturating_add(pause.min(LONGEST_HOLD));
        self.holds.insert(key, Hold::Time(until));
    }

    /// Nothing is sent in a conversation for as long as the relay says, or for longer each time in a row.
    pub(super) fn hold_longer(
        &mut self,
        key: ConversationKey,
        retry_after: Option<u64>,
    ) -> Result<()> {
        let row = conversations::row(self.database.connection(), key)?;
        let pause = self.set_back(row.conversation);
        self.hold_for(key, wait_after(retry_after, pause));
        Ok(())
    }

    /// What waits in a conversation was refused, and nothing here stands against sending it again: so it is done the first times in
    /// a row, at once, and after a longer pause each time from then on.
    pub(super) fn hold_in_vain(&mut self, key: ConversationKey, at_once: u32) {
        let times = self.sent_in_vain.entry(key).or_default();
        let further = times.checked_sub(at_once);
        *times = times.saturating_add(1);
        if let Some(further) = further {
            self.hold_for(key, doubled(PAUSE, further));
        }
    }

    /// This device does not come back into a conversation for longer each time in a row.
    pub(super) fn pause_longer(&mut self, key: ConversationKey) -> Result<()> {
        let row = conversations::row(self.database.connection(), key)?;
        let pause = self.set_back(row.conversation);
        self.pause(row.conversation, pause);
        Ok(())
    }

    /// This device does not come back into a conversation for a while.
    pub(super) fn pause(&mut self, conversation: ConversationId, pause: Duration) {
        let until = self
            .seams
            .clock
            .monotonic()
            .saturating_add(pause.min(LONGEST_HOLD));
        self.pauses.insert(conversation, until);
    }

    /// Once more a group could not be set up: how long to wait.
    fn set_back(&mut self, conversation: ConversationId) -> Duration {
        let times = self.setbacks.entry(conversation).or_default();
        let pause = doubled(PAUSE, *times);
        *times = times.saturating_add(1);
        pause
    }
}
