//! Kills the relay and two clients while messages fly, and proves that nothing was lost, doubled, reordered or unreadable.
//!
//! ```text
//! cargo run --release -p client-core --example kill -- --kills 60 --seed 1
//! ```
//! Three real processes: `relevo-relay serve`, and this program twice as an actor with a profile of its own. At random
//! moments one of them gets SIGKILL and is started again. An actor keeps 50 messages on their way and writes into a journal
//! each message that the client accepted. In the end both profiles are compared with both journals and with each other.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a tool: it prints, and a fault may end it"
)]

mod actor;
mod audit;
mod processes;

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use client_core::seams::{Randomness, SeededRandom};

use self::{
    actor::ActorArguments,
    processes::{Stage, Victim},
};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// How many kills.
    #[arg(long, default_value_t = 60)]
    kills: u32,
    /// Decides who is killed and when. The machine's scheduling decides what that hits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The longest life of a process between two kills, in milliseconds.
    #[arg(long, default_value_t = 1500)]
    life: u64,
    /// The relay's binary; by default the one beside this program.
    #[arg(long)]
    relay: Option<PathBuf>,
    /// Where the profiles and the relay's data go; by default a new temporary folder that is kept if something was wrong.
    #[arg(long)]
    dir: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Role {
    /// One client; started by the harness.
    Actor(ActorArguments),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::Actor(actor)) => actor::run(actor),
        None => harness(&arguments),
    }
}

fn harness(arguments: &Arguments) -> Result<()> {
    let dir = match &arguments.dir {
        Some(dir) => dir.clone(),
        None => tempfile::Builder::new()
            .prefix("relevo-kill-")
            .tempdir()?
            .keep(),
    };
    println!(
        "kill: seed {}, {} kills, data in {}",
        arguments.seed,
        arguments.kills,
        dir.display()
    );
    let mut stage = Stage::set(&dir, arguments.relay.as_deref()).context("set the stage")?;
    let mut random = SeededRandom::new(arguments.seed);
    let mut kills = [0u32; 3];
    for _ in 0..arguments.kills {
        stage.live(Duration::from_millis(below(&mut random, arguments.life)?))?;
        let (index, victim) = match below(&mut random, 3)? {
            0 => (0, Victim::Relay),
            1 => (1, Victim::Ana),
            _ => (2, Victim::Luis),
        };
        stage.kill(victim)?;
        kills[index] += 1;
        // sometimes the others notice, sometimes not
        stage.live(Duration::from_millis(below(
            &mut random,
            arguments.life / 2,
        )?))?;
        stage.start(victim)?;
    }
    println!(
        "kill: relay {}, Ana {}, Luis {}",
        kills[0], kills[1], kills[2]
    );
    stage.finish().context("let everything arrive")?;
    let report = audit::audit(&dir)?;
    println!("{report}");
    report.verdict()?;
    if arguments.dir.is_none() {
        std::fs::remove_dir_all(&dir)?;
    }
    Ok(())
}

fn below(random: &mut SeededRandom, bound: u64) -> Result<u64> {
    let mut bytes = [0; 8];
    random.fill(&mut bytes)?;
    Ok(u64::from_be_bytes(bytes) % bound.max(1))
}
