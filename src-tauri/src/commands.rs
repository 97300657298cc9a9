//! Every command of the page, declared once. From this list come the parser, the dispatch and the TypeScript.

mod account;
mod conversations;
mod health;
mod links;
mod lost;
mod messages;
mod people;
mod qr;
mod trust;
mod ways;
mod window;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use ts_rs::{Config, TS};

use crate::{
    dto::{
        self, AccountId, AppError, AppState, AskedWord, BlockedAccount, Comparison, Conversation,
        ConversationKey, ErrorCode, ExportFormat, ExportLanguage, IssuedLink, LinkPreview, Me,
        Message, MessageId, MessagePage, NewLink, OwnFolder, Passphrase, Protection, SearchHit,
        Secret, Settings, Slot, SlotKind,
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
    /// Opens an account by its recovery code.
    UnlockWithCode { code: Secret } -> AppState = account::unlock_with_code;
    /// Brings an account back on this computer: by its code, the relay's address and, where there is one, a backup folder.
    /// Without a name the former one stays.
    RestoreAccount { code: Secret, relay: String, folder: Option<String>, name: Option<String>, protection: Protection } -> AppState = account::restore;
    /// Opens a lost account without its messages; the conversations come back from the relay.
    OpenWithoutMessages {} -> AppState = lost::open_without_messages;
    /// Opens a lost account with what a backup of it has; may take minutes.
    OpenWithBackup { folder: String, code: Secret } -> AppState = lost::open_with_backup;
    /// Moves a lost account's files beside, so that it can be restored by its recovery code. Nothing is deleted.
    PutAside {} -> AppState = lost::put_aside;
    /// Ends the program and starts it anew, which mends a damaged database.
    Restart {} -> () = window::restart;
    /// The person has read how the database was mended.
    AcknowledgeMended {} -> () = health::acknowledge_mended;
    /// The ways into this profile.
    Slots {} -> Vec<Slot> = ways::list;
    /// Adds a way in, or changes the passphrase.
    AddSlot { protection: Protection } -> Vec<Slot> = ways::add;
    /// Makes the recovery code a way in again; it is not on this computer, so all of it is needed. May take seconds.
    AddCodeSlot { code: Secret } -> Vec<Slot> = ways::add_code;
    /// Removes a way in; never the last one.
    RemoveSlot { kind: SlotKind } -> Vec<Slot> = ways::remove;
    /// The recovery code; gone once it was confirmed.
    RecoveryCode {} -> dto::RecoveryCode = trust::recovery_code;
    /// Checks two words; then the code leaves this computer, but for the folders of damaged files that the answer names.
    ConfirmRecoveryCode { words: Vec<AskedWord> } -> Vec<String> = trust::confirm_recovery_code;
    /// What others may see.
    Privacy {} -> dto::Privacy = people::privacy;
    /// Replaces what others may see.
    SavePrivacy { privacy: dto::Privacy } -> dto::Privacy = people::save_privacy;
    /// Accepts who asked to write.
    AcceptRequest { conversation: ConversationKey } -> () = people::accept_request;
    /// Declines, and blocks if asked; the conversation is gone.
    DeclineRequest { conversation: ConversationKey, block: bool } -> () = people::decline_request;
    /// Blocks an account, or ends that.
    SetBlocked { account: AccountId, blocked: bool } -> () = people::set_blocked;
    /// Everybody who is blocked.
    Blocked {} -> Vec<BlockedAccount> = people::blocked;
    /// The numbers to compare with the other.
    SafetyNumber { conversation: ConversationKey } -> dto::SafetyNumber = trust::safety_number;
    /// Compares what was pasted or read from a code; "same" marks the contact as verified.
    CompareSafetyNumber { conversation: ConversationKey, text: String } -> Comparison = trust::compare_safety_number;
    /// Marks a contact as verified, or not.
    SetVerified { conversation: ConversationKey, verified: bool } -> () = trust::set_verified;
    /// Reads a QR code from grey pixels, row by row, base64.
    ReadQr { width: u32, height: u32, luma: Secret } -> String = qr::read;
    /// Changes the person's name; the other people learn it.
    SetName { name: String } -> Me = people::set_name;
    /// Sets or gives up the handle.
    SetHandle { handle: Option<String> } -> Me = people::set_handle;
    /// Opens the conversation with the account that has a handle; it has to accept.
    OpenHandle { handle: String } -> ConversationKey = people::open_handle;
    /// Do not disturb, for so many minutes or until this changes; or no more.
    SetDoNotDisturb { on: bool, minutes: Option<u32> } -> Me = people::set_do_not_disturb;
    /// A line for contacts, for so many minutes or until this changes; empty: none.
    SetStatusText { text: String, minutes: Option<u32> } -> Me = people::set_status_text;
    /// The person did something in the window; told at most every 30 s.
    Input {} -> () = window::input;
    /// Tells the other that one is typing; at most every 3 s.
    Typing { conversation: ConversationKey } -> () = conversations::typing;
    /// A card to be written to: opens a conversation, makes no account.
    CreateContactLink {} -> NewLink = links::create_contact_link;
    /// Links that still hold.
    Links {} -> Vec<IssuedLink> = links::list;
    /// Ends a link before its time.
    EndLink { token: String } -> Vec<IssuedLink> = links::end;
    /// Counted facts.
    Health {} -> dto::Health = health::health;
    /// Deletes the damaged files that were kept, for good.
    DiscardDamaged {} -> dto::Health = health::discard_damaged;
    /// Asks for a folder with the system's dialog; null where the person gave up.
    PickFolder {} -> Option<String> = window::pick_folder;
    /// Backs up into a folder daily, or no more. Needs the recovery code once.
    SetBackupFolder { folder: Option<String>, code: Option<Secret> } -> dto::Health = health::set_backup_folder;
    /// Backs up now.
    BackupNow {} -> dto::Health = health::backup_now;
    /// Restores the backup beside the profile, compares, and throws it away.
    RehearseBackup {} -> dto::Health = health::rehearse_backup;
    /// Adds what a backup of this account has and is not here; may take minutes. The own folder needs no code.
    BringBack { folder: String, code: Option<Secret> } -> dto::BroughtBack = health::bring_back;
    /// Writes a conversation into a folder; answers with the file.
    ExportConversation { conversation: ConversationKey, format: ExportFormat, language: ExportLanguage, folder: String } -> String = health::export_conversation;
    /// Opens a folder of this program in the system's file manager.
    OpenFolder { folder: OwnFolder } -> () = window::open_folder;
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
    let outcome = command.run(shell).await;
    if matches!(&outcome, Err(error) if error.code == ErrorCode::Database) {
        shell.doubt().await;
    }
    outcome
}

fn reply<T: Serialize>(value: T) -> Result<Value, AppError> {
    serde_json::to_value(value)
        .map_err(|error| AppError::new(ErrorCode::Internal, format!("write the reply: {error}")))
}

#[cfg(test)]
mod tests;
