//! Builds the app and the relay, always with the same features, so that nothing is compiled twice.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{paths::Paths, shell};

/// The UI is inside the binary, and a test may drive the window or end a process at a named line. Packages leave the last
/// three out.
pub(crate) const FEATURES: &str =
    "relevo/custom-protocol,relevo/automation,client-core/kill-points,relay-server/kill-points";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// The two programs, built.
#[derive(Debug)]
pub(crate) struct Products {
    app: PathBuf,
    relay: PathBuf,
}

impl Products {
    /// Builds the UI, then both programs around it.
    pub(crate) fn build(paths: &Paths, profile: Profile) -> Result<Self> {
        build_ui(paths)?;
        let mut build = cargo(paths, "build");
        if profile == Profile::Release {
            build.arg("--release");
        }
        shell::run(&mut build)?;
        Self::built(paths, profile)
    }

    /// The programs of an earlier build.
    pub(crate) fn built(paths: &Paths, profile: Profile) -> Result<Self> {
        let folder = paths.target().join(match profile {
            Profile::Debug => "debug",
            Profile::Release => "release",
        });
        let products = Self {
            app: folder.join("relevo"),
            relay: folder.join("relevo-relay"),
        };
        for program in [&products.app, &products.relay] {
            if !program.exists() {
                bail!(
                    "{} is missing: the build did not make it",
                    program.display()
                );
            }
        }
        Ok(products)
    }

    pub(crate) fn app(&self) -> &Path {
        &self.app
    }

    pub(crate) fn relay(&self) -> &Path {
        &self.relay
    }
}

/// A cargo command over the whole workspace with the one set of features.
pub(crate) fn cargo(paths: &Paths, verb: &str) -> Command {
    let mut command = shell::command("cargo", [verb], paths.root());
    command.args(["--workspace", "--locked", "--features", FEATURES]);
    command
}

/// The UI must be built before the app: its files are inside the binary.
pub(crate) fn build_ui(paths: &Paths) -> Result<()> {
    shell::run(&mut npm_run(paths, "build"))
}

pub(crate) fn npm_run(paths: &Paths, script: &str) -> Command {
    shell::command("npm", ["run", "--silent", script], &paths.ui())
}
