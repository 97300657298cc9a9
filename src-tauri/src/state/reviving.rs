//! An account whose engine failed is opened again: a few times, and not at once.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::time::{self, Instant};
use tracing::{error, info};

use crate::{
    dto::{AppError, AppState, ErrorCode},
    state::{Account, HANDOVER, HANDOVER_POLL, Shell},
};

/// How long to wait before each attempt. After the last one the person is asked.
const PAUSES: [Duration; 3] = [
    Duration::ZERO,
    Duration::from_secs(2),
    Duration::from_secs(10),
];
/// Failures that are further apart have nothing to do with each other.
const FORGIVEN: Duration = Duration::from_secs(10 * 60);

/// The failures of the last minutes.
#[derive(Default)]
pub(super) struct Failures(Vec<Instant>);

impl Failures {
    /// Notes one, and says how long to wait before the account is opened again. `None`: it failed too often. Whoever tries
    /// again after that begins anew.
    fn note(&mut self, now: Instant) -> Option<Duration> {
        self.0
            .retain(|earlier| now.duration_since(*earlier) < FORGIVEN);
        let pause = PAUSES.get(self.0.len()).copied();
        match pause {
            Some(_) => self.0.push(now),
            None => self.0.clear(),
        }
        pause
    }
}

impl Shell {
    /// Opens an account again whose engine ended by itself. For whoever holds the lock of the profile.
    pub(super) async fn revive(&self, account: Arc<Account>) -> Result<AppState, AppError> {
        let (profile, key) = account.keeper.profile_and_key();
        self.account
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let mut keeping = std::mem::take(&mut *self.keeping());
        keeping.shutdown().await;
        end(account).await;
        let pause = self
            .failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .note(Instant::now());
        let Some(pause) = pause else {
            error!("the engine failed too often");
            return Err(AppError::new(
                ErrorCode::Internal,
                "the engine failed again and again",
            ));
        };
        time::sleep(pause).await;
        info!("the account is opened again");
        self.open_with(profile, key).await
    }
}

/// Waits until the engine's thread is gone, and its database closed.
async fn end(account: Arc<Account>) {
    match Arc::try_unwrap(account) {
        Ok(account) => account.stop().await,
        // a command still has it, which gets no answer any more
        Err(account) => {
            let deadline = Instant::now() + HANDOVER;
            while !account.client.has_ended() && Instant::now() < deadline {
                time::sleep(HANDOVER_POLL).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_is_opened_again_three_times_and_anew_for_a_person_who_asks() {
        let mut failures = Failures::default();
        let now = Instant::now();
        for _ in 0..2 {
            for pause in PAUSES {
                assert_eq!(failures.note(now), Some(pause));
            }
            assert_eq!(failures.note(now), None);
        }
        for hour in 1..9 {
            let later = now + Duration::from_secs(hour * 60 * 60);
            assert_eq!(failures.note(later), Some(Duration::ZERO));
        }
    }
}
