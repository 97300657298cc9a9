//! Many accounts against the real relay in one process, in virtual time: the long form of the test `sim`.
//!
//! ```text
//! cargo run --release -p client-core --example simulate -- --seeds 1000 --from 1
//! cargo run --release -p client-core --example simulate -- --seconds 600
//! cargo run --release -p client-core --example simulate -- --from 42 --show
//! ```
//! Each seed is a run of its own. A seed that breaks a promise is shrunk to the steps that it takes, and printed.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a tool: it prints, and a fault may end it"
)]

#[path = "../../tests/sim/account.rs"]
mod account;
#[path = "../../tests/sim/chance.rs"]
mod chance;
#[path = "../../tests/sim/check.rs"]
mod check;
#[path = "../../tests/sim/fall.rs"]
mod fall;
#[path = "../../tests/sim/history.rs"]
mod history;
#[path = "../../tests/sim/link.rs"]
mod link;
#[path = "../../tests/sim/loss.rs"]
mod loss;
#[path = "../../tests/sim/mischief.rs"]
mod mischief;
#[path = "../../tests/sim/model.rs"]
mod model;
#[path = "../../tests/sim/network.rs"]
mod network;
#[path = "../../tests/sim/people.rs"]
mod people;
#[path = "../../tests/sim/relay.rs"]
mod relay;
#[path = "../../tests/sim/rest.rs"]
mod rest;
#[path = "../../tests/sim/run.rs"]
mod run;
#[path = "../../tests/sim/schedule.rs"]
mod schedule;
#[path = "../../tests/sim/shrink.rs"]
mod shrink;
#[path = "../../tests/sim/state.rs"]
mod state;
#[path = "../../tests/sim/steps.rs"]
mod steps;
#[path = "../../tests/sim/time.rs"]
mod time;
#[path = "../../tests/sim/wishes.rs"]
mod wishes;
#[path = "../../tests/sim/world.rs"]
mod world;

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use clap::{Parser, ValueEnum};

use self::{
    run::{Failure, Report, run},
    schedule::{PushFault, Schedule, Step},
};

#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Go on with further seeds for so long, whatever `--seeds` says.
    #[arg(long)]
    seconds: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Runs at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// Print all that happens, frame by frame.
    #[arg(long)]
    show: bool,
    /// Let a relay or an app do once in each run what it must not: failures are what is wanted then.
    #[arg(long)]
    fault: Option<Fault>,
    /// People who ask and block, devices that lose what they had and a relay that goes back in time, all in one run
    #[arg(long)]
    mixed: bool,
    /// Leave a failing schedule as long as it is.
    #[arg(long)]
    no_shrink: bool,
}

/// Seeds between two lines that tell how far it is.
const TELL_EVERY: u64 = 500;

/// What no relay and no app may do.
#[derive(Clone, Copy, ValueEnum)]
enum Fault {
    /// The relay loses what it answered.
    Forget,
    /// An app acknowledges what it has not stored.
    Unstore,
    /// The relay shows somebody another order.
    Swap,
    /// Wherever it is restored, the relay is put back as it was and does not say so.
    PutBack,
}

/// What all runs were together.
#[derive(Default)]
struct Sum {
    runs: u64,
    events: u64,
    texts: u64,
    simulated: Duration,
    lapsed: u64,
    failures: Vec<Failure>,
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: Result<Report, Failure>) {
        self.runs += 1;
        match outcome {
            Ok(report) => {
                self.events += report.counts.events();
                self.texts += report.counts.texts;
                self.simulated += report.simulated;
                self.lapsed += u64::from(report.lapsed);
            }
            Err(failure) => {
                println!("seed {seed}: {}", failure.problem);
                self.failures.push(failure);
            }
        }
    }
}

fn schedule_of(seed: u64, arguments: &Arguments) -> Schedule {
    let mut schedule = if arguments.mixed {
        Schedule::mixed(seed)
    } else {
        Schedule::of(seed)
    };
    let middle = schedule.steps.len() / 2;
    let mut insert = |index: usize, step: Step| {
        let (at, _) = schedule.steps[index];
        schedule.steps.insert(index, (at, step));
    };
    match arguments.fault {
        None => {}
        Some(Fault::Forget) => insert(middle, Step::Forget { ms: 10 }),
        Some(Fault::Unstore) => insert(middle, Step::Unstore { who: 0, ms: 10 }),
        Some(Fault::Swap) => {
            let (who, fault, pushes) = (0, PushFault::Swapped, 9);
            insert(middle, Step::Pushes { who, fault, pushes });
        }
        Some(Fault::PutBack) => {
            for (_, step) in &mut schedule.steps {
                if let Step::Restore { ms } = *step {
                    *step = Step::PutBack { ms };
                }
            }
        }
    }
    schedule
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (next, sum) = (AtomicU64::new(arguments.from), Mutex::new(Sum::default()));
    let end = arguments.from.saturating_add(arguments.seeds);
    let begun = Instant::now();
    let is_over = |seed: u64| match arguments.seconds {
        Some(seconds) => begun.elapsed() >= Duration::from_secs(seconds),
        None => seed >= end,
    };
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if is_over(seed) {
                        return;
                    }
                    let schedule = schedule_of(seed, &arguments);
                    let outcome = run(&schedule, arguments.show);
                    if let (true, Ok(report)) = (arguments.show, &outcome) {
                        println!("seed {seed}: history {}", report.hash);
                    }
                    let mut sum = sum.lock().expect("adding does not panic");
                    sum.add(seed, outcome);
                    if sum.runs % TELL_EVERY == 0 {
                        println!("{} seeds, {} events", sum.runs, sum.events);
                    }
                }
            });
        }
    });
    let sum = sum.into_inner().expect("adding does not panic");
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    let rate = sum.events as f64 / seconds;
    println!(
        "{} seeds from {}: {} events ({rate:.0} a second), {} texts, {} simulated hours, in {} the relay counted again, {} failures",
        sum.runs,
        arguments.from,
        sum.events,
        sum.texts,
        sum.simulated.as_secs() / 3600,
        sum.lapsed,
        sum.failures.len()
    );
    for failure in &sum.failures {
        println!("{}", failure.problem);
    }
    match sum.failures.into_iter().next() {
        None => ExitCode::SUCCESS,
        Some(failure) if arguments.no_shrink => {
            println!("{failure}");
            ExitCode::FAILURE
        }
        Some(failure) => {
            println!("{}", shrink::shrink(failure));
            ExitCode::FAILURE
        }
    }
}
