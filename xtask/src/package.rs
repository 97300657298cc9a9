//! The packages that people install.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{install, paths::Paths, shell};

/// What only a program with the feature `kill-points` reads from its environment.
const KILL_VARIABLE: &[u8] = b"RELEVO_KILL_AT";

/// Builds the deb and rpm packages of the app and says where they are.
pub(crate) fn build(paths: &Paths) -> Result<()> {
    install::for_building(paths)?;
    let tauri = paths.ui().join("node_modules/.bin/tauri");
    let folder = paths.root().join("src-tauri");
    // both in one call: the tool writes the kind of package into the binary
    shell::run(&mut shell::command(
        tauri,
        ["build", "--bundles", "deb,rpm", "--", "--locked"],
        &folder,
    ))?;

    without_kill_points(&paths.target().join("release/relevo"))?;
    let bundle = paths.target().join("release/bundle");
    for kind in ["deb", "rpm"] {
        let mut made = false;
        let folder = bundle.join(kind);
        for entry in fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let path = entry
                .with_context(|| format!("list {}", folder.display()))?
                .path();
            if path.extension().is_some_and(|extension| extension == kind) {
                let size = path.metadata().context("read the size of a package")?.len();
                println!("{:>6.1} MB  {}", size as f64 / 1e6, path.display());
                made = true;
            }
        }
        if !made {
            bail!("no {kind} package in {}", folder.display());
        }
    }
    Ok(())
}

/// What people install must not end at a word in its environment.
fn without_kill_points(program: &Path) -> Result<()> {
    let bytes = fs::read(program).with_context(|| format!("read {}", program.display()))?;
    let armed = bytes
        .windows(KILL_VARIABLE.len())
        .any(|window| window == KILL_VARIABLE);
    if armed {
        bail!("{} was built with kill points", program.display());
    }
    Ok(())
}
