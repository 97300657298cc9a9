//! What each step of the schedule does.

use std::time::Duration;

use client_core::{model::ConversationState, store::conversations};

use crate::{
    account::{App, messages, newest},
    chance::Chance,
    schedule::Step,
    wishes::Wish,
    world::{Verdict, World},
};

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
            Step::Write { who, to, texts } => return self.write(who, to, texts, chance),
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
                match step {
                    Step::StopRelay { .. } => self.host.stop().await,
                    Step::Forget { .. } => self.host.forget(),
                    _ => self.host.crash(),
                }
                for account in &mut self.accounts {
                    account.cable.break_now();
                }
                self.relay_opens_at = Some(self.time.now() + Duration::from_millis(ms));
            }
            Step::Clock { who, by } => self.accounts[who].clocks.jump(by),
            Step::Night { days } => return Ok(self.night(days, chance).await),
        }
        Ok(true)
    }

    fn write(&mut self, who: usize, to: usize, texts: usize, chance: &mut Chance) -> Verdict<bool> {
        let Some(key) = self.conversation(who, to) else {
            return Ok(false);
        };
        for _ in 0..texts {
            let text = self.model.next_text((who, to), chance);
            let App { engine, .. } = self.accounts[who]
                .app
                .as_mut()
                .expect("it has a conversation");
            let accepted = engine.send_text(key, &text);
            accepted.map_err(|error| format!("{who} could not write: {error}"))?;
            self.model.accepted((who, to), text);
            self.history.counts.texts += 1;
            self.after(who);
        }
        Ok(true)
    }

    fn read(&mut self, who: usize, with: usize, chance: &mut Chance) -> bool {
        let Some(key) = self.conversation(who, with) else {
            return false;
        };
        let App { engine, reader, .. } = self.accounts[who]
            .app
            .as_mut()
            .expect("it has a conversation");
        let shown = newest(reader, key);
        // a screen shows a few of the newest
        let newest = shown.len() - chance.index(shown.len().min(5)).min(shown.len());
        let Some(position) = newest.checked_sub(1).map(|index| shown[index].position) else {
            return false;
        };
        engine.mark_read(key, position).expect("mark as read");
        let all = messages(reader, key);
        self.model.marked((who, with), &all, position);
        self.after(who);
        true
    }

    /// Everybody goes to bed, if nothing is unfinished that would be too old in the morning.
    async fn night(&mut self, days: u64, chance: &mut Chance) -> bool {
        let open = |app: &App| {
            let list = conversations::list(&app.reader).expect("list conversations");
            list.iter()
                .any(|conversation| conversation.state != ConversationState::Established)
        };
        let unfinished = self
            .accounts
            .iter()
            .any(|account| account.app.as_ref().is_none_or(open) || !account.has_begun());
        if unfinished || !self.wishes.is_empty() || !self.host.is_up() {
            return false;
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
