//! Requests in flight: who waits for which reply, and what a reply means.

use protocol::{
    AccountId, ClientId, Committed, ConversationId, ErrorCode, Frame, LinkSecret, NewLink, Refusal,
    StreamId, Token,
};
use tracing::{info, warn};

use crate::{
    engine::{
        Engine, is_seq,
        offers::Offer,
        opening::Accepted,
        session::{REPLY_TIMEOUT, Session},
    },
    error::{Error, ErrorKind, Result},
    model::{ConversationKey, IssuedLink},
    store::{self, conversations},
};

/// Requests of one kind in flight, where there is one for each conversation or person.
const AT_ONCE: usize = 32;

/// Called once with the end of a command that needs the relay.
pub(super) type Answer<T> = Box<dyn FnOnce(Result<T>) + Send>;

/// A request, and what is needed to understand its reply.
pub(super) enum Request {
    /// Entries of a conversation: the outbox rows, in order.
    Append {
        conversation: ConversationKey,
        batch: SentBatch,
    },
    /// Key packages of the account with which a conversation is to be opened.
    Claim { conversation: ConversationKey },
    /// The creation of a conversation.
    Create { conversation: ConversationKey },
    /// Entries that a push left out, from this position on.
    Fetch { stream: StreamId, from: u64 },
    /// How many of them the relay has left.
    CountPackages,
    /// A link for somebody.
    NewLink {
        secret: LinkSecret,
        link: IssuedLink,
        answer: Answer<IssuedLink>,
    },
    /// The state of a group, to come back into it.
    FetchGroup { conversation: ConversationId },
    /// The commit by which this device comes back.
    Rejoin { conversation: ConversationId },
    /// The state of a group at a restored relay.
    Check { conversation: ConversationId },
    /// How far a relay is in a conversation that went back in time.
    HowFar { conversation: ConversationId },
    /// The state of a group, of which something could not be opened.
    Compare { conversation: ConversationId },
    /// The commit that renews our leaf.
    Renew { conversation: ConversationKey },
    /// The newest manifest of an account.
    Manifest { account: AccountId },
    /// The conversations of our account, for a new device.
    Conversations,
    /// Whom the person blocked, for a new device.
    Blocks,
    /// A conversation that the person does not want.
    Decline { conversation: ConversationId },
    /// A block, or its end.
    Block { account: AccountId, blocked: bool },
    /// The own handle.
    SetHandle {
        handle: Option<String>,
        answer: Answer<()>,
    },
    /// The account that has a handle.
    Find {
        handle: String,
        answer: Answer<ConversationKey>,
    },
    /// The end of a link.
    EndLink { token: Token, answer: Answer<()> },
    /// Whether others see that we are there.
    Announce { announce: bool },
    /// The recovery record.
    Record,
    /// What the relay lacks, or may have lost when it was restored.
    Offer(Offer),
}

/// What one append took from the outbox.
#[derive(Clone, Debug)]
pub(super) struct SentBatch {
    pub(super) rows: Vec<SentRow>,
    /// The relay had nothing of them before.
    pub(super) new: bool,
    /// The incarnation and the epoch in which they were sealed.
    pub(super) place: (u32, u64),
}

impl SentBatch {
    /// The outbox rows, in order.
    pub(super) fn ids(&self) -> Vec<i64> {
        self.rows.iter().map(|row| row.id).collect()
    }
}

/// What goes on when one of these was answered.
enum Next {
    Check(ConversationId),
    Rejoin,
    Opening,
    Nothing,
}

impl Next {
    const fn after(request: &Request) -> Self {
        match request {
            Request::Check { conversation } => Self::Check(*conversation),
            Request::FetchGroup { .. } | Request::Rejoin { .. } => Self::Rejoin,
            Request::Claim { .. } | Request::Create { .. } => Self::Opening,
            _ => Self::Nothing,
        }
    }
}

/// One outbox row in flight.
#[derive(Clone, Debug)]
pub(super) struct SentRow {
    pub(super) id: i64,
    pub(super) message: Option<i64>,
    pub(super) client_id: ClientId,
}

impl Request {
    /// The connection is gone: what is durable is offered again by the next one, a waiting person is told.
    pub(super) fn abandon(self) {
        let lost = || Error::new(ErrorKind::Offline, "the connection was lost");
        match self {
            Self::NewLink { answer, .. } => answer(Err(lost())),
            Self::SetHandle { answer, .. } | Self::EndLink { answer, .. } => answer(Err(lost())),
            Self::Find { answer, .. } => answer(Err(lost())),
            _ => {}
        }
    }
}

impl Engine {
    /// Sends a request if there is a connection; otherwise it is abandoned.
    pub(super) fn request(&mut self, request: Request, frame: &Frame) {
        let deadline = self.seams.clock.monotonic().saturating_add(REPLY_TIMEOUT);
        let Session::Online(online) = &mut self.session else {
            request.abandon();
            return;
        };
        let id = online.next_id;
        online.next_id = online.next_id.checked_add(1).unwrap_or(1);
        online.requests.insert(id, (request, deadline));
        self.send(id, frame);
    }

    /// Whether a request of this kind is in flight.
    pub(super) fn in_flight(&self, is: impl Fn(&Request) -> bool) -> bool {
        self.count_in_flight(is) > 0
    }

    /// How many more requests of a kind may be in flight. Whoever has more to ask goes on with each reply: nothing grows with what
    /// there is to do, neither what waits to be written nor what the relay has to answer at once.
    pub(super) fn room_for(&self, is: impl Fn(&Request) -> bool) -> usize {
        AT_ONCE.saturating_sub(self.count_in_flight(is))
    }

    fn count_in_flight(&self, is: impl Fn(&Request) -> bool) -> usize {
        match &self.session {
            Session::Online(online) => {
                let requests = online.requests.values();
                requests.filter(|(request, _)| is(request)).count()
            }
            _ => 0,
        }
    }

    pub(super) fn online_frame(&mut self, id: u32, frame: Frame) -> Result<()> {
        match frame {
            Frame::Entries(entries) => self.entries(entries.stream, entries.entries),
            Frame::Delivered(delivered) => self.delivered(&delivered),
            Frame::Presence(presence) => self.present(&presence),
            Frame::SignalPush(push) => self.signalled(push),
            frame => {
                let Session::Online(online) = &mut self.session else {
                    return Ok(());
                };
                let Some((request, _)) = online.requests.remove(&id) else {
                    warn!(frame = frame.name(), "a reply that nobody waits for");
                    self.drop_connection(None);
                    return Ok(());
                };
                self.reply(request, frame)
            }
        }
    }

    fn reply(&mut self, request: Request, frame: Frame) -> Result<()> {
        if !names_possible_seqs(&frame) {
            return self.wrong_reply(request, &frame);
        }
        match (request, frame) {
            (
                Request::Append {
                    conversation,
                    batch,
                },
                Frame::Appended(appended),
            ) => self.appended(conversation, &batch.rows, &appended),
            (
                Request::Append {
                    conversation,
                    batch,
                },
                Frame::Refusal(refusal),
            ) => {
                let place = self.conversation_of(conversation)?;
                let outcome = self.append_refused(conversation, &batch, &refusal);
                self.contain(place, outcome)?;
                // another conversation has its turn
                self.pump()
            }
            (Request::Fetch { stream, from }, Frame::Page(page)) => self.page(stream, from, page),
            (Request::Fetch { stream, .. }, Frame::Refusal(refusal)) => {
                self.fetch_refused(stream, &refusal);
                Ok(())
            }
            (Request::CountPackages, Frame::KeyPackageCount(count)) => {
                self.fill_key_packages(count.count, false)
            }
            (Request::CountPackages, Frame::Refusal(_)) => Ok(()),
            (
                Request::NewLink {
                    secret,
                    link,
                    answer,
                },
                Frame::Done(_),
            ) => {
                crate::KillPoint::LinkAnswered.reach();
                let row = store::links::LinkRow {
                    token: link.token,
                    expires: link.expires,
                    uses: link.uses,
                    invite: link.invite,
                };
                let kept = self.write(|write| store::links::insert(write, &secret, &row));
                crate::KillPoint::LinkKept.reach();
                answer(kept.map(|()| link));
                Ok(())
            }
            (Request::NewLink { answer, .. }, Frame::Refusal(refusal)) => {
                answer(Err(refused(&refusal)));
                Ok(())
            }
            (Request::Record, Frame::Done(_)) => {
                crate::KillPoint::RecordAnswered.reach();
                // the answer of a newer one is still to come
                if self.in_flight(|request| matches!(request, Request::Record)) {
                    return Ok(());
                }
                self.write(|write| store::account::set_record_told(write, true))
            }
            (Request::Record, Frame::Refusal(refusal)) => {
                self.tell_later(&refusal);
                Ok(())
            }
            (Request::Announce { announce }, frame) => self.announce_told(announce, &frame),
            (Request::Offer(offer), frame) => self.offered(offer, &frame),
            (Request::Manifest { account }, Frame::AccountManifest(manifest)) => {
                self.manifest_fetched(account, &manifest)
            }
            (Request::Manifest { .. }, Frame::Refusal(refusal)) => {
                self.manifest_refused(&refusal);
                Ok(())
            }
            (Request::Conversations, Frame::Conversations(list)) => self.listed(&list),
            (Request::Blocks, Frame::Blocks(list)) => self.blocks_listed(&list),
            (Request::Conversations | Request::Blocks, Frame::Refusal(refusal)) => {
                self.list_refused(&refusal);
                Ok(())
            }
            (
                request @ (Request::Claim { .. }
                | Request::Create { .. }
                | Request::FetchGroup { .. }
                | Request::Rejoin { .. }
                | Request::Check { .. }
                | Request::HowFar { .. }
                | Request::Compare { .. }
                | Request::Renew { .. }),
                frame,
            ) => self.group_reply(request, frame),
            (request, frame) => self.people_told(request, frame),
        }
    }

    /// Replies to what makes and changes groups. One that cannot be used does not stop the others.
    fn group_reply(&mut self, request: Request, frame: Frame) -> Result<()> {
        let place = match &request {
            Request::Claim { conversation }
            | Request::Create { conversation }
            | Request::Renew { conversation } => self.conversation_of(*conversation)?,
            Request::FetchGroup { conversation }
            | Request::Rejoin { conversation }
            | Request::Check { conversation }
            | Request::HowFar { conversation }
            | Request::Compare { conversation } => Some(*conversation),
            _ => None,
        };
        let next = Next::after(&request);
        let outcome = self.understand_group_reply(request, frame);
        let is_whole = outcome.is_ok();
        self.contain(place, outcome)?;
        match next {
            // it was not compared, and the next one has its turn
            Next::Check(conversation)
                if !self.checks.contains(&conversation) && self.unchecked.remove(&conversation) =>
            {
                self.check_next()
            }
            Next::Rejoin => self.resume_commits(),
            Next::Opening if is_whole => self.resume_openings(),
            Next::Check(_) | Next::Opening | Next::Nothing => Ok(()),
        }
    }

    /// The id of a conversation; `None` where it was removed since.
    fn conversation_of(&self, key: ConversationKey) -> Result<Option<ConversationId>> {
        match conversations::row(self.database.connection(), key) {
            Ok(row) => Ok(Some(row.conversation)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn understand_group_reply(&mut self, request: Request, frame: Frame) -> Result<()> {
        let accepted = |committed: &Committed| Accepted {
            seq: committed.seq,
            time: committed.time,
        };
        match (request, frame) {
            (Request::Claim { conversation }, Frame::Claimed(claimed)) => {
                self.claimed(conversation, &claimed)
            }
            (Request::Create { conversation }, Frame::Committed(committed)) => {
                self.created(conversation, accepted(&committed))
            }
            (Request::Claim { conversation }, Frame::Refusal(refusal)) => {
                self.opening_refused(conversation, &refusal)
            }
            (Request::Create { conversation }, Frame::Refusal(refusal)) => {
                self.creation_refused(conversation, &refusal)
            }
            (Request::FetchGroup { conversation }, Frame::GroupState(state)) => {
                self.group_fetched(conversation, &state)
            }
            (Request::Rejoin { conversation }, Frame::Committed(committed)) => {
                self.rejoined(conversation, accepted(&committed))
            }
            (Request::FetchGroup { conversation }, Frame::Refusal(refusal)) => {
                self.rejoin_refused(conversation, &refusal)
            }
            (Request::Rejoin { conversation }, Frame::Refusal(refusal)) => {
                if !refusal.code.retryable() {
                    self.write(|write| store::account::uncount_sent(write, 1))?;
                }
                self.rejoin_refused(conversation, &refusal)
            }
            (Request::Check { conversation }, Frame::GroupState(state)) => {
                self.checked(conversation, &state)
            }
            (Request::HowFar { conversation }, Frame::Page(page)) => {
                self.is_so_far(conversation, &page)
            }
            (Request::Check { conversation }, Frame::Refusal(refusal)) => {
                self.check_refused(conversation, &refusal)
            }
            (Request::HowFar { conversation }, Frame::Refusal(refusal)) => {
                self.how_far_refused(conversation, &refusal)
            }
            (Request::Compare { conversation }, Frame::GroupState(state)) => {
                self.compared(conversation, &state)
            }
            (Request::Compare { .. }, Frame::Refusal(refusal)) => {
                info!(code = ?refusal.code, "the relay does not show a group to compare it");
                Ok(())
            }
            (Request::Renew { conversation }, Frame::Committed(committed)) => {
                self.renewed(conversation, accepted(&committed))
            }
            (Request::Renew { conversation }, Frame::Refusal(refusal)) => {
                self.write(|write| store::account::uncount_sent(write, 1))?;
                self.renewal_refused(conversation, &refusal)
            }
            (request, frame) => self.wrong_reply(request, &frame),
        }
    }

    pub(super) fn wrong_reply(&mut self, request: Request, frame: &Frame) -> Result<()> {
        warn!(frame = frame.name(), "a reply that no honest relay gives");
        request.abandon();
        self.drop_connection(None);
        Ok(())
    }

    /// Asks the relay to know a new link; the answer comes with its reply.
    pub(super) fn request_link(
        &mut self,
        secret: LinkSecret,
        link: IssuedLink,
        answer: Answer<IssuedLink>,
    ) {
        let frame = NewLink {
            token: link.token,
            invite: link.invite,
            uses: link.uses,
            expires: link.expires,
        };
        self.request(
            Request::NewLink {
                secret,
                link,
                answer,
            },
            &frame.into(),
        );
    }
}

/// Whether the positions that an answer gives to entries of ours may be positions.
fn names_possible_seqs(frame: &Frame) -> bool {
    match frame {
        Frame::Appended(appended) => appended.seqs.iter().copied().all(is_seq),
        Frame::Committed(committed) => is_seq(committed.seq),
        _ => true,
    }
}

/// A refusal as an error for the person who waits.
pub(super) fn refused(refusal: &Refusal) -> Error {
    let kind = match refusal.code {
        ErrorCode::BadLink | ErrorCode::NoConsent => ErrorKind::LinkExpired,
        code if code.retryable() => ErrorKind::Busy,
        _ => ErrorKind::Refused,
    };
    Error::new(kind, format!("the relay refused: {:?}", refusal.code))
}
