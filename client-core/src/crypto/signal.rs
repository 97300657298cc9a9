//! Signals: what is transient and never stored, such as "is typing". They are sealed with a key of the epoch and change no
//! state, so that they may be lost, repeated or dropped without harm.

use std::fmt;

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use protocol::{ConversationId, DeviceId};
use zeroize::Zeroizing;

use super::Failure;
use crate::seams::{RandomError, Randomness};

/// Signals are padded to a multiple of this, so that "is typing" and most status texts look like any other.
const PADDING: usize = 192;

const NONCE: usize = 24;

/// The key for the signals of one epoch. May be kept while the epoch lasts.
pub struct SignalKey {
    key: Zeroizing<[u8; Self::LEN]>,
    context: Vec<u8>,
}

impl SignalKey {
    pub(super) const LABEL: &'static str = "relevo signal 1";
    pub(super) const LEN: usize = 32;

    pub(super) fn new(
        secret: Vec<u8>,
        conversation: ConversationId,
        incarnation: u32,
        epoch: u64,
    ) -> Result<Self, Failure> {
        let secret = Zeroizing::new(secret);
        let key = <[u8; Self::LEN]>::try_from(secret.as_slice()).map_err(Failure::library)?;
        let context = [
            &conversation.group_id(incarnation)[..],
            &epoch.to_be_bytes(),
        ]
        .concat();
        Ok(Self {
            key: Zeroizing::new(key),
            context,
        })
    }

    /// Seals a signal of the device `sender`: nonce ‖ XChaCha20-Poly1305 over the padded signal, with group, epoch and sender
    /// as associated data. The relay stamps the sender; one that stamps another is found out.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn seal(
        &self,
        random: &mut dyn Randomness,
        sender: DeviceId,
        signal: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        let mut sealed = nonce(random)?.to_vec();
        let mut padded = Zeroizing::new(signal.to_vec());
        padded.push(0x80);
        let len = padded.len().next_multiple_of(PADDING);
        padded.resize(len, 0);
        let payload = Payload {
            msg: &padded,
            aad: &self.aad(sender),
        };
        let body = XChaCha20Poly1305::new((&*self.key).into())
            .encrypt(XNonce::from_slice(&sealed), payload)
            .map_err(|_| Failure::library("seal a signal"))?;
        sealed.extend(body);
        Ok(sealed)
    }

    /// Opens a signal that the relay stamped with `sender`. `None` for what does not hold: of another epoch, or forged.
    #[must_use]
    pub fn open(&self, sender: DeviceId, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_at_checked(NONCE)?;
        let payload = Payload {
            msg: body,
            aad: &self.aad(sender),
        };
        let mut signal = XChaCha20Poly1305::new((&*self.key).into())
            .decrypt(XNonce::from_slice(nonce), payload)
            .ok()?;
        let end = signal.iter().rposition(|byte| *byte != 0)?;
        (signal.get(end) == Some(&0x80)).then(|| {
            signal.truncate(end);
            signal
        })
    }

    fn aad(&self, sender: DeviceId) -> Vec<u8> {
        [&self.context[..], sender.as_bytes()].concat()
    }
}

impl fmt::Debug for SignalKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SignalKey(…)")
    }
}

fn nonce(random: &mut dyn Randomness) -> Result<[u8; NONCE], RandomError> {
    random.array()
}
