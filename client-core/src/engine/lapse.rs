//! A relay that went back in time without saying so: its files or its machine were put back as they were, under the same store
//! generation. It counts again from positions where it was before, and has lost what it answered since.
//!
//! It shows by three things: it names fewer entries of ours than it took, it has less of a stream than was processed here, or an
//! entry that comes again opens, which no entry does twice. What it has of others is taken all the same (`reading`); here is
//! what it needs from us: the same as after a restore.
//!
//! Both are told by the relay itself how far it is in each conversation, before it is offered anything.

use protocol::{ConversationId, Digest, Fetch, MessageId, Page, Ready, StreamId};
use tracing::{debug, error};

use crate::{
    engine::{
        Engine, MOST_SEQ,
        notes::{line, tell},
        requests::Request,
    },
    error::Result,
    model::{MessageKind, SystemEvent},
    store::{self, conversations, messages, progress, streams},
};

/// What this connection shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lapse {
    /// Nothing of the kind.
    #[default]
    None,
    /// Something came that was new although its position was not: the relay was asked how far it is, once on a connection.
    Asked,
    /// One conversation after the other is compared.
    Mending {
        /// How many entries of ours the relay has.
        taken: u64,
    },
    /// All was compared: once on a connection, whatever the relay says.
    Mended,
}

/// How far a relay that lost something is in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// Up to where it has what was processed here.
    pub(super) kept: u64,
    /// Its last entry, where that is below what was processed here.
    pub(super) back: Option<u64>,
    /// The cursor here when it said so.
    pub(super) read: u64,
}

impl Lapse {
    /// Ends the comparison, and says how many entries of ours the relay had when it began.
    pub(super) fn end(&mut self) -> Option<u64> {
        match *self {
            Self::Mending { taken } => {
                *self = Self::Mended;
                Some(taken)
            }
            Self::None | Self::Asked | Self::Mended => None,
        }
    }
}

impl Engine {
    /// Whether the relay has less than it had: of what we sent, or of a stream.
    pub(super) fn has_lapsed(&self, ready: &Ready) -> Result<bool> {
        let connection = self.database.connection();
        // a count that no device reaches is a lie, and says nothing
        let fewer = ready.sent < MOST_SEQ && ready.sent < store::account::taken(connection)?;
        for news in &ready.news {
            if news.last < streams::cursor(connection, news.stream)? {
                return Ok(true);
            }
        }
        Ok(fewer)
    }

    /// An entry that came again was new: either it could not be opened when it came first, or the relay went back.
    pub(super) fn suspect_lapse(&mut self, stream: StreamId) -> Result<()> {
        let StreamId::Conversation(conversation) = stream else {
            return Ok(());
        };
        if self.lapse != Lapse::None || self.restored.is_some() {
            return Ok(());
        }
        self.lapse = Lapse::Asked;
        self.ask_how_far(conversation)
    }

    /// Offers the relay again what it may have lost. `manifest` is the number of ours that it has.
    pub(super) fn begin_mending(&mut self, taken: u64, manifest: u64) -> Result<()> {
        error!("the relay has less than it had: it was put back without being restored");
        self.lapse = Lapse::Mending { taken };
        self.write(streams::note_counted)?;
        self.offer_again(manifest)
    }

    /// Asks how far the relay is in a conversation.
    pub(super) fn ask_how_far(&mut self, conversation: ConversationId) -> Result<()> {
        self.kept = None;
        let connection = self.database.connection();
        // what is to be offered is our own; how far others were read may be beyond the declared gap already
        let own = match conversations::row_of(connection, conversation)? {
            Some(row) => messages::newest(connection, row.key, true, MOST_SEQ)?,
            None => 0,
        };
        let frame = Fetch {
            stream: StreamId::Conversation(conversation),
            from: own.saturating_add(1),
            limit: 1,
        };
        self.request(Request::HowFar { conversation }, &frame.into());
        Ok(())
    }

    /// The relay says how far it is. Where that is less than was processed here, the person is told, once for each time.
    pub(super) fn is_so_far(&mut self, conversation: ConversationId, page: &Page) -> Result<()> {
        let cursor = streams::cursor(
            self.database.connection(),
            StreamId::Conversation(conversation),
        )?;
        if self.lapse == Lapse::Asked {
            if page.last >= cursor {
                return Ok(());
            }
            let taken = store::account::taken(self.database.connection())?;
            return self.begin_mending(taken, u64::MAX);
        }
        let back = (page.last < cursor).then_some(page.last);
        if back.is_none() && self.restored.is_none() {
            debug!(%conversation, "nothing of a conversation was lost");
            self.unchecked.remove(&conversation);
            return self.check_next();
        }
        self.kept = Some(Kept {
            kept: page.kept.min(page.last),
            back,
            read: cursor,
        });
        if let Some(last) = back {
            self.tell_it_went_back(conversation, last, cursor)?;
        }
        self.check(conversation);
        Ok(())
    }

    /// Takes back what is not known any more, and tells the person.
    fn tell_it_went_back(
        &mut self,
        conversation: ConversationId,
        last: u64,
        cursor: u64,
    ) -> Result<()> {
        let time = self.relay_time();
        self.write(|write| {
            let Some(row) = conversations::row_of(write.connection(), conversation)? else {
                return Ok(());
            };
            progress::go_back(write, row.key, last)?;
            let (from, to) = (last.to_be_bytes(), cursor.to_be_bytes());
            let id = Digest::of(&[b"relevo went back 1", conversation.as_bytes(), &from, &to]);
            let kind = MessageKind::System(SystemEvent::RelayWentBack);
            let id = MessageId::new(*id.as_bytes());
            tell(write, &line(&row, id, kind, cursor, time))
        })
    }
}
