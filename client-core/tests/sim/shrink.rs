//! Leaves out steps of a failing schedule for as long as it still fails in the same way.

use crate::{
    run::{Failure, run},
    schedule::Schedule,
};

/// The smallest schedule found, with its failure.
pub(crate) fn shrink(mut failure: Failure) -> Failure {
    let kind = kind_of(&failure.problem).to_owned();
    let mut size = failure.schedule.steps.len() / 2;
    while size > 0 {
        let mut from = 0;
        while from < failure.schedule.steps.len() {
            let mut steps = failure.schedule.steps.clone();
            steps.drain(from..(from + size).min(steps.len()));
            let fewer = Schedule {
                steps,
                ..failure.schedule.clone()
            };
            match run(&fewer, false) {
                Err(smaller) if kind_of(&smaller.problem) == kind => {
                    println!("{} steps", smaller.schedule.steps.len());
                    failure = smaller;
                }
                Ok(_) | Err(_) => from += size,
            }
        }
        size /= 2;
    }
    failure
}

/// What a problem is called without its numbers, so that another failure is not taken for this one.
fn kind_of(problem: &str) -> &str {
    // "0 and 1: " names who, not what
    let what = problem
        .split_once(": ")
        .filter(|(who, _)| who.contains(" and "));
    let problem = what.map_or(problem, |(_, what)| what);
    let words = problem.trim_start_matches(|it: char| !it.is_alphabetic());
    let end = words.find(|it: char| it.is_ascii_digit() || it == '{');
    words.get(..end.unwrap_or(words.len())).unwrap_or(words)
}
