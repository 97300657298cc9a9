//! Conversations that wait: nothing is sent in one that is held, and this device does not come back into one that pauses.

use std::time::Duration;

use protocol::ConversationId;

use crate::{
    engine::{Engine, Hold, LONGEST_HOLD},
    error::Result,
    model::ConversationKey,
    store::conversations,
};

/// The pause after an attempt that failed; doubled with each time in a row that the group could not be set up anew either.
pub(super) const PAUSE: Duration = Duration::from_secs(10);

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
        self.hold_for(key, retry_after.map_or(pause, Duration::from_millis));
        Ok(())
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
        let pause = PAUSE.saturating_mul(1 << (*times).min(16));
        *times = times.saturating_add(1);
        pause.min(LONGEST_HOLD)
    }
}
