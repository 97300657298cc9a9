//! All randomness of a run, drawn from one seed. Each purpose has a stream of its own, so that dropping a step of the
//! schedule leaves the other draws as they were.

use client_core::seams::{Randomness as _, SeededRandom};
use sha2::{Digest as _, Sha256};

/// One stream of draws.
pub(crate) struct Chance(SeededRandom);

/// The seed of a stream.
pub(crate) fn seed_of(seed: u64, purpose: &str, number: u64) -> u64 {
    let digest = Sha256::new()
        .chain_update(seed.to_be_bytes())
        .chain_update(number.to_be_bytes())
        .chain_update(purpose)
        .finalize();
    u64::from_be_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
}

impl Chance {
    pub(crate) fn new(seed: u64, purpose: &str, number: u64) -> Self {
        Self(SeededRandom::new(seed_of(seed, purpose, number)))
    }

    /// Uniform in `0..end`; the bias of the remainder does not matter here.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0
            .fill(&mut bytes)
            .expect("a seeded source never fails");
        u64::from_be_bytes(bytes) % end.max(1)
    }

    pub(crate) fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).expect("below an index")
    }

    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    pub(crate) fn hit(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }

    /// Small numbers as often as large ones.
    pub(crate) fn magnitude(&mut self, low: u64, high: u64) -> u64 {
        let bits = u64::from((high / low.max(1)).max(2).ilog2()) + 1;
        let top = low.saturating_mul(1 << self.below(bits)).min(high);
        self.between(low, top.max(low))
    }
}
