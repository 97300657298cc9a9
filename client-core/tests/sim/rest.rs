//! Whether a run has come to rest: nothing is under way any more, and nothing waits.

use client_core::{
    model::{ConnectionState, ConversationState, OutgoingState, Standing},
    store::{commits, conversations, openings, outbox, requests, streams, wishes},
};
use protocol::StreamId;

use crate::{
    account::{self, App},
    model::{Pair, Side},
    world::World,
};

impl World {
    /// What is not finished yet.
    pub(crate) fn unrest(&self) -> Option<String> {
        if self.has_wishes() {
            return Some("somebody waits for a link".to_owned());
        }
        self.accounts
            .iter()
            .filter(|account| account.has_begun())
            .find_map(|account| {
                let why = match &account.app {
                    None => Some("the app is closed".to_owned()),
                    Some(app) => {
                        unrest_of(app).or_else(|| self.unrest_of_conversations(account.who, app))
                    }
                };
                why.map(|why| format!("{}: {why}", account.who))
            })
            .or_else(|| self.under_way())
    }

    /// Entries that one of two has and the other has not, whether or not anybody will see them.
    fn under_way(&self) -> Option<String> {
        if self.model.has_lapsed() {
            // a cursor stays where it was, and the relay counts from below it
            return None;
        }
        self.model.pairs().find_map(|((one, other), _)| {
            let place = |who: usize, with: usize| {
                let app = self.accounts[who].app.as_ref()?;
                let row = conversations::row(&app.reader, self.conversation(who, with)?)
                    .expect("read a conversation");
                let stream = StreamId::Conversation(row.conversation);
                let cursor = streams::cursor(&app.reader, stream).expect("read a cursor");
                (row.state == ConversationState::Established).then_some((row.conversation, cursor))
            };
            let ((here, reached), (there, known)) = (place(one, other)?, place(other, one)?);
            (here == there && reached != known)
                .then(|| format!("{one} and {other} are at {reached} and {known}"))
        })
    }

    fn unrest_of_conversations(&self, who: usize, app: &App) -> Option<String> {
        let list = conversations::list(&app.reader).expect("list conversations");
        list.into_iter().find_map(|conversation| {
            let other = self
                .accounts
                .iter()
                .find(|account| account.id == Some(conversation.peer))?
                .who;
            let Pair { loose, .. } = self.model.pair((who, other));
            let blocked = [(who, other), (other, who)]
                .iter()
                .any(|side| self.model.is_blocked(*side));
            if blocked || (loose && conversation.standing != Standing::Open) {
                // nothing need ever arrive there
                return None;
            }
            let key = conversation.key;
            if loose && conversation.state == ConversationState::Refused {
                return None;
            }
            if openings::load(&app.reader, key)
                .expect("read an opening")
                .is_some()
            {
                return Some(format!("the conversation with {other} is being opened"));
            }
            if conversation.state != ConversationState::Established {
                return Some(format!(
                    "the conversation with {other} is {:?}",
                    conversation.state
                ));
            }
            let accepted = |(who, with): Side| {
                let key = self.conversation(who, with)?;
                let app = self.accounts[who].app.as_ref()?;
                let row = conversations::row(&app.reader, key).expect("read a conversation");
                Some(row.standing == Standing::Open)
            };
            if !loose && accepted((other, who)).is_none() {
                return Some(format!("{other} does not know of the conversation"));
            }
            let all = account::messages(&app.reader, key);
            // a text may seem too old to go out unasked where somebody set the clock
            let asks = loose || self.accounts[who].clocks.was_set();
            let failed = |state| asks && state == OutgoingState::Failed;
            let waiting = outbox::all(&app.reader, key).expect("read the outbox");
            let parked = all
                .iter()
                .filter(|message| message.outgoing.is_some_and(failed));
            if waiting.len() > parked.count() {
                return Some(format!("{} entries wait for {other}", waiting.len()));
            }
            // who has not accepted tells nothing, and who blocked told nothing then
            let told = conversation.standing == Standing::Open
                && accepted((other, who)) == Some(true)
                && !loose;
            all.iter()
                .find(|message| {
                    message.outgoing.is_some_and(|state| match state {
                        OutgoingState::Delivered | OutgoingState::Read => false,
                        OutgoingState::Sent => {
                            told && !self.model.is_before_lapse((who, other), &message.text)
                        }
                        OutgoingState::Failed => !asks,
                        OutgoingState::Queued => true,
                    })
                })
                .map(|message| {
                    format!(
                        "a text to {other} at {} is {:?}",
                        message.position, message.outgoing
                    )
                })
        })
    }
}

fn unrest_of(app: &App) -> Option<String> {
    let connection = app.engine.connection();
    if connection.state != ConnectionState::Online {
        return Some(format!("{connection:?}"));
    }
    let rejoins = commits::rejoins(&app.reader).expect("read rejoins");
    let renewals = commits::renewals(&app.reader).expect("read renewals");
    if !rejoins.is_empty() || !renewals.is_empty() {
        return Some("a commit is under way".to_owned());
    }
    let asks = wishes::are_blocks_wanted(&app.reader).expect("read wishes")
        || wishes::list(&app.reader).expect("read wishes").is_some();
    if asks {
        return Some("what the relay knows of the account is asked for".to_owned());
    }
    let blocks = requests::untold_blocks(&app.reader).expect("read blocks");
    let declines = requests::untold_declines(&app.reader).expect("read declines");
    (!blocks.is_empty() || !declines.is_empty())
        .then(|| "the relay has to be told of a block or a decline".to_owned())
}
