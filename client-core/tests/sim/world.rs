//! A run: people, their computers, the network, the relay, and what happens to them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use client_core::{model::ConversationKey, seams::NetworkEvent, store::conversations};
use tokio::{sync::mpsc, task::JoinSet, time::sleep_until};

use crate::{
    account::{Account, App},
    chance::Chance,
    history::{History, Watch},
    loss::Kept,
    mischief::{self, Befallen},
    model::Model,
    network::{Arrival, Cable, Line, outline},
    relay::Host,
    schedule::{Schedule, Step, Way},
    time::Time,
    wishes::Wish,
};

/// Arrivals that wait for the main loop.
const ARRIVALS: usize = 4096;
/// Turns of the main loop after which a run counts as endless.
const MOST_TURNS: u64 = 2_000_000;
/// The longest pause until an app finds time for what can wait.
const IDLE_MS: u64 = 60;

/// Why a run failed.
pub(crate) type Verdict<T = ()> = Result<T, String>;

/// Everything of one run.
pub(crate) struct World {
    pub(crate) time: Time,
    pub(crate) host: Host,
    pub(crate) accounts: Vec<Account>,
    pub(crate) history: History,
    pub(crate) model: Model,
    pub(crate) watch: Watch,
    pub(crate) seed: u64,
    chance: Chance,
    arrivals: mpsc::Receiver<Arrival>,
    tasks: JoinSet<()>,
    pub(crate) wishes: Vec<Wish>,
    pub(crate) silences: Vec<(Duration, usize, Way)>,
    pub(crate) relay_opens_at: Option<Duration>,
    calm: Arc<AtomicBool>,
    /// What the copies hold that were made of accounts' files.
    pub(crate) copies: BTreeMap<usize, Kept>,
    turns: u64,
}

impl World {
    /// Needs the runtime whose time it shall use.
    pub(crate) fn new(root: &Path, schedule: &Schedule, history: History, watch: Watch) -> Self {
        let seed = schedule.seed;
        let time = Time::start();
        let mut host = Host::create(root, seed, time.clocks(), schedule.window);
        if schedule
            .steps
            .iter()
            .any(|(_, step)| matches!(step, Step::Forget { .. }))
        {
            host.keep_old_files();
        }
        host.start();
        let calm = Arc::new(AtomicBool::new(false));
        let (sender, arrivals) = mpsc::channel(ARRIVALS);
        let accounts = (0..schedule.accounts)
            .map(|who| {
                let line = Line::new(Arc::clone(&calm));
                let cable = Cable::new(seed, who, line, host.door.clone(), sender.clone());
                Account::new(root, seed, who, time.clocks(), cable)
            })
            .collect();
        Self {
            time,
            host,
            accounts,
            history,
            model: Model::default(),
            watch,
            seed,
            chance: Chance::new(seed, "idle", 0),
            arrivals,
            tasks: JoinSet::new(),
            wishes: Vec::new(),
            silences: Vec::new(),
            relay_opens_at: None,
            calm,
            copies: BTreeMap::new(),
            turns: 0,
        }
    }

    /// Carries out the schedule.
    pub(crate) async fn play(&mut self, schedule: &Schedule) -> Verdict {
        for (number, (at, step)) in schedule.steps.iter().enumerate() {
            self.advance(*at).await?;
            let mut chance = Chance::new(self.seed, "step", number as u64);
            self.history.note(self.time.now(), format_args!("{step:?}"));
            if self.perform(step, &mut chance).await? {
                self.history.counts.steps += 1;
            }
        }
        Ok(())
    }

    /// Nothing fails any more: everybody and everything is there.
    pub(crate) fn heal(&mut self) {
        self.history.note(self.time.now(), format_args!("heal"));
        self.calm.store(true, Ordering::Relaxed);
        self.silences.clear();
        if !self.host.is_up() {
            self.host.start();
        }
        self.relay_opens_at = None;
        let now = self.time.now();
        for account in &mut self.accounts {
            account.cable.line.set(Way::Both, true);
            account.opens_at = account.opens_at.map(|_| now);
            account.doom = None;
            account.spare();
            if account.mischief.take().is_some() {
                // what did not arrive comes with the next connection
                account.cable.break_now();
            }
        }
        self.host.spare();
    }

    pub(crate) fn has_wishes(&self) -> bool {
        !self.wishes.is_empty()
    }

    /// The conversation of one account with another, as the first one has it.
    pub(crate) fn conversation(&self, who: usize, with: usize) -> Option<ConversationKey> {
        let peer = self.accounts[with].id?;
        let app = self.accounts[who].app.as_ref()?;
        conversations::key_of_peer(&app.reader, peer).expect("read a conversation")
    }

    /// Lets time pass.
    pub(crate) async fn advance(&mut self, until: Duration) -> Verdict {
        loop {
            self.turn()?;
            let now = self.time.now();
            if now >= until {
                return Ok(());
            }
            let next = self.next_turn().map_or(until, |next| next.min(until));
            let wait = sleep_until(self.time.at(next.max(now)));
            let doomed = self.host.doomed();
            tokio::select! {
                biased;
                closed = doomed => self.crash_relay(closed),
                Some(arrival) = self.arrivals.recv() => self.arrive(arrival),
                () = wait => {}
            }
            while self.tasks.try_join_next().is_some() {}
        }
    }

    /// When something is due.
    fn next_turn(&self) -> Option<Duration> {
        let of_accounts = self.accounts.iter().flat_map(|account| {
            let app = account.app.as_ref();
            [
                account.opens_at,
                app.and_then(|app| app.idle_at),
                app.and_then(|app| app.asks_again_at),
                app.and_then(|app| app.engine.next_wake()),
            ]
        });
        let wishes = self.wishes.iter().map(|wish| Some(wish.not_before));
        let silences = self.silences.iter().map(|(end, ..)| Some(*end));
        of_accounts
            .chain(wishes)
            .chain(silences)
            .chain([self.relay_opens_at])
            .flatten()
            .min()
    }

    /// Does what is due now.
    fn turn(&mut self) -> Verdict {
        self.turns += 1;
        if self.turns > MOST_TURNS {
            return Err("the run does not end".to_owned());
        }
        if let Some(fault) = self.watch.faults().first() {
            return Err(format!("the log says: {fault}"));
        }
        let now = self.time.now();
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if due(self.relay_opens_at) {
            self.relay_opens_at = None;
            self.history.note(now, format_args!("the relay starts"));
            self.host.start();
        }
        let (over, silences) = std::mem::take(&mut self.silences)
            .into_iter()
            .partition(|(end, ..)| *end <= now);
        self.silences = silences;
        for (_, who, way) in over {
            self.accounts[who].cable.line.set(way, true);
        }
        for who in 0..self.accounts.len() {
            if due(self.accounts[who].opens_at) {
                self.history.note(now, format_args!("{who} opens the app"));
                self.accounts[who].open();
                self.after(who);
            }
            let Some(app) = &mut self.accounts[who].app else {
                continue;
            };
            if let Err(kind) = app.follow_registration(now) {
                return Err(format!("{who} could not register: {kind:?}"));
            }
            if due(app.engine.next_wake()) {
                let App { engine, fall, .. } = app;
                fall.armed(|| engine.wake());
                self.after(who);
            }
            let Some(app) = &mut self.accounts[who].app else {
                continue;
            };
            if due(app.idle_at) {
                let App { engine, fall, .. } = app;
                app.idle_at = fall.armed(|| engine.idle()).then_some(now);
            }
            self.carry_out(who);
        }
        self.grant_wishes(now)
    }

    fn arrive(&mut self, ((who, life), event): Arrival) {
        let account = &mut self.accounts[who];
        if account.lives != life {
            return;
        }
        if account.app.is_none() {
            return;
        }
        if let Some(doom) = account.doom
            && doom.before
            && doom.inputs <= 1
        {
            self.die(who);
            return;
        }
        let event = match mischief::befall(account, event) {
            Befallen::Arrives(event) => event,
            Befallen::Twice(event) => {
                self.take_in(who, event.clone());
                event
            }
            Befallen::Lost => return,
        };
        // it may have died of the first
        if self.accounts[who].lives == life {
            self.take_in(who, event);
        }
    }

    fn take_in(&mut self, who: usize, event: NetworkEvent) {
        let now = self.time.now();
        let Some(app) = &mut self.accounts[who].app else {
            return;
        };
        let size = match &event {
            NetworkEvent::Received(_, bytes) => {
                self.history.aside(|| match protocol::decode_frame(bytes) {
                    Ok((id, frame)) => format!("{who} <- {}", outline(id, &frame)),
                    Err(error) => format!("{who} <- {error}"),
                });
                bytes.len()
            }
            NetworkEvent::Opened(..) => 1,
            NetworkEvent::Closed(_) => 0,
        };
        self.history
            .note(now, format_args!("{who} <- {size} bytes"));
        let App { engine, fall, .. } = app;
        fall.armed(|| engine.network(event));
        self.after(who);
    }

    /// What follows an input to an engine.
    pub(crate) fn after(&mut self, who: usize) {
        self.history.counts.inputs += 1;
        let now = self.time.now();
        if self.accounts[who].has_fallen() {
            self.carry_out(who);
            return;
        }
        if let Some(doom) = &mut self.accounts[who].doom {
            doom.inputs = doom.inputs.saturating_sub(1);
            if doom.inputs == 0 {
                // committed, and nothing of it has left the computer
                self.die(who);
                return;
            }
        }
        if let Some(app) = &mut self.accounts[who].app
            && app.idle_at.is_none()
        {
            let pause = self.chance.below(IDLE_MS);
            app.idle_at = Some(now + Duration::from_millis(pause));
        }
        self.carry_out(who);
    }

    /// The app is killed as planned.
    fn die(&mut self, who: usize) {
        let now = self.time.now();
        let account = &mut self.accounts[who];
        if let Some(doom) = account.doom.take() {
            self.history
                .note(now, format_args!("{who} dies at an input"));
            account.crash();
            account.opens_at = Some(now + doom.closed);
        }
    }

    /// The relay is killed; everybody's connection breaks.
    pub(crate) fn crash_relay(&mut self, closed: Duration) {
        let now = self.time.now();
        self.history.note(now, format_args!("the relay dies"));
        self.host.crash();
        for account in &mut self.accounts {
            account.cable.break_now();
        }
        self.relay_opens_at = Some(now + closed);
    }

    /// Does to the network what the engine wants, and notes what it says.
    fn carry_out(&mut self, who: usize) {
        let now = self.time.now();
        let account = &mut self.accounts[who];
        let Some(app) = &mut account.app else { return };
        for act in app.wire.take() {
            self.history.aside(|| format!("{who} -> {act:?}"));
            self.history.counts.frames +=
                account.cable.perform(account.lives, act, &mut self.tasks);
        }
        if let Some(closed) = app.fall.came() {
            self.history
                .note(now, format_args!("{who} dies within an input"));
            account.fall();
            account.opens_at = Some(now + closed);
            // what it would have answered nobody has heard
            for wish in &mut self.wishes {
                wish.forget_answer_of(who);
            }
            return;
        }
        for event in app.engine.take_events() {
            self.history.note(now, format_args!("{who}: {event:?}"));
        }
    }
}
