//! The connections that read, on the relay's workers.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use rusqlite::{Connection, Result as SqlResult};
use tokio::sync::Semaphore;

use super::schema;
use crate::{
    store::{Reading, UNAVAILABLE},
    workers::Workers,
};

/// A few connections; who wants to read waits for one.
pub(super) struct Readers {
    free: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
    workers: Workers,
}

impl Readers {
    pub(super) fn open(path: &Path, count: usize, workers: Workers) -> anyhow::Result<Self> {
        let connections = (0..count)
            .map(|_| schema::open_for_reading(path))
            .collect::<SqlResult<Vec<_>>>()
            .context("open for reading")?;
        Ok(Self {
            free: Arc::new(Mutex::new(connections)),
            permits: Arc::new(Semaphore::new(count)),
            workers,
        })
    }

    /// Runs a query. A query that panics loses its connection's statements, not the connection.
    pub(super) fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> SqlResult<T> + Send + 'static,
    ) -> Reading<T> {
        let free = Arc::clone(&self.free);
        let permits = Arc::clone(&self.permits);
        let workers = self.workers;
        Box::pin(async move {
            let permit = permits.acquire_owned().await.map_err(|_| UNAVAILABLE)?;
            let outcome = workers.run(move || {
                let lease = Lease {
                    connection: take(&free),
                    free,
                };
                let outcome = lease.connection.as_ref().map(query);
                drop(lease);
                drop(permit);
                outcome
            });
            match outcome.await {
                Some(Some(Ok(value))) => Ok(value),
                Some(Some(Err(error))) => {
                    tracing::error!(%error, "read from the database");
                    Err(UNAVAILABLE)
                }
                Some(None) | None => Err(UNAVAILABLE),
            }
        })
    }
}

fn take(free: &Mutex<Vec<Connection>>) -> Option<Connection> {
    free.lock().unwrap_or_else(PoisonError::into_inner).pop()
}

/// Gives the connection back, also when the query panics.
struct Lease {
    connection: Option<Connection>,
    free: Arc<Mutex<Vec<Connection>>>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.free
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
    }
}
