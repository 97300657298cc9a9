//! Whether a list of devices may take the place of the one that is known.
//!
//! A relay keeps an account's newest list only, so that somebody who was away never gets those between. What a later list must
//! hold is therefore read from the two alone, however many lie between: devices do not vanish, who is out stays out, and a
//! device-signing key that was replaced never counts again. A thief who has such a key, and a relay that helps, get no further.

use protocol::{
    DeviceId, Digest,
    identity::{DeviceCertificate, Manifest},
};

/// Checks a list against another one, the known, of the same account; the bytes of the two differ.
///
/// The root key has the last word: under a newer device-signing key a list counts whatever its number, because the numbers that
/// came after the last list that the account itself saw are those of a thief, or were lost by the relay. And whomever it leaves out:
/// a thief may have filled up the list before, and what the former key certified is over.
///
/// # Errors
/// What contradicts the known one.
pub(super) fn check(
    known: &Manifest,
    known_bytes: &[u8],
    next: &Manifest,
) -> Result<(), &'static str> {
    if next.dsk.version < known.dsk.version {
        return Err("a list of devices is signed by a key that was replaced");
    }
    let is_back = |device: &DeviceId| next.device(*device).is_some();
    if known.revoked.iter().any(is_back) {
        return Err("a device is back that was revoked");
    }
    if next.dsk.version > known.dsk.version {
        return Ok(());
    }
    if next.dsk != known.dsk {
        return Err("two device-signing keys have one version");
    }
    if next.number < known.number {
        return Err("the relay showed an older list of devices than before");
    }
    if next.number == known.number {
        return Err("the relay showed two lists of devices of one number");
    }
    let is_next = known.number.checked_add(1) == Some(next.number);
    if is_next && next.previous != Some(Digest::of(&[known_bytes])) {
        return Err("a list of devices does not follow the one before");
    }
    let is_out = |device: &DeviceId| next.revoked.contains(device);
    if !known.revoked.iter().all(is_out) {
        return Err("a list of devices forgets one that was revoked");
    }
    let stays = |device: &DeviceCertificate| {
        let same = next
            .device(device.device)
            .is_some_and(|it| (it.leaf_key, it.login_key) == (device.leaf_key, device.login_key));
        same || is_out(&device.device)
    };
    if !known.devices.iter().all(|(device, _)| stays(device)) {
        return Err("a device is gone from a list that does not revoke it");
    }
    Ok(())
}
