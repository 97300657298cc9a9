//! What Ana and Luis do in the end-to-end test: everything through the windows, nothing behind them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::{
    desktop::{Keyring, Screen},
    people::{Author, PASSPHRASE, Person, Protection},
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
    /// Where Luis keeps his backup, and the words on his paper.
    backup: PathBuf,
    words: String,
    /// What was said so far: who, what.
    said: Vec<(Author, String)>,
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
            ana: Person::arrive(Author::Ana, &screen, Keyring::Unlocked, &state, &ana).await?,
            luis: Person::arrive(Author::Luis, &screen, Keyring::Missing, &state, &luis).await?,
            relay,
            backup: state.join("stick"),
            words: String::new(),
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
            .step("they compare safety numbers", self.compare_numbers())
            .await?;
        report
            .step("Ana writes her recovery code down", self.write_code_down())
            .await?;
        report
            .step("Ana blocks Luis and thinks better of it", self.block())
            .await?;
        report
            .step("Luis keeps a backup on a stick", self.back_up())
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
        report.step("Ana restarts hers", self.restart_ana()).await?;
        report
            .step("Luis loses his messages and goes on", self.lose_messages())
            .await?;
        report
            .step("the backup brings them back", self.bring_back())
            .await?;
        report
            .step("Luis moves to a new computer", self.move_luis())
            .await?;
        report
            .step("pictures of themes and languages", self.appearance())
            .await?;
        report.fact("messages_sent", self.said.len());
        Ok(())
    }

    async fn ana_joins(&mut self) -> Result<()> {
        let invite = self.relay.invite()?;
        self.ana.open_app(self.products.app()).await?;
        self.ana.window()?.find("first-run-invite").await?;
        self.picture(&self.ana, "01-first-screen").await?;
        self.ana.make_account(&invite, Protection::Keyring).await?;
        self.picture(&self.ana, "02-empty").await
    }

    async fn luis_joins(&mut self) -> Result<()> {
        let invite = self.ana.make_invite().await?;
        self.picture(&self.ana, "03-invite").await?;
        self.ana.window()?.close_dialog().await?;
        self.luis.open_app(self.products.app()).await?;
        self.luis
            .make_account(&invite, Protection::Passphrase)
            .await?;
        self.luis.open_conversation("Ana").await?;
        self.picture(&self.luis, "04-joined").await
    }

    async fn chat(&mut self) -> Result<()> {
        self.write(Author::Luis, "Hola Ana").await?;
        self.ana.open_conversation("Luis").await?;
        self.ana.sees("Hola Ana").await?;
        self.say(Author::Ana, "¡Hola, Luis! Does this work?")
            .await?;
        self.say(Author::Luis, "It does 👍🏽 and so do families 👨‍👩‍👧‍👦")
            .await?;
        self.say(Author::Ana, LONG).await?;
        for number in 1..=3 {
            self.say(Author::Luis, &format!("Luis, number {number}"))
                .await?;
            self.say(Author::Ana, &format!("Ana, number {number}"))
                .await?;
        }
        for number in 4..=6 {
            let text = format!("Ana, number {number}, without waiting");
            self.write(Author::Ana, &text).await?;
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
            self.person(*author).sees_state(text, "delivered").await?;
        }
        Ok(())
    }

    /// Luis reads his number out, and Ana compares it with hers.
    async fn compare_numbers(&mut self) -> Result<()> {
        let luis = self.luis.open_safety_number().await?;
        self.luis.window()?.close_dialog().await?;
        let ana = self.ana.open_safety_number().await?;
        if ana != luis {
            bail!("Ana's number is {ana}, and Luis' is {luis}");
        }
        let window = self.ana.window()?;
        window.write("safety-input", &luis).await?;
        window.click("safety-compare").await?;
        window.find("safety-result").await?;
        self.picture(&self.ana, "12-safety-number").await?;
        window.close_dialog().await?;
        window.find("verified-open").await.map(drop)
    }

    /// Luis has answered, so there is something to lose: Ana is asked to write the code down.
    async fn write_code_down(&mut self) -> Result<()> {
        self.ana.write_code_down().await?;
        self.picture(&self.ana, "13-recovery-done").await?;
        let window = self.ana.window()?;
        window.click("recovery-finish").await?;
        window.gone("recovery-banner").await
    }

    /// What a blocked person writes does not come; who is not blocked any more is heard again.
    async fn block(&mut self) -> Result<()> {
        self.ana.choose_in_menu("block").await?;
        let window = self.ana.window()?;
        window.click("block-confirm").await?;
        window.find("blocked-bar").await?;
        self.picture(&self.ana, "17-blocked").await?;
        window.click("unblock").await?;
        window.gone("blocked-bar").await?;
        self.say(Author::Luis, "Did you miss me?").await?;
        self.say(Author::Ana, "Not for long").await
    }

    /// His paper, a folder, and the proof that it would restore.
    async fn back_up(&mut self) -> Result<()> {
        fs::create_dir_all(&self.backup)?;
        self.words = self.luis.write_code_down().await?;
        self.luis.window()?.click("recovery-finish").await?;
        self.luis.back_up(&self.backup, &self.words).await?;
        self.picture(&self.luis, "18-backup").await?;
        self.luis.window()?.close_dialog().await
    }

    /// Into the account that lost its messages: all of them up to the backup are there again.
    async fn bring_back(&mut self) -> Result<()> {
        self.luis.bring_back(&self.backup, &self.words).await?;
        self.picture(&self.luis, "19-brought-back").await?;
        self.luis.window()?.close_dialog().await?;
        for text in ["Hola Ana", "Ana, number 6, without waiting", "Not for long"] {
            self.luis.sees(text).await?;
        }
        Ok(())
    }

    /// Nothing is left but the paper and the stick: the same person, with what was said before, and goes on.
    async fn move_luis(&mut self) -> Result<()> {
        self.luis.close_app().await?;
        self.luis.take_new_computer();
        self.luis.open_app(self.products.app()).await?;
        let relay = self.relay.invite()?;
        self.luis.restore(&self.words, &relay, &self.backup).await?;
        self.luis.open_conversation("Ana").await?;
        for text in ["Hola Ana", "Ana, number 6, without waiting", "Not for long"] {
            self.luis.sees(text).await?;
        }
        self.say(Author::Luis, "From the new computer").await?;
        self.say(Author::Ana, "The same Luis").await?;
        self.luis
            .sees_state("From the new computer", "delivered")
            .await?;
        self.picture(&self.luis, "20-new-computer").await
    }

    async fn offline(&mut self) -> Result<()> {
        self.relay.kill()?;
        self.write(Author::Luis, OFFLINE).await?;
        self.luis.window()?.find("banner").await?;
        self.luis.sees_state(OFFLINE, "queued").await?;
        let shown = self.ana.window()?.messages().await?;
        if shown.iter().any(|message| message.text == OFFLINE) {
            bail!("Ana has a message that no relay could bring");
        }
        self.picture(&self.luis, "08-offline").await
    }

    async fn back_online(&mut self) -> Result<()> {
        self.relay.serve()?;
        self.ana.sees(OFFLINE).await?;
        self.luis.sees_state(OFFLINE, "delivered").await?;
        self.luis.window()?.gone("banner").await?;
        self.ana.sees_conversation(&self.said).await
    }

    /// Luis has no keyring: his passphrase opens the database.
    async fn restart_luis(&mut self) -> Result<()> {
        self.luis.close_app().await?;
        self.luis.open_app(self.products.app()).await?;
        self.luis.window()?.find("unlock-input").await?;
        self.picture(&self.luis, "09-locked").await?;
        self.luis.unlock().await?;
        self.luis.open_conversation("Ana").await?;
        self.luis.sees_conversation(&self.said).await?;
        self.say(Author::Luis, "Back again").await?;
        self.luis.sees_state("Back again", "delivered").await
    }

    /// Ana's keyring opens the database without a question; what came meanwhile is there.
    async fn restart_ana(&mut self) -> Result<()> {
        self.ana.close_app().await?;
        self.write(Author::Luis, "While you were away").await?;
        self.ana.open_app(self.products.app()).await?;
        self.ana.open_conversation("Luis").await?;
        self.ana.sees_conversation(&self.said).await?;
        self.luis
            .sees_state("While you were away", "delivered")
            .await
    }

    /// Luis' disk fails and there is no copy: he is asked, and goes on without the earlier messages as the same person.
    async fn lose_messages(&mut self) -> Result<()> {
        self.luis.close_app().await?;
        self.luis.lose_messages()?;
        self.luis.open_app(self.products.app()).await?;
        let window = self.luis.window()?;
        window.write("unlock-input", PASSPHRASE).await?;
        window.click("unlock-button").await?;
        window.find("lost-reason").await?;
        self.picture(&self.luis, "14-lost").await?;
        window.click("lost-without").await?;
        window.click("lost-confirm").await?;
        window.find("mended").await?;
        self.picture(&self.luis, "15-mended").await?;
        window.click("mended-understood").await?;
        self.luis.open_conversation("Ana").await?;
        self.write(Author::Ana, "Are you still you?").await?;
        self.luis.sees("Are you still you?").await?;
        self.say(Author::Luis, "Still me").await?;
        self.picture(&self.luis, "16-going-on").await
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

    /// One writes and the other reads, so that the next one is an answer.
    async fn say(&mut self, author: Author, text: &str) -> Result<()> {
        self.write(author, text).await?;
        self.person(author.other()).sees(text).await?;
        Ok(())
    }

    /// Ana sends with the keyboard and Luis with the button.
    async fn write(&mut self, author: Author, text: &str) -> Result<()> {
        match author {
            Author::Ana => self.ana.send_with_enter(text).await?,
            Author::Luis => self.luis.send(text).await?,
        }
        self.said.push((author, text.to_owned()));
        Ok(())
    }

    fn person(&self, author: Author) -> &Person {
        match author {
            Author::Ana => &self.ana,
            Author::Luis => &self.luis,
        }
    }

    async fn picture(&self, person: &Person, name: &str) -> Result<()> {
        person.window()?.settle().await?;
        let file = self.pictures.join(format!("{name}.png"));
        self.screen.picture_of(person.area(), &file)
    }
}

const OFFLINE: &str = "Written while the relay was dead";
const LONG: &str = "A longer one, to see how it wraps: the quick brown fox jumps over the lazy dog, \
el veloz murciélago hindú comía feliz cardillo y kiwi, and a word without a place to break is \
Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft. It goes on for a while, \
because people write like this when they have something to say, and the window must not cut it off.";
