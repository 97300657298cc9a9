//! Files that are replaced whole or not at all, and that only their owner may read.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use crate::error::{Error, ErrorKind, Result};

/// Reads a file that may not be larger than `limit` bytes.
///
/// # Errors
/// [`ErrorKind::Database`]: not there, not to be read, too large.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(limit.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > limit {
        return Err(Error::new(ErrorKind::Database, "a file is too large"));
    }
    Ok(bytes)
}

/// Replaces a file: written beside it, on the disk, then renamed.
///
/// # Errors
/// [`ErrorKind::DiskFull`], [`ErrorKind::Database`]; then the old file is as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    replace_checked(path, bytes, |_| Ok(()))
}

/// As [`replace`], and `check` sees the new file before the old one goes.
///
/// # Errors
/// What `check` says, and those of [`replace`].
pub(crate) fn replace_checked(
    path: &Path,
    bytes: &[u8],
    check: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let partial = beside(path, ".partial");
    let outcome = write_private(&partial, bytes).and_then(|()| check(&partial));
    match outcome {
        Ok(()) => put_in_place(&partial, path),
        Err(error) => {
            // a rest that cannot be removed is written over next time
            let _removed = fs::remove_file(&partial);
            Err(error)
        }
    }
}

/// Renames a file that is on the disk, and makes the renaming last.
///
/// # Errors
/// [`ErrorKind::Database`].
pub(crate) fn put_in_place(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// A new file for this owner only.
///
/// # Errors
/// [`ErrorKind::DiskFull`], [`ErrorKind::Database`].
pub(crate) fn create_private(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    Ok(options.open(path)?)
}

/// Makes a folder for this owner only, with those above it.
///
/// # Errors
/// [`ErrorKind::DiskFull`], [`ErrorKind::Database`].
pub(crate) fn create_private_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    Ok(builder.create(folder)?)
}

/// Makes what happened to the names in a folder last.
///
/// # Errors
/// [`ErrorKind::Database`].
#[cfg_attr(
    not(unix),
    expect(clippy::unnecessary_wraps, reason = "folders are synced on Unix only")
)]
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// The path with something after its name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether something has this name; an error counts as yes, so that nothing is written over.
pub(crate) fn there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = create_private(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}
