//! What somebody missed is sent again: the sender's count showed that it never arrived.

use protocol::DeviceId;

use crate::{
    content::{Content, Range},
    engine::ids::Ids,
    error::Result,
    model::ConversationKey,
    store::{
        WriteTransaction,
        chains::{self, Missing},
        conversations::ConversationRow,
        messages,
        outbox::{self, Place},
    },
};

/// Messages sent again for one request; the receiver asks for the rest.
const MOST_AGAIN: u32 = 100;
/// Requests that are answered on one connection, whoever asks.
pub(super) const MOST_ANSWERS: u32 = 32;

/// Sends again what there is of a range of our entries, and says where it ends.
pub(super) fn answer(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    range: &Range,
    ids: &Ids,
) -> Result<()> {
    let rows = chains::sent_between(
        write.connection(),
        key,
        range.chain,
        (range.first, range.last),
        MOST_AGAIN,
    )?;
    for (number, message) in &rows {
        let content = messages::content(write.connection(), *message)?;
        outbox::insert_again(write, key, *number, ids.client_id(), &content)?;
    }
    let complete = rows.len() < usize::try_from(MOST_AGAIN).unwrap_or(usize::MAX);
    let last = match rows.last() {
        Some((number, _)) if !complete => *number,
        _ => range.last,
    };
    let settled = Range { last, ..*range };
    let content = Content::resent(ids.array(), settled).encode();
    outbox::insert(write, key, None, Place::Last, ids.client_id(), &content)?;
    // what the other missed may have been a question of ours
    ask(write, key, ids)
}

/// Asks for everything that is missing, also for what was asked for before: question or answer may be lost. Nothing is asked
/// twice at a time.
pub(super) fn ask(write: &WriteTransaction<'_>, key: ConversationKey, ids: &Ids) -> Result<()> {
    outbox::delete_unsealed(write, key, Content::is_missing)?;
    for (chain, first, last) in chains::all_missing(write.connection(), key)? {
        let range = Range { chain, first, last };
        let content = Content::missing(ids.array(), range).encode();
        outbox::insert(write, key, None, Place::Last, ids.client_id(), &content)?;
    }
    Ok(())
}

/// The sender has sent again what there was: what is still missing of it was no message. Asks for the rest, if any.
pub(super) fn settled(
    write: &WriteTransaction<'_>,
    row: &ConversationRow,
    device: DeviceId,
    range: &Range,
    ids: &Ids,
) -> Result<()> {
    let missing = Missing {
        key: row.key,
        device,
        chain: range.chain,
        first: range.first,
        last: range.last,
    };
    chains::close(write, &missing)?;
    let Some((first, last)) = chains::missing_of(write.connection(), &missing)? else {
        return Ok(());
    };
    // each answer closes at least what it names, so this ends
    if last <= range.last {
        return Ok(());
    }
    let range = Range {
        chain: range.chain,
        first,
        last,
    };
    let content = Content::missing(ids.array(), range).encode();
    outbox::insert(write, row.key, None, Place::Last, ids.client_id(), &content)
}
