//! Where this installation keeps its things.
//!
//! ```text
//! FOLDER/settings.json   theme and language
//! FOLDER/relevo.log      the log, and relevo.log.1 before it
//! FOLDER/webview         what the web view keeps
//! FOLDER/…               the account, see client-core
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The folder that was asked for, or the usual one of the person, made if it is not there.
pub(crate) fn folder(asked: Option<&Path>) -> Result<PathBuf> {
    let folder = match asked {
        Some(asked) => std::path::absolute(asked).context("find the folder of the profile")?,
        None => directories::ProjectDirs::from("org", "relevo", "Relevo")
            .context("find the home folder")?
            .data_local_dir()
            .to_owned(),
    };
    create_private(&folder).with_context(|| format!("make {}", folder.display()))?;
    Ok(folder)
}

/// Makes a folder that only its owner may look into.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}
