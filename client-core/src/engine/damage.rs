//! Damage of the database that shows while it is in use: nothing more is written, the person is told, the next start mends it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tracing::{error, warn};

use crate::{
    engine::Engine,
    error::{Error, ErrorKind},
    event::Event,
    store::Database,
};

/// A failure that may come from damage has everything checked, at most so often: a large database takes seconds.
const BETWEEN_CHECKS: Duration = Duration::from_secs(60 * 60);

/// What is known of the database's state.
#[derive(Default)]
pub(super) struct Condition {
    damaged: Arc<AtomicBool>,
    /// When it was checked last, because something failed.
    checked: Option<Duration>,
    /// Something could not be written because the disk was full, and nothing was written since.
    pub(super) full: bool,
}

impl Condition {
    fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }
}

impl Engine {
    /// Whether the database was found to be damaged. It is true until the account is opened anew.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.condition.is_damaged()
    }

    /// The same, for other threads.
    pub(crate) fn damaged(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.condition.damaged)
    }

    /// Looks into a failure: whether the database is damaged, or the disk full. To be called with every failure of reading or writing.
    pub fn look_into(&mut self, failure: &Error) {
        if self.is_damaged() {
            return;
        }
        match failure.kind() {
            ErrorKind::Damaged => self.stop_for_damage(failure.context()),
            ErrorKind::DiskFull => self.wait_for_room(),
            // pages that cannot be authenticated appear as a general error
            ErrorKind::Database => self.check_database(),
            _ => {}
        }
    }

    /// Somebody else found the database damaged, as by a copy that failed.
    pub fn report_damage(&mut self) {
        if !self.is_damaged() {
            self.stop_for_damage("found beside the engine");
        }
    }

    fn check_database(&mut self) {
        let now = self.seams.clock.monotonic();
        let recent = |at: Duration| now.saturating_sub(at) < BETWEEN_CHECKS;
        if self.condition.checked.is_some_and(recent) {
            return;
        }
        self.condition.checked = Some(now);
        if let Err(found) = self.database.check() {
            self.stop_for_damage(&found.to_string());
        }
    }

    fn stop_for_damage(&mut self, what: &str) {
        error!(
            damage = what,
            "the database is damaged: nothing is written any more"
        );
        self.condition.damaged.store(true, Ordering::Relaxed);
        self.database.stop_writing();
        if let Err(error) = Database::doubt(self.database.path()) {
            warn!(%error, "the next start may not check the database whole");
        }
        self.end_connection();
        self.events.insert(Event::DatabaseDamaged);
        self.show_connection();
    }
}
