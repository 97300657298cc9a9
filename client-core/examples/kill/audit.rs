//! The comparison in the end: journals against profiles, profiles against each other.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use client_core::{
    Reader,
    keyslots::{self, Unlock},
    model::{ConversationKey, MessageKind},
};

use crate::actor::NoKeyring;

/// What was found.
#[derive(Default)]
pub(crate) struct Report {
    accepted: usize,
    shown: [usize; 2],
    lost: usize,
    doubled: usize,
    reordered: usize,
    unreadable: usize,
    different: usize,
}

impl Report {
    pub(crate) fn verdict(&self) -> Result<()> {
        let faults = self.lost + self.doubled + self.reordered + self.unreadable + self.different;
        ensure!(self.accepted > 0, "nothing was sent, so nothing was tested");
        ensure!(faults == 0, "{faults} faults");
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "kill: {} accepted, Ana shows {}, Luis shows {}: {} lost, {} doubled, {} reordered, {} unreadable, {} different",
            self.accepted,
            self.shown[0],
            self.shown[1],
            self.lost,
            self.doubled,
            self.reordered,
            self.unreadable,
            self.different
        )
    }
}

pub(crate) fn audit(dir: &Path) -> Result<Report> {
    let views = [view(dir, "ana")?, view(dir, "luis")?];
    let mut report = Report {
        shown: [views[0].len(), views[1].len()],
        ..Report::default()
    };
    report.different = views[0]
        .iter()
        .zip(&views[1])
        .filter(|(ana, luis)| ana != luis)
        .count()
        + views[0].len().abs_diff(views[1].len());
    for view in &views {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut last: BTreeMap<&str, u64> = BTreeMap::new();
        for text in view {
            if text == "?" {
                report.unreadable += 1;
                continue;
            }
            *seen.entry(text).or_default() += 1;
            let (name, number) = text.split_once(' ').context("a text that nobody wrote")?;
            let number: u64 = number.parse()?;
            let before = last.insert(name, number).unwrap_or(0);
            report.reordered += usize::from(number <= before);
        }
        report.doubled += seen.values().map(|count| count - 1).sum::<usize>();
        for name in ["ana", "luis"] {
            let journal = fs::read_to_string(dir.join(format!("{name}.journal")))?;
            // a line that the kill cut off is no promise
            let complete = journal
                .rsplit_once('\n')
                .map_or("", |(complete, _)| complete);
            for line in complete.lines() {
                report.accepted += 1;
                report.lost += usize::from(!seen.contains_key(line));
            }
        }
    }
    report.accepted /= 2;
    Ok(report)
}

/// The texts of the one conversation as a profile shows them; `?` for one that could not be opened.
fn view(dir: &Path, name: &str) -> Result<Vec<String>> {
    let account = dir.join(name).join("account");
    let key = keyslots::unlock(&account.join("keys"), &Unlock::Silently(&NoKeyring))?;
    let reader = Reader::open(&account.join("relevo.db"), &key)?;
    let conversation: ConversationKey = reader
        .conversations()?
        .first()
        .context("find the conversation")?
        .key;
    let mut texts = Vec::new();
    let mut before = None;
    loop {
        let page = reader.messages(conversation, before, 200)?;
        before = page.messages.first().map(|message| message.position);
        for message in page.messages.into_iter().rev() {
            match message.kind {
                MessageKind::Text => texts.push(message.text),
                MessageKind::System(_) => {}
                MessageKind::Unreadable | MessageKind::Unsupported => texts.push("?".to_owned()),
            }
        }
        if !page.more {
            texts.reverse();
            return Ok(texts);
        }
    }
}
