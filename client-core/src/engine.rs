//! The account's state machine: frames, timers and commands in; database transactions, frames and events out.
//!
//! It runs on one thread, owns the writing connection and every MLS call, and never waits. What it must not forget is in the
//! database before a frame leaves; what only this connection needs to know is in `session::Session` and dies with it.

mod acks;
mod answers;
mod backoff;
mod commands;
mod comparing;
mod contacts;
mod damage;
mod enrolling;
mod entries;
pub(crate) mod handshake;
mod holds;
mod ids;
mod lapse;
mod live;
mod manifests;
mod members;
mod naming;
mod notes;
mod offers;
mod opening;
mod outgoing;
mod packages;
mod presence;
mod reading;
mod receipts;
pub(crate) mod recovery;
mod refusals;
mod rejoining;
mod renewal;
mod requests;
mod resending;
mod resets;
mod restored;
mod returning;
mod room;
mod session;
mod signals;
mod understanding;
mod unopened;
mod untold;
mod unusable;
mod waking;
mod welcomes;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use protocol::{
    AccountId, Address, ConversationId, DeviceId, Frame, RelayId, SignalPush, StoreGeneration,
    StreamId, encode_frame,
};
use tracing::{error, warn};

use crate::{
    crypto::{AccountKeys, Mls},
    error::Result,
    event::Event,
    model::{Connection, ConversationKey, Me, RecoveryState},
    notices::Changes,
    seams::{Clock, Network, NetworkEvent, Randomness},
    store::{self, Database, WriteTransaction, account::AccountRow},
};

use self::{
    acks::Acks,
    answers::Answers,
    backoff::Backoff,
    damage::Condition,
    holds::Patience,
    lapse::{Kept, Lapse},
    offers::Offers,
    presence::Telling,
    session::Session,
};

pub use self::{live::Live, recovery::ShownCode, session::RegistrationOutcome};

/// The longest that a conversation waits because the relay asks for it.
const LONGEST_HOLD: Duration = Duration::from_secs(10 * 60);
/// No stream ever gets so far: what a relay says beyond is not believed.
const MOST_SEQ: u64 = 1 << 47;

/// Whether a position may be that of an entry. Checked where frames come in, so that nothing behind has to bear others.
const fn is_seq(seq: u64) -> bool {
    seq > 0 && seq < MOST_SEQ
}
/// Messages indexed for search at a time, between other work.
const INDEX_BATCH: u32 = 100;

/// Where time, randomness and the network come from.
pub struct Seams {
    /// Time.
    pub clock: Box<dyn Clock>,
    /// Randomness.
    pub random: Box<dyn Randomness>,
    /// The network.
    pub network: Box<dyn Network>,
}

/// One account at work.
pub struct Engine {
    database: Database,
    account: AccountRow,
    keys: AccountKeys,
    seams: Seams,
    session: Session,
    backoff: Backoff,
    connections: u64,
    /// The relay's time as it told it last, and when that was.
    told: Option<(u64, Duration)>,
    shown: Connection,
    registration: Option<RegistrationOutcome>,
    acks: Acks,
    /// Conversations that were here when the connection began, and of which the relay has nothing new since.
    quiet: BTreeSet<StreamId>,
    holds: BTreeMap<ConversationKey, Hold>,
    /// How often in a row entries were refused that could be sent again at once.
    sent_in_vain: BTreeMap<ConversationKey, u32>,
    /// How often the relay said that another conversation exists, and no welcome to it came.
    exists_refusals: BTreeMap<ConversationKey, u32>,
    events: Changes,
    condition: Condition,
    index_waits: bool,
    /// Until when conversations that this device wants to come back into wait.
    pauses: BTreeMap<ConversationId, Duration>,
    /// Until when streams are not asked for what a push left out.
    fetch_pauses: BTreeMap<StreamId, Duration>,
    /// When the relay is told again what it refused for now: blocks, declines, the record, whether others see us.
    untold: Patience,
    /// Whether the relay lets others see that we are there, as far as it was told on this connection.
    announced: bool,
    /// What the relay is offered besides.
    offers: Offers,
    /// When the relay is asked again for a list that it refused.
    lists_due: Option<Duration>,
    /// The inbox is asked for a welcome that this database may have forgotten.
    looks_for_welcome: bool,
    /// The lists were asked for on this connection, because this database is older than what this device did.
    knows_again: bool,
    /// When the next own leaf is renewed.
    renewal_due: Option<Duration>,
    /// When the relay is asked how many key packages it has left.
    packages_due: Option<Duration>,
    /// When others are told what was read, and when each was told last.
    receipts_due: Option<Duration>,
    receipts_told: BTreeMap<ConversationKey, Duration>,
    typing_told: BTreeMap<ConversationKey, Duration>,
    live: Live,
    telling: Telling,
    /// Signals that did not open, and may once this device has caught up. At most [`signals::MOST_WAITING`].
    waiting_signals: BTreeMap<(ConversationKey, DeviceId), SignalPush>,
    /// Accounts whose manifest was asked for on this connection.
    asked_manifests: BTreeSet<AccountId>,
    /// How many requests for missing entries may still be answered.
    answers: Answers,
    /// Of what was stored when this connection began the relay had taken nothing.
    nothing_taken: bool,
    /// Conversations that are compared with a restored relay, and those that wait for it.
    checks: VecDeque<ConversationId>,
    checks_wait: Patience,
    unchecked: BTreeSet<ConversationId>,
    /// The store generation of a restored relay, until everything is compared with it.
    restored: Option<StoreGeneration>,
    /// Whether a relay of the same generation went back in time, as far as this connection shows.
    lapse: Lapse,
    /// How often a conversation was compared with the relay on this connection.
    compared: BTreeMap<ConversationId, u32>,
    /// How often in a row a group could not be set up, or come back into.
    setbacks: BTreeMap<ConversationId, u32>,
    /// How far the others' devices are, as the relay said on this connection, where that is further than the stream was
    /// processed here.
    delivered: BTreeMap<ConversationId, u64>,
    /// The highest entries that were pushed on this connection while some before them were missing.
    seen: BTreeMap<StreamId, u64>,
    /// How far the relay is in the conversation that is compared with it now.
    kept: Option<Kept>,
    /// Whether the relay seems to have lost the account: it is offered back with the relay's own receipt.
    returning: bool,
    /// The positions of the recovery code's words that the person was asked for last.
    asked_words: Vec<usize>,
}

/// Why a conversation waits although there is a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    /// Until the stream was processed up to this seq.
    Seq(u64),
    /// Until this monotonic time.
    Time(Duration),
}

/// What an engine has to read before it can begin: an opening that fails here is mended, and not given up.
pub(crate) struct Beginning {
    account: AccountRow,
    keys: AccountKeys,
    knows_manifests: bool,
    index_waits: bool,
    waiting: u32,
    telling: Telling,
}

impl Beginning {
    /// Reads it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`] or [`crate::ErrorKind::Crypto`]: something of it is damaged.
    pub(crate) fn read(connection: &rusqlite::Connection) -> Result<Self> {
        let account = store::account::load(connection)?;
        Ok(Self {
            keys: AccountKeys::from_bytes(&account.keys)?,
            account,
            knows_manifests: store::account::own_manifest_number(connection)? > 0,
            index_waits: store::search::has_waiting(connection)?,
            waiting: store::outbox::waiting(connection)?,
            telling: Telling::load(connection)?,
        })
    }
}

impl Engine {
    /// Makes the engine of an opened database. Nothing happens before the first [`Engine::wake`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`] or [`crate::ErrorKind::Crypto`]: the account's row is damaged.
    pub fn new(database: Database, seams: Seams) -> Result<Self> {
        let mut database = database;
        let Beginning {
            account,
            keys,
            knows_manifests,
            index_waits,
            waiting,
            telling,
        } = Beginning::read(database.connection())?;
        if !knows_manifests {
            // a database of a version that did not remember them
            database.write(|write| {
                store::account::note_own_manifest(write.connection(), &account.manifest)
            })?;
        }
        let shown = Connection {
            state: crate::model::ConnectionState::Connecting,
            since: seams.clock.wall_ms(),
            cause: account
                .removed
                .then_some(crate::model::OfflineCause::Revoked),
            retry_at: None,
            waiting,
        };
        Ok(Self {
            database,
            account,
            keys,
            seams,
            session: Session::start(),
            backoff: Backoff::default(),
            connections: 0,
            told: None,
            shown,
            registration: None,
            acks: Acks::default(),
            quiet: BTreeSet::new(),
            holds: BTreeMap::new(),
            sent_in_vain: BTreeMap::new(),
            exists_refusals: BTreeMap::new(),
            events: Changes::default(),
            condition: Condition::default(),
            index_waits,
            pauses: BTreeMap::new(),
            fetch_pauses: BTreeMap::new(),
            untold: Patience::default(),
            announced: false,
            offers: Offers::default(),
            lists_due: None,
            looks_for_welcome: false,
            knows_again: false,
            renewal_due: None,
            packages_due: None,
            receipts_due: Some(Duration::ZERO),
            receipts_told: BTreeMap::new(),
            typing_told: BTreeMap::new(),
            live: Live::default(),
            telling,
            waiting_signals: BTreeMap::new(),
            asked_manifests: BTreeSet::new(),
            answers: Answers::default(),
            nothing_taken: false,
            checks: VecDeque::new(),
            checks_wait: Patience::default(),
            unchecked: BTreeSet::new(),
            restored: None,
            lapse: Lapse::None,
            compared: BTreeMap::new(),
            setbacks: BTreeMap::new(),
            delivered: BTreeMap::new(),
            seen: BTreeMap::new(),
            kept: None,
            returning: false,
            asked_words: Vec::new(),
        })
    }

    /// The relay of the account.
    #[must_use]
    pub const fn relay(&self) -> RelayId {
        self.account.relay
    }

    /// Where the relay is.
    fn addresses(&self) -> Result<Vec<Address>> {
        let addresses = self.account.addresses.iter();
        addresses.map(|address| Ok(address.parse()?)).collect()
    }

    /// Oneself.
    #[must_use]
    pub fn me(&self) -> Me {
        Me {
            account: self.account.account,
            name: self.account.name.clone(),
            relay: self.account.addresses.first().cloned().unwrap_or_default(),
            handle: self.account.handle.clone(),
            recovery: match &self.account.recovery_code {
                // the root key leaves with the code, and a restored account never had it
                None if !self.keys.has_root_key() => RecoveryState::Confirmed,
                Some(_) if store::account::is_recovery_due(self.database.connection()) => {
                    RecoveryState::Due
                }
                _ => RecoveryState::Later,
            },
            presence: self.presence(),
            announced: self.account.privacy.announce,
        }
    }

    /// The relay's time as far as it is known, ms.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.relay_time()
    }

    /// Changes something of the database that the engine itself does not look at, save what others may see and the handle: a
    /// backup brings them.
    pub(crate) fn change(
        &mut self,
        work: impl FnOnce(&WriteTransaction<'_>) -> Result<()>,
    ) -> Result<()> {
        self.write(work)?;
        let row = store::account::load(self.database.connection())?;
        (self.account.privacy, self.account.handle) = (row.privacy, row.handle);
        Ok(())
    }

    /// The connection as shown.
    #[must_use]
    pub const fn connection(&self) -> Connection {
        self.shown
    }

    /// Takes what the network says.
    pub fn network(&mut self, event: NetworkEvent) {
        if self.is_damaged() {
            return;
        }
        let outcome = match event {
            NetworkEvent::Opened(connection, tls) => self.opened(connection, tls),
            NetworkEvent::Received(connection, bytes) => self.received(connection, &bytes),
            NetworkEvent::Closed(connection) => self.closed(connection),
        };
        self.settle(outcome);
    }

    /// Work for when nothing else waits: acknowledgements, and a little of the search index. Returns whether more is left.
    pub fn idle(&mut self) -> bool {
        if self.is_damaged() {
            return false;
        }
        self.flush_acks();
        if self.index_waits {
            match self.write(|write| store::search::index_some(write, INDEX_BATCH)) {
                Ok(more) => self.index_waits = more,
                Err(error) => {
                    warn!(%error, "search index waits");
                    self.index_waits = false;
                }
            }
        }
        self.index_waits
    }

    /// Whether [`Engine::take_events`] has something.
    #[must_use]
    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Takes what changed since the last call.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.take()
    }

    /// Runs one transaction and keeps what it announces.
    fn write<T>(&mut self, work: impl FnOnce(&WriteTransaction<'_>) -> Result<T>) -> Result<T> {
        match self.database.write(work) {
            Ok((value, events)) => {
                self.events.extend(events);
                Ok(value)
            }
            Err(error) => {
                self.look_into(&error);
                Err(error)
            }
        }
    }

    /// Runs one transaction with MLS at hand, and keeps what it announces.
    fn write_mls<T>(
        &mut self,
        work: impl FnOnce(&WriteTransaction<'_>, &Mls<'_>) -> Result<T>,
    ) -> Result<T> {
        let now = self.relay_time();
        let Self {
            database,
            keys,
            seams,
            ..
        } = self;
        let (value, events) = database.write(|write| {
            let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
            work(write, &mls)
        })?;
        self.events.extend(events);
        Ok(value)
    }

    /// Ends an input: a failed transaction has changed nothing, so the connection is dropped and everything is offered again.
    fn settle(&mut self, outcome: Result<()>) {
        if let Err(error) = outcome {
            error!(%error, "input failed");
            self.look_into(&error);
            if !self.is_damaged() && !self.condition.full {
                self.drop_connection(None);
            }
        }
        self.show_connection();
    }

    fn send(&mut self, id: u32, frame: &Frame) {
        if let Some(connection) = self.session.connection() {
            self.seams
                .network
                .send(connection, encode_frame(id, frame).into());
        }
    }

    /// The relay's time, as far as it is known. What passed since it was told is measured by the clock that does not jump.
    fn relay_time(&self) -> u64 {
        let clock = self.seams.clock.as_ref();
        match self.told {
            Some((time, at)) => {
                let passed = clock.monotonic().saturating_sub(at);
                time.saturating_add(u64::try_from(passed.as_millis()).unwrap_or(u64::MAX))
            }
            None => clock
                .wall_ms()
                .saturating_add_signed(self.account.relay_offset),
        }
    }

    fn client_id(&mut self) -> Result<protocol::ClientId> {
        Ok(self.seams.random.client_id()?)
    }

    fn random<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok(self.seams.random.array()?)
    }
}
