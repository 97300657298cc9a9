//! What a person does. Each is durable when it returns, and none needs a connection but those that say so.

use protocol::{AccountId, Link, LinkKind, LinkSecret, MessageId};

use crate::{
    content::{self, Content},
    crypto::Mls,
    engine::{
        Engine,
        ids::Ids,
        opening::{begin_anew, tell_profile},
        requests::Answer,
    },
    error::{Error, ErrorKind, Result},
    model::{
        ConversationKey, ConversationState, IssuedLink, Message, MessageKind, OutgoingState,
        Standing,
    },
    store::{
        WriteTransaction,
        conversations::{self, ConversationRow, REQUEST_TEXTS, Unread},
        messages::{self, Author, NewMessage},
        openings::{self, Opening},
        outbox::{self, Place},
        requests,
    },
};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// How long an invite holds.
const INVITE_LIFETIME_MS: u64 = 7 * DAY_MS;
/// How long a card holds.
const CARD_LIFETIME_MS: u64 = 30 * DAY_MS;
/// How many people may use a card.
const CARD_USES: u16 = 50;

impl Engine {
    /// Writes a message: kept, shown and queued in one transaction.
    ///
    /// # Errors
    /// [`ErrorKind::TextInvalid`], [`ErrorKind::NotFound`], [`ErrorKind::DiskFull`], [`ErrorKind::Database`].
    pub fn send_text(&mut self, conversation: ConversationKey, text: &str) -> Result<Message> {
        content::check_text(text)?;
        let content = Content::text(self.random()?, text).encode();
        let client_id = self.client_id()?;
        let time = self.relay_time();
        let (own, relay) = (self.account.account, self.account.relay);
        let message = self.write(|write| {
            let row = conversations::row(write.connection(), conversation)?;
            may_write(write, &row)?;
            let message = NewMessage {
                id: content::message_id(relay, own, row.conversation, &content),
                conversation,
                seq: None,
                sender: own,
                mine: true,
                kind: MessageKind::Text,
                text,
                content: &content,
                time,
                client_id: Some(client_id),
            };
            let id = messages::insert(write, &message)?.ok_or_else(|| {
                Error::new(
                    ErrorKind::Internal,
                    "a new message has the id of an old one",
                )
            })?;
            outbox::insert(
                write,
                conversation,
                Some(id),
                Place::Last,
                client_id,
                &content,
            )?;
            conversations::note_message(write, conversation, time, Unread::No)?;
            conversations::set_draft(write, conversation, "")?;
            if row.state == ConversationState::Refused {
                messages::set_failed(write, id)?;
            }
            crate::KillPoint::TextBeforeCommit.reach();
            messages::by_row(write.connection(), id)
        })?;
        crate::KillPoint::TextAfterCommit.reach();
        self.index_waits = true;
        self.settle_pump();
        Ok(message)
    }

    /// Queues a failed message again.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Refused`] where the conversation itself was refused, [`ErrorKind::RequestLimit`]
    /// where the other has not accepted and gets as many texts already, [`ErrorKind::Database`].
    pub fn retry(&mut self, conversation: ConversationKey, message: MessageId) -> Result<Message> {
        let client_id = self.client_id()?;
        let now = self.relay_time();
        let message = self.write(|write| {
            let (row, _) = messages::own_row(write.connection(), conversation, message)?;
            let place = conversations::row(write.connection(), conversation)?;
            if place.state == ConversationState::Refused {
                return Err(Error::new(
                    ErrorKind::Refused,
                    "the conversation was refused; it needs a new link",
                ));
            }
            if place.standing == Standing::Asked
                && messages::count_going(write.connection(), conversation)? >= REQUEST_TEXTS
            {
                return Err(too_many());
            }
            if !outbox::has_message(write.connection(), row)? {
                // it came from a copy or a backup; who has it already shows it once
                let content = messages::content(write.connection(), row)?;
                outbox::insert(
                    write,
                    conversation,
                    Some(row),
                    Place::Last,
                    client_id,
                    &content,
                )?;
            }
            messages::set_queued(write, row, now)?;
            messages::by_row(write.connection(), row)
        })?;
        self.settle_pump();
        Ok(message)
    }

    /// Removes an own message that failed.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] also where the message did not fail; [`ErrorKind::Database`].
    pub fn delete_failed(
        &mut self,
        conversation: ConversationKey,
        message: MessageId,
    ) -> Result<()> {
        self.write(|write| {
            let (row, message) = messages::own_row(write.connection(), conversation, message)?;
            if message.outgoing != Some(OutgoingState::Failed) {
                return Err(Error::new(ErrorKind::NotFound, "the message did not fail"));
            }
            outbox::delete_of_message(write, row)?;
            messages::delete(write, row)
        })
    }

    /// Keeps what is being written.
    ///
    /// # Errors
    /// [`ErrorKind::TextInvalid`], [`ErrorKind::NotFound`], [`ErrorKind::Database`].
    pub fn save_draft(&mut self, conversation: ConversationKey, text: &str) -> Result<()> {
        if text.len() > content::MAX_TEXT {
            return Err(Error::new(ErrorKind::TextInvalid, "draft too long"));
        }
        self.write(|write| conversations::set_draft(write, conversation, text))
    }

    /// Marks a conversation as read up to a position.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub fn mark_read(&mut self, conversation: ConversationKey, position: i64) -> Result<()> {
        self.write(|write| conversations::mark_read(write, conversation, position))?;
        self.tell_read_soon();
        let outcome = self.tell_read();
        self.settle(outcome);
        Ok(())
    }

    /// Opens the conversation with the account that made a link: at once here, at the relay as soon as there is a connection.
    ///
    /// # Errors
    /// [`ErrorKind::BadLink`] without an issuer, [`ErrorKind::WrongRelay`], [`ErrorKind::OwnLink`], [`ErrorKind::Database`].
    pub fn open_link(&mut self, link: &Link) -> Result<ConversationKey> {
        if link.relay != self.account.relay {
            return Err(Error::new(
                ErrorKind::WrongRelay,
                "the link belongs to another relay",
            ));
        }
        let issuer = link.issuer.ok_or_else(|| {
            Error::new(
                ErrorKind::BadLink,
                "the invite is for a new account and names nobody",
            )
        })?;
        let key = self.open_direct(issuer, Some(link.secret.clone()), Registration::Earlier)?;
        self.settle_opening();
        Ok(key)
    }

    /// Opens the conversation with an account that has not consented to it: it is asked.
    ///
    /// # Errors
    /// [`ErrorKind::OwnLink`] for one's own account, [`ErrorKind::Database`].
    pub fn open_account(&mut self, account: AccountId) -> Result<ConversationKey> {
        let key = self.open_direct(account, None, Registration::Earlier)?;
        self.settle_opening();
        Ok(key)
    }

    /// Opens the first conversation of a new account, with the one who invited it.
    pub(crate) fn open_inviter(
        &mut self,
        issuer: AccountId,
        secret: LinkSecret,
    ) -> Result<ConversationKey> {
        self.open_direct(issuer, Some(secret), Registration::ByThisLink)
    }

    fn open_direct(
        &mut self,
        peer: AccountId,
        secret: Option<LinkSecret>,
        registration: Registration,
    ) -> Result<ConversationKey> {
        if peer == self.account.account {
            return Err(Error::new(
                ErrorKind::OwnLink,
                "the link was made by this account",
            ));
        }
        if let Some(key) = conversations::key_of_peer(self.database.connection(), peer)? {
            let row = conversations::row(self.database.connection(), key)?;
            if row.standing == Standing::Requested {
                // who asks back has answered
                self.accept_request(key)?;
            }
            if row.state != ConversationState::Refused {
                if let Some(secret) = secret {
                    self.show_consent(&row, &secret)?;
                }
                return Ok(key);
            }
        }
        let conversation = self.seams.random.conversation_id()?;
        let (claim_id, client_id) = (self.client_id()?, self.client_id()?);
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let now = self.relay_time();
        let Self {
            database,
            keys,
            seams,
            ..
        } = self;
        let (key, events) = database.write(|write| {
            let key = match conversations::key_of_peer(write.connection(), peer)? {
                None => conversations::insert(
                    write,
                    conversation,
                    peer,
                    ConversationState::Opening,
                    now,
                )?,
                // refused before; a new link is a new attempt, and the other may remember the former id as declined
                Some(key) => {
                    let row = conversations::row(write.connection(), key)?;
                    let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
                    begin_anew(write, &mls, keys, &row, (conversation, 0), &ids)?;
                    key
                }
            };
            // without a link the other has to accept first
            let standing = match secret {
                Some(_) => Standing::Open,
                None => Standing::Asked,
            };
            requests::set_standing(write, key, standing)?;
            let invited = registration == Registration::ByThisLink;
            openings::insert(
                write,
                &Opening {
                    conversation: key,
                    secret,
                    invited,
                    claim_id,
                    client_id,
                    request: None,
                    incarnation: 0,
                },
            )?;
            Ok(key)
        })?;
        crate::KillPoint::IntentStored.reach();
        self.events.extend(events);
        Ok(key)
    }

    /// Who asked and now holds a link of the other is accepted by it.
    fn show_consent(&mut self, row: &ConversationRow, secret: &LinkSecret) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let (own, name) = (self.account.account, self.account.name.clone());
        self.write(|write| {
            let opening = openings::load(write.connection(), row.key)?;
            if opening.is_some_and(|it| it.secret.is_none() && it.incarnation == 0) {
                requests::set_standing(write, row.key, Standing::Open)?;
                return openings::set_secret(write, row.key, secret);
            }
            if row.standing == Standing::Asked {
                // if the other declined in the meantime, another conversation is opened by the link
                conversations::set_secret(write, row.key, secret)?;
                let proof = secret.consent_proof(own, row.conversation);
                tell_profile(write, row.key, &name, Some(proof), &ids)?;
            }
            Ok(())
        })?;
        let outcome = self.pump();
        self.settle(outcome);
        Ok(())
    }

    /// Makes an invite. Needs a connection: the relay must know the link before anybody opens it.
    pub fn create_invite(&mut self, answer: Answer<IssuedLink>) {
        self.create_link(LinkKind::Invite, answer);
    }

    /// Makes a card: whoever has an account here may write to us. Needs a connection, as an invite does.
    pub fn create_contact_link(&mut self, answer: Answer<IssuedLink>) {
        self.create_link(LinkKind::Contact, answer);
    }

    fn create_link(&mut self, kind: LinkKind, answer: Answer<IssuedLink>) {
        match self.new_link(kind) {
            Ok((secret, link)) => self.request_link(secret, link, answer),
            Err(error) => answer(Err(error)),
        }
        self.show_connection();
    }

    fn new_link(&mut self, kind: LinkKind) -> Result<(LinkSecret, IssuedLink)> {
        let secret = LinkSecret::new(self.random()?);
        let link = Link {
            kind,
            addresses: self.addresses()?,
            relay: self.account.relay,
            secret: secret.clone(),
            issuer: Some(self.account.account),
        };
        let (lifetime, uses) = match kind {
            LinkKind::Invite => (INVITE_LIFETIME_MS, 1),
            LinkKind::Contact => (CARD_LIFETIME_MS, CARD_USES),
        };
        let expires = self.relay_time().saturating_add(lifetime);
        let token = secret.token();
        Ok((
            secret,
            IssuedLink {
                https: link.to_https(),
                app: link.to_app(),
                expires,
                uses,
                invite: kind == LinkKind::Invite,
                token,
            },
        ))
    }

    fn settle_pump(&mut self) {
        let outcome = self.pump();
        self.settle(outcome);
    }

    fn settle_opening(&mut self) {
        let outcome = self.resume_openings();
        self.settle(outcome);
    }
}

/// Whether the person may write there now: not before accepting, not to somebody blocked, and three texts at most before the
/// other has accepted.
fn may_write(write: &WriteTransaction<'_>, row: &ConversationRow) -> Result<()> {
    let connection = write.connection();
    let refuse = |kind, why: &str| Err(Error::new(kind, why));
    if requests::is_blocked(connection, row.peer)? {
        return refuse(ErrorKind::Refused, "the other is blocked");
    }
    match row.standing {
        Standing::Requested => refuse(ErrorKind::Refused, "the request has to be accepted first"),
        Standing::Asked
            if messages::count_texts(connection, row.key, Author::Own)? >= REQUEST_TEXTS =>
        {
            Err(too_many())
        }
        Standing::Asked | Standing::Open => Ok(()),
    }
}

fn too_many() -> Error {
    Error::new(ErrorKind::RequestLimit, "the other has not accepted yet")
}

/// Whether our own registration already spent the link's use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Registration {
    /// The account was made by this link.
    ByThisLink,
    /// The account was there before.
    Earlier,
}
