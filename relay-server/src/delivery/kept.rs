//! The newest signals with `keep`: for those who connect later, in memory, within bounds.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use protocol::{DeviceId, SignalPush};

use crate::session::{Session, same};

/// What a kept signal takes beside its bytes.
const OVERHEAD: usize = 160;

/// How much may be kept of all conversations together.
#[derive(Debug, Default)]
pub(crate) struct Room {
    most: usize,
    used: AtomicUsize,
}

impl Room {
    /// Room for so many bytes.
    pub(crate) fn of(most: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            used: AtomicUsize::new(0),
        })
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|used| *used <= self.most)
            });
        taken.is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    #[cfg(test)]
    fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }
}

/// What is kept of one conversation: at most one signal of each device.
#[derive(Default)]
pub(super) struct KeptSignals(Vec<Kept>);

struct Kept {
    session: Arc<Session>,
    signal: SignalPush,
    room: Arc<Room>,
}

impl Kept {
    const fn weight(signal: &SignalPush) -> usize {
        signal.bytes.0.len() + OVERHEAD
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.room.give_back(Self::weight(&self.signal));
        self.session.release_kept();
    }
}

impl KeptSignals {
    /// Keeps a signal in the place of the one before it, if there is room.
    pub(super) fn keep(&mut self, session: &Arc<Session>, signal: &SignalPush, room: &Arc<Room>) {
        // what it said before is not true any more, whether this one is kept or not
        self.leave(signal.sender);
        if !session.reserve_kept() {
            return;
        }
        if room.take(Kept::weight(signal)) {
            self.0.push(Kept {
                session: Arc::clone(session),
                signal: signal.clone(),
                room: Arc::clone(room),
            });
        } else {
            session.release_kept();
        }
    }

    /// Hands what others said to a session.
    pub(super) fn hand_to(&self, session: &Session) {
        for kept in &self.0 {
            if kept.signal.sender != session.identity.device {
                session.signal(&kept.signal);
            }
        }
    }

    /// The device said nothing, from now on.
    pub(super) fn leave(&mut self, device: DeviceId) {
        self.0.retain(|kept| kept.signal.sender != device);
    }

    /// The session ended or hides. A newer one of the same device may have said something since.
    pub(super) fn end(&mut self, session: &Arc<Session>) {
        self.0.retain(|kept| !same(&kept.session, session));
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use protocol::{AccountId, ConversationId, Opaque};

    use super::*;
    use crate::{
        config::{Connections, Quotas},
        limits::SessionRates,
        store::{AccountRow, DeviceRow, Identity},
    };

    fn session(n: u8, most: usize) -> Arc<Session> {
        let identity = Identity {
            account: AccountId::new([n; 16]),
            account_row: AccountRow(i64::from(n)),
            device: DeviceId::new([n; 16]),
            device_row: DeviceRow(i64::from(n)),
        };
        let rates = SessionRates::new(&Quotas::default());
        let config = Connections {
            kept_signals: most,
            ..Connections::default()
        };
        Arc::new(Session::new(identity, true, &config, rates))
    }

    fn signal(of: &Session, bytes: &'static [u8]) -> SignalPush {
        SignalPush {
            conversation: ConversationId::new([0xc0; 16]),
            sender: of.identity.device,
            bytes: Opaque(Bytes::from_static(bytes)),
            keep: true,
        }
    }

    #[test]
    fn a_device_has_one_kept_signal_in_a_conversation_and_only_so_many_in_all() {
        let room = Room::of(1 << 20);
        let ana = session(1, 1);
        let (mut one, mut other) = (KeptSignals::default(), KeptSignals::default());
        one.keep(&ana, &signal(&ana, b"idle"), &room);
        one.keep(&ana, &signal(&ana, b"busy"), &room);
        assert_eq!(one.0.len(), 1);
        assert_eq!(&one.0[0].signal.bytes.0[..], b"busy");
        other.keep(&ana, &signal(&ana, b"busy"), &room);
        assert!(other.0.is_empty());
        one.end(&ana);
        other.keep(&ana, &signal(&ana, b"busy"), &room);
        assert_eq!(other.0.len(), 1);
    }

    #[test]
    fn what_is_forgotten_makes_room() {
        let weight = 4 + OVERHEAD;
        let room = Room::of(2 * weight);
        let people: Vec<_> = (1..=3).map(|n| session(n, 10)).collect();
        let mut kept = KeptSignals::default();
        for person in &people {
            kept.keep(person, &signal(person, b"idle"), &room);
        }
        assert_eq!((kept.0.len(), room.used()), (2, 2 * weight));
        kept.leave(DeviceId::new([1; 16]));
        assert_eq!(room.used(), weight);
        drop(kept);
        assert_eq!(room.used(), 0);
    }

    #[test]
    fn a_newer_session_of_a_device_keeps_what_it_said_when_the_older_one_ends() {
        let room = Room::of(1 << 20);
        let (older, newer) = (session(1, 10), session(1, 10));
        let mut kept = KeptSignals::default();
        kept.keep(&older, &signal(&older, b"idle"), &room);
        kept.keep(&newer, &signal(&newer, b"busy"), &room);
        kept.end(&older);
        assert_eq!(kept.0.len(), 1);
    }
}
