//! The commands that the README and CI call: `cargo xtask run`, `test`, `lint` and the rest.
//!
//! This crate needs no system library, so that it can run first on a bare machine and install what the others need.
//! It knows the products only from outside: their command lines, their windows and their files.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool that talks to the person who started it"
)]

mod arrows;
mod cross;
mod delegate;
mod desktop;
mod driver;
mod generate;
mod guards;
mod headless;
mod install;
mod interactive;
mod journey;
mod package;
mod paths;
mod people;
mod processes;
mod products;
mod relay;
mod report;
mod shell;
mod steps;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::{
    paths::Paths,
    products::{Products, Profile},
};

/// Builds, runs, tests and packages Relevo.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a relay and two windows, Ana and Luis, on this computer
    Run(RunOptions),
    /// Run every check, the same as CI
    Test,
    /// Check the format and run the linters
    Lint,
    /// Write the generated files, or with --check only compare them
    Gen {
        /// Fail when a generated file is not fresh, and write nothing
        #[arg(long)]
        check: bool,
    },
    /// Check the types for Windows and macOS on this computer
    Cross,
    /// Measure: `bench relay …` loads the relay
    #[command(subcommand)]
    Bench(delegate::Bench),
    /// Test for a long time: random input, random kills
    #[command(subcommand)]
    Soak(delegate::Soak),
    /// Make the deb and rpm packages
    Package,
}

#[derive(Debug, Args)]
struct RunOptions {
    /// Forget the accounts of earlier runs and begin at the first screen
    #[arg(long)]
    fresh: bool,
    /// Without a screen: drive both windows through a whole conversation and write a report
    #[arg(long)]
    headless: bool,
    /// Use the optimised build
    #[arg(long)]
    release: bool,
}

fn main() -> ExitCode {
    match dispatch(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<ExitCode> {
    let paths = Paths::find()?;
    match command {
        Command::Run(options) => run(&paths, &options)?,
        Command::Test => return steps::test(&paths),
        Command::Lint => return steps::lint(&paths),
        Command::Gen { check } => {
            install::for_building(&paths)?;
            let products = Products::build(&paths, Profile::Debug)?;
            if check {
                generate::check(&paths, &products)?;
            } else {
                generate::write(&paths, &products)?;
            }
        }
        Command::Cross => cross::check(&paths)?,
        Command::Bench(bench) => delegate::bench(&paths, bench)?,
        Command::Soak(soak) => delegate::soak(&paths, soak)?,
        Command::Package => package::build(&paths)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn run(paths: &Paths, options: &RunOptions) -> Result<()> {
    let profile = if options.release {
        Profile::Release
    } else {
        Profile::Debug
    };
    if options.headless {
        install::for_headless(paths)?;
        let products = Products::build(paths, profile)?;
        headless::run(paths, &products)
    } else {
        interactive::check_for_screen()?;
        install::for_building(paths)?;
        let products = Products::build(paths, profile)?;
        interactive::run(paths, &products, options.fresh)
    }
}
