//! Where things lie in the checkout.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The folders of the checkout that the commands read and write.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    root: PathBuf,
}

impl Paths {
    pub(crate) fn find() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("find the root of the checkout")?
            .to_path_buf();
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }

    pub(crate) fn target(&self) -> PathBuf {
        self.root.join("target")
    }

    /// Programs that the tests need and that no package of the system has.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target().join("tools")
    }

    /// What `run` keeps: accounts, logs, screenshots, the report.
    pub(crate) fn run(&self) -> PathBuf {
        self.target().join("run")
    }

    /// The folder `path`, empty.
    pub(crate) fn emptied(path: &Path) -> Result<()> {
        if path.exists() {
            fs::remove_dir_all(path).with_context(|| format!("empty {}", path.display()))?;
        }
        fs::create_dir_all(path).with_context(|| format!("make {}", path.display()))
    }
}
