//! Signals: handed to who is connected, the newest perhaps kept for who connects later, never stored, dropped first under
//! load.

use std::sync::Arc;

use protocol::{Signal, SignalPush};

use crate::{
    node::Node,
    session::{Activity, Session},
};

pub(super) fn signal(node: &Node, session: &Arc<Session>, signal: Signal) {
    let Signal {
        conversation,
        bytes,
        keep,
    } = signal;
    let member = session.with_push(|push| push.is_member(conversation));
    if keep && !session.announces() {
        return;
    }
    // one too many is dropped without a word: it was only ever a hint
    if !member || session.spend(Activity::Signal).is_err() {
        return;
    }
    if let Some(known) = node.delivery.conversation(conversation) {
        known.signal(
            session,
            &SignalPush {
                conversation,
                sender: session.identity.device,
                bytes,
                keep,
            },
            &node.delivery.room,
        );
    }
}
