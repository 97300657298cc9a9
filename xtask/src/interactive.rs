//! `run`: a relay and two windows on this computer, until the person has seen enough.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, bail};
use tokio::signal::unix::{SignalKind, signal};

use crate::{paths::Paths, processes::Group, products::Products, relay::Relay};

const LOOK_AT_WINDOWS: Duration = Duration::from_millis(300);

/// An error that names the way out if there is no screen.
pub(crate) fn check_for_screen() -> Result<()> {
    let has = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if !has("DISPLAY") && !has("WAYLAND_DISPLAY") {
        bail!(
            "there is no screen (neither DISPLAY nor WAYLAND_DISPLAY is set); \
             `cargo xtask run --headless` does the same without one and saves pictures"
        );
    }
    Ok(())
}

/// Opens the windows and waits for Ctrl+C, or until both are closed.
pub(crate) fn run(paths: &Paths, products: &Products, fresh: bool) -> Result<()> {
    let state = paths.run().join("state");
    let logs = paths.run().join("logs");
    if fresh {
        Paths::emptied(&state)?;
    }
    let mut relay = Relay::start(
        products.relay(),
        &state.join("relay"),
        &logs.join("relay.log"),
    )?;

    let is_new = !has_account(&state.join("ana"));
    let invite = if is_new {
        Some(invite_for_ana(&state, &relay)?)
    } else {
        None
    };
    let mut ana = open("Ana", products, &state, &logs, invite.as_deref())?;
    let mut luis = open("Luis", products, &state, &logs, None)?;
    explain(paths, is_new);

    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start the runtime")?;
    runtime.block_on(async {
        tokio::select! {
            result = asked_to_stop() => result,
            result = all_closed(&mut relay, &mut ana, &mut luis) => result,
        }
    })?;
    println!("stopped; the next run goes on from here, `--fresh` begins again");
    Ok(())
}

/// True once the app has made an account in the profile; only the app writes there.
fn has_account(profile: &Path) -> bool {
    let account = profile.join("account");
    account.exists() && !account.join("registering").exists()
}

/// An invite that was not used stays good, so that a first run that was broken off can go on.
fn invite_for_ana(state: &Path, relay: &Relay) -> Result<String> {
    let file = state.join("invite-for-ana");
    if !file.exists() {
        fs::write(&file, relay.invite()?).context("keep the invite for Ana")?;
    }
    fs::read_to_string(&file).context("read the invite for Ana")
}

/// Returns at Ctrl+C, when the terminal is closed, or when another program asks this one to end.
pub(crate) async fn asked_to_stop() -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen to signals")?;
    let mut hangup = signal(SignalKind::hangup()).context("listen to signals")?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.context("listen to Ctrl+C"),
        _ = terminate.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
    }
}

fn open(
    name: &str,
    products: &Products,
    state: &Path,
    logs: &Path,
    invite: Option<&str>,
) -> Result<Group> {
    let id = name.to_lowercase();
    let mut command = Command::new(products.app());
    command.arg("--profile").arg(state.join(&id));
    command.args(invite);
    Group::spawn(
        &format!("the window of {name}"),
        &mut command,
        &logs.join(format!("{id}.log")),
    )
}

async fn all_closed(relay: &mut Relay, ana: &mut Group, luis: &mut Group) -> Result<()> {
    loop {
        relay.must_run()?;
        if ana.ended()?.is_some() && luis.ended()?.is_some() {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AT_WINDOWS).await;
    }
}

fn explain(paths: &Paths, is_new: bool) {
    println!("\nA relay and two windows are open.");
    if is_new {
        println!(
            "  1. In Ana's window the invite is open already: give a name, go on.\n  \
             2. There choose \"Invite someone\" and copy the link.\n  \
             3. In the other window choose \"I have an invite\", paste it, give a name: Luis.\n  \
             4. Write."
        );
    }
    println!("Logs: {}", paths.run().join("logs").display());
    println!("Ctrl+C stops everything.");
}
