//! The two things that the page may call, see capabilities/main.json.

use serde_json::Value;
use tauri::{State, ipc::Channel};

use crate::{
    commands,
    dto::{AppError, Event},
    state::Shell,
};

/// Runs one command of [`commands::Command`].
#[tauri::command]
pub(crate) async fn call(shell: State<'_, Shell>, command: Value) -> Result<Value, AppError> {
    commands::dispatch(&shell, command).await
}

/// Sends every event to this channel from now on.
#[tauri::command]
pub(crate) fn subscribe(shell: State<'_, Shell>, channel: Channel<Event>) {
    shell.bridge().subscribe(channel);
}
