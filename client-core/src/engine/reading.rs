//! Reading one conversation's stream: open, check, pass on what it says.

use protocol::{Entry, EntryKind, Frame, RelayId, StreamId, decode_frame};
use tracing::{debug, info, warn};

use crate::{
    content::SealNote,
    crypto::{AccountKeys, Change, Fault, Group, MemberInfo, Mls, OpenError, Opened, clear_aad},
    engine::{
        answers::Answers,
        entries::Care,
        ids::Ids,
        members::Known,
        notes::{line, tell},
        opening::{self, Accepted, Founder, tell_profile},
        outgoing::mark_sent,
        renewal, resending, returning,
        understanding::{self, Told},
    },
    error::Result,
    model::{MessageKind, Privacy, Standing, SystemEvent},
    store::{
        WriteTransaction, chains, commits, contacts,
        conversations::{self, ConversationRow},
        messages, opened, openings, outbox, requests, streams,
    },
};

/// Reading one conversation's stream within a transaction.
pub(super) struct Reading<'m, 'a> {
    pub(super) keys: &'m AccountKeys,
    pub(super) relay: RelayId,
    pub(super) name: &'m str,
    /// Our newest manifest.
    pub(super) manifest: &'m [u8],
    pub(super) privacy: Privacy,
    pub(super) row: ConversationRow,
    pub(super) mls: &'m Mls<'a>,
    /// The group of one incarnation, loaded when first needed; the inner `None` means that it is not here.
    pub(super) group: Option<(u32, Option<Group<'m, 'a>>)>,
    pub(super) care: Care,
    /// An entry that came again was new.
    pub(super) new_again: bool,
    pub(super) ids: &'m Ids,
    pub(super) now: u64,
    /// How many requests for missing entries may still be answered.
    pub(super) answers: &'m mut Answers,
    /// Whether something could not be opened that others could perhaps open.
    pub(super) doubtful: bool,
}

impl Reading<'_, '_> {
    pub(super) fn entry(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        match entry.kind {
            EntryKind::Application if entry.sender == self.keys.device() => self.own(write, entry),
            EntryKind::Commit if entry.sender == self.keys.device() => {
                self.own_commit(write, entry)
            }
            EntryKind::Application => self.application(write, entry),
            EntryKind::Commit => self.commit(write, entry),
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
    fn own(&self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        match outbox::by_client_id(write.connection(), entry.client_id)? {
            Some(row) => {
                let place = (entry.seq, entry.time);
                mark_sent(write, self.keys.device(), &row, place, self.ids)?;
                if row.is_sealed {
                    return Ok(());
                }
                // it left before this database lost count: whoever misses it asks by the number that it had
                let note = clear_aad(&entry.bytes.0).and_then(|aad| SealNote::decode(&aad));
                match (row.message, note) {
                    (Some(message), Some(note)) => {
                        chains::note_sent(write, row.conversation, note.chain, note.number, message)
                    }
                    _ => Ok(()),
                }
            }
            None => Ok(()),
        }
    }

    /// Our commit won. It is merged here and now: what follows in the stream is sealed in the epoch that it begins.
    fn own_commit(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        if self.care == Care::KeepSealed {
            return Ok(());
        }
        self.take_own_commit(write, entry)?;
        self.forget_former(entry)
    }

    fn take_own_commit(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        let connection = write.connection();
        let key = self.row.key;
        let accepted = Accepted {
            seq: entry.seq,
            time: entry.time,
        };
        let opening = openings::load(connection, key)?;
        let renewal = commits::renewal(connection, key)?;
        let rejoin = commits::rejoin(connection, self.row.conversation)?;
        let request = [
            opening.as_ref().map(|it| (it.client_id, &it.request)),
            renewal.as_ref().map(|it| (it.client_id, &it.request)),
            rejoin.as_ref().map(|it| (it.client_id, &it.request)),
        ]
        .into_iter()
        .flatten()
        .find(|(client_id, _)| *client_id == entry.client_id);
        if request.is_some_and(|(_, request)| !is_commit_of(request.as_deref(), entry)) {
            // others are shown what we are shown: not the commit that is pending here
            warn!("the relay shows another commit than it was sent");
            return self.come_back(write);
        }
        if let Some(opening) = opening.filter(|it| it.client_id == entry.client_id) {
            let founder = self.founder();
            opening::complete(write, self.mls, &self.row, &opening, &founder, accepted)?;
        } else if renewal.is_some_and(|it| it.client_id == entry.client_id) {
            renewal::complete(write, self.mls, &self.row, self.now, self.ids)?;
        } else if let Some(rejoin) = rejoin.filter(|it| it.client_id == entry.client_id) {
            let founder = self.founder();
            returning::complete(write, self.mls, &rejoin, &founder, accepted)?;
        } else {
            return self.unexpected_own(write, entry);
        }
        self.row = conversations::row(connection, key)?;
        self.group = None;
        Ok(())
    }

    /// A commit of ours that nothing waits for: merged long ago, or the relay refused it and shows it all the same. Then the
    /// others have followed it, and what is needed to follow it is gone here.
    fn unexpected_own(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        self.load(entry.incarnation)?;
        let Some((_, Some(group))) = &self.group else {
            return Ok(());
        };
        let comes_back = commits::rejoin(write.connection(), self.row.conversation)?.is_some();
        if entry.incarnation != self.row.incarnation
            || group.epoch()? != entry.epoch
            // perhaps because this database is older than that commit
            || comes_back
        {
            return Ok(());
        }
        warn!("the relay shows a commit that it refused");
        self.come_back(write)
    }

    fn founder(&self) -> Founder<'_> {
        Founder {
            keys: self.keys,
            name: self.name,
            manifest: self.manifest,
            ids: self.ids,
        }
    }

    /// The group in which an entry was sealed: that of an incarnation that ended is kept until its last entry was read.
    fn load(&mut self, incarnation: u32) -> Result<()> {
        let loaded = self.group.as_ref().map(|(loaded, _)| *loaded);
        if loaded != Some(incarnation) {
            let group = self.mls.load(self.row.conversation, incarnation)?;
            self.group = Some((incarnation, group));
        }
        Ok(())
    }

    /// The stream has passed the commit that set the group up anew: nothing of the one before follows. What an entry says of
    /// itself is the relay's word, so only a group goes that is known to be over without it.
    fn forget_former(&mut self, entry: &Entry) -> Result<()> {
        let former = entry.incarnation.checked_sub(1);
        let Some(former) = former.filter(|it| entry.epoch == 0 && *it < self.row.incarnation)
        else {
            return Ok(());
        };
        self.group = None;
        if let Some(mut group) = self.mls.load(self.row.conversation, former)? {
            group.delete()?;
        }
        Ok(())
    }

    fn application(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        // the relay leaves the bytes out while there is a block; what it sends all the same is not looked at
        let is_blocked = requests::is_blocked(write.connection(), self.row.peer)?;
        if entry.bytes.0.is_empty() || is_blocked {
            return match self.care {
                Care::Again => Ok(()),
                Care::Open | Care::Park | Care::KeepSealed => {
                    self.pass_over(write, entry, is_blocked)
                }
            };
        }
        if self.care == Care::KeepSealed {
            return self.unreadable(write, entry).map(drop);
        }
        if self.care == Care::Again {
            return self.application_again(write, entry);
        }
        self.load(entry.incarnation)?;
        let Some((_, Some(group))) = &mut self.group else {
            return self.not_here(write, entry);
        };
        match group.open(&entry.bytes.0) {
            // who sealed it is proved; who the relay says sent it must be the same
            Ok(Opened::Content { device, .. }) if device != entry.sender => {
                opened::note(write, entry.client_id)?;
                warn!(
                    seq = entry.seq,
                    "the relay names another sender than the one who sealed an entry"
                );
                self.unreadable(write, entry).map(drop)
            }
            Ok(Opened::Content {
                account,
                device,
                content,
                aad,
            }) => {
                opened::note(write, entry.client_id)?;
                let told = Told {
                    entry,
                    account,
                    device,
                    content: &content,
                    aad: &aad,
                };
                understanding::take(self, write, &told)
            }
            Ok(Opened::OwnContent) => Ok(()),
            Ok(Opened::Commit(_) | Opened::OwnCommit) => {
                warn!("a commit that the relay calls an application entry");
                self.come_back(write)
            }
            // this computer failed, not the entry: the whole batch comes again
            Err(OpenError::Failure(failure)) => Err(failure.into()),
            Err(OpenError::AlreadyOpened) => self.opened_before(write, entry),
            // a commit before it never arrived or could not be followed, or this device is on its way back
            Err(OpenError::Ahead(_) | OpenError::Unconfirmed) => self.not_here(write, entry),
            Err(error) => {
                warn!(%error, seq = entry.seq, "an entry could not be opened; its sealed bytes are kept");
                self.doubtful |= is_of_another_branch(&error);
                self.not_opened(write, entry)
            }
        }
    }

    /// An entry of a block, or one without bytes. It does not turn up when the block is over. Where the person has ended it and the
    /// relay does not know yet, what it leaves out was perhaps written since, and is asked for. What else it leaves out the sender's
    /// count tells.
    fn pass_over(
        &self,
        write: &WriteTransaction<'_>,
        entry: &Entry,
        is_blocked: bool,
    ) -> Result<()> {
        let has_ended = requests::has_ended_block(write.connection(), self.row.peer)?;
        if is_blocked || has_ended {
            let stream = StreamId::Conversation(self.row.conversation);
            streams::pass_over(write, stream, entry.seq)?;
        }
        if has_ended {
            let before = entry.seq.saturating_sub(1);
            resending::ask_after(write, self.row.key, before, self.ids)?;
        }
        Ok(())
    }

    /// An entry whose position was processed before. What was opened does not open again; what does is another entry.
    fn application_again(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        let stream = StreamId::Conversation(self.row.conversation);
        if messages::has_client_id(write.connection(), entry.client_id)?
            // of a block, and not acknowledged before its end: the relay shows it whole now
            || entry.seq <= streams::passed_over(write.connection(), stream)?
        {
            return Ok(());
        }
        self.load(entry.incarnation)?;
        let Some((_, Some(group))) = &mut self.group else {
            return Ok(());
        };
        match group.open(&entry.bytes.0) {
            Ok(Opened::Content {
                account,
                device,
                content,
                aad,
            }) if device == entry.sender => {
                self.new_again = true;
                opened::note(write, entry.client_id)?;
                let told = Told {
                    entry,
                    account,
                    device,
                    content: &content,
                    aad: &aad,
                };
                understanding::take(self, write, &told)
            }
            Err(OpenError::AlreadyOpened) => self.opened_before(write, entry),
            Err(OpenError::Failure(failure)) => Err(failure.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// The keys of an entry were used. Where it is none that was opened, its sender went back in time and does not know it, because
    /// the relay went back too: what it wrote since is asked for.
    fn opened_before(&self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        let (connection, client_id) = (write.connection(), entry.client_id);
        if opened::is_known(connection, client_id)?
            || messages::has_client_id(connection, client_id)?
        {
            debug!(seq = entry.seq, "an entry that was opened before");
            return Ok(());
        }
        info!(seq = entry.seq, "an entry with keys of another one");
        resending::ask_after(write, self.row.key, entry.seq.saturating_sub(1), self.ids)
    }

    /// The same for a commit.
    fn commit_again(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        self.load(entry.incarnation)?;
        let known = Known::load(write.connection(), self.manifest, self.row.peer)?;
        let Some((_, Some(group))) = &mut self.group else {
            return Ok(());
        };
        match group.open_with(&entry.bytes.0, |change| known.allows(change)) {
            Ok(Opened::Commit(change)) => {
                self.new_again = true;
                self.changed(write, entry, &change)
            }
            Err(OpenError::Failure(failure)) => Err(failure.into()),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn commit(&mut self, write: &WriteTransaction<'_>, entry: &Entry) -> Result<()> {
        if self.care == Care::Again {
            return self.commit_again(write, entry);
        }
        if self.care == Care::KeepSealed {
            return self.come_back(write);
        }
        self.forget_former(entry)?;
        self.load(entry.incarnation)?;
        let known = Known::load(write.connection(), self.manifest, self.row.peer)?;
        let Some((_, Some(group))) = &mut self.group else {
            return self.come_back(write);
        };
        match group.open_with(&entry.bytes.0, |change| known.allows(change)) {
            Ok(Opened::Commit(change)) => self.changed(write, entry, &change),
            Ok(Opened::OwnCommit | Opened::OwnContent) => Ok(()),
            Err(OpenError::Failure(failure)) => Err(failure.into()),
            // the welcome led past it; or this device is out, as the person sees when writing
            Err(OpenError::Stale(_) | OpenError::Removed) => Ok(()),
            Ok(Opened::Content { .. }) | Err(_) => {
                warn!(
                    seq = entry.seq,
                    "a commit cannot be followed: this device comes back from outside"
                );
                self.come_back(write)
            }
        }
    }

    /// Devices came or went.
    fn changed(
        &self,
        write: &WriteTransaction<'_>,
        entry: &Entry,
        Change { added, removed, .. }: &Change,
    ) -> Result<()> {
        debug!(
            added = added.len(),
            removed = removed.len(),
            "the group changed"
        );
        for member in added {
            contacts::pin_root_key(write, member.account, member.root_key)?;
        }
        let is_back = |member: &MemberInfo| removed.iter().any(|it| it.device == member.device);
        let news = |members: &[MemberInfo], known: &dyn Fn(&MemberInfo) -> bool| {
            members
                .iter()
                .any(|member| member.account == self.row.peer && !known(member))
        };
        let is_there = |member: &MemberInfo| added.iter().any(|it| it.device == member.device);
        if news(added, &|_| false) && self.row.standing != Standing::Requested {
            // whoever lost everything but the account does not know our name; and whoever came back may have missed
            // something: our next entry tells by its number how much
            tell_profile(write, self.row.key, self.name, None, self.ids)?;
            if resending::may_ask(write.connection(), self.row.key)? {
                // and may have forgotten what we asked it for
                resending::ask(write, self.row.key, self.ids)?;
            }
            if news(added, &is_back) {
                resending::offer_undelivered(write, self.row.key, entry.seq, self.ids)?;
            }
        }
        if news(added, &is_back) || news(removed, &is_there) {
            let kind = MessageKind::System(SystemEvent::DevicesChanged);
            let id = self.ids.message_id();
            tell(write, &line(&self.row, id, kind, entry.seq, entry.time))?;
        }
        Ok(())
    }

    /// This device wants to come back into the group from outside.
    pub(super) fn come_back(&self, write: &WriteTransaction<'_>) -> Result<()> {
        commits::want_rejoin(write, self.row.conversation, self.ids.client_id())
    }
}

/// Whether an entry is the commit of a request.
fn is_commit_of(request: Option<&[u8]>, entry: &Entry) -> bool {
    match request.map(decode_frame) {
        Some(Ok((_, Frame::Commit(commit)))) => commit.commit == entry.bytes,
        Some(Ok((_, Frame::CreateConversation(create)))) => create.commit == entry.bytes,
        _ => false,
    }
}

/// Whether others, in another branch of the group, may well have opened it.
const fn is_of_another_branch(error: &OpenError) -> bool {
    matches!(
        error,
        OpenError::Stale(_) | OpenError::Invalid(Fault::Undecryptable | Fault::NotAuthentic)
    )
}
