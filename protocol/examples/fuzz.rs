//! Feeds every decoder with mutations of `fuzz-corpus/`, and fails where one panics.
//!
//! `cargo run --release -p protocol --example fuzz -- --seconds 60`
//!
//! Each target ends after `--seconds`, or after `--executions` (1,000,000 unless told) if that is sooner. `--target NAME`
//! picks one, `--seed N` repeats a run. An input that made a target panic is saved in `target/fuzz/`; put it into the
//! target's corpus together with the repair.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a tool for the terminal, which shares its modules with the tests"
)]
#![allow(dead_code, reason = "the tests use more of the shared modules")]

#[path = "../tests/it/fuzz_targets.rs"]
mod fuzz_targets;
#[path = "../tests/it/mutate.rs"]
mod mutate;
#[path = "../tests/it/tree.rs"]
mod tree;

use std::{
    env, fs, panic,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{
    fuzz_targets::{TARGETS, Target},
    mutate::Corpus,
};

/// How much is asked for.
struct Options {
    time: Duration,
    executions: u64,
    target: Option<String>,
    seed: u64,
}

fn main() -> ExitCode {
    let options = match options(env::args().skip(1)) {
        Ok(options) => options,
        Err(argument) => {
            eprintln!(
                "usage: fuzz [--seconds N] [--executions N] [--target NAME] [--seed N]; not {argument:?}"
            );
            return ExitCode::FAILURE;
        }
    };
    let chosen = |name: &str| {
        options
            .target
            .as_deref()
            .is_none_or(|target| target == name)
    };
    let targets: Vec<&Target> = TARGETS.iter().filter(|(name, _)| chosen(name)).collect();
    let holding = targets
        .iter()
        .filter(|target| run(target, &options))
        .count();
    if targets.is_empty() || holding < targets.len() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        time: Duration::from_secs(60),
        executions: 1_000_000,
        target: None,
        seed: 0x5eed,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| name.clone())?;
        let number = || value.parse::<u64>().map_err(|_| value.clone());
        match name.as_str() {
            "--seconds" => options.time = Duration::from_secs(number()?),
            "--executions" => options.executions = number()?,
            "--seed" => options.seed = number()?,
            "--target" => options.target = Some(value),
            _ => return Err(name),
        }
    }
    Ok(options)
}

/// Runs one target and says whether it held.
fn run((name, target): &Target, options: &Options) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz-corpus")
        .join(name);
    let mut seeds: Vec<_> = fs::read_dir(folder)
        .expect("read the corpus")
        .map(|file| fs::read(file.expect("read the corpus").path()).expect("read a seed"))
        .collect();
    seeds.sort();
    let mut corpus = Corpus::new(seeds.clone(), options.seed);
    let start = Instant::now();
    let mut executions = 0_u64;
    let mut rest = seeds.into_iter();
    while executions < options.executions && start.elapsed() < options.time {
        let input = rest.next().unwrap_or_else(|| corpus.next_input());
        executions += 1;
        match panic::catch_unwind(|| target(&input)) {
            Ok(outcome) => corpus.learn(&input, outcome),
            Err(_) => {
                let path = save(name, &input);
                eprintln!("{name}: panicked after {executions} executions, input saved as {path}");
                return false;
            }
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let kept = corpus.inputs().len();
    println!("{name}: {executions} executions in {seconds:.1} s, {kept} inputs kept, no panic");
    true
}

fn save(name: &str, input: &[u8]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/fuzz");
    fs::create_dir_all(&folder).expect("create target/fuzz");
    let digest = protocol::Digest::of(&[input]).to_hex();
    let path = folder.join(format!("{name}-{digest:.16}"));
    fs::write(&path, input).expect("save the input");
    path.display().to_string()
}
