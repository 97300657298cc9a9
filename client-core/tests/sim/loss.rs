//! How devices lose what they had: the keys of their conversations, or all that came since a copy was made.

use std::time::Duration;

use client_core::{
    crypto::{AccountKeys, Mls},
    seams::SeededRandom,
    store::{account as account_row, conversations},
};

use crate::{
    account::Account,
    model::Side,
    relay::Restored,
    schedule::Step,
    world::{Verdict, World},
};

/// Weeks that are slept at a time.
const SLEEP_WEEKS: u64 = 4;
/// How long the others are there then: longer than a relay takes to look for what is too old.
const AWAKE: Duration = Duration::from_secs(150);

impl World {
    /// One of the steps of this kind; answers whether there was anything to do.
    pub(crate) fn lose(&mut self, step: &Step) -> bool {
        match *step {
            Step::LoseKeys { who, with, ms } => {
                let with = match with {
                    None => None,
                    Some(with) if self.conversation(who, with).is_some() => Some(with),
                    Some(_) => return false,
                };
                self.lose_keys(who, with, Duration::from_millis(ms))
            }
            Step::Copy { who } => self.copy(who),
            Step::RollBack { who, ms } => self.roll_back(who, Duration::from_millis(ms)),
            Step::Unstore { who, ms } => {
                let account = &mut self.accounts[who];
                account.close();
                account.opens_at = Some(self.time.now() + Duration::from_millis(ms));
                let newest = "DELETE FROM messages WHERE id =
                    (SELECT max(id) FROM messages WHERE mine = 0 AND kind = 1)";
                let deleted = account.tamper(|write| Ok(write.connection().execute(newest, ())?));
                deleted == Some(1)
            }
            _ => false,
        }
    }

    fn lose_keys(&mut self, who: usize, with: Option<usize>, closed: Duration) -> bool {
        if self.accounts[who].app.is_none() {
            return false;
        }
        let key = with.and_then(|with| self.conversation(who, with));
        let account = &mut self.accounts[who];
        account.close();
        account.tamper(|write| {
            let Some(key) = key else {
                write.connection().execute("DELETE FROM mls_state", ())?;
                return Ok(());
            };
            let row = conversations::row(write.connection(), key)?;
            let keys = account_row::load(write.connection())?.keys;
            let keys = AccountKeys::from_bytes(&keys)?;
            let mut random = SeededRandom::new(0);
            let mls = Mls::new(write.connection(), &mut random, &keys, 0);
            match mls.load(row.conversation, row.incarnation)? {
                Some(mut group) => Ok(group.delete()?),
                None => Ok(()),
            }
        });
        account.opens_at = Some(self.time.now() + closed);
        self.watch.expect_loss();
        self.model.lose(who);
        true
    }

    fn copy(&mut self, who: usize) -> bool {
        if self.accounts[who].app.is_none() || !self.accounts[who].copy() {
            return false;
        }
        let kept = self.sides_of(who).map(|side| self.model.texts(side).len());
        let kept = kept.collect();
        let known = (0..self.accounts.len())
            .filter(|other| *other != who && self.conversation(who, *other).is_some())
            .collect();
        self.copies.insert(who, Kept { kept, known });
        true
    }

    fn roll_back(&mut self, who: usize, closed: Duration) -> bool {
        let Some(Kept { kept, known }) = self.copies.get(&who).cloned() else {
            return false;
        };
        if self.accounts[who].app.is_none() {
            return false;
        }
        let account = &mut self.accounts[who];
        account.close();
        if !account.roll_back() {
            return false;
        }
        account.opens_at = Some(self.time.now() + closed);
        self.watch.expect_loss();
        self.model.go_back(who);
        let sides: Vec<Side> = self.sides_of(who).collect();
        for (side, kept) in sides.into_iter().zip(kept) {
            // what was written since is where it went, and perhaps nowhere
            self.model.doubt(side, kept);
            if !known.contains(&side.1) {
                // who does not know of a conversation does not know what was in it
                self.model.doubt(side, 0);
                self.model.doubt((side.1, side.0), 0);
            }
        }
        true
    }

    /// The relay is restored from its backup: what everybody has is offered to it again, and shown later.
    pub(crate) fn restore_relay(&mut self, closed: Duration) -> bool {
        if !self.may_lose_links() {
            return false;
        }
        let restored = self.host.restore();
        if restored == Some(Restored::Behind) {
            self.model.lapse();
        }
        self.after_loss(restored.is_some(), closed)
    }

    /// The relay is put back as its backup was, under the same generation.
    pub(crate) fn put_relay_back(&mut self, closed: Duration) -> bool {
        let back = self.may_lose_links() && self.host.put_back();
        if back {
            self.model.lapse();
        }
        self.after_loss(back, closed)
    }

    /// Whether the relay may forget its links: nobody holds an invite whose loss only its maker could mend, by another one.
    fn may_lose_links(&self) -> bool {
        self.host.is_up()
            && !self.has_wishes()
            && !self.accounts.iter().any(Account::is_registering)
    }

    fn after_loss(&mut self, lost: bool, closed: Duration) -> bool {
        if !lost {
            return false;
        }
        for account in &mut self.accounts {
            account.cable.break_now();
        }
        self.relay_opens_at = Some(self.time.now() + closed);
        self.everybody_loses();
        true
    }

    /// Whatever is kept for anybody may be gone: it is sent again.
    pub(crate) fn everybody_loses(&mut self) {
        self.watch.expect_loss();
        for who in 0..self.accounts.len() {
            self.model.lose(who);
        }
    }

    /// Somebody is away for weeks. The relay, and the others, are off most of the time: a relay does not believe a clock that
    /// jumps by more than some weeks, and nothing would expire.
    pub(crate) async fn away(&mut self, who: usize, weeks: u64) -> Verdict<bool> {
        if !self.may_sleep(true) {
            return Ok(false);
        }
        self.everybody_loses();
        for week in 0..weeks.div_ceil(SLEEP_WEEKS) {
            for account in &mut self.accounts {
                account.close();
            }
            // whatever would have opened it before
            self.accounts[who].opens_at = None;
            self.host.stop().await;
            let slept = SLEEP_WEEKS.min(weeks - week * SLEEP_WEEKS);
            self.time
                .pass_night(Duration::from_secs(slept * 7 * 24 * 3600));
            let now = self.time.now();
            self.relay_opens_at = Some(now);
            for account in self.accounts.iter_mut().filter(|it| it.who != who) {
                account.opens_at = Some(now + Duration::from_secs(1));
            }
            self.advance(now + AWAKE).await?;
        }
        self.accounts[who].opens_at = Some(self.time.now());
        Ok(true)
    }

    fn sides_of(&self, who: usize) -> impl Iterator<Item = Side> + use<> {
        let accounts = self.accounts.len();
        (0..accounts)
            .filter(move |other| *other != who)
            .map(move |other| (who, other))
    }
}

/// What a copy of an account's files holds.
#[derive(Clone)]
pub(crate) struct Kept {
    /// How many texts to each of the others had been accepted.
    kept: Vec<usize>,
    /// With whom there was a conversation.
    known: Vec<usize>,
}
