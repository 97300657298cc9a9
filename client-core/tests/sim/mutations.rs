//! The checks can fail: with a relay or an app that does what it must not, each of these runs is found out.

use std::time::Duration;

use crate::{
    run::{Failure, run},
    schedule::{PushFault, Schedule, Step, Timed},
    shrink,
};

/// Two who know each other, and what happens to them from the thirtieth second on.
fn two(steps: impl IntoIterator<Item = (u64, Step)>) -> Schedule {
    let by = Some(0);
    let beginning = [
        (0, Step::Join { who: 0, by: None }),
        (0, Step::Join { who: 1, by }),
        (9, Step::Read { who: 0, with: 1 }),
    ];
    let timed = |(at, step)| -> Timed { (Duration::from_secs(at), step) };
    Schedule {
        seed: 1,
        accounts: 2,
        steps: beginning.into_iter().chain(steps).map(timed).collect(),
        window: 512,
    }
}

fn write(who: usize, to: usize) -> Step {
    Step::Write { who, to, texts: 5 }
}

fn found_out(schedule: &Schedule) -> Failure {
    match run(schedule, false) {
        Err(failure) => failure,
        Ok(_) => panic!("nothing was noticed"),
    }
}

#[test]
fn a_relay_that_forgets_what_it_answered_is_found_out_in_few_steps() {
    let schedule = two([
        (30, Step::StopRelay { ms: 10 }),
        (40, write(0, 1)),
        (41, write(1, 0)),
        (42, Step::Break { who: 0 }),
        (50, Step::Forget { ms: 10 }),
        (55, Step::Retry { who: 1 }),
        (60, write(0, 1)),
    ]);
    let shrunk = shrink::shrink(found_out(&schedule));
    let left = &shrunk.schedule.steps;
    assert!(left.len() < schedule.steps.len(), "{left:?}");
    assert!(
        left.iter()
            .any(|(_, step)| matches!(step, Step::Forget { .. }))
    );
}

#[test]
fn an_app_that_acknowledges_before_it_has_stored_is_found_out() {
    found_out(&two([
        (40, write(0, 1)),
        // the relay has let go of what everybody acknowledged: else it would be fetched once more
        (400, Step::Unstore { who: 1, ms: 10 }),
    ]));
}

#[test]
fn a_relay_that_shows_one_of_two_another_order_is_found_out() {
    let fault = PushFault::Swapped;
    found_out(&two([
        (
            30,
            Step::Pushes {
                who: 1,
                fault,
                pushes: 9,
            },
        ),
        (40, write(0, 1)),
        // faults end with the last step
        (60, Step::Read { who: 0, with: 1 }),
    ]));
}

#[test]
fn without_a_fault_the_same_steps_are_as_they_must_be() {
    let schedule = two([
        (30, Step::Copy { who: 1 }),
        (40, write(0, 1)),
        (50, write(1, 0)),
    ]);
    if let Err(failure) = run(&schedule, false) {
        panic!("{failure}");
    }
}
