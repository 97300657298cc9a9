//! One window, driven through WebDriver as a person would: look, click, type.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element, key::Key};
use hyper_util::client::legacy::connect::HttpConnector;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::desktop::Area;

/// How long a page may take to show something; the machine may be busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const OPENING: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(30);
/// Longer texts are pasted: the driver types about a hundred characters a second.
const TYPED_AT_MOST: usize = 80;

/// A message as the page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ShownMessage {
    pub(crate) mine: bool,
    pub(crate) state: String,
    pub(crate) text: String,
}

/// The window of an app that was started for it.
#[derive(Debug)]
pub(crate) struct Window {
    client: Client,
}

impl Window {
    /// Starts the app through the driver and waits for its window.
    pub(crate) async fn open(driver: &str, app: &Path, arguments: &[String]) -> Result<Self> {
        let Value::Object(capabilities) = json!({
            "browserName": "wry",
            "webkitgtk:browserOptions": { "binary": app, "args": arguments },
        }) else {
            bail!("write the capabilities as an object");
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = tokio::time::timeout(OPENING, builder.connect(driver))
            .await
            .context("wait for the window")?
            .context("open the window")?;
        Ok(Self { client })
    }

    /// Ends the session of the driver, and the app with it.
    pub(crate) async fn close(self) -> Result<()> {
        self.client.close().await.context("close the window")
    }

    pub(crate) async fn place(&self, area: Area) -> Result<()> {
        self.client
            .set_window_rect(area.x, 0, area.width, area.height)
            .await
            .context("place the window")
    }

    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        self.client
            .execute(script, arguments)
            .await
            .context("run a script in the page")
    }

    /// Waits until the page has drawn what it holds now.
    pub(crate) async fn settle(&self) -> Result<()> {
        let script = "const done = arguments[0];
            requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))";
        self.client
            .execute_async(script, vec![])
            .await
            .context("wait for the page to be drawn")?;
        Ok(())
    }

    /// All the text in the page.
    pub(crate) async fn page_text(&self) -> Result<String> {
        let text = self.run("return document.body.innerText", vec![]).await?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until the element is there and visible.
    pub(crate) async fn find(&self, test_id: &str) -> Result<Element> {
        until(&format!("{test_id} is shown"), PATIENCE, async || {
            self.visible(&by_test_id(test_id)).await
        })
        .await
    }

    /// True if the element is visible now.
    pub(crate) async fn shows(&self, test_id: &str) -> Result<bool> {
        Ok(self.visible(&by_test_id(test_id)).await?.is_some())
    }

    pub(crate) async fn gone(&self, test_id: &str) -> Result<()> {
        until(&format!("{test_id} is gone"), PATIENCE, async || {
            Ok((!self.shows(test_id).await?).then_some(()))
        })
        .await
    }

    /// Clicks the element as soon as it is there and can be clicked.
    pub(crate) async fn click(&self, test_id: &str) -> Result<()> {
        self.click_on(&by_test_id(test_id)).await
    }

    pub(crate) async fn click_on(&self, selector: &str) -> Result<()> {
        until(
            &format!("{selector} can be clicked"),
            PATIENCE,
            async || {
                let Some(element) = self.visible(selector).await? else {
                    return Ok(None);
                };
                if !element.is_enabled().await? {
                    return Ok(None);
                }
                element.click().await?;
                Ok(Some(()))
            },
        )
        .await
    }

    /// The text of the element, as soon as it has one.
    pub(crate) async fn text(&self, test_id: &str) -> Result<String> {
        until(&format!("{test_id} has a text"), PATIENCE, async || {
            let script = "const e = document.querySelector(arguments[0]);
                return e === null ? '' : (e.value || e.textContent || '').trim()";
            let text = self.run(script, vec![by_test_id(test_id).into()]).await?;
            let text = text.as_str().unwrap_or_default().to_owned();
            Ok((!text.is_empty()).then_some(text))
        })
        .await
    }

    /// Waits until the field holds nothing.
    pub(crate) async fn is_empty(&self, test_id: &str) -> Result<()> {
        until(&format!("{test_id} is empty"), PATIENCE, async || {
            let script = "return document.querySelector(arguments[0]).value";
            let value = self.run(script, vec![by_test_id(test_id).into()]).await?;
            Ok((value.as_str() == Some("")).then_some(()))
        })
        .await
    }

    /// Puts the text into an empty field. Short plain text is typed, the rest pasted: the driver drops what needs two UTF-16
    /// units, and in the composer a typed line break sends.
    pub(crate) async fn write(&self, test_id: &str, text: &str) -> Result<()> {
        self.click(test_id).await?;
        let field = self.find(test_id).await?;
        let can_be_typed = text.chars().all(|c| c.len_utf16() == 1 && !c.is_control())
            && text.chars().count() <= TYPED_AT_MOST;
        if can_be_typed {
            field.send_keys(text).await.context("type a text")?;
        } else {
            let script = "const e = document.querySelector(arguments[0]);
                e.focus();
                if (e.isContentEditable) { e.textContent = arguments[1] } else { e.value = arguments[1] }
                e.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertFromPaste' }))";
            self.run(script, vec![by_test_id(test_id).into(), text.into()])
                .await?;
        }
        let written = self.text(test_id).await?;
        if written != text.trim() {
            bail!("{test_id} holds {written:?} instead of {text:?}");
        }
        Ok(())
    }

    pub(crate) async fn press_enter(&self, test_id: &str) -> Result<()> {
        let enter = char::from(Key::Enter).to_string();
        let field = self.find(test_id).await?;
        field.send_keys(&enter).await.context("press Enter")
    }

    /// Closes the dialog on top with its own button.
    pub(crate) async fn close_dialog(&self) -> Result<()> {
        self.click_on("dialog[open] header button").await?;
        until("the dialog is closed", PATIENCE, async || {
            Ok(self.visible("dialog[open]").await?.is_none().then_some(()))
        })
        .await
    }

    /// Waits until the page itself has the attribute with this value.
    pub(crate) async fn page_has(&self, attribute: &str, value: &str) -> Result<()> {
        until(
            &format!("the page has {attribute}={value}"),
            PATIENCE,
            async || {
                let script = "return document.documentElement.getAttribute(arguments[0])";
                let found = self.run(script, vec![attribute.into()]).await?;
                Ok((found.as_str() == Some(value)).then_some(()))
            },
        )
        .await
    }

    /// Chooses the entry of a list by its value.
    pub(crate) async fn choose(&self, test_id: &str, value: &str) -> Result<()> {
        let selector = format!("{} option[value=\"{value}\"]", by_test_id(test_id));
        let list = self.find(test_id).await?;
        list.select_by(Locator::Css(&format!("option[value=\"{value}\"]")))
            .await
            .with_context(|| format!("choose {selector}"))
    }

    /// What people wrote in the open conversation, from top to bottom.
    pub(crate) async fn messages(&self) -> Result<Vec<ShownMessage>> {
        let script = r#"return [...document.querySelectorAll('[data-testid="message"][data-kind="text"]')].map((m) => ({
            mine: m.dataset.mine === 'true',
            state: m.dataset.state ?? '',
            text: m.querySelector('[data-testid="message-text"]')?.textContent ?? '',
        }))"#;
        let shown = self.run(script, vec![]).await?;
        serde_json::from_value(shown).context("read the messages of the page")
    }

    async fn visible(&self, selector: &str) -> Result<Option<Element>> {
        for element in self.client.find_all(Locator::Css(selector)).await? {
            if element.is_displayed().await? {
                return Ok(Some(element));
            }
        }
        Ok(None)
    }
}

/// Asks again and again until there is an answer. Errors on the way may be passing ones, so only the last one is told.
pub(crate) async fn until<T>(
    what: &str,
    patience: Duration,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + patience;
    loop {
        // a page that hangs does not answer at all
        let answer = match tokio::time::timeout(patience, ask()).await {
            Ok(answer) => answer,
            Err(_) => Err(anyhow!("no answer from the window")),
        };
        if let Ok(Some(value)) = answer {
            return Ok(value);
        }
        if Instant::now() >= deadline {
            let waited = anyhow!("waited {} s until {what}", patience.as_secs());
            return Err(match answer {
                Err(error) => error.context(waited),
                Ok(_) => waited,
            });
        }
        tokio::time::sleep(POLL).await;
    }
}

fn by_test_id(test_id: &str) -> String {
    format!("[data-testid=\"{test_id}\"]")
}
