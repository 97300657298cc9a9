//! Chats from a terminal: the smallest program around `client-core`.
//!
//! ```text
//! cargo run -p client-core --example chat -- --profile DIR --name Ana 'relevo:i#…'   # once, with an invite
//! cargo run -p client-core --example chat -- --profile DIR                           # then
//! ```
//! Lines go to the first conversation. `/invite` prints a link for somebody, `/list` the conversations, `/to N` switches,
//! `/quit` ends.

#![allow(clippy::print_stdout, reason = "a program for a terminal")]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, stdin},
    path::PathBuf,
    sync::Mutex,
    thread,
};

use anyhow::{Context as _, Result, bail};
use clap::Parser;
use client_core::{
    Client, Event, Notice, SystemSeams,
    keyslots::{KeyringTrouble, Protection, SecretStore, Unlock},
    model::{ConversationKey, Message, MessageKind},
    profile::{Profile, ProfileState},
};
use protocol::Link;
use tokio::{runtime::Handle, sync::mpsc};
use zeroize::Zeroizing;

#[derive(Parser)]
struct Arguments {
    /// The folder of the profile.
    #[arg(long)]
    profile: PathBuf,
    /// The name that others see, with an invite.
    #[arg(long, default_value = "Someone")]
    name: String,
    /// An invite or a contact link.
    link: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let profile = Profile::take(&arguments.profile).context("take the profile")?;
    let link = arguments
        .link
        .as_deref()
        .map(str::parse::<Link>)
        .transpose()
        .context("read the link")?;
    let runtime = Handle::current();
    let (seams, network) = SystemSeams::new(&runtime);
    let keyring = NoKeyring::default();
    let opened = match (profile.state()?, &link) {
        (ProfileState::Account(_), _) => profile.open(&Unlock::Silently(&keyring), seams)?,
        (ProfileState::Empty, Some(link)) => profile.create(
            link,
            &arguments.name,
            &Protection::Unprotected,
            &keyring,
            seams,
        )?,
        (ProfileState::Empty, None) => bail!("a new profile needs an invite"),
    };
    let (client, mut notices) = Client::start(opened, network, &runtime)?;
    client.registered().await.context("register")?;
    profile.registered()?;
    let me = client.me().await?;
    println!("* you are {} on {}", me.name, me.relay);
    if let Some(link) = link
        && link.issuer.is_some_and(|issuer| issuer != me.account)
    {
        client.open_link(link).await.context("open the link")?;
    }

    let mut lines = lines();
    let mut current = client
        .conversations()
        .await?
        .first()
        .map(|conversation| conversation.key);
    loop {
        tokio::select! {
            line = lines.recv() => match line.as_deref().map(str::trim) {
                None | Some("/quit") => break,
                Some("") => {}
                Some("/invite") => println!("* {}", client.create_invite().await?.app),
                Some("/list") => for conversation in client.conversations().await? {
                    println!("* {} {} ({} unread)", conversation.key.0, conversation.title, conversation.unread);
                },
                Some(line) => match (line.strip_prefix("/to "), current) {
                    (Some(key), _) => current = Some(ConversationKey(key.parse().context("read the number")?)),
                    (None, Some(key)) => { client.send_text(key, line.to_owned()).await?; }
                    (None, None) => println!("* nobody to write to yet; /invite makes a link"),
                },
            },
            notice = notices.recv() => match notice {
                Some(notice) => current = show(&client, &notice, current).await?,
                None => bail!("the engine has stopped"),
            },
        }
    }
    client.stop().await;
    Ok(())
}

/// Prints what a notice is about.
async fn show(
    client: &Client,
    notice: &Notice,
    current: Option<ConversationKey>,
) -> Result<Option<ConversationKey>> {
    let mut latest = current;
    for event in &notice.events {
        match event {
            Event::MessageChanged(key, id) => {
                latest = latest.or(Some(*key));
                for message in client.messages_by_ids(*key, vec![*id]).await? {
                    print(&message);
                }
            }
            Event::ConnectionChanged(connection) => {
                println!("* {:?} {:?}", connection.state, connection.cause)
            }
            Event::DatabaseDamaged => println!("* the database is damaged: start again"),
            Event::ConversationChanged(_)
            | Event::MeChanged
            | Event::MessageRemoved(..)
            | Event::SearchIndexed => {}
        }
    }
    Ok(latest)
}

fn print(message: &Message) {
    let who = if message.outgoing.is_some() {
        "you"
    } else {
        "them"
    };
    match (message.kind, message.outgoing) {
        (MessageKind::Text, Some(state)) => println!("{who}: {} [{state:?}]", message.text),
        (MessageKind::Text, None) => println!("{who}: {}", message.text),
        (kind, _) => println!("* {kind:?}"),
    }
}

/// Reads the terminal on a thread of its own: it blocks.
fn lines() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(16);
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(std::result::Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// This example protects nothing, and says so.
#[derive(Default)]
struct NoKeyring(Mutex<BTreeMap<String, Vec<u8>>>);

impl SecretStore for NoKeyring {
    fn get(&self, name: &str) -> std::result::Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        Ok(self
            .0
            .lock()
            .map_err(|error| KeyringTrouble::Failed(error.to_string()))?
            .get(name)
            .cloned()
            .map(Zeroizing::new))
    }

    fn set(&self, name: &str, secret: &[u8]) -> std::result::Result<(), KeyringTrouble> {
        self.0
            .lock()
            .map_err(|error| KeyringTrouble::Failed(error.to_string()))?
            .insert(name.to_owned(), secret.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> std::result::Result<(), KeyringTrouble> {
        self.0
            .lock()
            .map_err(|error| KeyringTrouble::Failed(error.to_string()))?
            .remove(name);
        Ok(())
    }
}
