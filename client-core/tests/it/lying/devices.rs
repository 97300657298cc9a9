//! A second device of the peer's account, and lists of devices that the account never published.

use client_core::{
    crypto::{AccountKeys, NewDevice},
    seams::SeededRandom,
};
use ed25519_dalek::SigningKey;
use minicbor::{Decode, Encode, bytes::ByteVec};
use protocol::{DeviceId, Key, Opaque, RelayId, cbor, identity::Manifest};

use crate::peer::{NOW, Peer};

/// The stored form of [`AccountKeys`].
#[derive(Encode, Decode)]
#[cbor(map)]
struct Stored {
    #[n(0)]
    version: u8,
    #[n(1)]
    relay: RelayId,
    #[n(2)]
    device: DeviceId,
    #[n(3)]
    root_public: Key,
    #[n(4)]
    root_key: Option<ByteVec>,
    #[n(5)]
    dsk: ByteVec,
    #[n(6)]
    leaf_key: ByteVec,
    #[n(7)]
    login_key: ByteVec,
    #[n(8)]
    dsk_certificate: Opaque,
    #[n(9)]
    device_certificate: Opaque,
}

/// Another device of an account, the manifest that brings it, and the one after, which revokes it.
pub(crate) struct Tablet {
    pub(crate) device: Peer,
    pub(crate) second: Vec<u8>,
    pub(crate) third: Vec<u8>,
}

impl Tablet {
    pub(crate) fn of(owner: &Peer, fresh: &Peer) -> Self {
        let first = owner.keys.manifest();
        let lent = Manifest::open(&fresh.keys.manifest()).unwrap().devices[0]
            .0
            .clone();
        let new = NewDevice {
            device: lent.device,
            leaf_key: lent.leaf_key,
            login_key: lent.login_key,
        };
        let second = owner.keys.next_manifest(&first, &[new], &[], NOW).unwrap();
        let revoked = [lent.device];
        let third = owner
            .keys
            .next_manifest(&second, &[], &revoked, NOW)
            .unwrap();
        let certificate = Manifest::open(&second).unwrap().devices[1].1.clone();
        let own: Stored = cbor::decode(&owner.keys.to_bytes()).unwrap();
        let fresh: Stored = cbor::decode(&fresh.keys.to_bytes()).unwrap();
        let stored = Stored {
            device: fresh.device,
            leaf_key: fresh.leaf_key,
            login_key: fresh.login_key,
            device_certificate: certificate,
            ..own
        };
        let keys = AccountKeys::from_bytes(&cbor::encode(&stored)).unwrap();
        Self {
            device: Peer::with_keys(keys, SeededRandom::new(99)),
            second,
            third,
        }
    }
}

/// What an account never published, under its true signature.
pub(crate) fn sign_as(owner: &Peer, manifest: &Manifest) -> Vec<u8> {
    let own: Stored = cbor::decode(&owner.keys.to_bytes()).unwrap();
    manifest.sign(&SigningKey::from_bytes(
        own.dsk.as_slice().try_into().unwrap(),
    ))
}
