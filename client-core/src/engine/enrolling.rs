//! A new device of an account that was restored, and one whose database was lost or is older than what it did: it learns whom the
//! person blocked and which conversations there are, and enters from outside what it is not in.
//!
//! That the lists are wanted is durable until they came whole. Blocks come first, and until they are here nothing is entered: who
//! is blocked must not notice. A conversation that this database does not know is entered once the list is whole, because the list
//! says whether it was accepted.

use std::{collections::BTreeSet, time::Duration};

use protocol::{
    AccountId, Blocks, ConversationId, ConversationOf, Conversations, Entry, ListBlocks,
    ListConversations, Refusal, StreamId,
};
use tracing::{info, warn};

use crate::{
    engine::{Engine, contacts::introduce, holds::wait_after, ids::Ids, requests::Request},
    error::Result,
    model::{ConversationState, Standing},
    store::{
        WriteTransaction, commits, contacts, conversations, openings, requests, streams,
        wishes::{self, WantedList},
    },
};

/// More conversations than any person has: what a relay lists beyond is not believed.
const MOST_LISTED: u32 = 10_000;
/// The pause after a refusal that names none.
const PAUSE: Duration = Duration::from_secs(30);

impl Engine {
    /// Asks for what is wanted of the lists and not on its way. After each connection, and when a part came.
    pub(super) fn resume_lists(&mut self) -> Result<()> {
        let now = self.seams.clock.monotonic();
        if !self.session.is_online() || self.lists_due.is_some_and(|due| due > now) {
            return Ok(());
        }
        self.lists_due = None;
        if self.in_flight(|request| matches!(request, Request::Blocks | Request::Conversations)) {
            return Ok(());
        }
        let connection = self.database.connection();
        if wishes::are_blocks_wanted(connection)? {
            self.request(Request::Blocks, &ListBlocks {}.into());
        } else if let Some(WantedList { after, .. }) = wishes::list(connection)? {
            self.request(Request::Conversations, &ListConversations { after }.into());
        }
        Ok(())
    }

    /// The relay says what was delivered in a conversation that is not here. Its welcome is on its way, or this database is older
    /// than what it acknowledged: where nothing came in the inbox on this connection, nothing is in it, and the person did not turn
    /// the conversation away, the list tells. Once on a connection.
    pub(super) fn look_for(&mut self, conversation: ConversationId) -> Result<()> {
        let connection = self.database.connection();
        if self.quiet.contains(&StreamId::Inbox)
            && !self.enters_unknown()?
            && !requests::is_declined(connection, conversation)?
            && !streams::is_left(connection, conversation)?
        {
            let cursor = streams::cursor(connection, StreamId::Inbox)?;
            self.looks_for_welcome = true;
            self.quiet.remove(&StreamId::Inbox);
            self.fetch(StreamId::Inbox, cursor);
        }
        Ok(())
    }

    /// This database is older than what this device did: it asks for the lists, once on a connection.
    pub(super) fn know_again(&mut self) -> Result<()> {
        if !std::mem::replace(&mut self.knows_again, true) {
            self.write(wishes::want_lists)?;
        }
        self.resume_lists()
    }

    /// Whether this device is about to enter conversations from outside that it does not know. It has lost what it did there: by an
    /// old welcome it would use its keys again.
    fn enters_unknown(&self) -> Result<bool> {
        let connection = self.database.connection();
        Ok(wishes::list(connection)?.is_some() || commits::are_unknown_wanted(connection)?)
    }

    /// What is in the inbox, of which the relay did not speak: this device had it, and does not know. So it is with what follows the
    /// welcomes. Where there are none, the list tells.
    pub(super) fn looked_into_inbox(&mut self, welcomes: Vec<Entry>) -> Result<()> {
        if self.enters_unknown()? {
            return Ok(());
        }
        if welcomes.is_empty() {
            info!("a conversation is not here, and neither is its welcome");
            return self.know_again();
        }
        let conversations: BTreeSet<_> = welcomes
            .iter()
            .filter_map(|welcome| welcome.conversation)
            .collect();
        self.take_entries(StreamId::Inbox, welcomes)?;
        for conversation in conversations {
            let connection = self.database.connection();
            if conversations::row_of(connection, conversation)?.is_some() {
                let stream = StreamId::Conversation(conversation);
                let cursor = streams::cursor(connection, stream)?;
                self.fetch(stream, cursor);
            }
        }
        Ok(())
    }

    /// Asks again after a refusal, once its pause is over.
    pub(super) fn lists_again(&mut self) -> Result<()> {
        if self.lists_due.is_none() {
            return Ok(());
        }
        self.resume_lists()
    }

    /// The relay does not send a list now.
    pub(super) fn list_refused(&mut self, refusal: &Refusal) {
        info!(code = ?refusal.code, "the relay does not list now");
        let now = self.seams.clock.monotonic();
        let pause = wait_after(refusal.retry_after, PAUSE).max(PAUSE);
        self.lists_due = Some(now.saturating_add(pause));
    }

    /// Whom the person blocked, as the relay knows it. Nobody is let in by it: who is blocked here stays so, and the relay is told.
    pub(super) fn blocks_listed(&mut self, list: &Blocks) -> Result<()> {
        let own = self.keys.device();
        let blocked = self.write(|write| {
            wishes::set_blocks_known(write)?;
            let blocked = requests::merge_blocks(write, &list.accounts)?;
            for account in &blocked {
                super::contacts::miss_nothing_of(write, *account, own)?;
            }
            Ok(blocked)
        })?;
        blocked
            .into_iter()
            .for_each(|account: AccountId| self.live.forget(account));
        self.tell_people()?;
        self.resume_lists()?;
        self.resume_commits()?;
        self.pump()
    }

    /// Some of the account's conversations: this device wants to be in each that the person did not decline.
    pub(super) fn listed(&mut self, list: &Conversations) -> Result<()> {
        let Some(wanted) = wishes::list(self.database.connection())? else {
            return Ok(());
        };
        info!(
            conversations = list.conversations.len(),
            "entering the account's conversations"
        );
        let count = u32::try_from(list.conversations.len()).unwrap_or(u32::MAX);
        let count = wanted.count.saturating_add(count);
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let name = self.account.name.clone();
        self.write(|write| {
            if count > MOST_LISTED {
                warn!("the relay lists more conversations than anybody has");
                return wishes::set_list_whole(write);
            }
            for of in &list.conversations {
                take_listed(write, of, &wanted, &name, &ids)?;
            }
            let last = list.conversations.last().map(|of| of.conversation);
            // a part that leads no further ends it
            match last.filter(|last| list.more && Some(*last) > wanted.after) {
                Some(last) => wishes::set_listed(write, last, count),
                None => wishes::set_list_whole(write),
            }
        })?;
        crate::KillPoint::ListedAfterCommit.reach();
        self.tell_read_soon();
        self.resume_lists()?;
        self.resume_commits()?;
        self.pump()
    }
}

/// Takes one conversation of the list.
fn take_listed(
    write: &WriteTransaction<'_>,
    of: &ConversationOf,
    wanted: &WantedList,
    name: &str,
    ids: &Ids,
) -> Result<()> {
    if requests::is_unwanted(write.connection(), of.conversation, of.peer)? {
        return Ok(());
    }
    contacts::ensure(write, of.peer)?;
    if !of.requested {
        contacts::set_consented(write, of.peer)?;
    }
    let Some(row) = conversations::row_of(write.connection(), of.conversation)? else {
        let other = match conversations::key_of_peer(write.connection(), of.peer)? {
            Some(key) => Some(conversations::row(write.connection(), key)?),
            None => None,
        };
        if other.is_some_and(|other| other.state == ConversationState::Established) {
            info!("a second direct conversation with the same account");
            return Ok(());
        }
        return commits::want_rejoin(write, of.conversation, ids.client_id());
    };
    // what came by itself while the list was on its way looked like a new one; an older request waits for the person
    if row.key > wanted.since && row.standing == Standing::Requested && !of.requested {
        introduce(write, &row, name, ids)?;
    }
    // what this device is in is entered anew for another reason than that it is listed, unless it came by an old welcome; its own
    // request for what is being made goes on, and where there is none the relay knows more of this device than its database does
    let opening = openings::load(write.connection(), row.key)?;
    let is_unmade = match opening {
        Some(opening) => opening.incarnation == 0 && opening.request.is_none(),
        None => row.state != ConversationState::Established,
    };
    if row.key > wanted.since || is_unmade {
        return commits::want_rejoin(write, of.conversation, ids.client_id());
    }
    Ok(())
}
