//! What the relay has to know and does not know yet: declines and blocks, the recovery record, whether others see that we are there.
//!
//! All of it is kept until the relay has it, but for the last, which each connection begins with. What the relay refuses is told
//! again after a pause, and few things are on their way at a time.

use protocol::{
    AccountId, Announce, ConversationId, DeclineRequest, ErrorCode, Frame, Refusal, SetBlock,
};
use tracing::info;

use crate::{
    engine::{Engine, requests::Request},
    error::Result,
    store::requests,
};

impl Engine {
    /// Tells the relay what it does not know yet. After each connection, and when something is added.
    pub(super) fn tell_people(&mut self) -> Result<()> {
        if !self.session.is_online() || self.untold.waits() {
            return Ok(());
        }
        self.tell_declines()?;
        self.tell_blocks()
    }

    fn tell_declines(&mut self) -> Result<()> {
        for conversation in requests::untold_declines(self.database.connection())? {
            let is_one = |request: &Request| matches!(request, Request::Decline { .. });
            if self.room_for(is_one) == 0 {
                break;
            }
            let busy = self.in_flight(
                |request| matches!(request, Request::Decline { conversation: other } if *other == conversation),
            );
            if !busy {
                let frame = DeclineRequest { conversation };
                self.request(Request::Decline { conversation }, &frame.into());
            }
        }
        Ok(())
    }

    fn tell_blocks(&mut self) -> Result<()> {
        for (account, blocked) in requests::untold_blocks(self.database.connection())? {
            let is_one = |request: &Request| matches!(request, Request::Block { .. });
            if self.room_for(is_one) == 0 {
                break;
            }
            let busy = self.in_flight(
                |request| matches!(request, Request::Block { account: other, .. } if *other == account),
            );
            if !busy {
                let frame = SetBlock { account, blocked };
                self.request(Request::Block { account, blocked }, &frame.into());
            }
        }
        Ok(())
    }

    pub(super) fn block_told(
        &mut self,
        account: AccountId,
        blocked: bool,
        frame: &Frame,
    ) -> Result<()> {
        match frame {
            Frame::Done(_) => {
                crate::KillPoint::BlockAnswered.reach();
                self.write(|write| requests::set_block_told(write, account, blocked))?;
                self.untold.answered();
                self.tell_people()
            }
            Frame::Refusal(refusal) => {
                self.tell_later(refusal);
                Ok(())
            }
            frame => self.wrong_reply(Request::Block { account, blocked }, frame),
        }
    }

    pub(super) fn decline_told(
        &mut self,
        conversation: ConversationId,
        frame: &Frame,
    ) -> Result<()> {
        match frame {
            // a conversation that is not there any more needs no decline
            Frame::Done(_)
            | Frame::Refusal(Refusal {
                code: ErrorCode::NotMember,
                ..
            }) => {
                crate::KillPoint::DeclineAnswered.reach();
                self.write(|write| requests::set_decline_told(write, conversation))?;
                self.untold.answered();
                self.tell_people()
            }
            Frame::Refusal(refusal) => {
                self.tell_later(refusal);
                Ok(())
            }
            frame => self.wrong_reply(Request::Decline { conversation }, frame),
        }
    }

    /// Tells the relay whether others see that we are there, where it was told otherwise on this connection.
    pub(super) fn tell_announced(&mut self) {
        let announce = self.account.privacy.announce;
        let busy = self.in_flight(|request| matches!(request, Request::Announce { .. }));
        if self.session.is_online() && self.announced != announce && !busy {
            let frame = Announce { announce };
            self.request(Request::Announce { announce }, &frame.into());
        }
    }

    pub(super) fn announce_told(&mut self, announce: bool, frame: &Frame) -> Result<()> {
        match frame {
            Frame::Done(_) => {
                self.announced = announce;
                self.tell_announced();
                Ok(())
            }
            Frame::Refusal(refusal) => {
                self.tell_later(refusal);
                Ok(())
            }
            frame => self.wrong_reply(Request::Announce { announce }, frame),
        }
    }

    /// The relay did not take one of these.
    pub(super) fn tell_later(&mut self, refusal: &Refusal) {
        info!(code = ?refusal.code, "the relay did not take what it was told: it is told again later");
        self.untold.refused(self.seams.clock.monotonic(), refusal);
    }

    /// Tells all of it again, once the pause after a refusal is over.
    pub(super) fn tell_again(&mut self) -> Result<()> {
        if !self.untold.ends(self.seams.clock.monotonic()) {
            return Ok(());
        }
        self.tell_announced();
        if !self.in_flight(|request| matches!(request, Request::Record)) {
            self.tell_record()?;
        }
        self.tell_people()
    }
}
