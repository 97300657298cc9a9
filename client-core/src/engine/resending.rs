//! What somebody missed is sent again: the sender's count showed that it never arrived.

use protocol::DeviceId;

use crate::{
    content::{Content, Range},
    engine::ids::Ids,
    error::Result,
    model::ConversationKey,
    store::{
        WriteTransaction,
        chains::{self, Missing, SentMessage},
        conversations::ConversationRow,
        messages,
        outbox::{self, Place},
    },
};

/// Messages sent again for one request; the receiver asks for the rest.
const MOST_AGAIN: u32 = 100;
/// Requests that are answered on one connection, whoever asks.
pub(super) const MOST_ANSWERS: u32 = 32;
/// The end of a chain whose length is not known.
const END: u64 = i64::MAX as u64;

/// In place of a chain where it is not known which ones there were: the numbers are positions in the stream.
const POSITIONS: [u8; 8] = [0; 8];

/// Sends again what there is of a range of our entries, and says where it ends.
pub(super) fn answer(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    device: DeviceId,
    range: &Range,
    ids: &Ids,
) -> Result<()> {
    let connection = write.connection();
    let numbers = (range.first, range.last);
    let (rows, last) = if *range.chain == POSITIONS {
        let rows = chains::sent_at(connection, key, numbers, MOST_AGAIN)?;
        let last = rows.last().map(|row| row.seq);
        (rows, last)
    } else {
        let rows = chains::sent_between(connection, key, range.chain, numbers, MOST_AGAIN)?;
        let last = rows.last().map(|row| row.place.1);
        (rows, last)
    };
    send_again(write, key, device, &rows, ids)?;
    let complete = rows.len() < usize::try_from(MOST_AGAIN).unwrap_or(usize::MAX);
    let last = last.filter(|_| !complete).unwrap_or(range.last);
    let settled = Range { last, ..*range };
    let content = Content::resent(ids.array(), settled).encode();
    outbox::insert(write, key, None, Place::Last, ids.client_id(), &content)?;
    // what the other missed may have been a question of ours
    ask(write, key, ids)
}

/// Queues messages of ours again. Whoever has them shows them once.
pub(super) fn send_again(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    device: DeviceId,
    rows: &[SentMessage],
    ids: &Ids,
) -> Result<()> {
    let present = chains::load(write.connection(), key, device)?.map(|present| present.chain);
    for SentMessage { row, place, .. } in rows {
        let (chain, number) = *place;
        let content = messages::content(write.connection(), *row)?;
        let client_id = ids.client_id();
        if present == Some(chain) {
            outbox::insert_again(write, key, number, client_id, &content)?;
        } else {
            // a number names an entry of the present chain only; the last word closes the gap
            outbox::insert(write, key, None, Place::Last, client_id, &content)?;
        }
    }
    Ok(())
}

/// Asks for everything that is missing, also for what was asked for before: question or answer may be lost. Nothing is asked
/// twice at a time.
pub(super) fn ask(write: &WriteTransaction<'_>, key: ConversationKey, ids: &Ids) -> Result<()> {
    let is_known = |range: Range| range.last < END;
    outbox::delete_unsealed(write, key, |content| {
        Content::missing_range(content).is_some_and(is_known)
    })?;
    for (chain, first, last) in chains::all_missing(write.connection(), key)? {
        let range = Range { chain, first, last };
        let content = Content::missing(ids.array(), range).encode();
        outbox::insert(write, key, None, Place::Last, ids.client_id(), &content)?;
    }
    Ok(())
}

/// Asks for whatever the other sent after a position in the stream; nobody here knows how much that was.
pub(super) fn ask_after(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    seq: u64,
    ids: &Ids,
) -> Result<()> {
    let is_such = |range: &Range| *range.chain == POSITIONS;
    let waiting = outbox::all(write.connection(), key)?;
    let asked = waiting
        .iter()
        .filter(|row| row.sealed.is_none())
        .filter_map(|row| Content::missing_range(&row.content).filter(is_such))
        .map(|range| range.first)
        .min();
    outbox::delete_unsealed(write, key, |content| {
        Content::missing_range(content)
            .as_ref()
            .is_some_and(is_such)
    })?;
    let first = seq.saturating_add(1);
    let range = Range {
        chain: POSITIONS.into(),
        first: asked.map_or(first, |asked| asked.min(first)),
        last: END,
    };
    let content = Content::missing(ids.array(), range).encode();
    outbox::insert(write, key, None, Place::Last, ids.client_id(), &content)
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
    let known = chains::missing_of(write.connection(), &missing)?;
    let present = chains::load(write.connection(), row.key, device)?;
    let is_former = present.is_some_and(|present| present.chain != range.chain);
    // each answer closes at least what it names, so this ends
    let (first, last) = match known.filter(|(_, last)| *last > range.last) {
        Some(rest) => rest,
        None if is_former && range.last < END => (range.last.saturating_add(1), END),
        None => return Ok(()),
    };
    let range = Range {
        chain: range.chain,
        first,
        last,
    };
    let content = Content::missing(ids.array(), range).encode();
    outbox::insert(write, row.key, None, Place::Last, ids.client_id(), &content)
}
