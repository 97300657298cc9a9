//! Signals: sealed with a key of the epoch, handed on by the relay to who is there, and lost without harm.

use minicbor::{Decode, Encode};
use protocol::{DeviceId, Signal, SignalPush, cbor};
use tracing::debug;

use crate::{
    crypto::Mls,
    engine::{Engine, entries::Epoch},
    error::{ErrorKind, Result},
    model::Standing,
    store::{
        conversations::{self, ConversationRow},
        requests,
    },
};

/// Signals that may still open once this device has caught up.
pub(super) const MOST_WAITING: usize = 64;

/// What each signal begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct SignalKind {
    #[n(0)]
    pub(super) kind: u8,
}

/// The sender is typing.
pub(super) const TYPING: u8 = 1;
/// How the sender's device is, see [`super::presence`].
pub(super) const PRESENCE: u8 = 2;

/// Whether the relay keeps a signal for those who connect later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    Yes,
    No,
}

/// A signal of the other, opened.
pub(super) struct Heard {
    pub(super) sender: DeviceId,
    pub(super) body: Vec<u8>,
    /// All devices of the other.
    pub(super) devices: Vec<DeviceId>,
    /// The state of the group with whose key it was sealed.
    pub(super) state: (u32, u64),
}

impl Engine {
    /// Seals a signal and sends it. Where there is no group to seal it with it is lost.
    pub(super) fn send_signal(
        &mut self,
        row: &ConversationRow,
        body: &[u8],
        keep: Keep,
    ) -> Result<()> {
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
                _ => return Ok(()),
            }
        };
        let bytes = key.seal(seams.random.as_mut(), keys.device(), body)?;
        let frame = Signal {
            conversation: row.conversation,
            bytes: bytes.into(),
            keep: keep == Keep::Yes,
        };
        self.send(0, &frame.into());
        Ok(())
    }

    /// Somebody's signal. What cannot be opened is dropped, unless it holds for longer and this device may be behind.
    pub(super) fn signalled(&mut self, push: SignalPush) -> Result<()> {
        let privacy = self.account.privacy;
        let wanted = if push.keep {
            privacy.announce
        } else {
            privacy.typing
        };
        if !wanted {
            return Ok(());
        }
        let connection = self.database.connection();
        let Some(row) = conversations::row_of(connection, push.conversation)? else {
            return Ok(());
        };
        if requests::is_blocked(connection, row.peer)? {
            return Ok(());
        }
        // what it said before is not true any more
        self.waiting_signals.remove(&(row.key, push.sender));
        if row.standing == Standing::Open && self.hear(&row, &push)? {
            return Ok(());
        }
        if push.keep && self.waiting_signals.len() < MOST_WAITING {
            self.waiting_signals.insert((row.key, push.sender), push);
        } else {
            debug!("a signal that does not open");
        }
        Ok(())
    }

    /// A conversation went on: what did not open before may open now. After a change of the epoch it is tried for the last
    /// time.
    pub(super) fn hear_again(&mut self, row: &ConversationRow, epoch: Epoch) -> Result<()> {
        if row.standing != Standing::Open {
            return Ok(());
        }
        let of_row = (row.key, DeviceId::new([0; DeviceId::LEN]))
            ..=(row.key, DeviceId::new([u8::MAX; DeviceId::LEN]));
        let waiting: Vec<_> = self
            .waiting_signals
            .range(of_row)
            .map(|(of, push)| (*of, push.clone()))
            .collect();
        for (of, push) in waiting {
            if self.hear(row, &push)? || epoch == Epoch::Changed {
                self.waiting_signals.remove(&of);
            }
        }
        Ok(())
    }

    /// Whether the signal opened.
    fn hear(&mut self, row: &ConversationRow, push: &SignalPush) -> Result<bool> {
        let heard = match self.open_signal(row, push) {
            // a group that cannot be read has its own way of being mended
            Err(error) if error.kind() == ErrorKind::Crypto => None,
            heard => heard?,
        };
        let Some(heard) = heard else {
            return Ok(false);
        };
        let kind = cbor::decode::<SignalKind>(&heard.body).map(|it| it.kind);
        match kind {
            Ok(TYPING) if self.account.privacy.typing => self.types(row.key),
            Ok(PRESENCE) if self.account.privacy.announce => self.hear_presence(row, &heard),
            Ok(TYPING | PRESENCE) => {}
            Ok(kind) => debug!(kind, "a signal of a kind that is not known"),
            Err(_) => debug!("a signal that says nothing"),
        }
        Ok(true)
    }

    fn open_signal(&mut self, row: &ConversationRow, push: &SignalPush) -> Result<Option<Heard>> {
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
        let devices: Vec<_> = group
            .members()?
            .into_iter()
            .filter(|member| member.account == row.peer)
            .map(|member| member.device)
            .collect();
        // the relay stamps the sender: it must be a device of the other
        if !devices.contains(&push.sender) {
            return Ok(None);
        }
        let state = (row.incarnation, group.epoch()?);
        let body = group.signal_key()?.open(push.sender, &push.bytes.0);
        Ok(body.map(|body| Heard {
            sender: push.sender,
            body,
            devices,
            state,
        }))
    }
}
