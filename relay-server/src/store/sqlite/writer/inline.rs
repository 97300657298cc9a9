//! The writer as a task instead of a thread.

use std::{
    sync::{Arc, mpsc::TryRecvError},
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::Notify;

use super::{Limits, Worker, Writer};
use crate::{environment::Environment, inline::DiskMoment, store::CompletionSink};

/// How long the disk takes.
pub(crate) type Disk = Box<dyn FnMut(DiskMoment) -> Duration + Send>;

/// Writes what is queued, whenever it is polled. Dropped, it writes nothing more, as if the process had been killed.
pub(crate) struct WriterTask {
    worker: Worker,
    bell: Arc<Notify>,
}

impl Writer {
    /// A queue whose other end is a task.
    pub(in crate::store::sqlite) fn start_inline(
        connection: Connection,
        capacity: usize,
        limits: Limits,
        environment: Environment,
        sink: CompletionSink,
    ) -> (Self, WriterTask) {
        let (sender, worker) = Worker::new(connection, capacity, limits, environment, sink);
        let bell = Arc::new(Notify::new());
        let writer = Self {
            queue: Some(sender),
            thread: None,
            bell: Some(Arc::clone(&bell)),
        };
        (writer, WriterTask { worker, bell })
    }
}

impl WriterTask {
    /// Writes until the queue is gone. What queues while the disk is at work joins the next transaction.
    pub(crate) async fn run(mut self, mut disk: Disk) {
        loop {
            match self.worker.queue.try_recv() {
                Ok(first) => {
                    tokio::time::sleep(disk(DiskMoment::Begins)).await;
                    self.worker.turn(first);
                    tokio::time::sleep(disk(DiskMoment::Written)).await;
                }
                Err(TryRecvError::Empty) => self.bell.notified().await,
                Err(TryRecvError::Disconnected) => return,
            }
        }
    }
}
