//! Commands about people: requests, blocks, handles, links, and what others may see.

use std::time::Duration;

use protocol::{AccountId, Token};

use crate::{
    client::Client,
    error::Result,
    model::{BlockedContact, ConversationKey, IssuedLink, Lasts, Privacy},
    reader::Reader,
    store::links::LinkRow,
};

impl Client {
    /// See [`crate::engine::Engine::accept_request`].
    ///
    /// # Errors
    /// As there. The same holds for every command here.
    pub async fn accept_request(&self, key: ConversationKey) -> Result<()> {
        self.command(move |engine| engine.accept_request(key)).await
    }

    /// See [`crate::engine::Engine::decline_request`].
    ///
    /// # Errors
    /// As there.
    pub async fn decline_request(&self, key: ConversationKey, block: bool) -> Result<()> {
        self.command(move |engine| engine.decline_request(key, block))
            .await
    }

    /// See [`crate::engine::Engine::set_blocked`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_blocked(&self, account: AccountId, blocked: bool) -> Result<()> {
        self.command(move |engine| engine.set_blocked(account, blocked))
            .await
    }

    /// Everybody whom the person blocked, by name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub async fn blocked(&self) -> Result<Vec<BlockedContact>> {
        self.read(Reader::blocked).await
    }

    /// See [`crate::engine::Engine::open_account`].
    ///
    /// # Errors
    /// As there.
    pub async fn open_account(&self, account: AccountId) -> Result<ConversationKey> {
        self.command(move |engine| engine.open_account(account))
            .await
    }

    /// See [`crate::engine::Engine::set_name`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_name(&self, name: String) -> Result<()> {
        self.command(move |engine| engine.set_name(&name)).await
    }

    /// See [`crate::engine::Engine::set_handle`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::HandleInvalid`], [`crate::ErrorKind::HandleTaken`], [`crate::ErrorKind::Offline`],
    /// [`crate::ErrorKind::Busy`].
    pub async fn set_handle(&self, handle: Option<String>) -> Result<()> {
        self.answer(move |engine, answer| engine.set_handle(handle, answer))
            .await
    }

    /// See [`crate::engine::Engine::open_handle`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::HandleInvalid`], [`crate::ErrorKind::NotFound`], [`crate::ErrorKind::Offline`],
    /// [`crate::ErrorKind::Busy`].
    pub async fn open_handle(&self, handle: String) -> Result<ConversationKey> {
        self.answer(move |engine, answer| engine.open_handle(&handle, answer))
            .await
    }

    /// See [`crate::engine::Engine::create_contact_link`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Offline`], [`crate::ErrorKind::Refused`], [`crate::ErrorKind::Busy`].
    pub async fn create_contact_link(&self) -> Result<IssuedLink> {
        self.answer(|engine, answer| engine.create_contact_link(answer))
            .await
    }

    /// The links that hold now.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Database`].
    pub async fn links(&self) -> Result<Vec<LinkRow>> {
        let now = self.command(|engine| Ok(engine.now())).await?;
        self.read(move |reader| reader.links(now)).await
    }

    /// See [`crate::engine::Engine::end_link`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Offline`], [`crate::ErrorKind::Refused`], [`crate::ErrorKind::Busy`].
    pub async fn end_link(&self, token: Token) -> Result<()> {
        self.answer(move |engine, answer| engine.end_link(token, answer))
            .await
    }

    /// What others may see.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Internal`]: the engine has stopped.
    pub async fn privacy(&self) -> Result<Privacy> {
        self.command(|engine| Ok(engine.privacy())).await
    }

    /// See [`crate::engine::Engine::set_privacy`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_privacy(&self, privacy: Privacy) -> Result<()> {
        self.command(move |engine| engine.set_privacy(privacy))
            .await
    }

    /// See [`crate::engine::Engine::set_do_not_disturb`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_do_not_disturb(&self, lasts: Option<Lasts>) -> Result<()> {
        self.command(move |engine| engine.set_do_not_disturb(lasts))
            .await
    }

    /// See [`crate::engine::Engine::set_status_text`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_status_text(&self, text: String, lasts: Lasts) -> Result<()> {
        self.command(move |engine| engine.set_status_text(&text, lasts))
            .await
    }

    /// See [`crate::engine::Engine::set_idle`].
    ///
    /// # Errors
    /// As there.
    pub async fn set_idle(&self, idle: Option<Duration>) -> Result<()> {
        self.command(move |engine| engine.set_idle(idle)).await
    }

    /// See [`crate::engine::Engine::typing`].
    ///
    /// # Errors
    /// As there.
    pub async fn typing(&self, key: ConversationKey) -> Result<()> {
        self.command(move |engine| engine.typing(key)).await
    }
}
