//! Who is connected, as contacts may know it: accounts with at least one session that announces itself.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use protocol::{AccountId, ConversationId, Presence as PresenceFrame};
use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::{
    delivery::{Conversation, Delivery},
    environment::Clock,
    session::Session,
    store::AccountRow,
};

/// The accounts that contacts see.
pub(crate) struct Presence {
    grace: Duration,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    departed: Notify,
}

#[derive(Default)]
struct State {
    accounts: HashMap<AccountId, Visible>,
    /// Drops whose grace runs, in the order in which it ends.
    leaving: VecDeque<Leaving>,
}

struct Visible {
    sessions: usize,
    /// Distinguishes a drop from an earlier one that was made good.
    drop: u64,
}

struct Leaving {
    account: AccountId,
    account_row: AccountRow,
    drop: u64,
    at: Instant,
    last_seen: u64,
    conversations: Vec<ConversationId>,
}

/// Whether a drop may still be made good.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// The connection dropped: wait a little.
    Grace,
    /// The person hides: at once.
    Now,
}

impl Presence {
    pub(crate) fn new(grace: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            grace,
            clock,
            state: Mutex::default(),
            departed: Notify::new(),
        }
    }

    /// A session that announces itself arrived. Tells the contacts if the account was not visible before, and tells the
    /// session of its contacts.
    pub(crate) fn arrive(
        &self,
        delivery: &Delivery,
        session: &Session,
        conversations: &[ConversationId],
    ) {
        if session.set_shown(true) {
            return;
        }
        let account = session.identity.account;
        let appeared = {
            let mut state = self.lock();
            let known = state.accounts.contains_key(&account);
            let visible = state.accounts.entry(account).or_insert(Visible {
                sessions: 0,
                drop: 0,
            });
            visible.sessions += 1;
            !known
        };
        for conversation in conversations
            .iter()
            .filter_map(|id| delivery.conversation(*id))
        {
            if appeared {
                let presence = PresenceFrame {
                    account,
                    connected: true,
                    last_seen: None,
                };
                conversation
                    .sessions_of_others(account)
                    .iter()
                    .for_each(|other| other.presence(presence.clone()));
            }
            self.tell_of_contacts(session, &conversation);
            conversation.hand_kept(session);
        }
    }

    /// The accounts of a conversation may see each other from now on: tells those that are connected.
    pub(crate) fn introduce(&self, conversation: &Conversation) {
        for session in conversation.sessions() {
            self.tell_of_contacts(&session, conversation);
        }
    }

    /// The accounts of a conversation may see each other no more: to each the others are gone.
    pub(crate) fn part(&self, conversation: &Conversation) {
        let sessions = conversation.sessions();
        let gone = self.clock.now();
        for session in &sessions {
            let own = session.identity.account;
            let others = sessions.iter().map(|other| other.identity.account);
            for account in others.filter(|other| *other != own && self.is_visible(*other)) {
                session.presence(PresenceFrame {
                    account,
                    connected: false,
                    last_seen: Some(gone),
                });
            }
        }
    }

    fn tell_of_contacts(&self, session: &Session, conversation: &Conversation) {
        for (contact, last_seen) in conversation.contacts(session.identity.account) {
            if self.is_visible(contact) {
                session.presence(PresenceFrame {
                    account: contact,
                    connected: true,
                    last_seen: None,
                });
            } else if last_seen > 0 {
                session.presence(PresenceFrame {
                    account: contact,
                    connected: false,
                    last_seen: Some(last_seen),
                });
            }
        }
    }

    /// A session that announced itself is gone or hides.
    pub(crate) fn depart(
        &self,
        delivery: &Delivery,
        session: &Session,
        conversations: Vec<ConversationId>,
        farewell: Farewell,
    ) {
        if !session.set_shown(false) {
            return;
        }
        let account = session.identity.account;
        let mut state = self.lock();
        let Some(visible) = state.accounts.get_mut(&account) else {
            return;
        };
        visible.sessions = visible.sessions.saturating_sub(1);
        if visible.sessions > 0 {
            return;
        }
        visible.drop += 1;
        let leaving = Leaving {
            account,
            account_row: session.identity.account_row,
            drop: visible.drop,
            at: Instant::now() + self.grace,
            last_seen: self.clock.now(),
            conversations,
        };
        match farewell {
            Farewell::Grace => {
                state.leaving.push_back(leaving);
                drop(state);
                self.departed.notify_one();
            }
            Farewell::Now => {
                drop(state);
                self.disappear(delivery, &leaving);
            }
        }
    }

    /// Waits out the grace of drops, for ever.
    pub(crate) async fn run(&self, delivery: &Delivery) {
        loop {
            let next = self.lock().leaving.front().map(|leaving| leaving.at);
            match next {
                None => self.departed.notified().await,
                Some(at) => {
                    sleep_until(at).await;
                    let leaving = self.lock().leaving.pop_front();
                    if let Some(leaving) = leaving {
                        self.disappear(delivery, &leaving);
                    }
                }
            }
        }
    }

    fn is_visible(&self, account: AccountId) -> bool {
        self.lock().accounts.contains_key(&account)
    }

    /// Unless it came back: forgets the account and tells its contacts.
    fn disappear(&self, delivery: &Delivery, leaving: &Leaving) {
        {
            let mut state = self.lock();
            let gone = |visible: &Visible| visible.sessions == 0 && visible.drop == leaving.drop;
            if !state.accounts.get(&leaving.account).is_some_and(gone) {
                return;
            }
            state.accounts.remove(&leaving.account);
        }
        delivery.seen(leaving.account_row, leaving.last_seen);
        let presence = PresenceFrame {
            account: leaving.account,
            connected: false,
            last_seen: Some(leaving.last_seen),
        };
        for conversation in leaving
            .conversations
            .iter()
            .filter_map(|id| delivery.conversation(*id))
        {
            for session in conversation.sessions_of_others(leaving.account) {
                session.presence(presence.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
