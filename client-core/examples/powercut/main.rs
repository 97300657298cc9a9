//! Cuts the power of a disk under a relay, or under a client, and proves that nothing that was promised is gone.
//!
//! ```text
//! cargo xtask soak powercut --runs 200
//! cargo xtask soak powercut --side client --runs 100
//! ```
//! The relay: people register, publish key packages, make links, claim, open conversations and append, and a journal outside
//! of the disk notes each answer. The power fails at a moment by chance, the relay is killed, the disk is mounted again, the
//! relay started again, and asked for everything in the journal. With `--swallow-syncs` its syncs are nothing, and the run
//! succeeds only if the loss is seen.
//!
//! The client: the profile of one of two who write to each other lies on the disk. What `send_text` and
//! `set_blocked` returned must be in it after the cut, and so must everything that the relay says was delivered to it.
//!
//! Needs root, Linux, and the packages `xfsprogs` and `eatmydata`.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a tool: it prints, and a fault may end it"
)]

#[path = "../kill/actor.rs"]
mod actor;
#[path = "../kill/audit.rs"]
mod audit;
mod client;
mod compare;
mod couple;
mod disk;
#[path = "../kill/interrupt.rs"]
mod interrupt;
mod person;
mod relay;
mod server;
mod wire;

use std::{
    fs::File,
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};

use self::{actor::ActorArguments, relay::Syncs};

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Whose disk.
    #[arg(long, value_enum, default_value_t = Side::Relay)]
    side: Side,
    /// How many cuts.
    #[arg(long, default_value_t = 20)]
    runs: u32,
    /// The longest time between the start and the cut, in milliseconds.
    #[arg(long, default_value_t = 700)]
    life: u64,
    /// Decides when the power fails. The machine's scheduling decides what that hits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Let no sync of the relay or the client reach the disk: the run must see a loss.
    #[arg(long)]
    swallow_syncs: bool,
    /// The relay's binary; by default the one beside this program.
    #[arg(long)]
    relay: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Side {
    Relay,
    Client,
}

#[derive(Subcommand)]
enum Role {
    /// One client; started by the harness.
    Actor(ActorArguments),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(Role::Actor(actor)) = arguments.role {
        return actor::run(actor);
    }
    let relay = match &arguments.relay {
        Some(relay) => relay.clone(),
        None => {
            let program = std::env::current_exe()?;
            let folder = program.parent().and_then(Path::parent);
            folder
                .context("find the folder of the binaries")?
                .join("relevo-relay")
        }
    };
    let syncs = if arguments.swallow_syncs {
        Syncs::Swallowed
    } else {
        Syncs::Kept
    };
    let plan = Plan {
        runs: arguments.runs,
        life: Duration::from_millis(arguments.life),
        seed: arguments.seed,
        relay,
        syncs,
    };
    interrupt::watch()?;
    interrupt::end(match arguments.side {
        Side::Relay => server::run(&plan),
        Side::Client => client::run(&plan),
    })
}

/// What is to be done.
struct Plan {
    runs: u32,
    life: Duration,
    seed: u64,
    relay: PathBuf,
    syncs: Syncs,
}

/// How often a small append can be made durable in a folder, in each second.
fn syncs_per_second(folder: &Path) -> Result<f64> {
    let path = folder.join("syncs");
    let mut file = File::create(&path)?;
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < Duration::from_millis(300) {
        file.write_all(&[7; 300])?;
        file.sync_data()?;
        count += 1;
    }
    std::fs::remove_file(path)?;
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
