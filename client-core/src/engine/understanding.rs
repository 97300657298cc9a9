//! What opened content says, and what follows from it.

use protocol::{AccountId, DeviceId, Entry, MessageId};
use tracing::{info, warn};

use crate::{
    content::{self, Body, Content, Profile, Range, Read, SealNote},
    engine::{
        contacts::introduce,
        entries::Care,
        ids::Ids,
        notes::{Learning, line, tell},
        reading::Reading,
        receipts, resending,
    },
    error::Result,
    model::{ConversationKey, MessageKind, Standing, SystemEvent},
    store::{
        WriteTransaction, account, contacts,
        conversations::{self, REQUEST_TEXTS, Unread},
        gaps::Place,
        links,
        messages::{self, Author, Order},
        progress::{self, Progress},
        requests,
    },
};

/// Content that was opened, and where it came from.
pub(super) struct Told<'a> {
    pub(super) entry: &'a Entry,
    pub(super) account: AccountId,
    pub(super) device: DeviceId,
    pub(super) content: &'a [u8],
    pub(super) aad: &'a [u8],
}

/// A message of another, or one that could not be opened.
pub(super) struct Incoming<'a> {
    pub(super) id: MessageId,
    pub(super) sender: AccountId,
    pub(super) kind: MessageKind,
    pub(super) text: &'a str,
    pub(super) content: &'a [u8],
    /// Where it belongs, if that is not where its entry is.
    pub(super) place: Option<Place>,
    /// The entry came again, and was new.
    pub(super) again: bool,
}

/// Takes in what somebody said.
pub(super) fn take(
    reading: &mut Reading<'_, '_>,
    write: &WriteTransaction<'_>,
    told: &Told<'_>,
) -> Result<()> {
    let Told { entry, account, .. } = *told;
    let mut place = None;
    let note = SealNote::decode(told.aad).filter(|_| account == reading.row.peer);
    if let Some(note) = &note {
        place = learning(reading, told).learn(write, note)?;
    }
    if account == reading.row.peer {
        answered(reading, write, entry)?;
    }
    let body = match Content::decode(told.content) {
        Ok(_) if reading.care == Care::Park => Body::Unknown { content_type: None },
        Ok(content) => content.body,
        Err(error) => {
            warn!(%error, "content of another shape");
            Body::Unknown { content_type: None }
        }
    };
    let (kind, text) = match &body {
        Body::Profile(profile) => return introduced(reading, write, told, profile),
        Body::Read(read) => return was_read(reading, write, told, *read),
        Body::Missing(range) => return missed(reading, write, told, range),
        Body::Resent(range) => {
            return resending::settled(write, &reading.row, told.device, range, reading.ids);
        }
        Body::Text(text) => (MessageKind::Text, text.as_str()),
        Body::Unknown { .. } => (MessageKind::Unsupported, ""),
    };
    let conversation = reading.row.conversation;
    let id = content::message_id(reading.relay, account, conversation, told.content);
    if account == reading.row.peer {
        match reading.row.standing {
            Standing::Requested if is_beyond_request(write, reading.row.key, id)? => {
                info!("more texts than a request may have");
                return match &note {
                    Some(note) => learning(reading, told).miss(write, note),
                    None => Ok(()),
                };
            }
            Standing::Open => {
                account::set_recovery_due(write)?;
            }
            Standing::Requested | Standing::Asked => {}
        }
    }
    let incoming = Incoming {
        id,
        sender: account,
        kind,
        text,
        content: told.content,
        place,
        again: reading.care == Care::Again,
    };
    keep(write, reading.row.key, entry, &incoming, reading.ids)
}

fn learning<'a>(reading: &'a Reading<'_, '_>, told: &Told<'a>) -> Learning<'a> {
    Learning {
        row: &reading.row,
        device: told.device,
        entry: told.entry,
        ids: reading.ids,
    }
}

/// Whether a text is more than somebody may write who is not accepted yet.
fn is_beyond_request(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    id: MessageId,
) -> Result<bool> {
    let connection = write.connection();
    let so_far = messages::count_texts(connection, key, Author::Others)?;
    Ok(so_far >= REQUEST_TEXTS && messages::by_ids(connection, key, &[id])?.is_empty())
}

/// Whoever writes to us has accepted us.
fn answered(
    reading: &mut Reading<'_, '_>,
    write: &WriteTransaction<'_>,
    entry: &Entry,
) -> Result<()> {
    if reading.row.standing != Standing::Asked {
        return Ok(());
    }
    reading.row.standing = Standing::Open;
    requests::set_standing(write, reading.row.key, Standing::Open)?;
    contacts::set_consented(write, reading.row.peer)?;
    // of somebody who had not accepted nothing was asked
    resending::ask(write, reading.row.key, reading.ids)?;
    let kind = MessageKind::System(SystemEvent::RequestAccepted);
    let id = reading.ids.message_id();
    tell(write, &line(&reading.row, id, kind, entry.seq, entry.time))
}

/// Somebody says who it is, and perhaps proves to hold a link of ours.
fn introduced(
    reading: &mut Reading<'_, '_>,
    write: &WriteTransaction<'_>,
    told: &Told<'_>,
    profile: &Profile,
) -> Result<()> {
    if told.account != reading.row.peer {
        // another device of ours
        return Ok(());
    }
    contacts::set_name(write, told.account, &profile.name)?;
    let Some(proof) = &profile.proof else {
        return Ok(());
    };
    if reading.row.standing != Standing::Requested {
        return Ok(());
    }
    let proof = links::Proof {
        proof,
        account: told.account,
        conversation: reading.row.conversation,
        began: conversations::created(write.connection(), reading.row.key)?,
        shown: told.entry.time,
    };
    if links::take_use(write, &proof)? {
        reading.row.standing = Standing::Open;
        introduce(write, &reading.row, reading.name, reading.ids)?;
    }
    Ok(())
}

fn was_read(
    reading: &Reading<'_, '_>,
    write: &WriteTransaction<'_>,
    told: &Told<'_>,
    read: Read,
) -> Result<()> {
    if told.account != reading.row.peer {
        return Ok(());
    }
    // nobody has read what comes later
    let seq = read.seq.min(told.entry.seq);
    let (key, time) = (reading.row.key, told.entry.time);
    if read.is_less() {
        return progress::read_less(write, key, seq);
    }
    // it works both ways
    if !reading.privacy.read_receipts {
        return Ok(());
    }
    // what was read was delivered, whether or not the relay has said so yet
    progress::raise(write, key, Progress::Delivered, seq, time)?;
    progress::raise(write, key, Progress::Read, seq, time)
}

fn missed(
    reading: &mut Reading<'_, '_>,
    write: &WriteTransaction<'_>,
    told: &Told<'_>,
    range: &Range,
) -> Result<()> {
    if told.account != reading.row.peer || reading.row.standing != Standing::Open {
        return Ok(());
    }
    let (key, device) = (reading.row.key, reading.keys.device());
    if reading.answers.take(key) {
        return resending::answer(write, key, device, range, reading.ids);
    }
    if resending::keep_question(write, key, device, range)? {
        reading.answers.note_kept();
    }
    Ok(())
}

/// Keeps a message, once.
pub(super) fn keep(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    entry: &Entry,
    incoming: &Incoming<'_>,
    ids: &Ids,
) -> Result<()> {
    let (seq, time) = match incoming.place {
        Some(Place { seq, time }) => {
            let before = messages::make_room(write, key, seq)?;
            (seq, time.max(before).min(entry.time))
        }
        None => (entry.seq, entry.time),
    };
    let message = messages::NewMessage {
        id: incoming.id,
        conversation: key,
        seq: Some(seq),
        sender: incoming.sender,
        mine: false,
        kind: incoming.kind,
        text: incoming.text,
        content: incoming.content,
        time,
        client_id: Some(entry.client_id),
    };
    let order = match incoming.place {
        Some(_) => Order::Place,
        None if incoming.again => Order::Last,
        None => Order::Stream,
    };
    let Some(row) = messages::insert_at(write, &message, order)? else {
        return Ok(());
    };
    conversations::note_message(write, key, entry.time, Unread::Yes)?;
    if incoming.place.is_some() {
        receipts::go_back_before(write, key, row, ids)?;
    }
    Ok(())
}
