//! Taking the next manifest of an account: what it says of itself, and what it may change.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{AccountId, DeviceId, Digest, ErrorCode, Refusal, identity::Manifest};

use crate::{
    node::Node,
    store::{Coming, Done, NewDevice, NewManifest, call},
};

/// How a manifest stands to the one that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// It is the next one of the chain.
    Directly,
    /// It is a later one: the store was restored, and those in between are lost.
    Later,
}

/// Opens a manifest of this relay, on a worker.
pub(crate) async fn open(node: &Node, bytes: Bytes) -> Result<Manifest, Refusal> {
    let opened = node.workers.run(move || Manifest::open(&bytes));
    let opened = opened.await.ok_or(Refusal::new(ErrorCode::Internal))?;
    opened
        .ok()
        .filter(|manifest| {
            let mut certificates = manifest.devices.iter().map(|(certificate, _)| certificate);
            certificates.all(|certificate| certificate.relay == node.relay_id)
        })
        .ok_or(Refusal::new(ErrorCode::BadIdentity))
}

/// Takes a manifest that was opened. Devices that it revokes are disconnected once that is durable. The one that is held
/// is taken again.
pub(crate) async fn adopt(
    node: &Arc<Node>,
    account: AccountId,
    (opened, bytes): (&Manifest, Bytes),
    follows: Follows,
) -> Result<(), Refusal> {
    let refused = || Refusal::new(ErrorCode::BadIdentity);
    let held = node.store.manifest(account).await?.ok_or_else(refused)?;
    if held == bytes {
        return Ok(());
    }
    let digest = Digest::of(&[&held]);
    let before = open(node, held.into()).await?;
    let in_order = match follows {
        Follows::Directly => {
            before.number.checked_add(1) == Some(opened.number) && opened.previous == Some(digest)
        }
        Follows::Later => opened.number > before.number,
    };
    if !in_order || opened.account() != account || opened.dsk.version < before.dsk.version {
        return Err(refused());
    }
    let request = NewManifest {
        account,
        held: digest,
        number: opened.number,
        bytes,
        devices: devices(opened),
        coming: match follows {
            Follows::Directly => Coming::Anew,
            Follows::Later => Coming::Back,
        },
        revoked: opened.revoked.clone(),
    };
    let revoking = Arc::clone(node);
    call(|done: Done<()>| {
        node.store.publish_manifest(
            request,
            Box::new(move |outcome| {
                done(outcome.map(|revoked| disconnect(&revoking, &revoked)));
            }),
        );
    })
    .await?;
    crate::KillPoint::ManifestBeforeAnswer.reach();
    Ok(())
}

/// The devices that a manifest certifies.
pub(crate) fn devices(manifest: &Manifest) -> Vec<NewDevice> {
    let certificates = manifest.devices.iter().map(|(certificate, _)| certificate);
    certificates
        .map(|certificate| NewDevice {
            device: certificate.device,
            login_key: certificate.login_key,
            leaf_key: certificate.leaf_key,
        })
        .collect()
}

fn disconnect(node: &Node, revoked: &[DeviceId]) {
    for session in revoked
        .iter()
        .filter_map(|device| node.registry.get(*device))
    {
        session.revoke();
    }
}
