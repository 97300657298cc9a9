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
mod fall;
mod history;
mod kept;
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
mod state;
mod steps;
mod time;
mod wishes;
mod world;

use self::{run::run, schedule::Schedule};

/// Parts, each a test in a process of its own.
const PARTS: u64 = 8;
/// Seeds that a part may take: one whose runs hardly play anything is no test.
const SEEDS: u64 = 20;
/// What a part comes to at least; then it ends.
const EVENTS: u64 = 12_500;
const _: () = assert!(PARTS * EVENTS >= 100_000);

/// Plays the schedules of a part's seeds until they come to what it owes; the first that breaks a promise ends the test.
fn play(part: u64) {
    assert!(part < PARTS, "a part that is not counted");
    let seeds = part * SEEDS..(part + 1) * SEEDS;
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
        if events >= EVENTS {
            let (from, hours) = (seeds.start, seconds / 3600);
            println!(
                "seeds {from} to {seed}: {events} events, {texts} texts, {hours} simulated hours"
            );
            return;
        }
    }
    panic!("the seeds {seeds:?} are {events} events only");
}

#[test]
fn whatever_fails_every_text_arrives_once_and_in_order() {
    play(0);
}

/// Each in a process of its own.
mod whatever_else_fails_every_text_arrives_once_and_in_order {
    use super::play;

    #[test]
    fn in_the_second_part() {
        play(1);
    }

    #[test]
    fn in_the_third_part() {
        play(2);
    }

    #[test]
    fn in_the_fourth_part() {
        play(3);
    }

    #[test]
    fn in_the_fifth_part() {
        play(4);
    }

    #[test]
    fn in_the_sixth_part() {
        play(5);
    }

    #[test]
    fn in_the_seventh_part() {
        play(6);
    }

    #[test]
    fn in_the_eighth_part() {
        play(7);
    }
}

/// The last ones are those by which faults were found.
#[test]
fn runs_in_which_everything_happens_that_happens_in_any() {
    for seed in (1..8).chain([20, 52, 129, 156]) {
        if let Err(failure) = run(&Schedule::mixed(seed), false) {
            panic!("{failure}");
        }
    }
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
