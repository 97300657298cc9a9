//! Runs that once broke a promise, cut down to the steps that it takes.

use std::time::Duration;

use crate::{
    run::run,
    schedule::{PushFault, Schedule, Step, Timed},
};

/// Two who have accounts from the operator, and what happens to them from the twentieth second on.
fn holds(steps: impl IntoIterator<Item = (u64, Step)>) {
    let beginning = [
        (0, Step::Join { who: 0, by: None }),
        (0, Step::Join { who: 1, by: None }),
    ];
    let timed = |(at, step)| -> Timed { (Duration::from_secs(at), step) };
    let schedule = Schedule {
        seed: 1,
        accounts: 2,
        steps: beginning.into_iter().chain(steps).map(timed).collect(),
        window: 512,
    };
    if let Err(failure) = run(&schedule, false) {
        panic!("{failure}");
    }
}

fn meet() -> [(u64, Step); 1] {
    [(20, Step::Open { who: 1, whose: 0 })]
}

fn write(who: usize, to: usize) -> Step {
    Step::Write { who, to, texts: 5 }
}

#[test]
fn a_leaf_that_has_to_be_renewed_first_is_renewed_when_the_request_is_accepted() {
    holds([
        (20, Step::Ask { who: 0, whom: 1 }),
        (
            40,
            Step::Renew {
                who: 1,
                with: 0,
                both: false,
            },
        ),
        (60, Step::Accept { who: 1, of: 0 }),
        (80, write(1, 0)),
    ]);
}

#[test]
fn who_goes_back_in_time_gets_what_was_sent_in_a_chain_that_it_never_saw() {
    let back = |who| Step::RollBack { who, ms: 10 };
    holds(meet().into_iter().chain([
        (40, write(0, 1)),
        (50, Step::Copy { who: 0 }),
        (50, Step::Copy { who: 1 }),
        (60, write(0, 1)),
        // another chain begins, and ends
        (70, back(0)),
        (90, write(0, 1)),
        (100, Step::Copy { who: 0 }),
        (110, write(0, 1)),
        (120, back(0)),
        (140, write(0, 1)),
        (160, back(1)),
        (180, write(0, 1)),
    ]));
}

#[test]
fn a_welcome_whose_push_is_lost_is_fetched() {
    let (fault, pushes) = (PushFault::Lost, 2);
    holds([
        (
            20,
            Step::Pushes {
                who: 0,
                fault,
                pushes,
            },
        ),
        (21, Step::Open { who: 1, whose: 0 }),
        (60, Step::Open { who: 0, whose: 1 }),
        (70, write(0, 1)),
        (300, Step::Read { who: 1, with: 0 }),
    ]);
}

#[test]
fn who_declined_and_made_a_link_since_has_a_conversation_that_begins_anew() {
    let block = false;
    holds([
        (20, Step::Ask { who: 0, whom: 1 }),
        (
            25,
            Step::Write {
                who: 0,
                to: 1,
                texts: 3,
            },
        ),
        (
            40,
            Step::Decline {
                who: 1,
                of: 0,
                block,
            },
        ),
        (60, Step::Open { who: 0, whose: 1 }),
        (80, write(0, 1)),
        (81, write(1, 0)),
    ]);
}

#[test]
fn who_lost_the_keys_of_its_welcome_comes_in_by_itself() {
    holds([
        (20, Step::Open { who: 0, whose: 1 }),
        (
            21,
            Step::LoseKeys {
                who: 1,
                with: None,
                ms: 9000,
            },
        ),
        (40, write(0, 1)),
        (60, Step::Accept { who: 1, of: 0 }),
        (70, write(1, 0)),
        (80, write(0, 1)),
    ]);
}
