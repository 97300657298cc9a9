use std::collections::{BTreeMap, BTreeSet};

use client_core::Event as Change;

use crate::dto::{BackupTrouble, Connection, ConversationKey, Event, Me, MessageId};

/// Changed messages that are remembered one by one. Beyond that nobody listens, and whoever comes reads everything.
pub(super) const MOST_MESSAGES: usize = 10_000;

/// Events that wait, each thing once.
#[derive(Default)]
pub(super) struct Pending {
    conversations: BTreeSet<ConversationKey>,
    messages: BTreeMap<ConversationKey, BTreeMap<MessageId, Fate>>,
    count: usize,
    search_indexed: bool,
    connection: Option<Connection>,
    me: Option<Me>,
    backup: Option<Option<BackupTrouble>>,
    failed: bool,
    damaged: bool,
    link: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Changed,
    Removed,
}

impl Pending {
    pub(super) fn add(&mut self, change: Change) {
        match change {
            Change::ConversationChanged(key) => {
                self.conversations.insert(key.into());
            }
            Change::MessageChanged(key, id) => {
                self.message(key.into(), MessageId(id), Fate::Changed)
            }
            Change::MessageRemoved(key, id) => {
                self.message(key.into(), MessageId(id), Fate::Removed)
            }
            Change::SearchIndexed => self.search_indexed = true,
            // what it is now is told by [`Pending::me`]
            Change::MeChanged => {}
            Change::DatabaseDamaged => self.damaged = true,
            Change::ConnectionChanged(connection) => self.connection = Some(connection.into()),
        }
    }

    pub(super) fn me(&mut self, me: Me) {
        self.me = Some(me);
    }

    pub(super) fn backup(&mut self, trouble: Option<BackupTrouble>) {
        self.backup = Some(trouble);
    }

    pub(super) fn engine_failed(&mut self) {
        self.failed = true;
    }

    pub(super) fn open_link(&mut self, text: String) {
        self.link = Some(text);
    }

    fn message(&mut self, key: ConversationKey, id: MessageId, fate: Fate) {
        if self.count >= MOST_MESSAGES {
            return;
        }
        if self
            .messages
            .entry(key)
            .or_default()
            .insert(id, fate)
            .is_none()
        {
            self.count = self.count.saturating_add(1);
        }
    }

    /// Everything that waits: data first, then the link.
    pub(super) fn take(&mut self) -> Vec<Event> {
        let all = std::mem::take(self);
        let mut events = Vec::new();
        if !all.conversations.is_empty() {
            events.push(Event::ConversationsChanged {
                keys: all.conversations.into_iter().collect(),
            });
        }
        for (conversation, messages) in all.messages {
            let with = |wanted| {
                messages
                    .iter()
                    .filter(|(_, fate)| **fate == wanted)
                    .map(|(id, _)| *id)
                    .collect::<Vec<_>>()
            };
            let (removed, changed) = (with(Fate::Removed), with(Fate::Changed));
            if !removed.is_empty() {
                events.push(Event::MessagesRemoved {
                    conversation,
                    ids: removed,
                });
            }
            if !changed.is_empty() {
                events.push(Event::MessagesChanged {
                    conversation,
                    ids: changed,
                });
            }
        }
        if all.search_indexed {
            events.push(Event::SearchIndexed);
        }
        events.extend(
            all.connection
                .map(|connection| Event::ConnectionChanged { connection }),
        );
        if all.damaged {
            events.push(Event::DatabaseDamaged);
        }
        events.extend(all.me.map(|me| Event::MeChanged { me }));
        let backup = all.backup;
        events.extend(backup.map(|trouble| Event::BackupTroubleChanged { trouble }));
        if all.failed {
            events.push(Event::EngineFailed);
        }
        events.extend(all.link.map(|text| Event::LinkOpened { text }));
        events
    }
}
