//! Files that only their owner may read: who talks to whom is in the database, and whoever has a key is the relay.
//!
//! What is made here has these rights from its first byte on, whatever the umask of the process. What was there before, made by
//! an earlier version or copied by a person, gets them when the relay opens it.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// Endings of the files that SQLite keeps beside a database. It gives them the rights of the database when it makes them.
const BESIDE_A_DATABASE: [&str; 2] = ["-wal", "-shm"];

/// Lets nobody but its owner into a directory.
#[cfg(unix)]
pub(crate) fn protect_folder(folder: &Path) -> anyhow::Result<()> {
    set_rights(folder, 0o700).with_context(|| format!("protect {}", folder.display()))
}

/// On other systems a directory has the rights of the one around it.
#[cfg(not(unix))]
pub(crate) fn protect_folder(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

/// Takes a file that is there from everybody but its owner. A file of another owner stays as it is, with a warning: what may
/// be read can be served.
#[cfg(unix)]
pub(crate) fn protect(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;

    use tracing::{info, warn};

    let Ok(before) = fs::metadata(path) else {
        return;
    };
    let others = before.permissions().mode() & 0o077;
    if others == 0 {
        return;
    }
    let file = path.display();
    match set_rights(path, 0o600) {
        Ok(()) => info!(%file, "others could use this file, and cannot any more"),
        Err(error) => warn!(%file, %error, "others can use this file"),
    }
}

/// On other systems a file has the rights of its directory.
#[cfg(not(unix))]
pub(crate) fn protect(_: &Path) {}

/// Has a database and what SQLite keeps beside it belong to its owner alone, before SQLite opens it. Makes an empty file where
/// there is none, which SQLite takes for an empty database; where that fails SQLite says why.
pub(crate) fn protect_database(path: &Path) {
    // one that is there is not opened: closing it would end the locks that this process has on it
    drop(private().create_new(true).open(path));
    protect(path);
    for ending in BESIDE_A_DATABASE {
        protect(&beside(path, ending));
    }
}

/// Writes a new file that only its owner can read, and makes it durable.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    write_and_sync(private().create_new(true), path, content)
}

/// Writes a file that only its owner can read, in place of one that may be there, and makes it durable.
pub(crate) fn write(path: &Path, content: &[u8]) -> anyhow::Result<()> {
    protect(path);
    write_and_sync(private().create(true).truncate(true), path, content)
}

/// Options for a file that nobody but its owner can read once it is made.
pub(crate) fn private() -> fs::OpenOptions {
    let mut options = fs::OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

fn write_and_sync(options: &fs::OpenOptions, path: &Path, content: &[u8]) -> anyhow::Result<()> {
    let mut file = options
        .open(path)
        .with_context(|| format!("create {}", path.display()))?;
    file.write_all(content)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("write {}", path.display()))
}

/// Makes the names in a folder durable.
#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> anyhow::Result<()> {
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .with_context(|| format!("sync {}", folder.display()))
}

/// Other systems do that themselves.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> anyhow::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn set_rights(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
