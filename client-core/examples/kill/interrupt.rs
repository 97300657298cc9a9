//! Ctrl+C: what was started is ended and what was mounted is unmounted before the program goes.
//!
//! Whoever waits for something looks here now and then; the error that this gives undoes everything on its way out.

use std::{
    process::exit,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};

/// Exit code of a shell command that was ended by Ctrl+C.
const CODE: i32 = 130;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From here on Ctrl+C, and a polite request to end, end nothing by themselves.
pub(crate) fn watch() -> Result<()> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt()).context("wait for Ctrl+C")?;
    let mut terminate = signal(SignalKind::terminate()).context("wait for the end")?;
    drop(entered);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        INTERRUPTED.store(true, Ordering::SeqCst);
    });
    Ok(())
}

/// An error once somebody wants the program to end.
pub(crate) fn check() -> Result<()> {
    if INTERRUPTED.load(Ordering::SeqCst) {
        bail!("interrupted");
    }
    Ok(())
}

/// The end of the program, when everything is undone.
pub(crate) fn end(outcome: Result<()>) -> Result<()> {
    if let Err(error) = check() {
        println!("{error}");
        exit(CODE);
    }
    outcome
}
