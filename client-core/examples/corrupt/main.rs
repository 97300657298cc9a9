//! Damages profiles and kills their writers, and proves that nothing is lost in silence, shown in plain, or replaced by
//! nothing.
//!
//! ```text
//! cargo run --release -p client-core --example corrupt -- --runs 1000 --kills 200 --seed 1
//! ```
//! A run copies a profile with messages, a copy and sometimes the log of a killed process, damages one or two of its files,
//! and opens it: `--seed N --runs 1` plays one again. A kill ends a process with SIGKILL while it writes messages, makes
//! copies, changes key slots or mends a damaged database, and looks at what it left.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a tool: it prints, and a fault may end it"
)]

#[path = "../../tests/safekeeping/faults.rs"]
mod faults;
#[path = "../../tests/safekeeping/home.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod home;
#[path = "../kill/interrupt.rs"]
mod interrupt;
mod killing;
#[path = "../../tests/safekeeping/trial.rs"]
mod trial;

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

use self::trial::{Outcome, Templates};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// How many profiles to damage.
    #[arg(long, default_value_t = 1000)]
    runs: u64,
    /// How many writers to kill.
    #[arg(long, default_value_t = 0)]
    kills: u64,
    /// The first seed; each run has the next.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Subcommand)]
enum Role {
    /// A process that is killed; started by this program.
    Writer {
        /// The profile.
        folder: PathBuf,
    },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Role::Writer { folder }) = arguments.role {
        killing::write(&folder);
    }
    interrupt::watch()?;
    interrupt::end(run(&arguments))
}

fn run(arguments: &Arguments) -> Result<()> {
    let mut faults = Vec::new();
    let templates = Templates::new();
    let mut outcomes: BTreeMap<Outcome, u64> = BTreeMap::new();
    for seed in (arguments.seed..).take(usize::try_from(arguments.runs)?) {
        interrupt::check()?;
        match templates.run(seed) {
            Ok(outcome) => *outcomes.entry(outcome).or_default() += 1,
            Err(fault) => faults.push(fault),
        }
    }
    println!(
        "damaged profiles: {} from seed {}",
        arguments.runs, arguments.seed
    );
    for (outcome, count) in &outcomes {
        println!("{count:>8}  {outcome:?}");
    }
    let mut left: BTreeMap<killing::Left, u64> = BTreeMap::new();
    for seed in (arguments.seed..).take(usize::try_from(arguments.kills)?) {
        interrupt::check()?;
        match killing::run(&templates, seed) {
            Ok(outcome) => *left.entry(outcome).or_default() += 1,
            Err(fault) => faults.push(format!("kill, seed {seed}: {fault}")),
        }
    }
    println!(
        "killed writers: {} from seed {}",
        arguments.kills, arguments.seed
    );
    for (outcome, count) in &left {
        println!("{count:>8}  {outcome:?}");
    }
    for fault in &faults {
        println!("   FAULT  {fault}");
    }
    ensure!(faults.is_empty(), "{} faults", faults.len());
    Ok(())
}
