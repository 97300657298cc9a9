use serde::Serialize;
use ts_rs::TS;

use super::{BackupTrouble, Connection, ConversationKey, Me, MessageId};

/// What changed, told to the window as ids; it reads anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "type", rename_all = "camelCase")]
pub(crate) enum Event {
    /// Their rows in the list changed.
    ConversationsChanged { keys: Vec<ConversationKey> },
    /// New or changed.
    MessagesChanged {
        conversation: ConversationKey,
        ids: Vec<MessageId>,
    },
    /// Gone, or under another id now.
    MessagesRemoved {
        conversation: ConversationKey,
        ids: Vec<MessageId>,
    },
    /// Messages that were there before can be found by search now.
    SearchIndexed,
    /// The connection changed.
    ConnectionChanged { connection: Connection },
    /// The handle changed, or how far the person is with the recovery code.
    MeChanged { me: Me },
    /// Backups began to fail for days, or do not any more.
    BackupTroubleChanged { trouble: Option<BackupTrouble> },
    /// The account's engine failed and ended: opening it again starts it anew.
    EngineFailed,
    /// The database was found damaged: nothing is written any more, and a restart mends it.
    DatabaseDamaged,
    /// The person opened a link outside of the window. Nothing happens before a click.
    LinkOpened { text: String },
}
