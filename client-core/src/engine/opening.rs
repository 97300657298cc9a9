//! Opening the direct conversation with a contact: claim its key packages, found the group, ask the relay to make it.
//!
//! What is kept is the intent; the group and the request are built from it, stored in one transaction, and sent unchanged
//! until the relay answers. Only the relay's word decides: accepted means merge, another conversation means ours is dropped.

use std::time::Duration;

use protocol::{
    AccountId, ClaimKeyPackages, Claimed, ClientId, CreateConversation, Digest, ErrorCode, Frame,
    MessageId, Opaque, Refusal, Welcome, bounds, decode_frame, encode_frame, identity::Manifest,
};
use tracing::{error, info, warn};

use crate::{
    content::Content,
    crypto::{Group, Mls, PeerDevices},
    engine::{Engine, Hold, requests::Request},
    error::{Error, ErrorKind, Result},
    model::{ConversationKey, ConversationState, MessageKind, SystemEvent},
    seams::Randomness,
    store::{
        self, WriteTransaction, contacts,
        conversations::{self, ConversationRow, Unread},
        messages::NewMessage,
        openings::{self, Opening},
        outbox::{self, Place},
    },
};

/// The pause after a refusal that may pass, such as a device that has not published key packages yet.
const PAUSE: Duration = Duration::from_secs(30);
/// How often the relay may say that the other side was first while no welcome comes that can be followed.
const MOST_EXISTS: u32 = 3;

impl Engine {
    /// Goes on with every intent, after each connection and when one is added.
    pub(super) fn resume_openings(&mut self) -> Result<()> {
        for opening in openings::all(self.database.connection())? {
            self.resume_opening(&opening)?;
        }
        Ok(())
    }

    fn resume_opening(&mut self, opening: &Opening) -> Result<()> {
        let key = opening.conversation;
        let busy = self.in_flight(|request| {
            matches!(request, Request::Claim { conversation } | Request::Create { conversation } if *conversation == key)
        });
        if busy || !self.session.is_online() || self.is_held(key)? {
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
                let row = conversations::row(self.database.connection(), key)?;
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
            let founded =
                mls.found_direct(row.conversation, &[PeerDevices { manifest, packages }])?;
            let frame: Frame = CreateConversation {
                conversation: row.conversation,
                peer: row.peer,
                // an invite's use was spent by our registration; a contact link's is spent now
                token: opening
                    .secret
                    .as_ref()
                    .filter(|_| !opening.invited)
                    .map(protocol::LinkSecret::token),
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
                incarnation: None,
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
                self.refuse_opening(key)
            }
            Err(error) => Err(error),
        }
    }

    /// The relay made the conversation, by its answer or by the echo of our commit, whichever comes first.
    pub(super) fn created(&mut self, key: ConversationKey, time: u64) -> Result<()> {
        match self.complete_opening(key, time) {
            Err(error) if error.kind() == ErrorKind::Crypto => {
                error!(%error, "a conversation that the relay made cannot be entered");
                self.holds.insert(key, Hold::Connection);
                Ok(())
            }
            outcome => outcome,
        }
    }

    fn complete_opening(&mut self, key: ConversationKey, time: u64) -> Result<()> {
        let now = self.relay_time();
        let ids = EstablishIds::draw(self.seams.random.as_mut())?;
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
            let mut group = mls
                .load(row.conversation, row.incarnation)?
                .ok_or_else(|| {
                    Error::new(
                        ErrorKind::Crypto,
                        "a founded conversation without its group",
                    )
                })?;
            let founder = Founder {
                own: account.account,
                name: &account.name,
                ids,
            };
            complete(write, &mut group, &row, &opening, &founder, time)
        })?;
        crate::KillPoint::CreatedAfterCommit.reach();
        self.events.extend(events);
        self.pump()
    }

    pub(super) fn opening_refused(
        &mut self,
        key: ConversationKey,
        refusal: &Refusal,
    ) -> Result<()> {
        info!(code = ?refusal.code, "the relay did not make a conversation");
        if openings::load(self.database.connection(), key)?.is_none() {
            // the other side's welcome came first, and the conversation is there
            return Ok(());
        }
        let refusals = self.exists_refusals.entry(key).or_default();
        match refusal.code {
            // the other side was first: its welcome brings the conversation, and what is queued goes there
            ErrorCode::Exists if *refusals < MOST_EXISTS => {
                *refusals = refusals.saturating_add(1);
                self.hold_for(key, PAUSE);
                Ok(())
            }
            // nothing was stored by the relay: the same intent is tried again
            code if code.retryable() || code == ErrorCode::NoKeyPackages => {
                self.hold_for(
                    key,
                    refusal.retry_after.map_or(PAUSE, Duration::from_millis),
                );
                Ok(())
            }
            _ => self.refuse_opening(key),
        }
    }

    /// Marks the conversation as refused, drops its group and parks what was written in it. A new link is a new attempt.
    fn refuse_opening(&mut self, key: ConversationKey) -> Result<()> {
        let now = self.relay_time();
        self.exists_refusals.remove(&key);
        let Self {
            database,
            keys,
            seams,
            ..
        } = self;
        let ((), events) = database.write(|write| {
            if openings::load(write.connection(), key)?.is_none() {
                return Ok(());
            }
            let row = conversations::row(write.connection(), key)?;
            openings::delete(write, key)?;
            let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
            if let Some(mut group) = mls.load(row.conversation, row.incarnation)? {
                group.delete()?;
            }
            let refused = ConversationState::Refused;
            conversations::set_state(write, key, row.conversation, row.incarnation, refused)?;
            give_up_queued(write, key)
        })?;
        self.events.extend(events);
        Ok(())
    }
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

/// Who establishes a conversation, and the random values that this takes.
pub(super) struct Founder<'a> {
    pub(super) own: AccountId,
    pub(super) name: &'a str,
    pub(super) ids: EstablishIds,
}

/// Random values, drawn before a transaction in which MLS holds the source.
#[derive(Clone, Copy)]
pub(super) struct EstablishIds {
    salt: [u8; 16],
    system_message: [u8; 32],
    client_id: ClientId,
}

impl EstablishIds {
    pub(super) fn draw(random: &mut dyn Randomness) -> Result<Self> {
        Ok(Self {
            salt: random.array()?,
            system_message: random.array()?,
            client_id: random.client_id()?,
        })
    }
}

/// The relay accepted our creation: enter epoch 1, forget the intent, tell the other who we are.
pub(super) fn complete(
    write: &WriteTransaction<'_>,
    group: &mut Group<'_, '_>,
    row: &ConversationRow,
    opening: &Opening,
    founder: &Founder<'_>,
    time: u64,
) -> Result<()> {
    crate::KillPoint::CreatedBeforeMerge.reach();
    group.merge_pending()?;
    crate::KillPoint::CreatedBeforeCommit.reach();
    let proof = opening
        .secret
        .as_ref()
        .map(|secret| secret.consent_proof(founder.own, row.conversation));
    openings::delete(write, row.key)?;
    contacts::set_consented(write, row.peer)?;
    establish(write, row, founder, proof, time)
}

/// The conversation can carry messages: say so, and let our profile go before all that waits.
pub(super) fn establish(
    write: &WriteTransaction<'_>,
    row: &ConversationRow,
    founder: &Founder<'_>,
    proof: Option<Digest>,
    time: u64,
) -> Result<()> {
    let EstablishIds {
        salt,
        system_message,
        client_id,
    } = founder.ids;
    let established = ConversationState::Established;
    conversations::set_state(
        write,
        row.key,
        row.conversation,
        row.incarnation,
        established,
    )?;
    let profile = Content::profile(salt, founder.name, proof).encode();
    outbox::insert(write, row.key, None, Place::First, client_id, &profile)?;
    let message = NewMessage {
        id: MessageId::new(system_message),
        conversation: row.key,
        // position 0 is before every entry
        seq: Some(0),
        sender: founder.own,
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
