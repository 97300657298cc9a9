//! The inbox: welcomes into conversations that others made.

use protocol::{ConversationId, Entry, EntryKind, StreamId};
use tracing::{info, warn};

use crate::{
    crypto::{AccountKeys, JoinError, Joined, Mls},
    engine::{
        contacts::introduce,
        entries::Care,
        ids::Ids,
        members::{self, Known},
        opening::{Accepted, Founder, begin_anew, enter, set_up_anew},
    },
    error::Result,
    model::{ConversationState, Standing},
    seams::Randomness,
    store::{
        WriteTransaction, commits, contacts,
        conversations::{self, ConversationRow},
        openings, requests, streams,
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
    pub(super) ids: &'a Ids,
    pub(super) name: &'a str,
    pub(super) manifest: &'a [u8],
    pub(super) now: u64,
    pub(super) care: Care,
    /// An entry that came again was new.
    pub(super) new_again: bool,
}

impl Inbox<'_> {
    /// An entry whose position was processed before. It counts where it leads into a group that is not here.
    pub(super) fn again(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        let (EntryKind::Welcome, Some(conversation)) = (entry.kind, entry.conversation) else {
            return Ok(());
        };
        let known = conversations::row_of(write.connection(), conversation)?;
        let is_here = known.as_ref().is_some_and(|row| {
            row.state == ConversationState::Established && row.incarnation >= entry.incarnation
        });
        if is_here
            || self.care == Care::KeepSealed
            || requests::is_declined(write.connection(), conversation)?
        {
            return Ok(());
        }
        let is_next = known.is_some_and(|row| row.incarnation < entry.incarnation);
        self.drop_own_founding(write, conversation, entry.incarnation)?;
        let joined =
            Mls::new(write.connection(), self.random, self.keys, self.now).join(&entry.bytes.0);
        match joined {
            Ok(joined) if is_of(&joined, entry) => {
                self.new_again = true;
                self.joined(write, entry, &joined)
            }
            Ok(joined) => self.leave(write, &joined),
            Err(JoinError::Failure(failure)) => Err(failure.into()),
            Err(error) if is_next => {
                warn!(%error, seq = entry.seq, "a welcome could not be followed");
                commits::want_rejoin(write, conversation, self.ids.client_id())
            }
            Err(_) => Ok(()),
        }
    }

    pub(super) fn entry(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        if entry.kind != EntryKind::Welcome {
            warn!(
                kind = entry.kind.number(),
                "an entry of a kind that has no place in an inbox"
            );
            return Ok(());
        }
        let Some(conversation) = entry.conversation else {
            warn!("a welcome that the relay says leads nowhere");
            return Ok(());
        };
        // the relay empties welcomes to what was declined
        if entry.bytes.0.is_empty() && requests::is_declined(write.connection(), conversation)? {
            return Ok(());
        }
        self.drop_own_founding(write, conversation, entry.incarnation)?;
        let joined = if self.care == Care::KeepSealed {
            // the library failed at it already
            Err(JoinError::Invalid)
        } else {
            Mls::new(write.connection(), self.random, self.keys, self.now).join(&entry.bytes.0)
        };
        match joined {
            Ok(joined) if is_of(&joined, entry) => self.joined(write, entry, &joined),
            Ok(joined) => {
                warn!("a welcome to another conversation or epoch than the relay says");
                self.leave(write, &joined)?;
                // its key is used up, and somebody did invite us there: this device comes by itself
                for wanted in [joined.conversation, conversation] {
                    commits::want_rejoin(write, wanted, self.ids.client_id())?;
                }
                Ok(())
            }
            // this computer failed, not the welcome: it comes again
            Err(JoinError::Failure(failure)) => Err(failure.into()),
            Err(JoinError::Exists) => Ok(()),
            Err(error) => {
                // acknowledged all the same, so that it is never retried for ever: this device comes by itself
                warn!(%error, seq = entry.seq, "a welcome could not be followed");
                let stream = StreamId::Conversation(conversation);
                let is_new = streams::cursor(write.connection(), stream)? == 0;
                if let Some(start) = entry.start.filter(|_| is_new) {
                    // what was written for it since then is due to it all the same
                    streams::advance(write, stream, start)?;
                }
                commits::want_rejoin(write, conversation, self.ids.client_id())
            }
        }
    }

    /// Somebody else's group of the same incarnation won: ours, which the relay did not take, makes room.
    fn drop_own_founding(
        &mut self,
        write: &WriteTransaction<'_>,
        conversation: ConversationId,
        incarnation: u32,
    ) -> Result<()> {
        let Some(row) = conversations::row_of(write.connection(), conversation)? else {
            return Ok(());
        };
        let opening = openings::load(write.connection(), row.key)?;
        if incarnation == 0 || opening.is_none_or(|opening| opening.incarnation != incarnation) {
            return Ok(());
        }
        openings::delete(write, row.key)?;
        let mls = Mls::new(write.connection(), self.random, self.keys, self.now);
        if let Some(mut group) = mls.load(conversation, incarnation)? {
            group.delete()?;
        }
        Ok(())
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
        if requests::is_blocked(write.connection(), peer.account)? {
            // when the block ends, the first entry of a group that is not here leads to coming in from outside
            info!("a welcome by somebody who is blocked");
            streams::leave(write, joined.conversation)?;
            return self.leave(write, joined);
        }
        if requests::is_unwanted(write.connection(), joined.conversation, peer.account)? {
            warn!("a welcome to a conversation that was declined");
            return self.leave(write, joined);
        }
        let here = conversations::row_of(write.connection(), joined.conversation)?;
        if here.is_some_and(|row| row.peer != peer.account) {
            warn!("a welcome under the id of a conversation with somebody else");
            return self.leave(write, joined);
        }
        contacts::pin_root_key(write, peer.account, peer.root_key)?;
        let known = Known::load(write.connection(), self.manifest, peer.account)?;
        if !known.admits(&joined.members) {
            warn!("a welcome into a group with a device that its account revoked");
            return self.leave(write, joined);
        }
        let stream = StreamId::Conversation(joined.conversation);
        let mut wanted = contacts::has_consented(write.connection(), peer.account)?;
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
                let row = conversations::row(write.connection(), key)?;
                // one that was asked for and never accepted has ended where there is another
                let ended =
                    row.standing == Standing::Asked && row.conversation != joined.conversation;
                if row.state == ConversationState::Established && !ended {
                    return self.joined_anew(write, entry, &row, joined);
                }
                wanted |= ended || openings::load(write.connection(), key)?.is_some();
                self.adopt(write, &row, joined)?;
                key
            }
        };
        // this device reads what comes after the commit that added it
        if let Some(start) = entry.start {
            streams::advance(write, stream, start)?;
        }
        openings::delete(write, key)?;
        let row = ConversationRow {
            key,
            conversation: joined.conversation,
            peer: peer.account,
            incarnation: joined.incarnation,
            state: ConversationState::Opening,
            standing: Standing::Open,
        };
        let founder = Founder {
            keys: self.keys,
            name: self.name,
            manifest: self.manifest,
            ids: self.ids,
        };
        crate::KillPoint::JoinedBeforeCommit.reach();
        enter(write, &row, &founder, entry.time)?;
        self.look_at_own(write, &row, joined, entry)?;
        if wanted {
            // each asked the other, or they know each other: that is an answer
            introduce(write, &row, self.name, self.ids)
        } else {
            requests::set_standing(write, key, Standing::Requested)
        }
    }

    /// A welcome into a conversation that is there: its group was set up anew, or it is another one that nobody asked for.
    fn joined_anew(
        &mut self,
        write: &WriteTransaction<'_>,
        entry: &Entry,
        row: &ConversationRow,
        joined: &Joined,
    ) -> Result<()> {
        if row.conversation != joined.conversation || joined.incarnation <= row.incarnation {
            info!("a second direct conversation with the same account");
            return self.leave(write, joined);
        }
        let accepted = Accepted {
            seq: entry.start.unwrap_or(0),
            time: entry.time,
        };
        let founder = Founder {
            keys: self.keys,
            name: self.name,
            manifest: self.manifest,
            ids: self.ids,
        };
        set_up_anew(write, row, joined.incarnation, &founder, accepted)?;
        self.look_at_own(write, row, joined, entry)
    }

    fn look_at_own(
        &self,
        write: &WriteTransaction<'_>,
        row: &ConversationRow,
        joined: &Joined,
        entry: &Entry,
    ) -> Result<()> {
        let place = (entry.start.unwrap_or(0), entry.time);
        members::look_at_own(write, row, &joined.members, self.manifest, place)
    }

    /// The other side made the conversation first: ours is dropped, and what was written here goes there.
    fn adopt(
        &mut self,
        write: &WriteTransaction<'_>,
        row: &ConversationRow,
        joined: &Joined,
    ) -> Result<()> {
        let (conversation, incarnation) = (joined.conversation, joined.incarnation);
        if row.conversation == conversation {
            let opening = ConversationState::Opening;
            return conversations::set_state(write, row.key, conversation, incarnation, opening);
        }
        let mls = Mls::new(write.connection(), self.random, self.keys, self.now);
        let place = (conversation, incarnation);
        begin_anew(write, &mls, self.keys, row, place, self.ids)
    }

    fn leave(&mut self, write: &WriteTransaction<'_>, joined: &Joined) -> Result<()> {
        let mls = Mls::new(write.connection(), self.random, self.keys, self.now);
        if let Some(mut group) = mls.load(joined.conversation, joined.incarnation)? {
            group.delete()?;
        }
        Ok(())
    }
}
