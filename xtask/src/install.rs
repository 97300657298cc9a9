//! Installs what a bare Debian lacks, and says what each thing is for.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::{paths::Paths, shell};

/// A package of Debian and what it is needed for.
pub(crate) type Package = (&'static str, &'static str);

/// The newest release that builds with the Rust of this workspace.
const CARGO_DENY: &str = "cargo-deny@0.20.2";

const BUILD: &[Package] = &[
    (
        "build-essential",
        "C compiler for SQLCipher and the cryptography",
    ),
    ("pkg-config", "finds the libraries below"),
    ("libwebkit2gtk-4.1-dev", "the window of the app"),
    ("libssl-dev", "the encryption of the local database"),
    ("libayatana-appindicator3-1", "the tray icon"),
    (
        "libayatana-appindicator3-dev",
        "the tray icon, when packages are made",
    ),
];

const HEADLESS: &[Package] = &[
    ("xvfb", "a screen without a monitor"),
    ("xauth", "access to that screen"),
    ("dbus", "a session bus for each person"),
    ("dbus-x11", "a session bus that knows the screen"),
    (
        "webkit2gtk-driver",
        "presses keys and reads the page in the window",
    ),
    ("imagemagick", "pictures of the whole screen"),
    ("fonts-dejavu-core", "letters for the pictures"),
    ("fonts-noto-color-emoji", "emoji for the pictures"),
    ("gnome-keyring", "a keyring of its own for the tests"),
];

const TEST: &[Package] = &[("chromium", "the journeys of the UI in a browser")];

const POWERCUT: &[Package] = &[
    ("xfsprogs", "a file system whose power can be cut"),
    (
        "eatmydata",
        "a disk that forgets, to see that a loss is seen",
    ),
];

/// What `run` and the builds need.
pub(crate) fn for_building(paths: &Paths) -> Result<()> {
    packages(&[BUILD])?;
    node_modules(paths)
}

/// What two windows without a screen need.
pub(crate) fn for_headless(paths: &Paths) -> Result<()> {
    packages(&[BUILD, HEADLESS])?;
    node_modules(paths)
}

/// What all tests need, apart from [`packages`] that single steps ask for.
pub(crate) fn for_testing(paths: &Paths) -> Result<()> {
    packages(&[BUILD, HEADLESS, TEST])?;
    node_modules(paths)
}

/// What cutting the power of a disk needs, apart from root.
pub(crate) fn for_powercut() -> Result<()> {
    packages(&[POWERCUT])?;
    if !is_root()? {
        bail!("mounting a disk and cutting its power needs root");
    }
    Ok(())
}

/// Installs the packages that are missing. Without the rights to, it says which command does it.
pub(crate) fn packages(lists: &[&[Package]]) -> Result<()> {
    if !shell::is_in_path("dpkg-query") {
        println!("This is not Debian: take care that what `xtask/src/install.rs` lists is there.");
        return Ok(());
    }
    let wanted: Vec<Package> = lists.iter().flat_map(|list| list.iter().copied()).collect();
    let present = installed(&wanted)?;
    let missing: Vec<Package> = wanted
        .into_iter()
        .filter(|(name, _)| !present.contains(*name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }

    println!("These packages are missing:");
    for (name, reason) in &missing {
        println!("  {name:<30} {reason}");
    }
    let names = missing.iter().map(|(name, _)| *name);
    let install = ["install", "-y", "--no-install-recommends"];
    if !is_root()? {
        bail!(
            "install them with: sudo apt-get {} {}",
            install.join(" "),
            names.collect::<Vec<_>>().join(" ")
        );
    }
    shell::run(apt().arg("update"))?;
    shell::run(apt().args(install).args(names))
}

/// The packages of the UI as its lock file has them.
pub(crate) fn node_modules(paths: &Paths) -> Result<()> {
    npm_ci(&paths.ui())
}

/// Installs what the lock file in `folder` says, unless that is there already.
pub(crate) fn npm_ci(folder: &Path) -> Result<()> {
    if !shell::is_in_path("npm") {
        bail!("npm is missing: install Node.js 20.19 or newer");
    }
    let changed = |name: &str| {
        fs::metadata(folder.join(name))
            .and_then(|data| data.modified())
            .ok()
    };
    // npm writes this file last, so it tells when the folder was made and from what
    let made = changed("node_modules/.package-lock.json");
    if made.is_some() && made > changed("package-lock.json") && made > changed("package.json") {
        return Ok(());
    }
    shell::run(&mut shell::command(
        "npm",
        ["ci", "--no-fund", "--no-audit"],
        folder,
    ))
}

/// A command that runs cargo-deny; builds it first if this computer has none.
pub(crate) fn cargo_deny(paths: &Paths) -> Result<Command> {
    if shell::is_in_path("cargo-deny") {
        return Ok(shell::command("cargo-deny", [""; 0], paths.root()));
    }
    let program = paths.tools().join("bin/cargo-deny");
    if !program.exists() {
        let mut install =
            shell::command("cargo", ["install", "--locked", CARGO_DENY], paths.root());
        install.arg("--root").arg(paths.tools());
        // it runs for two seconds, so a quick build is worth more than a quick program
        install.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
        install.env("CARGO_PROFILE_RELEASE_LTO", "off");
        install.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        shell::run(&mut install)?;
    }
    Ok(shell::command(program, [""; 0], paths.root()))
}

pub(crate) fn is_root() -> Result<bool> {
    let id = shell::read(Command::new("id").arg("-u"))?;
    Ok(id.trim() == "0")
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    // no progress bars: the output may be a log
    command.args(["-q", "-o", "Dpkg::Use-Pty=0"]);
    command
}

fn installed(wanted: &[Package]) -> Result<BTreeSet<String>> {
    let mut query = Command::new("dpkg-query");
    query
        .args(["-W", "-f", "${Package} ${db:Status-Status}\n"])
        .args(wanted.iter().map(|(name, _)| name));
    // it fails when one of them is unknown, and still lists the others
    let output = shell::output(&mut query)?;
    let text = String::from_utf8(output.stdout).context("read the list of packages")?;
    Ok(text
        .lines()
        .filter_map(|line| line.strip_suffix(" installed"))
        .map(str::to_owned)
        .collect())
}
