//! Ana and a real peer in an established conversation; the test is the relay between them, honest until it lies.

use std::time::Duration;

use client_core::{
    content::{Body, Content, SealNote, short},
    crypto::{Commit, Group, Opened},
    model::{ConnectionState, ConversationKey, Message, MessageKind, SystemEvent},
    seams::SeededRandom,
    store::chains::Chain,
};
use protocol::{
    AccountManifest, Append, Appended, ClientId, Committed, ConversationId, CreateConversation,
    Digest, Entries, Entry, EntryKind, Frame, GroupState, Page, Signal, SignalPush, StreamId,
};

use crate::peer::{CONVERSATION, NOW, Online, Peer};

/// More frames than any lie may set off in [`LYING`].
pub(crate) const MOST_FRAMES: usize = 40;

/// How long a relay goes on lying; by then every pause has passed several times.
const LYING: Duration = Duration::from_secs(120);

/// What the two have with each other.
pub(crate) struct Chat {
    pub(crate) online: Online,
    pub(crate) peer: Peer,
    pub(crate) id: ConversationId,
    pub(crate) key: ConversationKey,
    /// The last entry of the stream.
    pub(crate) last: u64,
    pub(crate) epoch: u64,
    chain: Chain,
}

/// What Ana has with another peer, while the test does not play it.
pub(crate) struct Aside {
    peer: Peer,
    id: ConversationId,
    key: ConversationKey,
    last: u64,
    epoch: u64,
    chain: Chain,
}

impl Chat {
    /// Ana opened a link of the peer: her commit is entry 1, her profile entry 2.
    pub(crate) fn new() -> Self {
        Self::begin(Online::new(), 77)
    }

    /// Ana has another contact too.
    pub(crate) fn befriend(&mut self, seed: u64) -> Aside {
        let online = std::mem::replace(&mut self.online, Online::new());
        let other = Self::begin(online, seed);
        self.online = other.online;
        Aside {
            peer: other.peer,
            id: other.id,
            key: other.key,
            last: other.last,
            epoch: other.epoch,
            chain: other.chain,
        }
    }

    /// Plays the other conversation from here on, and leaves this one aside.
    pub(crate) fn turn_to(&mut self, aside: &mut Aside) {
        std::mem::swap(&mut self.peer, &mut aside.peer);
        std::mem::swap(&mut self.id, &mut aside.id);
        std::mem::swap(&mut self.key, &mut aside.key);
        std::mem::swap(&mut self.last, &mut aside.last);
        std::mem::swap(&mut self.epoch, &mut aside.epoch);
        std::mem::swap(&mut self.chain, &mut aside.chain);
    }

    fn begin(mut online: Online, seed: u64) -> Self {
        let mut peer = Peer::seeded(&online.ana, seed);
        let link = peer.link(&online.ana, 5);
        let (key, claim) = online.open_link(&link);
        online.reply(claim, &peer.claimed().into());
        let Some((id, Frame::CreateConversation(create))) = online.ana.sent().pop() else {
            panic!("expected a creation")
        };
        let welcome = &create.welcomes[0].bytes.0;
        peer.mls(|mls| mls.join(welcome)).unwrap();
        online.reply(id, &Committed { seq: 1, time: NOW }.into());
        let mut chat = Self {
            id: create.conversation,
            online,
            peer,
            key,
            last: 0,
            epoch: 1,
            chain: Chain::new([5; 8].into()),
        };
        let own = chat.own_commit(&create);
        chat.push(vec![own]);
        assert_eq!(chat.take_appends().len(), 1, "her profile");
        chat
    }

    /// The peer asks Ana for a conversation: its commit is entry 1.
    pub(crate) fn requested() -> Self {
        let mut online = Online::new();
        let mut peer = Peer::new(&online.ana);
        let founded = peer.found(&online);
        peer.mls(|mls| {
            let mut group = mls.load(CONVERSATION, 0).unwrap().unwrap();
            group.merge_pending().unwrap();
        });
        online.welcome(&mut peer, &founded, 0, 1);
        let key = online.conversation().key;
        Self {
            id: CONVERSATION,
            online,
            peer,
            key,
            last: 1,
            epoch: 1,
            chain: Chain::new([5; 8].into()),
        }
    }

    fn own_commit(&mut self, create: &CreateConversation) -> Entry {
        let mut entry = self.entry(EntryKind::Commit, &create.commit.0);
        entry.sender = self.online.register.device;
        entry.client_id = create.client_id;
        entry.epoch = 0;
        entry
    }

    /// The next entry of the stream, from the peer.
    pub(crate) fn entry(&mut self, kind: EntryKind, bytes: &[u8]) -> Entry {
        self.last += 1;
        Entry {
            seq: self.last,
            sender: self.peer.device(),
            kind,
            incarnation: 0,
            epoch: self.epoch,
            time: NOW,
            client_id: ClientId::new(self.peer.random()),
            conversation: None,
            bytes: bytes.to_vec().into(),
            start: None,
        }
    }

    /// What an honest peer says beside its next entry.
    pub(crate) fn note(&self) -> SealNote {
        SealNote {
            chain: self.chain.chain,
            number: self.chain.number + 1,
            link: self.chain.link,
            manifest_number: 1,
            manifest: short(Digest::of(&[&self.peer.keys.manifest()])),
            peer_manifest: Some(short(Digest::of(&[&self.online.register.manifest.0]))),
            again: None,
            peer_manifest_number: Some(1),
        }
    }

    /// The peer seals content with a note; the relay has the entry and may do with it what it likes.
    pub(crate) fn seal(&mut self, content: &Content, note: &SealNote) -> Entry {
        let (id, aad) = (self.id, note.encode());
        let bytes = self.peer.mls(|mls| {
            let mut group = mls.load(id, 0).unwrap().unwrap();
            group.seal(&content.encode(), &aad).unwrap()
        });
        let entry = self.entry(EntryKind::Application, &bytes);
        self.chain = self.chain.with(entry.client_id);
        entry
    }

    /// The peer writes, honestly.
    pub(crate) fn text(&mut self, text: &str) -> Entry {
        let content = Content::text(self.peer.random(), text);
        let note = self.note();
        self.seal(&content, &note)
    }

    /// The peer writes, and the relay delivers.
    pub(crate) fn say(&mut self, text: &str) {
        let entry = self.text(text);
        self.push(vec![entry]);
    }

    /// The peer names a manifest of its account, and the relay shows it.
    pub(crate) fn learn_manifest(&mut self, number: u64, manifest: &[u8]) {
        let fetch = self.name_manifest(number, manifest);
        let frame = AccountManifest {
            manifest: manifest.to_vec().into(),
        };
        self.online.reply(fetch, &frame.into());
    }

    /// The peer names a manifest of its account that Ana does not have; the id of her request for it.
    pub(crate) fn name_manifest(&mut self, number: u64, manifest: &[u8]) -> u32 {
        let content = Content::text(self.peer.random(), "by a newer list");
        let note = SealNote {
            manifest_number: number,
            manifest: short(Digest::of(&[manifest])),
            ..self.note()
        };
        let entry = self.seal(&content, &note);
        self.push(vec![entry]);
        let sent = self.online.ana.sent();
        let [(id, Frame::FetchManifest(fetch))] = sent.as_slice() else {
            panic!("expected a fetch of the manifest, not {sent:?}")
        };
        assert_eq!(fetch.account, self.peer.account());
        *id
    }

    /// On the next connection the peer names a manifest; the id of Ana's request for it.
    pub(crate) fn reconnect_naming(&mut self, number: u64) -> u32 {
        let ready = self.online.ana.ready(50);
        self.online.reconnect(&ready);
        let content = Content::text(self.peer.random(), "by a newer list");
        let note = SealNote {
            manifest_number: number,
            ..self.note()
        };
        let entry = self.seal(&content, &note);
        self.push(vec![entry]);
        let sent = self.online.ana.sent();
        let [(id, Frame::FetchManifest(_))] = sent.as_slice() else {
            panic!("expected a fetch of the manifest, not {sent:?}")
        };
        *id
    }

    /// A signal of the peer, honestly sealed.
    pub(crate) fn signal(&mut self, body: &[u8]) -> SignalPush {
        let (id, device) = (self.id, self.peer.device());
        let key = self
            .peer
            .mls(|mls| mls.load(id, 0).unwrap().unwrap().signal_key())
            .unwrap();
        let bytes = key
            .seal(&mut SeededRandom::new(5), device, body)
            .unwrap()
            .into();
        SignalPush {
            conversation: id,
            sender: device,
            bytes,
            keep: false,
        }
    }

    /// What a signal of Ana says to the peer.
    pub(crate) fn open_signal(&mut self, signal: &Signal) -> Vec<u8> {
        let (id, device) = (self.id, self.online.register.device);
        assert_eq!(signal.conversation, id);
        let key = self
            .peer
            .mls(|mls| mls.load(id, 0).unwrap().unwrap().signal_key())
            .unwrap();
        key.open(device, &signal.bytes.0)
            .expect("the peer opens what Ana sealed")
    }

    pub(crate) fn push(&mut self, entries: Vec<Entry>) {
        let stream = StreamId::Conversation(self.id);
        self.online.reply(0, &Entries { stream, entries }.into());
    }

    /// The peer makes a commit by the means of its own group; it is pending there.
    pub(crate) fn commit(&mut self, make: impl FnOnce(&mut Group<'_, '_>) -> Commit) -> Entry {
        let id = self.id;
        let commit = self
            .peer
            .mls(|mls| make(&mut mls.load(id, 0).unwrap().unwrap()));
        self.entry(EntryKind::Commit, &commit.commit)
    }

    /// The relay took the peer's commit.
    pub(crate) fn merge(&mut self) {
        let id = self.id;
        self.peer
            .mls(|mls| mls.load(id, 0).unwrap().unwrap().merge_pending())
            .unwrap();
        self.epoch += 1;
    }

    /// The state of the group as the peer has it, and as an honest relay shows it.
    pub(crate) fn state(&mut self) -> GroupState {
        let (seq, epoch) = (self.last, self.epoch);
        state_of(&mut self.peer, self.id, seq, epoch)
    }

    /// Takes the entries that Ana sent, as the relay does, and gives them to the peer.
    pub(crate) fn take_appends(&mut self) -> Vec<(Body, SealNote)> {
        let mut taken = Vec::new();
        for (request, frame) in self.online.ana.sent() {
            if let Frame::Append(append) = frame {
                taken.extend(self.take_append(request, &append));
            }
        }
        taken
    }

    /// Takes one request, as the relay does, and gives it to the peer.
    pub(crate) fn take_append(&mut self, request: u32, append: &Append) -> Vec<(Body, SealNote)> {
        let (mut opened, mut echoes) = (Vec::new(), Vec::new());
        for new in &append.entries {
            let id = self.id;
            let content = self
                .peer
                .mls(|mls| mls.load(id, 0).unwrap().unwrap().open(&new.bytes.0));
            let Ok(Opened::Content { content, aad, .. }) = content else {
                panic!("the peer opens what Ana sealed, not {content:?}")
            };
            let body = Content::decode(&content).unwrap().body;
            opened.push((body, SealNote::decode(&aad).unwrap()));
            let mut echo = self.entry(EntryKind::Application, &new.bytes.0);
            echo.sender = self.online.register.device;
            echo.client_id = new.client_id;
            echoes.push(echo);
        }
        let seqs = echoes.iter().map(|echo| echo.seq).collect();
        let times = vec![NOW; echoes.len()];
        self.online.reply(request, &Appended { seqs, times }.into());
        self.push(echoes);
        opened
    }

    /// Plays a relay that answers each request by a lie, and lets the pauses pass, for [`LYING`]. All frames that it got.
    pub(crate) fn lie(&mut self, mut answer: impl FnMut(&Frame) -> Option<Frame>) -> Vec<Frame> {
        let (mut all, mut passed) = (Vec::new(), Duration::ZERO);
        while passed < LYING {
            loop {
                let sent = self.online.ana.sent();
                if sent.is_empty() {
                    break;
                }
                for (id, frame) in sent {
                    if let Some(reply) = answer(&frame) {
                        self.online.reply(id, &reply);
                    }
                    if !matches!(frame, Frame::Ack(_)) {
                        all.push(frame);
                    }
                }
                assert!(all.len() < MOST_FRAMES, "a loop: {all:?}");
            }
            match self.online.ana.engine.until_wake() {
                Some(pause) if pause <= LYING => {
                    self.online.ana.pass(pause);
                    passed += pause.max(Duration::from_millis(1));
                }
                _ => break,
            }
        }
        all
    }

    /// What the person sees, oldest first.
    pub(crate) fn messages(&self) -> Vec<Message> {
        let page = self.online.ana.reader.messages(self.key, None, 100);
        page.unwrap().messages
    }

    /// The texts of the other, oldest first.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.messages()
            .into_iter()
            .filter(|message| message.kind == MessageKind::Text && message.outgoing.is_none())
            .map(|message| message.text)
            .collect()
    }

    /// How many lines tell of something.
    pub(crate) fn lines(&self, event: SystemEvent) -> usize {
        self.count(MessageKind::System(event))
    }

    /// How many messages could not be opened.
    pub(crate) fn unreadable(&self) -> usize {
        self.count(MessageKind::Unreadable)
    }

    fn count(&self, kind: MessageKind) -> usize {
        let messages = self.messages();
        messages.iter().filter(|it| it.kind == kind).count()
    }

    /// How many messages each line says are missing.
    pub(crate) fn missing(&self) -> Vec<Option<u32>> {
        let missing = MessageKind::System(SystemEvent::MessagesMissing);
        let messages = self.messages().into_iter();
        messages
            .filter(|message| message.kind == missing)
            .map(|message| message.count)
            .collect()
    }

    pub(crate) fn is_online(&self) -> bool {
        self.online.ana.engine.connection().state == ConnectionState::Online
    }
}

/// The public state of a group that somebody is in.
pub(crate) fn state_of(
    member: &mut Peer,
    conversation: ConversationId,
    seq: u64,
    epoch: u64,
) -> GroupState {
    let group_info = member.mls(|mls| {
        let group = mls.load(conversation, 0).unwrap().unwrap();
        group.group_info().unwrap()
    });
    GroupState {
        incarnation: 0,
        epoch,
        seq,
        group_info: group_info.into(),
        tree: member.tree(conversation).into(),
    }
}

/// An answer that tells how far a relay is, and up to where it has our own messages.
pub(crate) fn far(last: u64, kept: u64) -> Frame {
    Page {
        entries: Vec::new(),
        last,
        base: 0,
        kept,
    }
    .into()
}

/// How many frames of a name there are.
pub(crate) fn count(frames: &[Frame], name: &str) -> usize {
    frames.iter().filter(|frame| frame.name() == name).count()
}
