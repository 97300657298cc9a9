//! How people deal with each other: they ask, accept, decline, block, and hide what they read.

use client_core::{
    model::{ConversationKey, MessageKind, Standing},
    store::{conversations, requests},
};

use crate::{
    account::{App, messages},
    model::Side,
    schedule::Step,
    world::{Verdict, World},
};

impl World {
    /// One of the steps of this kind; answers whether there was anything to do.
    pub(crate) fn deal(&mut self, step: &Step) -> Verdict<bool> {
        match *step {
            Step::Ask { who, whom } => Ok(self.ask((who, whom))),
            Step::Accept { who, of } => Ok(self.accept((who, of))),
            Step::Decline { who, of, block } => Ok(self.decline((who, of), block)),
            Step::Block { who, whom } => Ok(self.block((who, whom))),
            Step::Unblock { who, whom } => self.unblock((who, whom)),
            Step::Privacy { who, open } => Ok(self.set_privacy(who, open)),
            _ => Ok(false),
        }
    }

    fn ask(&mut self, (who, whom): Side) -> bool {
        let Some(peer) = self.accounts[whom].id else {
            return false;
        };
        let answers = self.standing((who, whom)) == Some(Standing::Requested);
        let Some(app) = &mut self.accounts[who].app else {
            return false;
        };
        app.engine.open_account(peer).expect("anybody may be asked");
        if answers {
            self.model.accepted_request((who, whom));
        }
        self.model.asked((who, whom));
        self.after(who);
        true
    }

    /// Who lost by which link another came is asked by it anew, and accepts.
    pub(crate) fn accept_known(&mut self) {
        let known: Vec<Side> = self
            .model
            .pairs()
            .filter(|((one, other), pair)| pair.met && self.model.is_lossy((*one, *other)))
            .flat_map(|((one, other), _)| [(one, other), (other, one)])
            .collect();
        for side in known {
            self.accept(side);
        }
    }

    fn accept(&mut self, side: Side) -> bool {
        let Some(key) = self.requested(side) else {
            return false;
        };
        let app = self.accounts[side.0].app.as_mut();
        let App { engine, .. } = app.expect("it has a request");
        engine.accept_request(key).expect("a request is accepted");
        self.model.accepted_request(side);
        self.after(side.0);
        true
    }

    fn decline(&mut self, side: Side, block: bool) -> bool {
        let Some(key) = self.requested(side) else {
            return false;
        };
        let app = self.accounts[side.0].app.as_mut();
        let App { engine, .. } = app.expect("it has a request");
        engine
            .decline_request(key, block)
            .expect("a request is declined");
        self.model.declined(side);
        if block {
            self.model.block(side, Vec::new());
        }
        self.after(side.0);
        true
    }

    fn block(&mut self, side: Side) -> bool {
        let (Some(peer), false) = (self.accounts[side.1].id, self.model.is_blocked(side)) else {
            return false;
        };
        let shown = self.shown(side);
        let Some(app) = &mut self.accounts[side.0].app else {
            return false;
        };
        app.engine
            .set_blocked(peer, true)
            .expect("anybody may be blocked");
        self.model.block(side, shown);
        self.after(side.0);
        true
    }

    fn unblock(&mut self, side: Side) -> Verdict<bool> {
        let (Some(peer), true) = (self.accounts[side.1].id, self.model.is_blocked(side)) else {
            return Ok(false);
        };
        let shown = self.shown(side);
        let Some(app) = &mut self.accounts[side.0].app else {
            return Ok(false);
        };
        app.engine
            .set_blocked(peer, false)
            .expect("any block may end");
        self.model.unblock(side, &shown)?;
        self.after(side.0);
        Ok(true)
    }

    /// Notes which blocks between the two are over at the relay too.
    pub(crate) fn look_at_blocks(&mut self, (one, other): Side) {
        for (who, whom) in [(one, other), (other, one)] {
            let (Some(app), Some(peer)) = (&self.accounts[who].app, self.accounts[whom].id) else {
                continue;
            };
            let untold = requests::untold_blocks(&app.reader).expect("read blocks");
            if untold.iter().all(|(account, _)| *account != peer) {
                self.model.block_is_over((who, whom));
            }
        }
    }

    /// Whoever went back in time may know again of a block that is over, and not yet of one that the relay will tell it of: what its
    /// app says is what the person sees.
    pub(crate) fn adopt_blocks(&mut self) -> Verdict {
        let accounts = 0..self.accounts.len();
        let forgetful = accounts.clone().filter(|who| self.model.is_forgetful(*who));
        for who in forgetful.collect::<Vec<_>>() {
            for whom in accounts.clone() {
                let side = (who, whom);
                match (self.shows_blocked(side), self.model.is_blocked(side)) {
                    (Some(true), false) => self.model.block(side, self.shown(side)),
                    (Some(false), true) => self.model.unblock(side, &self.shown(side))?,
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Whether the app of the first of two shows the other as blocked.
    pub(crate) fn shows_blocked(&self, (who, whom): Side) -> Option<bool> {
        let (app, peer) = (self.accounts[who].app.as_ref()?, self.accounts[whom].id?);
        Some(requests::is_blocked(&app.reader, peer).expect("read blocks"))
    }

    fn set_privacy(&mut self, who: usize, open: bool) -> bool {
        let Some(app) = &mut self.accounts[who].app else {
            return false;
        };
        let mut privacy = app.engine.privacy();
        (privacy.read_receipts, privacy.typing) = (open, open);
        app.engine.set_privacy(privacy).expect("set the privacy");
        self.model.hide_receipts(who);
        self.after(who);
        true
    }

    /// How the first of two stands to the other, as its app shows it.
    pub(crate) fn standing(&self, side: Side) -> Option<Standing> {
        let key = self.conversation(side.0, side.1)?;
        let app = self.accounts[side.0].app.as_ref()?;
        let row = conversations::row(&app.reader, key).expect("read a conversation");
        Some(row.standing)
    }

    fn requested(&self, side: Side) -> Option<ConversationKey> {
        let asks = self.standing(side) == Some(Standing::Requested);
        self.conversation(side.0, side.1).filter(|_| asks)
    }

    /// The texts of the other that somebody's app shows.
    pub(crate) fn shown(&self, side: Side) -> Vec<String> {
        let (Some(key), Some(app)) = (
            self.conversation(side.0, side.1),
            &self.accounts[side.0].app,
        ) else {
            return Vec::new();
        };
        messages(&app.reader, key)
            .into_iter()
            .filter(|message| message.outgoing.is_none() && message.kind == MessageKind::Text)
            .map(|message| message.text)
            .collect()
    }
}
