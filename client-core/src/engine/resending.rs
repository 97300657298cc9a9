//! What somebody missed is sent again: the sender's count showed that it never arrived.

use protocol::DeviceId;
use rusqlite::Connection;

use crate::{
    content::{Content, Range},
    engine::{ids::Ids, opening::tell_profile},
    error::Result,
    model::{ConversationKey, Standing},
    store::{
        WriteTransaction, account,
        chains::{self, ChainId, Numbered},
        conversations::{self, ConversationRow},
        gaps::{self, Missing},
        messages,
        outbox::{self, Place},
        progress,
        questions::{self, Question},
        requests,
    },
};

/// Messages sent again for one request; the receiver asks for the rest.
const MOST_AGAIN: u32 = 100;
/// Messages sent again at once to a new device of the other, which does not know what to ask for; it asks for the rest.
const MOST_OFFERED: u32 = 1_000;
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
    let has_answered = if *range.chain == POSITIONS {
        answer_positions(write, key, range, ids)?;
        true
    } else {
        answer_numbers(write, key, device, range, ids)?
    };
    if has_answered {
        // what the other missed may have been a question of ours
        ask(write, key, ids)?;
    }
    Ok(())
}

/// Sends again the messages of a range of one of our chains; says whether this database knows anything of it.
fn answer_numbers(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    device: DeviceId,
    range: &Range,
    ids: &Ids,
) -> Result<bool> {
    let connection = write.connection();
    let chain = range.chain;
    // what this database has forgotten of a chain it cannot call complete: that stays missing there
    let known = chains::known_up_to(connection, key, device, chain)?;
    let asked = (range.first, range.last);
    let rows = chains::sent_between(connection, key, chain, asked, MOST_AGAIN)?;
    for (number, message) in &rows {
        let content = messages::content(connection, *message)?;
        let sent = Numbered {
            chain,
            number: *number,
        };
        outbox::insert_again(write, key, sent, ids.client_id(), &content)?;
    }
    let last = match rows.last() {
        Some((number, _)) if is_full(rows.len(), MOST_AGAIN) => known.min(*number),
        _ => known.min(range.last),
    };
    if range.first > last {
        return Ok(false);
    }
    let asked = last.saturating_sub(range.first).saturating_add(1);
    if u64::try_from(rows.len()).is_ok_and(|found| found < asked) {
        // what was no message may have been our profile
        say_who_we_are(write, key, ids)?;
    }
    say_settled(write, key, &Range { last, ..*range }, ids)?;
    Ok(true)
}

/// Sends again our messages of a range of positions, whatever chains they are of, and after the last of them who we are: whoever
/// asks like that has lost its database, and perhaps never had our profile.
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
        Some(message) if is_full(rows.len(), MOST_AGAIN) => message.seq,
        _ => {
            say_who_we_are(write, key, ids)?;
            range.last
        }
    };
    say_settled(write, key, &Range { last, ..*range }, ids)
}

fn say_who_we_are(write: &WriteTransaction<'_>, key: ConversationKey, ids: &Ids) -> Result<()> {
    let name = account::load(write.connection())?.name;
    tell_profile(write, key, &name, None, ids)
}

/// Whether so many are as many as may be, so that there may be more.
fn is_full(rows: usize, most: u32) -> bool {
    u32::try_from(rows).is_ok_and(|rows| rows >= most)
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
/// it had; what was delivered to it before is not sent again. Where there is more than goes out at once, it is told how far this
/// went, as an answer would tell it, and asks on from there.
pub(super) fn offer_undelivered(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    before: u64,
    ids: &Ids,
) -> Result<()> {
    let first = progress::delivered(write.connection(), key)?.saturating_add(1);
    let missed = (first, before.saturating_sub(1));
    // the relay's word of delivery is about the new device, which has none of this
    messages::set_all_lost(write, key, before)?;
    let own = messages::own_between(write.connection(), key, missed, MOST_OFFERED)?;
    for message in &own {
        outbox::insert_again(write, key, message.sent, ids.client_id(), &message.content)?;
    }
    match own.last() {
        Some(message) if is_full(own.len(), MOST_OFFERED) => {
            let offered = Range {
                chain: POSITIONS.into(),
                first,
                last: message.seq,
            };
            say_settled(write, key, &offered, ids)
        }
        _ => Ok(()),
    }
}

/// Keeps a question that is answered later. One about what never was ours has no answer; says whether it was kept.
pub(super) fn keep_question(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    device: DeviceId,
    range: &Range,
) -> Result<bool> {
    let is_ours = *range.chain == POSITIONS
        || chains::known_up_to(write.connection(), key, device, range.chain)? >= range.first;
    if is_ours {
        let question = Question {
            key,
            chain: range.chain,
            first: range.first,
            last: range.last,
        };
        questions::keep(write, &question)?;
    }
    Ok(is_ours)
}

/// Asks for everything that is missing, also for what was asked for before: question or answer may be lost.
pub(super) fn ask(write: &WriteTransaction<'_>, key: ConversationKey, ids: &Ids) -> Result<()> {
    let is_known = |range: Range| range.last < END;
    outbox::delete_unsealed(write, key, |content| {
        Content::missing_range(content).is_some_and(is_known)
    })?;
    gaps::set_all_unasked(write, key)?;
    ask_positions(write, key, ids)?;
    ask_on(write, key, ids)
}

/// Asks for what was not asked for yet: of each device for one chain at a time. When that question is at the relay, the next
/// one has its turn.
pub(super) fn ask_on(write: &WriteTransaction<'_>, key: ConversationKey, ids: &Ids) -> Result<()> {
    let connection = write.connection();
    let devices = gaps::devices(connection, key)?;
    if devices.is_empty() {
        return Ok(());
    }
    let asked: Vec<ChainId> = outbox::all(connection, key)?
        .iter()
        .filter(|row| row.message.is_none() && row.again.is_none())
        .filter_map(|row| Content::missing_range(&row.content))
        .map(|range| range.chain)
        .collect();
    for device in devices {
        let is_of = |chain: &ChainId| gaps::is_of(connection, key, device, *chain);
        let mut waiting = false;
        for chain in &asked {
            waiting |= is_of(chain)?;
        }
        if waiting {
            continue;
        }
        let Some(missing) = gaps::next_unasked(connection, key, device)? else {
            continue;
        };
        gaps::set_asked(write, &missing, true)?;
        let range = Range {
            chain: missing.chain,
            first: missing.first,
            last: missing.last,
        };
        question(write, key, range, ids)?;
    }
    Ok(())
}

fn question(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    range: Range,
    ids: &Ids,
) -> Result<()> {
    let content = Content::missing(ids.array(), range).encode();
    outbox::insert(write, key, None, Place::Last, ids.client_id(), &content)
}

/// Whether what the relay took was a question: the next one has its turn.
pub(super) fn is_question(content: Option<&[u8]>) -> bool {
    content.and_then(Content::missing_range).is_some()
}

/// Whether the other is asked for anything: nobody who is not accepted, or is blocked.
pub(super) fn may_ask(connection: &Connection, key: ConversationKey) -> Result<bool> {
    let row = conversations::row(connection, key)?;
    Ok(row.standing == Standing::Open && !requests::is_blocked(connection, row.peer)?)
}

/// Asks for whatever the other sent after a position in the stream, or notes that it is to be asked once it may be; nobody here
/// knows how much that was.
pub(super) fn ask_after(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    seq: u64,
    ids: &Ids,
) -> Result<()> {
    let first = seq.saturating_add(1);
    let asked = questions::asked_from(write.connection(), key)?;
    let first = asked.map_or(first, |asked| asked.min(first));
    questions::set_asked_from(write, key, Some(first))?;
    if may_ask(write.connection(), key)? {
        ask_positions(write, key, ids)?;
    }
    Ok(())
}

/// Asks for the positions that the other has not answered for yet, in the place of a question for them that waits.
fn ask_positions(write: &WriteTransaction<'_>, key: ConversationKey, ids: &Ids) -> Result<()> {
    let Some(first) = questions::asked_from(write.connection(), key)? else {
        return Ok(());
    };
    outbox::delete_unsealed(write, key, |content| {
        Content::missing_range(content).is_some_and(|range| *range.chain == POSITIONS)
    })?;
    let range = Range {
        chain: POSITIONS.into(),
        first,
        last: END,
    };
    question(write, key, range, ids)
}

/// The other has sent again what there was of a range of positions. Asks for what follows, if that was not all.
fn settled_positions(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    range: &Range,
    ids: &Ids,
) -> Result<()> {
    match questions::asked_from(write.connection(), key)? {
        // of an older question than the one that is on its way, or not as far back
        Some(asked) if asked < range.first || range.last < asked => Ok(()),
        Some(_) if range.last < END => {
            questions::set_asked_from(write, key, Some(range.last.saturating_add(1)))?;
            ask_positions(write, key, ids)
        }
        Some(_) => questions::set_asked_from(write, key, None),
        // it began by itself
        None if range.last < END => ask_after(write, key, range.last, ids),
        None => Ok(()),
    }
}

/// The sender has sent again what there was: what is still missing of it was no message. Asks for the rest, if any.
pub(super) fn settled(
    write: &WriteTransaction<'_>,
    row: &ConversationRow,
    device: DeviceId,
    range: &Range,
    ids: &Ids,
) -> Result<()> {
    if *range.chain == POSITIONS {
        return settled_positions(write, row.key, range, ids);
    }
    let missing = Missing {
        key: row.key,
        device,
        chain: range.chain,
        first: range.first,
        last: range.last,
    };
    gaps::close(write, &missing)?;
    // each answer closes at least what it names, so this ends
    if gaps::is_missing_after(write.connection(), &missing)? {
        gaps::set_asked(write, &missing, false)?;
        return ask_on(write, row.key, ids);
    }
    let former = chains::former(write.connection(), row.key, device, range.chain)?;
    if former.is_none() || range.last >= END {
        return Ok(());
    }
    // of a chain that ended there may have been more than anybody here knows of
    let chain = range.chain;
    outbox::delete_unsealed(write, row.key, |content| {
        Content::missing_range(content).is_some_and(|range| range.chain == chain)
    })?;
    let rest = Range {
        chain,
        first: range.last.saturating_add(1),
        last: END,
    };
    question(write, row.key, rest, ids)
}
