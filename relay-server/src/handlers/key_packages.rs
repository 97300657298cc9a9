//! Publishing and claiming key packages.

use std::sync::Arc;

use protocol::{
    ClaimKeyPackages, Claimed, ErrorCode, Frame, Opaque, PublishKeyPackages, Refusal, cbor,
};

use super::Answer;
use crate::{
    groups,
    node::Node,
    session::{Activity, Session},
    store::{NewClaim, NewKeyPackages, call},
};

pub(super) async fn publish(node: &Node, session: &Session, publish: PublishKeyPackages) -> Answer {
    let PublishKeyPackages {
        packages,
        last_resort,
        replace,
    } = publish;
    let caller = session.identity;
    let devices = node.store.devices(vec![caller.account]).await?;
    let device = devices
        .into_iter()
        .find(|device| device.device == caller.device);
    let device = device.ok_or(Refusal::new(ErrorCode::NotAuthenticated))?;
    let relay = node.relay_id;
    let now = node.environment.clock.now();
    let checked = node.workers.run(move || {
        let check = |package: Opaque| groups::check_key_package(package.0, relay, &device, now);
        let packages: Option<Vec<_>> = packages.into_iter().map(check).collect();
        let last_resort = match last_resort {
            Some(package) => Some(check(package)?),
            None => None,
        };
        Some((packages?, last_resort))
    });
    let Some(Some((packages, last_resort))) = checked.await else {
        return Err(Refusal::new(ErrorCode::BadIdentity));
    };
    let request = NewKeyPackages {
        caller,
        packages,
        last_resort,
        replace,
        most: node.config.quotas.key_packages,
    };
    let count = call(|done| node.store.publish_key_packages(request, done)).await?;
    crate::KillPoint::PublishedBeforeAnswer.reach();
    Ok(Frame::from(count))
}

pub(super) async fn claim(node: &Arc<Node>, session: &Session, claim: &ClaimKeyPackages) -> Answer {
    let caller = session.identity;
    let within = session
        .spend(Activity::Request)
        .and_then(|()| node.limits.claim(caller.account, claim.account));
    let request = NewClaim {
        caller,
        account: claim.account,
        client_id: claim.client_id,
        limited: within.err(),
    };
    let reply = call(|done| node.store.claim_key_packages(request, done)).await?;
    // it is kept for those who ask again
    node.limits.charge(caller.account, reply.len());
    crate::KillPoint::ClaimedBeforeAnswer.reach();
    let claimed: Claimed = cbor::decode(&reply).map_err(|_| Refusal::new(ErrorCode::Internal))?;
    Ok(Frame::from(claimed))
}
