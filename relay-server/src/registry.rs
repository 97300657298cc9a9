//! The sessions of this node, one for each device: the newest wins.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use protocol::DeviceId;

use crate::session::{Session, same};

/// The sessions of this node.
#[derive(Default)]
pub(crate) struct Registry {
    sessions: Mutex<HashMap<DeviceId, Arc<Session>>>,
}

impl Registry {
    /// Adds a session and closes the older one of the same device.
    pub(crate) fn insert(&self, session: &Arc<Session>) {
        let old = self
            .lock()
            .insert(session.identity.device, Arc::clone(session));
        if let Some(old) = old {
            old.replace();
        }
    }

    /// Removes a session unless a newer one took its place.
    pub(crate) fn remove(&self, session: &Arc<Session>) {
        let mut sessions = self.lock();
        if sessions
            .get(&session.identity.device)
            .is_some_and(|known| same(known, session))
        {
            sessions.remove(&session.identity.device);
        }
    }

    pub(crate) fn get(&self, device: DeviceId) -> Option<Arc<Session>> {
        self.lock().get(&device).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<DeviceId, Arc<Session>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
