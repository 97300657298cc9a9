//! An app that is killed within an input. Between two calls of an engine to the clock, to randomness or to the network lies at most
//! a commit or two, so a death at any of these calls leaves on the disk whatever a death at any moment leaves.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use client_core::seams::{Clock, ConnectionId, Network, RandomError, Randomness};
use protocol::Address;

use crate::relay::copy_files;

/// A death within an input, planned or come.
#[derive(Clone, Default)]
pub(crate) struct Fall(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    planned: Option<Plan>,
    /// An input is being taken in.
    armed: bool,
    /// Nothing that the engine does is real any more; so long the app stays closed.
    come: Option<Duration>,
}

struct Plan {
    calls: u64,
    closed: Duration,
    from: PathBuf,
    to: PathBuf,
}

impl Fall {
    /// At so many calls from now the files in `from` are copied to `to`: that is what the dead process leaves.
    pub(crate) fn plan(&self, calls: u64, closed: Duration, from: &Path, to: &Path) {
        self.state().planned = Some(Plan {
            calls,
            closed,
            from: from.to_owned(),
            to: to.to_owned(),
        });
    }

    /// Nothing is planned any more.
    pub(crate) fn spare(&self) {
        self.state().planned = None;
    }

    /// Does what an app does by itself, and may die of.
    pub(crate) fn armed<T>(&self, work: impl FnOnce() -> T) -> T {
        self.state().armed = true;
        let done = work();
        self.state().armed = false;
        done
    }

    pub(crate) fn has_come(&self) -> bool {
        self.state().come.is_some()
    }

    /// How long the app stays closed, if it has died.
    pub(crate) fn came(&self) -> Option<Duration> {
        self.state().come
    }

    /// The engine calls; says whether it is still alive.
    fn call(&self) -> bool {
        let mut state = self.state();
        if state.come.is_some() {
            return false;
        }
        if !state.armed {
            return true;
        }
        let Some(plan) = &mut state.planned else {
            return true;
        };
        plan.calls = plan.calls.saturating_sub(1);
        if plan.calls > 0 {
            return true;
        }
        copy_files(&plan.from, &plan.to);
        state.come = Some(plan.closed);
        false
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("counting does not panic")
    }
}

/// What an engine calls, with each call counted.
pub(crate) struct Counted<T> {
    inner: T,
    fall: Fall,
}

impl<T> Counted<T> {
    pub(crate) fn new(inner: T, fall: &Fall) -> Self {
        Self {
            inner,
            fall: fall.clone(),
        }
    }
}

impl<T: Clock> Clock for Counted<T> {
    fn wall_ms(&self) -> u64 {
        self.fall.call();
        self.inner.wall_ms()
    }

    fn monotonic(&self) -> Duration {
        self.fall.call();
        self.inner.monotonic()
    }
}

impl<T: Randomness> Randomness for Counted<T> {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), RandomError> {
        self.fall.call();
        self.inner.fill(bytes)
    }
}

impl<T: Network> Network for Counted<T> {
    fn dial(&mut self, connection: ConnectionId, address: &Address) {
        if self.fall.call() {
            self.inner.dial(connection, address);
        }
    }

    fn send(&mut self, connection: ConnectionId, frame: Bytes) {
        if self.fall.call() {
            self.inner.send(connection, frame);
        }
    }

    fn close(&mut self, connection: ConnectionId) {
        if self.fall.call() {
            self.inner.close(connection);
        }
    }
}
