//! Links of an account.

use protocol::{Done, EndLink, ErrorCode, Frame, NewLink, Refusal};

use super::Answer;
use crate::{
    node::Node,
    session::Session,
    store::{Caller, NewLinkRow, call},
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(super) async fn new_link(node: &Node, session: &Session, link: &NewLink) -> Answer {
    let quotas = &node.config.quotas;
    let now = node.environment.clock.now();
    let latest = now + u64::from(quotas.link_days) * DAY_MS;
    // nobody could ever use it
    if link.uses == 0 || link.expires <= now {
        return Err(Refusal::new(ErrorCode::BadLink));
    }
    if link.uses > quotas.link_uses || link.expires > latest {
        return Err(Refusal::new(ErrorCode::Quota));
    }
    let row = NewLinkRow {
        token: link.token.stored_hash(),
        invite: link.invite,
        uses: link.uses,
        expires: link.expires,
        most: quotas.links,
    };
    call(|done| {
        node.store
            .new_link(Caller::Device(session.identity), row, done)
    })
    .await?;
    crate::KillPoint::LinkedBeforeAnswer.reach();
    Ok(Frame::from(Done {}))
}

pub(super) async fn end_link(node: &Node, session: &Session, link: &EndLink) -> Answer {
    let token = link.token.stored_hash();
    call(|done| node.store.end_link(session.identity, token, done)).await?;
    Ok(Frame::from(Done {}))
}
