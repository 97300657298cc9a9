//! Whether the person is away from the computer: what its system says of input, else input in the window.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{self, Instant},
};
use tracing::warn;

use crate::state::{Account, Program};

/// Nobody is idle before that.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// How often is looked whether the person has left; a locked screen shows at once.
const PERIOD: Duration = Duration::from_secs(30);
/// How often is looked whether the person is back.
const RETURN: Duration = Duration::from_secs(5);

/// What happens in the window.
pub(super) struct Input {
    last: Mutex<Instant>,
    noted: Notify,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            last: Mutex::new(Instant::now()),
            noted: Notify::new(),
        }
    }
}

impl Input {
    /// The person did something.
    pub(super) fn note(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.noted.notify_one();
    }

    fn idle_time(&self, now: Instant) -> Duration {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        now.saturating_duration_since(last)
    }
}

/// Tells the account when the person leaves and comes back, until it ends.
pub(super) async fn watch(account: Weak<Account>, program: Arc<dyn Program>, input: Arc<Input>) {
    loop {
        let idle = match program.idle_time().await {
            Some(idle) => idle,
            None => input.idle_time(Instant::now()),
        };
        let Some(account) = account.upgrade() else {
            return;
        };
        let told = account
            .client
            .set_idle((idle >= IDLE).then_some(idle))
            .await;
        drop(account);
        if let Err(error) = told {
            warn!(%error, "idleness is not told");
        }
        tokio::select! {
            () = time::sleep(pause(idle)) => {}
            () = input.noted.notified() => {}
        }
    }
}

/// How long until it may have changed.
fn pause(idle: Duration) -> Duration {
    match IDLE.checked_sub(idle) {
        None | Some(Duration::ZERO) => RETURN,
        Some(left) => left.min(PERIOD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_is_looked_for_seldom_and_who_comes_back_soon() {
        for (idle, looked) in [(0, 30), (269, 30), (290, 10), (300, 5), (9_000, 5)] {
            let pause = pause(Duration::from_secs(idle));
            assert_eq!(pause, Duration::from_secs(looked), "{idle}");
        }
    }

    #[test]
    fn input_in_the_window_ends_what_counted() {
        let input = Input::default();
        let later = Instant::now() + Duration::from_secs(400);
        assert!(input.idle_time(later) >= Duration::from_secs(400));
        *input.last.lock().unwrap() = later;
        assert_eq!(input.idle_time(later), Duration::ZERO);
        input.note();
        assert!(input.idle_time(later) > Duration::from_secs(390));
    }
}
