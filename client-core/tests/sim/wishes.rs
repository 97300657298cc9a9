//! Links that people make for each other: asked for, made by the relay, opened.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use client_core::{Error, ErrorKind, model::IssuedLink};
use protocol::Link;

use crate::world::{Verdict, World};

/// A person asks again for a link after this.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// A link that somebody shall make for somebody else.
pub(crate) struct Wish {
    who: usize,
    of: usize,
    pub(crate) not_before: Duration,
    answer: Option<Answer>,
}

type Answer = Arc<Mutex<Option<Result<IssuedLink, ErrorKind>>>>;

impl Wish {
    pub(crate) const fn new(who: usize, of: usize, now: Duration) -> Self {
        Self {
            who,
            of,
            not_before: now,
            answer: None,
        }
    }

    /// The one who was asked died over it.
    pub(crate) fn forget_answer_of(&mut self, of: usize) {
        if self.of == of {
            self.answer = None;
        }
    }
}

impl World {
    /// Makes links for those who want to come in or to meet.
    pub(crate) fn grant_wishes(&mut self, now: Duration) -> Verdict {
        for mut wish in std::mem::take(&mut self.wishes) {
            if wish.not_before > now || !self.grant(&mut wish)? {
                self.wishes.push(wish);
            }
        }
        Ok(())
    }

    fn grant(&mut self, wish: &mut Wish) -> Verdict<bool> {
        let now = self.time.now();
        if let Some(answer) = &wish.answer {
            let outcome = answer.lock().expect("answering does not panic").take();
            match outcome {
                Some(Ok(link)) => {
                    let link = link.app.parse().expect("a link of the engine parses");
                    // who is not there to open it opens it later, with another link
                    let granted = self.use_link(wish, link)?;
                    wish.answer = None;
                    wish.not_before = now + ASK_AGAIN;
                    return Ok(granted);
                }
                // an engine that died answers nobody
                None if Arc::strong_count(answer) > 1 => {}
                Some(Err(_)) | None => wish.answer = None,
            }
            wish.not_before = now + ASK_AGAIN;
            return Ok(false);
        }
        wish.not_before = now + ASK_AGAIN;
        if let Some(app) = &mut self.accounts[wish.of].app {
            let answer = Answer::default();
            wish.answer = Some(Arc::clone(&answer));
            app.engine.create_invite(Box::new(move |outcome| {
                let outcome = outcome.map_err(|error: Error| error.kind());
                *answer.lock().expect("answering does not panic") = Some(outcome);
            }));
            self.after(wish.of);
        }
        Ok(false)
    }

    fn use_link(&mut self, wish: &Wish, link: Link) -> Verdict<bool> {
        let Wish { who, of, .. } = *wish;
        let account = &mut self.accounts[who];
        if !account.has_begun() {
            account.begin(link);
        } else if let Some(app) = &mut account.app {
            let opened = app.engine.open_link(&link);
            opened.map_err(|error| format!("{who} could not open a link of {of}: {error}"))?;
        } else {
            return Ok(false);
        }
        self.model.meet(who, of);
        self.history
            .note(self.time.now(), format_args!("{who} opens a link of {of}"));
        self.after(who);
        Ok(true)
    }
}
