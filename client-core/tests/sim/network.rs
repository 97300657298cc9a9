//! The network between one account's computer and the relay: slow, cut at any byte, silent one way or both.
//!
//! ```text
//! engine ─▶ Wire ─▶ WebSocket client ─▶ duplex ─▶ pipe ─▶ duplex ─▶ the relay's HTTP, WebSocket, session
//! ```

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, atomic::AtomicBool},
};

use bytes::Bytes;
use client_core::seams::{ConnectionId, Network, NetworkEvent};
use protocol::{Address, ConversationId, Entry, Frame, StreamId, decode_frame};
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
};

use crate::{
    link::{Fate, Link},
    relay::Door,
    schedule::Way,
};

/// As many as in the app.
const OUTGOING: usize = 256;

/// What an engine did to the network.
pub(crate) enum Act {
    Dial(ConnectionId),
    Send(ConnectionId, Bytes),
    Close(ConnectionId),
}

impl fmt::Debug for Act {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dial(connection) => write!(formatter, "dial {}", connection.0),
            Self::Close(connection) => write!(formatter, "close {}", connection.0),
            Self::Send(_, bytes) => match decode_frame(bytes) {
                Ok((id, frame)) => write!(formatter, "{}", outline(id, &frame)),
                Err(error) => write!(formatter, "{error}"),
            },
        }
    }
}

/// What a frame is about, in a few words.
pub(crate) fn outline(id: u32, frame: &Frame) -> String {
    let name = frame.name();
    let of = |conversation: &ConversationId| {
        let id = conversation.to_string();
        id.get(..8).unwrap_or(&id).to_owned()
    };
    let stream = |stream: &StreamId| match stream {
        StreamId::Inbox => "inbox".to_owned(),
        StreamId::Conversation(conversation) => of(conversation),
    };
    let seqs = |entries: &[Entry]| match (entries.first(), entries.last()) {
        (Some(first), Some(last)) => format!("{} to {}", first.seq, last.seq),
        _ => "nothing".to_owned(),
    };
    match frame {
        Frame::Append(append) => format!(
            "{id} {name} {}: {} of epoch {}/{}",
            of(&append.conversation),
            append.entries.len(),
            append.incarnation,
            append.epoch
        ),
        Frame::Appended(appended) => format!("{id} {name} {:?}", appended.seqs),
        Frame::Commit(commit) => format!(
            "{id} {name} {} of epoch {}/{}",
            of(&commit.conversation),
            commit.incarnation,
            commit.epoch
        ),
        Frame::Committed(committed) => format!("{id} {name} {}", committed.seq),
        Frame::CreateConversation(create) => format!(
            "{id} {name} {} incarnation {:?}",
            of(&create.conversation),
            create.incarnation
        ),
        Frame::Refusal(refusal) => format!("{id} {name} {refusal:?}"),
        Frame::Fetch(fetch) => format!("{id} {name} {} from {}", stream(&fetch.stream), fetch.from),
        Frame::Page(page) => format!(
            "{id} {name} {}, last {}, base {}",
            seqs(&page.entries),
            page.last,
            page.base
        ),
        Frame::Entries(push) => format!("{name} {} {}", stream(&push.stream), seqs(&push.entries)),
        Frame::Delivered(told) => format!("{name} {} to {}", of(&told.conversation), told.seq),
        Frame::Ack(ack) => format!("{name} {} to {}", stream(&ack.stream), ack.seq),
        Frame::Ready(ready) => {
            let news = ready.news.iter();
            let news: Vec<String> = news
                .map(|it| format!("{} {} base {}", stream(&it.stream), it.last, it.base))
                .collect();
            format!("{name} sent {}, {news:?}", ready.sent)
        }
        _ => format!("{id} {name}"),
    }
}

/// The network as an engine sees it.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<VecDeque<Act>>>);

impl Wire {
    fn push(&self, act: Act) {
        self.0.lock().expect("no push panics").push_back(act);
    }

    pub(crate) fn take(&self) -> VecDeque<Act> {
        std::mem::take(&mut *self.0.lock().expect("no push panics"))
    }
}

impl Network for Wire {
    fn dial(&mut self, connection: ConnectionId, _: &Address) {
        self.push(Act::Dial(connection));
    }

    fn send(&mut self, connection: ConnectionId, frame: Bytes) {
        self.push(Act::Send(connection, frame));
    }

    fn close(&mut self, connection: ConnectionId) {
        self.push(Act::Close(connection));
    }
}

/// One life of an account's app.
pub(crate) type Life = (usize, u64);
/// What arrives, and for whom.
pub(crate) type Arrival = (Life, NetworkEvent);

/// Whether bytes pass between one account and the relay.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) up: watch::Sender<bool>,
    pub(crate) down: watch::Sender<bool>,
    /// No further faults.
    pub(crate) calm: Arc<AtomicBool>,
}

impl Line {
    pub(crate) fn new(calm: Arc<AtomicBool>) -> Self {
        Self {
            up: watch::Sender::new(true),
            down: watch::Sender::new(true),
            calm,
        }
    }

    pub(crate) fn set(&self, way: Way, passes: bool) {
        if way != Way::Down {
            self.up.send_replace(passes);
        }
        if way != Way::Up {
            self.down.send_replace(passes);
        }
    }
}

/// The connections of one account.
pub(crate) struct Cable {
    pub(crate) line: Line,
    seed: u64,
    who: usize,
    dials: u64,
    door: Door,
    arrivals: mpsc::Sender<Arrival>,
    live: BTreeMap<(u64, ConnectionId), (mpsc::Sender<Bytes>, AbortHandle)>,
}

impl Cable {
    pub(crate) fn new(
        seed: u64,
        who: usize,
        line: Line,
        door: Door,
        arrivals: mpsc::Sender<Arrival>,
    ) -> Self {
        Self {
            line,
            seed,
            who,
            dials: 0,
            door,
            arrivals,
            live: BTreeMap::new(),
        }
    }

    /// Carries out what an engine wants; answers how many frames it sent.
    pub(crate) fn perform(&mut self, life: u64, act: Act, tasks: &mut JoinSet<()>) -> u64 {
        match act {
            Act::Dial(connection) => {
                self.live.retain(|_, (queue, _)| !queue.is_closed());
                self.dials += 1;
                let fate = Fate::draw(self.seed, self.who, self.dials);
                let (queue, frames) = mpsc::channel(OUTGOING);
                let link = Link {
                    life: (self.who, life),
                    connection,
                    arrivals: self.arrivals.clone(),
                };
                let run = link.run(fate, self.line.clone(), self.door.clone(), frames);
                let task = tasks.spawn(run);
                self.live.insert((life, connection), (queue, task));
                0
            }
            Act::Send(connection, frame) => {
                let key = (life, connection);
                if let Some((queue, _)) = self.live.get(&key)
                    && queue.try_send(frame).is_err()
                {
                    self.live.remove(&key);
                }
                1
            }
            Act::Close(connection) => {
                if let Some((_, task)) = self.live.remove(&(life, connection)) {
                    task.abort();
                }
                0
            }
        }
    }

    /// The computer's end of all connections is gone, without a word to the app.
    pub(crate) fn cut(&mut self) {
        for (_, task) in std::mem::take(&mut self.live).into_values() {
            task.abort();
        }
    }

    /// The app is gone, and what it sent is still on its way.
    pub(crate) fn let_go(&mut self) {
        self.live.clear();
    }

    /// The connections break, and both sides see it.
    pub(crate) fn break_now(&mut self) {
        for ((life, connection), (_, task)) in std::mem::take(&mut self.live) {
            task.abort();
            let closed = NetworkEvent::Closed(connection);
            // where there is no room for it, the app finds out by its own heartbeat
            drop(self.arrivals.try_send(((self.who, life), closed)));
        }
    }
}
