//! Many accounts against the real relay in one process, in virtual time: the long form of the test `sim`.
//!
//! ```text
//! cargo run --release -p client-core --example simulate -- --seeds 1000 --from 1
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
#[path = "../../tests/sim/history.rs"]
mod history;
#[path = "../../tests/sim/link.rs"]
mod link;
#[path = "../../tests/sim/model.rs"]
mod model;
#[path = "../../tests/sim/network.rs"]
mod network;
#[path = "../../tests/sim/relay.rs"]
mod relay;
#[path = "../../tests/sim/run.rs"]
mod run;
#[path = "../../tests/sim/schedule.rs"]
mod schedule;
#[path = "../../tests/sim/shrink.rs"]
mod shrink;
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

use clap::Parser;

use self::{
    run::{Failure, Report, run},
    schedule::{Schedule, Step},
};

#[derive(Parser)]
struct Arguments {
    /// How many seeds.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// Runs at the same time.
    #[arg(long, default_value_t = 2)]
    jobs: u64,
    /// Print all that happens, frame by frame.
    #[arg(long)]
    show: bool,
    /// Let the relay lose what it answered, once in each run: the checks must see it, so failures are what is wanted.
    #[arg(long)]
    forget: bool,
    /// Leave a failing schedule as long as it is.
    #[arg(long)]
    no_shrink: bool,
}

/// What all runs were together.
#[derive(Default)]
struct Sum {
    runs: u64,
    events: u64,
    texts: u64,
    simulated: Duration,
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
            }
            Err(failure) => {
                println!("seed {seed}: {}", failure.problem);
                self.failures.push(failure);
            }
        }
    }
}

fn schedule_of(seed: u64, arguments: &Arguments) -> Schedule {
    let mut schedule = Schedule::of(seed);
    if arguments.forget {
        let middle = schedule.steps.len() / 2;
        let (at, _) = schedule.steps[middle];
        schedule.steps.insert(middle, (at, Step::Forget { ms: 10 }));
    }
    schedule
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (next, sum) = (AtomicU64::new(arguments.from), Mutex::new(Sum::default()));
    let end = arguments.from.saturating_add(arguments.seeds);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let schedule = schedule_of(seed, &arguments);
                    let outcome = run(&schedule, arguments.show);
                    if let (true, Ok(report)) = (arguments.show, &outcome) {
                        println!("seed {seed}: history {}", report.hash);
                    }
                    sum.lock()
                        .expect("adding does not panic")
                        .add(seed, outcome);
                }
            });
        }
    });
    let sum = sum.into_inner().expect("adding does not panic");
    let seconds = begun.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "for display")]
    let rate = sum.events as f64 / seconds;
    println!(
        "{} seeds from {}: {} events ({rate:.0} a second), {} texts, {} simulated hours, {} failures",
        sum.runs,
        arguments.from,
        sum.events,
        sum.texts,
        sum.simulated.as_secs() / 3600,
        sum.failures.len()
    );
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
