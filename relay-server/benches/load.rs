//! Load on a real relay: its own process on core 0, this generator on core 1, a real disk.
//!
//! `cargo bench -p relay-server --bench load -- [--quick] [--json FILE] [--dir DIR]`
//!
//! Pairs of devices that registered through the protocol hold a direct conversation. A message counts when the relay's
//! `delivered`, which follows from the receiver's acknowledgement, is back at its sender. Latencies at half rate are
//! counted from when a message was due, so that a stall hides nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measuring tool: it stops at the first surprise and prints what it found"
)]

#[path = "load/echo.rs"]
mod echo;
#[path = "load/machine.rs"]
mod machine;
#[path = "load/pairs.rs"]
mod pairs;
#[path = "../tests/it/people.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod people;
#[path = "load/scenario.rs"]
mod scenario;
#[path = "load/wire.rs"]
mod wire;

use std::{path::PathBuf, process::Command, time::Duration};

use serde_json::{Value, json};

use self::{machine::RelayProcess, pairs::Pair, scenario::Plan};

/// Set in the copy of this process that is pinned.
const PINNED: &str = "RELEVO_BENCH_PINNED";

struct Options {
    quick: bool,
    json: Option<PathBuf>,
    dir: PathBuf,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .first()
        .is_some_and(|first| first == "--echo-server")
    {
        return runtime().block_on(echo::serve(&arguments[1]));
    }
    if std::env::var_os(PINNED).is_none() {
        let own = std::env::current_exe().unwrap();
        let status = Command::new("taskset")
            .args(["-c", "1"])
            .arg(own)
            .args(&arguments)
            .env(PINNED, "1")
            .status();
        std::process::exit(status.expect("taskset").code().unwrap_or(1));
    }
    let mut options = Options {
        quick: false,
        json: None,
        dir: PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => options.quick = true,
            "--json" => options.json = arguments.next().map(PathBuf::from),
            "--dir" => options.dir = arguments.next().map(PathBuf::from).expect("--dir DIR"),
            // cargo adds it
            "--bench" => {}
            other => panic!("unknown argument {other:?}"),
        }
    }
    runtime().block_on(measure(&options));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

async fn measure(options: &Options) {
    let dir = tempfile::Builder::new()
        .prefix("relevo-load")
        .tempdir_in(&options.dir)
        .expect("a directory");
    assert!(
        !machine::is_tmpfs(dir.path()),
        "{} is not on a disk",
        dir.path().display()
    );
    let syncs = machine::syncs_per_second(dir.path());
    println!(
        "fdatasync of 300-byte appends: {syncs:.0}/s; others use {:.0} % of the cores",
        machine::busy_percent()
    );

    let (count, time) = if options.quick {
        (1000, Duration::from_secs(5))
    } else {
        (1000, Duration::from_secs(20))
    };
    let mut relay = RelayProcess::create(dir.path());
    let pairs = pairs::make(&relay, count).await;
    let mut results = vec![json!({ "name": "machine", "fdatasync_per_s": syncs })];

    // a fresh process: what the set-up allocated is not counted
    relay.restart();
    let (idle, mut pairs) = connect_all(&relay, pairs).await;
    results.push(idle);

    for (name, pairs_used, in_flight) in [("100 pairs × 10", 100, 10), ("1000 pairs × 1", 1000, 1)]
    {
        let echo = echo::measure(pairs_used, in_flight, time.min(Duration::from_secs(5))).await;
        let plan = Plan {
            pairs: pairs_used,
            in_flight,
            time,
            rate: None,
        };
        let max = scenario::run(&relay, &mut pairs, plan).await;
        let half = Plan {
            rate: Some(max.per_second / 2.0),
            ..plan
        };
        let half = scenario::run(&relay, &mut pairs, half).await;
        let mut result =
            json!({ "name": name, "echo_per_s": echo, "ratio_to_echo": max.per_second / echo });
        max.write("max", &mut result);
        half.write("half", &mut result);
        results.push(result);
    }
    results.push(scenario::offline(&relay, &mut pairs[0]).await);
    drop(pairs);
    relay.stop();
    report(&results, options);
}

/// Logs everybody in, and sees what an idle connection takes.
async fn connect_all(relay: &RelayProcess, pairs: Vec<pairs::Prepared>) -> (Value, Vec<Pair>) {
    let (memory, cpu, begun) = (
        relay.memory_kib(),
        relay.cpu_seconds(),
        std::time::Instant::now(),
    );
    let count = pairs.len() * 2;
    let mut connected = Vec::with_capacity(pairs.len());
    for pair in pairs {
        connected.push(pair.connect(relay.address()).await);
    }
    let elapsed = begun.elapsed().as_secs_f64();
    let login_ms = (relay.cpu_seconds() - cpu) * 1000.0 / count as f64;
    // the allocator gives back what the logins used
    tokio::time::sleep(Duration::from_secs(2)).await;
    let each = (relay.memory_kib() - memory) / count as f64;
    let result = json!({
        "name": "idle connections", "connections": count, "kib_per_connection": each, "base_mib": memory / 1024.0,
        "login_cpu_ms": login_ms, "logins_per_s": count as f64 / elapsed,
    });
    (result, connected)
}

fn report(results: &[Value], options: &Options) {
    for result in results {
        println!("\n{}", result["name"].as_str().unwrap_or_default());
        for (key, value) in result
            .as_object()
            .unwrap()
            .iter()
            .filter(|(key, _)| *key != "name")
        {
            match value.as_f64() {
                Some(number) if number.fract() != 0.0 => println!("  {key:<28} {number:.2}"),
                _ => println!("  {key:<28} {value}"),
            }
        }
    }
    if let Some(path) = &options.json {
        let text = serde_json::to_string_pretty(results).unwrap();
        std::fs::write(path, text + "\n").expect("write the figures");
    }
}
