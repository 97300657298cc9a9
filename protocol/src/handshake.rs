//! The bytes that are signed in the handshake.
//!
//! Each message starts with its own context string, and covers the bytes of the frames before it, so that no signature
//! can be moved to another connection, another relay, another version or another purpose.

use crate::{
    AccountId, Challenge, DeviceId, Digest, Frame, Hello, RelayId, Signature, Token, encode_frame,
};

/// How long a challenge may be answered, in seconds.
pub const CHALLENGE_LIFETIME_S: u64 = 30;

/// What the relay's identity key signs in [`Challenge`]: context ‖ SHA-256(hello frame) ‖ SHA-256(challenge frame with a
/// signature of zeros). The frames are taken with id 0, as they travel.
#[must_use]
pub fn challenge_message(hello: &Hello, challenge: &Challenge) -> Vec<u8> {
    let mut message = b"relevo challenge 1".to_vec();
    message.extend_from_slice(digest(&hello.clone().into()).as_bytes());
    let unsigned = Challenge {
        signature: Signature::new([0; 64]),
        ..challenge.clone()
    };
    message.extend_from_slice(digest(&unsigned.into()).as_bytes());
    message
}

/// What the login key signs in [`crate::Prove`]: context ‖ SHA-256(hello) ‖ SHA-256(challenge) ‖ account ‖ device.
#[must_use]
pub fn login_message(
    hello: &Hello,
    challenge: &Challenge,
    account: AccountId,
    device: DeviceId,
) -> Vec<u8> {
    let mut message = b"relevo login 1".to_vec();
    push_client(&mut message, hello, challenge, account, device);
    message
}

/// What the login key signs in [`crate::Register`]: context ‖ SHA-256(hello) ‖ SHA-256(challenge) ‖ account ‖ device ‖
/// SHA-256(manifest) ‖ token.
#[must_use]
pub fn registration_message(
    hello: &Hello,
    challenge: &Challenge,
    account: AccountId,
    device: DeviceId,
    manifest: &[u8],
    token: &Token,
) -> Vec<u8> {
    let mut message = b"relevo register 1".to_vec();
    push_client(&mut message, hello, challenge, account, device);
    message.extend_from_slice(Digest::of(&[manifest]).as_bytes());
    message.extend_from_slice(token.as_bytes());
    message
}

/// What the login key signs in [`crate::Enroll`]: context ‖ SHA-256(hello) ‖ SHA-256(challenge) ‖ account ‖ device ‖
/// SHA-256(manifest).
#[must_use]
pub fn enrolment_message(
    hello: &Hello,
    challenge: &Challenge,
    account: AccountId,
    device: DeviceId,
    manifest: &[u8],
) -> Vec<u8> {
    let mut message = b"relevo enroll 1".to_vec();
    push_client(&mut message, hello, challenge, account, device);
    message.extend_from_slice(Digest::of(&[manifest]).as_bytes());
    message
}

/// What the relay's identity key signs in [`crate::Receipt`]: context ‖ relay ‖ account ‖ time in milliseconds as a
/// big-endian u64.
#[must_use]
pub fn receipt_message(relay: RelayId, account: AccountId, time: u64) -> Vec<u8> {
    let mut message = b"relevo receipt 1".to_vec();
    message.extend_from_slice(relay.as_bytes());
    message.extend_from_slice(account.as_bytes());
    message.extend_from_slice(&time.to_be_bytes());
    message
}

fn push_client(
    message: &mut Vec<u8>,
    hello: &Hello,
    challenge: &Challenge,
    account: AccountId,
    device: DeviceId,
) {
    message.extend_from_slice(digest(&hello.clone().into()).as_bytes());
    message.extend_from_slice(digest(&challenge.clone().into()).as_bytes());
    message.extend_from_slice(account.as_bytes());
    message.extend_from_slice(device.as_bytes());
}

/// A frame decodes to the same value that was encoded, and encoding is deterministic, so both sides hash the same bytes.
/// A field that one side does not know would change the hash: the handshake has none beyond what its version names.
fn digest(frame: &Frame) -> Digest {
    Digest::of(&[&encode_frame(0, frame)])
}
