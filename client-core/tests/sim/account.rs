//! One person's computer: the profile on its disk, and the app while it runs.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use client_core::{
    ErrorKind,
    engine::{Engine, Seams},
    keyslots::{KeyringTrouble, Protection, SecretStore, Unlock},
    model::{ConversationKey, Message, MessageKind, Standing},
    profile::{Profile, ProfileState},
    seams::SeededRandom,
    store::{Database, DatabaseKey, WriteTransaction, conversations, messages},
};
use protocol::{AccountId, Link};
use rusqlite::Connection;
use zeroize::Zeroizing;

use crate::{
    chance::seed_of,
    fall::{Counted, Fall},
    network::{Cable, Wire},
    relay::copy_files,
    schedule::PushFault,
    time::Clocks,
};

/// Messages read at a time.
const PAGE: u32 = 200;

/// How long a person waits before trying again.
const PATIENCE: Duration = Duration::from_secs(2);

/// A computer without a keyring.
struct NoKeyring;

impl SecretStore for NoKeyring {
    fn get(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        Err(KeyringTrouble::Missing("there is none".to_owned()))
    }

    fn set(&self, _: &str, _: &[u8]) -> Result<(), KeyringTrouble> {
        Err(KeyringTrouble::Missing("there is none".to_owned()))
    }

    fn remove(&self, _: &str) -> Result<(), KeyringTrouble> {
        Err(KeyringTrouble::Missing("there is none".to_owned()))
    }
}

/// How the last registration ended that the app waited for.
type Registered = Arc<Mutex<Option<Result<(), ErrorKind>>>>;

/// One person.
pub(crate) struct Account {
    pub(crate) who: usize,
    pub(crate) name: String,
    seed: u64,
    root: PathBuf,
    folder: PathBuf,
    pub(crate) lives: u64,
    pub(crate) clocks: Clocks,
    pub(crate) cable: Cable,
    /// The invite by which the account is made.
    invite: Option<Link>,
    pub(crate) id: Option<AccountId>,
    pub(crate) app: Option<App>,
    /// When a closed app is started again.
    pub(crate) opens_at: Option<Duration>,
    /// The app dies at this input from now.
    pub(crate) doom: Option<Doom>,
    /// What becomes of how many pushes.
    pub(crate) mischief: Option<(PushFault, u64)>,
    /// Where the database is while the app is closed, and its key.
    disk: Option<(PathBuf, DatabaseKey)>,
    /// An older state of the folder.
    copy: Option<PathBuf>,
}

/// A death that is planned.
#[derive(Clone, Copy)]
pub(crate) struct Doom {
    /// Inputs until then.
    pub(crate) inputs: u64,
    /// Before the last of them is taken in, or after it, when nothing of it has left the computer.
    pub(crate) before: bool,
    /// How long the app stays closed.
    pub(crate) closed: Duration,
}

/// The app while it runs. The profile's lock goes last.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) reader: Connection,
    pub(crate) wire: Wire,
    pub(crate) fall: Fall,
    pub(crate) idle_at: Option<Duration>,
    pub(crate) path: PathBuf,
    pub(crate) key: DatabaseKey,
    registered: Registered,
    pub(crate) asks_again_at: Option<Duration>,
    profile: Profile,
}

impl Account {
    pub(crate) fn new(root: &Path, seed: u64, who: usize, clocks: Clocks, cable: Cable) -> Self {
        let name = ["Aurelia", "Bartholomew", "Clementine", "Desdemona"][who % 4];
        Self {
            who,
            name: format!("{name} Quince"),
            seed,
            root: root.to_owned(),
            folder: root.join(format!("person-{who}-0")),
            lives: 0,
            clocks,
            cable,
            invite: None,
            id: None,
            app: None,
            opens_at: None,
            doom: None,
            mischief: None,
            disk: None,
            copy: None,
        }
    }

    pub(crate) const fn has_begun(&self) -> bool {
        self.invite.is_some()
    }

    /// Whether its invite is still needed.
    pub(crate) fn is_registering(&self) -> bool {
        self.has_begun() && self.folder.join("account/registering").exists()
    }

    /// Opens an invite for the first time.
    pub(crate) fn begin(&mut self, invite: Link) {
        self.invite = Some(invite);
        self.open();
    }

    /// Starts the app on what is on the disk.
    pub(crate) fn open(&mut self) {
        self.lives += 1;
        self.opens_at = None;
        let (wire, fall) = (Wire::default(), Fall::default());
        let number = ((self.who as u64) << 32) | self.lives;
        let seams = Seams {
            clock: Box::new(Counted::new(self.clocks.clone(), &fall)),
            random: Box::new(Counted::new(
                SeededRandom::new(seed_of(self.seed, "engine", number)),
                &fall,
            )),
            network: Box::new(Counted::new(wire.clone(), &fall)),
        };
        let profile = Profile::take(&self.folder).expect("the last life let go of its profile");
        let state = profile.state().expect("a profile keeps its key slots");
        let new = state == ProfileState::Empty;
        let opened = if new {
            // as a person does whose registration did not end: the same invite again
            let invite = self.invite.as_ref().expect("an account has an invite");
            let protection = Protection::Unprotected;
            profile.create(invite, &self.name, &protection, &NoKeyring, seams)
        } else {
            profile.open(&Unlock::Silently(&NoKeyring), seams)
        };
        let opened = opened.expect("a profile opens after whatever happened");
        let mut app = App {
            reader: Database::open_reader(&opened.path, &opened.key).expect("read beside"),
            engine: opened.engine,
            wire,
            fall,
            idle_at: None,
            path: opened.path,
            key: opened.key,
            registered: Registered::default(),
            asks_again_at: None,
            profile,
        };
        self.disk = Some((app.path.clone(), app.key.clone()));
        let id = app.engine.me().account;
        assert_eq!(*self.id.get_or_insert(id), id, "the account keeps its keys");
        if new {
            app.await_registration();
        }
        app.engine.wake();
        self.app = Some(app);
    }

    /// The person quits.
    pub(crate) fn close(&mut self) {
        self.cable.cut();
        self.app = None;
        self.doom = None;
    }

    /// The process is killed: the disk is as it was at the last commit.
    pub(crate) fn crash(&mut self) {
        self.cable.cut();
        self.doom = None;
        if let Some(app) = self.app.take() {
            let next = self
                .root
                .join(format!("person-{}-{}", self.who, self.lives));
            copy_files(&self.folder, &next);
            drop(app);
            // what a dead process left is not needed twice
            std::fs::remove_dir_all(&self.folder).expect("remove the old files");
            self.move_to(next);
        }
    }

    /// Lets the process be killed at one of its next calls; `false` where there is none.
    pub(crate) fn plan_fall(&self, calls: u64, closed: Duration) -> bool {
        let Some(app) = &self.app else { return false };
        let next = self
            .root
            .join(format!("person-{}-{}", self.who, self.lives));
        app.fall.plan(calls, closed, &self.folder, &next);
        true
    }

    /// Whether the process was killed within the input that it took in last.
    pub(crate) fn has_fallen(&self) -> bool {
        self.app.as_ref().is_some_and(|app| app.fall.has_come())
    }

    /// No death within an input is planned any more.
    pub(crate) fn spare(&self) {
        if let Some(app) = &self.app {
            app.fall.spare();
        }
    }

    /// The process was killed within an input: the disk is as it was then, and what had been sent is on its way.
    pub(crate) fn fall(&mut self) {
        self.cable.let_go();
        self.doom = None;
        drop(self.app.take());
        std::fs::remove_dir_all(&self.folder).expect("remove the old files");
        let next = self
            .root
            .join(format!("person-{}-{}", self.who, self.lives));
        self.move_to(next);
    }

    /// Whether the disk has a text of one's own.
    pub(crate) fn wrote(&self, text: &str) -> bool {
        let found = self.tamper(|write| {
            let mut statement = write
                .connection()
                .prepare("SELECT 1 FROM messages WHERE mine = 1 AND text = ?1")?;
            Ok(statement.exists([text])?)
        });
        found.unwrap_or(false)
    }

    fn move_to(&mut self, folder: PathBuf) {
        if let Some((path, _)) = &mut self.disk {
            let within = path.strip_prefix(&self.folder);
            *path = folder.join(within.expect("the database is in the folder"));
        }
        self.folder = folder;
    }

    /// Reads and changes the database behind the app's back, also while it is closed.
    pub(crate) fn tamper<T>(
        &self,
        work: impl FnOnce(&WriteTransaction<'_>) -> client_core::Result<T>,
    ) -> Option<T> {
        let (path, key) = self.disk.as_ref()?;
        let mut database = Database::open(path, key).expect("open beside");
        Some(database.write(work).expect("change beside").0)
    }

    /// Whether the disk has an open conversation with somebody.
    pub(crate) fn is_open_with(&self, peer: Option<AccountId>) -> bool {
        let list = self.tamper(|write| conversations::list(write.connection()));
        list.is_some_and(|list| {
            list.iter()
                .any(|it| Some(it.peer) == peer && it.standing == Standing::Open)
        })
    }

    /// Keeps what is on the disk now.
    pub(crate) fn copy(&mut self) -> bool {
        // what the relay has not made yet is made anew each time
        if self.disk.is_none() || self.is_registering() {
            return false;
        }
        let copy = self.root.join(format!("copy-{}", self.who));
        if copy.exists() {
            std::fs::remove_dir_all(&copy).expect("remove the older copy");
        }
        copy_files(&self.folder, &copy);
        self.copy = Some(copy);
        true
    }

    /// Replaces what is on the disk by the copy. The app is closed.
    pub(crate) fn roll_back(&mut self) -> bool {
        let Some(copy) = &self.copy else { return false };
        self.lives += 1;
        let next = self
            .root
            .join(format!("person-{}-{}", self.who, self.lives));
        copy_files(copy, &next);
        std::fs::remove_dir_all(&self.folder).expect("remove the newer files");
        self.move_to(next);
        true
    }
}

impl App {
    /// Asks to be told how the registration ends.
    fn await_registration(&mut self) {
        let registered = Arc::clone(&self.registered);
        self.engine.on_registered(Box::new(move |outcome| {
            let outcome = outcome.map_err(|error| error.kind());
            *registered.lock().expect("telling does not panic") = Some(outcome);
        }));
    }

    /// Goes on after a registration that ended. An error is one that no person could mend.
    pub(crate) fn follow_registration(&mut self, now: Duration) -> Result<(), ErrorKind> {
        if self.asks_again_at.is_some_and(|at| at <= now) {
            self.asks_again_at = None;
            self.await_registration();
        }
        let outcome = self
            .registered
            .lock()
            .expect("telling does not panic")
            .take();
        match outcome {
            None => {}
            Some(Ok(())) => self.profile.registered().expect("note the registration"),
            Some(Err(kind @ (ErrorKind::LinkExpired | ErrorKind::Refused))) => return Err(kind),
            Some(Err(_)) => self.asks_again_at = Some(now + PATIENCE),
        }
        Ok(())
    }
}

/// All messages of a conversation, oldest first.
pub(crate) fn messages(reader: &Connection, key: ConversationKey) -> Vec<Message> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let page = messages::page(reader, key, before, PAGE).expect("read messages");
        before = page.messages.first().map(|message| message.position);
        all.splice(0..0, page.messages);
        if !page.more {
            return all;
        }
    }
}

/// What a person sees at the end of a conversation.
pub(crate) fn newest(reader: &Connection, key: ConversationKey) -> Vec<Message> {
    let page = messages::page(reader, key, None, PAGE).expect("read messages");
    let shown = |message: &Message| !matches!(message.kind, MessageKind::System(_));
    page.messages.into_iter().filter(shown).collect()
}
