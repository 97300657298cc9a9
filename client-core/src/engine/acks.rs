//! Acknowledgements: gathered for a moment, so that many entries cost one frame.

use std::{collections::BTreeMap, time::Duration};

use protocol::StreamId;

use crate::engine::Engine;

/// The longest wait until acknowledgements go out; at once when there is nothing else to do.
const ACK_DELAY: Duration = Duration::from_millis(100);
/// Entries after which acknowledgements go out whatever else there is to do.
const ACK_ENTRIES: usize = 64;

/// Acknowledgements that the relay has not got yet.
#[derive(Default)]
pub(super) struct Acks {
    cursors: BTreeMap<StreamId, u64>,
    entries: usize,
    pub(super) due: Option<Duration>,
}

impl Engine {
    pub(super) fn note_ack(&mut self, stream: StreamId, seq: u64, entries: usize) {
        let acked = self.acks.cursors.entry(stream).or_insert(seq);
        *acked = seq.max(*acked);
        self.acks.entries = self.acks.entries.saturating_add(entries);
        let due = self.seams.clock.monotonic().saturating_add(ACK_DELAY);
        self.acks.due.get_or_insert(due);
        if self.acks.entries >= ACK_ENTRIES {
            self.flush_acks();
        }
    }

    pub(super) fn flush_acks(&mut self) {
        let acks = std::mem::take(&mut self.acks);
        if self.session.is_online() {
            for (stream, seq) in acks.cursors {
                self.send(0, &protocol::Ack { stream, seq }.into());
                crate::KillPoint::Acknowledged.reach();
            }
        }
    }
}
