//! The comparison in the end: journals against profiles, profiles against each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
};

use anyhow::{Context as _, Result, ensure};
use client_core::{
    Reader,
    keyslots::{self, Unlock},
    model::{Conversation, Message, MessageKind, SystemEvent},
};
use protocol::AccountId;

use crate::actor::{NoKeyring, blocked, stranger};

/// What was found in all conversations.
#[derive(Default)]
pub(crate) struct Report {
    accepted: usize,
    shown: usize,
    lost: usize,
    doubled: usize,
    reordered: usize,
    unreadable: usize,
    alarms: usize,
    different: usize,
    blocked: usize,
    unblocked: usize,
}

impl Report {
    pub(crate) fn verdict(&self) -> Result<()> {
        let faults = self.lost
            + self.doubled
            + self.reordered
            + self.unreadable
            + self.alarms
            + self.different
            + self.unblocked;
        ensure!(self.accepted > 0, "nothing was sent, so nothing was tested");
        ensure!(faults == 0, "{faults} faults");
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} accepted, each side shows {}: {} lost, {} doubled, {} reordered, {} unreadable, {} false alarms, {} different; {} blocks, {} lost",
            self.accepted,
            self.shown,
            self.lost,
            self.doubled,
            self.reordered,
            self.unreadable,
            self.alarms,
            self.different,
            self.blocked,
            self.unblocked
        )
    }
}

/// Compares the conversations of Ana with the others.
pub(crate) fn audit(dir: &Path, others: &[String]) -> Result<Report> {
    let ana = Profile::open(dir, "ana")?;
    let anas = journal(dir, "ana")?;
    let mut report = Report::default();
    report.add_blocks(dir, "ana", &ana)?;
    for name in others {
        let luis = Profile::open(dir, name)?;
        report.add_blocks(dir, name, &luis)?;
        let views = [ana.view(name)?, luis.view("ana")?];
        let with = format!("ana {name} ");
        let accepted: Vec<String> = anas
            .iter()
            .filter(|line| line.starts_with(&with))
            .cloned()
            .chain(journal(dir, name)?)
            .collect();
        report.accepted += accepted.len();
        report.shown += views[0].len();
        report.different += views[0]
            .iter()
            .zip(&views[1])
            .filter(|(one, other)| one != other)
            .count()
            + views[0].len().abs_diff(views[1].len());
        for view in &views {
            report.add(view, &accepted)?;
        }
        report.alarms += ana.alarms(name)? + luis.alarms("ana")?;
    }
    Ok(report)
}

impl Report {
    fn add_blocks(&mut self, dir: &Path, name: &str, profile: &Profile) -> Result<()> {
        let promised = blocked(dir, name)?;
        self.blocked += promised as usize;
        self.unblocked += profile.unblocked(name, promised)?;
        Ok(())
    }

    fn add(&mut self, view: &[String], accepted: &[String]) -> Result<()> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        for text in view {
            if text == "?" {
                self.unreadable += 1;
                continue;
            }
            *seen.entry(text).or_default() += 1;
            let (names, number) = text.rsplit_once(' ').context("a text that nobody wrote")?;
            let number: u64 = number.parse()?;
            let before = last.insert(names, number).unwrap_or(0);
            self.reordered += usize::from(number <= before);
        }
        self.doubled += seen.values().map(|count| count - 1).sum::<usize>();
        self.lost += accepted
            .iter()
            .filter(|line| !seen.contains_key(line.as_str()))
            .count();
        Ok(())
    }
}

/// What the clients of a person accepted.
pub(crate) fn journal(dir: &Path, name: &str) -> Result<Vec<String>> {
    let journal = fs::read_to_string(dir.join(format!("{name}.journal")))?;
    // a line that the kill cut off is no promise
    let complete = journal
        .rsplit_once('\n')
        .map_or("", |(complete, _)| complete);
    Ok(complete.lines().map(str::to_owned).collect())
}

/// A profile, opened for reading.
pub(crate) struct Profile {
    reader: Reader,
    conversations: Vec<Conversation>,
}

impl Profile {
    pub(crate) fn open(dir: &Path, name: &str) -> Result<Self> {
        let account = dir.join(name).join("account");
        let key = keyslots::unlock(&account.join("keys"), &Unlock::Silently(&NoKeyring))?;
        let reader = Reader::open(&account.join("relevo.db"), &key)?;
        let conversations = reader.conversations()?;
        Ok(Self {
            reader,
            conversations,
        })
    }

    /// The accounts that are blocked.
    pub(crate) fn blocks(&self) -> Result<BTreeSet<AccountId>> {
        Ok(self.reader.blocked()?.iter().map(|it| it.account).collect())
    }

    /// How many of so many blocks of an actor are not there.
    pub(crate) fn unblocked(&self, name: &str, promised: u32) -> Result<usize> {
        let blocks = self.blocks()?;
        let strangers = (0..promised).map(|number| stranger(name, number));
        Ok(strangers.filter(|it| !blocks.contains(it)).count())
    }

    /// The texts of the conversation with a person; `?` for one that could not be opened.
    fn view(&self, peer: &str) -> Result<Vec<String>> {
        let shown = self
            .messages(peer)?
            .into_iter()
            .filter_map(|message| match message.kind {
                MessageKind::Text => Some(message.text),
                MessageKind::System(_) => None,
                MessageKind::Unreadable | MessageKind::Unsupported => Some("?".to_owned()),
            });
        Ok(shown.collect())
    }

    /// Lines of the conversation with a person that say what no kill does: nothing is missing, nobody listens, and no relay goes back.
    fn alarms(&self, peer: &str) -> Result<usize> {
        let messages = self.messages(peer)?;
        let is_alarm = |message: &&Message| {
            matches!(
                message.kind,
                MessageKind::System(
                    SystemEvent::MessagesMissing
                        | SystemEvent::DevicesChanged
                        | SystemEvent::SplitView
                        | SystemEvent::RelayWentBack
                )
            )
        };
        Ok(messages.iter().filter(is_alarm).count())
    }

    /// All messages of the conversation with a person, oldest first; none where there is no such conversation.
    pub(crate) fn messages(&self, peer: &str) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        let Some(conversation) = self.conversations.iter().find(|it| it.title == peer) else {
            return Ok(messages);
        };
        let mut before = None;
        loop {
            let page = self.reader.messages(conversation.key, before, 200)?;
            before = page.messages.first().map(|message| message.position);
            messages.extend(page.messages.into_iter().rev());
            if !page.more {
                messages.reverse();
                return Ok(messages);
            }
        }
    }
}
