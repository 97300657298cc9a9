//! What a user interface reads: rows of the database as values.

mod presence;

use std::fmt;

use protocol::{AccountId, MessageId, Token};

pub use self::presence::{Availability, DoNotDisturb, Lasts, OwnPresence, Presence, StatusText};

/// What this device calls a conversation, for life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversationKey(pub i64);

/// Whether a conversation can carry messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversationState {
    /// Being made; what is written waits.
    Opening,
    /// The group exists.
    Established,
    /// The relay refused to make it.
    Refused,
}

/// How two people stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Both may write.
    Open,
    /// We asked; the other has not accepted yet.
    Asked,
    /// The other asked; the person has to accept, decline or block.
    Requested,
}

/// Somebody whom the person blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockedContact {
    /// The account.
    pub account: AccountId,
    /// The name that it gave itself, or empty.
    pub name: String,
}

/// What others may see of this account. Each works both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Privacy {
    /// Tell what was read, and see what others read.
    pub read_receipts: bool,
    /// Tell that one is typing, and see when others are.
    pub typing: bool,
    /// Be seen as connected, and see others.
    pub announce: bool,
}

/// How far the person is with the recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryState {
    /// Nothing is there yet that could be lost.
    Later,
    /// Somebody answered: the person should write the code down now.
    Due,
    /// The person has it; it is not here any more.
    Confirmed,
}

/// What went wrong, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Troubles {
    /// Messages that could not be opened when they came, in the last 30 days, whether they came again since or not.
    pub unopened: u32,
    /// Entries of others that are known to be missing now.
    pub missing: u32,
}

/// A row of the list of conversations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Its key.
    pub key: ConversationKey,
    /// The other account.
    pub peer: AccountId,
    /// The other's name; while it is unknown the handle by which the other was found, after an @, or empty.
    pub title: String,
    /// Whether messages can pass.
    pub state: ConversationState,
    /// What is being written.
    pub draft: String,
    /// Messages of others that were not read.
    pub unread: u32,
    /// The first of them.
    pub first_unread: Option<MessageId>,
    /// The newest message.
    pub last_message: Option<Message>,
    /// Time of the newest message or of its making, ms.
    pub last_activity: u64,
    /// How the two people stand.
    pub standing: Standing,
    /// Whether the person blocked the other.
    pub blocked: bool,
    /// How many texts may still be written before the other accepts; `None` where there is no limit.
    pub texts_left: Option<u32>,
    /// Whether the safety number was compared.
    pub verified: bool,
    /// Whether the other is there; `None` where it is not known.
    pub presence: Option<Presence>,
    /// Whether the other is typing.
    pub typing: bool,
    /// When the relay takes the request that it refused because there were too many, by the computer's clock, ms.
    pub held_until: Option<u64>,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// A person wrote it.
    Text,
    /// Something happened.
    System(SystemEvent),
    /// It could not be opened; the sealed bytes are kept.
    Unreadable,
    /// A newer version made it; kept for when this one understands it.
    Unsupported,
}

/// What happened in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemEvent {
    /// The conversation can carry messages from here on.
    ConversationStarted,
    /// Some messages are missing, or may be.
    MessagesMissing,
    /// The other accepted our request.
    RequestAccepted,
    /// This device had lost its place in the conversation and came back.
    Rejoined,
    /// The encryption of the conversation was set up anew.
    Reset,
    /// The other's devices changed.
    DevicesChanged,
    /// The relay shows different people different lists of devices: somebody may be listening.
    SplitView,
    /// The relay was put back to an older state: it lost its newest entries, which are offered to it again.
    RelayWentBack,
}

impl SystemEvent {
    const ALL: [Self; 8] = [
        Self::ConversationStarted,
        Self::MessagesMissing,
        Self::RequestAccepted,
        Self::Rejoined,
        Self::Reset,
        Self::DevicesChanged,
        Self::SplitView,
        Self::RelayWentBack,
    ];

    /// Its place before the entry at which it is told.
    pub(crate) const fn place(self) -> i64 {
        match self {
            Self::ConversationStarted => 0,
            Self::Reset => 1,
            Self::Rejoined => 2,
            Self::DevicesChanged => 3,
            Self::RequestAccepted => 4,
            Self::SplitView => 5,
            Self::MessagesMissing => 6,
            // behind all that came before: the place is that of the entry, and taken where there is one
            Self::RelayWentBack => 7,
        }
    }

    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConversationStarted => "conversation-started",
            Self::MessagesMissing => "messages-missing",
            Self::RequestAccepted => "request-accepted",
            Self::Rejoined => "rejoined",
            Self::Reset => "reset",
            Self::DevicesChanged => "devices-changed",
            Self::SplitView => "split-view",
            Self::RelayWentBack => "relay-went-back",
        }
    }

    /// Reads the name in the database.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// How far an own message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutgoingState {
    /// On this computer only.
    Queued,
    /// The relay has it.
    Sent,
    /// A device of the recipient has it.
    Delivered,
    /// The recipient read it.
    Read,
    /// It will not go out unless the person says so.
    Failed,
}

/// A message as shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Where it is.
    pub conversation: ConversationKey,
    /// What it is.
    pub kind: MessageKind,
    /// Who sent it.
    pub sender: AccountId,
    /// The state of an own message; `None` for others'.
    pub outgoing: Option<OutgoingState>,
    /// The text, or empty.
    pub text: String,
    /// When: the relay's time, or our estimate before it is known. Milliseconds.
    pub time: u64,
    /// Sort key within the conversation, ascending.
    pub position: i64,
    /// How many, where a system event counts something.
    pub count: Option<u32>,
    /// When a device of the recipient had it, as the relay says, ms. Own messages only.
    pub delivered_at: Option<u64>,
    /// When the recipient read it, as the recipient says, ms. Own messages only.
    pub read_at: Option<u64>,
}

/// Shows no text: what a person wrote has no place in a log.
impl fmt::Debug for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("id", &self.id)
            .field("conversation", &self.conversation)
            .field("kind", &self.kind)
            .field("outgoing", &self.outgoing)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

/// Some messages, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<Message>,
    /// Whether there are older ones.
    pub more: bool,
}

/// A message that a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchHit {
    /// The message.
    pub message: Message,
    /// The title of its conversation.
    pub title: String,
}

/// How the connection to the relay is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionState {
    /// On the way.
    Connecting,
    /// Messages pass.
    Online,
    /// Waiting to try again, or for good.
    Offline,
}

/// Why there is no connection, where it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OfflineCause {
    /// Nothing answered at any address.
    RelayUnreachable,
    /// What answered is not the relay that was pinned.
    RelayIdentity,
    /// No common version.
    Version,
    /// The same device connected from elsewhere: a copy of this profile is running.
    Replaced,
    /// This device was removed by its account.
    Revoked,
    /// The relay does not know this device.
    SignedOut,
    /// The relay asks to wait.
    RelayBusy,
    /// The relay said a moment ago that it stops, and is expected back.
    RelayRestarting,
    /// The disk of this computer is full: nothing that arrives could be kept.
    DiskFull,
}

/// The connection as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Connection {
    /// How it is.
    pub state: ConnectionState,
    /// Since when, by the computer's clock, ms.
    pub since: u64,
    /// Why not online.
    pub cause: Option<OfflineCause>,
    /// When the next attempt is, by the computer's clock, ms.
    pub retry_at: Option<u64>,
    /// How many messages wait to be sent.
    pub waiting: u32,
}

/// A link that was just made.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedLink {
    /// The link for a browser: a page of the relay explains it.
    pub https: String,
    /// The link that opens the app.
    pub app: String,
    /// When it ends, ms.
    pub expires: u64,
    /// How many people may use it.
    pub uses: u16,
    /// Whether it also lets a new account register.
    pub invite: bool,
    /// Names it at the relay.
    pub token: Token,
}

/// Shows no secret.
impl fmt::Debug for IssuedLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("IssuedLink")
            .field("expires", &self.expires)
            .field("uses", &self.uses)
            .finish_non_exhaustive()
    }
}

/// Oneself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// The account.
    pub account: AccountId,
    /// The own name.
    pub name: String,
    /// The relay's first address.
    pub relay: String,
    /// By which others find the account.
    pub handle: Option<String>,
    /// How far the person is with the recovery code.
    pub recovery: RecoveryState,
    /// What the person says of themselves.
    pub presence: OwnPresence,
    /// Whether contacts see that the person is there, see [`Privacy::announce`].
    pub announced: bool,
}
