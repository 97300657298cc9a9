//! The file of the slots, kept twice: `keys` and `keys-copy`. Each is replaced whole or not at all, and knows by a checksum
//! whether it is as it was written. The newer intact one counts.

use std::path::{Path, PathBuf};

use minicbor::{Decode, Encode, bytes::ByteArray};
use protocol::{Digest, cbor};
use zeroize::Zeroizing;

use crate::{
    error::{Error, ErrorKind, Result},
    files,
    keyslots::{
        SlotKind,
        wrap::{self, ByPassphrase, Sealed},
    },
    store::DatabaseKey,
};

/// Begins a file; the version, a checksum and the CBOR form follow. A file of version 1 is a CBOR map alone.
const MAGIC: &[u8] = b"RLVK";
const VERSION: u8 = 2;
const OLDEST_VERSION: u8 = 1;
/// A slots file is far smaller; anything larger is not one.
const LARGEST_FILE: u64 = 64 * 1024;
/// One of each kind.
const MOST_SLOTS: usize = 4;
/// Tells this use of the database's key from all others.
const CHECK: &[u8] = b"relevo key slots check 1";

#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct SlotFile {
    #[n(0)]
    version: u8,
    #[n(1)]
    pub(super) slots: Vec<Slot>,
    /// Grows with each change.
    #[n(2)]
    generation: Option<u64>,
    /// Derived from the key, and says nothing about it: tells whether a slot gives the key.
    #[n(3)]
    check: Option<ByteArray<16>>,
    /// See [`crate::store::Identity`].
    #[n(4)]
    pub(super) identity: Option<Sealed>,
}

#[derive(Clone, Encode, Decode)]
pub(super) enum Slot {
    #[n(0)]
    Keyring(#[n(0)] String),
    #[n(1)]
    Passphrase(#[n(0)] ByPassphrase),
    #[n(2)]
    Unprotected(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    #[n(3)]
    RecoveryCode(#[n(0)] Sealed),
}

impl Slot {
    pub(super) const fn kind(&self) -> SlotKind {
        match self {
            Self::Keyring(_) => SlotKind::Keyring,
            Self::Passphrase(_) => SlotKind::Passphrase,
            Self::Unprotected(_) => SlotKind::Unprotected,
            Self::RecoveryCode(_) => SlotKind::RecoveryCode,
        }
    }
}

impl SlotFile {
    /// What comes after a file.
    pub(super) fn new(before: Option<&Self>, key: &DatabaseKey, slots: Vec<Slot>) -> Self {
        let generation = before.and_then(|file| file.generation).unwrap_or(0);
        // the identity of another key could not be opened any more
        let identity = before
            .filter(|file| file.vouches(key) != Some(false))
            .and_then(|file| file.identity.clone());
        Self {
            version: VERSION,
            slots,
            generation: Some(generation.saturating_add(1)),
            check: check(key),
            identity,
        }
    }

    /// Whether this is the key of these slots; `None` where the file cannot tell.
    pub(super) fn vouches(&self, key: &DatabaseKey) -> Option<bool> {
        let kept = self.check?;
        Some(check(key)? == kept)
    }

    /// The keyring's entries that the slots name.
    pub(super) fn entries(&self) -> impl Iterator<Item = &str> {
        self.slots.iter().filter_map(|slot| match slot {
            Slot::Keyring(entry) => Some(entry.as_str()),
            Slot::Passphrase(_) | Slot::Unprotected(_) | Slot::RecoveryCode(_) => None,
        })
    }
}

fn check(key: &DatabaseKey) -> Option<ByteArray<16>> {
    let derived = wrap::derive(key.as_bytes(), CHECK).ok()?;
    derived.first_chunk::<16>().copied().map(ByteArray::from)
}

/// Reads the newer intact one of both files, and mends the other by it.
pub(super) fn read(path: &Path) -> Result<SlotFile> {
    let copy = copy_path(path);
    let (first, second) = (read_one(path), read_one(&copy));
    let age = |file: &SlotFile| file.generation.unwrap_or(0);
    let (file, stale) = match (first, second) {
        (Ok(first), Ok(second)) if age(&second) > age(&first) => (second, Some(path.to_owned())),
        (Ok(first), Ok(second)) if age(&second) == age(&first) => (first, None),
        (Ok(first), _) if first.version == OLDEST_VERSION => (first, None),
        (Ok(first), _) => (first, Some(copy)),
        (Err(_), Ok(second)) => (second, Some(path.to_owned())),
        // a disk that does not answer is no damage
        (Err(error), Err(other)) if error.kind() == ErrorKind::Damaged => return Err(other),
        (Err(error), Err(_)) => return Err(error),
    };
    if let Some(stale) = stale {
        // a full disk must not keep the profile closed
        if let Err(error) = files::replace(&stale, &encode(&file)) {
            tracing::warn!(%error, "a copy of the key slots could not be mended");
        }
    }
    Ok(file)
}

fn read_one(path: &Path) -> Result<SlotFile> {
    let damaged = || Error::new(ErrorKind::Damaged, "the key slots are missing or damaged");
    if !files::there(path) {
        return Err(damaged());
    }
    let bytes = Zeroizing::new(files::read_bounded(path, LARGEST_FILE)?);
    if let Some([version, ..]) = bytes.strip_prefix(MAGIC)
        && *version > VERSION
    {
        return Err(Error::new(ErrorKind::Newer, "key slots of a newer version"));
    }
    decode(&bytes)
        .filter(|file| !file.slots.is_empty() && file.slots.len() <= MOST_SLOTS)
        .ok_or_else(damaged)
}

fn decode(bytes: &[u8]) -> Option<SlotFile> {
    let (payload, version) = match bytes.strip_prefix(MAGIC) {
        Some(rest) => {
            let (version, rest) = rest.split_first()?;
            let (checksum, payload) = rest.split_first_chunk::<32>()?;
            (Digest::of(&[payload]).as_bytes() == checksum).then_some((payload, *version))?
        }
        None => (bytes, OLDEST_VERSION),
    };
    cbor::decode(payload)
        .ok()
        .filter(|file: &SlotFile| file.version == version)
}

fn encode(file: &SlotFile) -> Zeroizing<Vec<u8>> {
    let payload = Zeroizing::new(cbor::encode(file));
    let mut bytes = Zeroizing::new(Vec::with_capacity(payload.len().saturating_add(64)));
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(Digest::of(&[&payload]).as_bytes());
    bytes.extend_from_slice(&payload);
    bytes
}

/// Writes both files, each beside the old one until `check` has seen it as it is on the disk.
pub(super) fn write(
    path: &Path,
    file: &SlotFile,
    check: impl Fn(&SlotFile) -> Result<()>,
) -> Result<()> {
    let bytes = encode(file);
    files::replace_checked(path, &bytes, |written| check(&read_one(written)?))?;
    files::replace(&copy_path(path), &bytes)
}

fn copy_path(path: &Path) -> PathBuf {
    files::beside(path, "-copy")
}
