//! A group that no way leads back into is set up anew: the third step of the ladder.

use protocol::{ConversationId, ErrorCode, Refusal};
use tracing::warn;

use crate::{
    engine::{
        Engine,
        ids::Ids,
        opening::{give_up_queued, uncount},
    },
    error::Result,
    model::{ConversationKey, ConversationState, Standing},
    store::{
        WriteTransaction, commits,
        conversations::{self, ConversationRow},
        openings,
    },
};

/// No conversation gets so far: relays take small steps only.
const MOST_INCARNATION: u32 = 1 << 31;

impl Engine {
    /// There is no way back into the group: it is set up anew, where the other is known; else it is forgotten.
    pub(super) fn give_up_rejoin(&mut self, conversation: ConversationId) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write(|write| {
            commits::delete_rejoin(write, conversation)?;
            let Some(row) = conversations::row_of(write.connection(), conversation)? else {
                warn!("a conversation that this device was invited to cannot be entered");
                return Ok(());
            };
            if row.state != ConversationState::Established || row.standing == Standing::Requested {
                return Ok(());
            }
            want_reset(write, &row, row.incarnation, &ids)
        })?;
        self.resume_openings()
    }

    /// Somebody else set the group up anew, or the relay refuses that we do.
    pub(super) fn reset_refused(
        &mut self,
        key: ConversationKey,
        opening: &openings::Opening,
        refusal: &Refusal,
    ) -> Result<()> {
        if refusal.code.retryable() || refusal.code == ErrorCode::NoKeyPackages {
            return self.hold_longer(key, refusal.retry_after);
        }
        let ids = Ids::draw(self.seams.random.as_mut())?;
        // the two have another conversation: what nobody got of this one goes there
        let other = refusal
            .conversation
            .filter(|_| refusal.code == ErrorCode::Exists);
        let gone = matches!(
            refusal.code,
            // the last: the other has declined the request that it was
            ErrorCode::NoConsent | ErrorCode::Exists | ErrorCode::IdConflict
        );
        self.write_mls(|write, mls| {
            let row = conversations::row(write.connection(), key)?;
            uncount(write, opening)?;
            openings::delete(write, key)?;
            if let Some(mut group) = mls.load(row.conversation, opening.incarnation)? {
                group.delete()?;
            }
            if let Some(other) = other.filter(|other| *other != row.conversation) {
                return commits::want_unknown(write, other, ids.client_id());
            }
            if gone {
                // the other ended the conversation
                let refused = ConversationState::Refused;
                conversations::set_state(write, key, row.conversation, row.incarnation, refused)?;
                return give_up_queued(write, key);
            }
            // whoever was first has invited us: if the welcome does not come, we come by ourselves
            commits::want_rejoin(write, row.conversation, ids.client_id())
        })?;
        if refusal.code != ErrorCode::StaleEpoch {
            self.pause_longer(key)?;
        }
        self.resume_commits()
    }
}

/// Wants a group to be set up anew, in the incarnation after one, unless that has begun.
pub(super) fn want_reset(
    write: &WriteTransaction<'_>,
    row: &ConversationRow,
    former: u32,
    ids: &Ids,
) -> Result<()> {
    if openings::load(write.connection(), row.key)?.is_some() {
        return Ok(());
    }
    let Some(incarnation) = next_incarnation(former) else {
        return end(write, row);
    };
    warn!("a conversation is set up anew");
    openings::insert(
        write,
        &openings::Opening {
            conversation: row.key,
            secret: None,
            invited: false,
            claim_id: ids.client_id(),
            client_id: ids.client_id(),
            request: None,
            incarnation,
        },
    )
}

/// The incarnation after one; `None` where so many were used up that no honest peer and relay can have done it.
fn next_incarnation(incarnation: u32) -> Option<u32> {
    incarnation
        .checked_add(1)
        .filter(|next| *next <= MOST_INCARNATION)
}

/// No way leads on in a conversation: that is shown, and what waits there fails.
fn end(write: &WriteTransaction<'_>, row: &ConversationRow) -> Result<()> {
    warn!("the incarnations of a conversation are used up");
    let refused = ConversationState::Refused;
    conversations::set_state(write, row.key, row.conversation, row.incarnation, refused)?;
    give_up_queued(write, row.key)
}
