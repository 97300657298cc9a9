//! Power cuts under a client: Luis's profile is on the disk; Ana, the relay and the journals are not.

use std::{
    collections::BTreeSet,
    fmt,
    fs::{self, File},
    os::unix::{
        fs::symlink,
        process::{CommandExt as _, ExitStatusExt as _},
    },
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use client_core::{model::OutgoingState, seams::SeededRandom};

use crate::{
    Plan,
    actor::blocked,
    audit::{self, Profile},
    disk::Disk,
    interrupt,
    relay::{EATMYDATA, RelayProcess, Syncs},
    server::fraction,
    syncs_per_second,
};

/// Cuts in the life of one Luis.
const PER_LUIS: u32 = 4;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);
const TICK: Duration = Duration::from_millis(5);

#[derive(Default)]
struct Findings {
    cuts: u32,
    /// What `send_text` returned.
    written: usize,
    written_lost: usize,
    /// What the relay said was delivered.
    delivered: usize,
    delivered_lost: usize,
    /// What `set_blocked` returned.
    blocked: usize,
    blocks_lost: usize,
    accounts: u32,
    /// Accounts that were never told to be registered and can no longer become it.
    stranded: u32,
    /// Accounts that were told to be registered and are gone.
    accounts_lost: u32,
}

impl Findings {
    const fn lost(&self) -> usize {
        self.written_lost
            + self.delivered_lost
            + self.blocks_lost
            + (self.stranded + self.accounts_lost) as usize
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:<28} {:>10} {:>6}", "", "compared", "lost")?;
        let mut line = |name: &str, compared: usize, lost: usize| {
            writeln!(formatter, "{name:<28} {compared:>10} {lost:>6}")
        };
        line("returned by send_text", self.written, self.written_lost)?;
        line(
            "delivered, says the relay",
            self.delivered,
            self.delivered_lost,
        )?;
        line("returned by set_blocked", self.blocked, self.blocks_lost)?;
        line(
            "registered accounts",
            self.accounts as usize,
            self.accounts_lost as usize,
        )?;
        write!(
            formatter,
            "accounts cut off while they registered, that cannot go on: {}",
            self.stranded
        )
    }
}

/// Cuts so often, and says what was found.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    let begun = Instant::now();
    let folder = tempfile::Builder::new().prefix("relevo-cut-").tempdir()?;
    let dir = folder.path();
    let disk = Disk::create(dir).context("make a disk")?;
    let syncs = syncs_per_second(disk.path())?;
    let log = dir.join("relay.log");
    let relay = RelayProcess::create(dir.join("relay"), &plan.relay, log, Syncs::Kept)?;
    fs::write(dir.join("ana.link"), relay.invite(1)?.to_app())?;
    let ana = Actor::start(dir, "ana", Syncs::Kept)?;
    let mut stage = Stage {
        dir,
        disk,
        syncs: plan.syncs,
        random: SeededRandom::new(plan.seed),
        life: plan.life,
        findings: Findings::default(),
    };
    let mut luises = 0;
    let mut complete = Vec::new();
    while stage.findings.cuts < plan.runs
        && (plan.syncs == Syncs::Kept || stage.findings.lost() == 0)
    {
        luises += 1;
        let name = format!("luis-{luises}");
        // every second one is cut off from his first moment on, the others when they write
        let start = if luises % 2 == 0 {
            Start::Cut
        } else {
            Start::InPeace
        };
        if stage.live(&name, start).with_context(|| name.clone())? {
            complete.push(name);
        }
    }
    drop((ana, relay));
    let findings = &stage.findings;
    println!(
        "powercut: {} cuts under {luises} clients in {:.0} s, seed {}, fdatasync {syncs:.0}/s",
        findings.cuts,
        begun.elapsed().as_secs_f64(),
        plan.seed,
    );
    println!("{findings}");
    match plan.syncs {
        Syncs::Kept => {
            let report = audit::audit(dir, &complete)?;
            println!("in the end: {report}");
            report.verdict()?;
            ensure!(findings.lost() == 0, "what was promised was lost");
        }
        Syncs::Swallowed => ensure!(findings.lost() > 0, "a loss was not seen"),
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    InPeace,
    Cut,
}

struct Stage<'a> {
    dir: &'a Path,
    disk: Disk,
    syncs: Syncs,
    random: SeededRandom,
    life: Duration,
    findings: Findings,
}

impl Stage<'_> {
    /// One Luis: cut off some times, then let everything arrive. `false` if his account did not survive.
    fn live(&mut self, name: &str, start: Start) -> Result<bool> {
        let home = self.disk.path().join(name);
        fs::create_dir(&home)?;
        File::open(self.disk.path())?.sync_all()?;
        symlink(&home, self.dir.join(name))?;
        fs::write(self.word(name, "wanted"), "")?;
        wait("an invite", || Ok(self.word(name, "link").exists()))?;
        if start == Start::InPeace {
            let mut luis = Actor::start(self.dir, name, self.syncs)?;
            wait("a first message", || {
                Ok(!audit::journal(self.dir, name)
                    .unwrap_or_default()
                    .is_empty())
            })?;
            luis.end()?;
            let synced = Command::new("sync").arg("-f").arg(&home).status()?;
            ensure!(synced.success(), "sync the new profile");
        }
        for _ in 0..PER_LUIS {
            interrupt::check()?;
            let mut luis = Actor::start(self.dir, name, self.syncs)?;
            sleep(self.life.mul_f64(fraction(&mut self.random)?));
            let promised = self.promised(name)?;
            self.disk.cut()?;
            luis.end()?;
            self.disk.restore()?;
            self.findings.cuts += 1;
            self.withdraw(name, &promised)?;
            self.compare(name, &promised);
            if self.syncs == Syncs::Swallowed && self.findings.lost() > 0 {
                return Ok(false);
            }
        }
        fs::write(self.word(name, "quiet"), "")?;
        let mut luis = Actor::start(self.dir, name, self.syncs)?;
        let since = Instant::now();
        loop {
            match luis.0.try_wait()? {
                Some(status) if status.success() => break,
                Some(status) if status.signal().is_none() => {
                    // `the account cannot go on`, see the log
                    if self.word(name, "registered").exists() {
                        self.findings.accounts_lost += 1;
                    } else {
                        self.findings.stranded += 1;
                    }
                    return Ok(false);
                }
                Some(status) => bail!("ended with {status}"),
                None => ensure!(since.elapsed() < PATIENCE, "not everything arrives"),
            }
            interrupt::check()?;
            sleep(TICK);
        }
        self.findings.accounts += 1;
        Ok(true)
    }

    /// What was promised to Luis, and by him to the relay, while the power is still on.
    fn promised(&self, name: &str) -> Result<Promised> {
        let journal = self.word(name, "journal");
        Ok(Promised {
            registered: self.word(name, "registered").exists(),
            written: if journal.exists() {
                audit::journal(self.dir, name)?
            } else {
                Vec::new()
            },
            blocked: blocked(self.dir, name)?,
            delivered: Profile::open(self.dir, "ana")?
                .messages(name)?
                .into_iter()
                .filter(|it| it.outgoing == Some(OutgoingState::Delivered))
                .map(|it| it.text)
                .collect(),
        })
    }

    /// Strikes out what Luis noted when the power was off; see [`crate::disk`].
    fn withdraw(&self, name: &str, promised: &Promised) -> Result<()> {
        if !promised.registered && self.word(name, "registered").exists() {
            fs::remove_file(self.word(name, "registered"))?;
        }
        let mut lines = promised.written.join("\n");
        if !lines.is_empty() {
            lines.push('\n');
        }
        if self.word(name, "journal").exists() {
            fs::write(self.word(name, "journal"), lines)?;
        }
        fs::write(
            self.word(name, "blocks"),
            vec![b'.'; promised.blocked as usize],
        )?;
        Ok(())
    }

    /// What was promised against what is in Luis's profile.
    fn compare(&mut self, name: &str, promised: &Promised) {
        // not made yet, or no longer there: then each line counts as lost
        let profile = Profile::open(self.dir, name);
        let profile = profile.and_then(|it| {
            let unblocked = it.unblocked(name, promised.blocked)?;
            Ok((it.messages("ana")?, unblocked))
        });
        let (messages, unblocked) =
            profile.unwrap_or_else(|_| (Vec::new(), promised.blocked as usize));
        let has: BTreeSet<String> = messages.into_iter().map(|it| it.text).collect();
        let lost = |texts: &[String]| texts.iter().filter(|it| !has.contains(*it)).count();
        self.findings.blocked += promised.blocked as usize;
        self.findings.blocks_lost += unblocked;
        self.findings.written += promised.written.len();
        self.findings.written_lost += lost(&promised.written);
        self.findings.delivered += promised.delivered.len();
        self.findings.delivered_lost += lost(&promised.delivered);
    }

    fn word(&self, name: &str, word: &str) -> std::path::PathBuf {
        self.dir.join(format!("{name}.{word}"))
    }
}

/// What must survive a cut.
struct Promised {
    registered: bool,
    written: Vec<String>,
    blocked: u32,
    delivered: Vec<String>,
}

/// A client in a process of its own.
struct Actor(Child);

impl Actor {
    fn start(dir: &Path, name: &str, syncs: Syncs) -> Result<Self> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(dir.join(format!("{name}.log")))?;
        let mut command = Command::new(std::env::current_exe()?);
        if syncs == Syncs::Swallowed {
            command.env("LD_PRELOAD", EATMYDATA);
        }
        command.args(["actor", "--name", name, "--dir"]).arg(dir);
        command.stdin(Stdio::null()).stdout(log.try_clone()?);
        command.process_group(0);
        Ok(Self(command.stderr(log).spawn().context("start a client")?))
    }

    fn end(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        // already ended, or ends now
        let _ended = self.end();
    }
}

fn wait(what: &str, done: impl Fn() -> Result<bool>) -> Result<()> {
    let since = Instant::now();
    while !done()? {
        ensure!(since.elapsed() < PATIENCE, "waited in vain for {what}");
        interrupt::check()?;
        sleep(TICK);
    }
    Ok(())
}
