//! What each step of the schedule does.

use std::time::Duration;

use client_core::{
    ErrorKind,
    model::{ConversationKey, ConversationState, Standing},
    store::{conversations, outbox},
};

use relay_server::DiskMoment;

use crate::{
    account::{Account, App, Doom, messages, newest},
    chance::Chance,
    model::Side,
    schedule::Step,
    wishes::Wish,
    world::{Verdict, World},
};

/// Texts that may be written before the other accepts.
const MOST_ASKING: usize = 3;
/// Days after which the relay keeps nothing that was not fetched.
const RETENTION: u64 = 60;
/// So long a new relay, which knows no other time, believes any clock at once.
const CLOCK_KNOWN: Duration = Duration::from_secs(120);

impl World {
    /// Does one step; answers whether there was anything to do.
    pub(crate) async fn perform(&mut self, step: &Step, chance: &mut Chance) -> Verdict<bool> {
        let now = self.time.now();
        match *step {
            Step::Join { who, by: None } => {
                if self.accounts[who].has_begun() {
                    return Ok(false);
                }
                let invite = self.host.invite(who);
                self.accounts[who].begin(invite);
                self.after(who);
            }
            Step::Join { who, by: Some(of) } | Step::Open { who, whose: of } => {
                self.wishes.push(Wish::new(who, of, now));
            }
            Step::Write { who, to, texts } => return self.write((who, to), texts, chance),
            Step::Read { who, with } => return Ok(self.read(who, with, chance)),
            Step::Retry { who } => {
                let Some(app) = &mut self.accounts[who].app else {
                    return Ok(false);
                };
                app.engine.reconnect();
                self.after(who);
            }
            Step::Close { who, ms } | Step::Crash { who, ms } => {
                let account = &mut self.accounts[who];
                if account.app.is_none() {
                    return Ok(false);
                }
                match step {
                    Step::Crash { .. } => account.crash(),
                    _ => account.close(),
                }
                account.opens_at = Some(now + Duration::from_millis(ms));
            }
            Step::Break { who } => self.accounts[who].cable.break_now(),
            Step::Silence { who, way, ms } => {
                self.accounts[who].cable.line.set(way, false);
                self.silences
                    .push((now + Duration::from_millis(ms), who, way));
            }
            Step::StopRelay { ms } | Step::CrashRelay { ms } | Step::Forget { ms } => {
                if !self.host.is_up() {
                    return Ok(false);
                }
                let closed = Duration::from_millis(ms);
                match step {
                    Step::StopRelay { .. } => self.host.stop().await,
                    Step::Forget { .. } => self.host.forget(),
                    _ => {
                        self.crash_relay(closed);
                        return Ok(true);
                    }
                }
                for account in &mut self.accounts {
                    account.cable.break_now();
                }
                self.relay_opens_at = Some(self.time.now() + closed);
            }
            Step::CrashAtCall { who, calls, ms } => {
                return Ok(self.accounts[who].plan_fall(calls, Duration::from_millis(ms)));
            }
            Step::CrashAtWrite {
                writes,
                written,
                ms,
            } => {
                let moment = if written {
                    DiskMoment::Written
                } else {
                    DiskMoment::Begins
                };
                self.host.doom(writes, moment, Duration::from_millis(ms));
            }
            Step::Stall { ms } => self.host.stall(Duration::from_millis(ms)),
            Step::CrashAtInput {
                who,
                inputs,
                before,
                ms,
            } => {
                let closed = Duration::from_millis(ms);
                self.accounts[who].doom = Some(Doom {
                    inputs,
                    before,
                    closed,
                });
            }
            Step::Pushes { who, fault, pushes } => {
                self.accounts[who].mischief = Some((fault, pushes));
            }
            Step::Clock { who, by } => {
                self.accounts[who].clocks.jump(by);
                self.watch.expect_wrong_times();
            }
            Step::Night { days } => return Ok(self.night(days, chance).await),
            Step::Renew { who, with, both } => return Ok(self.renew((who, with), both)),
            Step::Type { who, to } => return Ok(self.typing((who, to))),
            Step::Ask { .. }
            | Step::Accept { .. }
            | Step::Decline { .. }
            | Step::Block { .. }
            | Step::Unblock { .. }
            | Step::Privacy { .. } => return self.deal(step),
            Step::Away { who, weeks } => return self.away(who, weeks).await,
            Step::BackUp => return Ok(self.host.is_up() && self.host.back_up()),
            Step::Restore { ms } => return Ok(self.restore_relay(Duration::from_millis(ms))),
            Step::PutBack { ms } => return Ok(self.put_relay_back(Duration::from_millis(ms))),
            Step::RelayClock { by } => {
                if now < CLOCK_KNOWN {
                    return Ok(false);
                }
                self.host.jump(by);
            }
            Step::LoseKeys { .. }
            | Step::Copy { .. }
            | Step::RollBack { .. }
            | Step::Unstore { .. } => {
                return Ok(self.lose(step));
            }
        }
        Ok(true)
    }

    pub(crate) fn write(&mut self, side: Side, texts: usize, chance: &mut Chance) -> Verdict<bool> {
        let (who, to) = side;
        self.adopt_blocks()?;
        self.look_at_blocks(side);
        for _ in 0..texts {
            // the app may have died of the text before
            let Some(key) = self.conversation(who, to) else {
                return Ok(false);
            };
            let text = self.model.next_text(side, chance);
            let refusal = self.refusal(side, key);
            let App { engine, fall, .. } = self.accounts[who]
                .app
                .as_mut()
                .expect("it has a conversation");
            let sent = fall.armed(|| engine.send_text(key, &text));
            if fall.has_come() {
                self.after(who);
                // whoever wrote it sees whether it is there
                if !self.accounts[who].wrote(&text) {
                    return Ok(true);
                }
                self.note_written(side, text);
                return Ok(true);
            }
            match (sent, refusal) {
                (Ok(_), None) => {}
                (Err(error), Some(kind)) if error.kind() == kind => return Ok(false),
                (Ok(_), Some(kind)) => {
                    return Err(format!("{who} could write to {to} in spite of {kind:?}"));
                }
                (Err(error), _) => return Err(format!("{who} could not write: {error}")),
            }
            self.note_written(side, text);
            self.after(who);
        }
        Ok(true)
    }

    /// An app accepted a text.
    fn note_written(&mut self, side: Side, text: String) {
        let pair = self.model.pair(side);
        let connected = if pair.loose {
            self.may_write(side)
        } else {
            // who forgot how much it had written may write more than a request may have
            pair.is_open()
                || !self.model.is_lossy(side)
                || self.standing((side.1, side.0)) == Some(Standing::Open)
        };
        self.model.accepted(side, text, connected);
        self.history.counts.texts += 1;
    }

    /// Why an app must not take a text now.
    fn refusal(&self, side: Side, key: ConversationKey) -> Option<ErrorKind> {
        let app = self.accounts[side.0].app.as_ref()?;
        let row = conversations::row(&app.reader, key).expect("read a conversation");
        let asks = row.standing == Standing::Asked;
        let own = || {
            let all = messages(&app.reader, key);
            // what was written in a request that was declined stands before all positions: another request is another one
            all.iter()
                .filter(|message| message.outgoing.is_some() && message.position >= 0)
                .count()
        };
        if self.model.is_blocked(side) || row.standing == Standing::Requested {
            Some(ErrorKind::Refused)
        } else if asks && own() >= MOST_ASKING {
            Some(ErrorKind::RequestLimit)
        } else {
            None
        }
    }

    fn read(&mut self, who: usize, with: usize, chance: &mut Chance) -> bool {
        let Some(key) = self.conversation(who, with) else {
            return false;
        };
        let app = self.accounts[who].app.as_ref();
        let shown = newest(&app.expect("it has a conversation").reader, key).len();
        // a screen shows a few of the newest
        self.read_to(who, with, chance.index(shown.min(5)).min(shown))
    }

    /// Reads all but so many of the newest messages.
    pub(crate) fn read_to(&mut self, who: usize, with: usize, but: usize) -> bool {
        let Some(key) = self.conversation(who, with) else {
            return false;
        };
        let App { engine, reader, .. } = self.accounts[who]
            .app
            .as_mut()
            .expect("it has a conversation");
        let shown = newest(reader, key);
        let newest = shown.len().saturating_sub(but);
        let Some(position) = newest.checked_sub(1).map(|index| shown[index].position) else {
            return false;
        };
        engine.mark_read(key, position).expect("mark as read");
        let all = messages(reader, key);
        self.model.marked((who, with), &all, position);
        self.after(who);
        true
    }

    /// Tells the app to renew its leaf at the next opportunity: after the connection that follows.
    fn renew(&mut self, (who, with): Side, both: bool) -> bool {
        let sides = if both {
            vec![(who, with), (with, who)]
        } else {
            vec![(who, with)]
        };
        let mut planned = false;
        for side in sides {
            if let Some(key) = self.conversation(side.0, side.1) {
                let account = &mut self.accounts[side.0];
                account.tamper(|write| conversations::plan_renewal(write, key, Some(0)));
                account.cable.break_now();
                planned = true;
            }
        }
        planned
    }

    fn typing(&mut self, (who, to): Side) -> bool {
        let Some(key) = self.conversation(who, to) else {
            return false;
        };
        let app = self.accounts[who].app.as_mut();
        let App { engine, .. } = app.expect("it has a conversation");
        engine.typing(key).expect("typing disturbs nothing");
        self.after(who);
        true
    }

    /// Whether everything is in a state in which days may pass; long ones pass over closed apps as well.
    pub(crate) fn may_sleep(&self, long: bool) -> bool {
        let open = |account: &Account| {
            let list = account.tamper(|write| conversations::list(write.connection()));
            list.is_none_or(|list| {
                list.iter()
                    .any(|conversation| conversation.state != ConversationState::Established)
            })
        };
        // in the morning the person would be asked whether it shall still go out
        let would_age = |account: &Account| {
            let waiting = account.tamper(|write| outbox::texts(write.connection()));
            long && waiting.is_some_and(|texts| texts > 0)
        };
        // the link that was opened may be over in the morning, before its maker has seen the proof
        let unseen = self.model.pairs().any(|((one, other), pair)| {
            let sees = |(who, whom): Side| self.accounts[who].is_open_with(self.accounts[whom].id);
            let owed = pair.met && !pair.loose && !self.model.is_lossy((one, other));
            owed && [(one, other), (other, one)]
                .into_iter()
                .any(|side| !sees(side))
        });
        let unfinished = self.accounts.iter().any(|account| {
            open(account)
                || would_age(account)
                || !account.has_begun()
                || (account.app.is_none() && !long)
        });
        !unfinished && !unseen && self.wishes.is_empty() && self.host.is_up()
    }

    /// Everybody goes to bed, if nothing is unfinished that would be too old in the morning.
    async fn night(&mut self, days: u64, chance: &mut Chance) -> bool {
        let long = days >= RETENTION;
        if !self.may_sleep(long) {
            return false;
        }
        if long {
            // what nobody fetched is gone
            self.everybody_loses();
        }
        for account in &mut self.accounts {
            account.close();
        }
        self.host.stop().await;
        self.time.pass_night(Duration::from_secs(days * 24 * 3600));
        let now = self.time.now();
        let morning = Duration::from_millis(chance.below(5000));
        self.relay_opens_at = Some(now + morning);
        for account in &mut self.accounts {
            let wakes = Duration::from_millis(chance.below(60_000));
            account.opens_at = Some(now + wakes);
        }
        true
    }
}
