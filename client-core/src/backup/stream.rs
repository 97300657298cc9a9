//! A segment on the disk: records in an encrypted stream of bounded pieces.
//!
//! STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) with ChaCha20-Poly1305: chunks of 64 KiB, nonce = 7 zero bytes ‖ u32
//! counter ‖ last flag, under a key that is drawn for this segment alone. That key is wrapped by the backup's and bound to
//! the segment's name. A piece that is missing, doubled, moved or cut off does not open.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, BufWriter, Read, Write as _},
    path::Path,
};

use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{
        Aead as _, Payload,
        stream::{DecryptorBE32, EncryptorBE32},
    },
};
use protocol::cbor;
use zeroize::Zeroizing;

use crate::{
    backup::{BackupError, manifest::SegmentId, record::Record},
    error::{Error, ErrorKind},
    files, keyslots,
    seams::Randomness,
};

/// Begins the file; the version, a nonce and the wrapped key follow.
const MAGIC: &[u8] = b"RLVS\x01";
const WRAPPING: &[u8] = b"relevo backup segment 1";
/// Plaintext of a piece, in bytes.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
/// Larger than any row: a message's content is at most what a frame holds. In bytes.
const LARGEST_RECORD: usize = 4 * 1024 * 1024;

/// Writes a segment.
pub(super) struct SegmentWriter {
    file: BufWriter<File>,
    encryptor: EncryptorBE32<ChaCha20Poly1305>,
    plaintext: Zeroizing<Vec<u8>>,
}

impl SegmentWriter {
    /// Begins a file.
    ///
    /// # Errors
    /// [`BackupError::Failed`].
    pub(super) fn create(
        path: &Path,
        id: &SegmentId,
        backup_key: &[u8; 32],
        random: &mut dyn Randomness,
    ) -> Result<Self, BackupError> {
        let mut key = Zeroizing::new([0; 32]);
        random.fill(key.as_mut_slice()).map_err(Error::from)?;
        let nonce: [u8; 24] = random.array().map_err(Error::from)?;
        let payload = Payload {
            msg: key.as_slice(),
            aad: &id[..],
        };
        let wrapped = XChaCha20Poly1305::new((&*keyslots::derive(backup_key, WRAPPING)?).into())
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| crypto("wrap a segment's key"))?;
        let mut file = BufWriter::new(files::create_private(path)?);
        for part in [MAGIC, &nonce, &wrapped] {
            file.write_all(part)?;
        }
        Ok(Self {
            file,
            encryptor: EncryptorBE32::new(key.as_ref().into(), &[0; 7].into()),
            plaintext: Zeroizing::new(Vec::with_capacity(2 * CHUNK)),
        })
    }

    /// Writes a record.
    ///
    /// # Errors
    /// [`ErrorKind::DiskFull`], [`ErrorKind::Database`].
    pub(super) fn push(&mut self, record: &Record) -> crate::Result<()> {
        let bytes = cbor::encode(record);
        let len = u32::try_from(bytes.len())
            .ok()
            .filter(|_| bytes.len() <= LARGEST_RECORD)
            .ok_or_else(|| Error::new(ErrorKind::Database, "a row is too large for a backup"))?;
        self.plaintext.extend_from_slice(&len.to_be_bytes());
        self.plaintext.extend_from_slice(&bytes);
        // the last piece is never empty, so it stays until there is more
        while self.plaintext.len() > CHUNK {
            let rest = Zeroizing::new(self.plaintext.split_off(CHUNK));
            let piece = self
                .encryptor
                .encrypt_next(self.plaintext.as_slice())
                .map_err(|_| crypto("seal a piece"))?;
            self.file.write_all(&piece)?;
            self.plaintext = rest;
        }
        Ok(())
    }

    /// Ends the file; it is on the disk then.
    ///
    /// # Errors
    /// [`BackupError::Failed`].
    pub(super) fn finish(mut self) -> Result<(), BackupError> {
        let piece = self
            .encryptor
            .encrypt_last(self.plaintext.as_slice())
            .map_err(|_| crypto("seal the last piece"))?;
        self.file.write_all(&piece)?;
        let file = self
            .file
            .into_inner()
            .map_err(|error| Error::from(error.into_error()))?;
        Ok(file.sync_all()?)
    }
}

/// Reads a segment; `take` sees each record in turn, and may end the reading by an error.
///
/// # Errors
/// [`BackupError::Damaged`], and what `take` says.
pub(super) fn read(
    path: &Path,
    id: &SegmentId,
    backup_key: &[u8; 32],
    take: &mut dyn FnMut(Record) -> Result<(), BackupError>,
) -> Result<(), BackupError> {
    let damaged = || BackupError::damaged("a segment is not as it was written");
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => BackupError::damaged("a segment is missing"),
        _ => BackupError::from(error),
    })?;
    let mut file = BufReader::with_capacity(CHUNK + TAG, file);
    let mut header = [0; MAGIC.len() + 24 + 32 + TAG];
    file.read_exact(&mut header).map_err(|_| damaged())?;
    let rest = header.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (nonce, wrapped) = rest.split_first_chunk::<24>().ok_or_else(damaged)?;
    let payload = Payload {
        msg: wrapped,
        aad: &id[..],
    };
    let key = XChaCha20Poly1305::new((&*keyslots::derive(backup_key, WRAPPING)?).into())
        .decrypt(&XNonce::from(*nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| damaged())?;
    let key: &[u8; 32] = key.as_slice().try_into().map_err(|_| damaged())?;
    let mut decryptor = DecryptorBE32::<ChaCha20Poly1305>::new(key.into(), &[0; 7].into());
    let mut plaintext = Zeroizing::new(Vec::new());
    loop {
        let mut piece = Vec::with_capacity(CHUNK + TAG);
        file.by_ref()
            .take((CHUNK + TAG) as u64)
            .read_to_end(&mut piece)?;
        if file.fill_buf()?.is_empty() {
            let last = decryptor
                .decrypt_last(piece.as_slice())
                .map_err(|_| damaged())?;
            plaintext.extend_from_slice(&last);
            let rest = take_records(&mut plaintext, take)?;
            return if rest == 0 { Ok(()) } else { Err(damaged()) };
        }
        let opened = decryptor
            .decrypt_next(piece.as_slice())
            .map_err(|_| damaged())?;
        plaintext.extend_from_slice(&opened);
        take_records(&mut plaintext, take)?;
    }
}

/// Takes the whole records from the front; returns how much is left.
fn take_records(
    plaintext: &mut Zeroizing<Vec<u8>>,
    take: &mut dyn FnMut(Record) -> Result<(), BackupError>,
) -> Result<usize, BackupError> {
    let damaged = || BackupError::damaged("a segment holds what is no row");
    let mut rest = plaintext.as_slice();
    while let Some((len, after)) = rest.split_first_chunk::<4>() {
        let len = usize::try_from(u32::from_be_bytes(*len)).map_err(|_| damaged())?;
        if len > LARGEST_RECORD {
            return Err(damaged());
        }
        let Some((record, after)) = after.split_at_checked(len) else {
            break;
        };
        take(cbor::decode(record).map_err(|_| damaged())?)?;
        rest = after;
    }
    let left = rest.len();
    let done = plaintext.len().saturating_sub(left);
    plaintext.drain(..done);
    Ok(left)
}

fn crypto(what: &str) -> Error {
    Error::new(ErrorKind::Crypto, what)
}
