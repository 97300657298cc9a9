//! Checks the types for Windows and macOS on Debian, without a linker or a library of those systems.
//!
//! Debian has the source of Rust's standard library in the packages that build its browsers, together with a compiler of
//! the same version. They conflict with rustup, so they are unpacked below `target/cross` and not installed. C code is
//! not needed to check types: a C compiler that makes empty files stands in for the real ones.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    install::{self, Package},
    paths::Paths,
    products::FEATURES,
    shell,
};

const TARGETS: &[&str] = &["x86_64-pc-windows-gnu", "aarch64-apple-darwin"];

const PACKAGES: &[Package] = &[
    (
        "libllvm22",
        "the compiler that checks the types for Windows and macOS",
    ),
    (
        "binutils-mingw-w64-x86-64",
        "import libraries and resources for Windows",
    ),
];

/// Unpacked, not installed. The version is in a name, so the last one is looked up.
const UNPACKED: &[&str] = &["rustc-web", "libstd-rust-web-dev", "rust-web-src"];
const LIBRARY_PREFIX: &str = "libstd-rust-web-1";

const FAKE_COMPILER: &str = r#"#!/bin/sh
# A C compiler for checking types: it makes the file that was asked for, empty.
out=
want=
for argument in "$@"; do
    [ -n "$want" ] && out=$argument && want=
    case "$argument" in
    -E) exec cc -x c "$@" ;;
    -o) want=1 ;;
    esac
done
[ -z "$out" ] || : >"$out"
"#;

const FAKE_ARCHIVER: &str = r#"#!/bin/sh
# An archiver for checking types: it makes an empty archive.
for argument in "$@"; do
    case "$argument" in
    *.a) printf '!<arch>\n' >"$argument" ;;
    esac
done
"#;

/// Why this computer cannot check the other systems, if it cannot.
pub(crate) fn obstacle() -> Option<&'static str> {
    if !shell::is_in_path("apt-get") {
        return Some("not Debian: the source of the standard library comes from its packages");
    }
    if cfg!(not(target_arch = "x86_64")) {
        return Some("the recipe was made for a computer with an x86-64 processor");
    }
    None
}

/// Checks the types of the whole workspace, apart from this crate, for both systems.
pub(crate) fn check(paths: &Paths) -> Result<()> {
    install::packages(&[PACKAGES])?;
    let folder = paths.target().join("cross");
    let toolchain = unpack_toolchain(&folder)?;
    let tools = write_tools(&folder)?;
    let openssl = write_openssl(&folder)?;

    let mut check = shell::command("cargo", ["check", "--locked"], paths.root());
    check.args(["--workspace", "--exclude", "xtask"]);
    check.args(["--features", FEATURES, "-Zbuild-std=std,panic_abort"]);
    for target in TARGETS {
        check.args(["--target", target]);
        let target = target.replace('-', "_");
        check.env(format!("CC_{target}"), tools.join("fakecc"));
        check.env(format!("CXX_{target}"), tools.join("fakecc"));
        check.env(format!("AR_{target}"), tools.join("fakear"));
        check.env(format!("RANLIB_{target}"), "true");
    }
    check
        .env("PATH", path_beginning_with(&tools)?)
        .env("RUSTC", toolchain.join("bin/rustc"))
        .env("LD_LIBRARY_PATH", toolchain.join("lib/x86_64-linux-gnu"))
        // build-std is unstable, and this compiler is a release
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("AWS_LC_SYS_PREBUILT_NASM", "1")
        .env("OPENSSL_NO_VENDOR", "1")
        .env("X86_64_PC_WINDOWS_GNU_OPENSSL_DIR", openssl);
    shell::run(&mut check)
}

/// The compiler and the source of the standard library, unpacked once.
fn unpack_toolchain(folder: &Path) -> Result<PathBuf> {
    let toolchain = folder.join("toolchain");
    let usr = toolchain.join("usr");
    let done = toolchain.join("complete");
    if done.exists() {
        return Ok(usr);
    }
    Paths::emptied(&toolchain)?;
    let downloads = folder.join("packages");
    Paths::emptied(&downloads)?;

    let mut download = shell::command("apt-get", ["-q", "download"], &downloads);
    // as root, apt would otherwise complain that its own user may not write here
    download.args(["-o", "APT::Sandbox::User=root"]);
    shell::run(download.args(UNPACKED).arg(library_package()?))?;
    for package in fs::read_dir(&downloads).context("list the downloads")? {
        let package = package.context("list the downloads")?.path();
        shell::run(
            Command::new("dpkg-deb")
                .arg("-x")
                .args([&package, &toolchain]),
        )?;
    }
    fs::remove_dir_all(&downloads).context("remove the downloads")?;
    fs::write(&done, "").context("mark the toolchain as complete")?;
    Ok(usr)
}

/// The library of the compiler, with its version in its name.
fn library_package() -> Result<String> {
    let depends = shell::read(Command::new("apt-cache").args(["depends", "libstd-rust-web-dev"]))?;
    depends
        .split_whitespace()
        .find(|word| word.starts_with(LIBRARY_PREFIX))
        .map(str::to_owned)
        .with_context(|| format!("find {LIBRARY_PREFIX}… in: {depends}"))
}

fn write_tools(folder: &Path) -> Result<PathBuf> {
    let tools = folder.join("tools");
    fs::create_dir_all(&tools).context("make the folder of stand-ins")?;
    for (name, text) in [
        ("fakecc", FAKE_COMPILER),
        ("fakear", FAKE_ARCHIVER),
        // windres asks this one to preprocess the resources
        ("x86_64-w64-mingw32-gcc", FAKE_COMPILER),
    ] {
        let path = tools.join(name);
        // written only when it differs: build scripts look at the time of their compiler
        if fs::read_to_string(&path).is_ok_and(|present| present == text) {
            continue;
        }
        fs::write(&path, text).with_context(|| format!("write {name}"))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .with_context(|| format!("make {name} executable"))?;
    }
    Ok(tools)
}

/// Where the build of SQLCipher for Windows looks for OpenSSL; checking types opens nothing of it.
fn write_openssl(folder: &Path) -> Result<PathBuf> {
    let openssl = folder.join("openssl");
    for part in ["include", "lib"] {
        fs::create_dir_all(openssl.join(part)).context("make a place for OpenSSL")?;
    }
    Ok(openssl)
}

fn path_beginning_with(first: &Path) -> Result<OsString> {
    let Some(path) = std::env::var_os("PATH") else {
        bail!("PATH is not set");
    };
    std::env::join_paths(std::iter::once(first.to_path_buf()).chain(std::env::split_paths(&path)))
        .context("put the stand-ins first in PATH")
}
