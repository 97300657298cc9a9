//! What the relay is offered: key packages and manifests that it lacks, and after its restore the links and the handle.
//!
//! One offer goes out after the other. What the relay refuses for now is offered again, after a longer pause each time; only a
//! last answer ends it. A restored relay counts as known again when it has given one to everything.

use std::collections::VecDeque;

use protocol::{
    EndLink, ErrorCode, Frame, NewLink, PublishKeyPackages, PublishManifest, Refusal, SetHandle,
    Token,
};
use tracing::{info, warn};

use crate::{
    engine::{Engine, holds::Patience, requests::Request},
    error::Result,
    store::{self, links},
};

/// How often the relay may fail at one offer by its own fault; then that stays undone.
const MOST_FAULTS: u32 = 8;

/// One of them. What may change until it goes out is read then.
pub(super) enum Offer {
    /// Key packages of this device.
    KeyPackages(Box<PublishKeyPackages>),
    /// Our manifests that the relay does not have, in order: each follows the one before.
    Manifests(VecDeque<Vec<u8>>),
    /// A link that was ended.
    EndOfLink(Token),
    /// A link that is in force.
    Link(Token),
    /// The handle, or that there is none.
    Handle,
}

/// Those that wait. The one under way is a request.
#[derive(Default)]
pub(super) struct Offers {
    waiting: VecDeque<Offer>,
    patience: Patience,
    faults: u32,
}

impl Offers {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) const fn due(&self) -> Option<std::time::Duration> {
        self.patience.due()
    }
}

impl Engine {
    /// Offers something behind what waits already.
    pub(super) fn offer(&mut self, offer: Offer) -> Result<()> {
        self.offers.waiting.push_back(offer);
        self.offer_next()
    }

    /// Whether key packages are on their way, or wait for that.
    pub(super) fn are_packages_offered(&self) -> bool {
        let are = |offer: &Offer| matches!(offer, Offer::KeyPackages(_));
        self.offers.waiting.iter().any(are)
            || self.in_flight(|request| matches!(request, Request::Offer(offer) if are(offer)))
    }

    /// Goes on once the pause after a refusal is over.
    pub(super) fn resume_offers(&mut self) -> Result<()> {
        if self.offers.patience.ends(self.seams.clock.monotonic()) {
            self.offer_next()?;
        }
        Ok(())
    }

    /// Makes the next offer, one at a time. What the person does with the handle or with a link at this moment comes first.
    pub(super) fn offer_next(&mut self) -> Result<()> {
        let busy = self.in_flight(|request| {
            matches!(
                request,
                Request::Offer(_) | Request::SetHandle { .. } | Request::EndLink { .. }
            )
        });
        if busy || self.offers.patience.waits() {
            return Ok(());
        }
        while let Some(offer) = self.offers.waiting.pop_front() {
            if let Some(frame) = self.frame_of(&offer)? {
                self.request(Request::Offer(offer), &frame);
                return Ok(());
            }
        }
        Ok(())
    }

    /// What goes out; `None` where the offer is void by now.
    fn frame_of(&self, offer: &Offer) -> Result<Option<Frame>> {
        Ok(match offer {
            Offer::KeyPackages(packages) => Some((**packages).clone().into()),
            Offer::Manifests(manifests) => manifests.front().map(|bytes| {
                let manifest = bytes.clone().into();
                PublishManifest { manifest }.into()
            }),
            Offer::EndOfLink(token) => Some(EndLink { token: *token }.into()),
            Offer::Link(token) => {
                let left = links::left(self.database.connection(), self.relay_time())?;
                left.into_iter()
                    .find(|link| link.token == *token)
                    .map(|link| {
                        NewLink {
                            token: link.token,
                            invite: link.invite,
                            uses: link.uses,
                            expires: link.expires,
                        }
                        .into()
                    })
            }
            Offer::Handle => {
                let handle = self.account.handle.clone();
                Some(SetHandle { handle }.into())
            }
        })
    }

    /// The relay answered an offer.
    pub(super) fn offered(&mut self, offer: Offer, frame: &Frame) -> Result<()> {
        match (offer, frame) {
            (offer, Frame::Refusal(refusal)) => self.offer_refused(offer, refusal)?,
            (Offer::KeyPackages(_), Frame::KeyPackageCount(_)) => self.offer_answered(),
            (Offer::Manifests(mut manifests), Frame::Done(_)) => {
                self.offer_answered();
                manifests.pop_front();
                self.offers.waiting.push_front(Offer::Manifests(manifests));
            }
            (Offer::EndOfLink(_) | Offer::Link(_) | Offer::Handle, Frame::Done(_)) => {
                self.offer_answered();
            }
            (offer, frame) => return self.wrong_reply(Request::Offer(offer), frame),
        }
        self.offer_next()?;
        self.end_comparison()
    }

    fn offer_answered(&mut self) {
        self.offers.patience.answered();
        self.offers.faults = 0;
    }

    fn offer_refused(&mut self, offer: Offer, refusal: &Refusal) -> Result<()> {
        info!(code = ?refusal.code, "the relay did not take what it was offered");
        let is_for_now = match refusal.code {
            ErrorCode::Internal => {
                self.offers.faults = self.offers.faults.saturating_add(1);
                self.offers.faults < MOST_FAULTS
            }
            // what is too much for it now is so as long as a link lasts
            code => code.retryable() && code != ErrorCode::Quota,
        };
        if is_for_now {
            let now = self.seams.clock.monotonic();
            self.offers.patience.refused(now, refusal);
            self.offers.waiting.push_front(offer);
            return Ok(());
        }
        self.offer_answered();
        match (offer, refusal.code) {
            // another account took it after the backup that the relay was restored from
            (Offer::Handle, ErrorCode::Taken) => {
                warn!("the handle belongs to another account now");
                self.write(|write| store::account::set_handle(write, None))?;
                self.account.handle = None;
                Ok(())
            }
            // the next one may follow what the relay has all the same
            (Offer::Manifests(mut manifests), _) => {
                manifests.pop_front();
                self.offers.waiting.push_front(Offer::Manifests(manifests));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
