//! What one session has been pushed: a position per stream that only ever advances along the log, and a window.
//!
//! A live append hands its encoded frame to a session that stands exactly before it; any other session reads the log.
//! So nothing is pushed twice and nothing is left out, whatever happens at the seam.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use protocol::{ConversationId, Entries, Entry, Frame, StreamId, bounds, encode_frame};

use crate::store::{ENVELOPE, PageRange, PageRow, StreamRow};

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
    /// The device reads what comes after this seq.
    pub(crate) joined: u64,
    /// The device reads up to this seq.
    pub(crate) until: Option<u64>,
    /// The seq of its welcome in the inbox.
    pub(crate) welcome: u64,
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
            joined: 0,
            until: None,
            welcome: 0,
            cursor,
            position: cursor.max(base),
            last,
            queued: false,
            held: VecDeque::new(),
        }
    }

    /// Up to where the device may read now.
    fn end(&self) -> u64 {
        self.until.map_or(self.last, |until| until.min(self.last))
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
    conversations: HashMap<ConversationId, Stream>,
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
            conversations: HashMap::new(),
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
        let known = self
            .conversations
            .get(&conversation)
            .is_some_and(|known| known.joined >= stream.joined);
        if !known && let Some(old) = self.conversations.insert(conversation, stream) {
            self.release(&old.held);
        }
        self.enqueue(StreamId::Conversation(conversation));
    }

    /// The device was removed by the commit at `seq`.
    pub(crate) fn leave(&mut self, conversation: ConversationId, seq: u64) {
        if self.inbox.is_none() {
            self.early.push(Early::Left(conversation, seq));
        } else if let Some(stream) = self.conversations.get_mut(&conversation)
            && stream.joined < seq
        {
            stream.until = Some(seq);
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
        if let Some(known) = self.stream_mut(stream)
            && fits
            && !known.queued
            && known.position + 1 == frame.first
            && known.until.is_none_or(|until| frame.last <= until)
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
        while let Some(id) = self.queue.pop_front() {
            let Some(stream) = self.stream_mut(id) else {
                continue;
            };
            stream.queued = false;
            if stream.position < stream.end() {
                let range = PageRange {
                    after: stream.position,
                    until: stream.end(),
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
        let after = match self.stream_mut(id) {
            Some(stream) => {
                // what lies at and below the base is gone: the device is told by `news` and by the jump
                stream.position = stream.position.max(page.base.min(stream.end()));
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
        let stream = self.stream_mut(id)?;
        let seq = seq.min(stream.end());
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
            self.open_welcomed(seq);
        }
        Some((row, seq))
    }

    /// Whether the device may read the stream now: for a conversation, whether its welcome is acknowledged.
    pub(crate) fn active(&self, id: StreamId) -> bool {
        let Some(inbox) = &self.inbox else {
            return false;
        };
        match id {
            StreamId::Inbox => true,
            StreamId::Conversation(id) => self
                .conversations
                .get(&id)
                .is_some_and(|stream| stream.welcome <= inbox.cursor),
        }
    }

    /// A stream that the device may read now.
    pub(crate) fn readable(&self, id: StreamId) -> Option<&Stream> {
        if !self.active(id) {
            return None;
        }
        match id {
            StreamId::Inbox => self.inbox.as_ref(),
            StreamId::Conversation(id) => self.conversations.get(&id),
        }
    }

    /// The conversations that the session follows.
    pub(crate) fn conversations(&self) -> impl Iterator<Item = ConversationId> + '_ {
        self.conversations.keys().copied()
    }

    fn open_welcomed(&mut self, cursor: u64) {
        let opened: Vec<ConversationId> = self
            .conversations
            .iter()
            .filter(|(_, stream)| {
                !stream.queued && stream.welcome <= cursor && stream.position < stream.end()
            })
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
        let Some(stream) = self.stream_mut(id) else {
            return;
        };
        if stream.queued || stream.position >= stream.end() {
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

    fn fits(&self, entries: u32, bytes: u32) -> bool {
        let within = self.held_entries.saturating_add(entries) <= self.window.entries
            && self.held_bytes.saturating_add(bytes) <= self.window.bytes;
        within || self.held_entries == 0
    }

    fn stream_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        match id {
            StreamId::Inbox => self.inbox.as_mut(),
            StreamId::Conversation(id) => self.conversations.get_mut(&id),
        }
    }
}
