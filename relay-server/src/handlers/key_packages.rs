//! Publishing and claiming key packages.

use std::sync::Arc;

use protocol::{ClaimKeyPackages, Claimed, ErrorCode, Frame, PublishKeyPackages, Refusal, cbor};

use super::Answer;
use crate::{
    groups,
    node::Node,
    session::Session,
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
    let checked = node.workers.run(move || {
        let valid = packages
            .iter()
            .chain(&last_resort)
            .all(|package| groups::check_key_package(&package.0, relay, &device));
        valid.then_some((packages, last_resort))
    });
    let Some(Some((packages, last_resort))) = checked.await else {
        return Err(Refusal::new(ErrorCode::BadIdentity));
    };
    let request = NewKeyPackages {
        caller,
        packages: packages.into_iter().map(|package| package.0).collect(),
        last_resort: last_resort.map(|package| package.0),
        replace,
        most: node.config.quotas.key_packages,
    };
    let count = call(|done| node.store.publish_key_packages(request, done)).await?;
    Ok(Frame::from(count))
}

pub(super) async fn claim(node: &Arc<Node>, session: &Session, claim: &ClaimKeyPackages) -> Answer {
    let request = NewClaim {
        caller: session.identity,
        account: claim.account,
        client_id: claim.client_id,
        limited: node.limits.claim(session.identity.account).err(),
    };
    let reply = call(|done| node.store.claim_key_packages(request, done)).await?;
    let claimed: Claimed = cbor::decode(&reply).map_err(|_| Refusal::new(ErrorCode::Internal))?;
    Ok(Frame::from(claimed))
}
