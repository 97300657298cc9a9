//! Who the account is, kept beside the slots: a lost database is replaced by one of the same account, device and leaf.

use minicbor::{Decode, Encode};
use protocol::{Token, cbor};
use zeroize::Zeroizing;

use crate::{
    error::Result,
    keyslots::wrap::{self, Sealed},
    seams::Randomness,
    store::{DatabaseKey, Identity, account},
};

/// Tells this use of the database's key from all others.
const PURPOSE: &[u8] = b"relevo key slots identity 1";
/// Fits every encoding at once, so that a growing buffer leaves no copies of keys behind.
const ENCODED: usize = 16 * 1024;

#[derive(Encode, Decode)]
#[cbor(map)]
struct Stored {
    #[cbor(n(0), with = "minicbor::bytes")]
    keys: Vec<u8>,
    #[n(1)]
    addresses: Vec<String>,
    #[cbor(n(2), with = "minicbor::bytes")]
    manifest: Vec<u8>,
    #[n(3)]
    name: String,
    #[n(4)]
    registration: Option<Token>,
    #[cbor(n(5), with = "minicbor::bytes")]
    receipt: Option<Vec<u8>>,
    /// Absent in those of a version that did not keep it.
    #[n(6)]
    privacy: Option<i64>,
    #[n(7)]
    handle: Option<String>,
}

pub(super) fn seal(
    identity: &Identity,
    key: &DatabaseKey,
    random: &mut dyn Randomness,
) -> Result<Sealed> {
    let mut stored = Stored {
        keys: identity.keys.to_vec(),
        addresses: identity.addresses.clone(),
        manifest: identity.manifest.clone(),
        name: identity.name.clone(),
        registration: identity.registration,
        receipt: identity.receipt.clone(),
        privacy: Some(account::privacy_bits(identity.privacy)),
        handle: identity.handle.clone(),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(ENCODED));
    // writing to memory cannot fail, and what could not be read back would be refused
    let _ = minicbor::encode(&stored, &mut *bytes);
    // wiped by the wrapper that takes it over
    drop(Zeroizing::new(std::mem::take(&mut stored.keys)));
    wrap::seal(
        &*wrap::derive(key.as_bytes(), PURPOSE)?,
        PURPOSE,
        &bytes,
        random,
    )
}

/// `None` where it is damaged or of another key.
pub(super) fn open(sealed: &Sealed, key: &DatabaseKey) -> Option<Identity> {
    let key = wrap::derive(key.as_bytes(), PURPOSE).ok()?;
    let bytes = wrap::open(&key, PURPOSE, sealed)?;
    let stored: Stored = cbor::decode(&bytes).ok()?;
    Some(Identity {
        keys: Zeroizing::new(stored.keys),
        addresses: stored.addresses,
        manifest: stored.manifest,
        name: stored.name,
        registration: stored.registration,
        receipt: stored.receipt,
        privacy: stored
            .privacy
            .map_or(account::DEFAULT_PRIVACY, account::privacy_from),
        handle: stored.handle,
    })
}
