//! Damage to the files of a profile, the same for the same seed.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::Path,
};

use client_core::seams::{Randomness, SeededRandom};

const PAGE: u64 = 4096;
/// The files of a profile, the more often the more there is to lose.
const TARGETS: &[&str] = &[
    "relevo.db",
    "relevo.db",
    "relevo.db",
    "relevo.db",
    "relevo.db",
    "relevo.db-wal",
    "relevo.db-wal",
    "relevo.db-shm",
    "relevo.db-open",
    "keys",
    "keys-copy",
    "copies/relevo-20261121T1543.db",
];

pub(crate) fn below(random: &mut SeededRandom, bound: u64) -> u64 {
    let mut bytes = [0; 8];
    random.fill(&mut bytes).unwrap();
    u64::from_be_bytes(bytes) % bound.max(1)
}

/// One thing done to one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    FlipBits,
    ZeroPages,
    Garbage,
    Truncate,
    Empty,
    Remove,
}

impl Fault {
    fn draw(random: &mut SeededRandom) -> Self {
        match below(random, 12) {
            0..4 => Self::FlipBits,
            4..7 => Self::ZeroPages,
            7 | 8 => Self::Garbage,
            9 => Self::Truncate,
            10 => Self::Empty,
            _ => Self::Remove,
        }
    }
}

/// Damages one or two files; returns which, and by what.
pub(crate) fn damage(account: &Path, random: &mut SeededRandom) -> BTreeSet<(String, Fault)> {
    let mut done = BTreeSet::new();
    for _ in 0..=below(random, 2) {
        let target = TARGETS[below(random, TARGETS.len() as u64) as usize];
        let fault = Fault::draw(random);
        let path = account.join(target);
        if path.exists() {
            inflict(&path, fault, random);
            done.insert((target.to_owned(), fault));
        }
    }
    done
}

fn inflict(path: &Path, fault: Fault, random: &mut SeededRandom) {
    let len = fs::metadata(path).unwrap().len();
    match fault {
        Fault::FlipBits => {
            for _ in 0..=below(random, 8) {
                let at = below(random, len);
                overwrite(path, at, |byte| byte ^ (1 << below(random, 8)), 1);
            }
        }
        Fault::ZeroPages => {
            for _ in 0..=below(random, 5) {
                let at = below(random, len.div_ceil(PAGE)) * PAGE;
                overwrite(path, at, |_| 0, PAGE);
            }
        }
        Fault::Garbage => {
            let (from, count) = (below(random, len), below(random, 20_000));
            overwrite(path, from, |_| below(random, 256) as u8, count);
        }
        Fault::Truncate => {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(below(random, len)).unwrap();
        }
        Fault::Empty => fs::write(path, b"").unwrap(),
        Fault::Remove => fs::remove_file(path).unwrap(),
    }
}

/// Changes bytes in place, within the file.
fn overwrite(path: &Path, from: u64, mut change: impl FnMut(u8) -> u8, count: u64) {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    file.seek(SeekFrom::Start(from)).unwrap();
    let mut bytes = Vec::new();
    file.try_clone()
        .unwrap()
        .take(count)
        .read_to_end(&mut bytes)
        .unwrap();
    for byte in &mut bytes {
        *byte = change(*byte);
    }
    file.seek(SeekFrom::Start(from)).unwrap();
    file.write_all(&bytes).unwrap();
}
