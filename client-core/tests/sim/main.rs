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
mod lapses;
mod link;
mod loss;
mod mischief;
mod model;
mod mutations;
mod network;
mod people;
mod relay;
mod rest;
mod run;
mod schedule;
mod shrink;
mod steps;
mod time;
mod wishes;
mod world;

use self::{run::run, schedule::Schedule};

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
