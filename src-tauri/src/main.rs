//! Relevo for the desktop: a window around client-core.
//!
//! What it is for: the operating system's side of the messenger — window, keyring, links, log, settings. A command of the
//! page comes in through [`ipc`], is parsed into [`commands::Command`], calls client-core and goes back as a value of
//! [`dto`]; what changes meanwhile goes out through the [`bridge`].
//!
//! What it never does: decide anything about messages, hold SQL, or log what people write.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]
// a test lists every command as one piece of JSON
#![cfg_attr(test, recursion_limit = "256")]

mod app;
mod arguments;
mod bindings;
mod bridge;
mod commands;
mod dto;
mod environment;
mod idle;
mod ipc;
mod keyring;
mod logging;
mod paths;
#[cfg(test)]
mod people_tests;
mod settings;
mod state;
#[cfg(test)]
mod static_checks;
#[cfg(test)]
mod testing;

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, Result};

use crate::arguments::{Arguments, Request};

fn main() -> Result<ExitCode> {
    let arguments = match Request::parse(env::args_os().skip(1)) {
        Ok(Request::Run(arguments)) => arguments,
        Ok(Request::PrintBindings) => return print(&bindings::text()),
        Ok(Request::PrintHelp) => return print(arguments::HELP),
        Err(fault) => {
            writeln!(io::stderr(), "relevo: {fault}\n\n{}", arguments::HELP)?;
            return Ok(ExitCode::from(2));
        }
    };
    match environment::restart_with_changes()? {
        Some(code) => Ok(code),
        None => run(arguments),
    }
}

fn print(text: &str) -> Result<ExitCode> {
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let folder = paths::folder(arguments.profile.as_deref())?;
    logging::start(&folder)?;
    // before anything speaks TLS; an error means that there is one already
    let _installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    app::run(arguments, folder).context("run the window")?;
    Ok(ExitCode::SUCCESS)
}
