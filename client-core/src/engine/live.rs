//! What is true only now: who is there, who is typing. Never stored, and gone with the connection.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use protocol::{AccountId, DeviceId, ErrorCode, Refusal, cbor};

use crate::{
    engine::{
        Engine,
        presence::Saying,
        signals::{Keep, SignalKind, TYPING},
    },
    error::Result,
    event::Event,
    model::{
        Availability, Conversation, ConversationKey, ConversationState, Presence, Privacy, Standing,
    },
    store::{self, conversations, requests},
};

/// Typing is told at most this often.
const TELL_TYPING: Duration = Duration::from_secs(3);
/// And holds so long without being told again.
const TYPING_LASTS: Duration = Duration::from_secs(6);
/// The longest wait that the relay is believed, ms: a day, over which it counts.
const MOST_HELD_MS: u64 = 24 * 60 * 60 * 1000;
/// Contacts whose presence is remembered; more than anybody has.
const MOST: usize = 10_000;

/// What a reader of the database adds to its rows.
#[derive(Clone, Default)]
pub struct Live(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    connected: BTreeMap<AccountId, Connected>,
    /// What the devices of contacts say, where it is more than being there.
    says: BTreeMap<AccountId, BTreeMap<DeviceId, Saying>>,
    typing: BTreeMap<ConversationKey, Duration>,
    /// Requests that the relay refused for now, and until when by the computer's clock. For this connection.
    held: BTreeMap<ConversationKey, u64>,
}

/// The relay's word.
#[derive(Clone, Copy)]
struct Connected {
    connected: bool,
    last_seen: Option<u64>,
}

impl State {
    /// What a contact says holds only while it is there.
    fn presence(&self, account: AccountId) -> Option<Presence> {
        let Connected {
            connected,
            last_seen,
        } = *self.connected.get(&account)?;
        let said = self.says.get(&account).filter(|_| connected);
        let Saying {
            availability,
            since,
            text,
        } = said.map(together).unwrap_or_default();
        Some(Presence {
            connected,
            last_seen,
            availability,
            since,
            text,
        })
    }
}

/// What several devices of an account say: do not disturb counts before active, active before idle.
fn together(devices: &BTreeMap<DeviceId, Saying>) -> Saying {
    let weight = |saying: &Saying| match saying.availability {
        Availability::DoNotDisturb => 2,
        Availability::Active => 1,
        Availability::Idle => 0,
    };
    let counts = devices.values().max_by_key(|saying| weight(saying));
    let text = devices.values().find_map(|saying| saying.text.clone());
    Saying {
        text,
        ..counts.cloned().unwrap_or_default()
    }
}

impl Live {
    /// Fills in what is known of a conversation now.
    pub fn fill(&self, conversation: &mut Conversation) {
        let state = self.lock();
        if conversation.standing == Standing::Open && !conversation.blocked {
            conversation.presence = state.presence(conversation.peer);
            conversation.typing = state.typing.contains_key(&conversation.key);
        }
        if conversation.state == ConversationState::Opening {
            conversation.held_until = state.held.get(&conversation.key).copied();
        }
    }

    pub(super) fn forget(&self, account: AccountId) {
        let mut state = self.lock();
        state.connected.remove(&account);
        state.says.remove(&account);
    }

    /// A device of an account says something; of its devices only `devices` are left.
    pub(super) fn says(
        &self,
        account: AccountId,
        (device, saying): (DeviceId, Saying),
        devices: &[DeviceId],
    ) {
        let mut state = self.lock();
        let of_account = state.says.entry(account).or_default();
        of_account.retain(|known, _| *known != device && devices.contains(known));
        if !saying.is_plain() {
            of_account.insert(device, saying);
        }
        if of_account.is_empty() {
            state.says.remove(&account);
        }
    }

    /// Forgets what was known of others.
    fn clear(&self) {
        let mut state = self.lock();
        *state = State {
            held: std::mem::take(&mut state.held),
            ..State::default()
        };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // what the lock guards is whole at every moment
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// What is true only now, for whoever reads the database beside the engine.
    #[must_use]
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// Sets what others may see.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub fn set_privacy(&mut self, privacy: Privacy) -> Result<()> {
        let before = self.account.privacy;
        self.write(|write| store::account::set_privacy(write, privacy))?;
        self.account.privacy = privacy;
        if before.announce != privacy.announce {
            self.tell_announced();
            if privacy.announce {
                self.tell_presence_anew()?;
            } else {
                self.forget_live()?;
            }
            self.events.insert(Event::MeChanged);
        }
        Ok(())
    }

    /// What others may see.
    #[must_use]
    pub const fn privacy(&self) -> Privacy {
        self.account.privacy
    }

    /// The person is typing. Told where the two may write to each other and both want it; lost without harm.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Database`].
    pub fn typing(&mut self, key: ConversationKey) -> Result<()> {
        let now = self.seams.clock.monotonic();
        let told = self.typing_told.get(&key).copied();
        if !self.account.privacy.typing
            || !self.session.is_online()
            || told.is_some_and(|told| now.saturating_sub(told) < TELL_TYPING)
        {
            return Ok(());
        }
        let connection = self.database.connection();
        let row = conversations::row(connection, key)?;
        if row.standing != Standing::Open
            || requests::is_blocked(connection, row.peer)?
            || self.is_elsewhere(key)?
        {
            return Ok(());
        }
        self.typing_told.insert(key, now);
        self.send_signal(&row, &cbor::encode(&SignalKind { kind: TYPING }), Keep::No)
    }

    /// The other is typing.
    pub(super) fn types(&mut self, key: ConversationKey) {
        let until = self.seams.clock.monotonic().saturating_add(TYPING_LASTS);
        self.live.lock().typing.insert(key, until);
        self.events.insert(Event::ConversationChanged(key));
    }

    /// The relay says whether a contact is there.
    pub(super) fn present(&mut self, presence: &protocol::Presence) -> Result<()> {
        if !self.account.privacy.announce {
            return Ok(());
        }
        let Some(key) = conversations::key_of_peer(self.database.connection(), presence.account)?
        else {
            return Ok(());
        };
        let mut state = self.live.lock();
        if state.connected.len() < MOST || state.connected.contains_key(&presence.account) {
            let known = Connected {
                connected: presence.connected,
                last_seen: presence.last_seen,
            };
            state.connected.insert(presence.account, known);
        }
        if !presence.connected {
            state.says.remove(&presence.account);
        }
        drop(state);
        self.events.insert(Event::ConversationChanged(key));
        if presence.connected {
            self.tell_presence_to(key);
        } else {
            self.forget_telling(key);
        }
        Ok(())
    }

    /// Whoever stopped typing is not typing any more.
    pub(super) fn end_typing(&mut self) {
        let now = self.seams.clock.monotonic();
        let mut ended = Vec::new();
        self.live.lock().typing.retain(|key, until| {
            let lasts = *until > now;
            if !lasts {
                ended.push(*key);
            }
            lasts
        });
        for key in ended {
            self.events.insert(Event::ConversationChanged(key));
        }
    }

    /// A message of somebody ends its typing.
    pub(super) fn typed(&mut self, key: ConversationKey) {
        self.live.lock().typing.remove(&key);
    }

    /// The relay refused a request because there were too many: the person sees until when.
    pub(super) fn tell_held(&mut self, key: ConversationKey, refusal: &Refusal) {
        let (ErrorCode::RateLimited | ErrorCode::Quota, Some(wait)) =
            (refusal.code, refusal.retry_after)
        else {
            return;
        };
        let until = self
            .seams
            .clock
            .wall_ms()
            .saturating_add(wait.min(MOST_HELD_MS));
        self.live.lock().held.insert(key, until);
        self.events.insert(Event::ConversationChanged(key));
    }

    /// The next connection tries every request anew.
    pub(super) fn forget_held(&mut self) {
        let held = std::mem::take(&mut self.live.lock().held);
        for key in held.into_keys() {
            self.events.insert(Event::ConversationChanged(key));
        }
    }

    pub(super) fn next_typing_end(&self) -> Option<Duration> {
        self.live.lock().typing.values().min().copied()
    }

    /// The connection is gone, or the person hides: what was known of others is not known any more.
    pub(super) fn forget_live(&mut self) -> Result<()> {
        let known: Vec<AccountId> = self.live.lock().connected.keys().copied().collect();
        self.live.clear();
        self.typing_told.clear();
        self.stop_telling();
        for account in known {
            if let Some(key) = conversations::key_of_peer(self.database.connection(), account)? {
                self.events.insert(Event::ConversationChanged(key));
            }
        }
        Ok(())
    }
}
