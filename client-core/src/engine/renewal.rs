//! Renewing one's own leaf (RFC 9420 §9.1, §16.6), so that keys that leaked once do not open what is written for ever.
//!
//! Planned by the relay's time, jittered, only when online, and one at a time: never in a storm when the app starts.

use std::time::Duration;

use protocol::{Commit, ErrorCode, Frame, Opaque, Refusal, StreamId, decode_frame, encode_frame};
use tracing::{debug, error, info, warn};

use crate::{
    crypto::Mls,
    engine::{Engine, ids::Ids, members, opening::Accepted, requests::Request},
    error::{ErrorKind, Result},
    model::ConversationKey,
    store::{
        self, WriteTransaction,
        commits::{self, Renewal},
        conversations::{self, ConversationRow},
        openings, streams,
    },
};

const MINUTE: u64 = 60 * 1000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// When the first renewal after joining is due: between these.
const FIRST: (u64, u64) = (5 * MINUTE, DAY);
/// When the next one is due.
const NEXT: (u64, u64) = (6 * DAY, 8 * DAY);
/// When one that lost is tried again.
const AGAIN: (u64, u64) = (MINUTE, 10 * MINUTE);
/// Entries after which a leaf is renewed whatever the time.
const MOST_ENTRIES: u32 = 500;
/// The pause between two renewals, and between looks at the plan.
const PAUSE: Duration = Duration::from_secs(2);

impl Engine {
    /// Plans the renewals of conversations that have no plan, and looks when the next is due.
    pub(super) fn plan_renewals(&mut self) -> Result<()> {
        let unplanned = conversations::without_renewal(self.database.connection())?;
        if !unplanned.is_empty() {
            let now = self.relay_time();
            let ids = Ids::draw(self.seams.random.as_mut())?;
            self.write(|write| {
                unplanned.iter().try_for_each(|key| {
                    conversations::plan_renewal(write, *key, Some(between(now, FIRST, &ids)))
                })
            })?;
        }
        let next = conversations::next_renewal(self.database.connection(), MOST_ENTRIES)?;
        let now = self.relay_time();
        self.renewal_due = next.map(|at| {
            self.seams
                .clock
                .monotonic()
                .saturating_add(Duration::from_millis(at.saturating_sub(now)).max(PAUSE))
        });
        Ok(())
    }

    /// Nothing is sent before a renewal that nobody may have planned: a request is accepted, or proves to be none, at any time.
    pub(super) fn hasten_renewal(&mut self) {
        let soon = self.seams.clock.monotonic().saturating_add(PAUSE);
        self.renewal_due = Some(self.renewal_due.map_or(soon, |due| due.min(soon)));
    }

    /// Renews one leaf, if one is due.
    pub(super) fn renew_due(&mut self) -> Result<()> {
        let monotonic = self.seams.clock.monotonic();
        if !self.session.is_online() || self.renewal_due.is_none_or(|due| due > monotonic) {
            return Ok(());
        }
        self.plan_renewals()?;
        let now = self.relay_time();
        let connection = self.database.connection();
        let Some(key) = conversations::renewal_due(connection, now, MOST_ENTRIES)? else {
            return Ok(());
        };
        self.renew_unless_busy(key)
    }

    /// Renews a leaf after so many entries, between two requests: under a flow of messages there is no other moment.
    pub(super) fn renew_worn(&mut self, key: ConversationKey) -> Result<()> {
        if conversations::is_worn(self.database.connection(), key, MOST_ENTRIES)? {
            self.renew_unless_busy(key)?;
        }
        Ok(())
    }

    fn renew_unless_busy(&mut self, key: ConversationKey) -> Result<()> {
        let connection = self.database.connection();
        let row = conversations::row(connection, key)?;
        let waits = commits::renewal(connection, key)?.is_some()
            || commits::rejoin(connection, row.conversation)?.is_some()
            || openings::load(connection, key)?.is_some();
        let busy = self.in_flight(|request| {
            matches!(request, Request::Renew { .. })
                || matches!(request, Request::Append { conversation, .. } if *conversation == key)
        });
        if waits || busy {
            return Ok(());
        }
        self.renew(key)
    }

    fn renew(&mut self, key: ConversationKey) -> Result<()> {
        let now = self.relay_time();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let Self {
            database,
            keys,
            seams,
            account,
            ..
        } = self;
        let made = database.write(|write| {
            let row = conversations::row(write.connection(), key)?;
            let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
            let group = mls.load(row.conversation, row.incarnation)?;
            let Some(mut group) = group else {
                commits::want_rejoin(write, row.conversation, ids.client_id())?;
                return Ok(None);
            };
            if !group.is_active()? {
                conversations::plan_renewal(write, key, Some(u64::MAX))?;
                return Ok(None);
            }
            if group.has_pending()? {
                // of a life that ended before its request was stored
                group.clear_pending()?;
            }
            let dead = members::dead(&group.members()?, &account.manifest);
            let commit = if dead.is_empty() {
                group.self_update()?
            } else {
                group.remove(&dead)?
            };
            let client_id = ids.client_id();
            let frame: Frame = Commit {
                conversation: row.conversation,
                incarnation: row.incarnation,
                epoch: commit.epoch,
                client_id,
                commit: Opaque::from(commit.commit),
                welcomes: Vec::new(),
                group_info: Opaque::from(commit.group_info),
            }
            .into();
            let request = Some(encode_frame(0, &frame));
            commits::save_renewal(
                write,
                &Renewal {
                    key,
                    client_id,
                    request,
                },
            )?;
            store::account::count_sent(write, 1)?;
            crate::KillPoint::RenewalBeforeCommit.reach();
            Ok(Some(frame))
        });
        match made {
            Ok((frame, events)) => {
                self.events.extend(events);
                let Some(frame) = frame else {
                    // there is no group to renew the leaf in
                    return self.resume_commits();
                };
                crate::KillPoint::RenewalAfterCommit.reach();
                debug!("renewing the own leaf of a conversation");
                self.request(Request::Renew { conversation: key }, &frame);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Crypto => {
                error!(%error, "a leaf could not be renewed");
                if self.leave_if_unreadable(key)? {
                    return Ok(());
                }
                self.plan_again(key)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends the stored requests again that have no answer yet.
    pub(super) fn resume_renewals(&mut self) -> Result<()> {
        for renewal in commits::renewals(self.database.connection())? {
            let key = renewal.key;
            let busy = self.in_flight(|request| {
                matches!(request, Request::Renew { conversation } if *conversation == key)
            });
            if busy {
                continue;
            }
            match renewal.request.as_deref().map(decode_frame) {
                Some(Ok((_, frame))) => self.request(Request::Renew { conversation: key }, &frame),
                _ => {
                    error!("a stored commit cannot be read");
                    self.drop_renewal(key)?;
                }
            }
        }
        Ok(())
    }

    /// The relay accepted our commit.
    pub(super) fn renewed(&mut self, key: ConversationKey, accepted: Accepted) -> Result<()> {
        let connection = self.database.connection();
        let stream = StreamId::Conversation(conversations::row(connection, key)?.conversation);
        if streams::cursor(connection, stream)?.saturating_add(1) < accepted.seq {
            // what others wrote before is on its way: the epoch ends when our commit comes in the stream
            return Ok(());
        }
        let now = self.relay_time();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write_mls(|write, mls| {
            if commits::renewal(write.connection(), key)?.is_none() {
                // the echo came first
                return Ok(());
            }
            let row = conversations::row(write.connection(), key)?;
            complete(write, mls, &row, now, &ids)
        })?;
        self.plan_renewals()?;
        self.pump()
    }

    /// The relay did not take it. Another commit was first, or nothing is lost but time.
    pub(super) fn renewal_refused(
        &mut self,
        key: ConversationKey,
        refusal: &Refusal,
    ) -> Result<()> {
        info!(code = ?refusal.code, "a leaf was not renewed");
        self.drop_renewal(key)?;
        if refusal.code == ErrorCode::NotMember {
            let ids = Ids::draw(self.seams.random.as_mut())?;
            self.write(|write| {
                let row = conversations::row(write.connection(), key)?;
                commits::want_rejoin(write, row.conversation, ids.client_id())
            })?;
            self.resume_commits()?;
        }
        self.pump()
    }

    fn drop_renewal(&mut self, key: ConversationKey) -> Result<()> {
        self.write_mls(|write, mls| {
            let renewal = commits::renewal(write.connection(), key)?;
            commits::delete_renewal(write, key)?;
            let row = conversations::row(write.connection(), key)?;
            let request = renewal.and_then(|renewal| renewal.request);
            let Some(Ok((_, Frame::Commit(commit)))) = request.as_deref().map(decode_frame) else {
                return Ok(());
            };
            if let Some(mut group) = mls.load(row.conversation, commit.incarnation)?
                // the winner's commit, once processed, dropped ours
                && group.epoch()? == commit.epoch
                && group.has_pending()?
            {
                group.clear_pending()?;
            }
            Ok(())
        })?;
        self.plan_again(key)
    }

    fn plan_again(&mut self, key: ConversationKey) -> Result<()> {
        let now = self.relay_time();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.write(|write| {
            conversations::plan_renewal(write, key, Some(between(now, AGAIN, &ids)))
        })?;
        self.plan_renewals()
    }
}

/// Our commit won: the group enters the epoch that it begins.
pub(super) fn complete(
    write: &WriteTransaction<'_>,
    mls: &Mls<'_>,
    row: &ConversationRow,
    now: u64,
    ids: &Ids,
) -> Result<()> {
    commits::delete_renewal(write, row.key)?;
    let Some(mut group) = mls.load(row.conversation, row.incarnation)? else {
        warn!("a renewed group is lost: this device comes back from outside");
        return commits::want_rejoin(write, row.conversation, ids.client_id());
    };
    group.merge_pending()?;
    // a removal removes all that there are
    conversations::set_dead(write, row.key, false)?;
    conversations::plan_renewal(write, row.key, Some(between(now, NEXT, ids)))?;
    crate::KillPoint::RenewedBeforeCommit.reach();
    Ok(())
}

/// A time that lies so much later: uniform between two bounds.
fn between(now: u64, (least, most): (u64, u64), ids: &Ids) -> u64 {
    let random = u64::from(u32::from_be_bytes(ids.array()));
    let span = most.saturating_sub(least);
    let part = span.saturating_mul(random) >> 32;
    now.saturating_add(least).saturating_add(part)
}
