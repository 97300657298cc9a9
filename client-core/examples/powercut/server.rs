//! Power cuts under a relay.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use client_core::seams::{Randomness as _, SeededRandom};
use protocol::Token;
use tokio::{runtime::Runtime, task::JoinSet, time::sleep};

use crate::{
    Plan,
    compare::{Depth, Findings, Kept, compare},
    couple::Couple,
    disk::{Disk, Power},
    interrupt,
    relay::{RelayProcess, Syncs},
    syncs_per_second,
    wire::reachable,
};

/// Cuts that one file system sees, before another begins empty.
const PER_DISK: u32 = 25;
/// Couples that write at the same time.
const WRITERS: usize = 4;

/// Cuts so often, and says what was found.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    let begun = Instant::now();
    let mut random = SeededRandom::new(plan.seed);
    let mut findings = Findings::default();
    let runtime = Runtime::new()?;
    let mut syncs = 0.0;
    while findings.cuts < plan.runs {
        let folder = tempfile::Builder::new().prefix("relevo-cut-").tempdir()?;
        let disk = Disk::create(folder.path()).context("make a disk")?;
        syncs = syncs_per_second(disk.path())?;
        let log = folder.path().join("relay.log");
        let relay = RelayProcess::create(disk.path().join("relay"), &plan.relay, log, plan.syncs)?;
        let mut trial = Trial {
            invite: relay.invite(1000)?.secret.token(),
            disk,
            relay,
            couples: Vec::new(),
        };
        let cuts = PER_DISK.min(plan.runs - findings.cuts);
        for cut in 1..=cuts {
            interrupt::check()?;
            let life = plan.life.mul_f64(fraction(&mut random)?);
            let depth = if cut == cuts {
                Depth::Everything
            } else {
                Depth::Newest
            };
            runtime
                .block_on(trial.cut(life, depth, &mut findings))
                .with_context(|| format!("cut {}", findings.cuts))?;
            // a relay without syncs cannot go on for long
            if findings.lost() > 0 {
                break;
            }
        }
        if findings.lost() > 0 {
            drop(trial);
            println!("powercut: kept {}", folder.keep().display());
            break;
        }
    }
    println!(
        "powercut: {} cuts under the relay in {:.0} s, seed {}, fdatasync {syncs:.0}/s",
        findings.cuts,
        begun.elapsed().as_secs_f64(),
        plan.seed,
    );
    println!("{findings}");
    match plan.syncs {
        Syncs::Kept => ensure!(findings.lost() == 0, "what was answered was lost"),
        Syncs::Swallowed => ensure!(findings.lost() > 0, "a loss was not seen"),
    }
    Ok(())
}

/// A disk, the relay on it, and those who use it. The relay goes before the disk does.
struct Trial {
    relay: RelayProcess,
    disk: Disk,
    couples: Vec<Couple>,
    invite: Token,
}

impl Trial {
    async fn cut(&mut self, life: Duration, depth: Depth, findings: &mut Findings) -> Result<()> {
        let address = self.relay.address();
        reachable(address).await?;
        let mut tasks = JoinSet::new();
        let power = Power::on();
        let idle = self.couples.len().saturating_sub(WRITERS - 1);
        let mut active = self.couples.split_off(idle);
        active.push(Couple::new(self.relay.id())?);
        for mut couple in active {
            let (invite, power) = (self.invite, power.clone());
            tasks.spawn(async move {
                let end = couple.live(address, invite, &power).await;
                (couple, end)
            });
        }
        sleep(life).await;
        power.fail();
        self.disk.cut()?;
        self.relay.kill()?;
        while let Some(ended) = tasks.join_next().await {
            let (couple, _gone) = ended?;
            self.couples.push(couple);
        }
        self.disk.restore()?;
        findings.cuts += 1;
        self.relay.start()?;
        reachable(address).await?;
        let kept = Kept::open(&self.relay.database())?;
        for couple in &mut self.couples {
            compare(couple, address, &kept, depth, findings).await?;
        }
        Ok(())
    }
}

/// A number from 0 to 1.
pub(crate) fn fraction(random: &mut SeededRandom) -> Result<f64> {
    let mut bytes = [0; 4];
    random.fill(&mut bytes)?;
    Ok(f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
}
