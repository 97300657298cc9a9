use client_core::Error;
use protocol::{Link, Token};

use super::{CreateContactLink, CreateInvite, EndLink, InspectLink, Links, OpenContact, qr};
use crate::{
    dto::{AccountId, AppError, ConversationKey, ErrorCode, IssuedLink, LinkPreview, NewLink},
    state::Shell,
};

pub(super) async fn inspect(shell: &Shell, params: InspectLink) -> Result<LinkPreview, AppError> {
    let link = parse(&params.text)?;
    let relay = link
        .addresses
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut preview = LinkPreview {
        kind: link.kind.into(),
        relay,
        issuer: link.issuer.map(AccountId),
        issuer_short: link.issuer.map(|issuer| issuer.short()),
        same_relay: false,
        known: None,
    };
    // before there is an account, nobody is known
    if let Ok(client) = shell.client() {
        let client = client.as_ref();
        // wherever it is reached
        preview.same_relay = client.relay().await? == link.relay;
        let conversations = client.conversations().await?;
        let known = conversations
            .into_iter()
            .find(|conversation| Some(conversation.peer) == link.issuer);
        preview.known = known.map(|conversation| conversation.key.into());
    }
    Ok(preview)
}

pub(super) async fn open_contact(
    shell: &Shell,
    params: OpenContact,
) -> Result<ConversationKey, AppError> {
    Ok(shell
        .client()?
        .as_ref()
        .open_link(parse(&params.link)?)
        .await?
        .into())
}

pub(super) async fn create_invite(
    shell: &Shell,
    CreateInvite {}: CreateInvite,
) -> Result<NewLink, AppError> {
    let link = shell.client()?.as_ref().create_invite().await?;
    let qr = qr::draw(&link.https)?;
    Ok(NewLink::new(link, qr))
}

pub(super) async fn create_contact_link(
    shell: &Shell,
    CreateContactLink {}: CreateContactLink,
) -> Result<NewLink, AppError> {
    let link = shell.client()?.as_ref().create_contact_link().await?;
    let qr = qr::draw(&link.https)?;
    Ok(NewLink::new(link, qr))
}

pub(super) async fn list(shell: &Shell, Links {}: Links) -> Result<Vec<IssuedLink>, AppError> {
    let links = shell.client()?.as_ref().links().await?;
    Ok(links.into_iter().map(IssuedLink::from).collect())
}

pub(super) async fn end(shell: &Shell, params: EndLink) -> Result<Vec<IssuedLink>, AppError> {
    let token = Token::from_hex(&params.token)
        .ok_or_else(|| AppError::new(ErrorCode::NotFound, "not the name of a link"))?;
    shell.client()?.as_ref().end_link(token).await?;
    list(shell, Links {}).await
}

pub(super) fn parse(text: &str) -> Result<Link, AppError> {
    text.parse::<Link>()
        .map_err(|error| Error::from(error).into())
}
