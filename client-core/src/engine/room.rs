//! A full disk while the account is at work: what arrives could not be kept, so there is no connection until there is room.
//! The person is told why; nothing is lost, for nothing is acknowledged that was not written.

use std::time::Duration;

use tracing::{error, info, warn};

use crate::{
    engine::{Engine, session::Session},
    error::ErrorKind,
    model::OfflineCause,
    store,
};

/// How long until it is tried again whether there is room.
pub(super) const BETWEEN_TRIES: Duration = Duration::from_secs(10);

impl Engine {
    /// Something could not be written because the disk is full.
    pub(super) fn wait_for_room(&mut self) {
        if !self.condition.full {
            error!("the disk is full: nothing is received until there is room");
        }
        self.condition.full = true;
        let cause = Some(OfflineCause::DiskFull);
        match self.session {
            // it ended for good, for another reason
            Session::Waiting { until: None } => {}
            Session::Waiting { until: Some(_) } => self.backoff.cause = cause,
            _ => self.drop_connection(cause),
        }
        self.show_connection();
    }

    /// Whether something can be written again, where the disk was full.
    pub(super) fn has_room(&mut self) -> bool {
        if !self.condition.full {
            return true;
        }
        match self.database.try_room() {
            Err(error) if error.kind() == ErrorKind::DiskFull => return false,
            // whatever else it is shows where it matters
            Err(error) => warn!(%error, "look for room on the disk"),
            Ok(()) => info!("there is room on the disk again"),
        }
        self.condition.full = false;
        self.backoff.cause = None;
        self.index_waits = store::search::has_waiting(self.database.connection()).unwrap_or(true);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use bytes::Bytes;
    use protocol::{AccountId, Address, ConversationId, RelayId};

    use super::*;
    use crate::{
        crypto::AccountKeys,
        engine::Seams,
        event::Event,
        model::{ConnectionState, ConversationKey, ConversationState},
        seams::{Clock, ConnectionId, Network, SeededRandom},
        store::{Database, DatabaseKey, account, conversations},
    };

    const NOW: u64 = 1_800_000_000_000;

    /// Seconds that passed, and how often somebody dialled.
    #[derive(Clone, Default)]
    struct World(Arc<(AtomicU64, AtomicU64)>);

    impl Clock for World {
        fn wall_ms(&self) -> u64 {
            NOW + self.0.0.load(Ordering::Relaxed) * 1000
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.0.load(Ordering::Relaxed))
        }
    }

    impl Network for World {
        fn dial(&mut self, _: ConnectionId, _: &Address) {
            self.0.1.fetch_add(1, Ordering::Relaxed);
        }

        fn send(&mut self, _: ConnectionId, _: Bytes) {}

        fn close(&mut self, _: ConnectionId) {}
    }

    fn engine(folder: &std::path::Path, world: &World) -> (Engine, ConversationKey) {
        let mut random = SeededRandom::new(1);
        let keys = AccountKeys::generate(&mut random, RelayId::new([1; 32]), NOW).unwrap();
        let key = DatabaseKey::new([2; 32]);
        let mut database = Database::create(&folder.join("relevo.db"), &key).unwrap();
        let addresses = ["relay.test:1".parse().unwrap()];
        let row = account::AccountRow::new(&keys, keys.manifest(), &addresses, None);
        let (conversation, _) = database
            .write(|write| {
                account::insert(write, &row)?;
                conversations::insert(
                    write,
                    ConversationId::new([3; 16]),
                    AccountId::new([4; 16]),
                    ConversationState::Established,
                    NOW,
                )
            })
            .unwrap();
        let seams = Seams {
            clock: Box::new(world.clone()),
            random: Box::new(random),
            network: Box::new(world.clone()),
        };
        (Engine::new(database, seams).unwrap(), conversation)
    }

    #[test]
    fn a_full_disk_is_told_and_writing_goes_on_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let world = World::default();
        let (mut engine, conversation) = engine(folder.path(), &world);
        let dialled = || world.0.1.load(Ordering::Relaxed);
        let limit = |engine: &Engine, pages: u32| {
            let connection = engine.database.connection();
            connection
                .pragma_update(None, "max_page_count", pages)
                .unwrap();
        };
        engine.wake();
        assert_eq!(dialled(), 1);
        engine.take_events();

        // no page more than there are
        limit(&engine, 1);
        let text = "a text that needs room ".repeat(600);
        let refused = engine.send_text(conversation, &text).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::DiskFull);
        let shown = engine.connection();
        assert_eq!(shown.state, ConnectionState::Offline);
        assert_eq!(shown.cause, Some(OfflineCause::DiskFull));
        assert_eq!(shown.waiting, 0, "nothing of it was kept");
        assert_eq!(engine.take_events(), [Event::ConnectionChanged(shown)]);

        // it is looked for room again and again, and nobody is dialled
        for _ in 0..5 {
            world.0.0.fetch_add(60, Ordering::Relaxed);
            engine.wake();
            assert!(engine.next_wake().is_some());
        }
        assert_eq!(dialled(), 1);
        assert_eq!(engine.connection().cause, Some(OfflineCause::DiskFull));
        assert!(!engine.is_damaged());

        limit(&engine, u32::MAX - 1);
        world.0.0.fetch_add(60, Ordering::Relaxed);
        engine.wake();
        assert_eq!(dialled(), 2);
        assert_eq!(engine.connection().cause, None);
        engine.send_text(conversation, &text).unwrap();
        assert_eq!(engine.connection().waiting, 1);
    }
}
