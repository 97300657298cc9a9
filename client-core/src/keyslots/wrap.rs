//! The database's key, wrapped by something that a person has.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hkdf::Hkdf;
use minicbor::{Decode, Encode};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    seams::Randomness,
    store::DatabaseKey,
};

/// Shorter passphrases are refused.
pub const SHORTEST_PASSPHRASE: usize = 8;
/// Argon2id memory in KiB, passes and lanes: the second recommended option of RFC 9106 §4.
const ARGON2: (u32, u32, u32) = (64 * 1024, 3, 1);
/// The largest cost that a slots file may ask for, so that a damaged one cannot exhaust the computer. KiB, passes, lanes.
const LARGEST_COST: (u32, u32, u32) = (1024 * 1024, 16, 16);
/// Tells this use of the recovery code from all others.
const CODE: &[u8] = b"relevo key slot recovery code 1";

/// A slot does not open; not a word about the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WrapError {
    /// What the person gave is not what it was made with.
    Wrong,
    /// It cannot be opened by anything.
    Damaged,
}

#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct ByPassphrase {
    #[n(0)]
    memory: u32,
    #[n(1)]
    passes: u32,
    #[n(2)]
    lanes: u32,
    #[cbor(n(3), with = "minicbor::bytes")]
    salt: [u8; 16],
    #[cbor(n(4), with = "minicbor::bytes")]
    nonce: [u8; 24],
    #[cbor(n(5), with = "minicbor::bytes")]
    key: Vec<u8>,
}

/// Ciphertext under a key that is used with random nonces.
#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct Sealed {
    #[cbor(n(0), with = "minicbor::bytes")]
    nonce: [u8; 24],
    #[cbor(n(1), with = "minicbor::bytes")]
    ciphertext: Vec<u8>,
}

pub(super) fn by_passphrase(
    key: &DatabaseKey,
    passphrase: &str,
    random: &mut dyn Randomness,
) -> Result<ByPassphrase> {
    if passphrase.chars().count() < SHORTEST_PASSPHRASE {
        return Err(Error::new(
            ErrorKind::PassphraseTooShort,
            "passphrase too short",
        ));
    }
    let (memory, passes, lanes) = ARGON2;
    let mut wrapped = ByPassphrase {
        memory,
        passes,
        lanes,
        salt: random.array()?,
        nonce: random.array()?,
        key: Vec::new(),
    };
    let failed = || Error::new(ErrorKind::Crypto, "wrap the database key");
    wrapped.key = passphrase_cipher(&wrapped, passphrase)
        .map_err(|_| failed())?
        .encrypt(&XNonce::from(wrapped.nonce), key.as_bytes().as_slice())
        .map_err(|_| failed())?;
    Ok(wrapped)
}

pub(super) fn open_passphrase(
    wrapped: &ByPassphrase,
    passphrase: &str,
) -> std::result::Result<DatabaseKey, WrapError> {
    passphrase_cipher(wrapped, passphrase)?
        .decrypt(&XNonce::from(wrapped.nonce), wrapped.key.as_slice())
        .map_err(|_| WrapError::Wrong)
        .and_then(database_key)
}

pub(super) fn by_code(
    key: &DatabaseKey,
    code: &[u8; 32],
    random: &mut dyn Randomness,
) -> Result<Sealed> {
    let wrapping = derive(code, CODE)?;
    seal(&wrapping, CODE, key.as_bytes(), random)
}

pub(super) fn open_code(
    sealed: &Sealed,
    code: &[u8; 32],
) -> std::result::Result<DatabaseKey, WrapError> {
    let key = derive(code, CODE).map_err(|_| WrapError::Damaged)?;
    open(&key, CODE, sealed)
        .ok_or(WrapError::Wrong)
        .and_then(|mut opened| database_key(std::mem::take(&mut *opened)))
}

/// A key for one purpose from a key that is uniformly random.
pub(crate) fn derive(key: &[u8; 32], purpose: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let mut derived = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, key)
        .expand(purpose, derived.as_mut_slice())
        .map_err(|_| Error::new(ErrorKind::Crypto, "derive a key"))?;
    Ok(derived)
}

/// Encrypts under a fresh random nonce; `purpose` is authenticated with it.
pub(super) fn seal(
    key: &[u8; 32],
    purpose: &[u8],
    plaintext: &[u8],
    random: &mut dyn Randomness,
) -> Result<Sealed> {
    let nonce = random.array()?;
    let payload = Payload {
        msg: plaintext,
        aad: purpose,
    };
    let ciphertext = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| Error::new(ErrorKind::Crypto, "seal beside the key slots"))?;
    Ok(Sealed { nonce, ciphertext })
}

/// The way back; `None` where anything differs.
pub(super) fn open(key: &[u8; 32], purpose: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
    let payload = Payload {
        msg: sealed.ciphertext.as_slice(),
        aad: purpose,
    };
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(sealed.nonce), payload)
        .ok()
        .map(Zeroizing::new)
}

fn database_key(opened: Vec<u8>) -> std::result::Result<DatabaseKey, WrapError> {
    let opened = Zeroizing::new(opened);
    <[u8; 32]>::try_from(opened.as_slice())
        .map(DatabaseKey::new)
        .map_err(|_| WrapError::Damaged)
}

fn passphrase_cipher(
    wrapped: &ByPassphrase,
    passphrase: &str,
) -> std::result::Result<XChaCha20Poly1305, WrapError> {
    let (memory, passes, lanes) = (wrapped.memory, wrapped.passes, wrapped.lanes);
    if memory > LARGEST_COST.0 || passes > LARGEST_COST.1 || lanes > LARGEST_COST.2 {
        return Err(WrapError::Damaged);
    }
    let params = Params::new(memory, passes, lanes, Some(32)).map_err(|_| WrapError::Damaged)?;
    let mut derived = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), &wrapped.salt, derived.as_mut_slice())
        .map_err(|_| WrapError::Damaged)?;
    Ok(XChaCha20Poly1305::new(derived.as_ref().into()))
}
