//! A conversation as a file that other programs read: HTML to look at and print, Markdown to edit, JSON to process.
//!
//! A file is written message by message, and holds what a person sees. Everything in it comes from others, so everything is
//! escaped for its format, and names lose the characters that turn the direction of what follows.
//!
//! JSON, version 1; a later version may add members:
//!
//! ```json
//! {
//!   "format": "relevo-conversation", "version": 1, "exported": "2026-11-22T15:43:00Z",
//!   "me": {"account": "HEX", "name": "Ana"}, "peer": {"account": "HEX", "name": "Luis"},
//!   "messages": [
//!     {"id": "HEX", "time": "2026-11-22T15:43:00Z", "sender": "HEX", "mine": true, "kind": "text", "text": "hi",
//!      "state": "delivered", "sent": "2026-11-22T15:43:00Z", "delivered": "2026-11-22T15:43:02Z"}
//!   ]
//! }
//! ```
//! `kind` is `text`, `system` (with `event`), `unreadable` or `unsupported`; `text` is there for texts only; `state` is
//! `queued`, `sent`, `delivered`, `read` or `failed` and there for own messages only. `sent`, `delivered` and `read` are
//! the times of own messages as far as they are known: that of the relay, and of `read` the one that the other told.
//! All times of JSON are in UTC. Those of HTML and Markdown are of the place where the person is, with the offset.

mod escape;
mod html;
mod json;
mod markdown;

use std::io::Write;

use rusqlite::Connection;

use crate::{
    error::{Error, Result},
    model::{ConversationKey, Message, MessageKind, OutgoingState, SystemEvent},
    seams::Zone,
    store::exporting::{self, Participants},
};

/// What kind of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One page without scripts, images or links.
    Html,
    /// For programs; the module says what is in it.
    Json,
    /// CommonMark in which nothing of a message has a meaning.
    Markdown,
}

/// What of a file goes by the person: its words, and whose clock it shows. JSON knows neither.
#[derive(Clone, Debug)]
pub struct Locale {
    /// Its words.
    pub words: Words,
    /// Where the person is.
    pub zone: Zone,
}

/// The words of the file that are nobody's message, in the language of the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// The language's tag, such as `en`.
    pub language: String,
    /// "Conversation with"; the name follows.
    pub conversation_with: String,
    /// "Exported on"; the time follows.
    pub exported_on: String,
    /// Instead of a message that could not be opened.
    pub unreadable: String,
    /// Instead of a message that this version does not understand.
    pub unsupported: String,
    /// Where the conversation began.
    pub started: String,
    /// Where messages are missing, or may be.
    pub missing: String,
    /// Where the other accepted to be written to.
    pub accepted: String,
    /// Where this computer came back into the conversation.
    pub rejoined: String,
    /// Where the encryption was set up anew.
    pub reset: String,
    /// Where the other's computers changed.
    pub devices_changed: String,
    /// Where the relay showed different people different computers of one of them.
    pub split_view: String,
    /// Where the relay was put back to an older state.
    pub relay_went_back: String,
    /// Beside an own message that has not left this computer.
    pub not_sent: String,
    /// Beside an own message that the relay has.
    pub sent: String,
    /// Beside an own message that a computer of the other has.
    pub delivered: String,
    /// Beside an own message that the other read.
    pub read: String,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            language: "en".to_owned(),
            conversation_with: "Conversation with".to_owned(),
            exported_on: "Exported on".to_owned(),
            unreadable: "This message could not be opened.".to_owned(),
            unsupported: "This message is of a kind that this version does not show.".to_owned(),
            started: "The conversation began.".to_owned(),
            missing: "Some messages may be missing here.".to_owned(),
            accepted: "The request was accepted.".to_owned(),
            rejoined: "This computer came back into the conversation.".to_owned(),
            reset: "The encryption was set up anew.".to_owned(),
            devices_changed: "The computers of the other changed.".to_owned(),
            split_view:
                "The relay told different people different things about the computers of the other."
                    .to_owned(),
            relay_went_back: "The relay was put back to an older state. What this computer sent since was sent again.".to_owned(),
            not_sent: "not sent".to_owned(),
            sent: "sent".to_owned(),
            delivered: "delivered".to_owned(),
            read: "read".to_owned(),
        }
    }
}

impl Words {
    /// How far an own message came.
    fn state(&self, state: OutgoingState) -> &str {
        match state {
            OutgoingState::Queued | OutgoingState::Failed => &self.not_sent,
            OutgoingState::Sent => &self.sent,
            OutgoingState::Delivered => &self.delivered,
            OutgoingState::Read => &self.read,
        }
    }

    /// What stands in the place of a message without text.
    fn note(&self, kind: MessageKind) -> Option<&str> {
        match kind {
            MessageKind::Text => None,
            MessageKind::System(SystemEvent::ConversationStarted) => Some(&self.started),
            MessageKind::System(SystemEvent::MessagesMissing) => Some(&self.missing),
            MessageKind::System(SystemEvent::RequestAccepted) => Some(&self.accepted),
            MessageKind::System(SystemEvent::Rejoined) => Some(&self.rejoined),
            MessageKind::System(SystemEvent::Reset) => Some(&self.reset),
            MessageKind::System(SystemEvent::DevicesChanged) => Some(&self.devices_changed),
            MessageKind::System(SystemEvent::SplitView) => Some(&self.split_view),
            MessageKind::System(SystemEvent::RelayWentBack) => Some(&self.relay_went_back),
            MessageKind::Unreadable => Some(&self.unreadable),
            MessageKind::Unsupported => Some(&self.unsupported),
        }
    }
}

/// Where a file goes, one message after the other.
trait Page {
    fn begin(&mut self, exported: u64, participants: &Participants) -> Result<()>;
    fn message(&mut self, message: &Message) -> Result<()>;
    fn end(&mut self) -> Result<()>;
}

/// Writes a conversation as it is at this moment, and returns how many messages that were. Blocks; `connection` is one for
/// reading. `now` is the computer's time in milliseconds.
///
/// # Errors
/// [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Database`], [`crate::ErrorKind::DiskFull`].
pub fn conversation(
    connection: &Connection,
    key: ConversationKey,
    format: Format,
    locale: &Locale,
    now: u64,
    output: &mut dyn Write,
) -> Result<u64> {
    let snapshot = connection.unchecked_transaction()?;
    let participants = exporting::participants(&snapshot, key)?;
    let mut page: Box<dyn Page + '_> = match format {
        Format::Html => Box::new(html::HtmlPage::new(output, locale)),
        Format::Json => Box::new(json::JsonPage::new(output)),
        Format::Markdown => Box::new(markdown::MarkdownPage::new(output, locale)),
    };
    page.begin(now, &participants)?;
    let mut count = 0_u64;
    exporting::each_message(&snapshot, key, &mut |message| {
        count = count.saturating_add(1);
        page.message(&message)
    })?;
    page.end()?;
    Ok(count)
}

/// What a name may hold in a file: one line, and nothing that turns the direction of what follows.
fn clean_name(name: &str) -> String {
    let turns = |letter: char| {
        matches!(letter,
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    name.chars()
        .filter(|letter| !letter.is_control() && !turns(*letter))
        .filter(|letter| !matches!(letter, '\u{2028}' | '\u{2029}'))
        .collect()
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        std::io::Error::from(error).into()
    }
}
