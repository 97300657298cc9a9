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
const LONG: Duration = Duration::from_secs(60);
/// How long it has to come to a point that belongs to every message.
const SHORT: Duration = Duration::from_secs(6);
/// How long it has on an errand, where it waits for all that comes before.
const ERRAND: Duration = Duration::from_secs(60);
/// After so many lives that ended by chance in an act they become longer, so that a slow machine gets on too.
const PATIENT_AFTER: u32 = 16;
/// How often a point that belongs to every message is tried in one act. The others come once or not at all.
const ATTEMPTS: u32 = 3;

/// The parts that processes play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Relay,
    Ana,
    Luis,
    Nora,
}

const ROLES: [Role; 4] = [Role::Relay, Role::Ana, Role::Luis, Role::Nora];

impl From<Who> for Role {
    fn from(who: Who) -> Self {
        match who {
            Who::Relay => Self::Relay,
            Who::Ana => Self::Ana,
            Who::Luis(_) => Self::Luis,
            Who::Nora | Who::Vera | Who::Otto => Self::Nora,
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
    /// Lives of this act that ended by chance.
    short: u32,
    queues: BTreeMap<Role, VecDeque<Try>>,
    at: BTreeMap<(Role, &'static str), u32>,
    by_chance: BTreeMap<Role, u32>,
    missed: BTreeMap<&'static str, u32>,
}

impl Schedule {
    pub(crate) fn new(seed: u64, life: Duration) -> Self {
        Self {
            random: SeededRandom::new(seed),
            life,
            acts: 0,
            short: 0,
            queues: BTreeMap::new(),
            at: BTreeMap::new(),
            by_chance: BTreeMap::new(),
            missed: BTreeMap::new(),
        }
    }

    /// Another Luis joins: in every second act the points of an account's life are due in its order; then, or at once, those
    /// of every message in any order; at last, in every second act, those of a renewal.
    pub(crate) fn next_act(&mut self) -> Result<()> {
        self.acts += 1;
        self.short = 0;
        self.queues.clear();
        for role in [Role::Relay, Role::Ana, Role::Luis] {
            let mut queue = VecDeque::new();
            if self.is_of_names() {
                queue.extend(points(role, Kind::Life));
            }
            let mut often: Vec<Try> = points(role, Kind::Message).collect();
            while !often.is_empty() {
                let index = self.below(often.len() as u64)?;
                queue.push_back(often.swap_remove(usize::try_from(index)?));
            }
            if self.is_of_names() {
                queue.extend(points(role, Kind::Renewal));
            }
            self.queues.insert(role, queue);
        }
        Ok(())
    }

    /// Nora does her errands: the points on their way are due in their order, and nobody dies by chance.
    pub(crate) fn next_errands(&mut self) {
        self.queues.clear();
        let due = |points: &[&'static str]| points.iter().map(|point| Try::once(point)).collect();
        let relay: Vec<_> = relay_errands().map(RelayPoint::name).collect();
        self.queues.insert(Role::Relay, due(&relay));
        let nora: Vec<_> = NORAS.iter().map(|point| point.name()).collect();
        self.queues.insert(Role::Nora, due(&nora));
    }

    /// How the next life of a process ends on an errand: at the point that is due, or never.
    pub(crate) fn errand(&mut self, who: Who) -> End {
        match self.queues.entry(who.into()).or_default().front() {
            None => End::Never,
            Some(next) => End::At {
                point: next.point,
                times: 1,
                patience: ERRAND,
            },
        }
    }

    /// How the next life of a process is to end. A life that passes a point of its account's life by will not come there
    /// again, so none ends by chance before those were tried.
    pub(crate) fn end(&mut self, who: Who) -> Result<End> {
        let chance = self.below(BY_CHANCE[usize::from(!self.is_of_names())])? == 0;
        let next = self.queues.entry(who.into()).or_default().front().copied();
        Ok(match next.filter(|next| !chance || next.once) {
            None => End::After(self.moment(self.life * (1 + self.short / PATIENT_AFTER))?),
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
            Death::Left => {}
            Death::At(point) => {
                *self.at.entry((role, point)).or_default() += 1;
                self.queues.entry(role).or_default().pop_front();
            }
            Death::Killed => {
                self.short += 1;
                *self.by_chance.entry(role).or_default() += 1;
            }
            Death::Missed(point) => {
                *self.missed.entry(point).or_default() += 1;
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

    /// How many kills the relay had, or its clients together: the fewer.
    pub(crate) fn of_each_side(&self) -> u32 {
        let relay = self.of(Role::Relay);
        relay.min(self.kills() - relay)
    }

    fn of(&self, role: Role) -> u32 {
        let at = self.at.iter().filter(|((who, _), _)| *who == role);
        at.map(|(_, count)| count).sum::<u32>() + self.by_chance.get(&role).unwrap_or(&0)
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
            "{:<30} {:>6} {:>6} {:>6} {:>6}",
            "killed", "relay", "Ana", "Luis", "Nora"
        )?;
        let mut line = |name: &str, counts: [u32; 4]| {
            let [relay, ana, luis, nora] = counts;
            writeln!(
                formatter,
                "{name:<30} {relay:>6} {ana:>6} {luis:>6} {nora:>6}"
            )
        };
        let roles = ROLES;
        for name in names() {
            line(
                name,
                roles.map(|role| self.at.get(&(role, name)).copied().unwrap_or(0)),
            )?;
        }
        let by_chance = roles.map(|role| self.by_chance.get(&role).copied().unwrap_or(0));
        line("at a moment by chance", by_chance)?;
        line("all", roles.map(|role| self.of(role)))?;
        let missed = self.missed.iter();
        let missed: Vec<String> = missed
            .map(|(point, times)| format!("{point} {times}"))
            .collect();
        write!(formatter, "waited for in vain: {}", missed.join(", "))
    }
}

/// All points of both sides.
fn names() -> impl Iterator<Item = &'static str> {
    let relay = RelayPoint::ALL.iter().map(|point| point.name());
    relay.chain(ClientPoint::ALL.iter().map(|point| point.name()))
}

/// When a process comes to a point in an act.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Once in the life of an account.
    Life,
    /// With every message.
    Message,
    /// When a leaf is renewed, after so many messages.
    Renewal,
}

/// The points of a kind that a role comes to in an act.
fn points(role: Role, kind: Kind) -> impl Iterator<Item = Try> {
    let relay = RelayPoint::ALL
        .iter()
        .filter(move |_| role == Role::Relay)
        .filter(move |point| match kind {
            Kind::Life => **point < RelayPoint::BatchBeforeBegin,
            Kind::Message => {
                (RelayPoint::BatchBeforeBegin..RelayPoint::DeclineWritten).contains(*point)
            }
            Kind::Renewal => {
                (RelayPoint::CommitWritten..=RelayPoint::CommittedBeforeAnswer).contains(*point)
            }
        })
        .map(|point| point.name());
    let client = ClientPoint::ALL
        .iter()
        .filter(move |point| match role {
            Role::Relay | Role::Nora => false,
            Role::Ana => **point >= ClientPoint::LinkAnswered,
            Role::Luis => {
                !(ClientPoint::LinkAnswered..ClientPoint::TextBeforeCommit).contains(*point)
            }
        })
        .filter(move |point| match kind {
            Kind::Life => **point < ClientPoint::TextBeforeCommit,
            Kind::Message => {
                (ClientPoint::TextBeforeCommit..ClientPoint::RenewalBeforeCommit).contains(*point)
            }
            Kind::Renewal => (ClientPoint::RenewalBeforeCommit..ClientPoint::MigrationBeforeCommit)
                .contains(*point),
        })
        .map(|point| point.name());
    relay.chain(client).map(move |point| Try {
        once: kind != Kind::Message,
        ..Try::once(point)
    })
}

/// The points that the relay comes to on errands only, in the order of the errands.
fn relay_errands() -> impl Iterator<Item = RelayPoint> {
    let all = RelayPoint::ALL.iter().copied();
    all.filter(|point| *point >= RelayPoint::DeclineWritten)
}

/// The points on Nora's way, in the order of her errands.
pub(crate) const NORAS: &[ClientPoint] = &[
    // somebody asks
    ClientPoint::DeclinedBeforeCommit,
    ClientPoint::DeclinedAfterCommit,
    ClientPoint::DeclineAnswered,
    ClientPoint::BlockBeforeCommit,
    ClientPoint::BlockAfterCommit,
    ClientPoint::BlockAnswered,
    // what is kept elsewhere
    ClientPoint::BackupSegmentWritten,
    ClientPoint::BackupBeforeManifest,
    ClientPoint::BackupAfterManifest,
    ClientPoint::BackupBeforeCommit,
    ClientPoint::CopyWritten,
    ClientPoint::CopyInPlace,
    // the database goes back in time
    ClientPoint::RejoinsWanted,
    ClientPoint::RejoinBeforeCommit,
    ClientPoint::RejoinAfterCommit,
    ClientPoint::RejoinedBeforeCommit,
    ClientPoint::RejoinedAfterCommit,
    // the relay's database goes back in time
    ClientPoint::ResetWanted,
    ClientPoint::Claimed,
    ClientPoint::FoundedBeforeCommit,
    ClientPoint::FoundedAfterCommit,
    ClientPoint::ResetBeforeCommit,
    ClientPoint::CreatedAfterCommit,
    // the computer is lost, the backup is not
    ClientPoint::KeySlotsMade,
    ClientPoint::MigrationBeforeCommit,
    ClientPoint::MigrationAfterCommit,
    ClientPoint::DatabaseMade,
    ClientPoint::AccountStored,
    ClientPoint::TakenOverBeforeCommit,
    ClientPoint::TakenOverAfterCommit,
    ClientPoint::EnrolledBeforeCommit,
    // and once more, and the backup with it
    ClientPoint::EnrolledAfterCommit,
    ClientPoint::ListedAfterCommit,
    ClientPoint::RejoinAfterCommit,
];

impl Try {
    const fn once(point: &'static str) -> Self {
        Self {
            point,
            once: true,
            attempts: 0,
        }
    }
}
