use client_core::lookalikes::look_alikes;

use super::{Conversations, MarkRead, SaveDraft, Typing};
use crate::{
    dto::{AppError, Conversation},
    state::Shell,
};

pub(super) async fn list(
    shell: &Shell,
    Conversations {}: Conversations,
) -> Result<Vec<Conversation>, AppError> {
    let conversations = shell.client()?.as_ref().conversations().await?;
    let mut alike = look_alikes(&conversations);
    let with_warning = |conversation: client_core::model::Conversation| {
        let looks_like = alike.remove(&conversation.key);
        Conversation::new(conversation, looks_like)
    };
    Ok(conversations.into_iter().map(with_warning).collect())
}

pub(super) async fn typing(shell: &Shell, params: Typing) -> Result<(), AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .typing(params.conversation.into())
        .await?)
}

pub(super) async fn save_draft(shell: &Shell, params: SaveDraft) -> Result<(), AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .save_draft(params.conversation.into(), params.text)
        .await?)
}

pub(super) async fn mark_read(shell: &Shell, params: MarkRead) -> Result<(), AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .mark_read(params.conversation.into(), params.up_to)
        .await?)
}
