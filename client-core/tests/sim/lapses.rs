//! A relay or a device that goes back in time, and a clock that jumps: nothing that somebody has is lost, whatever the relay says.

use std::time::Duration;

use crate::{
    run::{Report, run},
    schedule::{Schedule, Step, Timed},
};

const YEAR: i64 = 365 * 24 * 3600 * 1000;

/// Two who know each other, and what happens to them from the thirtieth second on.
fn two(seed: u64, steps: impl IntoIterator<Item = (u64, Step)>) -> Schedule {
    let by = Some(0);
    let beginning = [
        (0, Step::Join { who: 0, by: None }),
        (0, Step::Join { who: 1, by }),
        (9, Step::Read { who: 0, with: 1 }),
    ];
    let timed = |(at, step)| -> Timed { (Duration::from_secs(at), step) };
    Schedule {
        seed,
        accounts: 2,
        steps: beginning.into_iter().chain(steps).map(timed).collect(),
        window: 512,
    }
}

fn write(who: usize, to: usize, texts: usize) -> Step {
    Step::Write { who, to, texts }
}

fn survives(schedule: &Schedule) -> Report {
    match run(schedule, false) {
        Ok(report) => report,
        Err(failure) => panic!("{failure}"),
    }
}

#[test]
fn a_relay_that_is_put_back_as_it_was_loses_nothing_that_somebody_has() {
    for seed in 0..4 {
        survives(&two(
            seed,
            [
                (30, write(0, 1, 3)),
                (35, Step::BackUp),
                (40, write(0, 1, 5)),
                (41, write(1, 0, 7)),
                (200, Step::PutBack { ms: 500 }),
                (220, write(1, 0, 2)),
                (221, write(0, 1, 20)),
                (300, Step::Break { who: 0 }),
                (310, write(1, 0, 4)),
            ],
        ));
    }
}

#[test]
fn a_group_that_went_further_than_a_relay_that_is_put_back_is_set_up_anew() {
    let both = true;
    survives(&two(
        9,
        [
            (30, write(0, 1, 3)),
            (35, Step::BackUp),
            (40, write(0, 1, 5)),
            (
                60,
                Step::Renew {
                    who: 0,
                    with: 1,
                    both,
                },
            ),
            (90, write(1, 0, 2)),
            (200, Step::PutBack { ms: 500 }),
            (220, write(1, 0, 2)),
            (221, write(0, 1, 3)),
        ],
    ));
}

#[test]
fn a_backup_that_is_restored_twice_loses_nothing_that_somebody_has() {
    for seed in 0..4 {
        let report = survives(&two(
            seed,
            [
                (30, write(0, 1, 3)),
                (35, Step::BackUp),
                (40, write(0, 1, 5)),
                (41, write(1, 0, 7)),
                (100, Step::Restore { ms: 500 }),
                (120, write(1, 0, 20)),
                (121, write(0, 1, 2)),
                (200, Step::Restore { ms: 500 }),
                (220, write(0, 1, 4)),
                (221, write(1, 0, 4)),
            ],
        ));
        assert!(!report.lapsed, "no position comes twice");
    }
}

#[test]
fn a_group_that_two_restores_of_a_backup_leave_in_two_branches_grows_together() {
    let both = false;
    for seed in 0..4 {
        let renew = |who, with| Step::Renew { who, with, both };
        survives(&two(
            seed,
            [
                (30, write(0, 1, 3)),
                (35, Step::BackUp),
                (60, renew(0, 1)),
                (90, write(1, 0, 2)),
                // both know an epoch that the relay has lost; each sets the group up anew, for another of its lives
                (199, Step::Close { who: 1, ms: 56_000 }),
                (200, Step::Restore { ms: 500 }),
                (220, write(0, 1, 2)),
                (240, Step::Close { who: 0, ms: 60_000 }),
                (250, Step::Restore { ms: 500 }),
                (300, write(1, 0, 3)),
                (301, write(0, 1, 3)),
            ],
        ));
    }
}

#[test]
fn a_device_that_goes_back_in_time_while_the_disk_of_the_relay_stalls_is_found_out() {
    for seed in 0..4 {
        survives(&two(
            seed,
            [
                (30, write(0, 1, 3)),
                (35, Step::Copy { who: 0 }),
                (40, Step::Stall { ms: 20_000 }),
                // sealed with keys that the copy has too, and on its way to the disk when that is in use again
                (41, write(0, 1, 5)),
                (44, Step::RollBack { who: 0, ms: 500 }),
                (90, write(0, 1, 2)),
                (91, write(1, 0, 2)),
            ],
        ));
    }
}

#[test]
fn a_clock_of_the_relay_that_jumps_by_years_changes_nothing() {
    for by in [-20 * YEAR, 20 * YEAR] {
        survives(&two(
            3,
            [
                (30, write(0, 1, 3)),
                // the time that it has now is believed
                (120, Step::RelayClock { by }),
                (130, write(1, 0, 3)),
                (140, Step::CrashRelay { ms: 100 }),
                (150, write(0, 1, 3)),
                (400, Step::RelayClock { by: -by }),
                (410, write(1, 0, 3)),
            ],
        ));
    }
}
