use super::{DeleteMessage, Messages, MessagesByIds, RetryMessage, Search, SendText};
use crate::{
    dto::{AppError, Message, MessagePage, SearchHit},
    state::Shell,
};

/// More than any page shows at once.
const MOST: u32 = 500;

pub(super) async fn page(shell: &Shell, params: Messages) -> Result<MessagePage, AppError> {
    let limit = params.limit.min(MOST);
    Ok(shell
        .client()?
        .as_ref()
        .messages(params.conversation.into(), params.before, limit)
        .await?
        .into())
}

pub(super) async fn by_ids(shell: &Shell, params: MessagesByIds) -> Result<Vec<Message>, AppError> {
    let ids = params.ids.into_iter().map(|id| id.0).collect();
    let messages = shell
        .client()?
        .as_ref()
        .messages_by_ids(params.conversation.into(), ids)
        .await?;
    Ok(messages.into_iter().map(Message::from).collect())
}

pub(super) async fn send(shell: &Shell, params: SendText) -> Result<Message, AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .send_text(params.conversation.into(), params.text)
        .await?
        .into())
}

pub(super) async fn retry(shell: &Shell, params: RetryMessage) -> Result<Message, AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .retry(params.conversation.into(), params.id.0)
        .await?
        .into())
}

pub(super) async fn delete(shell: &Shell, params: DeleteMessage) -> Result<(), AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .delete_failed(params.conversation.into(), params.id.0)
        .await?)
}

pub(super) async fn search(shell: &Shell, params: Search) -> Result<Vec<SearchHit>, AppError> {
    let hits = shell
        .client()?
        .as_ref()
        .search(params.query, params.limit.min(MOST))
        .await?;
    Ok(hits.into_iter().map(SearchHit::from).collect())
}
