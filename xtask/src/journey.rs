//! What Ana and Luis do in the end-to-end test: everything through the windows, nothing behind them.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Result, bail};

use crate::{
    desktop::{Keyring, Screen},
    people::{Person, Protection, Side},
    products::Products,
    relay::Relay,
    report::Report,
};

/// Everybody and everything that takes part.
#[derive(Debug)]
pub(crate) struct Journey<'a> {
    products: &'a Products,
    pictures: PathBuf,
    pub(crate) ana: Person,
    pub(crate) luis: Person,
    relay: Relay,
    /// What was said so far: who, what.
    said: Vec<(&'static str, String)>,
    /// Last, so that it ends last.
    pub(crate) screen: Screen,
}

impl<'a> Journey<'a> {
    /// Starts the relay and the desktops of two people who have no account.
    pub(crate) async fn prepare(products: &'a Products, run: &Path) -> Result<Self> {
        let state = run.join("headless");
        let logs = run.join("logs");
        let screen = Screen::start()?;
        let relay = Relay::start(
            products.relay(),
            &state.join("relay"),
            &logs.join("relay.log"),
        )?;
        let (ana, luis) = (logs.join("ana.log"), logs.join("luis.log"));
        Ok(Self {
            products,
            pictures: run.join("screenshots"),
            ana: Person::arrive("Ana", &screen, Keyring::Unlocked, &state, &ana).await?,
            luis: Person::arrive("Luis", &screen, Keyring::Missing, &state, &luis).await?,
            relay,
            said: Vec::new(),
            screen,
        })
    }

    /// The whole story. The first thing that goes wrong ends it.
    pub(crate) async fn walk(&mut self, report: &mut Report) -> Result<()> {
        report
            .step("Ana makes an account", self.ana_joins())
            .await?;
        report
            .step("Luis opens Ana's invite", self.luis_joins())
            .await?;
        report.step("they write to each other", self.chat()).await?;
        report
            .step("every message is delivered", self.all_delivered())
            .await?;
        report
            .step("Luis writes while the relay is dead", self.offline())
            .await?;
        report
            .step("the message arrives after a restart", self.back_online())
            .await?;
        report
            .step("Luis restarts his app", self.restart_luis())
            .await?;
        report
            .step("pictures of themes and languages", self.appearance())
            .await?;
        report.fact("messages_sent", self.said.len());
        Ok(())
    }

    async fn ana_joins(&mut self) -> Result<()> {
        let invite = self.relay.invite()?;
        self.ana.open_app(self.products.app(), Side::Left).await?;
        self.ana.window()?.find("first-run-invite").await?;
        self.picture(&self.ana, "01-first-screen").await?;
        self.ana.make_account(&invite, Protection::Keyring).await?;
        self.picture(&self.ana, "02-empty").await
    }

    async fn luis_joins(&mut self) -> Result<()> {
        let invite = self.ana.make_invite().await?;
        self.picture(&self.ana, "03-invite").await?;
        self.ana.window()?.close_dialog().await?;
        self.luis.open_app(self.products.app(), Side::Right).await?;
        self.luis
            .make_account(&invite, Protection::Passphrase)
            .await?;
        self.luis.open_conversation("Ana").await?;
        self.picture(&self.luis, "04-joined").await
    }

    async fn chat(&mut self) -> Result<()> {
        let start = Instant::now();
        self.say_luis("Hola Ana").await?;
        self.ana.open_conversation("Luis").await?;
        self.ana.sees("Hola Ana").await?;
        println!(
            "  first message after {:.1} s",
            start.elapsed().as_secs_f64()
        );
        self.say_ana("¡Hola, Luis! Does this work?").await?;
        self.say_luis("It does 👍🏽 and so do families 👨‍👩‍👧‍👦").await?;
        self.say_ana(LONG).await?;
        for number in 1..=3 {
            self.say_luis(&format!("Luis, number {number}")).await?;
            self.say_ana(&format!("Ana, number {number}")).await?;
        }
        for number in 4..=6 {
            self.say_ana(&format!("Ana, number {number}, without waiting"))
                .await?;
        }
        self.ana.sees_conversation(&self.said).await?;
        self.luis.sees_conversation(&self.said).await?;
        self.picture(&self.ana, "05-chat-ana").await?;
        self.picture(&self.luis, "06-chat-luis").await?;
        self.screen
            .picture(&self.pictures.join("07-both-windows.png"))
    }

    async fn all_delivered(&mut self) -> Result<()> {
        for (author, text) in &self.said {
            let person = if *author == self.ana.name() {
                &self.ana
            } else {
                &self.luis
            };
            person.sees_state(text, "delivered").await?;
        }
        Ok(())
    }

    async fn offline(&mut self) -> Result<()> {
        self.relay.kill()?;
        let text = "Written while the relay was dead";
        self.luis.send(text).await?;
        self.said.push((self.luis.name(), text.to_owned()));
        self.luis.window()?.find("banner").await?;
        self.luis.sees_state(text, "queued").await?;
        if self
            .ana
            .window()?
            .messages()
            .await?
            .iter()
            .any(|m| m.text == text)
        {
            bail!("Ana has a message that no relay could bring");
        }
        self.picture(&self.luis, "08-offline").await
    }

    async fn back_online(&mut self) -> Result<()> {
        self.relay.serve()?;
        let (_, text) = self.said.last().cloned().unwrap_or_default();
        self.ana.sees(&text).await?;
        self.luis.sees_state(&text, "delivered").await?;
        self.luis.window()?.gone("banner").await?;
        self.ana.sees_conversation(&self.said).await
    }

    async fn restart_luis(&mut self) -> Result<()> {
        self.luis.close_app().await?;
        self.luis.open_app(self.products.app(), Side::Right).await?;
        self.luis.window()?.find("unlock-input").await?;
        self.picture(&self.luis, "09-locked").await?;
        self.luis.unlock().await?;
        self.luis.open_conversation("Ana").await?;
        self.luis.sees_conversation(&self.said).await?;
        self.say_luis("Back again").await?;
        self.ana.sees("Back again").await?;
        self.luis.sees_state("Back again", "delivered").await
    }

    async fn appearance(&mut self) -> Result<()> {
        let window = self.ana.window()?;
        window.click("settings-open").await?;
        for theme in ["light", "dark"] {
            window.choose("theme-select", theme).await?;
            window.page_has("data-theme", theme).await?;
            for language in ["en", "es"] {
                window.choose("language-select", language).await?;
                window.page_has("lang", language).await?;
                let name = format!("10-settings-{theme}-{language}");
                self.picture(&self.ana, &name).await?;
            }
        }
        window.close_dialog().await?;
        self.picture(&self.ana, "11-chat-dark-es").await
    }

    async fn say_ana(&mut self, text: &str) -> Result<()> {
        self.ana.send_with_enter(text).await?;
        self.said.push((self.ana.name(), text.to_owned()));
        self.luis.sees(text).await?;
        Ok(())
    }

    async fn say_luis(&mut self, text: &str) -> Result<()> {
        self.luis.send(text).await?;
        self.said.push((self.luis.name(), text.to_owned()));
        Ok(())
    }

    async fn picture(&self, person: &Person, name: &str) -> Result<()> {
        let file = self.pictures.join(format!("{name}.png"));
        person.window()?.picture(&file).await
    }
}

const LONG: &str = "A longer one, to see how it wraps: the quick brown fox jumps over the lazy dog, \
el veloz murciélago hindú comía feliz cardillo y kiwi, and a word without a place to break is \
Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft. It goes on for a while, \
because people write like this when they have something to say, and the window must not cut it off.";
