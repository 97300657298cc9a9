//! The way out of the engine: what changed, collected until somebody takes it.
//!
//! A change that is told twice before it is taken is told once, so a slow listener costs no memory beyond the number of
//! things that can change, and the engine waits only in the extreme.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use protocol::AccountId;
use tokio::sync::Notify;

use crate::{
    event::{Event, Notice},
    model::Connection,
};

/// Changes that lie there untaken before the engine waits.
const MOST: usize = 65_536;

/// Changes, each once; of the connection only the newest.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    events: BTreeSet<Event>,
    connection: Option<Connection>,
}

impl Changes {
    pub(crate) fn insert(&mut self, event: Event) {
        match event {
            Event::ConnectionChanged(connection) => self.connection = Some(connection),
            event => {
                self.events.insert(event);
            }
        }
    }

    pub(crate) fn extend(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.insert(event);
        }
    }

    pub(crate) fn take(&mut self) -> Vec<Event> {
        let Self { events, connection } = std::mem::take(self);
        events
            .into_iter()
            .chain(connection.map(Event::ConnectionChanged))
            .collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.connection.is_none()
    }
}

/// Where an app takes what changed.
pub struct Notices {
    account: AccountId,
    shared: Arc<Shared>,
}

/// Where the engine puts it.
pub(crate) struct NoticeSender(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    filled: Notify,
    emptied: Notify,
}

#[derive(Default)]
struct State {
    changes: Changes,
    sender_gone: bool,
    receiver_gone: bool,
}

pub(crate) fn notices(account: AccountId) -> (NoticeSender, Notices) {
    let shared = Arc::new(Shared::default());
    (
        NoticeSender(Arc::clone(&shared)),
        Notices { account, shared },
    )
}

impl Notices {
    /// Waits for changes and takes all; `None` when the engine has stopped and everything was taken. Cancel-safe.
    pub async fn recv(&mut self) -> Option<Notice> {
        loop {
            let filled = self.shared.filled.notified();
            if let Some(outcome) = self.poll() {
                return outcome;
            }
            filled.await;
        }
    }

    /// Takes what is there; `None` where nothing is.
    pub fn try_recv(&mut self) -> Option<Notice> {
        self.poll().flatten()
    }

    fn poll(&self) -> Option<Option<Notice>> {
        let mut state = self.shared.lock();
        if state.changes.is_empty() {
            return state.sender_gone.then_some(None);
        }
        let events = state.changes.take();
        self.shared.emptied.notify_one();
        Some(Some(Notice {
            account: self.account,
            events,
        }))
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.shared.lock().receiver_gone = true;
        self.shared.emptied.notify_one();
    }
}

/// Nobody listens any more.
pub(crate) struct NobodyListens;

impl NoticeSender {
    pub(crate) async fn send(&self, events: Vec<Event>) -> Result<(), NobodyListens> {
        let mut events = Some(events);
        loop {
            let emptied = self.0.emptied.notified();
            {
                let mut state = self.0.lock();
                if state.receiver_gone {
                    return Err(NobodyListens);
                }
                if state.changes.events.len() < MOST {
                    state.changes.extend(events.take().unwrap_or_default());
                    self.0.filled.notify_one();
                    return Ok(());
                }
            }
            emptied.await;
        }
    }
}

impl Drop for NoticeSender {
    fn drop(&mut self) {
        self.0.lock().sender_gone = true;
        self.0.filled.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // what the lock guards is whole at every moment
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
