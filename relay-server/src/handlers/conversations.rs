//! Making conversations and changing their groups.

use std::sync::Arc;

use protocol::{
    Commit, Committed, CreateConversation, DeclineRequest, Digest, ErrorCode, FetchGroup, Frame,
    Refusal, Welcome,
};

use super::Answer;
use crate::{
    groups::{self, Founding, Proposed},
    node::Node,
    session::{Activity, Session},
    store::{CommitDone, Done, NewCommit, NewConversation, Prior, call},
};

/// Makes the direct conversation of two accounts, or begins a new incarnation of it.
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
    let known = match create.incarnation {
        Some(_) => node.store.head(caller, create.conversation).await?,
        None => None,
    };
    match known {
        Some(seen) => node
            .limits
            .commit(caller.account, create.conversation, seen.regard)?,
        // before the commit is looked at: what is wrong with it would tell one who is blocked from one who asks for nobody
        None if !node.store.sees(caller, create.peer).await? => {
            return Err(Refusal::new(ErrorCode::NoConsent));
        }
        None => {}
    }
    let size = create.commit.len() + create.group_info.len() + weight(&create.welcomes);
    node.limits.bytes(caller.account, size)?;
    let devices = node
        .store
        .devices(vec![caller.account, create.peer])
        .await?;
    let founding = Founding {
        group_info: create.founding.0,
        conversation: create.conversation,
        incarnation: create.incarnation.unwrap_or(0),
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
        committer: valid.committer,
        conversation: create.conversation,
        incarnation: create.incarnation.unwrap_or(0),
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
        incarnation: create.incarnation,
        most_requests: node.config.quotas.requests,
        commit,
    };
    let committed = call(|done| {
        let done = published(node, session, done);
        session.hand_over(|| node.store.create_conversation(request, done));
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
    // commits of one conversation are validated one after the other, so that racers find the winner here, and a repeat its
    // first answer although the first was still on its way to the disk when it came
    let place = node.groups.place(commit.conversation).await;
    if let Some(prior) = node
        .store
        .prior(caller.device_row, commit.client_id)
        .await?
    {
        return first_answer(prior, digest);
    }
    let seen = node.store.head(caller, commit.conversation).await?;
    let seen = seen
        .filter(|seen| seen.member || groups::is_external(&commit.commit.0))
        .ok_or(Refusal::new(ErrorCode::NotMember))?;
    let head = seen.head;
    if (head.incarnation, head.epoch) != (commit.incarnation, commit.epoch) {
        return Err(head.stale());
    }
    session.spend(Activity::Request)?;
    node.limits
        .commit(caller.account, commit.conversation, seen.regard)?;
    let size = commit.commit.len() + commit.group_info.len() + weight(&commit.welcomes);
    node.limits.bytes(caller.account, size)?;
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
        .advance(
            &*node.store,
            commit.conversation,
            (commit.incarnation, commit.epoch),
            proposed,
        )
        .await?;
    let request = NewCommit {
        caller,
        committer: valid.committer,
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
    let committed = call(|done| {
        let done = published(node, session, done);
        session.hand_over(|| node.store.commit(request, done));
    })
    .await?;
    crate::KillPoint::CommittedBeforeAnswer.reach();
    live.keep();
    Ok(Frame::from(committed))
}

/// What an external commit needs, for any device of the two accounts.
pub(super) async fn fetch_group(node: &Node, session: &Session, fetch: &FetchGroup) -> Answer {
    let seen = node
        .store
        .head(session.identity, fetch.conversation)
        .await?;
    seen.ok_or(Refusal::new(ErrorCode::NotMember))?;
    let place = node.groups.place(fetch.conversation).await;
    let state = place.export(&*node.store, fetch.conversation).await?;
    Ok(Frame::from(state))
}

/// Ends a conversation that the other account asked for.
pub(super) async fn decline(
    node: &Arc<Node>,
    session: &Session,
    decline: &DeclineRequest,
) -> Answer {
    let ending = Arc::clone(node);
    call(|done: Done<()>| {
        node.store.decline(
            session.identity,
            decline.conversation,
            Box::new(move |outcome| {
                done(outcome.map(|ended| {
                    if let Some(ended) = ended {
                        ending.delivery.ended(&ending.registry, &ended);
                    }
                }));
            }),
        );
    })
    .await?;
    crate::KillPoint::DeclinedBeforeAnswer.reach();
    Ok(Frame::from(protocol::Done {}))
}

fn weight(welcomes: &[Welcome]) -> usize {
    welcomes.iter().map(|welcome| welcome.bytes.len()).sum()
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
                let made = change.made.then_some(change.conversation);
                node.delivery.changed(&node.registry, account, change);
                if let Some(known) = made.and_then(|id| node.delivery.conversation(id)) {
                    node.presence.introduce(&known);
                }
            }
            committed
        }));
    })
}
