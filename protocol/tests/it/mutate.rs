//! A small mutation loop: deterministic for a seed, and without a dependency. It starts from a corpus and keeps what does
//! something new.

use std::collections::BTreeSet;

/// Bytes that decoders treat in a special way: heads of every major type, lengths at their limits, context strings.
const DICTIONARY: [&[u8]; 20] = [
    &[0x83],
    &[0xa0],
    &[0xa1, 0x00],
    &[0xbf],
    &[0x9f],
    &[0xff],
    &[0xf6],
    &[0x18, 0x17],
    &[0x18, 0x18],
    &[0x19, 0xff, 0xff],
    &[0x1a, 0xff, 0xff, 0xff, 0xff],
    &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x81; 16],
    &[0x58, 0x40],
    b"relevo:i#",
    b"https://",
    b"[::1]:1",
    b"%+-_",
];

/// SplitMix64.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// The inputs of one target, and which outcomes were seen.
pub struct Corpus {
    inputs: Vec<Vec<u8>>,
    seeds: usize,
    outcomes: BTreeSet<u64>,
    random: Random,
}

/// The most inputs that are kept beyond the seeds.
const KEPT: usize = 2_000;
/// The longest input.
const LONGEST: usize = 70_000;

impl Corpus {
    pub fn new(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        assert!(!seeds.is_empty());
        Self {
            seeds: seeds.len(),
            inputs: seeds,
            outcomes: BTreeSet::new(),
            random: Random::new(seed),
        }
    }

    /// The inputs that were given or kept.
    pub fn inputs(&self) -> &[Vec<u8>] {
        &self.inputs
    }

    /// An input with one to four changes: every second one a seed, for what is valid is what leads deepest.
    pub fn next_input(&mut self) -> Vec<u8> {
        let among = if self.random.below(2) == 0 {
            self.seeds
        } else {
            self.inputs.len()
        };
        let mut input = self.inputs[self.random.below(among)].clone();
        for _ in 0..=self.random.below(4) {
            self.change(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    /// Keeps an input whose outcome was not seen before.
    pub fn learn(&mut self, input: &[u8], outcome: u64) {
        if self.inputs.len() < KEPT && self.outcomes.insert(outcome) {
            self.inputs.push(input.to_vec());
        }
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let random = &mut self.random;
        let at = random.below(input.len() + 1);
        let until = at + random.below((input.len() - at).min(64) + 1);
        match random.below(9) {
            0 if at < input.len() => input[at] ^= 1 << random.below(8),
            1 if at < input.len() => input[at] = random.byte(),
            2 if at < input.len() => {
                input[at] = input[at].wrapping_add(1).wrapping_sub(random.byte() & 2)
            }
            3 => input.truncate(at),
            4 => drop(input.drain(at..until)),
            5 => {
                let piece = input[at..until].to_vec();
                let to = random.below(input.len() + 1);
                input.splice(to..to, piece);
            }
            6 => {
                let word = DICTIONARY[random.below(DICTIONARY.len())];
                let replaced = if random.below(2) == 0 { at } else { until };
                input.splice(at..replaced, word.iter().copied());
            }
            7 => {
                let more: Vec<u8> = (0..=random.below(8)).map(|_| random.byte()).collect();
                input.splice(at..at, more);
            }
            _ => {
                let other = &self.inputs[random.below(self.inputs.len())];
                let from = random.below(other.len() + 1);
                let piece = other[from..].to_vec();
                input.truncate(at);
                input.extend_from_slice(&piece);
            }
        }
    }
}
