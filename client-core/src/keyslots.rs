//! Who can open the profile: the database's random key, kept in one or more slots. Any one of them opens it.
//!
//! The slots are a small file beside the database. It holds the key itself only where the person chose "unprotected on this
//! computer"; else it says which entry of the computer's keyring has it, or holds it wrapped by a passphrase.

use std::{fs, io::Write as _, path::Path};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce, aead::Aead as _};
use minicbor::{Decode, Encode};
use protocol::cbor;
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
/// A slots file is far smaller; anything larger is not one.
const LARGEST_FILE: u64 = 64 * 1024;
/// The largest cost that a slots file may ask for, so that a damaged one cannot exhaust the computer. KiB and passes.
const LARGEST_COST: (u32, u32) = (1024 * 1024, 16);

/// The computer's keyring, behind a trait: the shell has the system's, tests have a map. May block on a prompt.
pub trait SecretStore: Send + Sync {
    /// Reads an entry; `None` where there is none.
    ///
    /// # Errors
    /// The reason, for the person: no keyring, locked, refused.
    fn get(&self, name: &str) -> std::result::Result<Option<Zeroizing<Vec<u8>>>, String>;

    /// Writes an entry.
    ///
    /// # Errors
    /// As [`SecretStore::get`].
    fn set(&self, name: &str, secret: &[u8]) -> std::result::Result<(), String>;
}

/// How a new profile is protected.
pub enum Protection {
    /// By the computer's keyring.
    Keyring,
    /// By a passphrase that is asked at each start.
    Passphrase(Zeroizing<String>),
    /// Not at all: who can read the disk can read the messages. Only when the person chose it.
    Unprotected,
}

impl Protection {
    /// The slot that it makes.
    #[must_use]
    pub const fn kind(&self) -> SlotKind {
        match self {
            Self::Keyring => SlotKind::Keyring,
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::Unprotected => SlotKind::Unprotected,
        }
    }
}

/// What is at hand to open a profile.
pub enum Unlock<'a> {
    /// Whatever needs no question: keyring, or unprotected.
    Silently(&'a dyn SecretStore),
    /// The passphrase.
    Passphrase(&'a str),
}

/// What a slot needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// The computer's keyring.
    Keyring,
    /// A passphrase.
    Passphrase,
    /// Nothing.
    Unprotected,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct SlotFile {
    #[n(0)]
    version: u8,
    #[n(1)]
    slots: Vec<Slot>,
}

#[derive(Encode, Decode)]
enum Slot {
    #[n(0)]
    Keyring(#[n(0)] String),
    #[n(1)]
    Passphrase(#[n(0)] Wrapped),
    #[n(2)]
    Unprotected(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Wrapped {
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

/// Makes the first slot of a new profile and writes the file. The slot is read back before it counts.
///
/// # Errors
/// [`ErrorKind::Keyring`], [`ErrorKind::PassphraseTooShort`], [`ErrorKind::DiskFull`], [`ErrorKind::Database`].
pub fn create(
    path: &Path,
    key: &DatabaseKey,
    protection: &Protection,
    entry: &str,
    keyring: &dyn SecretStore,
    random: &mut dyn Randomness,
) -> Result<()> {
    let slot = match protection {
        Protection::Keyring => {
            let failed = |reason| Error::new(ErrorKind::Keyring, format!("keyring: {reason}"));
            keyring.set(entry, key.as_bytes()).map_err(failed)?;
            let kept = keyring.get(entry).map_err(failed)?;
            if kept.as_deref().map(Vec::as_slice) != Some(key.as_bytes().as_slice()) {
                return Err(Error::new(
                    ErrorKind::Keyring,
                    "the keyring did not keep the key",
                ));
            }
            Slot::Keyring(entry.to_owned())
        }
        Protection::Passphrase(passphrase) => Slot::Passphrase(wrap(key, passphrase, random)?),
        Protection::Unprotected => Slot::Unprotected(*key.as_bytes()),
    };
    write_file(
        path,
        &cbor::encode(&SlotFile {
            version: 1,
            slots: vec![slot],
        }),
    )
}

/// What the profile's slots need, in their order.
///
/// # Errors
/// [`ErrorKind::Database`]: the file is missing or damaged.
pub fn kinds(path: &Path) -> Result<Vec<SlotKind>> {
    Ok(read_file(path)?
        .slots
        .iter()
        .map(|slot| match slot {
            Slot::Keyring(_) => SlotKind::Keyring,
            Slot::Passphrase(_) => SlotKind::Passphrase,
            Slot::Unprotected(_) => SlotKind::Unprotected,
        })
        .collect())
}

/// Opens the first slot that can be opened with what is at hand.
///
/// # Errors
/// [`ErrorKind::WrongPassphrase`]; [`ErrorKind::Keyring`] with the reason; [`ErrorKind::Database`]: the file is damaged.
pub fn open(path: &Path, unlock: &Unlock<'_>) -> Result<DatabaseKey> {
    let mut failure = Error::new(ErrorKind::WrongPassphrase, "no slot opens");
    for slot in read_file(path)?.slots {
        match (slot, unlock) {
            (Slot::Unprotected(key), _) => return Ok(DatabaseKey::new(key)),
            (Slot::Keyring(entry), Unlock::Silently(keyring)) => match keyring.get(&entry) {
                Ok(Some(secret)) => {
                    let key = <[u8; 32]>::try_from(secret.as_slice()).map_err(|_| {
                        Error::new(ErrorKind::Keyring, "the keyring's entry is not a key")
                    })?;
                    return Ok(DatabaseKey::new(key));
                }
                Ok(None) => {
                    failure = Error::new(
                        ErrorKind::Keyring,
                        "the keyring has no entry for this profile",
                    )
                }
                Err(reason) => {
                    failure = Error::new(ErrorKind::Keyring, format!("keyring: {reason}"))
                }
            },
            (Slot::Passphrase(wrapped), Unlock::Passphrase(passphrase)) => {
                if let Some(key) = unwrap(&wrapped, passphrase)? {
                    return Ok(key);
                }
            }
            (Slot::Keyring(_), Unlock::Passphrase(_))
            | (Slot::Passphrase(_), Unlock::Silently(_)) => {}
        }
    }
    Err(failure)
}

fn wrap(key: &DatabaseKey, passphrase: &str, random: &mut dyn Randomness) -> Result<Wrapped> {
    if passphrase.chars().count() < SHORTEST_PASSPHRASE {
        return Err(Error::new(
            ErrorKind::PassphraseTooShort,
            "passphrase too short",
        ));
    }
    let (memory, passes, lanes) = ARGON2;
    let (mut salt, mut nonce) = ([0; 16], [0; 24]);
    random.fill(&mut salt)?;
    random.fill(&mut nonce)?;
    let mut wrapped = Wrapped {
        memory,
        passes,
        lanes,
        salt,
        nonce,
        key: Vec::new(),
    };
    wrapped.key = cipher(&wrapped, passphrase)?
        .encrypt(&XNonce::from(nonce), key.as_bytes().as_slice())
        .map_err(|_| Error::new(ErrorKind::Crypto, "wrap the database key"))?;
    Ok(wrapped)
}

/// `None` where the passphrase is another.
fn unwrap(wrapped: &Wrapped, passphrase: &str) -> Result<Option<DatabaseKey>> {
    let opened =
        cipher(wrapped, passphrase)?.decrypt(&XNonce::from(wrapped.nonce), wrapped.key.as_slice());
    let Ok(opened) = opened.map(Zeroizing::new) else {
        return Ok(None);
    };
    Ok(<[u8; 32]>::try_from(opened.as_slice())
        .ok()
        .map(DatabaseKey::new))
}

fn cipher(wrapped: &Wrapped, passphrase: &str) -> Result<XChaCha20Poly1305> {
    let damaged = |_| Error::new(ErrorKind::Database, "the key slots are damaged");
    if wrapped.memory > LARGEST_COST.0 || wrapped.passes > LARGEST_COST.1 {
        return Err(Error::new(ErrorKind::Database, "the key slots are damaged"));
    }
    let params =
        Params::new(wrapped.memory, wrapped.passes, wrapped.lanes, Some(32)).map_err(damaged)?;
    let mut derived = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), &wrapped.salt, derived.as_mut_slice())
        .map_err(damaged)?;
    Ok(XChaCha20Poly1305::new(derived.as_ref().into()))
}

fn read_file(path: &Path) -> Result<SlotFile> {
    if fs::metadata(path)?.len() > LARGEST_FILE {
        return Err(Error::new(ErrorKind::Database, "the key slots are damaged"));
    }
    let bytes = Zeroizing::new(fs::read(path)?);
    let file: SlotFile = cbor::decode(&bytes).map_err(|error| {
        Error::new(
            ErrorKind::Database,
            format!("the key slots are damaged: {error}"),
        )
    })?;
    if file.version != 1 {
        return Err(Error::new(
            ErrorKind::Database,
            "key slots of a newer version",
        ));
    }
    Ok(file)
}

/// Replaces the file whole or not at all, readable by its owner only.
fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = path.with_extension("partial");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&partial, path)?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
