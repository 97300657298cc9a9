//! What goes beside each sealed entry, and what is learned from that of others: missing entries, and other views of devices.

use protocol::{DeviceId, Digest, StreamId};
use tracing::{info, warn};

use crate::{
    content::{self, Again, SealNote, ShortDigest},
    engine::{ids::Ids, resending},
    error::Result,
    model::{ConversationKey, MessageKind, SystemEvent},
    store::{
        WriteTransaction, account,
        chains::{self, Chain, Numbered},
        contacts,
        conversations::{self, ConversationRow, Unread},
        gaps::{self, Missing, Place},
        messages::{self, NewMessage},
        questions, streams,
    },
};

/// What this device says beside the entries that it seals now.
pub(super) struct Notes {
    manifest_number: u64,
    manifest: ShortDigest,
    peer_manifest: Option<(u64, ShortDigest)>,
    chain: Chain,
}

impl Notes {
    /// Goes on with the device's chain in a conversation, or begins one.
    pub(super) fn load(
        write: &WriteTransaction<'_>,
        row: &ConversationRow,
        device: DeviceId,
        own_manifest: &[u8],
        ids: &Ids,
    ) -> Result<Self> {
        let chain = match chains::load(write.connection(), row.key, device)? {
            Some(chain) => chain,
            None => {
                let chain = Chain::new(ids.array().into());
                chains::save(write, row.key, device, &chain)?;
                chain
            }
        };
        let peer = contacts::manifest_seen(write.connection(), row.peer)?;
        Ok(Self {
            manifest_number: account::own_manifest_number(write.connection())?,
            manifest: content::short(Digest::of(&[own_manifest])),
            peer_manifest: peer,
            chain,
        })
    }

    /// The note of the next entry.
    pub(super) fn next(&mut self, client_id: protocol::ClientId, again: Option<Again>) -> Vec<u8> {
        let note = SealNote {
            chain: self.chain.chain,
            number: self.chain.number.saturating_add(1),
            link: self.chain.link,
            manifest_number: self.manifest_number,
            manifest: self.manifest,
            peer_manifest: self.peer_manifest.map(|(_, digest)| digest),
            again,
            peer_manifest_number: self.peer_manifest.map(|(number, _)| number),
        };
        self.chain = self.chain.with(client_id);
        note.encode()
    }
}

/// How the note of an entry names an earlier one that it repeats.
pub(super) fn again(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    sent: Option<Numbered>,
) -> Result<Option<Again>> {
    let Some(sent) = sent else {
        return Ok(None);
    };
    let place = chains::sent_at(write.connection(), key, sent)?;
    Ok(place.map(|(seq, time)| Again {
        chain: sent.chain,
        number: sent.number,
        seq,
        time,
    }))
}

/// The relay has an own entry: the chain is longer by it.
pub(super) fn note_own(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    device: DeviceId,
    client_id: protocol::ClientId,
    message: Option<i64>,
) -> Result<()> {
    let Some(chain) = chains::load(write.connection(), key, device)? else {
        return Ok(());
    };
    let chain = chain.with(client_id);
    chains::save(write, key, device, &chain)?;
    match message {
        Some(message) => chains::note_sent(write, key, chain.chain, chain.number, message),
        None => Ok(()),
    }
}

/// What is learned from the note of another's entry.
pub(super) struct Learning<'a> {
    pub(super) row: &'a ConversationRow,
    pub(super) device: DeviceId,
    pub(super) entry: &'a protocol::Entry,
    pub(super) ids: &'a Ids,
}

impl Learning<'_> {
    /// Says where an entry belongs that repeats one which was missing.
    pub(super) fn learn(
        &self,
        write: &WriteTransaction<'_>,
        note: &SealNote,
    ) -> Result<Option<Place>> {
        // from here on the count tells what is missing
        gaps::close_unknown(write, self.row.key)?;
        let place = match &note.again {
            Some(again) => self.came_again(write, again)?,
            None => None,
        };
        self.learn_chain(write, note)?;
        self.learn_manifests(write, note)?;
        Ok(place)
    }

    /// What was missing is here. It belongs where the sender says, if that lies within the gap.
    fn came_again(&self, write: &WriteTransaction<'_>, again: &Again) -> Result<Option<Place>> {
        let of = Numbered {
            chain: again.chain,
            number: again.number,
        };
        let gap = gaps::gap(write.connection(), self.row.key, self.device, of)?;
        self.arrived(write, of)?;
        match gap {
            Some(gap) => Ok(gap.place(again.seq, again.time)),
            // nobody counted what a block took, or what was before this device came in
            None => {
                let (connection, key) = (write.connection(), self.row.key);
                let stream = StreamId::Conversation(self.row.conversation);
                let is_asked =
                    questions::asked_from(connection, key)?.is_some_and(|it| it <= again.seq);
                let expected = (is_asked
                    || streams::is_expecting(connection, stream, self.entry.time)?)
                    && again.seq <= streams::passed_over(connection, stream)?;
                let (seq, time) = (again.seq, again.time);
                Ok(expected.then_some(Place { seq, time }))
            }
        }
    }

    /// An entry that was learned of is not taken in: it counts as missing, and is asked for once the two may write to each
    /// other.
    pub(super) fn miss(&self, write: &WriteTransaction<'_>, note: &SealNote) -> Result<()> {
        // one that came again counts as that which it repeats
        let (chain, number) = match &note.again {
            Some(again) => (again.chain, again.number),
            None => (note.chain, note.number),
        };
        let missing = Missing {
            key: self.row.key,
            device: self.device,
            chain,
            first: number,
            last: number,
        };
        // its place is where it was sealed first, before the line that tells of it
        let own = note.again.as_ref().map_or(self.entry.seq, |it| it.seq);
        let after = own.min(self.entry.seq).saturating_sub(1);
        let below = self.entry.seq.saturating_add(1);
        let id = gaps::line_id(&missing);
        let line = line(self.row, id, gaps::LINE, below, self.entry.time);
        gaps::note_missing(write, &missing, after, &line)
    }

    fn arrived(&self, write: &WriteTransaction<'_>, of: Numbered) -> Result<()> {
        let closed = Missing {
            key: self.row.key,
            device: self.device,
            chain: of.chain,
            first: of.number,
            last: of.number,
        };
        gaps::close(write, &closed)
    }

    fn learn_chain(&self, write: &WriteTransaction<'_>, note: &SealNote) -> Result<()> {
        let (key, connection) = (self.row.key, write.connection());
        let before = chains::load(connection, key, self.device)?;
        let known = before.filter(|known| known.chain == note.chain);
        let late =
            known.is_none() && chains::former(connection, key, self.device, note.chain)?.is_some();
        let after_seq = chains::seen_up_to(connection, key, self.device)?;
        let expected = match (&known, before) {
            _ if late => u64::MAX,
            (Some(known), _) => known.number.saturating_add(1),
            // the device went back in time and counts anew, perhaps not for the first time: what it did not lose of what
            // never came here is asked for
            (None, Some(_)) => {
                self.ask_rest(write)?;
                chains::end(write, key, self.device)?;
                1
            }
            (None, None) if conversations::has_entered_late(connection, key)? => note.number,
            (None, None) => 1,
        };
        if note.number < expected {
            let (chain, number) = (note.chain, note.number);
            let of = Numbered { chain, number };
            // MLS opens nothing twice: it came after a later one, or the sender counts once more from where it was
            if known.is_none() || gaps::gap(connection, key, self.device, of)?.is_some() {
                info!("an entry of a sender came after a later one");
                return self.arrived(write, of);
            }
            info!("a sender went back in time, and does not know it");
            self.ask_rest(write)?;
            return chains::save_seen(write, key, self.device, &self.counted(note), self.entry.seq);
        }
        let missing = |first, last| Missing {
            key,
            device: self.device,
            chain: note.chain,
            first,
            last,
        };
        if note.number > expected {
            let missing = missing(expected, note.number.saturating_sub(1));
            warn!(
                entries = missing.last.saturating_sub(missing.first).saturating_add(1),
                "entries of a sender never arrived"
            );
            let line = self.line(gaps::line_id(&missing), gaps::LINE);
            gaps::note_missing(write, &missing, after_seq, &line)?;
            self.ask(write)?;
            if missing.last.saturating_sub(missing.first) >= gaps::MOST_MISSING {
                // not all of them are noted
                resending::ask_after(write, key, after_seq, self.ids)?;
            }
        } else if known.is_some_and(|known| known.link != note.link) {
            warn!("the relay shows other client ids than the sender used");
            self.tell_other_ids(write, note)?;
        }
        chains::save_seen(write, key, self.device, &self.counted(note), self.entry.seq)
    }

    /// The sender's chain with this entry.
    fn counted(&self, note: &SealNote) -> Chain {
        let before = Chain {
            chain: note.chain,
            number: note.number.saturating_sub(1),
            link: note.link,
        };
        before.with(self.entry.client_id)
    }

    /// What the sender sealed and what came here have the same number and differ all the same: told once for each chain.
    fn tell_other_ids(&self, write: &WriteTransaction<'_>, note: &SealNote) -> Result<()> {
        let id = Digest::of(&[
            b"relevo other ids 1",
            self.row.conversation.as_bytes(),
            self.device.as_bytes(),
            note.chain.as_slice(),
        ]);
        let kind = MessageKind::System(SystemEvent::SplitView);
        tell(
            write,
            &self.line(protocol::MessageId::new(*id.as_bytes()), kind),
        )
    }

    /// Asks the sender for what is missing, where the two may write to each other.
    fn ask(&self, write: &WriteTransaction<'_>) -> Result<()> {
        if resending::may_ask(write.connection(), self.row.key)? {
            resending::ask(write, self.row.key, self.ids)?;
        }
        Ok(())
    }

    fn ask_rest(&self, write: &WriteTransaction<'_>) -> Result<()> {
        let key = self.row.key;
        let known = messages::newest(write.connection(), key, false, self.entry.seq)?;
        resending::ask_after(write, key, known, self.ids)
    }

    fn learn_manifests(&self, write: &WriteTransaction<'_>, note: &SealNote) -> Result<()> {
        let peer = self.row.peer;
        let known = contacts::manifest_seen(write.connection(), peer)?;
        let contradicts = known.is_some_and(|(number, digest)| {
            number == note.manifest_number && digest != note.manifest
        });
        let foreign = match &note.peer_manifest {
            Some(digest) => {
                account::is_foreign_manifest(write.connection(), note.peer_manifest_number, digest)?
            }
            None => false,
        };
        if (contradicts || foreign) && contacts::note_split(write, peer)? {
            warn!("the relay shows different people different manifests");
            let kind = MessageKind::System(SystemEvent::SplitView);
            tell(write, &self.line(self.ids.message_id(), kind))?;
        }
        contacts::note_claimed(write, peer, note.manifest_number)
    }

    fn line(&self, id: protocol::MessageId, kind: MessageKind) -> NewMessage<'static> {
        line(self.row, id, kind, self.entry.seq, self.entry.time)
    }
}

/// A line of the app in a conversation.
pub(super) fn line(
    row: &ConversationRow,
    id: protocol::MessageId,
    kind: MessageKind,
    seq: u64,
    time: u64,
) -> NewMessage<'static> {
    NewMessage {
        id,
        conversation: row.key,
        seq: Some(seq),
        sender: row.peer,
        mine: false,
        kind,
        text: "",
        content: &[],
        time,
        client_id: None,
    }
}

/// Writes a line of the app.
pub(super) fn tell(write: &WriteTransaction<'_>, line: &NewMessage<'_>) -> Result<()> {
    if messages::insert(write, line)?.is_some() {
        conversations::note_message(write, line.conversation, line.time, Unread::No)?;
    }
    Ok(())
}
