//! Taking the next manifest of an account: what it says of itself, and what it may change.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use protocol::{AccountId, DeviceId, Digest, ErrorCode, Refusal, identity::Manifest};

use crate::{
    node::Node,
    store::{Coming, Done, NewDevice, NewManifest, call},
};

/// How far a list that comes back may be ahead of the one that a backup has: more than anybody changes devices in between, and
/// too few for a thief to use the numbers up.
pub(crate) const MOST_LOST: u64 = 1 << 16;

/// How a manifest stands to the one that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follows {
    /// It is the next one of the chain, or made under a newer device-signing key.
    Directly,
    /// It is a later one: the store was restored, and those in between are lost.
    Later,
}

/// Whether a list takes the place of the one that is held, although it does not follow it. Under a newer device-signing key it does
/// whatever its number: the root key has the last word over lists that it never saw, however many a stolen device made since.
pub(crate) fn is_newer(opened: &Manifest, held: &Manifest) -> bool {
    (opened.dsk.version, opened.number) > (held.dsk.version, held.number)
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
    let by_newer_key = opened.dsk.version > before.dsk.version;
    let in_order = match follows {
        Follows::Directly if !by_newer_key => {
            before.number.checked_add(1) == Some(opened.number) && opened.previous == Some(digest)
        }
        Follows::Directly | Follows::Later => {
            let ahead = opened.number.saturating_sub(before.number);
            is_newer(opened, &before) && opened.number > 1 && ahead <= MOST_LOST
        }
    };
    if !in_order || opened.account() != account || opened.dsk.version < before.dsk.version {
        return Err(refused());
    }
    if follows == Follows::Directly && !names_own(node, opened, &before).await? {
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
        by_newer_key,
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

/// Whether all that are out were devices of the account: a list is not filled up with others, so that there is no room for the
/// next one. Those that the list before has are known by that: a restore may have lost them.
async fn names_own(node: &Node, opened: &Manifest, before: &Manifest) -> Result<bool, Refusal> {
    let devices = node.store.devices(vec![opened.account()]).await?;
    let known: BTreeSet<_> = devices.iter().map(|device| &device.device).collect();
    let known: BTreeSet<_> = known.into_iter().chain(&before.revoked).collect();
    Ok(opened.revoked.iter().all(|device| known.contains(device)))
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
