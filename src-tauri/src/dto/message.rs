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
}

impl From<model::SystemEvent> for SystemEvent {
    fn from(event: model::SystemEvent) -> Self {
        match event {
            model::SystemEvent::ConversationStarted => Self::ConversationStarted,
            model::SystemEvent::MessagesMissing => Self::MessagesMissing,
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
            outgoing: message.outgoing.map(|state| match state {
                model::OutgoingState::Queued => OutgoingState::Queued,
                model::OutgoingState::Sent => OutgoingState::Sent,
                model::OutgoingState::Delivered => OutgoingState::Delivered,
                model::OutgoingState::Failed => OutgoingState::Failed,
            }),
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

/// A row of the list of conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conversation {
    pub(crate) key: ConversationKey,
    /// The other's name, or empty while unknown.
    pub(crate) title: String,
    pub(crate) peer: AccountId,
    /// Until then messages may be written and wait.
    pub(crate) established: bool,
    pub(crate) draft: String,
    pub(crate) unread: u32,
    pub(crate) last_message: Option<Message>,
    pub(crate) last_activity: u64,
    pub(crate) first_unread: Option<MessageId>,
}

impl From<model::Conversation> for Conversation {
    fn from(conversation: model::Conversation) -> Self {
        Self {
            key: conversation.key.into(),
            title: conversation.title,
            peer: AccountId(conversation.peer),
            established: match conversation.state {
                model::ConversationState::Established => true,
                model::ConversationState::Opening | model::ConversationState::Refused => false,
            },
            draft: conversation.draft,
            unread: conversation.unread,
            last_message: conversation.last_message.map(Message::from),
            last_activity: conversation.last_activity,
            first_unread: conversation.first_unread.map(MessageId),
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
