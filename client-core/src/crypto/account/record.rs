//! The recovery record: root key and device-signing key, sealed by the recovery code. The relay keeps it and cannot open it.

use std::fmt;

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use ed25519_dalek::SigningKey;
use minicbor::{Decode, Encode, bytes::ByteArray};
use protocol::{
    AccountId, Opaque, RelayId, Signature, Token, cbor,
    identity::{DskCertificate, public_key, record_message, sign},
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::AccountKeys;
use crate::{
    crypto::{
        RecoveryCode,
        secret::{self, Secret},
    },
    seams::{RandomError, Randomness},
};

/// The form of the record, outside and inside.
const VERSION: u8 = 1;
/// Bytes that the name takes, whatever it is: its length is nobody's business. The longest name fits.
const NAME: usize = 256;

/// Why no recovery record was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealRecordError {
    /// The root key is not on this device, see [`AccountKeys::forget_root_key`].
    #[error("the root key is not on this device")]
    NoRootKey,
    /// The cipher failed, which it does for nothing of this size.
    #[error("seal a recovery record")]
    Cipher,
    /// See [`RandomError`].
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// Why a recovery record was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// It is not sealed by this code, or is damaged: the two cannot be told apart.
    #[error("the code does not open this record")]
    Unreadable,
    /// It is from a newer version.
    #[error("record of a newer version")]
    TooNew,
}

/// What a recovery code opens. Wiped when dropped; `Debug` shows ids only.
pub struct RecoveryRecord {
    relay: RelayId,
    account: AccountId,
    name: Option<String>,
    pub(super) root_key: SigningKey,
}

impl RecoveryRecord {
    /// Opens a record by its code. The caller compares relay and account with those that it was given for.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn open(code: &RecoveryCode, bytes: &[u8]) -> Result<Self, RecordError> {
        let unreadable = RecordError::Unreadable;
        if matches!(bytes, [0xa1..=0xb7, 0, version, ..] if *version > VERSION) {
            return Err(RecordError::TooNew);
        }
        let sealed: Sealed = cbor::decode(bytes).map_err(|_| unreadable)?;
        let payload = Payload {
            msg: &sealed.body.0,
            aad: &aad(sealed.relay, sealed.account),
        };
        let body = XChaCha20Poly1305::new((&*code.record_key()).into())
            .decrypt(XNonce::from_slice(sealed.nonce.as_slice()), payload)
            .map(Zeroizing::new)
            .map_err(|_| unreadable)?;
        let body: Body = cbor::decode(&body).map_err(|_| unreadable)?;
        let root_key = body.root_key.key();
        let root_public = public_key(&root_key);
        let dsk = DskCertificate::open(body.dsk_certificate.as_ref(), &root_public);
        let consistent = (body.relay, body.account) == (sealed.relay, sealed.account)
            && (sealed.version, body.version) == (VERSION, VERSION)
            && AccountId::of_root_key(&root_public) == body.account
            && dsk.is_ok_and(|dsk| dsk.dsk == public_key(&body.dsk.key()));
        if !consistent {
            return Err(unreadable);
        }
        Ok(Self {
            relay: body.relay,
            account: body.account,
            name: body.name.and_then(|padded| name_in(padded.as_slice())),
            root_key,
        })
    }

    /// The relay on which the account lives.
    #[must_use]
    pub const fn relay(&self) -> RelayId {
        self.relay
    }

    /// The account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// The person's name when the record was made; `None` in records of early versions. It keeps no rules of names.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl fmt::Debug for RecoveryRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RecoveryRecord")
            .field("account", &self.account)
            .finish_non_exhaustive()
    }
}

impl AccountKeys {
    /// Seals root key, device-signing key and the person's name by the recovery code, for the relay to keep under
    /// [`RecoveryCode::record_id`]. A name that is empty or too long for a name is left out.
    ///
    /// # Errors
    /// [`SealRecordError`].
    pub fn recovery_record(
        &self,
        random: &mut dyn Randomness,
        code: &RecoveryCode,
        name: &str,
    ) -> Result<Vec<u8>, SealRecordError> {
        let root_key = self.root_key.as_ref().ok_or(SealRecordError::NoRootKey)?;
        let body = secret::encode(&Body {
            version: VERSION,
            relay: self.relay,
            account: self.account,
            root_key: Secret::of(root_key),
            dsk: Secret::of(&self.dsk),
            dsk_certificate: self.dsk_certificate.clone(),
            name: padded(name),
        });
        let nonce: [u8; 24] = random.array()?;
        let payload = Payload {
            msg: &body,
            aad: &aad(self.relay, self.account),
        };
        let body = XChaCha20Poly1305::new((&*code.record_key()).into())
            .encrypt(XNonce::from_slice(&nonce), payload)
            .map_err(|_| SealRecordError::Cipher)?;
        Ok(cbor::encode(&Sealed {
            version: VERSION,
            relay: self.relay,
            account: self.account,
            nonce: nonce.into(),
            body: body.into(),
        }))
    }

    /// Signs a recovery record of this name, as the relay asks for to put it in the place of another one. `None` without the
    /// root key.
    #[must_use]
    pub fn sign_record(&self, name: &Token, bytes: &[u8]) -> Option<Signature> {
        let message = record_message(self.relay, self.account, name, bytes);
        self.root_key.as_ref().map(|key| sign(key, &message))
    }
}

fn padded(name: &str) -> Option<ByteArray<NAME>> {
    let mut padded = [0; NAME];
    let place = padded.get_mut(..name.len())?;
    place.copy_from_slice(name.as_bytes());
    (!name.is_empty()).then(|| padded.into())
}

fn name_in(padded: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(padded).ok()?.trim_end_matches('\0');
    (!name.is_empty()).then(|| name.to_owned())
}

fn aad(relay: RelayId, account: AccountId) -> Vec<u8> {
    [relay.as_bytes().as_slice(), account.as_bytes()].concat()
}

/// What the relay sees.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Sealed {
    #[n(0)]
    version: u8,
    #[n(1)]
    relay: RelayId,
    #[n(2)]
    account: AccountId,
    #[n(3)]
    nonce: ByteArray<24>,
    #[n(4)]
    body: Opaque,
}

/// What the code opens.
#[derive(Encode, Decode)]
#[cbor(map)]
struct Body {
    #[n(0)]
    version: u8,
    #[n(1)]
    relay: RelayId,
    #[n(2)]
    account: AccountId,
    #[n(3)]
    root_key: Secret,
    #[n(4)]
    dsk: Secret,
    #[n(5)]
    dsk_certificate: Opaque,
    /// Filled up with zeros.
    #[n(6)]
    name: Option<ByteArray<NAME>>,
}
