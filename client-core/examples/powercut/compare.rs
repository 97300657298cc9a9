//! After a cut: is everything there that was answered before it?

use std::{collections::BTreeMap, fmt, net::SocketAddr, path::Path};

use anyhow::{Result, bail};
use protocol::{
    ClaimKeyPackages, ClientId, ConversationId, Digest, Entry, EntryKind, Fetch, Frame, ListBlocks,
    Opaque, StreamId,
};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use crate::{
    couple::{Answered, Couple},
    disk::Power,
    wire::Wire,
};

/// Entries of a page.
const PAGE: u16 = 256;

/// What was answered and what of it was lost, over all cuts.
#[derive(Default)]
pub(crate) struct Findings {
    pub(crate) cuts: u32,
    entries: Kind,
    accounts: Kind,
    links: Kind,
    packages: Kind,
    claims: Kind,
    conversations: Kind,
    rejoins: Kind,
    blocks: Kind,
    declines: Kind,
    /// One-time key packages that were handed out twice.
    twice: u64,
    /// What is to be looked at.
    notes: Vec<String>,
}

#[derive(Clone, Copy, Default)]
struct Kind {
    answered: u64,
    lost: u64,
}

impl Kind {
    fn note(&mut self, there: bool) {
        self.answered += 1;
        self.lost += u64::from(!there);
    }
}

impl Findings {
    fn kinds(&self) -> [(&'static str, Kind); 9] {
        [
            ("entries", self.entries),
            ("accounts", self.accounts),
            ("links", self.links),
            ("key packages", self.packages),
            ("claims", self.claims),
            ("conversations", self.conversations),
            ("rejoins", self.rejoins),
            ("blocks", self.blocks),
            ("declines", self.declines),
        ]
    }

    pub(crate) fn lost(&self) -> u64 {
        self.kinds().iter().map(|(_, kind)| kind.lost).sum::<u64>() + self.twice
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{:<14} {:>10} {:>6}", "", "compared", "lost")?;
        for (name, kind) in self.kinds() {
            writeln!(
                formatter,
                "{name:<14} {:>10} {:>6}",
                kind.answered, kind.lost
            )?;
        }
        for note in &self.notes {
            writeln!(formatter, "{note}")?;
        }
        write!(
            formatter,
            "one-time packages handed out twice: {}",
            self.twice
        )
    }
}

/// The relay's own file.
pub(crate) struct Kept(Connection);

impl Kept {
    pub(crate) fn open(database: &Path) -> Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
        Ok(Self(Connection::open_with_flags(database, flags)?))
    }

    fn has_entry(&self, conversation: ConversationId, entry: &Answered) -> Result<bool> {
        self.has(conversation, entry.seq, entry.client_id, entry.digest)
    }

    fn has(
        &self,
        conversation: ConversationId,
        seq: u64,
        client_id: ClientId,
        digest: Digest,
    ) -> Result<bool> {
        let found: Option<(Vec<u8>, Vec<u8>)> = self
            .0
            .prepare_cached(
                "SELECT e.client_id, e.bytes FROM entries e JOIN conversations c ON c.stream = e.stream
                 WHERE c.conversation = ?1 AND e.seq = ?2",
            )?
            .query_row((conversation.as_bytes(), seq), |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        Ok(found.is_some_and(|(id, bytes)| {
            // the relay lets bytes go that every member has: the host came with the first entry and took no other
            let gone = seq == 1 && bytes.is_empty();
            let same = gone || Digest::of(&[&bytes]) == digest;
            id == client_id.as_bytes() && same
        }))
    }
}

/// How much of the journal is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The entries that were answered since the last cut.
    Newest,
    /// All, by the relay's own file: who comes back from outside sees nothing of what was before.
    Everything,
}

/// Compares what a couple was answered with what the relay has.
pub(crate) async fn compare(
    couple: &mut Couple,
    address: SocketAddr,
    kept: &Kept,
    depth: Depth,
    findings: &mut Findings,
) -> Result<()> {
    let power = &Power::on();
    let mut host = None;
    if couple.host_registered {
        host = Wire::connect(address, &mut couple.host, None, power)
            .await
            .ok();
        findings.accounts.note(host.is_some());
        // one more may have been stored without its answer
        let held = host.as_ref().map_or(0, |wire| wire.packages);
        let claims = u16::from(couple.claimed.is_none() && couple.guest_registered);
        findings.packages.note(held + claims >= couple.packages);
    }
    if couple.link_made && !couple.guest_registered {
        let guest = Wire::connect(address, &mut couple.guest, Some(couple.link), power).await;
        couple.guest_registered = guest.is_ok();
        findings.links.note(guest.is_ok());
    }
    if !couple.guest_registered {
        return Ok(());
    }
    let guest = Wire::connect(address, &mut couple.guest, None, power)
        .await
        .ok();
    findings.accounts.note(guest.is_some());
    let Some(mut guest) = guest else {
        return Ok(());
    };
    claims(couple, &mut guest, findings).await?;
    let (Some(conversation), Some(creation)) = (couple.conversation, &couple.creation) else {
        return Ok(());
    };
    let stream = StreamId::Conversation(conversation);
    let founding = Digest::of(&[&creation.commit.0]);
    let commit_there = kept.has(conversation, 1, creation.client_id, founding)?;
    let welcome_there = match &mut host {
        None => false,
        Some(host) => page(host, StreamId::Inbox, 1, 1)
            .await?
            .first()
            .is_some_and(|entry| entry.kind == EntryKind::Welcome),
    };
    findings.conversations.note(commit_there && welcome_there);
    for rejoin in &couple.rejoins {
        findings.rejoins.note(kept.has_entry(conversation, rejoin)?);
    }
    let Frame::Blocks(list) = guest.ask(&ListBlocks {}.into()).await? else {
        bail!("the blocks were refused")
    };
    for account in &couple.blocks {
        findings.blocks.note(list.accounts.contains(account));
    }
    if let Some((asker, declined)) = &mut couple.declined {
        // who asked sees nothing of a conversation that was declined
        let mut wire = Wire::connect(address, asker, None, power).await?;
        let declined = StreamId::Conversation(*declined);
        let left = page(&mut wire, declined, 1, 1).await?;
        findings.declines.note(left.is_empty());
    }
    match depth {
        Depth::Newest => newest_entries(couple, &mut guest, stream, findings).await,
        Depth::Everything => {
            for entry in &couple.entries {
                findings.entries.note(kept.has_entry(conversation, entry)?);
            }
            Ok(())
        }
    }
}

/// An answered claim is answered in the same way again, and nobody else ever gets its package.
async fn claims(couple: &mut Couple, guest: &mut Wire, findings: &mut Findings) -> Result<()> {
    let Some(claimed) = &couple.claimed else {
        return Ok(());
    };
    // the other one first: if the relay forgot the first claim, this one gets its package
    if couple.packages > 0 {
        let other = ClaimKeyPackages {
            client_id: ClientId::new(couple.guest.draw()?),
            ..couple.claim.clone()
        };
        if let Frame::Claimed(answer) = guest.ask(&other.into()).await? {
            couple.packages -= 1;
            for package in answer.packages {
                findings.twice += u64::from(!couple.guest.is_new(&package.bytes));
            }
        }
    }
    let again = guest.ask(&couple.claim.clone().into()).await?;
    findings
        .claims
        .note(again == Frame::Claimed(claimed.clone()));
    Ok(())
}

/// As the guest sees them, who came into the group before it wrote them.
async fn newest_entries(
    couple: &mut Couple,
    guest: &mut Wire,
    stream: StreamId,
    findings: &mut Findings,
) -> Result<()> {
    couple.entries.sort_by_key(|entry| entry.seq);
    let wanted = couple.entries.get(couple.compared..).unwrap_or_default();
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
        return Ok(());
    };
    let (first, last) = (*first, last.seq);
    let mut next = first.seq;
    let mut there: BTreeMap<u64, (ClientId, Digest)> = BTreeMap::new();
    while next <= last {
        let entries = page(guest, stream, next, PAGE).await?;
        let Some(end) = entries.last() else { break };
        next = end.seq + 1;
        there.extend(
            entries
                .iter()
                .map(|entry| (entry.seq, (entry.client_id, digest(&entry.bytes)))),
        );
    }
    let mut gone = Vec::new();
    for entry in wanted {
        let same = there.get(&entry.seq) == Some(&(entry.client_id, entry.digest));
        findings.entries.note(same);
        if !same {
            gone.push(entry.seq);
        }
    }
    if let (Some(from), Some(to)) = (gone.first(), gone.last()) {
        let end = there.last_key_value().map(|(seq, _)| *seq);
        findings.notes.push(format!(
            "{stream:?}: {} of the answered entries {}..={last} are gone, between {from} and {to}; the relay has up to {end:?}",
            gone.len(),
            first.seq,
        ));
    }
    couple.compared = couple.entries.len();
    Ok(())
}

async fn page(wire: &mut Wire, stream: StreamId, from: u64, limit: u16) -> Result<Vec<Entry>> {
    let fetch = Fetch {
        stream,
        from,
        limit,
    };
    match wire.ask(&fetch.into()).await? {
        Frame::Page(page) => Ok(page.entries),
        Frame::Refusal(_) => Ok(Vec::new()),
        other => bail!("a fetch was answered by {}", other.name()),
    }
}

fn digest(bytes: &Opaque) -> Digest {
    Digest::of(&[&bytes.0])
}
