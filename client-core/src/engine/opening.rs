//! Opening the direct conversation with a contact: claim its key packages, found the group, ask the relay to make it.
//!
//! What is kept is the intent; the group and the request are built from it, stored in one transaction, and sent unchanged
//! until the relay answers. Only the relay's word decides: accepted means merge, another conversation means ours is dropped.

use protocol::{
    ClaimKeyPackages, Claimed, ConversationId, CreateConversation, Digest, Frame, LinkSecret,
    Opaque, StreamId, Welcome, bounds, decode_frame, encode_frame, identity::Manifest,
};
use tracing::{error, warn};

use crate::{
    content::{self, Content},
    crypto::{AccountKeys, Mls, PeerDevices},
    engine::{
        Engine,
        ids::Ids,
        notes::{line, tell},
        requests::Request,
    },
    error::{Error, ErrorKind, Result},
    model::{ConversationKey, ConversationState, MessageKind, Standing, SystemEvent},
    store::{
        self, WriteTransaction, commits, contacts,
        conversations::{self, ConversationRow, Unread},
        links,
        messages::NewMessage,
        openings::{self, Opening},
        outbox::{self, Place},
        requests, streams,
    },
};

/// A relay that was restored from a backup leaves out twice as many positions at least (PROTOCOL.md, section 5.9), counted from
/// what the backup holds, behind which somebody may have read: a declared gap, in which nothing was.
pub(super) const DECLARED_GAP: u64 = 1 << 31;
/// Messages that go from a lost conversation into another; more were not written to somebody who got none of them.
const MOST_LOST: u32 = 1_000;
impl Engine {
    /// Goes on with every intent, a few at a time: after each connection, when one is added, and with each answer.
    pub(super) fn resume_openings(&mut self) -> Result<()> {
        let is_one =
            |request: &Request| matches!(request, Request::Claim { .. } | Request::Create { .. });
        for opening in openings::all(self.database.connection())? {
            if self.room_for(is_one) == 0 {
                break;
            }
            self.resume_opening(&opening)?;
        }
        Ok(())
    }

    fn resume_opening(&mut self, opening: &Opening) -> Result<()> {
        let key = opening.conversation;
        let busy = self.in_flight(|request| {
            matches!(request, Request::Claim { conversation } | Request::Create { conversation } if *conversation == key)
        });
        let row = conversations::row(self.database.connection(), key)?;
        // perhaps the relay made it before this database forgot: then there is a way in
        let enters = opening.incarnation == 0
            && commits::rejoin(self.database.connection(), row.conversation)?.is_some();
        if busy || enters || !self.session.is_online() || self.is_held(key)? {
            return Ok(());
        }
        match &opening.request {
            Some(bytes) => match decode_frame(bytes) {
                Ok((_, frame)) => self.request(Request::Create { conversation: key }, &frame),
                Err(error) => {
                    error!(%error, "a stored creation cannot be read");
                    self.refuse_opening(key)?;
                }
            },
            None => {
                let frame = ClaimKeyPackages {
                    account: row.peer,
                    client_id: opening.claim_id,
                };
                self.request(Request::Claim { conversation: key }, &frame.into());
            }
        }
        Ok(())
    }

    /// The key packages are there: found the group and ask the relay to make the conversation.
    pub(super) fn claimed(&mut self, key: ConversationKey, claimed: &Claimed) -> Result<()> {
        crate::KillPoint::Claimed.reach();
        let now = self.relay_time();
        let Self {
            database,
            keys,
            seams,
            ..
        } = self;
        let founded = database.write(|write| {
            let Some(opening) = openings::load(write.connection(), key)? else {
                return Ok(None);
            };
            let row = conversations::row(write.connection(), key)?;
            let manifest = Manifest::open(&claimed.manifest.0).map_err(|error| {
                Error::new(ErrorKind::Crypto, format!("manifest of a contact: {error}"))
            })?;
            if manifest.account() != row.peer {
                return Err(Error::new(
                    ErrorKind::Crypto,
                    "the relay showed the manifest of another account",
                ));
            }
            contacts::save_manifest(write, &manifest, &claimed.manifest.0)?;
            let packages = claimed
                .packages
                .iter()
                .map(|package| (package.device, package.bytes.0.to_vec()))
                .collect();
            let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
            let founded = mls.found_direct(
                row.conversation,
                opening.incarnation,
                &[PeerDevices { manifest, packages }],
            )?;
            let frame: Frame = CreateConversation {
                conversation: row.conversation,
                peer: row.peer,
                // an invite's use was spent by our registration; a contact link's is spent now
                token: opening
                    .secret
                    .as_ref()
                    .filter(|_| !opening.invited)
                    .map(LinkSecret::token),
                founding: founded.founding.into(),
                client_id: opening.client_id,
                commit: founded.commit.into(),
                welcomes: founded
                    .welcomes
                    .into_iter()
                    .map(|welcome| Welcome {
                        device: welcome.device,
                        bytes: Opaque::from(welcome.bytes),
                    })
                    .collect(),
                group_info: founded.group_info.into(),
                incarnation: (opening.incarnation > 0).then_some(opening.incarnation),
            }
            .into();
            let bytes = encode_frame(0, &frame);
            if bytes.len() > bounds::FRAME {
                return Err(Error::new(
                    ErrorKind::Crypto,
                    "too many devices for one creation",
                ));
            }
            openings::set_request(write, key, &bytes)?;
            store::account::count_sent(write, 1)?;
            crate::KillPoint::FoundedBeforeCommit.reach();
            Ok(Some(frame))
        });
        match founded {
            Ok((Some(frame), events)) => {
                crate::KillPoint::FoundedAfterCommit.reach();
                self.events.extend(events);
                self.request(Request::Create { conversation: key }, &frame);
                Ok(())
            }
            Ok((None, _)) => Ok(()),
            Err(error) if error.kind() == ErrorKind::Crypto => {
                // what the relay showed does not hold: nothing is made with it, and the person sees that it failed
                warn!(%error, "a conversation could not be opened");
                self.compare_claimed(key, &claimed.manifest.0)?;
                self.refuse_opening(key)
            }
            Err(error) => Err(error),
        }
    }

    /// The relay made the conversation, by its answer or by the echo of our commit, whichever comes first.
    pub(super) fn created(&mut self, key: ConversationKey, accepted: Accepted) -> Result<()> {
        match self.complete_opening(key, accepted) {
            Err(error) if error.kind() == ErrorKind::Crypto => {
                error!(%error, "a conversation that the relay made cannot be entered");
                self.hold_longer(key, None)
            }
            outcome => outcome,
        }
    }

    fn complete_opening(&mut self, key: ConversationKey, accepted: Accepted) -> Result<()> {
        let now = self.relay_time();
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let Self {
            database,
            keys,
            seams,
            account,
            ..
        } = self;
        let ((), events) = database.write(|write| {
            let Some(opening) = openings::load(write.connection(), key)? else {
                return Ok(());
            };
            let row = conversations::row(write.connection(), key)?;
            let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
            let founder = Founder {
                keys,
                name: &account.name,
                manifest: &account.manifest,
                ids: &ids,
            };
            complete(write, &mls, &row, &opening, &founder, accepted)
        })?;
        crate::KillPoint::CreatedAfterCommit.reach();
        self.events.extend(events);
        let row = conversations::row(self.database.connection(), key)?;
        self.setbacks.remove(&row.conversation);
        self.plan_renewals()?;
        self.pump()
    }

    /// Marks the conversation as refused, drops its group and parks what was written in it. A new link is a new attempt.
    pub(super) fn refuse_opening(&mut self, key: ConversationKey) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        self.exists_refusals.remove(&key);
        self.write_mls(|write, mls| {
            let Some(opening) = openings::load(write.connection(), key)? else {
                return Ok(());
            };
            let row = conversations::row(write.connection(), key)?;
            uncount(write, &opening)?;
            openings::delete(write, key)?;
            if let Some(mut group) = mls.load(row.conversation, opening.incarnation)? {
                group.delete()?;
            }
            if opening.incarnation > 0 {
                // the conversation is still there: another way into it is looked for
                return commits::want_rejoin(write, row.conversation, ids.client_id());
            }
            let refused = ConversationState::Refused;
            conversations::set_state(write, key, row.conversation, row.incarnation, refused)?;
            give_up_queued(write, key)
        })?;
        self.pause_longer(key)
    }
}

/// The relay did not take what was made of an intent, if that was made.
pub(super) fn uncount(write: &WriteTransaction<'_>, opening: &Opening) -> Result<()> {
    store::account::uncount_sent(write, usize::from(opening.request.is_some()))
}

/// Parks what was written: it goes out only if the person says so, and if it can.
pub(super) fn give_up_queued(write: &WriteTransaction<'_>, key: ConversationKey) -> Result<()> {
    for queued in outbox::all(write.connection(), key)? {
        match queued.message {
            Some(message) => store::messages::set_failed(write, message)?,
            None => outbox::delete(write, queued.id)?,
        }
    }
    Ok(())
}

/// Who establishes a conversation.
pub(super) struct Founder<'a> {
    pub(super) keys: &'a AccountKeys,
    pub(super) name: &'a str,
    /// Our newest manifest.
    pub(super) manifest: &'a [u8],
    pub(super) ids: &'a Ids,
}

/// Where the relay put a commit of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accepted {
    pub(super) seq: u64,
    pub(super) time: u64,
}

/// The relay accepted our creation: enter epoch 1, forget the intent, tell the other who we are.
pub(super) fn complete(
    write: &WriteTransaction<'_>,
    mls: &Mls<'_>,
    row: &ConversationRow,
    opening: &Opening,
    founder: &Founder<'_>,
    accepted: Accepted,
) -> Result<()> {
    openings::delete(write, row.key)?;
    match mls.load(row.conversation, opening.incarnation)? {
        Some(mut group) => {
            crate::KillPoint::CreatedBeforeMerge.reach();
            group.merge_pending()?;
            crate::KillPoint::CreatedBeforeCommit.reach();
        }
        None => {
            warn!("a founded group is lost: this device comes back from outside");
            commits::want_rejoin(write, row.conversation, founder.ids.client_id())?;
        }
    }
    if opening.incarnation > 0 {
        return set_up_anew(write, row, opening.incarnation, founder, accepted);
    }
    // our commit is the first entry: what follows it is not taken for the first
    streams::advance(
        write,
        StreamId::Conversation(row.conversation),
        accepted.seq,
    )?;
    enter(write, row, founder, accepted.time)?;
    if opening.secret.is_some() {
        contacts::set_consented(write, row.peer)?;
    }
    let proof = opening
        .secret
        .as_ref()
        .map(|secret| secret.consent_proof(founder.keys.account(), row.conversation));
    tell_profile(write, row.key, founder.name, proof, founder.ids)
}

/// The group of a conversation begins anew in another incarnation; the conversation goes on.
pub(super) fn set_up_anew(
    write: &WriteTransaction<'_>,
    row: &ConversationRow,
    incarnation: u32,
    founder: &Founder<'_>,
    accepted: Accepted,
) -> Result<()> {
    let established = ConversationState::Established;
    conversations::set_state(write, row.key, row.conversation, incarnation, established)?;
    commits::delete_rejoin(write, row.conversation)?;
    commits::delete_renewal(write, row.key)?;
    conversations::plan_renewal(write, row.key, None)?;
    conversations::set_dead(write, row.key, false)?;
    let stream = StreamId::Conversation(row.conversation);
    let cursor = streams::cursor(write.connection(), stream)?;
    // the stream itself began anew, at a restored relay that had lost it: nothing lies between
    if accepted.seq.saturating_sub(cursor) >= DECLARED_GAP
        && streams::may_leave_out(write.connection(), stream)?
    {
        streams::advance(write, stream, accepted.seq)?;
    }
    let kind = MessageKind::System(SystemEvent::Reset);
    let id = founder.ids.message_id();
    tell(write, &line(row, id, kind, accepted.seq, accepted.time))?;
    if row.standing == Standing::Open {
        // either may have missed the other; the next entry tells by its number how much
        tell_profile(write, row.key, founder.name, None, founder.ids)?;
    }
    crate::KillPoint::ResetBeforeCommit.reach();
    Ok(())
}

/// The conversation can carry messages: say so.
pub(super) fn enter(
    write: &WriteTransaction<'_>,
    row: &ConversationRow,
    founder: &Founder<'_>,
    time: u64,
) -> Result<()> {
    let established = ConversationState::Established;
    conversations::set_state(
        write,
        row.key,
        row.conversation,
        row.incarnation,
        established,
    )?;
    let message = NewMessage {
        id: founder.ids.message_id(),
        conversation: row.key,
        // before every entry
        seq: Some(0),
        sender: founder.keys.account(),
        mine: false,
        kind: MessageKind::System(SystemEvent::ConversationStarted),
        text: "",
        content: &[],
        time,
        client_id: None,
    };
    store::messages::insert(write, &message)?;
    conversations::note_message(write, row.key, time, Unread::No)
}

/// Another conversation takes the place of one that never was or has ended: what waits goes there, and before it what the relay had
/// taken of one that is lost and had not delivered to anybody. What else was sent stays where it was.
pub(super) fn begin_anew(
    write: &WriteTransaction<'_>,
    mls: &Mls<'_>,
    keys: &AccountKeys,
    row: &ConversationRow,
    (conversation, incarnation): (ConversationId, u32),
    ids: &Ids,
) -> Result<()> {
    if let Some(mut group) = mls.load(row.conversation, row.incarnation)? {
        group.delete()?;
    }
    commits::delete_rejoin(write, row.conversation)?;
    let lost = match row.state {
        ConversationState::Established => {
            store::messages::undelivered(write.connection(), row.key, MOST_LOST)?
        }
        // nothing was taken, or the other does not want it
        ConversationState::Opening | ConversationState::Refused => Vec::new(),
    };
    conversations::begin_anew(write, row.key, conversation, incarnation)?;
    // in the order in which they were written
    let mut again = Vec::new();
    for (message, content) in lost {
        store::messages::set_untaken(write, message)?;
        again.push((message, content));
    }
    for queued in outbox::all(write.connection(), row.key)? {
        if let Some(message) = queued.message {
            outbox::delete(write, queued.id)?;
            again.push((message, queued.content));
        }
    }
    for (message, content) in again {
        // the id of a message names its conversation; nobody has it by the former one
        let id = content::message_id(keys.relay(), keys.account(), conversation, &content);
        store::messages::replace_id(write, message, id, &content)?;
        let client_id = ids.client_id();
        outbox::insert(
            write,
            row.key,
            Some(message),
            Place::Last,
            client_id,
            &content,
        )?;
    }
    Ok(())
}

/// Opens another conversation by a link, in the place of a request that was declined. What waits goes there.
pub(super) fn open_anew(
    write: &WriteTransaction<'_>,
    mls: &Mls<'_>,
    keys: &AccountKeys,
    row: &ConversationRow,
    (conversation, secret): (ConversationId, LinkSecret),
    ids: &Ids,
) -> Result<()> {
    // a proof that waits is of the conversation that ended
    for queued in outbox::all(write.connection(), row.key)? {
        if queued.message.is_none() {
            outbox::delete(write, queued.id)?;
        }
    }
    begin_anew(write, mls, keys, row, (conversation, 0), ids)?;
    requests::set_standing(write, row.key, Standing::Open)?;
    openings::insert(
        write,
        &Opening {
            conversation: row.key,
            secret: Some(secret),
            invited: false,
            claim_id: ids.client_id(),
            client_id: ids.client_id(),
            request: None,
            incarnation: 0,
        },
    )
}

/// Lets our profile go before all that waits, in the place of one that waits. What shows that we held a link of the other's goes with
/// it from then on: the relay may lose it, and the other may be set up anew.
pub(super) fn tell_profile(
    write: &WriteTransaction<'_>,
    key: ConversationKey,
    name: &str,
    proof: Option<Digest>,
    ids: &Ids,
) -> Result<()> {
    if let Some(proof) = &proof {
        links::keep_proof(write, key, proof)?;
    }
    let proof = links::kept_proof(write.connection(), key)?;
    outbox::delete_unsealed(write, key, Content::is_profile)?;
    let profile = Content::profile(ids.array(), name, proof).encode();
    outbox::insert(write, key, None, Place::First, ids.client_id(), &profile)
}
