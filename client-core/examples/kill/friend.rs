//! A client of the errands at work. Each thing that is to be done is done once, also if the process dies on the way.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use client_core::{
    Client, ErrorKind, KillPoint, Notices, SystemSeams, backup,
    crypto::RecoveryCode,
    keyslots::{Protection, Unlock},
    model::{
        ConversationKey, ConversationState, Message, MessageKind, OutgoingState, Standing,
        SystemEvent,
    },
    profile::{OpenedAccount, Profile, ProfileState},
    restoring::Lost,
    seams::SystemRandom,
    store::DatabaseKey,
};
use protocol::{AccountId, Link};
use tokio::{runtime::Handle, time::timeout};

use crate::{actor::NoKeyring, errands::RelaysView, schedule::NORAS};

/// The bound for the words of the others, and the pause before they are asked again: other processes, which make no notice here.
const LOOK: Duration = Duration::from_millis(20);
/// Messages of a page; there are fewer.
const PAGE: u32 = 200;

/// The account that somebody said to have.
pub(crate) fn account(dir: &Path, name: &str) -> Result<AccountId> {
    let bytes = fs::read(dir.join(format!("{name}.account")))?;
    AccountId::from_slice(&bytes).context("an account id")
}

/// Whether the person still has a backup.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backup {
    TakenOver,
    Lost,
}

/// A client at work.
pub(crate) struct Friend {
    dir: PathBuf,
    pub(crate) profile: Profile,
    pub(crate) key: DatabaseKey,
    pub(crate) client: Client,
    notices: Notices,
}

impl Friend {
    /// Opens the account in `home`, or makes it by the link that lies there for `name`.
    pub(crate) async fn join(dir: &Path, home: &str, name: &str) -> Result<Self> {
        let profile = Profile::take(&dir.join(home)).context("take the profile")?;
        let (seams, network) = SystemSeams::new(&Handle::current());
        let opened = match profile.state()? {
            ProfileState::Account(_) => profile.open(&Unlock::Silently(&NoKeyring), seams)?,
            ProfileState::Empty => {
                let link: Link = fs::read_to_string(dir.join(format!("{name}.link")))?.parse()?;
                profile.create(&link, name, &Protection::Unprotected, &NoKeyring, seams)?
            }
        };
        let friend = Self::start(dir, profile, opened, network).await?;
        friend.say(&format!("{name}.registered"))?;
        if name == "nora" {
            let code = friend.client.recovery_code().await?;
            friend.write("nora.code", code.words.join(" ").as_bytes())?;
        }
        Ok(friend)
    }

    /// Opens the restored account in `home`, or restores it by the code.
    pub(crate) async fn bring_back(dir: &Path, home: &str, backup: Backup) -> Result<Self> {
        let profile = Profile::take(&dir.join(home)).context("take the profile")?;
        let (seams, network) = SystemSeams::new(&Handle::current());
        let opened = match profile.state()? {
            ProfileState::Account(_) => profile.open(&Unlock::Silently(&NoKeyring), seams)?,
            ProfileState::Empty => {
                let words = fs::read_to_string(dir.join("nora.code"))?;
                let link = fs::read_to_string(dir.join("vera.link"))?;
                let found = loop {
                    // the relay may be dead at this moment: another process, and none tells here that it is back, so it is asked
                    // again. Nothing waits for this pause to be long enough
                    match Lost::parse(&words, &link)?.find(&Handle::current()).await {
                        Ok(found) => break found,
                        Err(error) if error.kind() == ErrorKind::RelayUnreachable => {
                            tokio::time::sleep(LOOK).await;
                        }
                        Err(error) => return Err(error).context("find the account"),
                    }
                };
                let unprotected = Protection::Unprotected;
                let mut opened =
                    profile.restore(&found, Some("nora"), &unprotected, &NoKeyring, seams)?;
                if backup == Backup::TakenOver {
                    let code = RecoveryCode::parse(&words)?;
                    let kept = backup::open(&dir.join("backup"), code.as_bytes())?;
                    opened.take_over(&kept)?;
                }
                opened
            }
        };
        Self::start(dir, profile, opened, network).await
    }

    async fn start(
        dir: &Path,
        profile: Profile,
        opened: OpenedAccount,
        network: SystemSeams,
    ) -> Result<Self> {
        let key = opened.key.clone();
        let (client, notices) = Client::start(opened, network, &Handle::current())?;
        while let Err(error) = client.registered().await {
            if matches!(error.kind(), ErrorKind::LinkExpired | ErrorKind::Refused) {
                return Err(error).context("the account cannot go on");
            }
            // as a person who presses "Retry": no event tells that the other process, the relay, is back, and the engine's own
            // pauses are those of a person who does not
            tokio::time::sleep(LOOK).await;
        }
        profile.registered()?;
        Ok(Self {
            dir: dir.to_owned(),
            profile,
            key,
            client,
            notices,
        })
    }

    /// Waits for its end, if this life is to end at one of the points up to this one: it may be on its way to it.
    pub(crate) async fn die_by(&mut self, last: KillPoint) {
        let plan = std::env::var(kill_points::VARIABLE).unwrap_or_default();
        let planned = |point: &KillPoint| plan.starts_with(&format!("{}:", point.name()));
        let due = NORAS.iter().position(planned);
        let last = NORAS.iter().rposition(|point| *point == last);
        while due.is_some() && due <= last {
            self.moment().await;
        }
    }

    /// Writes to Vera, and waits until it is there and answered.
    pub(crate) async fn round(&mut self, key: ConversationKey, round: u32) -> Result<()> {
        let done = format!("round-{round}");
        if self.heard(&done) {
            return Ok(());
        }
        let text = format!("nora {round}");
        if !self.texts(key).await?.contains(&text) {
            self.client.send_text(key, text.clone()).await?;
        }
        loop {
            let messages = self.messages(key).await?;
            let delivered =
                |it: &Message| it.text == text && it.outgoing == Some(OutgoingState::Delivered);
            let answer = format!("vera {round}");
            if messages.iter().any(delivered) && messages.iter().any(|it| it.text == answer) {
                return self.say(&done);
            }
            self.moment().await;
        }
    }

    /// Declines Otto, and waits until the relay knows.
    pub(crate) async fn decline(&mut self) -> Result<()> {
        while !self.heard("declined") {
            let conversations = self.client.conversations().await?;
            let asks = conversations
                .iter()
                .find(|it| it.standing == Standing::Requested);
            match asks {
                Some(asks) => self.client.decline_request(asks.key, false).await?,
                None if RelaysView::open(&self.dir)?.declines()? > 0 => self.say("declined")?,
                None => self.moment().await,
            }
        }
        Ok(())
    }

    /// Blocks Otto, and waits until the relay knows.
    pub(crate) async fn block(&mut self) -> Result<()> {
        if self.heard("blocked") {
            return Ok(());
        }
        let otto = account(&self.dir, "otto")?;
        if !self.heard("block-promised") {
            self.client.set_blocked(otto, true).await?;
            self.say("block-promised")?;
        }
        let blocked = self.client.blocked().await?;
        ensure!(
            blocked.iter().any(|it| it.account == otto),
            "a block that was promised is gone"
        );
        while RelaysView::open(&self.dir)?.blocks()? == 0 {
            self.moment().await;
        }
        self.say("blocked")
    }

    /// Makes a backup. One that was whole before is whole at any time.
    pub(crate) async fn back_up(&mut self, word: &str) -> Result<()> {
        let settings = self.client.backup().await?;
        if let Some(settings) = settings.as_ref().filter(|it| it.last_run.is_some()) {
            backup::rehearse(settings)?;
        }
        if self.heard(word) {
            return Ok(());
        }
        if settings.is_none() {
            let shown = self.client.recovery_code().await?;
            let folder = self.dir.join("backup");
            let code = zeroize::Zeroizing::new(*shown.code.as_bytes());
            self.client.turn_backup_on(folder, code).await?;
        }
        let job = self.client.begin_backup().await?;
        let now = self.now()?;
        let ran = self
            .profile
            .back_up(&self.key, &job, now, &mut SystemRandom)?;
        self.client.finish_backup(ran).await?;
        let settings = self.client.backup().await?.context("a backup")?;
        backup::rehearse(&settings)?;
        self.say(word)
    }

    /// Waits for the conversation with somebody.
    pub(crate) async fn conversation(&mut self, name: &str) -> Result<ConversationKey> {
        loop {
            let conversations = self.client.conversations().await?;
            let found = conversations
                .iter()
                .find(|it| it.title == name && it.state == ConversationState::Established);
            if let Some(found) = found {
                return Ok(found.key);
            }
            self.moment().await;
        }
    }

    pub(crate) async fn until_told(
        &mut self,
        key: ConversationKey,
        event: SystemEvent,
    ) -> Result<()> {
        let kind = MessageKind::System(event);
        while !self.messages(key).await?.iter().any(|it| it.kind == kind) {
            self.moment().await;
        }
        Ok(())
    }

    pub(crate) async fn until_text(&mut self, key: ConversationKey, text: &str) -> Result<()> {
        while !self.texts(key).await?.iter().any(|it| it == text) {
            self.moment().await;
        }
        Ok(())
    }

    pub(crate) async fn until_heard(&mut self, word: &str) {
        while !self.heard(word) {
            self.moment().await;
        }
    }

    async fn messages(&self, key: ConversationKey) -> Result<Vec<Message>> {
        Ok(self.client.messages(key, None, PAGE).await?.messages)
    }

    pub(crate) async fn texts(&self, key: ConversationKey) -> Result<Vec<String>> {
        let messages = self.messages(key).await?;
        Ok(messages.into_iter().map(|it| it.text).collect())
    }

    /// Until something changes, and not for long.
    pub(crate) async fn moment(&mut self) {
        let _woken = timeout(LOOK, self.notices.recv()).await;
    }

    pub(crate) fn now(&self) -> Result<u64> {
        use client_core::seams::{Clock as _, SystemClock};
        Ok(SystemClock::new().wall_ms())
    }

    pub(crate) fn heard(&self, word: &str) -> bool {
        self.dir.join(word).exists()
    }

    pub(crate) fn say(&self, word: &str) -> Result<()> {
        self.write(word, b"")
    }

    /// Whole or not at all.
    pub(crate) fn write(&self, word: &str, bytes: &[u8]) -> Result<()> {
        let partial = self.dir.join(format!("{word}.partial"));
        fs::write(&partial, bytes)?;
        Ok(fs::rename(partial, self.dir.join(word))?)
    }
}
