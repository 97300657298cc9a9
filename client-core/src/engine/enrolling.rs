//! A new device of an account that was restored: it learns which conversations there are, and enters each from outside.

use protocol::{ConversationId, Conversations, ListConversations};
use tracing::info;

use crate::{
    engine::{Engine, ids::Ids, requests::Request},
    error::Result,
    store::{commits, contacts, conversations, requests},
};

impl Engine {
    /// Asks for the conversations after one, or from the first.
    pub(super) fn list_conversations(&mut self, after: Option<ConversationId>) -> Result<()> {
        self.request(Request::Conversations, &ListConversations { after }.into());
        Ok(())
    }

    /// Some of the account's conversations: this device wants to be in each that the person did not decline.
    pub(super) fn listed(&mut self, list: &Conversations) -> Result<()> {
        info!(
            conversations = list.conversations.len(),
            "entering the account's conversations"
        );
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write(|write| {
            for of in &list.conversations {
                if !requests::is_declined(write.connection(), of.conversation)? {
                    contacts::ensure(write, of.peer)?;
                    // a backup may have brought it back: what came since is not missed
                    if let Some(row) = conversations::row_of(write.connection(), of.conversation)? {
                        conversations::set_entered_late(write, row.key)?;
                    }
                    if !of.requested {
                        contacts::set_consented(write, of.peer)?;
                    }
                    commits::want_rejoin(write, of.conversation, ids.client_id())?;
                }
            }
            Ok(())
        })?;
        crate::KillPoint::ListedAfterCommit.reach();
        let last = list.conversations.last().filter(|_| list.more);
        if let Some(last) = last {
            self.list_conversations(Some(last.conversation))?;
        }
        self.resume_commits()
    }
}
