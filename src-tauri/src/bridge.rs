//! From client-core to the page: what changed goes out through one channel, in few words.
//!
//! Changes are merged until somebody listens, and while they come faster than a screen is drawn. A page that is loaded
//! again subscribes again; what the old one missed does not matter, since a new page reads everything.

mod pending;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use client_core::{Notice, Notices};
use tauri::ipc::Channel;
use tokio::time;
use tracing::warn;

use self::pending::Pending;
use crate::dto::Event;

/// A screen is drawn this often.
const FRAME: Duration = Duration::from_millis(16);

/// The way to the page.
#[derive(Default)]
pub(crate) struct Bridge {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    page: Option<Channel<Event>>,
    pending: Pending,
}

impl Bridge {
    /// Sends to this page from now on, beginning with what has waited.
    pub(crate) fn subscribe(&self, page: Channel<Event>) {
        self.change(|inner| inner.page = Some(page));
    }

    /// The person opened a link outside of the window.
    pub(crate) fn open_link(&self, text: String) {
        self.change(|inner| inner.pending.open_link(text));
    }

    /// Passes notices on until client-core ends.
    pub(crate) async fn forward(self: Arc<Self>, mut notices: Notices) {
        while let Some(notice) = notices.recv().await {
            self.pass_on(notice);
            // what changes meanwhile is collected and told once
            time::sleep(FRAME).await;
        }
    }

    fn pass_on(&self, notice: Notice) {
        self.change(|inner| {
            notice
                .events
                .into_iter()
                .for_each(|event| inner.pending.add(event))
        });
    }

    fn change(&self, change: impl FnOnce(&mut Inner)) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut inner);
        let Inner { page, pending } = &mut *inner;
        if let Some(channel) = page {
            let sent = pending
                .take()
                .into_iter()
                .try_for_each(|event| channel.send(event));
            if let Err(error) = sent {
                warn!(%error, "the page does not listen any more");
                *page = None;
            }
        }
    }
}

#[cfg(test)]
mod tests;
