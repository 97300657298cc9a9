//! What changed, told to a user interface after the commit, as ids. The words are few: whoever hears one reads anew.

use protocol::{AccountId, MessageId};

use crate::model::{Connection, ConversationKey};

/// One change of one account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// The conversation appeared or its row in the list changed.
    ConversationChanged(ConversationKey),
    /// The message is new or changed.
    MessageChanged(ConversationKey, MessageId),
    /// The message is gone, or has another id now.
    MessageRemoved(ConversationKey, MessageId),
    /// Messages that were there before can be found by search now.
    SearchIndexed,
    /// Oneself changed: the handle, or the state of the recovery code.
    MeChanged,
    /// The database is damaged: nothing is written any more, the connection is closed, and the next start mends it.
    DatabaseDamaged,
    /// The connection changed.
    ConnectionChanged(Connection),
}

/// What one transaction or one input changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Whose it is.
    pub account: AccountId,
    /// What changed, each once.
    pub events: Vec<Event>,
}
