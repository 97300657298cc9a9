//! Those of the errands, each in a process of its own. Who is killed goes on where the words in the folder say.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
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
use tracing_subscriber::EnvFilter;

use crate::{
    actor::{ActorArguments, NoKeyring},
    errands::RelaysView,
    schedule::NORAS,
};

/// How often Nora writes and Vera answers.
pub(crate) const ROUNDS: u32 = 6;
/// Nora's computers: the first, one to which she brings her account back with the backup, and one without.
pub(crate) const HOMES: [&str; 3] = ["nora", "nora-2", "nora-3"];
/// The bound for the words of the others, which make no notice.
const LOOK: Duration = Duration::from_millis(20);
/// Messages of a page; there are fewer.
const PAGE: u32 = 200;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
pub(crate) async fn run(arguments: ActorArguments) -> Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .init();
    let ActorArguments { name, dir } = arguments;
    match name.as_str() {
        "nora" => nora(&dir).await,
        "vera" => vera(&dir).await,
        "otto" => otto(&dir).await,
        _ => bail!("nobody is called {name}"),
    }
}

/// Answers each of Nora's texts once, and invites her.
async fn vera(dir: &Path) -> Result<()> {
    let mut vera = Friend::join(dir, "vera", "vera").await?;
    vera.until_heard("nora.wanted").await;
    while !vera.heard("nora.link") {
        match vera.client.create_invite().await {
            Ok(invite) => vera.write("nora.link", invite.app.as_bytes())?,
            // without a connection there is none
            Err(_) => vera.moment().await,
        }
    }
    let key = vera.conversation("nora").await?;
    loop {
        let texts = vera.texts(key).await?;
        for round in 1..=ROUNDS {
            let (asked, answer) = (format!("nora {round}"), format!("vera {round}"));
            if texts.contains(&asked) && !texts.contains(&answer) {
                vera.client.send_text(key, answer).await?;
            }
        }
        vera.moment().await;
    }
}

/// Asks Nora.
async fn otto(dir: &Path) -> Result<()> {
    let mut otto = Friend::join(dir, "otto", "otto").await?;
    otto.write("otto.account", otto.client.account().as_bytes())?;
    otto.until_heard("nora.account").await;
    let nora = account(dir, "nora")?;
    let key = otto.client.open_account(nora).await?;
    otto.client
        .send_text(key, "who are you?".to_owned())
        .await?;
    otto.until_heard("declined").await;
    otto.client.stop().await;
    Ok(())
}

/// Does the errands.
async fn nora(dir: &Path) -> Result<()> {
    let at = HOMES
        .iter()
        .skip(1)
        .filter(|home| dir.join(format!("{home}.lost")).exists())
        .count();
    match at {
        0 => first_computer(dir).await,
        1 => second_computer(dir).await,
        _ => third_computer(dir).await,
    }
}

async fn first_computer(dir: &Path) -> Result<()> {
    let [home, ..] = HOMES;
    if dir.join("go-back").exists() && !dir.join("gone-back").exists() {
        go_back(&dir.join(home).join("account"))?;
        fs::write(dir.join("gone-back"), "")?;
    }
    let mut nora = Friend::join(dir, home, "nora").await?;
    nora.write("nora.account", nora.client.account().as_bytes())?;
    let key = nora.conversation("vera").await?;
    nora.round(key, 1).await?;
    nora.decline().await?;
    nora.die_by(KillPoint::DeclineAnswered).await;
    nora.block().await?;
    nora.die_by(KillPoint::BlockAnswered).await;
    nora.back_up("backed-up").await?;
    if !nora.heard("copied") {
        let (slots, now) = (nora.key.clone(), nora.now()?);
        nora.profile.copy_if_due(&slots, now)?;
        nora.say("copied")?;
    }
    nora.until_heard("relay-copied").await;
    nora.round(key, 2).await?;
    if !nora.heard("gone-back") {
        nora.say("go-back")?;
        nora.client.stop().await;
        return Ok(());
    }
    nora.until_told(key, SystemEvent::Rejoined).await?;
    nora.round(key, 3).await?;
    nora.die_by(KillPoint::RejoinedAfterCommit).await;
    nora.say("forget")?;
    nora.until_heard("forgotten").await;
    nora.until_told(key, SystemEvent::Reset).await?;
    nora.die_by(KillPoint::CreatedAfterCommit).await;
    nora.say("set-up-anew")?;
    nora.round(key, 4).await?;
    // what Vera said before she was asked again
    nora.until_text(key, "vera 2").await?;
    nora.back_up("backed-up-again").await?;
    let [_, second, _] = HOMES;
    nora.say(&format!("{second}.lost"))?;
    nora.client.stop().await;
    Ok(())
}

async fn second_computer(dir: &Path) -> Result<()> {
    let [_, home, third] = HOMES;
    let mut nora = Friend::bring_back(dir, home, Backup::TakenOver).await?;
    let key = nora.conversation("vera").await?;
    nora.round(key, 5).await?;
    nora.die_by(KillPoint::EnrolledBeforeCommit).await;
    nora.say(&format!("{third}.lost"))?;
    nora.client.stop().await;
    Ok(())
}

async fn third_computer(dir: &Path) -> Result<()> {
    let [.., home] = HOMES;
    let mut nora = Friend::bring_back(dir, home, Backup::Lost).await?;
    let key = nora.conversation("vera").await?;
    nora.round(key, 6).await?;
    nora.die_by(KillPoint::RejoinAfterCommit).await;
    nora.client.stop().await;
    fs::write(dir.join("done"), "")?;
    Ok(())
}

/// The account that somebody said to have.
pub(crate) fn account(dir: &Path, name: &str) -> Result<AccountId> {
    let bytes = fs::read(dir.join(format!("{name}.account")))?;
    AccountId::from_slice(&bytes).context("an account id")
}

/// Puts the copy of the database into its place, as a person may who copies files.
fn go_back(account: &Path) -> Result<()> {
    let copies = fs::read_dir(account.join("copies"))?;
    let copy = copies
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|it| it == "db"))
        .context("there is no copy")?;
    for rest in ["relevo.db-wal", "relevo.db-shm", "relevo.db-open"] {
        let rest = account.join(rest);
        if rest.exists() {
            fs::remove_file(rest)?;
        }
    }
    fs::copy(copy, account.join("relevo.db"))?;
    Ok(())
}

/// Whether the person still has a backup.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Backup {
    TakenOver,
    Lost,
}

/// A client at work.
struct Friend {
    dir: PathBuf,
    profile: Profile,
    key: DatabaseKey,
    client: Client,
    notices: Notices,
}

impl Friend {
    /// Opens the account in `home`, or makes it by the link that lies there for `name`.
    async fn join(dir: &Path, home: &str, name: &str) -> Result<Self> {
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
    async fn bring_back(dir: &Path, home: &str, backup: Backup) -> Result<Self> {
        let profile = Profile::take(&dir.join(home)).context("take the profile")?;
        let (seams, network) = SystemSeams::new(&Handle::current());
        let opened = match profile.state()? {
            ProfileState::Account(_) => profile.open(&Unlock::Silently(&NoKeyring), seams)?,
            ProfileState::Empty => {
                let words = fs::read_to_string(dir.join("nora.code"))?;
                let link = fs::read_to_string(dir.join("vera.link"))?;
                let found = loop {
                    // the relay may be dead at this moment
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
                    profile.restore(&found, "nora", &unprotected, &NoKeyring, seams)?;
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
    async fn die_by(&mut self, last: KillPoint) {
        let plan = std::env::var(kill_points::VARIABLE).unwrap_or_default();
        let planned = |point: &KillPoint| plan.starts_with(&format!("{}:", point.name()));
        let due = NORAS.iter().position(planned);
        let last = NORAS.iter().rposition(|point| *point == last);
        while due.is_some() && due <= last {
            self.moment().await;
        }
    }

    /// Writes to Vera, and waits until it is there and answered.
    async fn round(&mut self, key: ConversationKey, round: u32) -> Result<()> {
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
    async fn decline(&mut self) -> Result<()> {
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
    async fn block(&mut self) -> Result<()> {
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
    async fn back_up(&mut self, word: &str) -> Result<()> {
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
    async fn conversation(&mut self, name: &str) -> Result<ConversationKey> {
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

    async fn until_told(&mut self, key: ConversationKey, event: SystemEvent) -> Result<()> {
        let kind = MessageKind::System(event);
        while !self.messages(key).await?.iter().any(|it| it.kind == kind) {
            self.moment().await;
        }
        Ok(())
    }

    async fn until_text(&mut self, key: ConversationKey, text: &str) -> Result<()> {
        while !self.texts(key).await?.iter().any(|it| it == text) {
            self.moment().await;
        }
        Ok(())
    }

    async fn until_heard(&mut self, word: &str) {
        while !self.heard(word) {
            self.moment().await;
        }
    }

    async fn messages(&self, key: ConversationKey) -> Result<Vec<Message>> {
        Ok(self.client.messages(key, None, PAGE).await?.messages)
    }

    async fn texts(&self, key: ConversationKey) -> Result<Vec<String>> {
        let messages = self.messages(key).await?;
        Ok(messages.into_iter().map(|it| it.text).collect())
    }

    /// Until something changes, and not for long.
    async fn moment(&mut self) {
        let _woken = timeout(LOOK, self.notices.recv()).await;
    }

    fn now(&self) -> Result<u64> {
        use client_core::seams::{Clock as _, SystemClock};
        Ok(SystemClock::new().wall_ms())
    }

    fn heard(&self, word: &str) -> bool {
        self.dir.join(word).exists()
    }

    fn say(&self, word: &str) -> Result<()> {
        self.write(word, b"")
    }

    /// Whole or not at all.
    fn write(&self, word: &str, bytes: &[u8]) -> Result<()> {
        let partial = self.dir.join(format!("{word}.partial"));
        fs::write(&partial, bytes)?;
        Ok(fs::rename(partial, self.dir.join(word))?)
    }
}
