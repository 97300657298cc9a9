//! `bench` and `soak`: long measurements and tests that live beside the code they exercise.

use std::os::unix::process::CommandExt as _;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use crate::{install, paths::Paths, shell};

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Load a relay on core 0 from core 1 and print rates and latencies
    Relay(Rest),
    /// Time what a relay answers to who tries accounts, handles and links, and compare what must not be told apart
    Probes(Rest),
    /// Let a client catch up with thousands of messages, and print seconds and processor time
    Catchup(Rest),
    /// Found and join conversations, seal and open messages
    Crypto(Rest),
    /// Open a database with its raw key
    Opening(Rest),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Soak {
    /// Damage profiles, kill their writers, and look for anything lost in silence
    Corrupt(Rest),
    /// Decode generated input and look for panics
    Fuzz(Rest),
    /// Kill clients and relays at named points and at random, and compare what everyone has in the end
    Kill(Rest),
    /// Cut the power of a disk under a relay or a client, and compare what was promised with what is left
    Powercut(Rest),
    /// Run many accounts and a relay in virtual time, one schedule per seed
    Simulate(Rest),
}

#[derive(Debug, Args)]
pub(crate) struct Rest {
    /// Passed on; `--help` lists what there is
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

pub(crate) fn bench(paths: &Paths, bench: Bench) -> Result<()> {
    match bench {
        // alone, not with the workspace: the relay must have its own SQLite and not the client's SQLCipher
        Bench::Relay(rest) => cargo(
            paths,
            &["bench", "-p", "relay-server", "--bench", "load"],
            &rest,
        ),
        Bench::Probes(rest) => cargo(
            paths,
            &["bench", "-p", "relay-server", "--bench", "probes"],
            &rest,
        ),
        Bench::Catchup(rest) => of_client(paths, "catchup", &rest),
        Bench::Crypto(rest) => of_client(paths, "crypto", &rest),
        Bench::Opening(rest) => of_client(paths, "opening", &rest),
    }
}

fn of_client(paths: &Paths, name: &str, rest: &Rest) -> Result<()> {
    cargo(
        paths,
        &["bench", "-p", "client-core", "--bench", name],
        rest,
    )
}

pub(crate) fn soak(paths: &Paths, soak: Soak) -> Result<()> {
    match soak {
        Soak::Fuzz(mut rest) => {
            if rest.arguments.is_empty() {
                rest.arguments = vec!["--seconds".to_owned(), "60".to_owned()];
            }
            cargo(
                paths,
                &["run", "--release", "-p", "protocol", "--example", "fuzz"],
                &rest,
            )
        }
        Soak::Corrupt(rest) => cargo(
            paths,
            &[
                "run",
                "--release",
                "-p",
                "client-core",
                "--example",
                "corrupt",
            ],
            &rest,
        ),
        Soak::Simulate(rest) => cargo(
            paths,
            &[
                "run",
                "--release",
                "-p",
                "client-core",
                "--example",
                "simulate",
            ],
            &rest,
        ),
        Soak::Kill(rest) => with_relay(paths, "kill", &rest),
        Soak::Powercut(rest) => {
            install::for_powercut()?;
            with_relay(paths, "powercut", &rest)
        }
    }
}

/// Runs an example of the client that wants the relay's binary beside it. The relay is built alone, so
/// that the relay has its own SQLite.
fn with_relay(paths: &Paths, example: &str, rest: &Rest) -> Result<()> {
    const FEATURE: [&str; 2] = ["--features", "kill-points"];
    let mut relay = shell::command(
        "cargo",
        [
            "build",
            "--release",
            "--locked",
            "-p",
            "relay-server",
            "--bins",
        ],
        paths.root(),
    );
    shell::run(relay.args(FEATURE))?;
    let arguments = [
        "run",
        "--release",
        "-p",
        "client-core",
        "--example",
        example,
    ];
    cargo(paths, &[&arguments[..], &FEATURE].concat(), rest)
}

/// Becomes the program: Ctrl+C and the exit code are its own.
fn cargo(paths: &Paths, arguments: &[&str], rest: &Rest) -> Result<()> {
    let mut command = shell::command("cargo", arguments, paths.root());
    command.args(["--locked", "--"]).args(&rest.arguments);
    let line = shell::display(&command);
    println!("$ {line}");
    Err(command.exec()).with_context(|| format!("start `{line}`"))
}
