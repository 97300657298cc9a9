//! The relay's process, and what the machine says of it.

use std::{
    fs::{self, File},
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use protocol::{RelayId, Token};
use relay_server::{Config, InitOptions, Relay, TlsMode};

/// A relay in a process of its own, on core 0.
pub(crate) struct RelayProcess {
    dir: PathBuf,
    child: Child,
    address: SocketAddr,
    relay: Relay,
}

impl RelayProcess {
    /// Default configuration, but: plain HTTP on the loopback, and no rate that one address or one device runs into.
    pub(crate) fn create(dir: &Path) -> Self {
        let dir = dir.join("relay");
        let mut config = Config::default();
        config.tls.mode = TlsMode::BehindProxy;
        config.quotas.registrations_per_hour = u32::MAX;
        config.quotas.attempts_per_minute = u32::MAX;
        config.quotas.logins_per_minute = u32::MAX;
        config.quotas.commits_per_hour = u32::MAX;
        config.quotas.claims_of_one_per_day = u32::MAX;
        config.quotas.appends_per_second = u32::MAX;
        config.quotas.appends_burst = u32::MAX;
        let relay = Relay::create(&dir, InitOptions { config }).expect("make a relay");
        let (child, address) = start(&dir);
        Self {
            dir,
            child,
            address,
            relay,
        }
    }

    pub(crate) fn restart(&mut self) {
        self.terminate();
        (self.child, self.address) = start(&self.dir);
    }

    pub(crate) fn stop(mut self) {
        self.terminate();
    }

    fn terminate(&mut self) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .expect("kill")
                .success()
        );
        assert!(
            self.child.wait().expect("wait").success(),
            "the relay failed"
        );
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn id(&self) -> RelayId {
        self.relay.relay_id()
    }

    pub(crate) fn invite(&self, uses: u16) -> Token {
        let address = self.address.to_string().parse().expect("address");
        let link = self
            .relay
            .new_invite_at(&[address], uses, Duration::from_secs(3600))
            .expect("invite");
        link.secret.token()
    }

    /// User and system time so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("stat");
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / 100.0
    }

    /// Proportional set size.
    pub(crate) fn memory_kib(&self) -> f64 {
        let rollup =
            fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id())).expect("smaps");
        let line = rollup
            .lines()
            .find(|line| line.starts_with("Pss:"))
            .expect("Pss");
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for RelayProcess {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[expect(
    clippy::zombie_processes,
    reason = "where the relay does not start, the bench ends with a panic"
)]
fn start(dir: &Path) -> (Child, SocketAddr) {
    let ready = dir.join("ready");
    drop(fs::remove_file(&ready));
    let child = Command::new("taskset")
        .args([
            "-c",
            "0",
            env!("CARGO_BIN_EXE_relevo-relay"),
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--dir",
        ])
        .arg(dir)
        .arg("--ready-file")
        .arg(&ready)
        .stderr(Stdio::null())
        .spawn()
        .expect("start the relay");
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Ok(address) = fs::read_to_string(&ready) {
            return (child, address.parse().expect("address"));
        }
        assert!(Instant::now() < deadline, "the relay does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether the directory is in memory, where syncing costs nothing.
pub(crate) fn is_tmpfs(dir: &Path) -> bool {
    let dir = dir.canonicalize().expect("directory");
    let mounts = fs::read_to_string("/proc/mounts").expect("mounts");
    let longest = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>())
        .filter(|fields| dir.starts_with(fields[1]))
        .max_by_key(|fields| fields[1].len());
    longest.is_some_and(|fields| matches!(fields[2], "tmpfs" | "ramfs"))
}

/// How often a small append can be made durable.
pub(crate) fn syncs_per_second(dir: &Path) -> f64 {
    let mut file = File::create(dir.join("syncs")).expect("create");
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < Duration::from_secs(1) {
        file.write_all(&[7; 300])
            .and_then(|()| file.sync_data())
            .expect("append");
        count += 1;
    }
    f64::from(count) / begun.elapsed().as_secs_f64()
}

/// What all processes use of all cores, over half a second.
pub(crate) fn busy_percent() -> f64 {
    let read = || {
        let stat = fs::read_to_string("/proc/stat").expect("stat");
        let fields: Vec<f64> = stat
            .lines()
            .next()
            .unwrap()
            .split_whitespace()
            .skip(1)
            .map(|field| field.parse().unwrap())
            .collect();
        (fields.iter().sum::<f64>(), fields[3] + fields[4])
    };
    let (all, idle) = read();
    std::thread::sleep(Duration::from_millis(500));
    let (all_later, idle_later) = read();
    100.0 * (1.0 - (idle_later - idle) / (all_later - all))
}
