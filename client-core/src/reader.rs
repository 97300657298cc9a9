//! Reading for a user interface: connections of their own, so that a long transaction never holds up a screen.

use std::{
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use protocol::MessageId;
use rusqlite::Connection;

use crate::{
    engine::Live,
    error::Result,
    model::{
        BlockedContact, Conversation, ConversationKey, Message, MessagePage, SearchHit, Troubles,
    },
    store::{
        Database, DatabaseKey, backup, conversations, gaps,
        links::{self, LinkRow},
        mendings::{self, Mended},
        messages, requests, search, unopened,
    },
};

/// The most messages of one page.
const LARGEST_PAGE: u32 = 200;
/// The most search hits.
const MOST_HITS: u32 = 100;

/// Blocking reads of one account's database. Call it off the async threads.
pub struct Reader {
    connection: Mutex<Connection>,
    live: Live,
}

impl Reader {
    /// Opens a connection.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn open(path: &Path, key: &DatabaseKey) -> Result<Self> {
        Ok(Self {
            live: Live::default(),
            connection: Mutex::new(Database::open_reader(path, key)?),
        })
    }

    /// Adds to what is read what is true only now.
    #[must_use]
    pub fn with_live(mut self, live: Live) -> Self {
        self.live = live;
        self
    }

    /// The conversations, newest activity first.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn conversations(&self) -> Result<Vec<Conversation>> {
        let mut list = conversations::list(&self.connection())?;
        list.iter_mut()
            .for_each(|conversation| self.live.fill(conversation));
        Ok(list)
    }

    /// Everybody whom the person blocked, by name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn blocked(&self) -> Result<Vec<BlockedContact>> {
        requests::blocked(&self.connection())
    }

    /// What went wrong, counted. `now` is the relay's time, ms.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn troubles(&self, now: u64) -> Result<Troubles> {
        let connection = self.connection();
        Ok(Troubles {
            unopened: unopened::count(&connection, now)?,
            missing: gaps::count_missing(&connection)?,
        })
    }

    /// What became of a damaged database, as long as the person has not read it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn untold_mendings(&self) -> Result<Vec<Mended>> {
        mendings::untold(&self.connection())
    }

    /// The backup of this account; `None` while there is none.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn backup(&self) -> Result<Option<backup::Settings>> {
        backup::settings(&self.connection())
    }

    /// The links that hold at a time, ms.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn links(&self, now: u64) -> Result<Vec<LinkRow>> {
        links::in_force(&self.connection(), now)
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
