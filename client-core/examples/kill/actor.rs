//! One client that writes as fast as its messages arrive, and can be killed at any moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::Args;
use client_core::{
    Client, ErrorKind, SystemSeams,
    keyslots::{KeyringTrouble, Protection, SecretStore, Unlock},
    model::{ConversationKey, ConversationState, MessageKind, OutgoingState},
    profile::{Profile, ProfileState},
};
use protocol::{AccountId, Digest, Key, Link};
use tokio::{runtime::Handle, time::timeout};
use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

/// Fewer messages on their way than this, and there is another burst.
const FEWEST: u32 = 50;
/// As many are on their way after a burst. The relay takes up to 64 in one request.
const MOST: u32 = 100;
/// Messages of a page.
const PAGE: u32 = 200;
/// Pages in which what has not arrived may be.
const PAGES: u32 = 3;
/// Accounts that an actor blocks, one with each burst.
const BLOCKS: u32 = 200;

#[derive(Args)]
pub(crate) struct ActorArguments {
    /// Whose profile: `ana`, or `luis-` and a number.
    #[arg(long)]
    pub(crate) name: String,
    /// The harness's folder.
    #[arg(long)]
    pub(crate) dir: PathBuf,
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
pub(crate) async fn run(arguments: ActorArguments) -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .init();
    let ActorArguments { name, dir } = arguments;
    let profile = Profile::take(&dir.join(&name)).context("take the profile")?;
    let (seams, network) = SystemSeams::new(&Handle::current());
    let opened = match profile.state()? {
        ProfileState::Account(_) => profile.open(&Unlock::Silently(&NoKeyring), seams)?,
        ProfileState::Empty => {
            let link: Link = fs::read_to_string(dir.join(format!("{name}.link")))?.parse()?;
            profile.create(&link, &name, &Protection::Unprotected, &NoKeyring, seams)?
        }
    };
    let (client, mut notices) = Client::start(opened, network, &Handle::current())?;
    while let Err(error) = client.registered().await {
        // nobody else has the link: if the relay does not know us, what we were is gone
        if matches!(error.kind(), ErrorKind::LinkExpired | ErrorKind::Refused) {
            return Err(error).context("the account cannot go on");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    profile.registered()?;
    fs::write(dir.join(format!("{name}.registered")), "")?;
    let journal = |of: &str| {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(dir.join(format!("{name}.{of}")))
    };
    let mut actor = Actor {
        client,
        journal: journal("journal")?,
        blocks: journal("blocks")?,
        blocked: blocked(&dir, &name)?,
        name,
        dir,
        next: BTreeMap::new(),
        complete: BTreeSet::new(),
    };
    while !actor.turn().await? {
        // woken by whatever changes; the bound is for the words of the harness, which make no event
        let _woken = timeout(Duration::from_millis(50), notices.recv()).await;
    }
    actor.client.stop().await;
    Ok(())
}

struct Actor {
    client: Client,
    name: String,
    dir: PathBuf,
    journal: File,
    /// The journal of blocks, and how many it has.
    blocks: File,
    blocked: u32,
    /// The number of the next message of a conversation.
    next: BTreeMap<ConversationKey, u64>,
    /// Conversations in which nobody writes any more and everything of this side has arrived.
    complete: BTreeSet<String>,
}

impl Actor {
    /// Does what is to be done now, and says whether that was all.
    async fn turn(&mut self) -> Result<bool> {
        self.invite().await?;
        let stopped = self.heard("stop");
        let mut waits = false;
        for conversation in self.client.conversations().await? {
            let peer = conversation.title;
            // who the other side is comes as its first message
            if conversation.state != ConversationState::Established || peer.is_empty() {
                waits = true;
                continue;
            }
            let luis = if self.name == "ana" {
                &peer
            } else {
                &self.name
            };
            if !self.heard(&format!("{luis}.quiet")) {
                self.write(conversation.key, &peer).await?;
                waits = true;
            } else if self.complete.contains(&peer) || self.arrived(conversation.key).await? {
                fs::write(self.dir.join(format!("{}.{peer}.done", self.name)), "")?;
                waits |= !self.heard(&format!("{peer}.{}.done", self.name));
                self.complete.insert(peer);
            } else {
                waits = true;
            }
        }
        Ok(!waits
            && if self.name == "ana" {
                stopped
            } else {
                !self.complete.is_empty()
            })
    }

    /// Makes the invites that the harness wants.
    async fn invite(&self) -> Result<()> {
        if self.name != "ana" {
            return Ok(());
        }
        for entry in fs::read_dir(&self.dir)? {
            let wanted = entry?.path();
            let link = wanted.with_extension("link");
            if wanted.extension().is_some_and(|it| it == "wanted") && !link.exists() {
                // without a connection there is none; the next turn tries again
                if let Ok(invite) = self.client.create_invite().await {
                    fs::write(link.with_extension("partial"), invite.app)?;
                    fs::rename(link.with_extension("partial"), link)?;
                }
            }
        }
        Ok(())
    }

    /// Writes a burst if little is on its way.
    async fn write(&mut self, key: ConversationKey, peer: &str) -> Result<()> {
        let waiting = self.client.connection().await?.waiting;
        if waiting >= FEWEST {
            return Ok(());
        }
        let mut number = match self.next.get(&key) {
            Some(number) => *number,
            None => self.last_number(key).await? + 1,
        };
        for _ in waiting..MOST {
            let mut text = format!("{} {peer} {number}", self.name);
            self.client.send_text(key, text.clone()).await?;
            text.push('\n');
            // accepted: from here on it must arrive. One call, so that no half of a line comes before the next life's
            self.journal.write_all(text.as_bytes())?;
            number += 1;
        }
        self.next.insert(key, number);
        if self.blocked < BLOCKS {
            let account = stranger(&self.name, self.blocked);
            self.client.set_blocked(account, true).await?;
            self.blocked += 1;
            // promised: one byte for each
            self.blocks.write_all(b".")?;
        }
        Ok(())
    }

    /// Whether all newer messages of this side were delivered.
    async fn arrived(&self, key: ConversationKey) -> Result<bool> {
        let mut before = None;
        for _ in 0..PAGES {
            let page = self.client.messages(key, before, PAGE).await?;
            let delivered = |state| state == OutgoingState::Delivered;
            let undelivered = page
                .messages
                .iter()
                .filter(|it| !it.outgoing.is_none_or(delivered));
            let undelivered = undelivered.count();
            if undelivered > 0 {
                let connection = self.client.connection().await?;
                tracing::info!(?connection, undelivered, "not all has arrived");
                return Ok(false);
            }
            if !page.more {
                break;
            }
            before = page.messages.first().map(|it| it.position);
        }
        Ok(true)
    }

    /// The highest number that this side wrote, by its database: a message may be in it and not in the journal.
    async fn last_number(&self, key: ConversationKey) -> Result<u64> {
        let mut before = None;
        loop {
            let page = self.client.messages(key, before, PAGE).await?;
            let own = page
                .messages
                .iter()
                .rev()
                .find(|it| it.outgoing.is_some() && it.kind == MessageKind::Text);
            if let Some(message) = own {
                let number = message.text.rsplit(' ').next();
                return Ok(number.context("an own message without a number")?.parse()?);
            }
            if !page.more {
                return Ok(0);
            }
            before = page.messages.first().map(|it| it.position);
        }
    }

    fn heard(&self, word: &str) -> bool {
        self.dir.join(word).exists()
    }
}

/// How many blocks the clients of a person promised.
pub(crate) fn blocked(dir: &Path, name: &str) -> Result<u32> {
    let journal = dir.join(format!("{name}.blocks"));
    Ok(if journal.exists() {
        u32::try_from(fs::read(journal)?.len())?
    } else {
        0
    })
}

/// An account that nobody has, for blocking it.
pub(crate) fn stranger(name: &str, number: u32) -> AccountId {
    let digest = Digest::of(&[name.as_bytes(), &number.to_be_bytes()]);
    AccountId::of_root_key(&Key::new(*digest.as_bytes()))
}

/// The actors' profiles are unprotected: what is tested here is not the key.
pub(crate) struct NoKeyring;

impl SecretStore for NoKeyring {
    fn get(&self, _: &str) -> std::result::Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        Err(KeyringTrouble::Missing("no keyring".to_owned()))
    }

    fn set(&self, _: &str, _: &[u8]) -> std::result::Result<(), KeyringTrouble> {
        Err(KeyringTrouble::Missing("no keyring".to_owned()))
    }

    fn remove(&self, _: &str) -> std::result::Result<(), KeyringTrouble> {
        Err(KeyringTrouble::Missing("no keyring".to_owned()))
    }
}
