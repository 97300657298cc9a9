//! The inbox: welcomes into conversations that others made.

use protocol::{Entry, EntryKind};
use tracing::warn;

use crate::{
    content,
    crypto::{AccountKeys, JoinError, Joined, Mls},
    engine::opening::{EstablishIds, Founder, establish},
    error::Result,
    model::{ConversationKey, ConversationState},
    seams::Randomness,
    store::{
        self, WriteTransaction, contacts,
        conversations::{self, ConversationRow},
        openings, outbox,
    },
};

/// Whether the welcome leads where the relay's entry says.
fn is_of(joined: &Joined, entry: &Entry) -> bool {
    (Some(joined.conversation), joined.incarnation, joined.epoch)
        == (entry.conversation, entry.incarnation, entry.epoch)
}

/// Reading this device's inbox within a transaction.
pub(super) struct Inbox<'a> {
    pub(super) keys: &'a AccountKeys,
    pub(super) random: &'a mut dyn Randomness,
    pub(super) name: &'a str,
    pub(super) now: u64,
}

impl Inbox<'_> {
    pub(super) fn entry(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        if entry.kind != EntryKind::Welcome {
            warn!(
                kind = entry.kind.number(),
                "an entry of a kind that has no place in an inbox"
            );
            return Ok(());
        }
        let joined =
            Mls::new(write.connection(), self.random, self.keys, self.now).join(&entry.bytes.0);
        match joined {
            Ok(joined) if is_of(&joined, entry) => self.joined(write, entry, &joined),
            Ok(joined) => {
                warn!("a welcome to another conversation or epoch than the relay says");
                self.leave(write, &joined)
            }
            // this computer failed, not the welcome: it comes again
            Err(JoinError::Failure(failure)) => Err(failure.into()),
            Err(error) => {
                // acknowledged all the same, so that it is never retried for ever
                warn!(%error, seq = entry.seq, "a welcome could not be followed");
                Ok(())
            }
        }
    }

    fn joined(
        &mut self,
        write: &WriteTransaction<'_>,
        entry: &Entry,
        joined: &Joined,
    ) -> Result<()> {
        let own = self.keys.account();
        let mut peers = joined.members.iter().filter(|member| member.account != own);
        let peer = match (peers.next(), peers.next()) {
            (Some(peer), None) => peer,
            (Some(peer), Some(other))
                if peers
                    .chain([other])
                    .all(|other| other.account == peer.account) =>
            {
                peer
            }
            _ => {
                warn!("a welcome to a group that is no direct conversation");
                return self.leave(write, joined);
            }
        };
        contacts::pin_root_key(write, peer.account, peer.root_key)?;
        let key = match conversations::key_of_peer(write.connection(), peer.account)? {
            None => {
                let opening = ConversationState::Opening;
                conversations::insert(
                    write,
                    joined.conversation,
                    peer.account,
                    opening,
                    entry.time,
                )?
            }
            Some(key) => {
                if !self.adopt(write, key, joined)? {
                    return self.leave(write, joined);
                }
                key
            }
        };
        let row = ConversationRow {
            key,
            conversation: joined.conversation,
            peer: peer.account,
            incarnation: joined.incarnation,
            state: ConversationState::Opening,
        };
        let founder = Founder {
            own,
            name: self.name,
            ids: EstablishIds::draw(self.random)?,
        };
        crate::KillPoint::JoinedBeforeCommit.reach();
        establish(write, &row, &founder, None, entry.time)
    }

    /// The other side made the conversation first: ours is dropped, and what was written here goes there. `false` where an
    /// established conversation is in the way.
    fn adopt(
        &mut self,
        write: &WriteTransaction<'_>,
        key: ConversationKey,
        joined: &Joined,
    ) -> Result<bool> {
        let row = conversations::row(write.connection(), key)?;
        if row.state == ConversationState::Established {
            warn!("a second direct conversation with the same account");
            return Ok(false);
        }
        openings::delete(write, key)?;
        let mls = Mls::new(write.connection(), self.random, self.keys, self.now);
        if let Some(mut group) = mls.load(row.conversation, row.incarnation)?
            && row.conversation != joined.conversation
        {
            group.delete()?;
        }
        let (conversation, incarnation) = (joined.conversation, joined.incarnation);
        conversations::set_state(
            write,
            key,
            conversation,
            incarnation,
            ConversationState::Opening,
        )?;
        // the id of a message names its conversation; none of these was ever sealed
        for queued in outbox::all(write.connection(), key)? {
            if let Some(message) = queued.message {
                let id = content::message_id(
                    self.keys.relay(),
                    self.keys.account(),
                    conversation,
                    &queued.content,
                );
                store::messages::replace_id(write, message, id, &queued.content)?;
            }
        }
        Ok(true)
    }

    fn leave(&mut self, write: &WriteTransaction<'_>, joined: &Joined) -> Result<()> {
        let mls = Mls::new(write.connection(), self.random, self.keys, self.now);
        if let Some(mut group) = mls.load(joined.conversation, joined.incarnation)? {
            group.delete()?;
        }
        Ok(())
    }
}
