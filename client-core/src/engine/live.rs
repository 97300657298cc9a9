//! What is true only now: who is there, who is typing. Never stored, and gone with the connection.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use minicbor::{Decode, Encode};
use protocol::{AccountId, Announce, Signal, SignalPush, cbor};
use tracing::debug;

use crate::{
    crypto::Mls,
    engine::Engine,
    error::{ErrorKind, Result},
    event::Event,
    model::{Conversation, ConversationKey, Presence, Privacy, Standing},
    store::{
        self,
        conversations::{self, ConversationRow},
        requests,
    },
};

/// Typing is told at most this often.
const TELL_TYPING: Duration = Duration::from_secs(3);
/// And holds so long without being told again.
const TYPING_LASTS: Duration = Duration::from_secs(6);
/// Contacts whose presence is remembered; more than anybody has.
const MOST: usize = 10_000;

/// What a reader of the database adds to its rows.
#[derive(Clone, Default)]
pub struct Live(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    presence: BTreeMap<AccountId, Presence>,
    typing: BTreeMap<ConversationKey, Duration>,
}

impl Live {
    /// Fills in what is known of a conversation now.
    pub fn fill(&self, conversation: &mut Conversation) {
        let state = self.lock();
        if conversation.standing == Standing::Open && !conversation.blocked {
            conversation.presence = state.presence.get(&conversation.peer).copied();
            conversation.typing = state.typing.contains_key(&conversation.key);
        }
    }

    pub(super) fn forget(&self, account: AccountId) {
        self.lock().presence.remove(&account);
    }

    fn clear(&self) {
        *self.lock() = State::default();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // what the lock guards is whole at every moment
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a signal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct SignalBody {
    /// 1: the sender is typing. Others are for later versions.
    #[n(0)]
    kind: u8,
}

const TYPING: u8 = 1;

impl Engine {
    /// What is true only now, for whoever reads the database beside the engine.
    #[must_use]
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// Sets what others may see.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub fn set_privacy(&mut self, privacy: Privacy) -> Result<()> {
        let before = self.account.privacy;
        self.write(|write| store::account::set_privacy(write, privacy))?;
        self.account.privacy = privacy;
        if before.announce != privacy.announce {
            let frame = Announce {
                announce: privacy.announce,
            };
            if self.session.is_online() {
                self.request(super::requests::Request::Announce, &frame.into());
            }
            if !privacy.announce {
                self.forget_live()?;
            }
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
    /// [`ErrorKind::NotFound`], [`ErrorKind::Database`].
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
        let body = cbor::encode(&SignalBody { kind: TYPING });
        if let Some(bytes) = self.seal_signal(&row, &body)? {
            let frame = Signal {
                conversation: row.conversation,
                bytes: bytes.into(),
            };
            self.send(0, &frame.into());
        }
        Ok(())
    }

    fn seal_signal(&mut self, row: &ConversationRow, body: &[u8]) -> Result<Option<Vec<u8>>> {
        let now = self.relay_time();
        let Self {
            database,
            keys,
            seams,
            ..
        } = self;
        let key = {
            let mls = Mls::new(database.connection(), seams.random.as_mut(), keys, now);
            match mls.load(row.conversation, row.incarnation)? {
                Some(group) if group.is_active()? => group.signal_key()?,
                _ => return Ok(None),
            }
        };
        Ok(Some(key.seal(
            seams.random.as_mut(),
            keys.device(),
            body,
        )?))
    }

    /// Somebody's signal. What cannot be opened is dropped.
    pub(super) fn signalled(&mut self, push: &SignalPush) -> Result<()> {
        if !self.account.privacy.typing {
            return Ok(());
        }
        let connection = self.database.connection();
        let Some(row) = conversations::row_of(connection, push.conversation)? else {
            return Ok(());
        };
        if row.standing != Standing::Open || requests::is_blocked(connection, row.peer)? {
            return Ok(());
        }
        let body = match self.open_signal(&row, push) {
            // a group that cannot be read has its own way of being mended
            Err(error) if error.kind() == ErrorKind::Crypto => None,
            body => body?,
        };
        match body.and_then(|body| cbor::decode::<SignalBody>(&body).ok()) {
            Some(SignalBody { kind: TYPING }) => {
                let until = self.seams.clock.monotonic().saturating_add(TYPING_LASTS);
                self.live.lock().typing.insert(row.key, until);
                self.events.insert(Event::ConversationChanged(row.key));
            }
            Some(SignalBody { kind }) => debug!(kind, "a signal of a kind that is not known"),
            None => debug!("a signal that does not open"),
        }
        Ok(())
    }

    fn open_signal(&mut self, row: &ConversationRow, push: &SignalPush) -> Result<Option<Vec<u8>>> {
        let now = self.relay_time();
        let Self {
            database,
            keys,
            seams,
            ..
        } = self;
        let mls = Mls::new(database.connection(), seams.random.as_mut(), keys, now);
        let Some(group) = mls.load(row.conversation, row.incarnation)? else {
            return Ok(None);
        };
        // the relay stamps the sender: it must be a device of the other
        let is_peer = group
            .members()?
            .iter()
            .any(|member| member.device == push.sender && member.account == row.peer);
        if !is_peer {
            return Ok(None);
        }
        Ok(group.signal_key()?.open(push.sender, &push.bytes.0))
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
        if state.presence.len() < MOST || state.presence.contains_key(&presence.account) {
            state.presence.insert(
                presence.account,
                Presence {
                    connected: presence.connected,
                    last_seen: presence.last_seen,
                },
            );
        }
        drop(state);
        self.events.insert(Event::ConversationChanged(key));
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

    pub(super) fn next_typing_end(&self) -> Option<Duration> {
        self.live.lock().typing.values().min().copied()
    }

    /// The connection is gone, or the person hides: what was known of others is not known any more.
    pub(super) fn forget_live(&mut self) -> Result<()> {
        let known: Vec<AccountId> = self.live.lock().presence.keys().copied().collect();
        self.live.clear();
        self.typing_told.clear();
        for account in known {
            if let Some(key) = conversations::key_of_peer(self.database.connection(), account)? {
                self.events.insert(Event::ConversationChanged(key));
            }
        }
        Ok(())
    }
}
