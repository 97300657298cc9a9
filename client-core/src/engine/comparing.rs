//! Whether this device is still where the others are: an entry that cannot be opened may be of another branch of the group.
//!
//! A relay that tells two people of two winners of one epoch, or of a commit that it never took, leaves each alone in a branch
//! of its own. What the others write does not open then, and nobody would ever notice. So the state that the relay has is
//! compared with ours, a few times at most: where it is another, this device comes back by the ladder.

use protocol::{ConversationId, FetchGroup, GroupState, StreamId};
use tracing::warn;

use crate::{
    crypto::Mls,
    engine::{Engine, ids::Ids, requests::Request},
    error::Result,
    store::{WriteTransaction, commits, conversations, openings, streams},
};

/// Comparisons of one conversation on one connection, whatever comes that cannot be opened.
const MOST_COMPARISONS: u32 = 5;

/// What a comparison shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// The same state, or one that this device is about to reach: the entry was damaged in itself.
    Same,
    /// The answer is older than what came since the question.
    Outdated,
    /// Another branch: this device wants to come back.
    Other,
}

impl Engine {
    /// Compares a conversation in which something could not be opened.
    pub(super) fn compare(&mut self, conversation: ConversationId) -> Result<()> {
        let busy = self.in_flight(
            |request| matches!(request, Request::Compare { conversation: other } if *other == conversation),
        );
        let comes_back = commits::rejoin(self.database.connection(), conversation)?.is_some();
        let compared = self.compared.entry(conversation).or_default();
        if busy || comes_back || *compared >= MOST_COMPARISONS {
            return Ok(());
        }
        *compared = compared.saturating_add(1);
        let frame = FetchGroup { conversation };
        self.request(Request::Compare { conversation }, &frame.into());
        Ok(())
    }

    /// The state of the group, as the relay has it.
    pub(super) fn compared(
        &mut self,
        conversation: ConversationId,
        state: &GroupState,
    ) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let found = self.write_mls(|write, mls| {
            let found = find(write, mls, conversation, state)?;
            if found == Found::Other {
                warn!("the relay shows another branch of a group than this device is in");
                commits::want_rejoin(write, conversation, ids.client_id())?;
            }
            Ok(found)
        })?;
        match found {
            Found::Same => Ok(()),
            Found::Outdated => self.compare(conversation),
            Found::Other => self.resume_commits(),
        }
    }
}

fn find(
    write: &WriteTransaction<'_>,
    mls: &Mls<'_>,
    conversation: ConversationId,
    state: &GroupState,
) -> Result<Found> {
    let Some(row) = conversations::row_of(write.connection(), conversation)? else {
        return Ok(Found::Same);
    };
    if openings::load(write.connection(), row.key)?.is_some() {
        // it is being made, or set up anew
        return Ok(Found::Same);
    }
    let cursor = streams::cursor(write.connection(), StreamId::Conversation(conversation))?;
    if state.seq < cursor {
        return Ok(Found::Outdated);
    }
    let group = mls.load(conversation, row.incarnation)?;
    let Some(group) = group else {
        return Ok(Found::Other);
    };
    let (ours, shown) = (
        (row.incarnation, group.epoch()?),
        (state.incarnation, state.epoch),
    );
    Ok(if ours == shown {
        if group.is_state(&state.group_info.0)? {
            Found::Same
        } else {
            Found::Other
        }
    } else if ours < shown && cursor < state.seq {
        // the commits that lead there are on their way
        Found::Same
    } else {
        Found::Other
    })
}
