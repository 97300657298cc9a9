//! Programs that run beside this one, each in a process group of its own, and that end with it.

use std::{
    fs::{self, File},
    io,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// How long a group may take to end by itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// A program and all it started; dropped, it is stopped.
#[derive(Debug)]
pub(crate) struct Group {
    name: String,
    child: Child,
}

#[derive(Debug, Clone, Copy)]
enum Signal {
    Term,
    Kill,
}

impl Group {
    /// Starts the command; what it prints goes to the end of `log`.
    pub(crate) fn spawn(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let out = append(log)?;
        let err = out
            .try_clone()
            .with_context(|| format!("share the log of {name}"))?;
        command.stdout(out).stderr(err);
        Self::spawn_with_own_output(name, command)
    }

    /// Starts the command; the caller has said where its output goes.
    pub(crate) fn spawn_with_own_output(name: &str, command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
        })
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// The exit status, if the first process of the group has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("look at {}", self.name))
    }

    /// An error if the program has ended although it should run.
    pub(crate) fn must_run(&mut self) -> Result<()> {
        if let Some(status) = self.ended()? {
            bail!("{} ended with {status}", self.name);
        }
        Ok(())
    }

    /// Ends the group at once, as a power cut would.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.signal(Signal::Kill);
        self.child
            .wait()
            .with_context(|| format!("wait for the end of {}", self.name))?;
        Ok(())
    }

    /// Asks the group to end, waits a little, then kills it.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::Term);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) && !self.has_members() {
                return;
            }
            thread::sleep(POLL);
        }
        self.signal(Signal::Kill);
        let _ = self.child.wait();
    }

    fn signal(&self, signal: Signal) {
        let name = match signal {
            Signal::Term => "TERM",
            Signal::Kill => "KILL",
        };
        // the shell's own `kill`: a bare machine has no other
        let _ = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -s {name} -- -{}", self.child.id()))
            .stderr(Stdio::null())
            .status();
    }

    fn has_members(&self) -> bool {
        Command::new("sh")
            .arg("-c")
            .arg(format!("kill -0 -{}", self.child.id()))
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.has_members() {
            self.stop();
        }
    }
}

/// Kills what has left its group: every process that carries `NAME=value` in its environment.
pub(crate) fn kill_marked(variable: &str, value: &Path) {
    let mark = format!("{variable}={}", value.display());
    for pid in pids() {
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else {
            continue;
        };
        if environment
            .split(|byte| *byte == 0)
            .any(|entry| entry == mark.as_bytes())
        {
            let _ = Command::new("sh")
                .arg("-c")
                .arg(format!("kill -s KILL {pid}"))
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// True while a process runs that has `argument` in its command line.
pub(crate) fn runs_with_argument(argument: &Path) -> bool {
    let argument = argument.as_os_str().as_encoded_bytes();
    pids().into_iter().any(|pid| {
        fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            line.split(|byte| *byte == 0)
                .skip(1)
                .any(|word| word == argument)
        })
    })
}

/// A port of the loopback address that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).context("look for a free port")?;
    Ok(listener.local_addr().context("read the free port")?.port())
}

fn pids() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect()
}

fn append(log: &Path) -> Result<File> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    }
    let open =
        |path: &Path| -> io::Result<File> { File::options().create(true).append(true).open(path) };
    open(log).with_context(|| format!("open {}", log.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_group_takes_its_children_with_it() -> Result<()> {
        let mut command = Command::new("sh");
        command
            .args(["-c", "sleep 600 & wait"])
            .stdout(Stdio::null());
        let group = Group::spawn_with_own_output("a shell", &mut command)?;
        let leader = group.child.id();
        drop(group);
        let mut probe = Command::new("sh");
        probe
            .args(["-c", &format!("kill -0 -{leader}")])
            .stderr(Stdio::null());
        assert!(!probe.status()?.success(), "the child outlived its group");
        Ok(())
    }

    #[test]
    fn a_program_that_ended_is_noticed() -> Result<()> {
        let mut group = Group::spawn_with_own_output("true", &mut Command::new("true"))?;
        group.child.wait()?;
        assert!(group.must_run().is_err());
        Ok(())
    }
}
