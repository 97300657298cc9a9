//! What arrives in the streams: opened, deduplicated, stored and counted as processed in one transaction, then acknowledged.

use protocol::{AccountId, Digest, Entry, EntryKind, Fetch, MessageId, Page, StreamId};
use tracing::{debug, error, warn};

use crate::{
    content::{self, Body, Content},
    crypto::{AccountKeys, Group, Mls, OpenError, Opened},
    engine::{
        Engine,
        opening::{EstablishIds, Founder, complete},
        outgoing::mark_sent,
        requests::Request,
        welcomes::Inbox,
    },
    error::{ErrorKind, Result},
    model::{MessageKind, SystemEvent},
    store::{
        WriteTransaction, contacts,
        conversations::{self, ConversationRow, Unread},
        links, messages, openings, outbox, streams,
    },
};

/// How many entries one transaction processes when there are many.
const PER_TRANSACTION: usize = 100;
/// How many entries a gap is asked for at once.
const FETCH: u16 = 100;

/// Whether entries are opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Care {
    /// As always.
    Open,
    /// Opening failed here in a way that rolled everything back: the entry is kept as it is.
    KeepSealed,
}

/// What a batch leads to once it is committed.
#[derive(Default)]
struct Consequences {
    cursor: u64,
    processed: usize,
    gap: bool,
}

impl Engine {
    /// Takes pushed or fetched entries of one stream.
    pub(super) fn entries(&mut self, stream: StreamId, entries: Vec<Entry>) -> Result<()> {
        for batch in entries.chunks(PER_TRANSACTION) {
            let consequences = match self.process(stream, batch, Care::Open) {
                Err(error) if error.kind() == ErrorKind::Crypto => {
                    error!(%error, "an entry cannot be processed; one by one");
                    self.process_one_by_one(stream, batch)?
                }
                consequences => consequences?,
            };
            self.note_ack(stream, consequences.cursor, consequences.processed);
            self.index_waits |= consequences.processed > 0;
            if consequences.gap {
                self.fetch(stream, consequences.cursor);
                break;
            }
        }
        self.pump()
    }

    /// Takes a page that was asked for because of a gap.
    pub(super) fn page(&mut self, stream: StreamId, page: Page) -> Result<()> {
        let before = streams::cursor(self.database.connection(), stream)?;
        self.pass_missing(stream, page.base)?;
        self.entries(stream, page.entries)?;
        let cursor = streams::cursor(self.database.connection(), stream)?;
        // a page without progress ends it: the next push or connection asks again
        if before < cursor && cursor < page.last {
            self.fetch(stream, cursor);
        }
        Ok(())
    }

    /// What lies at and below `base` is gone at the relay. The person is told, and reading goes on behind it.
    fn pass_missing(&mut self, stream: StreamId, base: u64) -> Result<()> {
        let time = self.relay_time();
        let own = self.account.account;
        self.write(|write| {
            let cursor = streams::cursor(write.connection(), stream)?;
            if base <= cursor {
                return Ok(());
            }
            warn!(base, cursor, "the relay no longer has some entries");
            streams::advance(write, stream, base)?;
            let StreamId::Conversation(conversation) = stream else {
                return Ok(());
            };
            match conversations::row_of(write.connection(), conversation)? {
                // before its first entry a device has missed nothing that it was meant to read
                Some(row) if cursor > 0 => {
                    let place = [conversation.as_bytes().as_slice(), &base.to_be_bytes()].concat();
                    let id = Digest::of(&[b"relevo missing 1", &place]);
                    let message = messages::NewMessage {
                        id: MessageId::new(*id.as_bytes()),
                        conversation: row.key,
                        seq: Some(base),
                        sender: own,
                        mine: false,
                        kind: MessageKind::System(SystemEvent::MessagesMissing),
                        text: "",
                        content: &[],
                        time,
                        client_id: None,
                    };
                    messages::insert(write, &message)?;
                    conversations::note_message(write, row.key, time, Unread::No)
                }
                _ => Ok(()),
            }
        })
    }

    fn fetch(&mut self, stream: StreamId, cursor: u64) {
        if !self.in_flight(
            |request| matches!(request, Request::Fetch { stream: other } if *other == stream),
        ) {
            let frame = Fetch {
                stream,
                from: cursor.saturating_add(1),
                limit: FETCH,
            };
            self.request(Request::Fetch { stream }, &frame.into());
        }
    }

    /// The encryption library failed at one of the entries. The others are processed; that one is kept sealed.
    fn process_one_by_one(&mut self, stream: StreamId, batch: &[Entry]) -> Result<Consequences> {
        let mut all = Consequences::default();
        for entry in batch {
            let one = std::slice::from_ref(entry);
            let consequences = match self.process(stream, one, Care::Open) {
                Err(error) if error.kind() == ErrorKind::Crypto => {
                    self.process(stream, one, Care::KeepSealed)?
                }
                consequences => consequences?,
            };
            all.cursor = consequences.cursor;
            all.processed = all.processed.saturating_add(consequences.processed);
            all.gap = consequences.gap;
            if all.gap {
                break;
            }
        }
        Ok(all)
    }

    fn process(&mut self, stream: StreamId, batch: &[Entry], care: Care) -> Result<Consequences> {
        let now = self.relay_time();
        let ids = EstablishIds::draw(self.seams.random.as_mut())?;
        let Self {
            database,
            keys,
            seams,
            account,
            ..
        } = self;
        let (consequences, events) = database.write(|write| {
            let mut done = Consequences {
                cursor: streams::cursor(write.connection(), stream)?,
                ..Consequences::default()
            };
            match stream {
                StreamId::Inbox => {
                    let mut inbox = Inbox {
                        keys,
                        random: seams.random.as_mut(),
                        name: &account.name,
                        now,
                    };
                    walk(stream, batch, &mut done, |entry| inbox.entry(write, entry))?;
                }
                StreamId::Conversation(id) => {
                    match conversations::row_of(write.connection(), id)? {
                        Some(row) => {
                            let founder = Founder {
                                own: account.account,
                                name: &account.name,
                                ids,
                            };
                            let mls =
                                Mls::new(write.connection(), seams.random.as_mut(), keys, now);
                            let mut reading = Reading {
                                keys,
                                relay: account.relay,
                                row,
                                group: None,
                                care,
                                founder,
                                mls: &mls,
                            };
                            walk(stream, batch, &mut done, |entry| {
                                reading.entry(write, entry)
                            })?;
                        }
                        None => {
                            warn!(conversation = %id, "entries of a conversation that is not here");
                            walk(stream, batch, &mut done, |_| Ok(()))?;
                        }
                    }
                }
            }
            streams::advance(write, stream, done.cursor)?;
            Ok(done)
        })?;
        self.events.extend(events);
        Ok(consequences)
    }
}

/// Takes the entries in order: skips what was processed before, stops at a gap.
fn walk(
    stream: StreamId,
    batch: &[Entry],
    done: &mut Consequences,
    mut take: impl FnMut(&Entry) -> Result<()>,
) -> Result<()> {
    for entry in batch {
        if entry.seq > done.cursor {
            // a device reads a conversation from where its welcome put it, so a first cursor may lie anywhere
            let first = done.cursor == 0 && stream != StreamId::Inbox;
            if entry.seq != done.cursor.saturating_add(1) && !first {
                done.gap = true;
                return Ok(());
            }
            take(entry)?;
            done.cursor = entry.seq;
        }
        done.processed = done.processed.saturating_add(1);
    }
    Ok(())
}

/// Reading one conversation's stream within a transaction.
struct Reading<'m, 'a> {
    keys: &'m AccountKeys,
    relay: protocol::RelayId,
    row: ConversationRow,
    mls: &'m Mls<'a>,
    /// Loaded once a transaction, when first needed; the inner `None` means that it is not here.
    group: Option<Option<Group<'m, 'a>>>,
    care: Care,
    founder: Founder<'m>,
}

impl Reading<'_, '_> {
    fn entry(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        match entry.kind {
            EntryKind::Application | EntryKind::Commit if entry.sender == self.keys.device() => {
                self.own(write, entry)
            }
            EntryKind::Application | EntryKind::Commit => self.foreign(write, entry),
            EntryKind::Welcome | EntryKind::Unknown(_) => {
                warn!(
                    kind = entry.kind.number(),
                    "an entry of a kind that has no place in a conversation"
                );
                Ok(())
            }
        }
    }

    /// Our own entry comes back: it is at the relay, whether or not the answer arrived.
    fn own(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        if entry.kind == EntryKind::Commit {
            return self.own_commit(write, entry);
        }
        match outbox::by_client_id(write.connection(), entry.client_id)? {
            Some((id, message)) => mark_sent(write, id, message, entry.seq, entry.time),
            None => Ok(()),
        }
    }

    /// Our commit won. It is merged here and now: what follows in the stream is sealed in the epoch that it begins.
    fn own_commit(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        if self.care == Care::KeepSealed {
            return Ok(());
        }
        let opening = openings::load(write.connection(), self.row.key)?;
        let Some(opening) = opening.filter(|opening| opening.client_id == entry.client_id) else {
            return Ok(());
        };
        self.load()?;
        if let Some(Some(group)) = &mut self.group {
            complete(write, group, &self.row, &opening, &self.founder, entry.time)?;
        }
        Ok(())
    }

    fn load(&mut self) -> Result<()> {
        if self.group.is_none() {
            self.group = Some(self.mls.load(self.row.conversation, self.row.incarnation)?);
        }
        Ok(())
    }

    fn foreign(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        if self.care == Care::KeepSealed {
            return self.unreadable(write, entry);
        }
        self.load()?;
        let Some(Some(group)) = &mut self.group else {
            warn!(
                seq = entry.seq,
                "an entry of a conversation whose group is not here; its sealed bytes are kept"
            );
            return self.unreadable(write, entry);
        };
        match group.open(&entry.bytes.0) {
            // who sealed it is proved; who the relay says sent it must be the same
            Ok(Opened::Content { device, .. }) if device != entry.sender => {
                warn!(
                    seq = entry.seq,
                    "the relay names another sender than the one who sealed an entry"
                );
                self.unreadable(write, entry)
            }
            Ok(Opened::Content {
                account, content, ..
            }) => self.content(write, entry, account, &content),
            Ok(Opened::Commit { added, removed, .. }) => {
                debug!(
                    added = added.len(),
                    removed = removed.len(),
                    "the group changed"
                );
                added.iter().try_for_each(|member| {
                    contacts::pin_root_key(write, member.account, member.root_key)
                })
            }
            Ok(Opened::OwnCommit | Opened::OwnContent) => Ok(()),
            // this computer failed, not the entry: the whole batch comes again
            Err(OpenError::Failure(failure)) => Err(failure.into()),
            // its content is here already
            Err(OpenError::AlreadyOpened)
                if messages::has_client_id(write.connection(), entry.client_id)? =>
            {
                Ok(())
            }
            Err(error) => {
                warn!(%error, seq = entry.seq, "an entry could not be opened; its sealed bytes are kept");
                self.unreadable(write, entry)
            }
        }
    }

    fn content(
        &self,
        write: &WriteTransaction<'_>,
        entry: &Entry,
        sender: AccountId,
        bytes: &[u8],
    ) -> Result<()> {
        let id = content::message_id(self.relay, sender, self.row.conversation, bytes);
        let (kind, text) = match Content::decode(bytes).map(|content| content.body) {
            Ok(Body::Profile(profile)) => {
                contacts::set_name(write, sender, &profile.name)?;
                if let Some(proof) = profile.proof
                    && links::proves_consent(
                        write.connection(),
                        &proof,
                        sender,
                        self.row.conversation,
                    )?
                {
                    contacts::set_consented(write, sender)?;
                }
                return Ok(());
            }
            Ok(Body::Text(text)) => (MessageKind::Text, text),
            Ok(_) => (MessageKind::Unsupported, String::new()),
            Err(error) => {
                warn!(%error, "content of another shape");
                (MessageKind::Unsupported, String::new())
            }
        };
        self.keep(
            write,
            entry,
            Incoming {
                id,
                sender,
                kind,
                text: &text,
                content: bytes,
            },
        )
    }

    fn unreadable(&self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        let (conversation, seq) = (self.row.conversation, entry.seq.to_be_bytes());
        let id = Digest::of(&[b"relevo unreadable 1", conversation.as_bytes(), &seq]);
        let id = MessageId::new(*id.as_bytes());
        let kind = MessageKind::Unreadable;
        self.keep(
            write,
            entry,
            Incoming {
                id,
                sender: self.row.peer,
                kind,
                text: "",
                content: &entry.bytes.0,
            },
        )
    }

    fn keep(
        &self,
        write: &WriteTransaction<'_>,
        entry: &Entry,
        incoming: Incoming<'_>,
    ) -> Result<()> {
        let message = messages::NewMessage {
            id: incoming.id,
            conversation: self.row.key,
            seq: Some(entry.seq),
            sender: incoming.sender,
            mine: false,
            kind: incoming.kind,
            text: incoming.text,
            content: incoming.content,
            time: entry.time,
            client_id: Some(entry.client_id),
        };
        if messages::insert(write, &message)?.is_some() {
            conversations::note_message(write, self.row.key, entry.time, Unread::Yes)?;
        }
        Ok(())
    }
}

/// A message of another, or one that could not be opened.
struct Incoming<'a> {
    id: MessageId,
    sender: AccountId,
    kind: MessageKind,
    text: &'a str,
    content: &'a [u8],
}
