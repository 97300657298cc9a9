//! A group that cannot be used here: its state is damaged, or does not go on as the relay says that it did.
//!
//! It is the trouble of one conversation. Its device comes back into it by the ladder, and the session and all other
//! conversations go on.

use protocol::{ConversationId, Frame, decode_frame};
use tracing::error;

use crate::{
    engine::{Engine, holds::PAUSE, ids::Ids},
    error::{ErrorKind, Result},
    model::ConversationKey,
    store::{
        commits,
        conversations::{self, ConversationRow},
    },
};

impl Engine {
    /// Ends an input that belongs to one conversation: where its group could not be used, it is come back into from outside.
    pub(super) fn contain(
        &mut self,
        conversation: Option<ConversationId>,
        outcome: Result<()>,
    ) -> Result<()> {
        match (outcome, conversation) {
            (Err(error), Some(conversation)) if error.kind() == ErrorKind::Crypto => {
                error!(%error, %conversation, "a group cannot be used: this device comes back from outside");
                self.leave_unusable(conversation)
            }
            (outcome, _) => outcome,
        }
    }

    /// The same, where only damage of the state itself is a reason to come back. Says whether it was found.
    pub(super) fn leave_if_unreadable(&mut self, key: ConversationKey) -> Result<bool> {
        let unreadable = self.write_mls(|write, mls| {
            let row = conversations::row(write.connection(), key)?;
            Ok(mls
                .forget_unreadable(row.conversation, row.incarnation)?
                .then_some(row))
        })?;
        let Some(ConversationRow { conversation, .. }) = unreadable else {
            return Ok(false);
        };
        error!(%conversation, "a group cannot be read: this device comes back from outside");
        self.leave_unusable(conversation)?;
        Ok(true)
    }

    /// Drops what cannot be read and what was to be done with it, and wants to come back after a pause. After some attempts
    /// the group is set up anew.
    fn leave_unusable(&mut self, conversation: ConversationId) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write_mls(|write, mls| {
            if let Some(row) = conversations::row_of(write.connection(), conversation)? {
                mls.forget_unreadable(conversation, row.incarnation)?;
                commits::delete_renewal(write, row.key)?;
                conversations::plan_renewal(write, row.key, None)?;
            }
            let Some(rejoin) = commits::rejoin(write.connection(), conversation)? else {
                return commits::want_rejoin(write, conversation, ids.client_id());
            };
            let request = rejoin.request.as_deref().map(decode_frame);
            if let Some(Ok((_, Frame::Commit(commit)))) = request {
                mls.forget_unreadable(conversation, commit.incarnation)?;
            }
            commits::set_rejoin_request(write, conversation, None)
        })?;
        self.pause(conversation, PAUSE);
        Ok(())
    }
}
