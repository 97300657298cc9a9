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

/// The folder that was asked for, or the usual one of the person, made if it is not there and can be made.
pub(crate) fn folder(asked: Option<&Path>) -> Result<PathBuf> {
    let folder = match asked {
        Some(asked) => std::path::absolute(asked).context("find the folder of the profile")?,
        None => directories::ProjectDirs::from("org", "relevo", "Relevo")
            .context("find the home folder")?
            .data_local_dir()
            .to_owned(),
    };
    // whoever takes the folder makes it again, and has a page that says why that fails
    let _made = create_private(&folder);
    Ok(folder)
}

/// Where the web view keeps its things; `None` where it cannot keep any.
pub(crate) fn webview(folder: &Path) -> Option<PathBuf> {
    let webview = folder.join("webview");
    create_private(&webview).is_ok().then_some(webview)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_made_is_a_page_and_not_the_end() -> Result<()> {
        let place = tempfile::tempdir()?;
        let file = place.path().join("a file");
        fs::write(&file, "")?;
        let below = file.join("profile");
        assert_eq!(folder(Some(&below))?, below);
        assert_eq!(webview(&below), None);
        assert!(webview(place.path()).is_some_and(|made| made.is_dir()));
        Ok(())
    }
}
