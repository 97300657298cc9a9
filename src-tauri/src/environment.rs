//! Environment variables that must differ from what the program was given. It starts itself again with the change: a
//! process must not change its own environment while it has threads.

use std::{env, process::ExitCode};

use anyhow::Result;

/// Lets any local program drive the web view.
const AUTOMATION: &str = "TAURI_WEBVIEW_AUTOMATION";
/// Without a GPU, WebKit's shared buffers cost 75 MB and gain nothing.
#[cfg(target_os = "linux")]
const NO_SHARED_BUFFERS: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";

/// `None` removes the variable.
type Change = (&'static str, Option<&'static str>);

/// Runs the program again if its environment needs a change. `None`: it needs none, go on.
pub(crate) fn restart_with_changes() -> Result<Option<ExitCode>> {
    let changes = changes();
    if changes.is_empty() {
        return Ok(None);
    }
    restart(&changes).map(Some)
}

/// After these changes there are none.
fn changes() -> Vec<Change> {
    let mut changes = Vec::new();
    if cfg!(not(feature = "automation")) && env::var_os(AUTOMATION).is_some() {
        changes.push((AUTOMATION, None));
    }
    #[cfg(target_os = "linux")]
    if env::var_os(NO_SHARED_BUFFERS).is_none() && !has_gpu() {
        changes.push((NO_SHARED_BUFFERS, Some("1")));
    }
    changes
}

#[cfg(target_os = "linux")]
fn has_gpu() -> bool {
    std::fs::read_dir("/dev/dri").is_ok_and(|devices| {
        devices
            .flatten()
            .any(|device| device.file_name().to_string_lossy().starts_with("renderD"))
    })
}

fn restart(changes: &[Change]) -> Result<ExitCode> {
    let mut command = std::process::Command::new(env::current_exe()?);
    command.args(env::args_os().skip(1));
    for (variable, value) in changes {
        match value {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        Err(command.exec().into())
    }
    #[cfg(not(unix))]
    {
        let code = command
            .status()?
            .code()
            .and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
