//! Where jobs run that would hold up the sockets: reading the database, checking signatures.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Where jobs run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Workers {
    /// On the runtime's blocking threads.
    #[default]
    Threads,
    /// At once, on the task that asks: for a simulation, whose order no thread may decide.
    Inline,
}

impl Workers {
    /// Runs a job. `None` where it panicked.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        match self {
            Self::Threads => tokio::task::spawn_blocking(job).await.ok(),
            Self::Inline => catch_unwind(AssertUnwindSafe(job)).ok(),
        }
    }
}
