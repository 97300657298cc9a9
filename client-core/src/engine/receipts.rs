//! Telling others how far one has read: cumulative, at most once in two seconds for each conversation.

use std::time::Duration;

use crate::{
    content::{Content, Read},
    engine::{Engine, ids::Ids},
    error::Result,
    model::ConversationKey,
    store::{
        conversations,
        outbox::{self, Place},
        requests,
    },
};

/// A conversation is told at most this often.
const PAUSE: Duration = Duration::from_secs(2);

impl Engine {
    /// Queues what others are to be told, where that is due.
    pub(super) fn tell_read(&mut self) -> Result<()> {
        let now = self.seams.clock.monotonic();
        if self.receipts_due.is_none_or(|due| due > now) || !self.session.is_online() {
            return Ok(());
        }
        self.receipts_due = None;
        let mut later: Option<Duration> = None;
        for (key, seq) in conversations::unread_receipts(self.database.connection())? {
            match self
                .receipts_told
                .get(&key)
                .map(|told| told.saturating_add(PAUSE))
            {
                Some(free) if free > now => later = Some(later.map_or(free, |it| it.min(free))),
                _ => self.tell_read_of(key, seq)?,
            }
        }
        self.receipts_due = later;
        self.pump()
    }

    fn tell_read_of(&mut self, key: ConversationKey, seq: u64) -> Result<()> {
        let now = self.seams.clock.monotonic();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let wanted = self.account.privacy.read_receipts;
        let told = self.write(|write| {
            let row = conversations::row(write.connection(), key)?;
            let news = conversations::set_read_told(write, key, seq)?;
            // what was read while it was switched off is never told
            if !news || !wanted || requests::is_blocked(write.connection(), row.peer)? {
                return Ok(false);
            }
            outbox::delete_unsealed(write, key, Content::is_read)?;
            let content = Content::read(ids.array(), Read { seq }).encode();
            outbox::insert(write, key, None, Place::Last, ids.client_id(), &content)?;
            Ok(true)
        })?;
        if told {
            self.receipts_told.insert(key, now);
        }
        Ok(())
    }
}
