//! One relay process: what its sessions share.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicBool},
};

use ed25519_dalek::SigningKey;
use protocol::{
    ConversationId, Digest, ErrorCode, Key, Limits as WireLimits, News, Ready, Receipt, Refusal,
    RelayId, StreamId, bounds,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    clock::SteadyClock,
    config::Config,
    delivery::Delivery,
    environment::Environment,
    groups::Groups,
    limits::{Limits, SessionRates},
    presence::{Farewell, Presence},
    registry::Registry,
    session::{Session, Stream},
    store::{Attachment, Behind, MemberRow, Membership, Store, UNAVAILABLE, call},
    workers::Workers,
};

/// How often what a device may read is read again because one of its conversations changed meanwhile. Such changes are rare beside
/// the milliseconds that this takes; past it the device comes again: a block must not be passed over.
const ATTEMPTS: usize = 16;

/// One relay process.
pub(crate) struct Node {
    pub(crate) config: Config,
    pub(crate) relay_id: RelayId,
    pub(crate) identity_key: Key,
    pub(crate) identity_secret: SigningKey,
    pub(crate) tls_key: Option<Digest>,
    /// Verified against where there is no key, so that the work is the same.
    pub(crate) nobodys_key: Key,
    pub(crate) environment: Environment,
    /// The clock of the environment.
    pub(crate) clock: Arc<SteadyClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) workers: Workers,
    pub(crate) registry: Registry,
    pub(crate) delivery: Arc<Delivery>,
    pub(crate) presence: Arc<Presence>,
    pub(crate) groups: Groups,
    pub(crate) limits: Limits,
    pub(crate) session_rates: SessionRates,
    pub(crate) shutdown: CancellationToken,
    /// Every connection, so that a drain can wait for them.
    pub(crate) connections: TaskTracker,
    pub(crate) store_answers: AtomicBool,
}

impl Node {
    /// Begins a registered session: `ready` first, then its streams from their cursors on.
    pub(crate) async fn attach(
        &self,
        session: &Arc<Session>,
        receipt: Receipt,
    ) -> Result<(), Refusal> {
        self.settle_what_came_before().await?;
        let attachment = self.read_what_it_may(session).await?;
        let mut streams = Vec::with_capacity(attachment.memberships.len());
        let mut entered = Vec::new();
        for membership in &attachment.memberships {
            let Some(own) = own(session, membership) else {
                continue;
            };
            let stream = Stream::new(
                membership.stream,
                own.cursor,
                membership.base,
                membership.last,
            )
            .within(own.span());
            streams.push((membership.conversation, stream));
            if own.welcome <= attachment.cursor {
                entered.extend(self.delivery.conversation(membership.conversation));
            }
        }
        let ready = Ready {
            sent: attachment.sent,
            manifest: attachment.manifest,
            limits: self.wire_limits(),
            time: self.environment.clock.now(),
            news: news(session, &attachment),
            key_packages: attachment.key_packages,
            receipt: Some(receipt),
        };
        session.send(0, &ready.into());
        let inbox = Stream::new(
            attachment.inbox,
            attachment.cursor,
            attachment.base,
            attachment.last,
        );
        session.with_push(|push| push.attach(inbox, streams));
        let account = session.identity.account;
        let delivered = entered
            .iter()
            .filter_map(|conversation| Some((conversation.id, conversation.tell(account)?)));
        for (conversation, seq) in delivered.take(bounds::NEWS) {
            session.delivered(conversation, seq);
        }
        if session.announces() {
            let conversations: Vec<_> = attachment
                .memberships
                .iter()
                .map(|it| it.conversation)
                .collect();
            self.presence
                .arrive(&self.delivery, session, &conversations);
        }
        session.wake();
        Ok(())
    }

    /// Waits until what older connections left in the store's queue is written or refused. `ready` says how many entries the relay
    /// took from the device: one that comes in later would be sealed with keys that a device which went back in time uses again.
    async fn settle_what_came_before(&self) -> Result<(), Refusal> {
        match call(|done| self.store.write_behind(Behind::default(), done)).await {
            // nobody knows what is in the queue
            Err(refusal) if refusal == UNAVAILABLE => Err(refusal),
            // what it was written together with was refused: that is settled as well
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Reads what the session's device may read, and lets the session follow it.
    async fn read_what_it_may(&self, session: &Arc<Session>) -> Result<Attachment, Refusal> {
        let _arriving = self.delivery.arrive();
        let mut followed = Vec::new();
        let outcome = self.follow_what_is_read(session, &mut followed).await;
        // one that ended meanwhile is not followed for ever
        let current: BTreeSet<_> = outcome
            .iter()
            .flat_map(|attachment| &attachment.memberships)
            .map(|membership| membership.conversation)
            .collect();
        for conversation in followed.into_iter().filter(|id| !current.contains(id)) {
            self.delivery.unfollow(session, conversation);
        }
        outcome
    }

    /// Reads until nothing of it changed since it was read. `followed` gets what is followed then, and what was meanwhile.
    async fn follow_what_is_read(
        &self,
        session: &Arc<Session>,
        followed: &mut Vec<ConversationId>,
    ) -> Result<Attachment, Refusal> {
        let device = session.identity.device_row;
        for _ in 0..ATTEMPTS {
            let changes = self.delivery.changes();
            let now = self.environment.clock.now();
            let mut attachment = self.store.attachment(device, now).await?;
            if attachment.revoked {
                return Err(Refusal::new(ErrorCode::Revoked));
            }
            attachment.cursor = attachment.cursor.max(self.delivery.inbox_cursor(device));
            for membership in &mut attachment.memberships {
                self.delivery.follow(session, membership, changes);
                followed.push(membership.conversation);
            }
            if !self.delivery.have_changed(followed, changes) {
                return Ok(attachment);
            }
        }
        Err(UNAVAILABLE)
    }

    /// Ends a session.
    pub(crate) fn detach(&self, session: &Arc<Session>) {
        self.registry.remove(session);
        let conversations: Vec<ConversationId> =
            session.with_push(|push| push.conversations().collect());
        for conversation in &conversations {
            self.delivery.unfollow(session, *conversation);
        }
        self.presence
            .depart(&self.delivery, session, conversations, Farewell::Grace);
    }

    fn wire_limits(&self) -> WireLimits {
        WireLimits {
            frame: u32::try_from(bounds::FRAME).unwrap_or(u32::MAX),
            entry: u32::try_from(bounds::ENTRY).unwrap_or(u32::MAX),
            batch: u16::try_from(bounds::BATCH).unwrap_or(u16::MAX),
            window_entries: self.config.connections.window_entries,
            window_bytes: self.config.connections.window_bytes,
            ping: u16::try_from(self.config.timeouts.ping.div_ceil(1000)).unwrap_or(u16::MAX),
            retention: self.config.retention.entries,
            key_packages: self.config.quotas.key_packages,
        }
    }
}

fn own<'a>(session: &Session, membership: &'a Membership) -> Option<&'a MemberRow> {
    membership
        .members
        .iter()
        .find(|member| member.device == session.identity.device)
}

/// The streams with entries past the device's cursor, newest activity first.
fn news(session: &Session, attachment: &Attachment) -> Vec<News> {
    let inbox = (
        attachment.time,
        News {
            stream: StreamId::Inbox,
            last: attachment.last,
            base: attachment.base,
        },
    );
    let mut news = Vec::new();
    if attachment.last > attachment.cursor {
        news.push(inbox);
    }
    for membership in &attachment.memberships {
        let Some(own) = own(session, membership) else {
            continue;
        };
        let open = own.span().open_until(attachment.cursor).unwrap_or(0);
        let last = open.min(membership.last);
        if last > own.cursor {
            let stream = StreamId::Conversation(membership.conversation);
            news.push((
                membership.time,
                News {
                    stream,
                    last,
                    base: membership.base,
                },
            ));
        }
    }
    news.sort_by_key(|(time, _)| std::cmp::Reverse(*time));
    news.into_iter()
        .map(|(_, news)| news)
        .take(bounds::NEWS)
        .collect()
}
