//! The processes: started with a way to end, looked after, started again.

use std::{
    fs::{self, File, OpenOptions},
    net::{SocketAddr, TcpListener},
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use relay_server::{Config, InitOptions, Relay, local_config};

use crate::interrupt;

/// How long a start, or the end of a pair, may take.
const PATIENCE: Duration = Duration::from_secs(180);
/// Between two looks at the processes.
const TICK: Duration = Duration::from_millis(4);
const SIGKILL: i32 = 9;

/// A process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Relay,
    /// The one whom all others write to.
    Ana,
    /// One of those who join by an invite of hers, one after the other.
    Luis(u32),
    /// The one who does errands: all that is not writing.
    Nora,
    /// Whom Nora writes to. Nobody kills her.
    Vera,
    /// Who asks Nora and is declined. Nobody kills him.
    Otto,
}

impl Who {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Relay => "relay".to_owned(),
            Self::Ana => "ana".to_owned(),
            Self::Luis(number) => format!("luis-{number}"),
            Self::Nora => "nora".to_owned(),
            Self::Vera => "vera".to_owned(),
            Self::Otto => "otto".to_owned(),
        }
    }
}

/// How a life is meant to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    /// By itself.
    Never,
    /// By SIGKILL from here, after this time.
    After(Duration),
    /// By its own hand at a point that it passes for the `times`-th time; from here if it does not come there in time.
    At {
        point: &'static str,
        times: u32,
        patience: Duration,
    },
}

/// How a life ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Death {
    /// At the point that was planned.
    At(&'static str),
    /// From here, as planned.
    Killed,
    /// From here, because it did not come to its point.
    Missed(&'static str),
    /// Not at all: it had done what it wanted.
    Left,
}

struct Life {
    who: Who,
    child: Child,
    since: Instant,
    end: End,
}

/// All processes and where their data is.
pub(crate) struct Stage {
    dir: PathBuf,
    binary: PathBuf,
    lives: Vec<Life>,
}

impl Stage {
    /// Makes a relay and an invite for each of these; nothing runs yet.
    pub(crate) fn set(dir: &Path, relay: Option<&Path>, invited: &[Who]) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let binary = match relay {
            Some(relay) => relay.to_owned(),
            None => {
                let program = std::env::current_exe()?;
                let folder = program.parent().and_then(Path::parent);
                folder
                    .context("find the folder of the binaries")?
                    .join("relevo-relay")
            }
        };
        ensure!(
            binary.exists(),
            "{} is not there: build it with -p relay-server --features kill-points",
            binary.display()
        );
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let options = InitOptions {
            config: config(address),
        };
        let relay = Relay::create(&dir.join("relay"), options)?;
        for who in invited {
            let invite = relay.new_invite(1, Duration::from_secs(3600))?;
            fs::write(dir.join(format!("{}.link", who.name())), invite.to_app())?;
        }
        Ok(Self {
            dir: dir.to_owned(),
            binary,
            lives: Vec::new(),
        })
    }

    pub(crate) fn start(&mut self, who: Who, end: End) -> Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join(format!("{}.log", who.name())))?;
        let mut command = match who {
            Who::Relay => {
                let mut command = Command::new(&self.binary);
                command.args(["serve", "--dir"]).arg(self.dir.join("relay"));
                command
            }
            _ => {
                let mut command = Command::new(std::env::current_exe()?);
                let role = match who {
                    Who::Relay | Who::Ana | Who::Luis(_) => "actor",
                    Who::Nora | Who::Vera | Who::Otto => "errand",
                };
                command
                    .args([role, "--name", &who.name(), "--dir"])
                    .arg(&self.dir);
                command
            }
        };
        if let End::At { point, times, .. } = end {
            command.env(kill_points::VARIABLE, format!("{point}:{times}"));
        }
        let child = command
            // Ctrl+C is for the harness
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(File::try_clone(&log)?)
            .stderr(log)
            .spawn()?;
        self.lives.push(Life {
            who,
            child,
            since: Instant::now(),
            end,
        });
        Ok(())
    }

    /// Waits a moment and says who died. Who ended in any other way than planned ends the run.
    pub(crate) fn watch(&mut self) -> Result<Vec<(Who, Death)>> {
        sleep(TICK);
        interrupt::check()?;
        let mut dead = Vec::new();
        for life in &mut self.lives {
            let age = life.since.elapsed();
            match (life.child.try_wait()?, life.end) {
                (None, End::After(time)) if age >= time => {
                    life.kill()?;
                    dead.push((life.who, Death::Killed));
                }
                (
                    None,
                    End::At {
                        point, patience, ..
                    },
                ) if age >= patience => {
                    life.kill()?;
                    dead.push((life.who, Death::Missed(point)));
                }
                (None, _) => {}
                (Some(status), End::At { point, .. }) if status.signal() == Some(SIGKILL) => {
                    dead.push((life.who, Death::At(point)));
                }
                // whose conversation is complete, and whom nobody meant to kill any more; and who did her errand
                (Some(status), end)
                    if status.success()
                        && life.who != Who::Relay
                        && (matches!(end, End::Never) || life.who == Who::Nora) =>
                {
                    dead.push((life.who, Death::Left));
                }
                (Some(status), _) => {
                    bail!(
                        "{} ended by itself with {status}; see its log",
                        life.who.name()
                    )
                }
            }
        }
        self.lives
            .retain(|life| !dead.iter().any(|(who, _)| *who == life.who));
        Ok(dead)
    }

    /// SIGKILL now: no destructor, no flush.
    pub(crate) fn kill(&mut self, who: Who) -> Result<()> {
        if let Some(index) = self.lives.iter().position(|life| life.who == who) {
            self.lives.swap_remove(index).kill()?;
        }
        Ok(())
    }

    /// Copies what the relay has by now. It may be serving.
    pub(crate) fn back_relay_up(&self) -> Result<()> {
        Relay::open(&self.dir.join("relay"))?.backup(&self.dir.join("relay.backup"))
    }

    /// Puts the copy in the place of all that the relay has. It must not be serving.
    pub(crate) fn restore_relay(&self) -> Result<()> {
        let relay = self.dir.join("relay");
        for entry in fs::read_dir(&relay)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with("relay.db") {
                fs::remove_file(&path)?;
            }
        }
        Relay::restore(&relay, &self.dir.join("relay.backup"))?;
        Ok(())
    }

    /// Leaves a word for the actors.
    pub(crate) fn say(&self, word: &str) -> Result<()> {
        Ok(fs::write(self.dir.join(word), "")?)
    }

    /// Whether an actor left one.
    pub(crate) fn heard(&self, word: &str) -> bool {
        self.dir.join(word).exists()
    }

    /// Lets everybody live until all clients have ended by themselves, because everything has arrived.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let since = Instant::now();
        loop {
            let left: Vec<Who> = self.lives.iter().map(|life| life.who).collect();
            if left == [Who::Relay] {
                return self.kill(Who::Relay);
            }
            ensure!(
                since.elapsed() < PATIENCE,
                "{left:?} did not come to an end; see their logs"
            );
            self.watch()?;
        }
    }
}

impl Life {
    fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for life in &mut self.lives {
            // already ended, or ends now
            let _ended = life.kill();
        }
    }
}

/// The default, but without the rates, as here everybody comes from one address again and again, and with a relay that has
/// cursors to write in each of its short lives.
fn config(address: SocketAddr) -> Config {
    let mut config = local_config(address, vec![address.to_string()]);
    config.timeouts.cursors = 50;
    config.quotas.registrations_per_hour = u32::MAX;
    config.quotas.attempts_per_minute = u32::MAX;
    config.quotas.logins_per_minute = u32::MAX;
    config.quotas.commits_per_hour = u32::MAX;
    config.quotas.claims_of_one_per_day = u32::MAX;
    config.quotas.appends_per_second = u32::MAX;
    config.quotas.appends_burst = u32::MAX;
    config
}
