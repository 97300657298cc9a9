//! Kills the relay and its clients while messages fly, and proves that nothing was lost, doubled, reordered or unreadable.
//!
//! ```text
//! cargo xtask soak kill --kills 600 --seed 1
//! ```
//! Real processes: `relevo-relay serve`, and this program as Ana and as one Luis after the other, each an actor with a
//! profile of its own. Each act of a run is the life of one Luis: he joins by an invite of Ana's, opens the conversation,
//! and both write. Lives end by SIGKILL: at the named points of `KillPoint` in turn, and at moments by chance; then the
//! process is started again. An actor keeps 50 to 100 messages on their way, and writes into a journal each message that
//! the client accepted. In the end all profiles are compared with all journals and with each other.
//!
//! Before the acts, and now and then between them, somebody does errands: see [`errands`].

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a tool: it prints, and a fault may end it"
)]

mod actor;
mod audit;
mod errands;
mod friend;
mod friends;
mod interrupt;
mod schedule;
mod stage;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};

use self::{
    actor::ActorArguments,
    schedule::Schedule,
    stage::{End, Stage, Who},
};

/// An act takes longer than this only if something hangs.
const ACT: Duration = Duration::from_secs(600);
/// Acts beyond what was asked for, while there are points that nobody came to.
const MORE_ACTS: u32 = 4;
/// Acts after each errand.
const ACTS: u32 = 4;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// How many kills of the relay, and how many of its clients, at least; a run ends with an act.
    #[arg(long, default_value_t = 60)]
    kills: u32,
    /// Decides who is killed, where and when. The machine's scheduling decides what that hits.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The longest life that ends by chance, in milliseconds.
    #[arg(long, default_value_t = 700)]
    life: u64,
    /// Print each death.
    #[arg(long)]
    show: bool,
    /// The relay's binary, built with `kill-points`; by default the one beside this program.
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
    /// One of those of the errands; started by the harness.
    Errand(ActorArguments),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.role {
        Some(Role::Actor(actor)) => actor::run(actor),
        Some(Role::Errand(friend)) => friends::run(friend),
        None => {
            interrupt::watch()?;
            interrupt::end(harness(&arguments))
        }
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
        "kill: seed {}, {} kills of each side, data in {}",
        arguments.seed,
        arguments.kills,
        dir.display()
    );
    let outcome = run(arguments, &dir);
    let useful = outcome.is_err() && interrupt::check().is_ok();
    if arguments.dir.is_none() && !useful {
        std::fs::remove_dir_all(&dir)?;
    }
    outcome
}

fn run(arguments: &Arguments, dir: &Path) -> Result<()> {
    let begun = Instant::now();
    let relay = arguments.relay.as_deref();
    let mut stage = Stage::set(dir, relay, &[Who::Ana]).context("set the stage")?;
    let mut schedule = Schedule::new(arguments.seed, Duration::from_millis(arguments.life));
    let mut acts = 0;
    let mut more = MORE_ACTS;
    stage.start(Who::Relay, End::Never)?;
    stage.start(Who::Ana, End::Never)?;
    while schedule.of_each_side() < arguments.kills || (!schedule.never().is_empty() && more > 0) {
        more -= u32::from(schedule.of_each_side() >= arguments.kills);
        if acts % ACTS == 0 {
            let number = acts / ACTS + 1;
            errands::run(
                &dir.join(format!("errands-{number}")),
                relay,
                &mut schedule,
                arguments.show,
            )
            .with_context(|| format!("errands {number}"))?;
        }
        acts += 1;
        act(&mut stage, &mut schedule, acts, arguments.show)
            .with_context(|| format!("act {acts}"))?;
    }
    println!("{schedule}");
    stage.say("stop")?;
    for who in [Who::Relay, Who::Ana] {
        stage.kill(who)?;
        stage.start(who, End::Never)?;
    }
    stage.finish().context("let everything arrive")?;
    drop(stage);
    let others: Vec<String> = (1..=acts).map(|number| Who::Luis(number).name()).collect();
    let report = audit::audit(dir, &others)?;
    println!(
        "kill: {} kills in {acts} acts and {:.0} s; {report}",
        schedule.kills(),
        begun.elapsed().as_secs_f64()
    );
    report.verdict()?;
    schedule.verdict()
}

/// The life of one Luis. Afterwards he may end in peace, while the next one joins.
fn act(stage: &mut Stage, schedule: &mut Schedule, number: u32, show: bool) -> Result<()> {
    let luis = Who::Luis(number);
    schedule.next_act()?;
    // so that making the invite can be what they die of
    for who in [Who::Relay, Who::Ana] {
        stage.kill(who)?;
        stage.start(who, schedule.end(who)?)?;
    }
    stage.say(&format!("{}.wanted", luis.name()))?;
    let (mut joined, begun) = (false, Instant::now());
    let mut absent: Vec<(Who, Instant)> = Vec::new();
    loop {
        ensure!(begun.elapsed() < ACT, "the act does not end");
        if !joined && stage.heard(&format!("{}.link", luis.name())) {
            joined = true;
            stage.start(luis, schedule.end(luis)?)?;
        }
        for (who, death) in stage.watch()? {
            // an earlier Luis who has ended in peace needs no other life
            if who < Who::Luis(1) || who == luis {
                if show {
                    println!("{:7.2} {who:?}: {death:?}", begun.elapsed().as_secs_f64());
                }
                schedule.note(who, death);
                // sometimes the others notice, sometimes not
                absent.push((
                    who,
                    Instant::now() + schedule.moment(Duration::from_millis(60))?,
                ));
            }
        }
        let now = Instant::now();
        for (who, _) in absent.extract_if(.., |(_, until)| *until <= now) {
            stage.start(who, schedule.end(who)?)?;
        }
        if joined && schedule.act_is_over() && absent.is_empty() {
            break;
        }
    }
    stage.say(&format!("{}.quiet", luis.name()))?;
    stage.kill(luis)?;
    stage.start(luis, End::Never)
}
