//! Telling others how far one has read: cumulative, at most once in two seconds for each conversation.

use std::time::Duration;

use crate::{
    content::{Content, Read},
    engine::{Engine, ids::Ids},
    error::Result,
    model::ConversationKey,
    store::{
        WriteTransaction, conversations,
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

    /// Looks at the next wake what others are to be told.
    pub(super) fn tell_read_soon(&mut self) {
        let now = self.seams.clock.monotonic();
        self.receipts_due.get_or_insert(now);
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
            queue(write, key, Read::up_to(seq), &ids)?;
            Ok(true)
        })?;
        if told {
            self.receipts_told.insert(key, now);
        }
        Ok(())
    }
}

/// A message came late, below what was read: nobody has read that yet, and it is no surprise in the midst of what is old. Reading
/// goes back to before it, and the other is told so where it was told more, whatever the person lets others see now.
pub(super) fn go_back_before(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    message: i64,
    ids: &Ids,
) -> Result<()> {
    match conversations::read_back(write, key, message)? {
        Some(seq) => queue(write, key, Read::only_up_to(seq), ids),
        None => Ok(()),
    }
}

/// What waits and says more goes; what takes something back goes out whatever follows it.
fn queue(write: &WriteTransaction<'_>, key: ConversationKey, read: Read, ids: &Ids) -> Result<()> {
    outbox::delete_unsealed(write, key, |content| {
        Content::read_position(content).is_some_and(|it| read.is_less() || !it.is_less())
    })?;
    let content = Content::read(ids.array(), read).encode();
    outbox::insert(write, key, None, Place::Last, ids.client_id(), &content)
}
