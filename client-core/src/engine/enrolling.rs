//! A new device of an account that was restored: it learns which conversations there are, and enters each from outside.

use protocol::{ConversationId, Conversations, ListConversations};
use tracing::{info, warn};

use crate::{
    engine::{Engine, ids::Ids, requests::Request},
    error::Result,
    store::{commits, contacts, requests},
};

/// More conversations than any person has: what a relay lists beyond is not believed.
const MOST_LISTED: u32 = 10_000;

impl Engine {
    /// Asks for all conversations of the account.
    pub(super) fn list_conversations(&mut self) {
        self.listed = 0;
        self.list_after(None);
    }

    fn list_after(&mut self, after: Option<ConversationId>) {
        let frame = ListConversations { after };
        self.request(Request::Conversations { after }, &frame.into());
    }

    /// Some of the account's conversations: this device wants to be in each that the person did not decline.
    pub(super) fn listed(
        &mut self,
        after: Option<ConversationId>,
        list: &Conversations,
    ) -> Result<()> {
        let count = u32::try_from(list.conversations.len()).unwrap_or(u32::MAX);
        self.listed = self.listed.saturating_add(count);
        if self.listed > MOST_LISTED {
            warn!("the relay lists more conversations than anybody has");
            return Ok(());
        }
        info!(
            conversations = list.conversations.len(),
            "entering the account's conversations"
        );
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write(|write| {
            for of in &list.conversations {
                if !requests::is_declined(write.connection(), of.conversation)? {
                    contacts::ensure(write, of.peer)?;
                    if !of.requested {
                        contacts::set_consented(write, of.peer)?;
                    }
                    commits::want_rejoin(write, of.conversation, ids.client_id())?;
                }
            }
            Ok(())
        })?;
        crate::KillPoint::ListedAfterCommit.reach();
        let last = list.conversations.last().map(|of| of.conversation);
        // a page that leads no further ends it
        if list.more && last > after {
            self.list_after(last);
        }
        self.resume_commits()
    }
}
