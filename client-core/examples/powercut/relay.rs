//! The relay whose disk it is, in a process of its own.

use std::{
    fs::File,
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use protocol::{Link, RelayId};
use relay_server::{InitOptions, Relay, local_config};

/// A library that turns every sync of a process into nothing: the proof that a loss would be seen.
pub(crate) const EATMYDATA: &str = "libeatmydata.so";

/// Whether the relay's syncs reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syncs {
    Kept,
    Swallowed,
}

/// A relay that can be started, killed and started again.
pub(crate) struct RelayProcess {
    dir: PathBuf,
    binary: PathBuf,
    log: PathBuf,
    address: SocketAddr,
    relay: Relay,
    syncs: Syncs,
    child: Option<Child>,
}

impl RelayProcess {
    /// Makes a relay in `dir` and starts it; its log lies at `log`. Rates are off: all come from one address.
    pub(crate) fn create(dir: PathBuf, binary: &Path, log: PathBuf, syncs: Syncs) -> Result<Self> {
        ensure!(
            binary.exists(),
            "{} is not there: build it with -p relay-server",
            binary.display()
        );
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut config = local_config(address, vec![address.to_string()]);
        config.quotas.registrations_per_hour = u32::MAX;
        config.quotas.attempts_per_minute = u32::MAX;
        config.quotas.logins_per_minute = u32::MAX;
        config.quotas.commits_per_hour = u32::MAX;
        config.quotas.claims_of_one_per_day = u32::MAX;
        config.quotas.appends_per_second = u32::MAX;
        config.quotas.appends_burst = u32::MAX;
        config.quotas.requests_per_second = u32::MAX;
        config.quotas.claims_per_hour = u32::MAX;
        config.quotas.links = u32::MAX;
        let relay = Relay::create(&dir, InitOptions { config })?;
        // what `init` writes is made durable here: the cuts are about a relay that serves
        let synced = Command::new("sync").arg("-f").arg(&dir).status()?;
        ensure!(synced.success(), "sync the new relay");
        let mut process = Self {
            dir,
            binary: binary.to_owned(),
            log,
            address,
            relay,
            syncs,
            child: None,
        };
        process.start()?;
        Ok(process)
    }

    pub(crate) fn start(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut command = Command::new(&self.binary);
        if self.syncs == Syncs::Swallowed {
            command.env("LD_PRELOAD", EATMYDATA);
        }
        command.args(["serve", "--dir"]).arg(&self.dir);
        command.stdin(Stdio::null()).stdout(log.try_clone()?);
        command.process_group(0);
        self.child = Some(command.stderr(log).spawn().context("start the relay")?);
        Ok(())
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    pub(crate) fn invite(&self, uses: u16) -> Result<Link> {
        self.relay.new_invite(uses, Duration::from_secs(24 * 3600))
    }

    pub(crate) fn id(&self) -> RelayId {
        self.relay.relay_id()
    }

    /// Its database.
    pub(crate) fn database(&self) -> PathBuf {
        self.dir.join("relay.db")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        // already ended, or ends now
        let _killed = self.kill();
    }
}
