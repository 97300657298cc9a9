use std::io::Write;

use crate::{
    calendar,
    error::Result,
    export::{Locale, Page, Words, clean_name, escape},
    model::{Message, OutgoingState},
    seams::Zone,
    store::exporting::Participants,
};

pub(super) struct MarkdownPage<'a> {
    output: &'a mut dyn Write,
    words: &'a Words,
    zone: Zone,
    me: String,
    peer: String,
}

impl<'a> MarkdownPage<'a> {
    pub(super) fn new(output: &'a mut dyn Write, locale: &'a Locale) -> Self {
        Self {
            output,
            words: &locale.words,
            zone: locale.zone,
            me: String::new(),
            peer: String::new(),
        }
    }
}

impl Page for MarkdownPage<'_> {
    fn begin(&mut self, exported: u64, participants: &Participants) -> Result<()> {
        self.me = escape::markdown(&clean_name(&participants.me.1));
        self.peer = escape::markdown(&clean_name(&participants.peer.1));
        let with = escape::markdown(&self.words.conversation_with);
        let on = escape::markdown(&self.words.exported_on);
        let (peer, time) = (&self.peer, calendar::readable(exported, self.zone));
        Ok(write!(self.output, "# {with} {peer}\n\n{on} {time}\n")?)
    }

    fn message(&mut self, message: &Message) -> Result<()> {
        let time = calendar::readable(message.time, self.zone);
        if let Some(note) = self.words.note(message.kind) {
            let note = escape::markdown(note);
            return Ok(write!(self.output, "\n---\n\n*{time} · {note}*\n")?);
        }
        let name = match message.outgoing {
            Some(_) => &self.me,
            None => &self.peer,
        };
        let state = match message.outgoing {
            Some(OutgoingState::Queued | OutgoingState::Failed) => {
                format!(" · {}", escape::markdown(&self.words.not_sent))
            }
            Some(OutgoingState::Sent | OutgoingState::Delivered | OutgoingState::Read) | None => {
                String::new()
            }
        };
        let text = escape::markdown(&message.text);
        Ok(write!(
            self.output,
            "\n---\n\n**{name}** · {time}{state}\n\n{text}\n"
        )?)
    }

    fn end(&mut self) -> Result<()> {
        Ok(())
    }
}
