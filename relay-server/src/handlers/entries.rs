//! Appending, acknowledging and fetching entries.

use std::sync::Arc;

use protocol::{Ack, Append, Digest, ErrorCode, Fetch, Frame, Page, Refusal, StreamId, bounds};

use super::Answer;
use crate::{
    node::Node,
    session::{Activity, Session},
    store::{AppendDone, NewAppend, NewEntryRow, PageRange, UNAVAILABLE},
};

/// What an entry takes of the account's day beside its bytes: its row, and its places in the indexes by which it is found, for as
/// long as its client id is remembered.
const ROW: usize = 256;
/// The most entries of a fetched page.
const PAGE_ENTRIES: u16 = 256;
/// Room for the frame around a page.
const PAGE_OVERHEAD: usize = 128;

/// Queues an append. The answer leaves when it is durable.
pub(super) fn append(node: &Arc<Node>, session: &Arc<Session>, id: u32, append: Append) {
    session.begin();
    let weights = append.entries.iter().map(|entry| ROW + entry.bytes.len());
    let bytes: usize = weights.sum();
    let conversation = append.conversation;
    let within = session.spend(Activity::Append(append.entries.len()));
    let within = within.and_then(|()| node.limits.bytes(session.identity.account, bytes));
    let request = NewAppend {
        caller: session.identity,
        conversation,
        incarnation: append.incarnation,
        epoch: append.epoch,
        limited: within.err(),
        entries: append
            .entries
            .into_iter()
            .map(|entry| NewEntryRow {
                client_id: entry.client_id,
                digest: Digest::of(&[&entry.bytes.0]),
                bytes: entry.bytes.0,
            })
            .collect(),
    };
    let (delivery, presence) = (Arc::clone(&node.delivery), Arc::clone(&node.presence));
    let answered = Arc::clone(session);
    let done = Box::new(move |outcome: Result<AppendDone, Refusal>| {
        let accepted = outcome.as_ref().is_ok_and(|done| done.accepted);
        delivery.appended(answered, id, conversation, outcome);
        if accepted && let Some(known) = delivery.accepted(conversation) {
            presence.introduce(&known);
        }
    });
    if !session.hand_over(|| node.store.append(request, done)) {
        node.delivery
            .appended(Arc::clone(session), id, conversation, Err(UNAVAILABLE));
    }
}

/// Notes a cursor. One of a stream that the device may not read, or that does not rise, is nothing.
pub(super) fn acknowledge(node: &Node, session: &Session, ack: &Ack) {
    let inbox =
        (ack.stream == StreamId::Inbox).then(|| session.with_push(|push| push.inbox_cursor()));
    if let Some((row, seq)) = session.with_push(|push| push.ack(ack.stream, ack.seq)) {
        node.delivery.acknowledged(session, ack.stream, row, seq);
        if let Some(before) = inbox {
            // whoever came in may see now what the others said before, and how far they have what it wrote
            let welcomed = session.with_push(|push| push.welcomed_since(before));
            for conversation in welcomed
                .into_iter()
                .filter_map(|id| node.delivery.conversation(id))
            {
                if let Some(seq) = conversation.tell(session.identity.account) {
                    session.delivered(conversation.id, seq);
                }
                conversation.hand_kept(session);
            }
        }
    }
}

/// A page, to fill a gap.
pub(super) async fn fetch(node: &Node, session: &Session, fetch: &Fetch) -> Answer {
    let following = session.with_push(|push| {
        push.readable(fetch.stream)
            .map(|(stream, until)| (stream.row, stream.span.joined, until))
    });
    let (row, joined, until) = match (following, fetch.stream) {
        (Some(readable), _) => readable,
        (None, StreamId::Inbox) => return Err(Refusal::new(ErrorCode::NotMember)),
        (None, StreamId::Conversation(conversation)) => {
            let left = node
                .store
                .left(session.identity.device_row, conversation)
                .await?;
            let left = left.ok_or(Refusal::new(ErrorCode::NotMember))?;
            (left.stream, left.joined, left.left)
        }
    };
    let range = PageRange {
        after: fetch
            .from
            .saturating_sub(1)
            .max(joined)
            .min(i64::MAX.unsigned_abs()),
        until: until.min(i64::MAX.unsigned_abs()),
        entries: usize::from(fetch.limit.min(PAGE_ENTRIES)),
        bytes: bounds::FRAME - PAGE_OVERHEAD,
    };
    let page = node
        .store
        .page(row, range, session.identity.account_row)
        .await?;
    let last = until.min(page.last);
    Ok(Frame::from(Page {
        entries: page.entries,
        last,
        base: page.base,
        kept: page.kept,
    }))
}
