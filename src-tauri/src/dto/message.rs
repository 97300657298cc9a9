use client_core::model;
use serde::Serialize;
use ts_rs::TS;

use super::{AccountId, ConversationKey, MessageId};

/// How far an own message got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OutgoingState {
    Queued,
    Sent,
    Delivered,
    Read,
    Failed,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum MessageKind {
    Text,
    System,
    Unreadable,
    Unsupported,
}

/// What happened in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SystemEvent {
    ConversationStarted,
    MessagesMissing,
    RequestAccepted,
    Rejoined,
    Reset,
    DevicesChanged,
    SplitView,
    RelayWentBack,
}

impl From<model::SystemEvent> for SystemEvent {
    fn from(event: model::SystemEvent) -> Self {
        match event {
            model::SystemEvent::ConversationStarted => Self::ConversationStarted,
            model::SystemEvent::MessagesMissing => Self::MessagesMissing,
            model::SystemEvent::RequestAccepted => Self::RequestAccepted,
            model::SystemEvent::Rejoined => Self::Rejoined,
            model::SystemEvent::Reset => Self::Reset,
            model::SystemEvent::DevicesChanged => Self::DevicesChanged,
            model::SystemEvent::SplitView => Self::SplitView,
            model::SystemEvent::RelayWentBack => Self::RelayWentBack,
        }
    }
}

/// A message as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) conversation: ConversationKey,
    pub(crate) kind: MessageKind,
    pub(crate) system: Option<SystemEvent>,
    pub(crate) sender: AccountId,
    pub(crate) mine: bool,
    pub(crate) text: String,
    pub(crate) time: u64,
    /// Sorts the messages of a conversation, ascending.
    pub(crate) order: i64,
    pub(crate) outgoing: Option<OutgoingState>,
    /// How many, where the system event counts something.
    pub(crate) count: Option<u32>,
    /// When the relay had it, of own messages.
    pub(crate) sent_at: Option<u64>,
    /// When a device of the other had it.
    pub(crate) delivered_at: Option<u64>,
    /// When the other read it.
    pub(crate) read_at: Option<u64>,
}

impl From<model::OutgoingState> for OutgoingState {
    fn from(state: model::OutgoingState) -> Self {
        match state {
            model::OutgoingState::Queued => Self::Queued,
            model::OutgoingState::Sent => Self::Sent,
            model::OutgoingState::Delivered => Self::Delivered,
            model::OutgoingState::Read => Self::Read,
            model::OutgoingState::Failed => Self::Failed,
        }
    }
}

impl From<model::Message> for Message {
    fn from(message: model::Message) -> Self {
        let (kind, system) = match message.kind {
            model::MessageKind::Text => (MessageKind::Text, None),
            model::MessageKind::System(event) => (MessageKind::System, Some(event.into())),
            model::MessageKind::Unreadable => (MessageKind::Unreadable, None),
            model::MessageKind::Unsupported => (MessageKind::Unsupported, None),
        };
        Self {
            id: MessageId(message.id),
            conversation: message.conversation.into(),
            kind,
            system,
            sender: AccountId(message.sender),
            mine: message.outgoing.is_some(),
            text: message.text,
            time: message.time,
            order: message.position,
            outgoing: message.outgoing.map(OutgoingState::from),
            count: message.count,
            // until the relay has it, the time is our own estimate
            sent_at: match message.outgoing {
                Some(
                    model::OutgoingState::Sent
                    | model::OutgoingState::Delivered
                    | model::OutgoingState::Read,
                ) => Some(message.time),
                Some(model::OutgoingState::Queued | model::OutgoingState::Failed) | None => None,
            },
            delivered_at: message.delivered_at,
            read_at: message.read_at,
        }
    }
}

/// Some messages, oldest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessagePage {
    pub(crate) messages: Vec<Message>,
    /// Whether there are older ones.
    pub(crate) more: bool,
}

impl From<model::MessagePage> for MessagePage {
    fn from(page: model::MessagePage) -> Self {
        Self {
            messages: page.messages.into_iter().map(Message::from).collect(),
            more: page.more,
        }
    }
}

/// A message that a search found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SearchHit {
    pub(crate) message: Message,
    pub(crate) conversation_title: String,
}

impl From<model::SearchHit> for SearchHit {
    fn from(hit: model::SearchHit) -> Self {
        Self {
            message: hit.message.into(),
            conversation_title: hit.title,
        }
    }
}
