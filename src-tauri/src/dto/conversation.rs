use client_core::model;
use serde::Serialize;
use ts_rs::TS;

use super::{AccountId, ConversationKey, Message, MessageId, Presence};

/// How two people stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Standing {
    Open,
    Asked,
    Request,
    Blocked,
}

/// A row of the list of conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Conversation {
    pub(crate) key: ConversationKey,
    /// The other's name; while it is unknown the handle by which the other was found, after an @, or empty.
    pub(crate) title: String,
    pub(crate) peer: AccountId,
    /// Until then messages may be written and wait.
    pub(crate) established: bool,
    pub(crate) draft: String,
    pub(crate) unread: u32,
    pub(crate) last_message: Option<Message>,
    pub(crate) last_activity: u64,
    pub(crate) first_unread: Option<MessageId>,
    /// "asked": the other has not accepted yet. "request": the person has to accept, decline or block. "blocked": the
    /// person blocked the other.
    pub(crate) standing: Standing,
    /// How many texts may still be written before the other accepts.
    pub(crate) texts_left: Option<u32>,
    /// Whether the safety number was compared.
    pub(crate) verified: bool,
    /// Null where it is not known or not shown.
    pub(crate) presence: Option<Presence>,
    /// Whether the other is typing now.
    pub(crate) typing: bool,
    /// When the relay takes the request that it refused because there were too many, by the computer's clock.
    pub(crate) held_until: Option<u64>,
    /// Name of a contact that looks alike, if there is one.
    pub(crate) looks_like: Option<String>,
}

impl Conversation {
    pub(crate) fn new(conversation: model::Conversation, looks_like: Option<String>) -> Self {
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
            standing: match conversation.standing {
                _ if conversation.blocked => Standing::Blocked,
                model::Standing::Open => Standing::Open,
                model::Standing::Asked => Standing::Asked,
                model::Standing::Requested => Standing::Request,
            },
            texts_left: conversation.texts_left,
            verified: conversation.verified,
            presence: conversation.presence.map(Presence::from),
            typing: conversation.typing,
            held_until: conversation.held_until,
            looks_like,
        }
    }
}
