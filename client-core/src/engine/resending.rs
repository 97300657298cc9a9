//! What somebody missed is sent again: the sender's count showed that it never arrived.

use protocol::DeviceId;

use crate::{
    content::{Content, Range},
    engine::ids::Ids,
    error::Result,
    model::ConversationKey,
    store::{
        WriteTransaction,
        chains::{self, Missing, Numbered},
        conversations::ConversationRow,
        messages,
        outbox::{self, Place},
        progress,
    },
};

/// Messages sent again for one request; the receiver asks for the rest.
const MOST_AGAIN: u32 = 100;
/// Messages sent again to a new device of the other, which does not know what to ask for.
const MOST_OFFERED: u32 = 1_000;
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
    if *range.chain == POSITIONS {
        answer_positions(write, key, range, ids)?;
    } else {
        answer_numbers(write, key, device, range, ids)?;
    }
    // what the other missed may have been a question of ours
    ask(write, key, ids)
}

/// Sends again the messages of a range of one of our chains.
fn answer_numbers(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    device: DeviceId,
    range: &Range,
    ids: &Ids,
) -> Result<()> {
    let connection = write.connection();
    let chain = range.chain;
    // what this database has forgotten of a chain it cannot call complete: that stays missing there
    let known = chains::known_up_to(connection, key, device, chain)?;
    let last = range.last.min(known);
    let rows = chains::sent_between(connection, key, chain, (range.first, last), MOST_AGAIN)?;
    for (number, message) in &rows {
        let content = messages::content(connection, *message)?;
        let sent = Numbered {
            chain,
            number: *number,
        };
        outbox::insert_again(write, key, sent, ids.client_id(), &content)?;
    }
    let last = match rows.last() {
        Some((number, _)) if is_full(rows.len()) => *number,
        _ => last,
    };
    if range.first <= last {
        say_settled(write, key, &Range { last, ..*range }, ids)?;
    }
    Ok(())
}

/// Sends again our messages of a range of positions, whatever chains they are of.
fn answer_positions(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    range: &Range,
    ids: &Ids,
) -> Result<()> {
    let positions = (range.first, range.last);
    let rows = messages::own_between(write.connection(), key, positions, MOST_AGAIN)?;
    for message in &rows {
        outbox::insert_again(write, key, message.sent, ids.client_id(), &message.content)?;
    }
    let last = match rows.last() {
        Some(message) if is_full(rows.len()) => message.seq,
        _ => range.last,
    };
    say_settled(write, key, &Range { last, ..*range }, ids)
}

/// Whether an answer is as long as answers may be, so that there may be more.
fn is_full(rows: usize) -> bool {
    u32::try_from(rows).is_ok_and(|rows| rows >= MOST_AGAIN)
}

fn say_settled(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    range: &Range,
    ids: &Ids,
) -> Result<()> {
    let content = Content::resent(ids.array(), *range).encode();
    outbox::insert(write, key, None, Place::Last, ids.client_id(), &content)
}

/// Sends again what no device of the other had when a new one of its came in by the entry `before`. Its account lost all that
/// it had; what was delivered to it before is not sent again.
pub(super) fn offer_undelivered(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    before: u64,
    ids: &Ids,
) -> Result<()> {
    let delivered = progress::delivered(write.connection(), key)?;
    let own = messages::own_after(write.connection(), key, delivered, MOST_OFFERED)?;
    for message in own.iter().filter(|message| message.seq < before) {
        outbox::insert_again(write, key, message.sent, ids.client_id(), &message.content)?;
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
