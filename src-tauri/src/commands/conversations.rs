use super::{Conversations, MarkRead, SaveDraft};
use crate::{
    dto::{AppError, Conversation},
    state::Shell,
};

pub(super) async fn list(
    shell: &Shell,
    Conversations {}: Conversations,
) -> Result<Vec<Conversation>, AppError> {
    let conversations = shell.client()?.as_ref().conversations().await?;
    Ok(conversations.into_iter().map(Conversation::from).collect())
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
