//! The end of a run: it comes to rest, and everything is what it must be.

use std::time::Duration;

use client_core::{
    crypto::{AccountKeys, Mls},
    model::{ConnectionState, ConversationState, Message, MessageKind, OutgoingState, SystemEvent},
    seams::SeededRandom,
    store::{Database, account as account_row, commits, conversations, openings, outbox},
};

use protocol::MessageId;

use crate::{
    account::{self, Account, App},
    model::{SECRET, Side},
    world::{Verdict, World},
};

/// How long a healed world may take to come to rest. The longest pauses of a client are a minute.
const REST_WITHIN: Duration = Duration::from_secs(30 * 60);
/// How often it is looked at.
const LOOK: Duration = Duration::from_secs(2);

impl World {
    /// Heals everything, waits for rest, and checks all that must be true.
    pub(crate) async fn settle(&mut self) -> Verdict {
        self.heal();
        let end = self.time.now() + REST_WITHIN;
        while let Some(why) = self.unrest() {
            if self.time.now() > end {
                return Err(format!("it does not come to rest: {why}"));
            }
            self.advance(self.time.now() + LOOK).await?;
        }
        // whatever would come twice comes now
        self.advance(self.time.now() + LOOK * 2).await?;
        let pairs: Vec<Side> = self.model.pairs().collect();
        for (one, other) in pairs {
            self.check_pair(one, other)
                .map_err(|problem| format!("{one} and {other}: {problem}"))?;
        }
        self.host.stop().await;
        match self.host.find(SECRET.as_bytes()) {
            Some(path) => Err(format!("{} holds a text or a name", path.display())),
            None => Ok(()),
        }
    }

    /// What is not finished yet.
    fn unrest(&self) -> Option<String> {
        if self.has_wishes() {
            return Some("somebody waits for a link".to_owned());
        }
        self.accounts
            .iter()
            .filter(|account| account.has_begun())
            .find_map(|account| {
                let why = match &account.app {
                    None => Some("the app is closed".to_owned()),
                    Some(app) => unrest_of(app),
                };
                why.map(|why| format!("{}: {why}", account.who))
            })
    }

    fn check_pair(&self, one: usize, other: usize) -> Verdict {
        let [left, right] = [(one, other), (other, one)].map(|side| self.view(side));
        let (left, right) = (left?, right?);
        same("groups", &left.group, &right.group)?;
        let texts = |view: &View| -> Vec<(usize, MessageId, String)> {
            view.messages
                .iter()
                .map(|(writer, message)| (*writer, message.id, message.text.clone()))
                .collect()
        };
        let shown = texts(&left);
        if shown != texts(&right) {
            return Err("the two see different texts or another order".to_owned());
        }
        for (writer, reader) in [(one, other), (other, one)] {
            let written: Vec<&String> = shown
                .iter()
                .filter(|(of, ..)| *of == writer)
                .map(|(.., text)| text)
                .collect();
            let accepted: Vec<&String> = self.model.texts((writer, reader)).iter().collect();
            if written != accepted {
                return Err(format!(
                    "of {writer} {} texts are shown and {} were accepted, or in another order",
                    written.len(),
                    accepted.len()
                ));
            }
        }
        same("unread", &left.unread, &self.model.unread((one, other)))?;
        same("unread", &right.unread, &self.model.unread((other, one)))
    }

    /// A conversation as one of the two has it.
    fn view(&self, (who, with): Side) -> Verdict<View> {
        let key = self
            .conversation(who, with)
            .ok_or(format!("{who} has no conversation"))?;
        let Account { app, .. } = &self.accounts[who];
        let app = app.as_ref().expect("it has a conversation");
        let list = conversations::list(&app.reader).expect("list conversations");
        let shown = list
            .iter()
            .find(|conversation| conversation.key == key)
            .expect("it is in the list");
        same("title", &shown.title, &self.accounts[with].name)?;
        let all = account::messages(&app.reader, key);
        let begun = |message: &&Message| {
            message.kind == MessageKind::System(SystemEvent::ConversationStarted)
        };
        same("beginnings", &all.iter().filter(begun).count(), &1)?;
        let missing = MessageKind::System(SystemEvent::MessagesMissing);
        if all.iter().any(|message| message.kind == missing) {
            return Err("something is missing".to_owned());
        }
        let line = |message: &&Message| matches!(message.kind, MessageKind::System(_));
        let mut messages = Vec::new();
        for message in all.into_iter().filter(|message| !line(&message)) {
            same("kind", &message.kind, &MessageKind::Text)?;
            let writer = if message.outgoing.is_some() {
                who
            } else {
                with
            };
            messages.push((writer, message));
        }
        Ok(View {
            group: group(app, key),
            messages,
            unread: usize::try_from(shown.unread).expect("a count"),
        })
    }
}

/// What one of the two sees.
struct View {
    group: String,
    messages: Vec<(usize, Message)>,
    unread: usize,
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T) -> Verdict {
    if is == should {
        Ok(())
    } else {
        Err(format!("{what}: {is:?} instead of {should:?}"))
    }
}

/// Conversation id, epoch and members.
fn group(app: &App, key: client_core::model::ConversationKey) -> String {
    let mut database = Database::open(&app.path, &app.key).expect("open beside");
    let read = database.write(|write| {
        let row = conversations::row(write.connection(), key)?;
        let keys = account_row::load(write.connection())?.keys;
        let keys = AccountKeys::from_bytes(&keys)?;
        let mut random = SeededRandom::new(0);
        let mls = Mls::new(write.connection(), &mut random, &keys, 0);
        let group = mls
            .load(row.conversation, row.incarnation)?
            .expect("an established conversation has its group");
        let mut members: Vec<String> = group
            .members()?
            .iter()
            .map(|member| format!("{}/{}", member.account, member.device))
            .collect();
        members.sort();
        Ok(format!(
            "{} {} {} {members:?}",
            row.conversation,
            row.incarnation,
            group.epoch()?
        ))
    });
    read.expect("read a group").0
}

fn unrest_of(app: &App) -> Option<String> {
    let connection = app.engine.connection();
    if connection.state != ConnectionState::Online {
        return Some(format!("{connection:?}"));
    }
    if !openings::all(&app.reader)
        .expect("read openings")
        .is_empty()
    {
        return Some("a conversation is being opened".to_owned());
    }
    let rejoins = commits::rejoins(&app.reader).expect("read rejoins");
    let renewals = commits::renewals(&app.reader).expect("read renewals");
    if !rejoins.is_empty() || !renewals.is_empty() {
        return Some("a commit is under way".to_owned());
    }
    let list = conversations::list(&app.reader).expect("list conversations");
    list.iter().find_map(|conversation| {
        if conversation.state != ConversationState::Established {
            return Some(format!("a conversation is {:?}", conversation.state));
        }
        let waiting = outbox::all(&app.reader, conversation.key).expect("read the outbox");
        if !waiting.is_empty() {
            return Some(format!("{} entries wait to be sent", waiting.len()));
        }
        let all = account::messages(&app.reader, conversation.key);
        all.iter()
            .find(|message| {
                message.outgoing.is_some_and(|state| {
                    !matches!(state, OutgoingState::Delivered | OutgoingState::Read)
                })
            })
            .map(|message| format!("a text is {:?}", message.outgoing))
    })
}
