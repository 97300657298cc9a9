//! Entries that cannot be opened: kept sealed, shown, and counted as missing, so that their senders send them again.

use protocol::{Digest, Entry, MessageId};
use tracing::{debug, warn};

use crate::{
    content::SealNote,
    crypto::clear_aad,
    engine::{reading::Reading, understanding},
    error::Result,
    model::MessageKind,
    store::{
        WriteTransaction,
        chains::{self, Chain, Numbered},
        gaps::{self, Missing},
        unopened,
    },
};

impl Reading<'_, '_> {
    /// The group of an entry is not here, or not as far.
    pub(super) fn not_here(&self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        if entry.incarnation < self.row.incarnation {
            warn!(
                seq = entry.seq,
                "an entry of a group that is over; its sealed bytes are kept"
            );
            return self.not_opened(write, entry);
        }
        // its keys are gone for good; the sender's count tells what is missing, and the sender sends it again
        warn!(
            seq = entry.seq,
            "an entry of an epoch that was never reached"
        );
        unopened::note(write, entry.client_id, self.now)?;
        self.come_back(write)
    }

    /// Keeps an entry as it is, and shows that it cannot be opened.
    pub(super) fn unreadable(
        &self,
        write: &WriteTransaction<'_>,
        entry: &Entry,
    ) -> Result<MessageId> {
        let (conversation, seq) = (self.row.conversation, entry.seq.to_be_bytes());
        let id = Digest::of(&[b"relevo unreadable 1", conversation.as_bytes(), &seq]);
        let id = MessageId::new(*id.as_bytes());
        understanding::keep(
            write,
            self.row.key,
            entry,
            &understanding::Incoming {
                id,
                sender: self.row.peer,
                kind: MessageKind::Unreadable,
                text: "",
                content: &entry.bytes.0,
                place: None,
                again: false,
            },
            self.ids,
        )?;
        unopened::note(write, entry.client_id, self.now)?;
        Ok(id)
    }

    /// An entry of another branch of the group, or a damaged one. It counts as missing, so that its sender sends it again. Nobody
    /// vouches for its number: where it is not the sender's, nothing comes of asking for it.
    pub(super) fn not_opened(&self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        let (key, device) = (self.row.key, entry.sender);
        let note = clear_aad(&entry.bytes.0).and_then(|aad| SealNote::decode(&aad));
        let known = chains::load(write.connection(), key, device)?;
        // of another device nothing was ever opened
        let numbered = note.zip(known).filter(|_| device != self.keys.device());
        let Some((note, known)) = numbered else {
            return self.unreadable(write, entry).map(drop);
        };
        if self.has_arrived(write, entry, &note, &known)? {
            debug!(seq = entry.seq, "an entry that arrived before");
            return Ok(());
        }
        let id = self.unreadable(write, entry)?;
        let missing = Missing {
            key,
            device,
            chain: note.chain,
            first: note.number,
            last: note.number,
        };
        gaps::note_unreadable(write, &missing, entry.seq, id)
    }

    /// Whether the entry of that number was here long ago: a relay that has forgotten what it answered gets it once more.
    fn has_arrived(
        &self,
        write: &WriteTransaction<'_>,
        entry: &Entry,
        note: &SealNote,
        known: &Chain,
    ) -> Result<bool> {
        let (connection, key, device) = (write.connection(), self.row.key, entry.sender);
        let so_far = if known.chain == note.chain {
            Some(known.number)
        } else {
            chains::former(connection, key, device, note.chain)?
        };
        let of = Numbered {
            chain: note.chain,
            number: note.number,
        };
        Ok(so_far.is_some_and(|number| note.number <= number)
            && gaps::gap(connection, key, device, of)?.is_none())
    }
}
