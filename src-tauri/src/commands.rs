//! Every command of the page, declared once. From this list come the parser, the dispatch and the TypeScript.

mod account;
mod conversations;
mod links;
mod messages;
mod window;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::{Config, TS};

use crate::{
    dto::{
        AppError, AppState, Conversation, ConversationKey, ErrorCode, LinkPreview, Message,
        MessageId, MessagePage, NewLink, Passphrase, Protection, SearchHit, Settings,
    },
    state::Shell,
};

/// A command as TypeScript.
pub(crate) struct Signature {
    pub(crate) name: &'static str,
    pub(crate) docs: Option<String>,
    pub(crate) params: String,
    pub(crate) reply: String,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $variant:ident { $($field:ident: $type:ty),* } -> $reply:ty = $handler:path;)+) => {
        /// A command with its parameters.
        #[derive(Deserialize)]
        #[serde(tag = "name", content = "params", rename_all = "camelCase")]
        pub(crate) enum Command {
            $($variant($variant),)+
        }

        $(
            $(#[$doc])*
            #[derive(Deserialize, TS)]
            #[serde(rename_all = "camelCase", deny_unknown_fields)]
            pub(crate) struct $variant {
                $(pub(crate) $field: $type,)*
            }
        )+

        impl Command {
            /// Runs the command.
            pub(crate) async fn run(self, shell: &Shell) -> Result<Value, AppError> {
                match self {
                    $(Self::$variant(params) => reply::<$reply>($handler(shell, params).await?),)+
                }
            }
        }

        /// Every command, in the order of this list.
        pub(crate) fn signatures(config: &Config) -> Vec<Signature> {
            vec![$(Signature {
                name: stringify!($variant),
                docs: <$variant as TS>::docs(),
                params: <$variant as TS>::inline(config),
                reply: <$reply as TS>::name(config),
            },)+]
        }
    };
}

commands! {
    /// Where things stand; asked at the start, after a reload, and to try again.
    Open {} -> AppState = account::open;
    /// Reads a link. Nothing happens.
    InspectLink { text: String } -> LinkPreview = links::inspect;
    /// Makes an account on the link's relay; may take seconds. Safe to repeat.
    CreateAccount { link: String, name: String, protection: Protection } -> AppState = account::create;
    /// Opens an account that has a passphrase.
    Unlock { passphrase: Passphrase } -> AppState = account::unlock;
    /// Adds the person who made the link.
    OpenContact { link: String } -> ConversationKey = links::open_contact;
    /// Newest activity first.
    Conversations {} -> Vec<Conversation> = conversations::list;
    /// The newest messages, or those before an order.
    Messages { conversation: ConversationKey, before: Option<i64>, limit: u32 } -> MessagePage = messages::page;
    /// Those that are still there.
    MessagesByIds { conversation: ConversationKey, ids: Vec<MessageId> } -> Vec<Message> = messages::by_ids;
    /// Answers when the message is on the disk; works offline.
    SendText { conversation: ConversationKey, text: String } -> Message = messages::send;
    /// Sends a failed message again.
    RetryMessage { conversation: ConversationKey, id: MessageId } -> Message = messages::retry;
    /// Forgets an own message that failed.
    DeleteMessage { conversation: ConversationKey, id: MessageId } -> () = messages::delete;
    /// Keeps what is being written.
    SaveDraft { conversation: ConversationKey, text: String } -> () = conversations::save_draft;
    /// Everything up to this order was seen.
    MarkRead { conversation: ConversationKey, up_to: i64 } -> () = conversations::mark_read;
    /// Asks the relay for a new invite.
    CreateInvite {} -> NewLink = links::create_invite;
    /// Messages with these words, newest first.
    Search { query: String, limit: u32 } -> Vec<SearchHit> = messages::search;
    /// Connects at once.
    Reconnect {} -> () = account::reconnect;
    /// Replaces the settings.
    SaveSettings { settings: Settings } -> Settings = window::save_settings;
    /// An error of the page, for the log. Never what people write.
    ReportError { text: String } -> () = window::report_error;
}

/// Parses and runs what the page sent. What is not exactly a command reaches nothing.
pub(crate) async fn dispatch(shell: &Shell, command: Value) -> Result<Value, AppError> {
    // the fault is not passed on: it may quote what was sent
    let command = serde_json::from_value::<Command>(command)
        .map_err(|_| AppError::new(ErrorCode::Internal, "not a command of this version"))?;
    command.run(shell).await
}

fn reply<T: Serialize>(value: T) -> Result<Value, AppError> {
    serde_json::to_value(value)
        .map_err(|error| AppError::new(ErrorCode::Internal, format!("write the reply: {error}")))
}

#[cfg(test)]
mod tests;
