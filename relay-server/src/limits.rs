//! Rates: token buckets per session, per address, per account and for the whole relay. All fail closed.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use protocol::{AccountId, ConversationId, DeviceId, ErrorCode, Refusal};
use tokio::time::Instant;

use crate::{config::Quotas, store::Regard};

/// Keys that a limiter remembers; beyond, those that are full again are forgotten, and then the longest unused.
const KEYS: usize = 16_384;

/// A bucket that holds `burst` tokens and is refilled at `per_second`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) burst: f64,
    pub(crate) per_second: f64,
}

impl Rate {
    /// So many in a period, all at once if need be.
    pub(crate) fn per(count: u32, period: Duration) -> Self {
        let burst = f64::from(count);
        Self {
            burst,
            per_second: burst / period.as_secs_f64(),
        }
    }
}

/// The state of one bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn full(rate: Rate, now: Instant) -> Self {
        Self {
            tokens: rate.burst,
            at: now,
        }
    }

    fn refill(&mut self, rate: Rate, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = rate
            .per_second
            .mul_add(elapsed, self.tokens)
            .min(rate.burst);
        self.at = now;
    }

    /// Takes tokens, or says how long to wait for them.
    pub(crate) fn take(&mut self, rate: Rate, tokens: f64, now: Instant) -> Result<(), Duration> {
        self.refill(rate, now);
        if self.tokens >= tokens {
            self.tokens -= tokens;
            return Ok(());
        }
        let missing = (tokens - self.tokens) / rate.per_second.max(1e-9);
        Err(Duration::try_from_secs_f64(missing).unwrap_or(Duration::from_secs(3600)))
    }

    /// Takes tokens for what was done already, even where too few are left: the next one waits longer.
    fn charge(&mut self, rate: Rate, tokens: f64, now: Instant) {
        self.refill(rate, now);
        self.tokens -= tokens;
    }
}

/// One bucket for each key.
struct Keyed<K> {
    rate: Rate,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash + Copy> Keyed<K> {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: Mutex::new(HashMap::new()),
        }
    }

    fn take(&self, key: K, tokens: f64) -> Result<(), Duration> {
        self.with(key, |bucket, rate, now| bucket.take(rate, tokens, now))
    }

    fn charge(&self, key: K, tokens: f64) {
        self.with(key, |bucket, rate, now| bucket.charge(rate, tokens, now));
    }

    fn with<T>(&self, key: K, act: impl FnOnce(&mut Bucket, Rate, Instant) -> T) -> T {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEYS && !buckets.contains_key(&key) {
            let rate = self.rate;
            buckets.retain(|_, bucket| {
                bucket.refill(rate, now);
                bucket.tokens < rate.burst
            });
            // all are in use: forget one rather than grow; the global limit still holds
            if buckets.len() >= KEYS
                && let Some(fullest) = buckets
                    .iter()
                    .max_by(|a, b| a.1.tokens.total_cmp(&b.1.tokens))
                    .map(|(key, _)| *key)
            {
                buckets.remove(&fullest);
            }
        }
        let bucket = buckets
            .entry(key)
            .or_insert_with(|| Bucket::full(self.rate, now));
        act(bucket, self.rate, now)
    }
}

/// The limits of the whole relay.
pub(crate) struct Limits {
    registrations: Keyed<IpAddr>,
    failed_logins: Keyed<IpAddr>,
    lookups: Keyed<AccountId>,
    all_lookups: Keyed<()>,
    claims: Keyed<AccountId>,
    claims_of_one: Keyed<(AccountId, AccountId)>,
    commits: Keyed<(AccountId, ConversationId)>,
    commits_of_blocked: Keyed<(AccountId, ConversationId)>,
    logins: Keyed<DeviceId>,
    bytes: Keyed<AccountId>,
    attempts: Keyed<()>,
    unauthenticated: Mutex<HashMap<IpAddr, usize>>,
    unauthenticated_most: usize,
}

impl Limits {
    pub(crate) fn new(quotas: &Quotas, unauthenticated_most: usize) -> Self {
        let hour = Duration::from_secs(3600);
        let minute = Duration::from_secs(60);
        let day = 24 * hour;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a quota of bytes need not be exact beyond 2^53"
        )]
        let bytes = quotas.bytes_per_day as f64;
        Self {
            registrations: Keyed::new(Rate::per(quotas.registrations_per_hour, hour)),
            failed_logins: Keyed::new(Rate::per(quotas.failed_logins_per_minute, minute)),
            lookups: Keyed::new(Rate::per(quotas.lookups_per_hour, hour)),
            all_lookups: Keyed::new(Rate::per(quotas.lookups_per_minute, minute)),
            claims: Keyed::new(Rate::per(quotas.claims_per_hour, hour)),
            claims_of_one: Keyed::new(Rate::per(quotas.claims_of_one_per_day, day)),
            commits: Keyed::new(Rate::per(quotas.commits_per_hour, hour)),
            commits_of_blocked: Keyed::new(Rate::per(quotas.commits_of_blocked_per_day, day)),
            logins: Keyed::new(Rate::per(quotas.logins_per_minute, minute)),
            bytes: Keyed::new(Rate {
                burst: bytes,
                per_second: bytes / day.as_secs_f64(),
            }),
            attempts: Keyed::new(Rate::per(quotas.attempts_per_minute, minute)),
            unauthenticated: Mutex::new(HashMap::new()),
            unauthenticated_most,
        }
    }

    /// Counts a connection that has not logged in; `false`: its address has too many.
    pub(crate) fn admit(&self, address: IpAddr) -> bool {
        let mut counts = self
            .unauthenticated
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(network(address)).or_insert(0);
        if *count >= self.unauthenticated_most {
            return false;
        }
        *count += 1;
        true
    }

    /// The connection has logged in or is gone.
    pub(crate) fn release(&self, address: IpAddr) {
        let mut counts = self
            .unauthenticated
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let address = network(address);
        if let Some(count) = counts.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&address);
            }
        }
    }

    pub(crate) fn registration(&self, address: IpAddr) -> Result<(), Refusal> {
        self.attempt(&self.registrations, address)
    }

    /// Counts a login that failed; an error means that this address has failed too often.
    pub(crate) fn failed_login(&self, address: IpAddr) -> Result<(), Refusal> {
        self.attempt(&self.failed_logins, address)
    }

    /// The address first: one that tries too often must not use up what is there for all.
    fn attempt(&self, kind: &Keyed<IpAddr>, address: IpAddr) -> Result<(), Refusal> {
        kind.take(network(address), 1.0)
            .and_then(|()| self.attempts.take((), 1.0))
            .map_err(limited)
    }

    /// Counts a look-up of a handle. The account first, as with addresses.
    pub(crate) fn lookup(&self, account: AccountId) -> Result<(), Refusal> {
        self.lookups
            .take(account, 1.0)
            .and_then(|()| self.all_lookups.take((), 1.0))
            .map_err(limited)
    }

    /// Counts a claim of the key packages of `of`. What it takes of the day's bytes is known only when it is done: see
    /// [`Limits::charge`].
    pub(crate) fn claim(&self, account: AccountId, of: AccountId) -> Result<(), Refusal> {
        self.bytes(account, 0)?;
        self.claims_of_one
            .take((account, of), 1.0)
            .and_then(|()| self.claims.take(account, 1.0))
            .map_err(limited)
    }

    /// Counts a commit or a new incarnation.
    pub(crate) fn commit(
        &self,
        account: AccountId,
        conversation: ConversationId,
        regard: Regard,
    ) -> Result<(), Refusal> {
        let key = (account, conversation);
        match regard {
            Regard::Blocked => self.commits_of_blocked.take(key, 1.0),
            Regard::Open => self.commits.take(key, 1.0),
        }
        .map_err(limited)
    }

    /// Counts a login that succeeds.
    pub(crate) fn login(&self, device: DeviceId) -> Result<(), Refusal> {
        self.logins.take(device, 1.0).map_err(limited)
    }

    /// Takes bytes of the account's day for what is stored already.
    pub(crate) fn charge(&self, account: AccountId, bytes: usize) {
        self.bytes.charge(account, tokens(bytes));
    }

    /// Takes bytes of the account's day.
    pub(crate) fn bytes(&self, account: AccountId, bytes: usize) -> Result<(), Refusal> {
        let taken = self.bytes.take(account, tokens(bytes));
        taken.map_err(|wait| Refusal {
            code: ErrorCode::Quota,
            ..limited(wait)
        })
    }
}

fn tokens(bytes: usize) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX))
}

/// The refusal of one who should wait.
pub(crate) fn limited(wait: Duration) -> Refusal {
    let wait = u64::try_from(wait.as_millis())
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    Refusal {
        retry_after: Some(wait),
        ..Refusal::new(ErrorCode::RateLimited)
    }
}

/// One host of IPv6 has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
        address @ IpAddr::V4(_) => address,
    }
}

/// What one session may do in a second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionRates {
    pub(crate) appends: Rate,
    pub(crate) signals: Rate,
    pub(crate) requests: Rate,
}

impl SessionRates {
    pub(crate) fn new(quotas: &Quotas) -> Self {
        let second = Duration::from_secs(1);
        let several = |count: u32| Rate {
            burst: 10.0 * f64::from(count),
            ..Rate::per(count, second)
        };
        Self {
            appends: Rate {
                burst: f64::from(quotas.appends_burst),
                per_second: f64::from(quotas.appends_per_second),
            },
            signals: several(quotas.signals_per_second),
            requests: several(quotas.requests_per_second),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_that_tries_too_often_keeps_nobody_else_out() {
        let quotas = Quotas {
            registrations_per_hour: 2,
            failed_logins_per_minute: 2,
            attempts_per_minute: 10,
            ..Quotas::default()
        };
        let limits = Limits::new(&quotas, 32);
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        for _ in 0..100 {
            drop(limits.registration(one));
            drop(limits.failed_login(one));
        }
        assert!(limits.registration(one).is_err());
        assert!(limits.registration(other).is_ok());
    }

    #[test]
    fn claims_are_counted_for_each_pair_and_their_bytes_when_they_are_known() {
        let quotas = Quotas {
            claims_of_one_per_day: 2,
            bytes_per_day: 10_000,
            ..Quotas::default()
        };
        let limits = Limits::new(&quotas, 32);
        let [ana, bo, eve] = [1, 2, 3].map(|n| AccountId::new([n; 16]));
        for outcome in [true, true, false] {
            assert_eq!(limits.claim(eve, ana).is_ok(), outcome);
        }
        assert!(limits.claim(eve, bo).is_ok() && limits.claim(bo, ana).is_ok());
        limits.charge(eve, 15_000);
        let refusal = limits.claim(eve, bo).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::Quota);
        assert!(refusal.retry_after > Some(1000));
    }
}
