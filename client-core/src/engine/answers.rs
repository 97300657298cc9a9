//! Requests of others for entries that they missed: so many of each contact are answered in an hour, whatever the others ask.
//! What is asked beyond that is kept, and answered later.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    content::Range,
    engine::{Engine, ids::Ids, resending},
    error::Result,
    model::{ConversationKey, Standing},
    store::{conversations, questions, requests},
};

/// Requests of one contact that are answered in a [`PERIOD`], or on one connection.
const MOST: u32 = 32;
/// After this each contact may ask anew.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// What was answered in this period.
#[derive(Default)]
pub(super) struct Answers {
    given: BTreeMap<ConversationKey, u32>,
    kept: bool,
    due: Option<Duration>,
}

impl Answers {
    /// Takes one of the answers that a contact has left; says whether there was one.
    pub(super) fn take(&mut self, key: ConversationKey) -> bool {
        let given = self.given.entry(key).or_default();
        let left = *given < MOST;
        *given = given.saturating_add(u32::from(left));
        left
    }

    /// A question waits for the next period.
    pub(super) const fn note_kept(&mut self) {
        self.kept = true;
    }

    /// When the next period begins, where something waits for it.
    pub(super) const fn due(&self) -> Option<Duration> {
        self.due
    }
}

impl Engine {
    /// Plans the next period, where a question waits for it.
    pub(super) fn plan_answers(&mut self) {
        if self.answers.kept {
            let next = self.seams.clock.monotonic().saturating_add(PERIOD);
            self.answers.due.get_or_insert(next);
        }
    }

    /// Begins the next period when it is due.
    pub(super) fn answers_again(&mut self) -> Result<()> {
        let now = self.seams.clock.monotonic();
        if !self.session.is_online() || self.answers.due.is_none_or(|due| due > now) {
            return Ok(());
        }
        self.answers = Answers::default();
        self.answer_kept()?;
        self.pump()
    }

    /// Answers what was kept, as far as each contact has answers left.
    pub(super) fn answer_kept(&mut self) -> Result<()> {
        let kept = questions::all(self.database.connection())?;
        if kept.is_empty() {
            return Ok(());
        }
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let device = self.keys.device();
        let mut answers = std::mem::take(&mut self.answers);
        let answered = self.write(|write| {
            for question in &kept {
                let row = conversations::row(write.connection(), question.key)?;
                let may = row.standing == Standing::Open
                    && !requests::is_blocked(write.connection(), row.peer)?;
                if !may {
                    continue;
                }
                if !answers.take(question.key) {
                    answers.note_kept();
                    continue;
                }
                questions::delete(write, question)?;
                let range = Range {
                    chain: question.chain,
                    first: question.first,
                    last: question.last,
                };
                resending::answer(write, question.key, device, &range, &ids)?;
            }
            Ok(())
        });
        self.answers = answers;
        self.plan_answers();
        answered
    }
}
