//! Making conversations and changing their groups.

use std::sync::Arc;

use protocol::{Commit, Committed, CreateConversation, Digest, ErrorCode, Frame, Refusal};

use super::Answer;
use crate::{
    groups::{Founding, Proposed},
    node::Node,
    session::{Activity, Session},
    store::{CommitDone, Done, NewCommit, NewConversation, Prior, call},
};

/// Makes the direct conversation of two accounts.
pub(super) async fn create(
    node: &Arc<Node>,
    session: &Arc<Session>,
    create: CreateConversation,
) -> Answer {
    let caller = session.identity;
    let digest = Digest::of(&[&create.commit.0]);
    if let Some(prior) = node
        .store
        .prior(caller.device_row, create.client_id)
        .await?
    {
        return first_answer(prior, digest);
    }
    if create.peer == caller.account {
        return Err(Refusal::new(ErrorCode::NoConsent));
    }
    session.spend(Activity::Request)?;
    let devices = node
        .store
        .devices(vec![caller.account, create.peer])
        .await?;
    let founding = Founding {
        group_info: create.founding.0,
        conversation: create.conversation,
        accounts: (caller.account, create.peer),
    };
    let proposed = Proposed {
        relay: node.relay_id,
        caller,
        bytes: create.commit.0.clone(),
        welcomes: create.welcomes,
        group_info: create.group_info.0.clone(),
        devices,
    };
    let place = node.groups.place(create.conversation).await;
    let (live, valid) = place.found(founding, proposed).await?;
    let commit = NewCommit {
        caller,
        conversation: create.conversation,
        incarnation: 0,
        epoch: 0,
        client_id: create.client_id,
        digest,
        bytes: create.commit.0,
        added: valid.added,
        removed: valid.removed,
        group_info: create.group_info.0,
        snapshot: valid.snapshot,
    };
    let request = NewConversation {
        peer: create.peer,
        token: create.token.map(|token| token.stored_hash()),
        commit,
    };
    let committed = call(|done| {
        node.store
            .create_conversation(request, published(node, session, done))
    })
    .await?;
    crate::KillPoint::CreatedBeforeAnswer.reach();
    live.keep();
    Ok(Frame::from(committed))
}

/// Changes a group, if its epoch is still the one that the commit ends.
pub(super) async fn commit(node: &Arc<Node>, session: &Arc<Session>, commit: Commit) -> Answer {
    let caller = session.identity;
    let digest = Digest::of(&[&commit.commit.0]);
    if let Some(prior) = node
        .store
        .prior(caller.device_row, commit.client_id)
        .await?
    {
        return first_answer(prior, digest);
    }
    // commits of one conversation are validated one after the other, so that racers find the winner here
    let place = node.groups.place(commit.conversation).await;
    let head = node
        .store
        .head(caller.device_row, commit.conversation)
        .await?;
    let head = head.ok_or(Refusal::new(ErrorCode::NotMember))?;
    if (head.incarnation, head.epoch) != (commit.incarnation, commit.epoch) {
        return Err(head.stale());
    }
    session.spend(Activity::Request)?;
    let accounts = vec![head.low, head.high];
    let proposed = Proposed {
        relay: node.relay_id,
        caller,
        bytes: commit.commit.0.clone(),
        welcomes: commit.welcomes,
        group_info: commit.group_info.0.clone(),
        devices: node.store.devices(accounts).await?,
    };
    let (live, valid) = place
        .advance(&*node.store, commit.conversation, commit.epoch, proposed)
        .await?;
    let request = NewCommit {
        caller,
        conversation: commit.conversation,
        incarnation: commit.incarnation,
        epoch: commit.epoch,
        client_id: commit.client_id,
        digest,
        bytes: commit.commit.0,
        added: valid.added,
        removed: valid.removed,
        group_info: commit.group_info.0,
        snapshot: valid.snapshot,
    };
    let committed = call(|done| node.store.commit(request, published(node, session, done))).await?;
    live.keep();
    Ok(Frame::from(committed))
}

fn first_answer(prior: Prior, digest: Digest) -> Answer {
    if prior.digest == digest {
        Ok(Frame::from(Committed {
            seq: prior.seq,
            time: prior.time,
        }))
    } else {
        Err(Refusal::new(ErrorCode::IdConflict))
    }
}

/// Pushes the change, in the order of the log, before the request is answered.
fn published(node: &Arc<Node>, session: &Arc<Session>, done: Done<Committed>) -> Done<CommitDone> {
    let node = Arc::clone(node);
    let account = session.identity.account;
    Box::new(move |outcome| {
        done(outcome.map(|CommitDone { committed, change }| {
            if let Some(change) = change {
                node.delivery.changed(&node.registry, account, change);
            }
            committed
        }));
    })
}
