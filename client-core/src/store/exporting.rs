//! A whole conversation, read once from its beginning.

use protocol::AccountId;
use rusqlite::{Connection, OptionalExtension as _};

use crate::{
    error::{Error, ErrorKind, Result},
    model::{ConversationKey, Message},
    store::{id, messages},
};

/// Who takes part in a direct conversation.
pub(crate) struct Participants {
    /// Oneself.
    pub(crate) me: (AccountId, String),
    /// The other one.
    pub(crate) peer: (AccountId, String),
}

/// Who takes part.
///
/// # Errors
/// [`ErrorKind::NotFound`], [`ErrorKind::Database`].
pub(crate) fn participants(connection: &Connection, key: ConversationKey) -> Result<Participants> {
    let participants = connection
        .query_row(
            "SELECT a.account AS me, a.name AS my_name, c.peer, p.name AS peer_name
             FROM conversations c JOIN contacts p ON p.account = c.peer, account a WHERE c.key = ?1",
            [key.0],
            |row| {
                Ok(Participants {
                    me: (
                        id(row, "me", AccountId::from_slice)?,
                        row.get("my_name")?,
                    ),
                    peer: (
                        id(row, "peer", AccountId::from_slice)?,
                        row.get("peer_name")?,
                    ),
                })
            },
        )
        .optional()?;
    participants.ok_or_else(|| Error::new(ErrorKind::NotFound, "no such conversation"))
}

/// Every message in order, one at a time.
///
/// # Errors
/// What `take` says; [`ErrorKind::Database`].
pub(crate) fn each_message(
    connection: &Connection,
    key: ConversationKey,
    take: &mut dyn FnMut(Message) -> Result<()>,
) -> Result<()> {
    let mut statement = connection.prepare(&format!(
        "{} WHERE m.conversation = ?1 ORDER BY m.position",
        messages::SELECT
    ))?;
    let mut rows = statement.query([key.0])?;
    while let Some(row) = rows.next()? {
        take(messages::read(row)?)?;
    }
    Ok(())
}
