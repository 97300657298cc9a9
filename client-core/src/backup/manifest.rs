//! The file that says what belongs to the backup.

use std::{
    fs,
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use data_encoding::HEXLOWER;
use minicbor::{
    Decode, Encode,
    bytes::{ByteArray, ByteVec},
};
use protocol::{AccountId, DeviceId, cbor};

use crate::{
    backup::BackupError,
    error::{Error, ErrorKind},
    files, keyslots,
    seams::Randomness,
};

const NAME: &str = "relevo-backup";
/// Begins the file; the version, a check value, a nonce and the ciphertext follow.
const MAGIC: &[u8] = b"RLVB";
const VERSION: u8 = 1;
const CHECK: &[u8] = b"relevo backup check 1";
const SEALING: &[u8] = b"relevo backup manifest 1";
/// Far more than the record and the names of all segments take.
const LARGEST: u64 = 4 * 1024 * 1024;
/// More segments than any run leaves.
const MOST_SEGMENTS: usize = 4096;

/// Names a segment.
pub(super) type SegmentId = ByteArray<16>;

#[derive(Clone, Encode, Decode)]
#[cbor(map)]
pub(super) struct Manifest {
    /// Drawn by the run that wrote it.
    #[n(0)]
    pub(super) run: ByteArray<16>,
    /// When it ended, by the computer's clock.
    #[n(1)]
    pub(super) time: u64,
    #[n(2)]
    pub(super) account: AccountId,
    #[n(3)]
    pub(super) device: DeviceId,
    /// The form of the rows: the number of migrations of the database.
    #[n(4)]
    pub(super) form: u32,
    #[n(5)]
    pub(super) record: ByteVec,
    /// The small tables.
    #[n(6)]
    pub(super) state: SegmentId,
    /// The messages, to be read in this order.
    #[n(7)]
    pub(super) segments: Vec<SegmentId>,
    /// Up to which row.
    #[n(8)]
    pub(super) last_message: i64,
    /// How many there were, and a hash over them.
    #[n(9)]
    pub(super) messages: u64,
    #[n(10)]
    pub(super) digest: ByteArray<32>,
    /// Versions before wrote what two databases had into one backup, each with numbers of its own: such a one is set aside.
    #[n(11)]
    pub(super) holds_lost: bool,
    /// What others may see of the account. Absent in those of a version that did not keep it.
    #[n(12)]
    pub(super) privacy: Option<i64>,
    /// The account's handle, if it had one.
    #[n(13)]
    pub(super) handle: Option<String>,
}

impl Manifest {
    /// All its segments.
    pub(super) fn names(&self) -> impl Iterator<Item = &SegmentId> {
        self.segments.iter().chain([&self.state])
    }
}

/// Reads the manifest of a folder.
///
/// # Errors
/// [`BackupError`].
pub(super) fn read(folder: &Path, key: &[u8; 32]) -> Result<Manifest, BackupError> {
    let damaged = || BackupError::damaged("the manifest");
    let bytes = bytes(folder)?.ok_or(BackupError::Missing)?;
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (version, rest) = rest.split_first().ok_or_else(damaged)?;
    if *version != VERSION {
        return Err(BackupError::Newer);
    }
    let (check, rest) = rest.split_first_chunk::<16>().ok_or_else(damaged)?;
    if *check != check_value(key)? {
        return Err(BackupError::WrongCode);
    }
    let (nonce, ciphertext) = rest.split_first_chunk::<24>().ok_or_else(damaged)?;
    let payload = Payload {
        msg: ciphertext,
        aad: SEALING,
    };
    let plaintext = XChaCha20Poly1305::new((&*keyslots::derive(key, SEALING)?).into())
        .decrypt(&XNonce::from(*nonce), payload)
        .map_err(|_| damaged())?;
    let manifest: Manifest = cbor::decode(&plaintext).map_err(|_| damaged())?;
    if manifest.segments.len() > MOST_SEGMENTS {
        return Err(damaged());
    }
    Ok(manifest)
}

/// The file as it is, whole or not; `None` where there is none.
///
/// # Errors
/// [`BackupError::Failed`].
pub(super) fn bytes(folder: &Path) -> Result<Option<Vec<u8>>, BackupError> {
    let path = folder.join(NAME);
    if !files::there(&path) {
        return Ok(None);
    }
    Ok(Some(files::read_bounded(&path, LARGEST)?))
}

/// Puts a manifest into another folder.
///
/// # Errors
/// [`BackupError::Failed`].
pub(super) fn copy_to(folder: &Path, bytes: &[u8]) -> Result<(), BackupError> {
    Ok(files::replace(&folder.join(NAME), bytes)?)
}

/// Replaces the manifest of a folder.
///
/// # Errors
/// [`BackupError::Failed`]; then the former one is as it was.
pub(super) fn write(
    folder: &Path,
    key: &[u8; 32],
    manifest: &Manifest,
    random: &mut dyn Randomness,
) -> Result<(), BackupError> {
    let nonce: [u8; 24] = random.array().map_err(Error::from)?;
    let payload = Payload {
        msg: &cbor::encode(manifest),
        aad: SEALING,
    };
    let ciphertext = XChaCha20Poly1305::new((&*keyslots::derive(key, SEALING)?).into())
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| Error::new(ErrorKind::Crypto, "seal the manifest"))?;
    let check = check_value(key)?;
    let bytes = [MAGIC, &[VERSION], &check, &nonce, &ciphertext].concat();
    Ok(files::replace(&folder.join(NAME), &bytes)?)
}

/// Where a segment is.
pub(super) fn segment_path(folder: &Path, id: &SegmentId) -> PathBuf {
    folder.join(format!("segment-{}.relevo", HEXLOWER.encode(&id[..])))
}

/// The segment that a file name names.
pub(super) fn segment_id(name: &str) -> Option<SegmentId> {
    let hex = name.strip_prefix("segment-")?.strip_suffix(".relevo")?;
    let bytes = HEXLOWER.decode(hex.as_bytes()).ok()?;
    <[u8; 16]>::try_from(bytes.as_slice())
        .ok()
        .map(ByteArray::from)
}

/// The segments that are in the folder, with their paths. Other files are not ours.
///
/// # Errors
/// [`BackupError::Failed`].
pub(super) fn segments_in(folder: &Path) -> Result<Vec<(PathBuf, SegmentId)>, BackupError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.map(|name| name.strip_suffix(".partial").unwrap_or(name));
        if let Some(id) = name.and_then(segment_id) {
            found.push((path, id));
        }
    }
    Ok(found)
}

/// Tells a wrong code from a damaged file, and says nothing about the code.
fn check_value(key: &[u8; 32]) -> Result<[u8; 16], BackupError> {
    let derived = keyslots::derive(key, CHECK)?;
    let (check, _) = derived.split_at(16);
    <[u8; 16]>::try_from(check)
        .map_err(|_| Error::new(ErrorKind::Internal, "a check value has 16 bytes").into())
}
