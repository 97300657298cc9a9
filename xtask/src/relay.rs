//! The relay, run from its own command line like any operator would.

use std::{
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{processes, processes::Group, shell};

const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// A relay on the loopback address with its data in one folder.
#[derive(Debug)]
pub(crate) struct Relay {
    program: PathBuf,
    folder: PathBuf,
    log: PathBuf,
    port: u16,
    server: Option<Group>,
}

/// What `invite new --json` prints.
#[derive(Debug, Deserialize)]
struct Invite {
    url: String,
}

impl Relay {
    /// The relay in `folder`, made on first use, running.
    pub(crate) fn start(program: &Path, folder: &Path, log: &Path) -> Result<Self> {
        let mut relay = Self {
            program: program.to_path_buf(),
            folder: folder.to_path_buf(),
            log: log.to_path_buf(),
            port: port_of(folder)?,
            server: None,
        };
        if !folder.join("config.toml").exists() {
            let listen = format!("127.0.0.1:{}", relay.port);
            shell::read(&mut relay.command(&["init", "--local", "--listen", &listen]))?;
        }
        relay.serve()?;
        Ok(relay)
    }

    /// Starts the server and waits until it takes connections.
    pub(crate) fn serve(&mut self) -> Result<()> {
        let mut server = Group::spawn("the relay", &mut self.command(&["serve"]), &self.log)?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            server.must_run()?;
            if Instant::now() > deadline {
                bail!("waited {} s for the relay", PATIENCE.as_secs());
            }
            thread::sleep(POLL);
        }
        self.server = Some(server);
        Ok(())
    }

    /// Ends the server in the middle of whatever it does.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let Some(mut server) = self.server.take() else {
            bail!("the relay does not run");
        };
        server.kill()
    }

    pub(crate) fn must_run(&mut self) -> Result<()> {
        match &mut self.server {
            Some(server) => server.must_run(),
            None => Ok(()),
        }
    }

    /// A new invite for one person.
    pub(crate) fn invite(&self) -> Result<String> {
        let json = shell::read(&mut self.command(&["invite", "new", "--uses", "1", "--json"]))?;
        let invite: Invite = serde_json::from_str(&json).context("read the invite")?;
        Ok(invite.url)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).arg("--dir").arg(&self.folder);
        command
    }
}

/// The port that the relay in `folder` keeps, because invites carry it: a free one on first use.
fn port_of(folder: &Path) -> Result<u16> {
    let file = folder.with_extension("port");
    if let Ok(port) = fs::read_to_string(&file) {
        return port.trim().parse().context("read the port of the relay");
    }
    let port = processes::free_port()?;
    if let Some(parent) = folder.parent() {
        fs::create_dir_all(parent).with_context(|| format!("make {}", parent.display()))?;
    }
    fs::write(&file, port.to_string()).context("remember the port of the relay")?;
    Ok(port)
}
