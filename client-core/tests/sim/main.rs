//! Many accounts with the real engine and the real relay in one process, in virtual time, from one seed.
//!
//! A run follows a schedule: people join, meet, write and read, while connections break, apps and the relay are stopped and
//! killed, and clocks jump. In the end everything is healed, and both sides of each conversation must agree with each other
//! and with what was accepted. The long form is `cargo run --release -p client-core --example simulate`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

mod account;
mod chance;
mod check;
mod history;
mod link;
mod model;
mod network;
mod relay;
mod run;
mod schedule;
mod shrink;
mod steps;
mod time;
mod wishes;
mod world;

use std::time::Duration;

use self::{
    run::run,
    schedule::{Schedule, Step},
};

/// Plays the schedules of some seeds; the first that breaks a promise ends the test.
fn play(seeds: std::ops::Range<u64>) {
    let (mut events, mut texts, mut seconds) = (0, 0, 0);
    for seed in seeds.clone() {
        match run(&Schedule::of(seed), false) {
            Ok(report) => {
                events += report.counts.events();
                texts += report.counts.texts;
                seconds += report.simulated.as_secs();
            }
            Err(failure) => panic!("{failure}"),
        }
    }
    println!(
        "seeds {seeds:?}: {events} events, {texts} texts, {} simulated hours",
        seconds / 3600
    );
}

#[test]
fn whatever_fails_every_text_arrives_once_and_in_order() {
    play(0..12);
}

/// For a second core.
#[test]
fn whatever_else_fails_every_text_arrives_once_and_in_order() {
    play(12..24);
}

#[test]
fn the_same_seed_gives_the_same_history() {
    for seed in [1000, 1001] {
        let schedule = Schedule::of(seed);
        let [first, second] = [(); 2].map(|()| match run(&schedule, false) {
            Ok(report) => report,
            Err(failure) => panic!("{failure}"),
        });
        assert_eq!(first.hash, second.hash, "seed {seed}");
        assert_eq!(first.counts.events(), second.counts.events());
    }
}

#[test]
fn a_relay_that_forgets_what_it_answered_is_found_out_in_few_steps() {
    let steps = [
        (0, Step::Join { who: 0, by: None }),
        (
            0,
            Step::Join {
                who: 1,
                by: Some(0),
            },
        ),
        (9, Step::Read { who: 0, with: 1 }),
        (30, Step::StopRelay { ms: 10 }),
        (40, write(0, 1)),
        (41, write(1, 0)),
        (42, Step::Break { who: 0 }),
        (50, Step::Forget { ms: 10 }),
        (55, Step::Retry { who: 1 }),
        (60, write(0, 1)),
    ];
    let schedule = Schedule {
        seed: 1,
        accounts: 2,
        steps: steps
            .map(|(at, step)| (Duration::from_secs(at), step))
            .to_vec(),
    };
    let Err(failure) = run(&schedule, false) else {
        panic!("a lost text was not missed")
    };
    let shrunk = shrink::shrink(failure);
    let left = &shrunk.schedule.steps;
    assert!(left.len() < schedule.steps.len(), "{left:?}");
    assert!(
        left.iter()
            .any(|(_, step)| matches!(step, Step::Forget { .. }))
    );
}

fn write(who: usize, to: usize) -> Step {
    Step::Write { who, to, texts: 5 }
}
