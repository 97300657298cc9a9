//! Reading for a user interface: connections of their own, so that a long transaction never holds up a screen.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use protocol::MessageId;
use rusqlite::Connection;

use crate::{
    error::Result,
    model::{Conversation, ConversationKey, Message, MessagePage, SearchHit},
    store::{Database, DatabaseKey, conversations, messages, search},
};

/// The most messages of one page.
const LARGEST_PAGE: u32 = 200;
/// The most search hits.
const MOST_HITS: u32 = 100;

/// Blocking reads of one account's database. Call it off the async threads.
pub struct Reader {
    connection: Mutex<Connection>,
}

impl Reader {
    /// Opens a connection.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn open(path: &Path, key: &DatabaseKey) -> Result<Self> {
        Ok(Self {
            connection: Mutex::new(Database::open_reader(path, key)?),
        })
    }

    /// The conversations, newest activity first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn conversations(&self) -> Result<Vec<Conversation>> {
        conversations::list(&self.connection())
    }

    /// Up to `limit` messages before a position, oldest first; the newest without one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn messages(
        &self,
        key: ConversationKey,
        before: Option<i64>,
        limit: u32,
    ) -> Result<MessagePage> {
        messages::page(&self.connection(), key, before, limit.min(LARGEST_PAGE))
    }

    /// The messages of these ids that are there, in order.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn messages_by_ids(&self, key: ConversationKey, ids: &[MessageId]) -> Result<Vec<Message>> {
        messages::by_ids(&self.connection(), key, ids)
    }

    /// The newest messages that hold every word of the query.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn search(&self, query: &str, limit: u32) -> Result<Vec<SearchHit>> {
        search::find(&self.connection(), query, limit.min(MOST_HITS))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // a panic while reading leaves nothing half done in a connection that cannot write
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
