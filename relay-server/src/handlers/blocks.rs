//! The block list of an account.

use std::sync::Arc;

use protocol::{Blocks, Done, Frame, SetBlock};

use super::Answer;
use crate::{
    node::Node,
    session::Session,
    store::{Done as WhenDone, NewBlock, call},
};

/// Blocks an account or ends that, from the next push on.
pub(super) async fn set(node: &Arc<Node>, session: &Session, set: &SetBlock) -> Answer {
    let request = NewBlock {
        caller: session.identity,
        account: set.account,
        blocked: set.blocked,
    };
    let changing = Arc::clone(node);
    call(|done: WhenDone<()>| {
        node.store.set_block(
            request,
            Box::new(move |outcome| {
                done(outcome.map(|conversation| {
                    if let Some(conversation) = conversation {
                        changed(&changing, conversation, request);
                    }
                }));
            }),
        );
    })
    .await?;
    crate::KillPoint::BlockedBeforeAnswer.reach();
    Ok(Frame::from(Done {}))
}

fn changed(node: &Node, conversation: protocol::ConversationId, request: NewBlock) {
    let was_open = node
        .delivery
        .conversation(conversation)
        .is_some_and(|known| known.is_open());
    let account = request.caller.account;
    let known = node
        .delivery
        .blocked(conversation, account, request.blocked);
    let Some(known) = known else {
        return;
    };
    match (was_open, known.is_open()) {
        (true, false) => node.presence.part(&known),
        (false, true) => node.presence.introduce(&known),
        (true, true) | (false, false) => {}
    }
}

pub(super) async fn list(node: &Node, session: &Session) -> Answer {
    let accounts = node.store.blocks(session.identity.account_row).await?;
    Ok(Frame::from(Blocks { accounts }))
}
