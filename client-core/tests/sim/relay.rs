//! The real relay: started, stopped, killed, and its data looked through.

use std::{
    collections::BTreeMap,
    fs,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use protocol::{Address, Link};
use relay_server::{Config, DiskMoment, InitOptions, InlineRelay, Relay, Tls, TlsMode};
use rusqlite::Connection;
use tokio::{io::DuplexStream, sync::Notify};

use crate::{
    chance::{Chance, seed_of},
    time::{self, Clocks},
};

/// How long an operator takes to restore a relay at least, ms.
const RESTORE_TAKES: u64 = 60_000;
/// A disk that does not answer before the process is dead.
const NEVER: Duration = Duration::from_secs(3600);

/// A relay process that may be there or not. Connections hold this, not the process.
#[derive(Clone, Default)]
pub(crate) struct Door {
    relay: Arc<Mutex<Option<InlineRelay>>>,
    /// The process is dead, whatever is still to be polled of it.
    is_dead: Arc<AtomicBool>,
}

impl Door {
    /// Hands a connection in; `false`: nobody listens.
    pub(crate) fn knock(&self, stream: DuplexStream, address: IpAddr) -> bool {
        let relay = self.relay.lock().expect("accepting does not panic");
        relay.as_ref().is_some_and(|relay| {
            relay.accept(stream, address);
            true
        })
    }

    /// Whether nothing leaves the relay any more.
    pub(crate) fn is_dead(&self) -> bool {
        self.is_dead.load(Ordering::Relaxed)
    }
}

/// The relay's machine.
pub(crate) struct Host {
    seed: u64,
    clocks: Clocks,
    folder: PathBuf,
    lives: u64,
    old: Option<PathBuf>,
    backup: Option<PathBuf>,
    /// How far each conversation was ever counted.
    counts: BTreeMap<Vec<u8>, u64>,
    /// The relay's time when it was restored last.
    restored_at: u64,
    doom: Arc<Doom>,
    pub(crate) door: Door,
}

/// What goes wrong with the relay's disk.
#[derive(Default)]
struct Doom {
    planned: Mutex<Option<Death>>,
    has_come: Notify,
    /// How long the next transaction takes.
    stall: Mutex<Duration>,
}

/// The transaction at which the relay dies, and how long it stays away then.
struct Death {
    writes: u64,
    moment: DiskMoment,
    closed: Duration,
}

impl Doom {
    /// A moment of a transaction; says whether it is the last one.
    fn comes(&self, moment: DiskMoment) -> bool {
        let mut planned = self.planned.lock().expect("counting does not panic");
        let Some(death) = planned.as_mut().filter(|death| death.moment == moment) else {
            return false;
        };
        death.writes = death.writes.saturating_sub(1);
        let now = death.writes == 0;
        if now {
            self.has_come.notify_one();
        }
        now
    }
}

impl Host {
    pub(crate) fn create(root: &Path, seed: u64, clocks: Clocks, window: u32) -> Self {
        let folder = root.join("relay-0");
        let mut config = Config {
            tls: Tls {
                mode: TlsMode::BehindProxy,
                ..Tls::default()
            },
            ..Config::default()
        };
        // nobody here is a flood
        config.quotas.registrations_per_hour = 10_000;
        config.quotas.attempts_per_minute = 10_000;
        config.quotas.logins_per_minute = 10_000;
        config.quotas.commits_per_hour = 10_000;
        config.quotas.commits_of_blocked_per_day = 10_000;
        config.quotas.claims_of_one_per_day = 10_000;
        config.connections.window_entries = window;
        Relay::create(&folder, InitOptions { config }).expect("make a relay");
        // a relay's own key is random; this one is the seed's
        let key: String = (0..4)
            .map(|part| format!("{:016x}", seed_of(seed, "identity key", part)))
            .collect();
        fs::write(folder.join("identity-key"), key).expect("replace the identity key");
        Self {
            seed,
            clocks,
            folder,
            lives: 0,
            old: None,
            backup: None,
            counts: BTreeMap::new(),
            restored_at: 0,
            doom: Arc::default(),
            door: Door::default(),
        }
    }

    pub(crate) fn address() -> Address {
        "relay.test:443".parse().expect("an address")
    }

    /// An invite of the operator, made by the command line beside the server.
    pub(crate) fn invite(&self, number: usize) -> Link {
        let seed = seed_of(self.seed, "operator", number as u64);
        let relay = Relay::open(&self.folder)
            .expect("open the relay")
            .with_environment(time::standing_environment(&self.clocks, seed));
        let lifetime = Duration::from_secs(90 * 24 * 3600);
        relay
            .new_invite_at(&[Self::address()], 1, lifetime)
            .expect("make an invite")
    }

    /// Keeps a copy of the files at each start, for [`Host::forget`].
    pub(crate) fn keep_old_files(&mut self) {
        self.old = Some(self.folder.with_file_name("relay-old"));
    }

    pub(crate) fn start(&mut self) {
        if let Some(old) = &self.old {
            copy_files(&self.folder, old);
        }
        self.lives += 1;
        let seed = seed_of(self.seed, "relay", self.lives);
        let relay = Relay::open(&self.folder)
            .expect("open the relay")
            .with_environment(time::environment(&self.clocks, seed));
        let mut chance = Chance::new(self.seed, "disk", self.lives);
        let slow = chance.pick(&[0, 2, 10, 80]);
        let doom = Arc::clone(&self.doom);
        let is_dead = Arc::clone(&self.door.is_dead);
        is_dead.store(false, Ordering::Relaxed);
        let disk = move |moment| {
            if doom.comes(moment) {
                is_dead.store(true, Ordering::Relaxed);
                return NEVER;
            }
            if moment == DiskMoment::Written {
                return Duration::ZERO;
            }
            let stall = std::mem::take(&mut *doom.stall.lock().expect("counting does not panic"));
            stall + Duration::from_millis(chance.between(0, slow))
        };
        let relay = InlineRelay::start(&relay, disk).expect("start the relay");
        *self.door.relay.lock().expect("accepting does not panic") = Some(relay);
    }

    pub(crate) fn is_up(&self) -> bool {
        self.door
            .relay
            .lock()
            .expect("accepting does not panic")
            .is_some()
    }

    /// Lets the relay die at that moment of one of its next transactions.
    pub(crate) fn doom(&self, writes: u64, moment: DiskMoment, closed: Duration) {
        let mut planned = self.doom.planned.lock().expect("counting does not panic");
        *planned = Some(Death {
            writes,
            moment,
            closed,
        });
    }

    /// Lets the disk take its time for the next transaction.
    pub(crate) fn stall(&self, time: Duration) {
        *self.doom.stall.lock().expect("counting does not panic") = time;
    }

    /// Nothing is planned any more, save a death that has come.
    pub(crate) fn spare(&self) {
        let mut planned = self.doom.planned.lock().expect("counting does not panic");
        planned.take_if(|death| death.writes > 0);
        self.stall(Duration::ZERO);
    }

    /// Waits for the death that is planned; answers how long the relay stays away.
    pub(crate) fn doomed(&self) -> impl Future<Output = Duration> + use<> {
        let doom = Arc::clone(&self.doom);
        async move {
            loop {
                doom.has_come.notified().await;
                let planned = doom.planned.lock().expect("counting does not panic").take();
                if let Some(death) = planned {
                    return death.closed;
                }
            }
        }
    }

    fn take(&self) -> Option<InlineRelay> {
        self.door
            .relay
            .lock()
            .expect("accepting does not panic")
            .take()
    }

    /// Told to stop, it says so to everybody and writes what is behind.
    pub(crate) async fn stop(&mut self) {
        if let Some(relay) = self.take() {
            relay.stop().await;
        }
    }

    /// Killed: its files are what they were at this moment, and nobody folded the log into the database.
    pub(crate) fn crash(&mut self) {
        if let Some(relay) = self.take() {
            let next = self.folder.with_file_name(format!("relay-{}", self.lives));
            copy_files(&self.folder, &next);
            drop(relay);
            // what a dead process left is not needed twice
            fs::remove_dir_all(&self.folder).expect("remove the old files");
            self.folder = next;
        }
    }

    /// Copies the files.
    pub(crate) fn back_up(&mut self) -> bool {
        let backup = self.folder.with_file_name("relay-backup");
        if backup.exists() {
            fs::remove_dir_all(&backup).expect("remove the older backup");
        }
        copy_files(&self.folder, &backup);
        self.backup = Some(backup);
        true
    }

    /// Killed, and made anew from the backup; `false` where there is none, it was done a moment ago, or the clock has gone back since
    /// then: nothing would show which positions were given out in between. One that is behind the backup itself is refused.
    pub(crate) fn restore(&mut self) -> bool {
        let seed = seed_of(self.seed, "restore", self.lives);
        let environment = time::standing_environment(&self.clocks, seed);
        let now = environment.clock.now();
        let Some(backup) = &self.backup else {
            return false;
        };
        if now < self.restored_at + RESTORE_TAKES {
            return false;
        }
        let restored = self.folder.with_file_name("relay-to-be");
        copy_files(backup, &restored);
        let marked = Relay::open(&restored)
            .expect("open the relay")
            .with_environment(environment)
            .mark_restored();
        if let Err(error) = marked {
            let error = format!("{error:#}");
            assert!(error.contains("clock"), "mark as restored: {error}");
            fs::remove_dir_all(&restored).expect("remove what was not restored");
            return false;
        }
        self.restored_at = now;
        self.replace_files(&restored);
        for (conversation, last) in counts(&self.folder) {
            let highest = self.counts.get(&conversation).copied().unwrap_or(0);
            assert!(
                last > highest,
                "a restored relay gives {last} out, and gave {highest}"
            );
        }
        fs::remove_dir_all(&restored).expect("remove the copy");
        true
    }

    /// Killed, and its files replaced by the backup; `false` where there is none.
    pub(crate) fn put_back(&mut self) -> bool {
        let Some(backup) = self.backup.clone() else {
            return false;
        };
        self.replace_files(&backup);
        true
    }

    fn replace_files(&mut self, by: &Path) {
        self.crash();
        for (conversation, last) in counts(&self.folder) {
            let highest = self.counts.entry(conversation).or_default();
            *highest = last.max(*highest);
        }
        self.lives += 1;
        let next = self
            .folder
            .with_file_name(format!("relay-restored-{}", self.lives));
        copy_files(by, &next);
        fs::remove_dir_all(&self.folder).expect("remove the lost files");
        self.folder = next;
    }

    /// Sets the relay's wall clock forward or back.
    pub(crate) fn jump(&self, by: i64) {
        self.clocks.jump(by);
    }

    /// Killed, with a disk that lost what was written since the start.
    pub(crate) fn forget(&mut self) {
        self.crash();
        if let Some(old) = &self.old {
            fs::remove_dir_all(&self.folder).expect("remove the files");
            copy_files(old, &self.folder);
        }
    }

    /// The file of the relay that holds these bytes, if any.
    pub(crate) fn find(&self, needle: &[u8]) -> Option<PathBuf> {
        let (first, rest) = needle.split_first().expect("something to look for");
        fs::read_dir(&self.folder)
            .expect("list the folder")
            .map(|entry| entry.expect("read an entry").path())
            .filter(|path| path.is_file())
            .find(|path| {
                let bytes = fs::read(path).expect("read a file");
                bytes
                    .split(|byte| byte == first)
                    .skip(1)
                    .any(|after| after.starts_with(rest))
            })
    }
}

/// The last seq of each conversation.
fn counts(folder: &Path) -> BTreeMap<Vec<u8>, u64> {
    let database = Connection::open(folder.join("relay.db")).expect("open the relay's database");
    let mut statement = database
        .prepare(
            "SELECT c.conversation, s.last FROM conversations c JOIN streams s ON s.id = c.stream",
        )
        .expect("prepare");
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("query");
    rows.map(|row| row.expect("read a stream")).collect()
}

/// Copies the files of a folder as a kill leaves them: without the shared memory of the database.
pub(crate) fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("make a folder");
    for entry in fs::read_dir(from).expect("list a folder") {
        let path = entry.expect("read an entry").path();
        let name = path.file_name().expect("an entry has a name");
        if path.is_dir() {
            copy_files(&path, &to.join(name));
        } else if path
            .extension()
            .is_none_or(|extension| extension != "db-shm")
        {
            fs::copy(&path, to.join(name)).expect("copy a file");
        }
    }
}

/// Where an account connects from.
pub(crate) fn address_of(who: usize) -> IpAddr {
    let last = u8::try_from(who + 1).expect("few accounts");
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}
