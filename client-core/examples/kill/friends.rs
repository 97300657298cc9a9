//! Those of the errands, each in a process of its own. Who is killed goes on where the words in the folder say.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, bail};
use client_core::{KillPoint, model::SystemEvent};
use tracing_subscriber::EnvFilter;

use crate::{
    actor::ActorArguments,
    friend::{Backup, Friend, account},
};

/// How often Nora writes and Vera answers.
pub(crate) const ROUNDS: u32 = 6;
/// Nora's computers: the first, one to which she brings her account back with the backup, and one without.
pub(crate) const HOMES: [&str; 3] = ["nora", "nora-2", "nora-3"];

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
pub(crate) async fn run(arguments: ActorArguments) -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .init();
    let ActorArguments { name, dir } = arguments;
    match name.as_str() {
        "nora" => nora(&dir).await,
        "vera" => vera(&dir).await,
        "otto" => otto(&dir).await,
        _ => bail!("nobody is called {name}"),
    }
}

/// Answers each of Nora's texts once, and invites her.
async fn vera(dir: &Path) -> Result<()> {
    let mut vera = Friend::join(dir, "vera", "vera").await?;
    vera.until_heard("nora.wanted").await;
    while !vera.heard("nora.link") {
        match vera.client.create_invite().await {
            Ok(invite) => vera.write("nora.link", invite.app.as_bytes())?,
            // without a connection there is none
            Err(_) => vera.moment().await,
        }
    }
    let key = vera.conversation("nora").await?;
    loop {
        let texts = vera.texts(key).await?;
        for round in 1..=ROUNDS {
            let (asked, answer) = (format!("nora {round}"), format!("vera {round}"));
            if texts.contains(&asked) && !texts.contains(&answer) {
                vera.client.send_text(key, answer).await?;
            }
        }
        vera.moment().await;
    }
}

/// Asks Nora.
async fn otto(dir: &Path) -> Result<()> {
    let mut otto = Friend::join(dir, "otto", "otto").await?;
    otto.write("otto.account", otto.client.account().as_bytes())?;
    otto.until_heard("nora.account").await;
    let nora = account(dir, "nora")?;
    let key = otto.client.open_account(nora).await?;
    otto.client
        .send_text(key, "who are you?".to_owned())
        .await?;
    otto.until_heard("declined").await;
    otto.client.stop().await;
    Ok(())
}

/// Does the errands.
async fn nora(dir: &Path) -> Result<()> {
    let at = HOMES
        .iter()
        .skip(1)
        .filter(|home| dir.join(format!("{home}.lost")).exists())
        .count();
    match at {
        0 => first_computer(dir).await,
        1 => second_computer(dir).await,
        _ => third_computer(dir).await,
    }
}

async fn first_computer(dir: &Path) -> Result<()> {
    let [home, ..] = HOMES;
    if dir.join("go-back").exists() && !dir.join("gone-back").exists() {
        go_back(&dir.join(home).join("account"))?;
        fs::write(dir.join("gone-back"), "")?;
    }
    let mut nora = Friend::join(dir, home, "nora").await?;
    nora.write("nora.account", nora.client.account().as_bytes())?;
    let key = nora.conversation("vera").await?;
    nora.round(key, 1).await?;
    nora.decline().await?;
    nora.die_by(KillPoint::DeclineAnswered).await;
    nora.block().await?;
    nora.die_by(KillPoint::BlockAnswered).await;
    nora.back_up("backed-up").await?;
    if !nora.heard("copied") {
        let (slots, now) = (nora.key.clone(), nora.now()?);
        nora.profile.copy_if_due(&slots, now)?;
        nora.say("copied")?;
    }
    nora.until_heard("relay-copied").await;
    nora.round(key, 2).await?;
    if !nora.heard("gone-back") {
        nora.say("go-back")?;
        nora.client.stop().await;
        return Ok(());
    }
    nora.until_told(key, SystemEvent::Rejoined).await?;
    nora.round(key, 3).await?;
    nora.die_by(KillPoint::RejoinedAfterCommit).await;
    nora.say("forget")?;
    nora.until_heard("forgotten").await;
    nora.until_told(key, SystemEvent::Reset).await?;
    nora.die_by(KillPoint::CreatedAfterCommit).await;
    nora.say("set-up-anew")?;
    nora.round(key, 4).await?;
    // what Vera said before she was asked again
    nora.until_text(key, "vera 2").await?;
    nora.back_up("backed-up-again").await?;
    let [_, second, _] = HOMES;
    nora.say(&format!("{second}.lost"))?;
    nora.client.stop().await;
    Ok(())
}

async fn second_computer(dir: &Path) -> Result<()> {
    let [_, home, third] = HOMES;
    let mut nora = Friend::bring_back(dir, home, Backup::TakenOver).await?;
    let key = nora.conversation("vera").await?;
    nora.round(key, 5).await?;
    nora.die_by(KillPoint::EnrolledBeforeCommit).await;
    nora.say(&format!("{third}.lost"))?;
    nora.client.stop().await;
    Ok(())
}

async fn third_computer(dir: &Path) -> Result<()> {
    let [.., home] = HOMES;
    let mut nora = Friend::bring_back(dir, home, Backup::Lost).await?;
    let key = nora.conversation("vera").await?;
    nora.round(key, 6).await?;
    nora.die_by(KillPoint::RejoinAfterCommit).await;
    nora.client.stop().await;
    fs::write(dir.join("done"), "")?;
    Ok(())
}

/// Puts the copy of the database into its place, as a person may who copies files.
fn go_back(account: &Path) -> Result<()> {
    let copies = fs::read_dir(account.join("copies"))?;
    let copy = copies
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|it| it == "db"))
        .context("there is no copy")?;
    for rest in ["relevo.db-wal", "relevo.db-shm", "relevo.db-open"] {
        let rest = account.join(rest);
        if rest.exists() {
            fs::remove_file(rest)?;
        }
    }
    fs::copy(copy, account.join("relevo.db"))?;
    Ok(())
}
