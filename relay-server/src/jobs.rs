//! What the relay does by itself: writing cursors behind, and removing what is too old.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};

use crate::{
    node::Node,
    store::{Expiry, StreamRow, call},
};

/// Between two rounds of expiry.
const EXPIRY_INTERVAL: Duration = Duration::from_secs(60);
/// Between two steps of a round, so that messages come first.
const EXPIRY_PAUSE: Duration = Duration::from_millis(20);
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Writes cursors behind until the relay stops.
pub(crate) async fn write_behind(node: Arc<Node>) {
    let mut ticks = interval(Duration::from_millis(node.config.timeouts.cursors.max(10)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = node.shutdown.cancelled() => return,
            _ = ticks.tick() => flush(&node).await,
        }
    }
}

/// Writes behind what there is.
pub(crate) async fn flush(node: &Node) {
    let behind = node.delivery.behind();
    if behind.cursors.is_empty() && behind.last_seen.is_empty() {
        return;
    }
    let outcome = call(|done| node.store.write_behind(behind.clone(), done)).await;
    node.store_answers.store(outcome.is_ok(), Ordering::Relaxed);
    if outcome.is_ok() {
        crate::KillPoint::CursorsWritten.reach();
        node.delivery.written(&behind);
    }
}

/// Removes what is too old, in small steps, until the relay stops.
pub(crate) async fn expire(node: Arc<Node>) {
    let mut rounds = interval(EXPIRY_INTERVAL);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // the first tick comes at once: not while everybody connects
    rounds.tick().await;
    loop {
        tokio::select! {
            biased;
            () = node.shutdown.cancelled() => return,
            _ = rounds.tick() => {
                round(&node, node.clock.settle()).await;
            }
        }
    }
}

async fn round(node: &Node, now: u64) {
    let retention = node.config.retention.clone();
    let mut request = Expiry {
        now,
        entries_before: now.saturating_sub(u64::from(retention.entries) * DAY_MS),
        client_ids_before: now.saturating_sub(u64::from(retention.client_ids) * DAY_MS),
        after: StreamRow(0),
    };
    while !node.shutdown.is_cancelled() {
        match call(|done| node.store.expire(request, done)).await {
            Ok(Some(after)) => request.after = after,
            Ok(None) => return,
            Err(refusal) => {
                tracing::warn!(code = ?refusal.code, "expire");
                return;
            }
        }
        tokio::time::sleep(EXPIRY_PAUSE).await;
    }
}
