//! Checks that dependencies point the way ARCHITECTURE.md says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{paths::Paths, shell};

/// What a crate of ours may build on among our crates. In tests, the two sides of the wire may meet.
const CRATES: &[(&str, &[&str])] = &[
    ("protocol", &[]),
    ("kill-points", &[]),
    ("client-core", &["protocol", "kill-points"]),
    ("relay-server", &["protocol", "kill-points"]),
    ("relevo", &["client-core", "protocol"]),
    ("xtask", &[]),
];

/// Only the shell knows the window toolkit.
const WINDOW_CRATES: &[&str] = &["tauri", "tauri-build", "wry", "tao", "gtk", "webkit2gtk"];

/// Only here may the UI call Tauri.
const TAURI_IN_UI: &str = "ipc/tauri.ts";

/// A layer of the UI and the layers it must not import.
const UI_LAYERS: &[(&str, &[&str])] = &[
    ("kit", &["components", "ipc", "state", "views"]),
    ("components", &["ipc", "views"]),
    ("state", &["components", "kit", "views"]),
    ("ipc", &["components", "kit", "state", "views"]),
];

/// Beginnings of SQL statements.
const SQL: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "INSERT OR ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "CREATE INDEX ",
    "CREATE UNIQUE INDEX ",
    "PRAGMA ",
];

#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<CratePackage>,
}

#[derive(Debug, Deserialize)]
struct CratePackage {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
}

/// An error that lists every arrow against the directions.
pub(crate) fn check(paths: &Paths) -> Result<()> {
    let mut faults = crates(paths)?;
    faults.extend(sql(paths)?);
    faults.extend(ui(paths)?);
    if !faults.is_empty() {
        bail!("against ARCHITECTURE.md:\n  {}", faults.join("\n  "));
    }
    Ok(())
}

fn crates(paths: &Paths) -> Result<Vec<String>> {
    let mut command = shell::command("cargo", ["metadata", "--no-deps"], paths.root());
    command.args(["--format-version", "1", "--locked"]);
    let metadata: Metadata =
        serde_json::from_str(&shell::read(&mut command)?).context("read the crates")?;
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let Some((_, allowed)) = CRATES.iter().find(|(name, _)| *name == package.name) else {
            faults.push(format!("{}: no rule for this crate", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let is_ours = CRATES.iter().any(|(ours, _)| *ours == name);
            let in_tests = dependency.kind.as_deref() == Some("dev");
            let window = WINDOW_CRATES.contains(&name) || name.starts_with("tauri-plugin");
            if (is_ours && !in_tests && !allowed.contains(&name))
                || (window && package.name != "relevo")
            {
                faults.push(format!("{} depends on {name}", package.name));
            }
        }
    }
    Ok(faults)
}

/// SQL is written in `store` modules and in tests.
fn sql(paths: &Paths) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for package in ["protocol", "client-core", "relay-server", "src-tauri"] {
        for file in files(&paths.root().join(package).join("src"), &["rs"])? {
            let place = display(&file, paths.root());
            if ["/store", "/tests", "test_"]
                .iter()
                .any(|part| place.contains(part))
            {
                continue;
            }
            for (number, line) in lines(&file)? {
                if is_sql(&line) {
                    faults.push(format!("{place}:{number} holds SQL outside of `store`"));
                }
            }
        }
    }
    Ok(faults)
}

/// True for a line that begins a statement inside a string; keywords in capitals are the style of the project.
fn is_sql(line: &str) -> bool {
    let line = line.trim_start();
    if line.starts_with("//") {
        return false;
    }
    SQL.iter().any(|statement| {
        line.starts_with(statement)
            || line.contains(&format!("\"{statement}"))
            || line.contains(&format!("\" {statement}"))
    })
}

fn ui(paths: &Paths) -> Result<Vec<String>> {
    let source = paths.ui().join("src");
    let mut faults = Vec::new();
    for file in files(&source, &["ts", "svelte"])? {
        let place = display(&file, &source);
        let layer = place.split('/').next().unwrap_or_default();
        let forbidden = UI_LAYERS
            .iter()
            .find(|(name, _)| *name == layer)
            .map_or(&[][..], |(_, forbidden)| forbidden);
        // a test may put any layer on a bench
        if place.ends_with(".test.ts") {
            continue;
        }
        for (number, line) in lines(&file)? {
            let Some(from) = imported(&line) else {
                continue;
            };
            if from.starts_with("@tauri-apps") && place != TAURI_IN_UI {
                faults.push(format!("ui/src/{place}:{number} imports {from}"));
            }
            // types of the wire may be named anywhere; calls may not be made
            let only_types = line.trim_start().starts_with("import type");
            for other in forbidden {
                let crosses = from.contains(&format!("/{other}/"));
                if crosses && !(only_types && *other == "ipc") {
                    faults.push(format!("ui/src/{place}:{number} imports {from}"));
                }
            }
        }
    }
    Ok(faults)
}

/// What the line imports, if it is an import.
fn imported(line: &str) -> Option<&str> {
    let (_, after) = line
        .split_once(" from ")
        .or_else(|| line.split_once("import("))?;
    let quote = after.chars().next().filter(|c| "'\"".contains(*c))?;
    after.split(quote).nth(1)
}

fn files(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if !folder.exists() {
        return Ok(found);
    }
    for entry in fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))? {
        let path = entry
            .with_context(|| format!("list {}", folder.display()))?
            .path();
        if path.is_dir() {
            found.extend(files(&path, extensions)?);
        } else if path
            .extension()
            .and_then(|extension| extension.to_str())
            .is_some_and(|extension| extensions.contains(&extension))
        {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn lines(file: &Path) -> Result<Vec<(usize, String)>> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    Ok((1..).zip(text.lines().map(str::to_owned)).collect())
}

fn display(file: &Path, base: &Path) -> String {
    file.strip_prefix(base)
        .unwrap_or(file)
        .display()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_and_words_are_not() {
        assert!(is_sql(
            r#"    db.execute("INSERT INTO outbox (id) VALUES (?1)", [id])?;"#
        ));
        assert!(is_sql("        SELECT id FROM messages"));
        assert!(!is_sql("/// UPDATE is a word in a comment"));
        assert!(!is_sql(r#"tracing::info!("insert outbox row");"#));
    }

    #[test]
    fn imports_are_found() {
        assert_eq!(
            imported("import { invoke } from '@tauri-apps/api/core'"),
            Some("@tauri-apps/api/core")
        );
        assert_eq!(
            imported("const x = await import(\"../ipc/tauri\")"),
            Some("../ipc/tauri")
        );
        assert_eq!(imported("// news from the relay"), None);
    }
}
