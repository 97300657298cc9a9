//! What happened: a hash over all of it, the last lines for a report, and what the log called a fault.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    sync::{Arc, Mutex},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

use crate::model::SECRET;

/// Lines kept for a report.
const TAIL: usize = 400;

/// Warnings that faults of the network explain. Any other line at this level ends a run.
const EXPECTED: &[&str] = &[
    "a request was not answered in time",
    "sessions did not end in time",
    "plan the next attempt",
    // after long nights
    "the clock is more than 30 days from what was stored last",
    "the clock has jumped by more than 30 days",
];

/// Warnings that a device explains which lost something. Expected from then on.
const EXPECTED_OF_LOSS: &[&str] = &[
    "the relay shows an older state of a conversation",
    "the relay shows another branch of a group",
    // what a restored relay forgot was counted once, and what is sent in its place is counted again
    "the relay shows other client ids than the sender used",
    "the restored relay has forgotten the newest state",
    "a commit cannot be followed",
    "a founded group is lost",
    "an entered group is lost",
    "a renewed group is lost",
    "the group of a conversation is lost",
    "a conversation cannot send",
    "a conversation is set up anew",
    "a request was not answered in time",
    "a welcome could not be followed",
    "an entry of a group that is over",
    "an entry of an epoch that was never reached",
    "entries of a conversation that is not here",
    "entries of a sender never arrived",
    "the relay has less than it had",
    // of another branch of a group, that a relay which was restored twice, or others since, went on with: it is sent again
    "the restored relay has another branch of a group",
    "an entry could not be opened; its sealed bytes are kept",
    // those before this device came in, in the time that was lost
    "the relay leaves out some entries",
    "the relay no longer has some entries",
    // who went back in time asks for what it has acknowledged
    "the relay leaves out some entries",
    "this database is older than what the relay had from this device",
    "this device is not in the epoch that the relay names",
];

/// The history of one run.
pub(crate) struct History {
    hash: Sha256,
    tail: VecDeque<String>,
    /// Printed as they come.
    show: bool,
    pub(crate) counts: Counts,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Inputs to engines: what arrived, timers, commands.
    pub(crate) inputs: u64,
    /// Frames that engines sent.
    pub(crate) frames: u64,
    /// Steps of the schedule that did something.
    pub(crate) steps: u64,
    /// Texts that were accepted.
    pub(crate) texts: u64,
}

impl Counts {
    pub(crate) const fn events(&self) -> u64 {
        self.inputs + self.frames + self.steps
    }
}

impl History {
    pub(crate) fn new(show: bool) -> Self {
        Self {
            hash: Sha256::new(),
            tail: VecDeque::with_capacity(TAIL),
            show,
            counts: Counts::default(),
        }
    }

    pub(crate) fn note(&mut self, at: Duration, what: fmt::Arguments<'_>) {
        let line = format!("{:>12.3} {what}", at.as_secs_f64());
        self.hash.update(&line);
        self.hash.update("\n");
        if self.show {
            println!("{line}");
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
    }

    /// Something that only helps to understand: shown, not part of the history.
    pub(crate) fn aside(&mut self, what: impl FnOnce() -> String) {
        if self.show {
            println!("{:14}{}", "", what());
        }
    }

    pub(crate) fn hash(&self) -> String {
        let digest = self.hash.clone().finalize();
        digest[..8].iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string takes everything");
            hex
        })
    }

    pub(crate) fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }
}

/// Collects the log of everything that runs on this thread: faults, and whatever holds a text or a name.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    log: Arc<Mutex<Log>>,
    /// Printed as they come, warnings or not.
    show: bool,
}

#[derive(Default)]
struct Log {
    faults: Vec<String>,
    loss: bool,
}

impl Watch {
    pub(crate) fn new(show: bool) -> Self {
        Self {
            show,
            ..Self::default()
        }
    }

    /// What was logged that should not have been.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.log.lock().expect("no line panics").faults.clone()
    }

    /// A device loses something: it may say so.
    pub(crate) fn expect_loss(&self) {
        self.log.lock().expect("no line panics").loss = true;
    }
}

impl Subscriber for Watch {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = ["client_core", "relay_server", "protocol"];
        *metadata.level() <= Level::WARN || ours.iter().any(|it| metadata.target().starts_with(it))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        if line.0.contains(SECRET) {
            let mut log = self.log.lock().expect("no line panics");
            log.faults.push(format!("a text or a name: {}", line.0));
        }
        if self.show && *event.metadata().level() <= Level::DEBUG {
            println!("{:14}{}", "", line.0);
        }
        if *event.metadata().level() > Level::WARN {
            return;
        }
        let is_one_of = |list: &[&str]| list.iter().any(|expected| line.0.contains(expected));
        let warning = *event.metadata().level() == Level::WARN;
        let mut log = self.log.lock().expect("no line panics");
        let expected =
            (warning && is_one_of(EXPECTED)) || (log.loss && is_one_of(EXPECTED_OF_LOSS));
        if !expected {
            log.faults.push(line.0);
        }
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string takes everything");
    }
}
