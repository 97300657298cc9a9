//! Reading one conversation's stream: open, understand, keep.

use protocol::{AccountId, Digest, Entry, EntryKind, MessageId, RelayId};
use tracing::{debug, warn};

use crate::{
    content::{self, Body, Content},
    crypto::{AccountKeys, Change, Group, Mls, OpenError, Opened},
    engine::{
        entries::Care,
        opening::{Founder, complete},
        outgoing::mark_sent,
    },
    error::Result,
    model::MessageKind,
    store::{
        WriteTransaction, contacts,
        conversations::{self, ConversationRow, Unread},
        links, messages, openings, outbox,
    },
};

/// Reading one conversation's stream within a transaction.
pub(super) struct Reading<'m, 'a> {
    pub(super) keys: &'m AccountKeys,
    pub(super) relay: RelayId,
    pub(super) row: ConversationRow,
    pub(super) mls: &'m Mls<'a>,
    /// Loaded once a transaction, when first needed; the inner `None` means that it is not here.
    pub(super) group: Option<Option<Group<'m, 'a>>>,
    pub(super) care: Care,
    pub(super) founder: Founder<'m>,
}

impl Reading<'_, '_> {
    pub(super) fn entry(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
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
            Ok(Opened::Commit(Change { added, removed, .. })) => {
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
