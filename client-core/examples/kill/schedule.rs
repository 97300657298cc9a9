//! Who dies next, where or when: named points in turn, and moments by chance.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    time::Duration,
};

use anyhow::{Result, ensure};
use client_core::{
    KillPoint as ClientPoint,
    seams::{Randomness, SeededRandom},
};
use relay_server::KillPoint as RelayPoint;

use crate::stage::{Death, End, Who};

/// One of so many lives ends at a moment by chance instead of at a point, in acts of named points and in the others.
const BY_CHANCE: [u64; 2] = [4, 2];
/// A point is passed up to so many times before it is the end, if it belongs to every message.
const TIMES: u64 = 8;
/// How long a process has to come to a point of its account's life, where it may have to wait for the others' deaths.
const LONG: Duration = Duration::from_secs(15);
/// How long it has to come to a point that belongs to every message.
const SHORT: Duration = Duration::from_secs(6);
/// How often a point that belongs to every message is tried in one act. The others come once or not at all.
const ATTEMPTS: u32 = 3;

/// The parts that processes play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Relay,
    Ana,
    Luis,
}

impl From<Who> for Role {
    fn from(who: Who) -> Self {
        match who {
            Who::Relay => Self::Relay,
            Who::Ana => Self::Ana,
            Who::Luis(_) => Self::Luis,
        }
    }
}

/// A point to be tried, and how often it was.
#[derive(Clone, Copy)]
struct Try {
    point: &'static str,
    once: bool,
    attempts: u32,
}

/// The plan of the deaths, and what came of it.
pub(crate) struct Schedule {
    random: SeededRandom,
    life: Duration,
    acts: u32,
    queues: BTreeMap<Role, VecDeque<Try>>,
    at: BTreeMap<(Role, &'static str), u32>,
    by_chance: BTreeMap<Role, u32>,
}

impl Schedule {
    pub(crate) fn new(seed: u64, life: Duration) -> Self {
        Self {
            random: SeededRandom::new(seed),
            life,
            acts: 0,
            queues: BTreeMap::new(),
            at: BTreeMap::new(),
            by_chance: BTreeMap::new(),
        }
    }

    /// Another Luis joins: in every second act the points of an account's life are due in its order; then, or at once, the
    /// others in any order.
    pub(crate) fn next_act(&mut self) -> Result<()> {
        self.acts += 1;
        self.queues.clear();
        for role in [Role::Relay, Role::Ana, Role::Luis] {
            let mut queue = VecDeque::new();
            if self.is_of_names() {
                queue.extend(points(role, true));
            }
            let mut often: Vec<Try> = points(role, false).collect();
            while !often.is_empty() {
                let index = self.below(often.len() as u64)?;
                queue.push_back(often.swap_remove(usize::try_from(index)?));
            }
            self.queues.insert(role, queue);
        }
        Ok(())
    }

    /// How the next life of a process is to end. A life that passes a point of its account's life by will not come there
    /// again, so none ends by chance before those were tried.
    pub(crate) fn end(&mut self, who: Who) -> Result<End> {
        let chance = self.below(BY_CHANCE[usize::from(!self.is_of_names())])? == 0;
        let next = self.queues.entry(who.into()).or_default().front().copied();
        Ok(match next.filter(|next| !chance || next.once) {
            None => End::After(self.moment(self.life)?),
            Some(Try {
                point,
                once,
                attempts,
            }) => {
                // missed before: the first time that it comes there will do
                let more = if once || attempts > 0 {
                    0
                } else {
                    self.below(TIMES)?
                };
                End::At {
                    point,
                    times: 1 + u32::try_from(more)?,
                    patience: if once { LONG } else { SHORT },
                }
            }
        })
    }

    /// Notes how a life ended.
    pub(crate) fn note(&mut self, who: Who, death: Death) {
        let role = Role::from(who);
        match death {
            Death::At(point) => {
                *self.at.entry((role, point)).or_default() += 1;
                self.queues.entry(role).or_default().pop_front();
            }
            Death::Killed => *self.by_chance.entry(role).or_default() += 1,
            Death::Missed => {
                *self.by_chance.entry(role).or_default() += 1;
                let queue = self.queues.entry(role).or_default();
                if let Some(missed) = queue.pop_front()
                    && !missed.once
                    && missed.attempts + 1 < ATTEMPTS
                {
                    queue.push_back(Try {
                        attempts: missed.attempts + 1,
                        ..missed
                    });
                }
            }
        }
    }

    /// A time up to this.
    pub(crate) fn moment(&mut self, most: Duration) -> Result<Duration> {
        let most = u64::try_from(most.as_micros())?;
        Ok(Duration::from_micros(self.below(most)?))
    }

    /// Whether every point of the act was tried.
    pub(crate) fn act_is_over(&self) -> bool {
        self.queues.values().all(VecDeque::is_empty)
    }

    pub(crate) fn kills(&self) -> u32 {
        self.at.values().chain(self.by_chance.values()).sum()
    }

    /// The points at which nobody has died yet. A client's is reached whoever of the clients does.
    pub(crate) fn never(&self) -> Vec<&'static str> {
        let reached = |name: &str| self.at.keys().any(|(_, point)| *point == name);
        names().filter(|name| !reached(name)).collect()
    }

    pub(crate) fn verdict(&self) -> Result<()> {
        let never = self.never();
        ensure!(never.is_empty(), "nobody died at {}", never.join(", "));
        Ok(())
    }

    fn is_of_names(&self) -> bool {
        self.acts % 2 == 1
    }

    fn below(&mut self, bound: u64) -> Result<u64> {
        let mut bytes = [0; 8];
        self.random.fill(&mut bytes)?;
        Ok(u64::from_be_bytes(bytes) % bound.max(1))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{:<30} {:>6} {:>6} {:>6}",
            "killed", "relay", "Ana", "Luis"
        )?;
        let mut line = |name: &str, counts: [u32; 3]| {
            let [relay, ana, luis] = counts;
            writeln!(formatter, "{name:<30} {relay:>6} {ana:>6} {luis:>6}")
        };
        let roles = [Role::Relay, Role::Ana, Role::Luis];
        for name in names() {
            line(
                name,
                roles.map(|role| self.at.get(&(role, name)).copied().unwrap_or(0)),
            )?;
        }
        let by_chance = roles.map(|role| self.by_chance.get(&role).copied().unwrap_or(0));
        line("at a moment by chance", by_chance)?;
        let all = roles.map(|role| {
            let at = self.at.iter().filter(|((who, _), _)| *who == role);
            at.map(|(_, count)| count).sum::<u32>() + self.by_chance.get(&role).unwrap_or(&0)
        });
        line("all", all)
    }
}

/// All points of both sides.
fn names() -> impl Iterator<Item = &'static str> {
    let relay = RelayPoint::ALL.iter().map(|point| point.name());
    relay.chain(ClientPoint::ALL.iter().map(|point| point.name()))
}

/// The points that a role comes to, either those of an account's life or those of every message.
fn points(role: Role, once: bool) -> impl Iterator<Item = Try> {
    let relay = RelayPoint::ALL
        .iter()
        .filter(move |_| role == Role::Relay)
        .filter(move |point| (**point < RelayPoint::BatchBeforeBegin) == once)
        .map(|point| point.name());
    let client = ClientPoint::ALL
        .iter()
        .filter(move |point| match role {
            Role::Relay => false,
            Role::Ana => **point >= ClientPoint::LinkAnswered,
            Role::Luis => {
                !(ClientPoint::LinkAnswered..ClientPoint::TextBeforeCommit).contains(*point)
            }
        })
        .filter(move |point| (**point < ClientPoint::TextBeforeCommit) == once)
        .map(|point| point.name());
    relay.chain(client).map(move |point| Try {
        point,
        once,
        attempts: 0,
    })
}
