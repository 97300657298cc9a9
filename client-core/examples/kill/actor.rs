//! One client that writes as fast as its messages arrive, and can be killed at any moment.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::Args;
use client_core::{
    Client, SystemSeams,
    keyslots::{KeyringTrouble, Protection, SecretStore, Unlock},
    model::{ConversationKey, ConversationState, MessageKind, OutgoingState},
    profile::{Profile, ProfileState},
};
use protocol::Link;
use tokio::{runtime::Handle, time::timeout};
use tracing_subscriber::EnvFilter;
use zeroize::Zeroizing;

/// How many messages are on their way at any time.
const ON_THE_WAY: u32 = 50;

#[derive(Args)]
pub(crate) struct ActorArguments {
    /// Whose profile: `ana` or `luis`.
    #[arg(long)]
    name: String,
    /// The harness's folder.
    #[arg(long)]
    dir: PathBuf,
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
    while client.registered().await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    profile.registered()?;
    let luis = dir.join("luis.link");
    if name == "ana" && !luis.exists() {
        let invite = client.create_invite().await?.app;
        fs::write(luis.with_extension("partial"), invite)?;
        fs::rename(luis.with_extension("partial"), &luis)?;
    }
    let stop = dir.join("stop");
    let mut journal = OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join(format!("{name}.journal")))?;
    let mut next = None;
    loop {
        let conversations = client.conversations().await?;
        let open = conversations
            .iter()
            .find(|it| it.state == ConversationState::Established)
            .map(|it| it.key);
        if let Some(key) = open {
            if stop.exists() {
                if !arrived(&client, key).await? {
                    explain(&client, key).await?;
                } else {
                    fs::write(dir.join(format!("{name}.done")), "")?;
                    if fs::exists(dir.join(peer(&name)))? {
                        break;
                    }
                }
            } else {
                let mut number = match next {
                    Some(number) => number,
                    None => last_number(&client, key, &name).await? + 1,
                };
                for _ in client.connection().await?.waiting..ON_THE_WAY {
                    client.send_text(key, format!("{name} {number}")).await?;
                    // accepted: from here on it must arrive
                    writeln!(journal, "{name} {number}")?;
                    number += 1;
                }
                next = Some(number);
            }
        }
        // woken by whatever changes; the bound is for the stop file, which makes no event
        let _woken = timeout(Duration::from_millis(100), notices.recv()).await;
    }
    client.stop().await;
    Ok(())
}

/// The other one's word that it writes no more and that all it wrote has arrived.
fn peer(name: &str) -> &'static Path {
    Path::new(if name == "ana" {
        "luis.done"
    } else {
        "ana.done"
    })
}

/// Says what is not there yet, for a run that does not come to an end.
async fn explain(client: &Client, key: ConversationKey) -> Result<()> {
    let page = client.messages(key, None, 200).await?;
    let undelivered = page
        .messages
        .iter()
        .filter(|it| {
            it.outgoing
                .is_some_and(|state| state != OutgoingState::Delivered)
        })
        .count();
    let last = page.messages.last().map(|it| it.position);
    tracing::info!(connection = ?client.connection().await?, undelivered, last, "not all has arrived");
    Ok(())
}

/// Whether nothing waits and the newest messages of each side were delivered.
async fn arrived(client: &Client, key: ConversationKey) -> Result<bool> {
    let page = client.messages(key, None, 200).await?;
    let delivered = page.messages.iter().all(|it| {
        it.outgoing
            .is_none_or(|state| state == OutgoingState::Delivered)
    });
    Ok(client.connection().await?.waiting == 0 && delivered)
}

/// The highest number that this side wrote, by its database: a message may be in it and not in the journal.
async fn last_number(client: &Client, key: ConversationKey, name: &str) -> Result<u64> {
    let mut before = None;
    loop {
        let page = client.messages(key, before, 200).await?;
        let own = page
            .messages
            .iter()
            .rev()
            .find(|it| it.outgoing.is_some() && it.kind == MessageKind::Text);
        if let Some(message) = own {
            let number = message
                .text
                .strip_prefix(name)
                .context("an own message of another name")?;
            return Ok(number.trim().parse()?);
        }
        if !page.more {
            return Ok(0);
        }
        before = page.messages.first().map(|it| it.position);
    }
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
