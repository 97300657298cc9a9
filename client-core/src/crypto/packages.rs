//! Key packages: what others need to add this device to a group while it is away.

use std::time::Duration;

use openmls::prelude::{
    KeyPackage, KeyPackageBundle, KeyPackageIn, Lifetime, MlsMessageBodyIn, MlsMessageIn,
    MlsMessageOut, ProtocolVersion, tls_codec::DeserializeBytes as _,
};
use openmls_traits::OpenMlsProvider as _;
use protocol::{DeviceId, identity::Manifest};

use super::{Failure, Mls, PackageFault, config, identity};

/// How long a key package may be used to add its device, by the relay's time.
pub const KEY_PACKAGE_LIFETIME: Duration = Duration::from_secs(84 * DAY);

/// How far a leaf's signed lifetime reaches beyond [`KEY_PACKAGE_LIFETIME`].
///
/// The MLS library compares lifetimes with the **computer's** clock whenever a package is added or a commit that adds it is
/// processed, perhaps months later by someone who was away. A wrong clock or a long absence must not throw anybody out of a
/// conversation. So leaves are signed with a lifetime to which no clock objects, and the rule in force, by the relay's time
/// and by both sides, is: usable until `not_after` less this.
pub const CLOCK_GRACE: Duration = Duration::from_secs(3650 * DAY);

const DAY: u64 = 24 * 60 * 60;

/// How long after its expiry the private key of a package stays: a welcome may lie in the inbox for as long as the relay
/// keeps entries.
const WELCOME_RETENTION: u64 = 60 * DAY;

/// How many private keys of packages are kept.
const MOST_PRIVATE: usize = 400;

/// How far the issuer's idea of the relay's time may have been ahead of ours.
const SKEW: u64 = DAY;

/// Whether a key package is for one group or for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastResort {
    /// Handed out when no one-time package is left; its private key stays.
    Yes,
    /// Used once.
    No,
}

pub(super) fn lifetime(now_ms: u64) -> Lifetime {
    let span = KEY_PACKAGE_LIFETIME.saturating_add(CLOCK_GRACE).as_secs();
    Lifetime::init(0, (now_ms / 1000).saturating_add(span))
}

/// Whether a package with this lifetime may be used now, by the relay's time.
fn usable(lifetime: &Lifetime, now_ms: u64) -> bool {
    let now = now_ms / 1000;
    let end = lifetime.not_after().saturating_sub(CLOCK_GRACE.as_secs());
    let longest = now
        .saturating_add(KEY_PACKAGE_LIFETIME.as_secs())
        .saturating_add(SKEW);
    now < end && end <= longest
}

pub(super) fn make(mls: &Mls<'_>, last_resort: LastResort) -> Result<Vec<u8>, Failure> {
    let mut builder = KeyPackage::builder()
        .key_package_lifetime(lifetime(mls.now_ms))
        .leaf_node_capabilities(config::capabilities())
        .leaf_node_extensions(config::leaf_extensions(mls.keys)?);
    if last_resort == LastResort::Yes {
        builder = builder.mark_as_last_resort();
    }
    let bundle = builder
        .build(
            config::SUITE,
            &mls.provider,
            mls.keys,
            config::credential(mls.keys),
        )
        .map_err(Failure::library)?;
    MlsMessageOut::from(bundle.into_key_package())
        .to_bytes()
        .map_err(Failure::library)
}

/// Deletes the private keys of packages that no welcome can name any more, and the oldest of too many: those that a relay or
/// a stranger asked for and that nobody used.
pub(super) fn expire(mls: &Mls<'_>) -> Result<usize, Failure> {
    let store = mls.provider.storage();
    let mut kept = Vec::new();
    let mut expired = 0;
    for (key, bundle) in store.key_packages::<KeyPackageBundle>()? {
        let Some(bundle) = bundle else {
            // nothing opens with it any more, and it must not stop the others
            store.remove_key_package(&key)?;
            expired += 1;
            continue;
        };
        let package = bundle.key_package();
        let end = package
            .life_time()
            .not_after()
            .saturating_sub(CLOCK_GRACE.as_secs());
        if end.saturating_add(WELCOME_RETENTION) < mls.now_ms / 1000 {
            store.remove_key_package(&key)?;
            expired += 1;
        } else {
            kept.push((end, key));
        }
    }
    // the newest first
    kept.sort_by_key(|(end, _)| std::cmp::Reverse(*end));
    for (_, key) in kept.iter().skip(MOST_PRIVATE) {
        store.remove_key_package(key)?;
        expired += 1;
    }
    Ok(expired)
}

/// Reads a package that the relay handed out for a device, and checks all that it says against the account's manifest.
pub(super) fn open(
    mls: &Mls<'_>,
    manifest: &Manifest,
    device: DeviceId,
    bytes: &[u8],
) -> Result<KeyPackage, PackageFault> {
    let package = read(bytes)?
        .validate(mls.provider.crypto(), ProtocolVersion::Mls10)
        .map_err(|_| PackageFault::Invalid)?;
    if package.ciphersuite() != config::SUITE {
        return Err(PackageFault::Invalid);
    }
    let identity = identity::check(package.leaf_node(), mls.keys.relay())?;
    identity::check_manifest(&identity, manifest)?;
    if identity.device.device != device {
        return Err(PackageFault::Identity(super::IdentityFault::Credential));
    }
    if !usable(package.life_time(), mls.now_ms) {
        return Err(PackageFault::Expired);
    }
    Ok(package)
}

fn read(bytes: &[u8]) -> Result<KeyPackageIn, PackageFault> {
    let message =
        MlsMessageIn::tls_deserialize_exact_bytes(bytes).map_err(|_| PackageFault::Invalid)?;
    match message.extract() {
        MlsMessageBodyIn::KeyPackage(package) => Ok(package),
        _ => Err(PackageFault::Invalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000_000;

    #[test]
    fn a_package_is_usable_for_84_days_by_the_relays_time() {
        let lifetime = lifetime(NOW);
        let days = |days: u64| NOW + days * DAY * 1000;
        assert!(usable(&lifetime, NOW));
        assert!(usable(&lifetime, days(84) - 1000));
        assert!(!usable(&lifetime, days(84)));
        assert!(
            usable(&lifetime, NOW - DAY * 1000),
            "the issuer's clock was a little ahead"
        );
        assert!(
            !usable(&lifetime, NOW - 2 * DAY * 1000),
            "valid longer than any package may be"
        );
        assert!(!usable(&Lifetime::init(0, u64::MAX), NOW));
        assert!(!usable(&Lifetime::init(0, 0), NOW));
    }
}
