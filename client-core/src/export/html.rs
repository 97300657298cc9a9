use std::io::Write;

use crate::{
    calendar,
    error::Result,
    export::{Locale, Page, Words, clean_name, escape},
    model::Message,
    seams::Zone,
    store::exporting::Participants,
};

/// Without scripts, and nothing that is fetched: the page itself forbids both.
const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h1{font-size:1.4rem}
article{margin:.75rem 0;padding:.5rem .75rem;border:1px solid #d0d7de;border-radius:.5rem;max-width:80%;width:fit-content}
article.mine{margin-inline-start:auto;background:#eef6ff}
article.note{margin-inline:auto;border:0;color:#57606a}
article p{margin:.25rem 0 0;white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:isolate}
small{color:#57606a}
@media print{body{margin:0;max-width:none}article{break-inside:avoid}}
";

pub(super) struct HtmlPage<'a> {
    output: &'a mut dyn Write,
    words: &'a Words,
    zone: Zone,
    me: String,
    peer: String,
}

impl<'a> HtmlPage<'a> {
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

impl Page for HtmlPage<'_> {
    fn begin(&mut self, exported: u64, participants: &Participants) -> Result<()> {
        self.me = escape::html(&clean_name(&participants.me.1));
        self.peer = escape::html(&clean_name(&participants.peer.1));
        let language = escape::html(&self.words.language);
        let with = escape::html(&self.words.conversation_with);
        let on = escape::html(&self.words.exported_on);
        let (peer, time) = (&self.peer, calendar::readable(exported, self.zone));
        Ok(write!(
            self.output,
            "<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{with} {peer}</title>\n\
             <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{with} <bdi>{peer}</bdi></h1>\n\
             <p><small>{on} {time}</small></p>\n<main>\n"
        )?)
    }

    fn message(&mut self, message: &Message) -> Result<()> {
        let at = calendar::rfc3339(message.time);
        let time = calendar::readable(message.time, self.zone);
        if let Some(note) = self.words.note(message.kind) {
            let note = escape::html(note);
            return Ok(writeln!(
                self.output,
                "<article class=\"note\"><small><time datetime=\"{at}\">{time}</time> {note}</small></article>"
            )?);
        }
        let (class, name) = match message.outgoing {
            Some(_) => ("mine", &self.me),
            None => ("theirs", &self.peer),
        };
        let state = message.outgoing.map_or_else(String::new, |state| {
            format!(" · {}", escape::html(self.words.state(state)))
        });
        let text = escape::html(&message.text);
        Ok(writeln!(
            self.output,
            "<article class=\"{class}\"><small><bdi>{name}</bdi> · <time datetime=\"{at}\">{time}</time>{state}</small>\
             <p dir=\"auto\">{text}</p></article>"
        )?)
    }

    fn end(&mut self) -> Result<()> {
        Ok(self.output.write_all(b"</main>\n</body>\n</html>\n")?)
    }
}
