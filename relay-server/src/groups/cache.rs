//! The groups whose state is in memory, and the worker threads that validate.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use protocol::{ConversationId, ErrorCode, GroupState, Refusal, bounds};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::public::{Founding, Invalid, Live, Proposed, Valid};
use crate::{store::Store, workers::Workers};

/// Room for the frame around a group's state.
const STATE_OVERHEAD: usize = 64;

type Slot = Arc<AsyncMutex<Option<Live>>>;

/// The states of the groups that changed lately.
pub(crate) struct Groups {
    capacity: usize,
    workers: Workers,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    /// Rises with each use.
    uses: u64,
    slots: HashMap<ConversationId, (Slot, u64)>,
}

impl Groups {
    pub(crate) fn new(capacity: usize, workers: Workers) -> Self {
        Self {
            capacity,
            workers,
            slots: Mutex::default(),
        }
    }

    /// Waits for the place of a conversation: one commit is validated at a time.
    pub(crate) async fn place(&self, conversation: ConversationId) -> Place {
        let slot = self.slot(conversation);
        Place {
            live: slot.lock_owned().await,
            workers: self.workers,
        }
    }

    fn slot(&self, conversation: ConversationId) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.uses += 1;
        let uses = slots.uses;
        if slots.slots.len() >= self.capacity && !slots.slots.contains_key(&conversation) {
            // one that nobody holds; where all are in use the map grows by as many as there are requests under way
            let idle = slots
                .slots
                .iter()
                .filter(|(_, (slot, _))| Arc::strong_count(slot) == 1);
            let oldest = idle.min_by_key(|(_, (_, used))| *used).map(|(id, _)| *id);
            if let Some(oldest) = oldest {
                slots.slots.remove(&oldest);
            }
        }
        let (slot, used) = slots.slots.entry(conversation).or_default();
        *used = uses;
        Arc::clone(slot)
    }
}

/// The place of one conversation, held.
pub(crate) struct Place {
    live: OwnedMutexGuard<Option<Live>>,
    workers: Workers,
}

/// A state that was advanced by a commit which is not stored yet. Dropped, it is forgotten and built again on demand.
pub(crate) struct Advanced {
    place: Place,
    live: Live,
}

impl Advanced {
    /// The commit is stored.
    pub(crate) fn keep(mut self) {
        *self.place.live = Some(self.live);
    }
}

impl Place {
    /// Validates a founding and its first commit, on a worker.
    pub(crate) async fn found(
        self,
        founding: Founding,
        proposed: Proposed,
    ) -> Result<(Advanced, Valid), Refusal> {
        work(self.workers, move || {
            let (one, other) = founding.accounts;
            if proposed
                .devices
                .iter()
                .any(|device| device.account != one && device.account != other)
            {
                return Err(Invalid("devices of other accounts"));
            }
            let mut live = Live::found(&founding, &proposed)?;
            let valid = live.advance(&proposed)?;
            if !valid
                .added
                .iter()
                .any(|added| added.device.account == other)
            {
                return Err(Invalid("founding without the other account"));
            }
            Ok((Advanced { place: self, live }, valid))
        })
        .await
    }

    /// Validates a commit that ends `epoch` of `incarnation`, on a worker.
    pub(crate) async fn advance(
        mut self,
        store: &dyn Store,
        conversation: ConversationId,
        (incarnation, epoch): (u32, u64),
        proposed: Proposed,
    ) -> Result<(Advanced, Valid), Refusal> {
        let known = self
            .live
            .take()
            .filter(|live| live.is_at(conversation, incarnation, epoch));
        let row = match &known {
            Some(_) => None,
            None => Some(
                store
                    .group(conversation)
                    .await?
                    .ok_or(Refusal::new(ErrorCode::NotMember))?,
            ),
        };
        work(self.workers, move || {
            let mut live = match (known, row) {
                (Some(live), _) => live,
                (None, Some(row)) => Live::load(&row, conversation)?,
                (None, None) => return Err(Invalid("no state")),
            };
            if !live.is_at(conversation, incarnation, epoch) {
                return Err(Invalid("another epoch"));
            }
            let valid = live.advance(&proposed)?;
            Ok((Advanced { place: self, live }, valid))
        })
        .await
    }

    /// What an external commit needs: the group's state as of its last commit.
    pub(crate) async fn export(
        mut self,
        store: &dyn Store,
        conversation: ConversationId,
    ) -> Result<GroupState, Refusal> {
        // no commit is stored while the place is held: what is read here is of one epoch
        let row = store.group(conversation).await?;
        let row = row.ok_or(Refusal::new(ErrorCode::NotMember))?;
        let known = self.live.take();
        let state = work(self.workers, move || {
            let (incarnation, epoch) = (row.incarnation, row.epoch);
            let live = match known.filter(|live| live.is_at(conversation, incarnation, epoch)) {
                Some(live) => live,
                None => Live::load(&row, conversation)?,
            };
            let tree = live.tree()?;
            *self.live = Some(live);
            Ok(GroupState {
                incarnation,
                epoch,
                seq: row.commit_seq,
                group_info: row.group_info.into(),
                tree: tree.into(),
            })
        })
        .await?;
        if state.group_info.len() + state.tree.len() + STATE_OVERHEAD > bounds::FRAME {
            return Err(Refusal::new(ErrorCode::TooLarge));
        }
        Ok(state)
    }
}

async fn work<T: Send + 'static>(
    workers: Workers,
    check: impl FnOnce() -> Result<T, Invalid> + Send + 'static,
) -> Result<T, Refusal> {
    match workers.run(check).await {
        Some(Ok(value)) => Ok(value),
        Some(Err(Invalid(reason))) => {
            tracing::debug!(reason, "refuse a commit");
            Err(Refusal::new(ErrorCode::InvalidCommit))
        }
        None => Err(Refusal::new(ErrorCode::Internal)),
    }
}
