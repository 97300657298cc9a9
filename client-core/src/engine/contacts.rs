//! People: accepting and declining who asks, blocking, handles and links. What the relay has to know is kept until it does.

use protocol::{
    AccountId, DeviceId, EndLink, ErrorCode, FindAccount, Found, Frame, Refusal, SetHandle, Token,
    is_handle,
};

use crate::{
    crypto::Mls,
    engine::{
        Engine,
        ids::Ids,
        opening::tell_profile,
        requests::{Answer, Request, refused},
        resending,
    },
    error::{Error, ErrorKind, Result},
    model::{ConversationKey, Standing},
    store::{
        self, WriteTransaction, chains, contacts,
        conversations::{self, ConversationRow},
        links, requests,
    },
};

impl Engine {
    /// Accepts who asked to write: from here on both may.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Database`].
    pub fn accept_request(&mut self, key: ConversationKey) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let name = self.account.name.clone();
        self.write(|write| {
            let row = conversations::row(write.connection(), key)?;
            if row.standing == Standing::Requested {
                introduce(write, &row, &name, &ids)?;
            }
            Ok(())
        })?;
        // what was read before is told from here on
        self.tell_read_soon();
        self.settle_people();
        Ok(())
    }

    /// Declines who asked to write, and blocks if asked: the conversation is gone, and a new request is refused for a while.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] also where nobody asked; [`ErrorKind::Database`].
    pub fn decline_request(&mut self, key: ConversationKey, block: bool) -> Result<()> {
        let now = self.relay_time();
        let Self {
            database,
            keys,
            seams,
            ..
        } = self;
        let ((), events) = database.write(|write| {
            let row = conversations::row(write.connection(), key)?;
            if row.standing != Standing::Requested {
                return Err(Error::new(ErrorKind::NotFound, "nobody asked here"));
            }
            requests::decline(write, row.conversation, row.peer, now)?;
            if block {
                requests::set_blocked(write, row.peer, true)?;
            }
            let mls = Mls::new(write.connection(), seams.random.as_mut(), keys, now);
            if let Some(mut group) = mls.load(row.conversation, row.incarnation)? {
                group.delete()?;
            }
            store::commits::delete_rejoin(write, row.conversation)?;
            conversations::delete(write, key)?;
            crate::KillPoint::DeclinedBeforeCommit.reach();
            Ok(())
        })?;
        crate::KillPoint::DeclinedAfterCommit.reach();
        self.events.extend(events);
        self.settle_people();
        Ok(())
    }

    /// Blocks an account, or ends that.
    ///
    /// # Errors
    /// [`ErrorKind::Database`].
    pub fn set_blocked(&mut self, account: AccountId, blocked: bool) -> Result<()> {
        let own = self.keys.device();
        self.write(|write| {
            requests::set_blocked(write, account, blocked)?;
            miss_nothing_of(write, account, own)?;
            crate::KillPoint::BlockBeforeCommit.reach();
            Ok(())
        })?;
        crate::KillPoint::BlockAfterCommit.reach();
        self.live.forget(account);
        self.settle_people();
        Ok(())
    }

    /// Marks a contact as verified, or not.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Database`].
    pub fn set_verified(&mut self, key: ConversationKey, verified: bool) -> Result<()> {
        self.write(|write| {
            let row = conversations::row(write.connection(), key)?;
            contacts::set_verified(write, row.peer, verified)
        })
    }

    /// Sets the handle of the account, or gives it up. Needs a connection.
    pub fn set_handle(&mut self, handle: Option<String>, answer: Answer<()>) {
        if handle.as_deref().is_some_and(|handle| !is_handle(handle)) {
            answer(Err(Error::new(ErrorKind::HandleInvalid, "not a handle")));
            return;
        }
        let frame = SetHandle {
            handle: handle.clone(),
        };
        self.request(Request::SetHandle { handle, answer }, &frame.into());
        self.show_connection();
    }

    /// Opens the conversation with the account that has a handle. Needs a connection.
    pub fn open_handle(&mut self, handle: &str, answer: Answer<ConversationKey>) {
        let handle = handle.trim().trim_start_matches('@').to_lowercase();
        if !is_handle(&handle) {
            answer(Err(Error::new(ErrorKind::HandleInvalid, "not a handle")));
            return;
        }
        let frame = FindAccount {
            handle: handle.clone(),
        };
        self.request(Request::Find { handle, answer }, &frame.into());
        self.show_connection();
    }

    /// Ends a link before its time. Needs a connection: the relay counts.
    pub fn end_link(&mut self, token: Token, answer: Answer<()>) {
        self.request(
            Request::EndLink { token, answer },
            &EndLink { token }.into(),
        );
        self.show_connection();
    }

    /// The relay answered one of these.
    pub(super) fn people_told(&mut self, request: Request, frame: Frame) -> Result<()> {
        match (request, frame) {
            (Request::Decline { conversation }, frame) => self.decline_told(conversation, &frame),
            (Request::Block { account, blocked }, frame) => {
                self.block_told(account, blocked, &frame)
            }
            (Request::SetHandle { handle, answer }, Frame::Done(_)) => {
                let kept = self.write(|write| store::account::set_handle(write, handle.as_deref()));
                if kept.is_ok() {
                    self.account.handle = handle;
                }
                answer(kept);
                self.offer_next()
            }
            (Request::SetHandle { answer, .. }, Frame::Refusal(refusal)) => {
                answer(Err(handle_refused(&refusal)));
                self.offer_next()
            }
            (Request::Find { handle, answer }, Frame::Found(Found { account })) => {
                answer(self.open_found(account, &handle));
                Ok(())
            }
            (Request::Find { answer, .. }, Frame::Refusal(refusal)) => {
                answer(Err(handle_refused(&refusal)));
                Ok(())
            }
            (Request::EndLink { token, answer }, Frame::Done(_)) => {
                let now = self.relay_time();
                answer(self.write(|write| links::end(write, token, now)));
                self.offer_next()
            }
            (Request::EndLink { answer, .. }, Frame::Refusal(refusal)) => {
                answer(Err(refused(&refusal)));
                self.offer_next()
            }
            (request, frame) => self.wrong_reply(request, &frame),
        }
    }

    /// Opens the conversation with the account that has a handle. Until it tells its name it goes by that.
    fn open_found(&mut self, account: AccountId, handle: &str) -> Result<ConversationKey> {
        let key = self.open_account(account)?;
        let name = format!("@{handle}");
        self.write(|write| contacts::set_first_name(write, account, &name))?;
        Ok(key)
    }

    /// The person did something that the relay has to know: that does not wait for what it refused before.
    pub(super) fn settle_people(&mut self) {
        self.untold.hurry();
        let outcome = self
            .tell_again()
            .and_then(|()| self.tell_people())
            .and_then(|()| self.pump());
        self.settle(outcome);
    }
}

/// What is not delivered while a block lasts is not missed, whether the conversation is older or not.
pub(super) fn miss_nothing_of(
    write: &WriteTransaction<'_>,
    account: AccountId,
    own: DeviceId,
) -> Result<()> {
    let Some(key) = conversations::key_of_peer(write.connection(), account)? else {
        return Ok(());
    };
    conversations::set_entered_late(write, key)?;
    chains::forget_others(write, key, own)
}

/// The two may write to each other: the other is told who we are, and by that, that it is accepted.
pub(super) fn introduce(
    write: &WriteTransaction<'_>,
    row: &ConversationRow,
    name: &str,
    ids: &Ids,
) -> Result<()> {
    requests::set_standing(write, row.key, Standing::Open)?;
    contacts::set_consented(write, row.peer)?;
    tell_profile(write, row.key, name, None, ids)?;
    // of somebody who is not accepted nothing is asked
    resending::ask(write, row.key, ids)
}

fn handle_refused(refusal: &Refusal) -> Error {
    match refusal.code {
        ErrorCode::Taken => Error::new(ErrorKind::HandleTaken, "the handle belongs to another"),
        ErrorCode::NotFound => Error::new(ErrorKind::NotFound, "nobody has this handle"),
        _ => refused(refusal),
    }
}
