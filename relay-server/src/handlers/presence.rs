//! Showing and hiding that a device is connected.

use std::sync::Arc;

use protocol::{Announce, Done, Frame};

use super::Answer;
use crate::{node::Node, presence::Farewell, session::Session};

pub(super) fn announce(node: &Node, session: &Arc<Session>, announce: &Announce) -> Answer {
    let before = session.set_announce(announce.announce);
    if before != announce.announce {
        let conversations: Vec<_> = session.with_push(|push| push.conversations().collect());
        if announce.announce {
            node.presence
                .arrive(&node.delivery, session, &conversations);
        } else {
            conversations
                .iter()
                .filter_map(|id| node.delivery.conversation(*id))
                .for_each(|conversation| conversation.hide(session));
            node.presence
                .depart(&node.delivery, session, conversations, Farewell::Now);
        }
    }
    Ok(Frame::from(Done {}))
}
