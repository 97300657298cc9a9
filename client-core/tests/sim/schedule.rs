//! What people do and what goes wrong, and when. Made from the seed before the run, so that steps can be left out.

use std::time::Duration;

use crate::chance::Chance;

const SECOND: u64 = 1000;
const YEAR: i64 = 365 * 24 * 3600 * 1000;

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Somebody opens an invite: the operator's, or of somebody who is there.
    Join { who: usize, by: Option<usize> },
    /// Somebody with an account opens a link of another.
    Open { who: usize, whose: usize },
    /// Somebody writes texts one after the other.
    Write { who: usize, to: usize, texts: usize },
    /// Somebody looks at one of the newest messages.
    Read { who: usize, with: usize },
    /// Somebody presses "Retry".
    Retry { who: usize },
    /// The app is closed for a while.
    Close { who: usize, ms: u64 },
    /// The app is killed, and started again later.
    Crash { who: usize, ms: u64 },
    /// The connection breaks now.
    Break { who: usize },
    /// Nothing passes for a while, one way or both.
    Silence { who: usize, way: Way, ms: u64 },
    /// The relay is told to stop, and is started again later.
    StopRelay { ms: u64 },
    /// The relay is killed, and started again later.
    CrashRelay { ms: u64 },
    /// The relay is killed, and its disk loses what was written since its last start. Never drawn: no promise holds then,
    /// and the checks must see it.
    Forget { ms: u64 },
    /// Somebody's wall clock jumps.
    Clock { who: usize, by: i64 },
    /// All is off for days.
    Night { days: u64 },
}

/// Which way nothing passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Up,
    Down,
    Both,
}

/// A step and its time.
pub(crate) type Timed = (Duration, Step);

/// A whole run.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    pub(crate) seed: u64,
    pub(crate) accounts: usize,
    pub(crate) steps: Vec<Timed>,
}

impl Schedule {
    pub(crate) fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "schedule", 0);
        let accounts = chance.pick(&[2, 2, 2, 3, 3, 4]);
        let span = chance.pick(&[60, 300, 900, 1800]) * SECOND;
        let mut steps = Vec::new();
        arrivals(&mut chance, accounts, &mut steps);
        for _ in 0..chance.magnitude(40, 400) {
            let at = chance.between(2 * SECOND, span);
            let step = doing(&mut chance, accounts);
            // what goes wrong while something is on its way is worth more than what goes wrong in silence
            if matches!(step, Step::Write { .. }) && chance.hit(40) {
                let soon = at + chance.magnitude(1, 600);
                steps.push((soon, trouble(&mut chance, accounts, 5 * SECOND)));
            }
            steps.push((at, step));
        }
        for _ in 0..chance.magnitude(2, 48) {
            let at = chance.between(0, span);
            let longest = chance.pick(&[SECOND, 20 * SECOND, 90 * SECOND]);
            steps.push((at, trouble(&mut chance, accounts, longest)));
        }
        let mut steps: Vec<Timed> = steps
            .into_iter()
            .map(|(at, step)| (Duration::from_millis(at), step))
            .collect();
        steps.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            accounts,
            steps,
        }
    }
}

/// How everybody comes in, and who meets whom.
fn arrivals(chance: &mut Chance, accounts: usize, steps: &mut Vec<(u64, Step)>) {
    for who in 0..accounts {
        let at = chance.below(5 * SECOND);
        let by = (who > 0 && chance.hit(60)).then(|| chance.index(who));
        steps.push((at, Step::Join { who, by }));
    }
    for who in 0..accounts {
        for whose in 0..who {
            let at = chance.below(20 * SECOND);
            let first = if chance.hit(50) {
                (who, whose)
            } else {
                (whose, who)
            };
            let open = |(who, whose)| Step::Open { who, whose };
            if chance.hit(80) {
                steps.push((at, open(first)));
            }
            if chance.hit(50) {
                let later = at + chance.pick(&[0, 0, 50, 400, 3 * SECOND]);
                steps.push((later, open((first.1, first.0))));
            }
        }
    }
}

fn doing(chance: &mut Chance, accounts: usize) -> Step {
    let who = chance.index(accounts);
    let other = (who + 1 + chance.index(accounts - 1)) % accounts;
    match chance.below(10) {
        0..=6 => Step::Write {
            who,
            to: other,
            texts: usize::try_from(chance.magnitude(1, 80)).expect("a few"),
        },
        7..=8 => Step::Read { who, with: other },
        _ => Step::Retry { who },
    }
}

fn trouble(chance: &mut Chance, accounts: usize, longest: u64) -> Step {
    let who = chance.index(accounts);
    let ms = chance.magnitude(1, longest);
    match chance.below(20) {
        0..=2 => Step::Close { who, ms },
        3..=7 => Step::Crash { who, ms },
        8..=9 => Step::Break { who },
        10..=12 => Step::Silence {
            who,
            way: chance.pick(&[Way::Up, Way::Down, Way::Both]),
            ms,
        },
        13..=14 => Step::StopRelay { ms },
        15..=17 => Step::CrashRelay { ms },
        18 => Step::Clock {
            who,
            by: chance.pick(&[-20, -2, -1, 1, 2, 20]) * YEAR,
        },
        _ => Step::Night {
            days: chance.between(1, 20),
        },
    }
}
