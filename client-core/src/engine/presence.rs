//! How a person is: idle, not to be disturbed, a status text. Told to contacts by signals that the relay keeps while this
//! device is connected, heard from them, and never stored but for one's own.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use minicbor::{Decode, Encode};
use protocol::{DeviceId, cbor};
use rusqlite::Connection;
use tracing::debug;

use crate::{
    content::clean_status,
    engine::{
        Engine,
        signals::{Heard, Keep, PRESENCE},
    },
    error::{Error, ErrorKind, Result},
    event::Event,
    model::{
        Availability, ConversationKey, DoNotDisturb, Lasts, OwnPresence, Standing, StatusText,
    },
    store::{
        conversations::{self, ConversationRow},
        presence, requests,
    },
};

/// Changes within this time are told as one.
const GATHER: Duration = Duration::from_millis(500);
/// So many conversations are told at once: the relay takes 20 signals in a second, and typing needs some.
const AT_ONCE: usize = 8;
/// Then a pause.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest that something lasts that ends by itself.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 60 * 60);

/// What a device says of how it is. Simply there: active, without a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Saying {
    pub(super) availability: Availability,
    pub(super) since: Option<u64>,
    pub(super) text: Option<String>,
}

impl Saying {
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self.availability, Availability::Active) && self.text.is_none()
    }
}

/// A signal of kind 2.
#[derive(Encode, Decode)]
#[cbor(map)]
struct PresenceSignal {
    #[n(0)]
    kind: u8,
    /// 0 active, 1 idle, 2 do not disturb; others are taken for active.
    #[n(1)]
    state: u64,
    #[n(2)]
    text: Option<String>,
    /// Relay's time in ms.
    #[n(3)]
    since: Option<u64>,
    /// Rises whenever the device says something else; early versions have none.
    #[n(4)]
    number: Option<u64>,
}

impl PresenceSignal {
    fn of(saying: Saying, number: u64) -> Self {
        Self {
            number: Some(number),
            kind: PRESENCE,
            state: match saying.availability {
                Availability::Active => 0,
                Availability::Idle => 1,
                Availability::DoNotDisturb => 2,
            },
            text: saying.text,
            since: saying.since,
        }
    }

    /// What it says; a text that does not hold is not taken, a time to come is now.
    fn into_saying(self, now: u64) -> Saying {
        let availability = match self.state {
            1 => Availability::Idle,
            2 => Availability::DoNotDisturb,
            _ => Availability::Active,
        };
        Saying {
            availability,
            since: self
                .since
                .filter(|_| availability != Availability::Active)
                .map(|since| since.min(now)),
            text: self.text.and_then(|text| clean_status(&text).ok()),
        }
    }
}

/// What a device said last: in which state of its group, and under which number.
#[derive(Clone, Copy)]
struct Last {
    state: (u32, u64),
    number: u64,
}

/// What is told to whom, and how far others were heard.
#[derive(Default)]
pub(super) struct Telling {
    own: OwnPresence,
    /// The relay's time of the last input, where that is long ago.
    idle_since: Option<u64>,
    /// Contacts may believe something that is to be taken back.
    believed: bool,
    /// Conversations that are told next.
    untold: BTreeSet<ConversationKey>,
    /// What was told on this connection, in the epoch that is now.
    told: BTreeMap<ConversationKey, Saying>,
    due: Option<Duration>,
    /// What was told last, to whomever, and its number.
    numbered: Option<(Saying, u64)>,
    /// Of the devices of contacts; not forgotten with the connection, for a relay may begin anew to show what is old.
    heard: BTreeMap<(ConversationKey, DeviceId), Last>,
}

impl Telling {
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        Ok(Self {
            own: presence::load(connection)?,
            believed: presence::told(connection)?,
            ..Self::default()
        })
    }

    pub(super) const fn due(&self) -> Option<Duration> {
        self.due
    }

    fn forget(&mut self) {
        self.untold.clear();
        self.told.clear();
        self.due = None;
    }

    /// Whether a device said nothing later in this state of the group, as far as this program heard since it began.
    fn is_news(&mut self, key: ConversationKey, heard: &Heard, number: u64) -> bool {
        let state = heard.state;
        let last = self.heard.get(&(key, heard.sender));
        if last.is_some_and(|last| last.state == state && last.number > number) {
            return false;
        }
        if last.is_none() {
            self.heard
                .retain(|(other, device), _| *other != key || heard.devices.contains(device));
        }
        self.heard
            .insert((key, heard.sender), Last { state, number });
        true
    }

    /// Do not disturb counts before idle: it is what the person said.
    fn saying(&self) -> Saying {
        let (availability, since) = match (self.own.do_not_disturb, self.idle_since) {
            (Some(quiet), _) => (Availability::DoNotDisturb, Some(quiet.since)),
            (None, Some(since)) => (Availability::Idle, Some(since)),
            (None, None) => (Availability::Active, None),
        };
        Saying {
            availability,
            since,
            text: self.own.text.as_ref().map(|it| it.text.clone()),
        }
    }
}

impl Engine {
    /// What the person says of themselves.
    #[must_use]
    pub fn presence(&self) -> OwnPresence {
        self.telling.own.clone().at(self.relay_time())
    }

    /// The person does not want to be disturbed, for so long, or does again.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub fn set_do_not_disturb(&mut self, lasts: Option<Lasts>) -> Result<()> {
        let now = self.relay_time();
        let before = self.presence();
        let do_not_disturb = lasts.map(|lasts| DoNotDisturb {
            since: before.do_not_disturb.map_or(now, |before| before.since),
            until: until(now, lasts),
        });
        self.set_presence(OwnPresence {
            do_not_disturb,
            ..before
        })
    }

    /// Sets the line that contacts read, for so long; an empty one removes it.
    ///
    /// # Errors
    /// [`ErrorKind::TextInvalid`]: longer than [`crate::content::MAX_STATUS`] characters, or with characters that control or
    /// hide; [`ErrorKind::Database`].
    pub fn set_status_text(&mut self, text: &str, lasts: Lasts) -> Result<()> {
        let text = if text.trim().is_empty() {
            None
        } else {
            let text = clean_status(text)
                .map_err(|error| Error::new(ErrorKind::TextInvalid, error.to_string()))?;
            let until = until(self.relay_time(), lasts);
            Some(StatusText { text, until })
        };
        self.set_presence(OwnPresence {
            text,
            ..self.presence()
        })
    }

    /// There was no input for so long that the person counts as idle, or there is some again.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub fn set_idle(&mut self, idle: Option<Duration>) -> Result<()> {
        if idle.is_some() == self.telling.idle_since.is_some() {
            return Ok(());
        }
        let now = self.relay_time();
        self.telling.idle_since = idle.map(|idle| now.saturating_sub(millis(idle)));
        self.tell_all()
    }

    fn set_presence(&mut self, own: OwnPresence) -> Result<()> {
        self.write(|write| presence::save(write, &own))?;
        self.telling.own = own;
        self.tell_all()
    }

    /// What has ended by itself.
    pub(super) fn end_presence(&mut self) -> Result<()> {
        let now = self.relay_time();
        match self.telling.own.next_end() {
            Some(end) if end <= now => {
                let left = self.telling.own.clone().at(now);
                self.set_presence(left)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn next_presence_end(&self) -> Option<Duration> {
        let left = self
            .telling
            .own
            .next_end()?
            .saturating_sub(self.relay_time());
        let now = self.seams.clock.monotonic();
        // the relay's time is known by whole milliseconds
        Some(now.saturating_add(Duration::from_millis(left.saturating_add(1))))
    }

    /// A connection begins, or contacts see again that we are there: the relay knows nothing of us.
    pub(super) fn tell_presence_anew(&mut self) -> Result<()> {
        self.telling.forget();
        if self.telling.believed || !self.telling.saying().is_plain() {
            self.tell_all()?;
        }
        Ok(())
    }

    /// The connection is gone, or the person hides.
    pub(super) fn stop_telling(&mut self) {
        self.telling.forget();
        self.waiting_signals.clear();
    }

    /// Whoever is in this conversation has not heard it in this epoch, or was not there before.
    pub(super) fn tell_presence_in(&mut self, key: ConversationKey) {
        self.telling.told.remove(&key);
        let shown = self.session.is_online() && self.account.privacy.announce;
        if shown && !self.telling.saying().is_plain() {
            self.telling.untold.insert(key);
            self.plan_telling(GATHER);
        }
    }

    /// A contact came.
    pub(super) fn tell_presence_to(&mut self, key: ConversationKey) {
        if !self.telling.told.contains_key(&key) {
            self.tell_presence_in(key);
        }
    }

    /// A contact went, or one blocked the other: the relay may have forgotten what it was told.
    pub(super) fn forget_telling(&mut self, key: ConversationKey) {
        self.telling.told.remove(&key);
    }

    fn tell_all(&mut self) -> Result<()> {
        if self.session.is_online() && self.account.privacy.announce {
            self.telling
                .untold
                .extend(conversations::established(self.database.connection())?);
            self.plan_telling(GATHER);
        }
        Ok(())
    }

    fn plan_telling(&mut self, pause: Duration) {
        let due = self.seams.clock.monotonic().saturating_add(pause);
        self.telling.due.get_or_insert(due);
    }

    /// Tells some of those who have not heard it.
    pub(super) fn tell_presence(&mut self) -> Result<()> {
        let now = self.seams.clock.monotonic();
        if !self.session.is_online() || self.telling.due.is_none_or(|due| due > now) {
            return Ok(());
        }
        self.telling.due = None;
        let saying = self.telling.saying();
        if !saying.is_plain() {
            self.set_believed(true)?;
        }
        let number = self.number_of(&saying)?;
        let mut told = 0;
        while told < AT_ONCE
            && let Some(key) = self.telling.untold.pop_first()
        {
            if self.telling.told.get(&key) != Some(&saying)
                && self.tell_one(key, &saying, number)?
            {
                told = told.saturating_add(1);
                self.telling.told.insert(key, saying.clone());
            }
        }
        if !self.telling.untold.is_empty() {
            self.plan_telling(PAUSE);
        } else if saying.is_plain() {
            self.set_believed(false)?;
        }
        Ok(())
    }

    fn set_believed(&mut self, believed: bool) -> Result<()> {
        if self.telling.believed != believed {
            self.write(|write| presence::set_told(write, believed))?;
            self.telling.believed = believed;
        }
        Ok(())
    }

    /// The number under which this is told: a new one, unless it is what was told last.
    fn number_of(&mut self, saying: &Saying) -> Result<u64> {
        if let Some((told, number)) = &self.telling.numbered
            && told == saying
        {
            return Ok(*number);
        }
        let number = self.write(presence::next_number)?;
        self.telling.numbered = Some((saying.clone(), number));
        Ok(number)
    }

    /// Whether somebody may hear it there.
    fn tell_one(&mut self, key: ConversationKey, saying: &Saying, number: u64) -> Result<bool> {
        let connection = self.database.connection();
        let row = match conversations::row(connection, key) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            row => row?,
        };
        if row.standing != Standing::Open || requests::is_blocked(connection, row.peer)? {
            return Ok(false);
        }
        let body = cbor::encode(&PresenceSignal::of(saying.clone(), number));
        match self.send_signal(&row, &body, Keep::Yes) {
            // a group that cannot be read has its own way of being mended
            Err(error) if error.kind() == ErrorKind::Crypto => Ok(false),
            outcome => outcome.map(|()| true),
        }
    }

    /// A contact says how it is.
    pub(super) fn hear_presence(&mut self, row: &ConversationRow, heard: &Heard) {
        let Ok(signal) = cbor::decode::<PresenceSignal>(&heard.body) else {
            debug!("a signal of presence that says nothing");
            return;
        };
        let number = signal.number.unwrap_or_default();
        if !self.telling.is_news(row.key, heard, number) {
            debug!("the relay shows what a device said before");
            return;
        }
        let saying = signal.into_saying(self.relay_time());
        self.live
            .says(row.peer, (heard.sender, saying), &heard.devices);
        self.events.insert(Event::ConversationChanged(row.key));
    }
}

fn until(now: u64, lasts: Lasts) -> Option<u64> {
    match lasts {
        Lasts::UntilChanged => None,
        Lasts::For(time) => Some(now.saturating_add(millis(time.min(LONGEST)))),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
