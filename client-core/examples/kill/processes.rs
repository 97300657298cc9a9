//! The three processes.

use std::{
    fs::{self, File, OpenOptions},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

/// How long a start or the end may take.
const PATIENCE: Duration = Duration::from_secs(180);

/// Who is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Victim {
    Relay,
    Ana,
    Luis,
}

impl Victim {
    const fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Ana => "ana",
            Self::Luis => "luis",
        }
    }
}

/// All processes and where their data is.
pub(crate) struct Stage {
    dir: PathBuf,
    binary: PathBuf,
    children: Vec<(Victim, Child)>,
}

impl Stage {
    /// Makes a relay, lets Ana join by an invite, and starts Luis with hers: from then on anybody may be killed, while
    /// Luis registers and the conversation is made too.
    pub(crate) fn set(dir: &Path, relay: Option<&Path>) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let binary = match relay {
            Some(relay) => relay.to_owned(),
            None => {
                let program = std::env::current_exe()?;
                let folder = program
                    .parent()
                    .and_then(Path::parent)
                    .context("find the folder of the binaries")?;
                folder.join("relevo-relay")
            }
        };
        ensure!(
            binary.exists(),
            "{} is not there: build it with -p relay-server",
            binary.display()
        );
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut stage = Self {
            dir: dir.to_owned(),
            binary,
            children: Vec::new(),
        };
        stage.relay(&["init", "--local", "--listen", &format!("127.0.0.1:{port}")])?;
        let invite = stage.relay(&["invite", "new", "--uses", "1", "--json"])?;
        let url = invite
            .split('"')
            .find(|part| part.starts_with("relevo:"))
            .context("find the invite")?
            .to_owned();
        fs::write(dir.join("ana.link"), url)?;
        stage.start(Victim::Relay)?;
        stage.start(Victim::Ana)?;
        // Ana leaves an invite for Luis
        let link = stage.dir.join("luis.link");
        stage.wait("Ana's invite", || link.exists())?;
        stage.start(Victim::Luis)?;
        Ok(stage)
    }

    pub(crate) fn start(&mut self, victim: Victim) -> Result<()> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.dir.join(format!("{}.log", victim.name())))?;
        let mut command = match victim {
            Victim::Relay => {
                let mut command = Command::new(&self.binary);
                command.args(["serve", "--dir"]).arg(self.dir.join("relay"));
                command
            }
            Victim::Ana | Victim::Luis => {
                let mut command = Command::new(std::env::current_exe()?);
                command
                    .args(["actor", "--name", victim.name(), "--dir"])
                    .arg(&self.dir);
                command
            }
        };
        let child = command
            .stdin(Stdio::null())
            .stdout(File::try_clone(&log)?)
            .stderr(log)
            .spawn()?;
        self.children.push((victim, child));
        Ok(())
    }

    /// SIGKILL: no destructor, no flush.
    pub(crate) fn kill(&mut self, victim: Victim) -> Result<()> {
        let index = self
            .children
            .iter()
            .position(|(who, _)| *who == victim)
            .context("find the victim")?;
        let (_, mut child) = self.children.swap_remove(index);
        ensure!(
            child.try_wait()?.is_none(),
            "{} ended by itself; see its log",
            victim.name()
        );
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Lets everything run for a while. This is the schedule itself, not a wait for something.
    pub(crate) fn live(&mut self, time: Duration) -> Result<()> {
        sleep(time);
        for (who, child) in &mut self.children {
            ensure!(
                child.try_wait()?.is_none(),
                "{} ended by itself; see its log",
                who.name()
            );
        }
        Ok(())
    }

    /// No new messages; everything on its way arrives; both actors say so and end.
    pub(crate) fn finish(&mut self) -> Result<()> {
        fs::write(self.dir.join("stop"), "")?;
        let since = Instant::now();
        let mut waiting = vec![Victim::Ana, Victim::Luis];
        while !waiting.is_empty() {
            ensure!(
                since.elapsed() < PATIENCE,
                "{waiting:?} did not come to an end"
            );
            for (who, child) in &mut self.children {
                match child.try_wait()? {
                    Some(status) if waiting.contains(who) => {
                        ensure!(status.success(), "{} ended with {status}", who.name());
                        waiting.retain(|it| it != who);
                    }
                    Some(status) if *who == Victim::Relay => {
                        bail!("the relay ended by itself: {status}")
                    }
                    _ => {}
                }
            }
            sleep(Duration::from_millis(20));
        }
        self.kill(Victim::Relay)
    }

    fn relay(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.binary)
            .args(arguments)
            .arg("--dir")
            .arg(self.dir.join("relay"))
            .output()?;
        ensure!(
            output.status.success(),
            "relevo-relay {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    fn wait(&mut self, what: &str, done: impl Fn() -> bool) -> Result<()> {
        let since = Instant::now();
        while !done() {
            ensure!(since.elapsed() < PATIENCE, "waited in vain for {what}");
            self.live(Duration::from_millis(20))?;
        }
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for (_, child) in &mut self.children {
            // already ended, or ends now
            let _ended = child.kill();
            let _status = child.wait();
        }
    }
}
