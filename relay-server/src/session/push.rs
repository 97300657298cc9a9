//! What one session has been pushed: a position per stream that only ever advances along the log, and a window.
//!
//! A live append hands its encoded frame to a session that stands exactly before it; any other session reads the log.
//! So nothing is pushed twice and nothing is left out, whatever happens at the seam.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use protocol::{ConversationId, Entries, Entry, Frame, StreamId, bounds, encode_frame};

use crate::store::{ENVELOPE, PageRange, PageRow, Span, StreamRow};

/// Room for the frame around the entries.
const FRAME_OVERHEAD: usize = 64;
/// The most bytes of entries, envelopes included, in one pushed frame.
const PAGE_BYTES: usize = bounds::FRAME - FRAME_OVERHEAD;
/// The most entries in one pushed frame.
const PAGE_ENTRIES: usize = 256;

/// How much may be pushed without acknowledgement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) entries: u32,
    pub(crate) bytes: u32,
}

/// An encoded `entries` frame, shared by all sessions that get it.
#[derive(Clone, Debug)]
pub(crate) struct SharedFrame {
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) weight: u32,
    pub(crate) bytes: Bytes,
}

impl SharedFrame {
    /// Encodes consecutive entries, in as many frames as they need.
    pub(crate) fn encode(stream: StreamId, entries: Vec<Entry>) -> Vec<Self> {
        let mut frames = Vec::with_capacity(1);
        let mut part: Vec<Entry> = Vec::with_capacity(entries.len().min(PAGE_ENTRIES));
        let mut weight = 0;
        for entry in entries {
            let size = entry.bytes.len() + ENVELOPE;
            if !part.is_empty() && (weight + size > PAGE_BYTES || part.len() == PAGE_ENTRIES) {
                frames.extend(Self::of(stream, std::mem::take(&mut part), weight));
                weight = 0;
            }
            weight += size;
            part.push(entry);
        }
        frames.extend(Self::of(stream, part, weight));
        frames
    }

    fn of(stream: StreamId, entries: Vec<Entry>, weight: usize) -> Option<Self> {
        let first = entries.first()?.seq;
        let last = entries.last()?.seq;
        let frame = Frame::from(Entries { stream, entries });
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        Some(Self {
            first,
            last,
            weight,
            bytes: encode_frame(0, &frame).into(),
        })
    }

    fn count(&self) -> u32 {
        u32::try_from(self.last - self.first + 1).unwrap_or(u32::MAX)
    }
}

/// A stream as this session follows it.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) row: StreamRow,
    /// What the device may read.
    pub(crate) span: Span,
    /// The highest seq that the device has processed.
    pub(crate) cursor: u64,
    /// The highest seq that was pushed.
    pub(crate) position: u64,
    /// The highest seq that is known to be stored.
    pub(crate) last: u64,
    /// Whether it waits in the queue of streams to read.
    queued: bool,
    /// Frames that were pushed and not acknowledged: last seq, entries, bytes.
    held: VecDeque<(u64, u32, u32)>,
}

impl Stream {
    /// A stream of which nothing was pushed yet.
    pub(crate) fn new(row: StreamRow, cursor: u64, base: u64, last: u64) -> Self {
        Self {
            row,
            span: Span::default(),
            cursor,
            position: cursor.max(base),
            last,
            queued: false,
            held: VecDeque::new(),
        }
    }

    /// The same of a device that may read no more than this.
    pub(crate) fn within(mut self, span: Span) -> Self {
        self.span = span;
        self
    }

    /// Up to where a device may read now that has acknowledged its inbox up to `inbox`.
    fn end(&self, inbox: u64) -> u64 {
        self.span.open_until(inbox).unwrap_or(0).min(self.last)
    }
}

/// Something that happened while the session was reading what it may read.
#[derive(Debug)]
enum Early {
    Stored(StreamId, u64),
    Joined(ConversationId, Stream),
    Left(ConversationId, u64),
}

/// The streams of a session.
#[derive(Debug)]
pub(crate) struct Push {
    window: Window,
    held_entries: u32,
    held_bytes: u32,
    /// `None` until [`Push::attach`].
    inbox: Option<Stream>,
    early: Vec<Early>,
    /// Ordered, so that what is pushed when several open at once does not depend on the process.
    conversations: BTreeMap<ConversationId, Stream>,
    queue: VecDeque<StreamId>,
}

impl Push {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            window,
            held_entries: 0,
            held_bytes: 0,
            inbox: None,
            early: Vec::new(),
            conversations: BTreeMap::new(),
            queue: VecDeque::new(),
        }
    }

    /// Begins: the inbox, then the conversations in this order, then what happened meanwhile.
    pub(crate) fn attach(&mut self, inbox: Stream, conversations: Vec<(ConversationId, Stream)>) {
        self.inbox = Some(inbox);
        self.enqueue(StreamId::Inbox);
        for (id, stream) in conversations {
            self.conversations.insert(id, stream);
            self.enqueue(StreamId::Conversation(id));
        }
        for early in std::mem::take(&mut self.early) {
            match early {
                Early::Stored(stream, last) => self.stored(stream, last),
                Early::Joined(conversation, stream) => self.join(conversation, stream),
                Early::Left(conversation, seq) => self.leave(conversation, seq),
            }
        }
    }

    /// The device became a member, or a member again.
    pub(crate) fn join(&mut self, conversation: ConversationId, stream: Stream) {
        if self.inbox.is_none() {
            self.early.push(Early::Joined(conversation, stream));
            return;
        }
        match self.conversations.get_mut(&conversation) {
            Some(known) if known.span.began() >= stream.span.began() => {}
            // it goes on in a new incarnation: what was pushed was pushed
            Some(known) if known.span.joined == stream.span.joined => {
                known.span = stream.span;
                known.last = known.last.max(stream.last);
            }
            _ => {
                if let Some(old) = self.conversations.insert(conversation, stream) {
                    self.release(&old.held);
                }
            }
        }
        self.enqueue(StreamId::Conversation(conversation));
    }

    /// The device was removed by the commit at `seq`.
    pub(crate) fn leave(&mut self, conversation: ConversationId, seq: u64) {
        if self.inbox.is_none() {
            self.early.push(Early::Left(conversation, seq));
        } else if let Some(stream) = self.conversations.get_mut(&conversation)
            && stream.span.began() < seq
        {
            stream.span.until = Some(seq);
        }
    }

    /// Entries up to `last` are stored.
    pub(crate) fn stored(&mut self, stream: StreamId, last: u64) {
        if self.inbox.is_none() {
            self.early.push(Early::Stored(stream, last));
        } else if let Some(known) = self.stream_mut(stream) {
            known.last = known.last.max(last);
            self.enqueue(stream);
        }
    }

    /// Takes a frame of new entries if the session stands exactly before them and has room; else it reads the log later.
    pub(crate) fn offer(&mut self, stream: StreamId, frame: &SharedFrame, room: bool) -> bool {
        let fits = room && self.fits(frame.count(), frame.weight) && self.active(stream);
        let inbox = self.inbox_cursor();
        if let Some(known) = self.stream_mut(stream)
            && fits
            && !known.queued
            && known.position + 1 == frame.first
            && known
                .span
                .open_until(inbox)
                .is_some_and(|until| frame.last <= until)
        {
            known.last = known.last.max(frame.last);
            self.advance(stream, frame);
            return true;
        }
        self.stored(stream, frame.last);
        false
    }

    /// What to read next, if the window has room.
    pub(crate) fn next_page(&mut self) -> Option<(StreamId, StreamRow, PageRange)> {
        if self.held_entries >= self.window.entries || (self.held_bytes >= self.window.bytes) {
            return None;
        }
        let entries = usize::try_from(self.window.entries - self.held_entries)
            .unwrap_or(usize::MAX)
            .min(PAGE_ENTRIES);
        let bytes = usize::try_from(self.window.bytes - self.held_bytes)
            .unwrap_or(usize::MAX)
            .min(PAGE_BYTES);
        let inbox = self.inbox_cursor();
        while let Some(id) = self.queue.pop_front() {
            let Some(stream) = self.stream_mut(id) else {
                continue;
            };
            stream.queued = false;
            let end = stream.end(inbox);
            if stream.position < end {
                let range = PageRange {
                    after: stream.position,
                    until: end,
                    entries,
                    bytes,
                };
                return Some((id, stream.row, range));
            }
        }
        None
    }

    /// Takes a page that [`Push::next_page`] asked for, and queues the stream again where more follows.
    pub(crate) fn apply(&mut self, id: StreamId, page: PageRow) -> Vec<SharedFrame> {
        let inbox = self.inbox_cursor();
        let after = match self.stream_mut(id) {
            Some(stream) => {
                // what lies at and below the base is gone: the device is told by `news` and by the jump
                stream.position = stream.position.max(page.base.min(stream.end(inbox)));
                stream.last = stream.last.max(page.last);
                stream.position
            }
            None => return Vec::new(),
        };
        let entries = page
            .entries
            .into_iter()
            .filter(|entry| entry.seq > after)
            .collect();
        let frames = SharedFrame::encode(id, entries);
        for frame in &frames {
            self.advance(id, frame);
        }
        self.enqueue(id);
        frames
    }

    /// The device has processed a stream up to `seq`. Answers the stream's row and the cursor where it rose.
    pub(crate) fn ack(&mut self, id: StreamId, seq: u64) -> Option<(StreamRow, u64)> {
        if !self.active(id) {
            return None;
        }
        let inbox = self.inbox_cursor();
        let stream = self.stream_mut(id)?;
        let seq = seq.min(stream.end(inbox));
        if seq <= stream.cursor {
            return None;
        }
        stream.cursor = seq;
        // it may have fetched what was not pushed yet
        stream.position = stream.position.max(seq);
        let row = stream.row;
        let mut released = VecDeque::new();
        while let Some(held) = stream.held.pop_front_if(|held| held.0 <= seq) {
            released.push_back(held);
        }
        self.release(&released);
        if id == StreamId::Inbox {
            self.open_welcomed();
        }
        Some((row, seq))
    }

    /// Whether the device may read something of the stream now: for a conversation, whether its welcome is acknowledged.
    pub(crate) fn active(&self, id: StreamId) -> bool {
        self.readable(id).is_some()
    }

    /// A stream that the device may read now, and up to where.
    pub(crate) fn readable(&self, id: StreamId) -> Option<(&Stream, u64)> {
        let inbox = self.inbox.as_ref()?;
        match id {
            StreamId::Inbox => Some((inbox, u64::MAX)),
            StreamId::Conversation(id) => {
                let stream = self.conversations.get(&id)?;
                Some((stream, stream.span.open_until(inbox.cursor)?))
            }
        }
    }

    /// Whether the device is a member of the conversation and has acknowledged its welcome.
    pub(crate) fn is_member(&self, conversation: ConversationId) -> bool {
        self.readable(StreamId::Conversation(conversation))
            .is_some_and(|(_, until)| until == u64::MAX)
    }

    /// How far the device has its inbox.
    pub(crate) fn inbox_cursor(&self) -> u64 {
        self.inbox.as_ref().map_or(0, |inbox| inbox.cursor)
    }

    /// The conversations that the session follows.
    pub(crate) fn conversations(&self) -> impl Iterator<Item = ConversationId> + '_ {
        self.conversations.keys().copied()
    }

    /// The conversations whose welcome the device acknowledged since its inbox stood at `before`.
    pub(crate) fn welcomed_since(&self, before: u64) -> Vec<ConversationId> {
        let inbox = self.inbox_cursor();
        let welcomes = before.saturating_add(1)..=inbox;
        self.conversations
            .iter()
            .filter(|(_, stream)| welcomes.contains(&stream.span.welcome))
            .map(|(id, _)| *id)
            .collect()
    }

    fn open_welcomed(&mut self) {
        let inbox = self.inbox_cursor();
        let opened: Vec<ConversationId> = self
            .conversations
            .iter()
            .filter(|(_, stream)| !stream.queued && stream.position < stream.end(inbox))
            .map(|(id, _)| *id)
            .collect();
        for id in opened {
            self.enqueue(StreamId::Conversation(id));
        }
    }

    /// Queues a stream that has something to read. The inbox goes first.
    fn enqueue(&mut self, id: StreamId) {
        if !self.active(id) {
            return;
        }
        let inbox = self.inbox_cursor();
        let Some(stream) = self.stream_mut(id) else {
            return;
        };
        if stream.queued || stream.position >= stream.end(inbox) {
            return;
        }
        stream.queued = true;
        match id {
            StreamId::Inbox => self.queue.push_front(id),
            StreamId::Conversation(_) => self.queue.push_back(id),
        }
    }

    fn advance(&mut self, id: StreamId, frame: &SharedFrame) {
        let count = frame.count();
        if let Some(stream) = self.stream_mut(id) {
            stream.position = frame.last;
            stream.held.push_back((frame.last, count, frame.weight));
            self.held_entries += count;
            self.held_bytes = self.held_bytes.saturating_add(frame.weight);
        }
    }

    fn release(&mut self, held: &VecDeque<(u64, u32, u32)>) {
        for (_, entries, bytes) in held {
            self.held_entries = self.held_entries.saturating_sub(*entries);
            self.held_bytes = self.held_bytes.saturating_sub(*bytes);
        }
    }

    /// Whether a whole frame fits the window; where it does not, the log is read as far as there is room.
    fn fits(&self, entries: u32, bytes: u32) -> bool {
        self.held_entries.saturating_add(entries) <= self.window.entries
            && self.held_bytes.saturating_add(bytes) <= self.window.bytes
    }

    fn stream_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        match id {
            StreamId::Inbox => self.inbox.as_mut(),
            StreamId::Conversation(id) => self.conversations.get_mut(&id),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use protocol::{ClientId, DeviceId, EntryKind, Opaque};

    use super::*;

    const CONVERSATION: StreamId = StreamId::Conversation(ConversationId::new([1; 16]));

    fn entries(from: u64, to: u64) -> Vec<Entry> {
        let entry = |seq| Entry {
            seq,
            sender: DeviceId::new([2; 16]),
            kind: EntryKind::Application,
            incarnation: 0,
            epoch: 1,
            time: 0,
            client_id: ClientId::new([3; 16]),
            conversation: None,
            bytes: Opaque(Bytes::from_static(b"sealed")),
            start: None,
        };
        (from..=to).map(entry).collect()
    }

    fn attached(window: Window, cursor: u64, last: u64) -> Push {
        let mut push = Push::new(window);
        let stream = Stream::new(StreamRow(1), cursor, 0, last);
        let StreamId::Conversation(id) = CONVERSATION else {
            unreachable!()
        };
        push.attach(Stream::new(StreamRow(2), 0, 0, 0), vec![(id, stream)]);
        push
    }

    proptest! {
        /// Whatever the order of storing, reading and acknowledging: each entry once, in order, never past the window.
        #[test]
        fn each_entry_is_pushed_once_and_in_order(
            steps in proptest::collection::vec((0..4_u8, 1..9_u64), 1..200),
            window in 1..20_u32,
            before in 0..30_u64,
        ) {
            let mut push = attached(Window { entries: window, bytes: u32::MAX }, 0, before);
            let (mut stored, mut pushed, mut acked) = (before, 0, 0);
            let mut pending: Option<(StreamId, PageRange)> = None;
            for (step, amount) in steps {
                match step {
                    // entries are stored and offered live
                    0 => {
                        for frame in SharedFrame::encode(CONVERSATION, entries(stored + 1, stored + amount)) {
                            if push.offer(CONVERSATION, &frame, true) {
                                prop_assert_eq!(frame.first, pushed + 1);
                                pushed = frame.last;
                            }
                        }
                        stored += amount;
                    }
                    // a page is asked for, and comes later
                    1 => {
                        if pending.is_none() {
                            pending = push.next_page().map(|(id, _, range)| (id, range));
                        }
                    }
                    2 => {
                        if let Some((id, range)) = pending.take() {
                            let most = range.after + u64::try_from(range.entries).unwrap();
                            let page = entries(range.after + 1, range.until.min(most));
                            for frame in push.apply(id, PageRow { entries: page, last: stored, base: 0, kept: 0 }) {
                                prop_assert_eq!(frame.first, pushed + 1);
                                pushed = frame.last;
                            }
                        }
                    }
                    _ => {
                        acked = pushed.min(acked + amount);
                        push.ack(CONVERSATION, acked);
                    }
                }
                prop_assert!(push.held_entries <= window);
            }
            // with everything acknowledged, all that was stored comes
            loop {
                push.ack(CONVERSATION, pushed);
                let Some((id, range)) = pending.take().or_else(|| push.next_page().map(|(id, _, range)| (id, range))) else { break };
                let most = range.after + u64::try_from(range.entries).unwrap();
                for frame in push.apply(id, PageRow { entries: entries(range.after + 1, range.until.min(most)), last: stored, base: 0, kept: 0 }) {
                    prop_assert_eq!(frame.first, pushed + 1);
                    pushed = frame.last;
                }
            }
            prop_assert_eq!(pushed, stored);
        }
    }

    #[test]
    fn nothing_is_read_before_the_welcome_is_acknowledged_or_after_leaving() {
        let window = Window {
            entries: 100,
            bytes: u32::MAX,
        };
        let mut push = Push::new(window);
        let StreamId::Conversation(id) = CONVERSATION else {
            unreachable!()
        };
        push.attach(Stream::new(StreamRow(2), 0, 0, 1), Vec::new());
        let mut stream = Stream::new(StreamRow(1), 4, 0, 4);
        (stream.span.joined, stream.span.welcome) = (4, 1);
        push.join(id, stream);
        push.stored(CONVERSATION, 9);
        assert!(push.readable(CONVERSATION).is_none());
        assert_eq!(push.next_page().unwrap().0, StreamId::Inbox);
        assert!(push.next_page().is_none());
        push.ack(StreamId::Inbox, 1);
        push.leave(id, 7);
        let (stream, _, range) = push.next_page().unwrap();
        assert_eq!((stream, range.after, range.until), (CONVERSATION, 4, 7));
    }
}
