//! From client-core to the page: what changed goes out through one channel, in few words.
//!
//! Changes are merged until somebody listens, and while they come faster than a screen is drawn. A page that is loaded
//! again subscribes again; what the old one missed does not matter, since a new page reads everything.

mod pending;

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use client_core::{Event as Change, Notice, Notices, Oneself, model::Me};
use tauri::ipc::Channel;
use tokio::time;
use tracing::warn;

use self::pending::Pending;
use crate::dto::{BackupTrouble, Event};

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

    /// How the backup is.
    pub(crate) fn backup(&self, trouble: Option<BackupTrouble>) {
        self.change(|inner| inner.pending.backup(trouble));
    }

    /// The account's engine ended, and nobody stopped it.
    pub(crate) fn engine_failed(&self) {
        self.change(|inner| inner.pending.engine_failed());
    }

    /// Passes notices on until client-core ends.
    pub(crate) async fn forward(self: Arc<Self>, mut notices: Notices, oneself: Oneself) {
        // the engine may wait for its notices to be taken before it answers, so nothing here waits for the answer
        let mut asked = Asked::default();
        loop {
            tokio::select! {
                notice = notices.recv() => {
                    let Some(notice) = notice else { return };
                    if notice.events.contains(&Change::MeChanged) {
                        // an answer that is on its way may be older
                        asked.0 = Some(Box::pin({
                            let oneself = oneself.clone();
                            async move { oneself.ask().await }
                        }));
                    }
                    self.pass_on(notice);
                    // what changes meanwhile is collected and told once
                    time::sleep(FRAME).await;
                }
                me = &mut asked => {
                    asked.0 = None;
                    if let Some(me) = me {
                        self.change(|inner| inner.pending.me(me.into()));
                    }
                }
            }
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

/// A question to the engine, or none, which is never answered.
#[derive(Default)]
struct Asked(Option<Pin<Box<dyn Future<Output = Option<Me>> + Send>>>);

impl Future for Asked {
    type Output = Option<Me>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(question) => question.as_mut().poll(context),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests;
