//! Virtual time: what passes is tokio's paused clock; what clocks show may be far from it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use client_core::seams::{Clock, Randomness as _, SeededRandom};
use relay_server::Environment;
use tokio::time::Instant;

/// Where the wall clocks stand when a run begins: 2027-01-15.
const NOON: i64 = 1_800_000_000_000;

/// The time of a run.
#[derive(Clone)]
pub(crate) struct Time {
    start: Instant,
    /// What passed while everything was off.
    nights: Arc<AtomicI64>,
}

/// What one computer's clocks show.
#[derive(Clone)]
pub(crate) struct Clocks {
    time: Time,
    skew: Arc<AtomicI64>,
    was_set: Arc<AtomicBool>,
}

impl Time {
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
            nights: Arc::default(),
        }
    }

    /// How long the run takes so far, nights left out.
    pub(crate) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    pub(crate) fn at(&self, time: Duration) -> Instant {
        self.start + time
    }

    /// Lets days pass at once.
    pub(crate) fn pass_night(&self, night: Duration) {
        let night = i64::try_from(night.as_millis()).expect("a night fits");
        self.nights.fetch_add(night, Ordering::Relaxed);
    }

    /// All that passed, nights too.
    pub(crate) fn simulated(&self) -> Duration {
        let nights = u64::try_from(self.nights.load(Ordering::Relaxed)).expect("time passes");
        self.now() + Duration::from_millis(nights)
    }

    pub(crate) fn clocks(&self) -> Clocks {
        Clocks {
            time: self.clone(),
            skew: Arc::default(),
            was_set: Arc::default(),
        }
    }
}

impl Clocks {
    /// Sets the wall clock forward or back.
    pub(crate) fn jump(&self, by: i64) {
        self.skew.fetch_add(by, Ordering::Relaxed);
        self.was_set.store(true, Ordering::Relaxed);
    }

    /// Whether somebody ever set it.
    pub(crate) fn was_set(&self) -> bool {
        self.was_set.load(Ordering::Relaxed)
    }

    fn wall(&self) -> u64 {
        let passed = i64::try_from(self.time.simulated().as_millis()).expect("a run is short");
        let wall = NOON + passed + self.skew.load(Ordering::Relaxed);
        u64::try_from(wall).unwrap_or(0)
    }
}

impl Clock for Clocks {
    fn wall_ms(&self) -> u64 {
        self.wall()
    }

    fn monotonic(&self) -> Duration {
        self.time.now()
    }
}

impl relay_server::Clock for Clocks {
    fn now(&self) -> u64 {
        self.wall()
    }
}

struct SharedRandom(Mutex<SeededRandom>);

impl relay_server::Random for SharedRandom {
    fn fill(&self, buffer: &mut [u8]) {
        let mut random = self.0.lock().expect("no draw panics");
        random.fill(buffer).expect("a seeded source never fails");
    }
}

/// A clock that stands, for what is done by a thread, which has no virtual time.
struct Standing(u64);

impl relay_server::Clock for Standing {
    fn now(&self) -> u64 {
        self.0
    }
}

/// What the relay runs on.
pub(crate) fn environment(clocks: &Clocks, seed: u64) -> Environment {
    Environment {
        clock: Arc::new(clocks.clone()),
        random: Arc::new(SharedRandom(Mutex::new(SeededRandom::new(seed)))),
    }
}

/// The same with a clock that stands still.
pub(crate) fn standing_environment(clocks: &Clocks, seed: u64) -> Environment {
    Environment {
        clock: Arc::new(Standing(clocks.wall())),
        ..environment(clocks, seed)
    }
}
