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
    /// All is off for days. Longer than the relay keeps what nobody fetched, if it is so long.
    Night { days: u64 },
    /// Somebody asks another account for a conversation, without a link.
    Ask { who: usize, whom: usize },
    /// Somebody accepts who asked.
    Accept { who: usize, of: usize },
    /// Somebody declines who asked, and perhaps blocks as well.
    Decline { who: usize, of: usize, block: bool },
    /// Somebody blocks another.
    Block { who: usize, whom: usize },
    /// Somebody ends a block.
    Unblock { who: usize, whom: usize },
    /// Somebody's app is told to renew its leaf, perhaps the other's at the same moment.
    Renew { who: usize, with: usize, both: bool },
    /// Somebody lets others see, or not see, what it reads and when it types.
    Privacy { who: usize, open: bool },
    /// Somebody is typing.
    Type { who: usize, to: usize },
    /// The app is killed at one of its next inputs: before it, or after it before anything of it leaves the computer.
    CrashAtInput {
        who: usize,
        inputs: u64,
        before: bool,
        ms: u64,
    },
    /// The app is killed within an input: at one of its next calls to the clock, to randomness or to the network, between which
    /// lies each of its commits. What it sent before has left the computer.
    CrashAtCall { who: usize, calls: u64, ms: u64 },
    /// The relay is killed at one of its next transactions: when it is about to commit it, or right after, when no answer has
    /// left it.
    CrashAtWrite { writes: u64, written: bool, ms: u64 },
    /// The relay's disk takes so long for its next transaction.
    Stall { ms: u64 },
    /// Some of the next pushes to somebody do not arrive, or arrive twice.
    Pushes {
        who: usize,
        fault: PushFault,
        pushes: u64,
    },
    /// The app is closed, and the keys of one conversation or of all are lost from its disk.
    LoseKeys {
        who: usize,
        with: Option<usize>,
        ms: u64,
    },
    /// The app's files are copied.
    Copy { who: usize },
    /// The app is closed, and its files are replaced by the copy.
    RollBack { who: usize, ms: u64 },
    /// Somebody's app is closed for weeks, so long that the relay gives up what it keeps for it. The others are there now
    /// and then.
    Away { who: usize, weeks: u64 },
    /// The operator backs the relay up.
    BackUp,
    /// The relay's disk is lost, and it is restored from its backup.
    Restore { ms: u64 },
    /// The relay's files are replaced by its backup as they are, and nobody tells it: which operators are told never to do. Never drawn.
    PutBack { ms: u64 },
    /// The relay's wall clock jumps.
    RelayClock { by: i64 },
    /// The app is killed, and its disk does not have the newest text of another although the app acknowledged it. Never
    /// drawn: no promise holds then, and the checks must see it.
    Unstore { who: usize, ms: u64 },
}

/// What becomes of pushes. No network does this; a relay with an error might, and a client must come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushFault {
    Lost,
    Twice,
    /// Two entries of one push have changed places. Never drawn: the checks must see it.
    Swapped,
}

/// What kinds of things go wrong in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// Networks, processes and clocks.
    Plain,
    /// And people who ask, decline and block.
    People,
    /// And devices that lose what they had.
    Losses,
    /// And a relay that goes back in time, and whose clock jumps.
    Lapses,
    /// All of this at once. Drawn only where it is asked for.
    All,
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
    /// How many pushed entries a device may leave without acknowledgement.
    pub(crate) window: u32,
}

impl Schedule {
    pub(crate) fn of(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "schedule", 0);
        let accounts = chance.pick(&[2, 2, 2, 3, 3, 4]);
        let span = chance.pick(&[60, 300, 900, 1800]) * SECOND;
        let drawn = chance.pick(&[Flavour::Plain, Flavour::People, Flavour::Losses]);
        let flavour = if Chance::new(seed, "lapses", 0).hit(20) {
            Flavour::Lapses
        } else {
            drawn
        };
        Self::drawn(seed, accounts, span, flavour, chance)
    }

    /// A run in which everything happens that happens in any. What then has to hold is not worked out for all that comes together:
    /// about one run in fifty ends in a state that the checks do not expect.
    pub(crate) fn mixed(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "schedule", 0);
        let accounts = chance.pick(&[2, 2, 2, 3, 3, 4]);
        let span = chance.pick(&[60, 300, 900, 1800]) * SECOND;
        Self::drawn(seed, accounts, span, Flavour::All, chance)
    }

    fn drawn(seed: u64, accounts: usize, span: u64, flavour: Flavour, mut chance: Chance) -> Self {
        let window = chance.pick(&[512, 512, 16, 3]);
        let mut steps = Vec::new();
        arrivals(&mut chance, accounts, flavour, &mut steps);
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
        for _ in 0..chance.magnitude(4, 40) {
            let at = chance.between(SECOND, span);
            match flavour {
                Flavour::Plain => {}
                Flavour::People => steps.push((at, dealing(&mut chance, accounts))),
                Flavour::Losses => steps.push((at, loss(&mut chance, accounts))),
                Flavour::Lapses => steps.push((at, lapse(&mut chance))),
                Flavour::All => steps.push((
                    at,
                    match chance.below(5) {
                        0 | 1 => dealing(&mut chance, accounts),
                        2 | 3 => loss(&mut chance, accounts),
                        _ => lapse(&mut chance),
                    },
                )),
            }
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
            window,
        }
    }
}

/// How everybody comes in, and who meets whom.
fn arrivals(chance: &mut Chance, accounts: usize, flavour: Flavour, steps: &mut Vec<(u64, Step)>) {
    // those who were invited by each other need not ask
    let by_each_other = if matches!(flavour, Flavour::People | Flavour::All) {
        20
    } else {
        60
    };
    for who in 0..accounts {
        let at = chance.below(5 * SECOND);
        let by = (who > 0 && chance.hit(by_each_other)).then(|| chance.index(who));
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
            let asks = matches!(flavour, Flavour::People | Flavour::All) && chance.hit(70);
            let open = |(who, whom): (usize, usize)| {
                if asks {
                    Step::Ask { who, whom }
                } else {
                    Step::Open { who, whose: whom }
                }
            };
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

fn two(chance: &mut Chance, accounts: usize) -> (usize, usize) {
    let who = chance.index(accounts);
    (who, (who + 1 + chance.index(accounts - 1)) % accounts)
}

fn doing(chance: &mut Chance, accounts: usize) -> Step {
    let (who, other) = two(chance, accounts);
    match chance.below(40) {
        0..=25 => Step::Write {
            who,
            to: other,
            texts: usize::try_from(chance.magnitude(1, 80)).expect("a few"),
        },
        26..=31 => Step::Read { who, with: other },
        32..=34 => Step::Type { who, to: other },
        35 => Step::Privacy {
            who,
            open: chance.hit(50),
        },
        36..=37 => Step::Renew {
            who,
            with: other,
            both: chance.hit(50),
        },
        _ => Step::Retry { who },
    }
}

/// How people deal with each other.
fn dealing(chance: &mut Chance, accounts: usize) -> Step {
    let (who, whom) = two(chance, accounts);
    match chance.below(20) {
        0..=4 => Step::Ask { who, whom },
        5..=9 => Step::Accept { who, of: whom },
        10..=12 => Step::Decline {
            who,
            of: whom,
            block: chance.hit(30),
        },
        13..=15 => Step::Block { who, whom },
        16..=18 => Step::Unblock { who, whom },
        _ => Step::Open { who, whose: whom },
    }
}

/// How a device loses what it had.
fn loss(chance: &mut Chance, accounts: usize) -> Step {
    let (who, other) = two(chance, accounts);
    let ms = chance.magnitude(1, 20 * SECOND);
    match chance.below(10) {
        0..=4 => Step::LoseKeys {
            who,
            with: chance.hit(60).then_some(other),
            ms,
        },
        5 if chance.hit(30) => Step::Night {
            days: chance.pick(&[30, 61, 70, 100]),
        },
        5 => match chance.below(3) {
            0 => Step::Away {
                who,
                weeks: chance.between(1, 12),
            },
            1 => Step::BackUp,
            _ => Step::Restore { ms },
        },
        6..=7 => Step::Copy { who },
        _ => Step::RollBack { who, ms },
    }
}

/// How the relay goes back in time, and its clock jumps.
fn lapse(chance: &mut Chance) -> Step {
    let ms = chance.magnitude(1, 20 * SECOND);
    match chance.below(10) {
        0..=3 => Step::BackUp,
        4..=7 => Step::Restore { ms },
        _ => Step::RelayClock {
            by: chance.pick(&[-20, -2, -1, 1, 2, 20]) * YEAR,
        },
    }
}

fn trouble(chance: &mut Chance, accounts: usize, longest: u64) -> Step {
    let who = chance.index(accounts);
    let ms = chance.magnitude(1, longest);
    match chance.below(36) {
        28..=33 => Step::CrashAtCall {
            who,
            calls: chance.magnitude(1, 400),
            ms,
        },
        34..=35 => Step::Stall {
            ms: chance.magnitude(1, 90 * SECOND),
        },
        20..=23 => Step::CrashAtInput {
            who,
            inputs: chance.magnitude(1, 60),
            before: chance.hit(40),
            ms,
        },
        24..=25 => Step::CrashAtWrite {
            writes: chance.magnitude(1, 20),
            written: chance.hit(50),
            ms,
        },
        26..=27 => Step::Pushes {
            who,
            fault: chance.pick(&[PushFault::Lost, PushFault::Twice]),
            pushes: chance.magnitude(1, 8),
        },
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
