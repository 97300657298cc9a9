//! Files that a program of the project writes: the types of the UI and the example configuration of the relay.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use crate::{paths::Paths, products::Products, shell};

/// A file and the text that should be in it.
struct Generated {
    path: PathBuf,
    text: String,
}

/// Writes the files that are not fresh.
pub(crate) fn write(paths: &Paths, products: &Products) -> Result<()> {
    for file in generate(paths, products)? {
        if file.is_fresh() {
            println!("fresh    {}", file.path.display());
            continue;
        }
        if let Some(folder) = file.path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        }
        fs::write(&file.path, &file.text)
            .with_context(|| format!("write {}", file.path.display()))?;
        println!("written  {}", file.path.display());
    }
    Ok(())
}

/// An error that names the files that are not fresh.
pub(crate) fn check(paths: &Paths, products: &Products) -> Result<()> {
    let stale: Vec<String> = generate(paths, products)?
        .iter()
        .filter(|file| !file.is_fresh())
        .map(|file| file.path.display().to_string())
        .collect();
    if !stale.is_empty() {
        bail!("not fresh: {}; run `cargo xtask gen`", stale.join(", "));
    }
    Ok(())
}

fn generate(paths: &Paths, products: &Products) -> Result<Vec<Generated>> {
    let bindings = shell::read(Command::new(products.app()).arg("--print-bindings"))?;
    let config = shell::read(Command::new(products.relay()).args(["config", "example"]))?;
    Ok(vec![
        Generated {
            path: paths.ui().join("src/ipc/bindings.ts"),
            text: bindings,
        },
        Generated {
            path: paths.root().join("docs/relay.example.toml"),
            text: config,
        },
    ])
}

impl Generated {
    fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }
}
