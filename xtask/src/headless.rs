//! Runs the journey of Ana and Luis without a screen and keeps what it saw in `target/run`.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::{
    interactive, journey::Journey, paths::Paths, products::Products, report::Report, shell,
};

/// How long a window that may hang is asked for its text.
const ANSWER: Duration = Duration::from_secs(5);
/// How many lines of a log are printed after a failure.
const LOG_LINES: usize = 40;

/// An error if anything did not work. The report is written in any case.
pub(crate) fn run(paths: &Paths, products: &Products) -> Result<()> {
    let folder = paths.run();
    for part in ["headless", "logs", "screenshots"] {
        Paths::emptied(&folder.join(part))?;
    }
    let mut report = Report::default();
    add_versions(paths, products, &mut report)?;

    let start = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    let result = runtime.block_on(async {
        tokio::select! {
            result = walk(products, &folder, &mut report) => result,
            result = interactive::asked_to_stop() => result.and_then(|()| bail!("interrupted")),
        }
    });
    report.finish(start.elapsed(), result.is_ok());
    report.print_table("Ana and Luis");
    report.write(&folder.join("report.json"))?;
    println!("pictures and report: {}", folder.display());
    if result.is_err() {
        print_logs(&folder);
    }
    result
}

async fn walk(products: &Products, folder: &Path, report: &mut Report) -> Result<()> {
    let prepare = Journey::prepare(products, folder);
    let mut journey = report.step("relay and desktops are up", prepare).await?;
    let result = journey.walk(report).await;
    if result.is_err() {
        keep_evidence(&journey, &folder.join("screenshots")).await;
    }
    result
}

/// What everybody saw when it went wrong. What cannot be kept is left out: the first error is the one that counts.
async fn keep_evidence(journey: &Journey<'_>, folder: &Path) {
    let _ = journey.screen.picture(&folder.join("failure.png"));
    for person in [&journey.ana, &journey.luis] {
        let Ok(window) = person.window() else {
            continue;
        };
        if let Ok(Ok(text)) = tokio::time::timeout(ANSWER, window.page_text()).await {
            let name = person.name();
            println!("--- what {name} sees ---\n{text}");
            let _ = fs::write(folder.join(format!("failure-{name}.txt")), text);
        }
    }
}

fn print_logs(folder: &Path) {
    for name in [
        "logs/relay.log",
        "logs/ana.log",
        "logs/luis.log",
        "headless/ana/relevo.log",
        "headless/luis/relevo.log",
        "headless/luis.new/relevo.log",
    ] {
        let Ok(text) = fs::read_to_string(folder.join(name)) else {
            continue;
        };
        let lines: Vec<&str> = text.lines().collect();
        let skipped = lines.len().saturating_sub(LOG_LINES);
        println!("--- end of {name} ---");
        for line in lines.iter().skip(skipped) {
            println!("{line}");
        }
    }
}

fn add_versions(paths: &Paths, products: &Products, report: &mut Report) -> Result<()> {
    let mut git = shell::command("git", ["rev-parse", "--short", "HEAD"], paths.root());
    let mut driver = Command::new("dpkg-query");
    driver.args(["-W", "-f", "${Version}", "webkit2gtk-driver"]);
    report.fact("relevo", env!("CARGO_PKG_VERSION"));
    for (name, command) in [
        ("relay", Command::new(products.relay()).arg("--version")),
        ("webkit", &mut driver),
        ("rust", Command::new("rustc").arg("--version")),
        ("commit", &mut git),
    ] {
        let version = shell::read(command).unwrap_or_else(|error| format!("unknown: {error:#}"));
        report.fact(name, version.trim());
    }
    Ok(())
}
