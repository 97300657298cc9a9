//! A person with an app: what they do with it, in the words of the first screens.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{
    desktop::{Area, Keyring, Screen, Seat},
    driver::{self, PATIENCE, ShownMessage, Window},
    processes,
};

/// What a person types as passphrase where there is no keyring.
pub(crate) const PASSPHRASE: &str = "una frase larga y facil";

#[derive(Debug)]
pub(crate) struct Person {
    author: Author,
    seat: Seat,
    profile: PathBuf,
    window: Option<Window>,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Author {
    Ana,
    Luis,
}

impl Author {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::Ana => Self::Luis,
            Self::Luis => Self::Ana,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ana => "Ana",
            Self::Luis => "Luis",
        }
    }
}

/// How an account is protected on a computer.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Protection {
    Keyring,
    Passphrase,
}

impl Person {
    /// A person at a desktop, without an app so far.
    pub(crate) async fn arrive(
        author: Author,
        screen: &Screen,
        keyring: Keyring,
        folder: &Path,
        log: &Path,
    ) -> Result<Self> {
        let id = author.name().to_lowercase();
        Ok(Self {
            author,
            seat: Seat::start(&id, screen, keyring, log).await?,
            profile: folder.join(id),
            window: None,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.author.name()
    }

    /// Where the window of this person lies: beside the other one.
    pub(crate) fn area(&self) -> Area {
        Area {
            x: match self.author {
                Author::Ana => 0,
                Author::Luis => 1110,
            },
            width: 1100,
            height: 720,
        }
    }

    pub(crate) fn window(&self) -> Result<&Window> {
        self.window
            .as_ref()
            .with_context(|| format!("look at the window of {}, which is closed", self.name()))
    }

    /// Starts the app with the profile of this person.
    pub(crate) async fn open_app(&mut self, app: &Path) -> Result<()> {
        let arguments = ["--profile".to_owned(), self.profile.display().to_string()];
        let window = Window::open(&self.seat.driver(), app, &arguments).await?;
        window.place(self.area()).await?;
        self.window = Some(window);
        Ok(())
    }

    /// Closes the window and waits until the app has let go of the profile.
    pub(crate) async fn close_app(&mut self) -> Result<()> {
        let Some(window) = self.window.take() else {
            bail!("{} has no window to close", self.name());
        };
        window.close().await?;
        driver::until("the app has ended", PATIENCE, async || {
            Ok((!processes::runs_with_argument(&self.profile)).then_some(()))
        })
        .await
    }

    /// First screen to main window: open the invite, give a name, choose the protection.
    pub(crate) async fn make_account(&self, invite: &str, protection: Protection) -> Result<()> {
        let window = self.window()?;
        window.click("first-run-invite").await?;
        window.write("invite-link-input", invite).await?;
        window.find("invite-summary").await?;
        window.click("invite-continue").await?;
        window.write("name-input", self.name()).await?;
        match protection {
            Protection::Keyring => {}
            Protection::Passphrase => {
                window.click("protection-passphrase").await?;
                window.write("passphrase-input", PASSPHRASE).await?;
                window.write("passphrase-repeat", PASSPHRASE).await?;
            }
        }
        window.click("create-account").await?;
        window.find("settings-open").await?;
        Ok(())
    }

    /// Makes an invite in the window of someone who knows nobody yet, and reads its link. The dialog stays open.
    pub(crate) async fn make_invite(&self) -> Result<String> {
        let window = self.window()?;
        window.click("invite-someone").await?;
        window.text("invite-url").await
    }

    pub(crate) async fn unlock(&self) -> Result<()> {
        let window = self.window()?;
        window.write("unlock-input", PASSPHRASE).await?;
        window.click("unlock-button").await?;
        window.find("conversation-item").await?;
        Ok(())
    }

    /// The disk fails: nothing can be read of the database any more, and its copies are gone. Only while the app is closed.
    pub(crate) fn lose_messages(&self) -> Result<()> {
        let account = self.profile.join("account");
        fs::write(account.join("relevo.db"), [0; 65_536]).context("overwrite the database")?;
        match fs::remove_dir_all(account.join("copies")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).context("remove the copies of the database")
            }
            _ => Ok(()),
        }
    }

    /// Opens the only conversation that has this title.
    pub(crate) async fn open_conversation(&self, title: &str) -> Result<()> {
        let window = self.window()?;
        driver::until(
            &format!("{} opens the conversation with {title}", self.name()),
            PATIENCE,
            async || {
                window.click("conversation-item").await?;
                let shown = window.text("conversation-title").await?;
                Ok(shown.contains(title).then_some(()))
            },
        )
        .await
    }

    /// Opens the dialog with the safety number of the open conversation, and reads the number.
    pub(crate) async fn open_safety_number(&self) -> Result<String> {
        let window = self.window()?;
        window.click("conversation-menu").await?;
        window.click_on("[role=menuitem]").await?;
        let script = "return [...document.querySelectorAll('[data-testid=safety-groups] li > span:first-child')]
            .map((group) => group.textContent).join(' ')";
        driver::until("the safety number is shown", PATIENCE, async || {
            let number = window.run(script, Vec::new()).await?;
            let number = number.as_str().unwrap_or_default().to_owned();
            Ok((number.split(' ').count() == 12).then_some(number))
        })
        .await
    }

    /// Chooses from the menu of the open conversation.
    pub(crate) async fn choose_in_menu(&self, item: &str) -> Result<()> {
        let window = self.window()?;
        window.click("conversation-menu").await?;
        window
            .click_on(&format!("[role=menuitem][data-item={item}]"))
            .await
    }

    /// Opens the part of the settings with the backup.
    async fn open_health(&self) -> Result<&Window> {
        let window = self.window()?;
        window.click("settings-open").await?;
        window.click_on("[data-tab=health]").await?;
        window.find("health-facts").await?;
        Ok(window)
    }

    /// Starts a backup into this folder and has it tested. The system has no dialog to choose it, so the folder is written.
    pub(crate) async fn back_up(&self, folder: &Path, words: &str) -> Result<()> {
        let window = self.open_health().await?;
        window.click("backup-choose").await?;
        write_folder(window, folder).await?;
        window.write("code-input", words).await?;
        window.click("backup-start").await?;
        window.find("backup-last").await?;
        window.click("backup-test-now").await?;
        driver::until("the backup was tested", PATIENCE, async || {
            Ok(window
                .text("backup-test")
                .await?
                .contains("OK")
                .then_some(()))
        })
        .await
    }

    /// Brings back what a backup has and this computer lost.
    pub(crate) async fn bring_back(&self, folder: &Path, words: &str) -> Result<()> {
        let window = self.open_health().await?;
        window.click("bring-back-choose").await?;
        write_folder(window, folder).await?;
        window.write("code-input", words).await?;
        window.click("bring-back-do").await?;
        window.find("bring-back-done").await.map(drop)
    }

    /// The old computer is not there any more: the next app begins in another profile.
    pub(crate) fn take_new_computer(&mut self) {
        self.profile.set_extension("new");
    }

    /// First screen to main window by the words of the recovery code, with a backup.
    pub(crate) async fn restore(&self, words: &str, relay: &str, folder: &Path) -> Result<()> {
        let window = self.window()?;
        window.click("first-run-add-device").await?;
        window.click("restore-open").await?;
        window.write("code-input", words).await?;
        window.write("restore-relay", relay).await?;
        write_folder(window, folder).await?;
        window.click("protection-passphrase").await?;
        window.write("passphrase-input", PASSPHRASE).await?;
        window.write("passphrase-repeat", PASSPHRASE).await?;
        window.click("restore-do").await?;
        window.find("restore-warning").await?;
        window.click("restore-sure").await?;
        window.find("settings-open").await.map(drop)
    }

    /// Writes the recovery code down when asked to, and answers which words it has. The dialog stays open.
    pub(crate) async fn write_code_down(&self) -> Result<String> {
        let window = self.window()?;
        window.click("recovery-show").await?;
        window.click("recovery-reveal").await?;
        window.find("recovery-words").await?;
        let script = "return [...document.querySelectorAll('[data-testid=recovery-words] li')]
            .map((word) => word.lastElementChild.textContent)";
        let words = window.run(script, Vec::new()).await?;
        let words: Vec<String> = serde_json::from_value(words).context("read the words")?;
        window.click("recovery-written").await?;
        for field in ["recovery-word-1", "recovery-word-2"] {
            window.find(field).await?;
            let script = "return document.querySelector(`[data-testid=${arguments[0]}]`)
                .labels[0].textContent.match(/[0-9]+/)[0]";
            let asked = window.run(script, vec![field.into()]).await?;
            let word = asked
                .as_str()
                .and_then(|position| position.parse::<usize>().ok())
                .and_then(|position| words.get(position.checked_sub(1)?))
                .with_context(|| format!("find the word that is asked: {asked}"))?;
            window.write(field, word).await?;
        }
        window.click("recovery-confirm").await?;
        window.find("recovery-done").await?;
        Ok(words.join(" "))
    }

    /// Writes a message and sends it with the button; the bubble must appear at once.
    pub(crate) async fn send(&self, text: &str) -> Result<()> {
        let window = self.window()?;
        window.write("composer-input", text).await?;
        window.click("composer-send").await?;
        self.sees(text).await?;
        // the composer keeps the text until it is stored
        window.is_empty("composer-input").await
    }

    /// The same with the keyboard alone.
    pub(crate) async fn send_with_enter(&self, text: &str) -> Result<()> {
        let window = self.window()?;
        window.write("composer-input", text).await?;
        window.press_enter("composer-input").await?;
        self.sees(text).await?;
        window.is_empty("composer-input").await
    }

    /// Waits until a message with this text is shown.
    pub(crate) async fn sees(&self, text: &str) -> Result<ShownMessage> {
        let window = self.window()?;
        driver::until(
            &format!("{} sees {text:?}", self.name()),
            PATIENCE,
            async || {
                let shown = window.messages().await?;
                Ok(shown.into_iter().rev().find(|message| message.text == text))
            },
        )
        .await
    }

    /// Waits until the message with this text has the state. What was read was delivered.
    pub(crate) async fn sees_state(&self, text: &str, state: &str) -> Result<()> {
        let window = self.window()?;
        driver::until(
            &format!("{} sees {text:?} as {state}", self.name()),
            PATIENCE,
            async || {
                let shown = window.messages().await?;
                Ok(shown
                    .iter()
                    .any(|message| {
                        let reached = message.state == state
                            || (state == "delivered" && message.state == "read");
                        message.text == text && reached
                    })
                    .then_some(()))
            },
        )
        .await
    }

    /// Waits until exactly these texts are shown, in this order.
    pub(crate) async fn sees_conversation(&self, texts: &[(Author, String)]) -> Result<()> {
        let window = self.window()?;
        let wanted: Vec<(bool, &str)> = texts
            .iter()
            .map(|(author, text)| (*author == self.author, text.as_str()))
            .collect();
        let mut last = Vec::new();
        let result = driver::until(
            &format!("{} sees the whole conversation in order", self.name()),
            PATIENCE,
            async || {
                last = window.messages().await?;
                let shown: Vec<(bool, &str)> = last
                    .iter()
                    .map(|message| (message.mine, message.text.as_str()))
                    .collect();
                Ok((shown == wanted).then_some(()))
            },
        )
        .await;
        result.with_context(|| format!("compare the conversation; shown: {last:#?}"))
    }
}

async fn write_folder(window: &Window, folder: &Path) -> Result<()> {
    let folder = folder.to_str().context("name the folder as text")?;
    window.write("folder-input", folder).await
}
