use client_core::Error;
use protocol::Link;
use qrcode::{QrCode, render::svg};

use super::{CreateInvite, InspectLink, OpenContact};
use crate::{
    dto::{AccountId, AppError, ConversationKey, ErrorCode, LinkPreview, NewLink},
    state::Shell,
};

/// The side of a QR code, in pixels before the page scales it.
const QR_SIDE: u32 = 240;

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
        preview.same_relay = link
            .addresses
            .iter()
            .any(|address| address.to_string() == client.me().relay);
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
    let qr = qr(&link.https)?;
    Ok(NewLink::new(link, qr))
}

pub(super) fn parse(text: &str) -> Result<Link, AppError> {
    text.parse::<Link>()
        .map_err(|error| Error::from(error).into())
}

/// Black on white whatever the theme: scanners want it so.
fn qr(text: &str) -> Result<String, AppError> {
    let code = QrCode::new(text)
        .map_err(|error| AppError::new(ErrorCode::Internal, format!("draw the link: {error}")))?;
    Ok(code
        .render::<svg::Color<'_>>()
        .min_dimensions(QR_SIDE, QR_SIDE)
        .build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_drawn_as_svg() {
        let svg = qr(&format!("https://relay.example/i#{}", "a".repeat(180))).unwrap();
        assert!(
            svg.starts_with("<?xml") && svg.contains("<svg") && svg.ends_with("</svg>"),
            "{svg:.200}"
        );
        assert!(!svg.contains("<script") && !svg.contains("href"));
    }
}
