use std::time::Duration;

use client_core::model::Lasts;

use super::{
    AcceptRequest, Blocked, DeclineRequest, OpenHandle, Privacy, SavePrivacy, SetBlocked,
    SetDoNotDisturb, SetHandle, SetName, SetStatusText,
};
use crate::{
    dto::{self, AppError, BlockedAccount, ConversationKey, Me},
    state::Shell,
};

pub(super) async fn privacy(shell: &Shell, Privacy {}: Privacy) -> Result<dto::Privacy, AppError> {
    Ok(shell.client()?.as_ref().privacy().await?.into())
}

pub(super) async fn save_privacy(
    shell: &Shell,
    params: SavePrivacy,
) -> Result<dto::Privacy, AppError> {
    let client = shell.client()?;
    client.as_ref().set_privacy(params.privacy.into()).await?;
    Ok(client.as_ref().privacy().await?.into())
}

pub(super) async fn accept_request(shell: &Shell, params: AcceptRequest) -> Result<(), AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .accept_request(params.conversation.into())
        .await?)
}

pub(super) async fn decline_request(shell: &Shell, params: DeclineRequest) -> Result<(), AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .decline_request(params.conversation.into(), params.block)
        .await?)
}

pub(super) async fn set_blocked(shell: &Shell, params: SetBlocked) -> Result<(), AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .set_blocked(params.account.0, params.blocked)
        .await?)
}

pub(super) async fn blocked(
    shell: &Shell,
    Blocked {}: Blocked,
) -> Result<Vec<BlockedAccount>, AppError> {
    let blocked = shell.client()?.as_ref().blocked().await?;
    Ok(blocked.into_iter().map(BlockedAccount::from).collect())
}

pub(super) async fn set_name(shell: &Shell, params: SetName) -> Result<Me, AppError> {
    shell.set_name(params.name).await
}

pub(super) async fn set_handle(shell: &Shell, params: SetHandle) -> Result<Me, AppError> {
    let client = shell.client()?;
    client.as_ref().set_handle(params.handle).await?;
    Ok(client.as_ref().me().await?.into())
}

pub(super) async fn open_handle(
    shell: &Shell,
    params: OpenHandle,
) -> Result<ConversationKey, AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .open_handle(params.handle)
        .await?
        .into())
}

pub(super) async fn set_do_not_disturb(
    shell: &Shell,
    params: SetDoNotDisturb,
) -> Result<Me, AppError> {
    let client = shell.client()?;
    let lasts = params.on.then(|| lasts(params.minutes));
    client.as_ref().set_do_not_disturb(lasts).await?;
    Ok(client.as_ref().me().await?.into())
}

pub(super) async fn set_status_text(shell: &Shell, params: SetStatusText) -> Result<Me, AppError> {
    let client = shell.client()?;
    client
        .as_ref()
        .set_status_text(params.text, lasts(params.minutes))
        .await?;
    Ok(client.as_ref().me().await?.into())
}

fn lasts(minutes: Option<u32>) -> Lasts {
    minutes.map_or(Lasts::UntilChanged, |minutes| {
        Lasts::For(Duration::from_secs(u64::from(minutes) * 60))
    })
}
