//! One run from its schedule to its verdict.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

use tokio::runtime::Builder;

use crate::{
    history::{Counts, History, Watch},
    schedule::Schedule,
    world::World,
};

/// What a run was.
pub(crate) struct Report {
    pub(crate) counts: Counts,
    /// The hash over all that happened.
    pub(crate) hash: String,
    pub(crate) simulated: Duration,
    /// Whether the relay counted again from where it was before: then less is promised.
    pub(crate) lapsed: bool,
}

/// A run that broke a promise.
pub(crate) struct Failure {
    pub(crate) schedule: Schedule,
    pub(crate) problem: String,
    pub(crate) tail: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Schedule { seed, steps, .. } = &self.schedule;
        writeln!(formatter, "seed {seed}, {} steps:", steps.len())?;
        for (at, step) in steps {
            writeln!(formatter, "{:>12.3} {step:?}", at.as_secs_f64())?;
        }
        writeln!(formatter, "the last of what happened:")?;
        for line in &self.tail {
            writeln!(formatter, "{line}")?;
        }
        writeln!(formatter, "seed {seed}: {}", self.problem)
    }
}

/// Plays a schedule. The files go into memory where the machine has such a place.
pub(crate) fn run(schedule: &Schedule, show: bool) -> Result<Report, Failure> {
    let memory = Path::new("/dev/shm");
    let root = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let root = root.expect("make a folder");
    let watch = Watch::new(show);
    let _guard = tracing::subscriber::set_default(watch.clone());
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("make a runtime");
    let history = History::new(show);
    let mut world =
        runtime.block_on(async { World::new(root.path(), schedule, history, watch.clone()) });
    let played = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            world.play(schedule).await?;
            world.settle().await
        })
    }));
    let outcome = played.unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    match outcome {
        Ok(()) => Ok(Report {
            counts: world.history.counts,
            hash: world.history.hash(),
            simulated: runtime.block_on(async { world.time.simulated() }),
            lapsed: world.model.has_lapsed(),
        }),
        Err(problem) => {
            let mut tail = world.history.tail();
            // a panic may have left something that cannot be read
            tail.extend(catch_unwind(AssertUnwindSafe(|| world.state())).unwrap_or_default());
            Err(Failure {
                schedule: schedule.clone(),
                problem: format!("{problem}; log: {:?}", watch.faults()),
                tail,
            })
        }
    }
}
