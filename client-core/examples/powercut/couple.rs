//! Two people from their registration to their messages, and what the relay has answered them: the journal, kept outside
//! of the disk on trial.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::{Context as _, Result, bail};
use protocol::{
    Ack, Append, ClaimKeyPackages, Claimed, ClientId, ConversationId, CreateConversation, Digest,
    ErrorCode, Frame, NewEntry, NewLink, RelayId, StreamId, Token,
};

use crate::{
    disk::Power,
    person::{Person, now},
    wire::Wire,
};

/// Key packages that a host publishes.
const PACKAGES: u16 = 4;
/// Append requests under way.
const WINDOW: usize = 6;
/// The most entries of one of them.
const BATCH: usize = 8;
/// The most bytes of an entry.
const BYTES: usize = 900;
const HOUR_MS: u64 = 60 * 60 * 1000;

/// An entry that the relay answered.
#[derive(Clone, Copy)]
pub(crate) struct Answered {
    pub(crate) seq: u64,
    pub(crate) client_id: ClientId,
    pub(crate) digest: Digest,
}

/// Who invites, who comes, and everything that the relay answered to them.
pub(crate) struct Couple {
    pub(crate) host: Person,
    pub(crate) guest: Person,
    pub(crate) host_registered: bool,
    /// The packages that the relay said it holds; claims take from them.
    pub(crate) packages: u16,
    pub(crate) link: Token,
    pub(crate) link_made: bool,
    pub(crate) guest_registered: bool,
    pub(crate) claim: ClaimKeyPackages,
    pub(crate) claimed: Option<Claimed>,
    pub(crate) creation: Option<CreateConversation>,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) entries: Vec<Answered>,
    /// So many of the entries were compared after a cut.
    pub(crate) compared: usize,
}

impl Couple {
    pub(crate) fn new(relay: RelayId) -> Result<Self> {
        let (host, mut guest) = (Person::new(relay)?, Person::new(relay)?);
        Ok(Self {
            link: Token::new(guest.draw()?),
            claim: ClaimKeyPackages {
                account: host.keys.account(),
                client_id: ClientId::new(guest.draw()?),
            },
            host,
            guest,
            host_registered: false,
            packages: 0,
            link_made: false,
            guest_registered: false,
            claimed: None,
            creation: None,
            conversation: None,
            entries: Vec::new(),
            compared: 0,
        })
    }

    /// Goes as far as the relay lives. What was sent and not answered is sent again in the next life.
    pub(crate) async fn live(
        &mut self,
        address: SocketAddr,
        invite: Token,
        power: &Power,
    ) -> Result<()> {
        let token = (!self.host_registered).then_some(invite);
        let mut host = Wire::connect(address, &mut self.host, token, power).await?;
        self.host_registered = true;
        if self.packages == 0 && self.claimed.is_none() {
            let frame = self.host.packages(usize::from(PACKAGES))?;
            let Frame::KeyPackageCount(held) = host.ask(&frame.into()).await? else {
                bail!("key packages were refused")
            };
            self.packages = held.count;
        }
        if !self.link_made {
            let frame = NewLink {
                token: self.link,
                invite: true,
                uses: 1,
                expires: now()? + HOUR_MS,
            };
            let Frame::Done(_) = host.ask(&frame.into()).await? else {
                bail!("a link was refused")
            };
            self.link_made = true;
        }
        let token = (!self.guest_registered).then_some(self.link);
        let mut guest = Wire::connect(address, &mut self.guest, token, power).await?;
        self.guest_registered = true;
        if self.claimed.is_none() {
            let Frame::Claimed(claimed) = guest.ask(&self.claim.clone().into()).await? else {
                bail!("a claim was refused")
            };
            for package in &claimed.packages {
                self.guest.is_new(&package.bytes);
            }
            self.packages = self.packages.saturating_sub(1);
            self.creation = Some(self.guest.found(&claimed)?);
            self.claimed = Some(claimed);
        }
        if self.conversation.is_none() {
            let creation = self.creation.clone().context("a creation")?;
            let conversation = creation.conversation;
            let Frame::Committed(_) = guest.ask(&creation.into()).await? else {
                bail!("a creation was refused")
            };
            self.conversation = Some(conversation);
        }
        self.write(&mut guest).await
    }

    /// Appends until the connection ends.
    async fn write(&mut self, wire: &mut Wire) -> Result<()> {
        let conversation = self.conversation.context("a conversation")?;
        // pushes of what is new to this device stop when its window is full; only answers are wanted
        let seq = self.entries.last().map_or(1, |entry| entry.seq);
        wire.send(
            0,
            &Ack {
                stream: StreamId::Conversation(conversation),
                seq,
            }
            .into(),
        );
        let mut under_way: BTreeMap<u32, Vec<(ClientId, Digest)>> = BTreeMap::new();
        let mut id = 1;
        loop {
            while under_way.len() < WINDOW {
                id += 1;
                let (append, sent) = self.append(conversation)?;
                wire.send(id, &append.into());
                under_way.insert(id, sent);
            }
            let (id, frame) = wire.next_reply().await?;
            let Some(sent) = under_way.remove(&id) else {
                continue;
            };
            match frame {
                Frame::Appended(appended) => {
                    let answered = sent.into_iter().zip(appended.seqs);
                    self.entries
                        .extend(answered.map(|((client_id, digest), seq)| Answered {
                            seq,
                            client_id,
                            digest,
                        }));
                }
                // the disk is gone, and the relay says so
                Frame::Refusal(refusal) if is_of_disk(refusal.code) => {}
                other => bail!("an append was answered by {}", other.name()),
            }
        }
    }

    fn append(
        &mut self,
        conversation: ConversationId,
    ) -> Result<(Append, Vec<(ClientId, Digest)>)> {
        let [count, ..] = self.guest.draw::<1>()?;
        let mut entries = Vec::new();
        let mut sent = Vec::new();
        for _ in 0..=usize::from(count) % BATCH {
            let mut bytes = self.guest.draw::<BYTES>()?.to_vec();
            let length = bytes.first().map_or(0, |first| usize::from(*first) * 3);
            bytes.truncate(100 + length);
            let client_id = ClientId::new(self.guest.draw()?);
            sent.push((client_id, Digest::of(&[&bytes])));
            entries.push(NewEntry {
                client_id,
                bytes: bytes.into(),
            });
        }
        let append = Append {
            conversation,
            incarnation: 0,
            epoch: 1,
            entries,
        };
        Ok((append, sent))
    }
}

const fn is_of_disk(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Unavailable | ErrorCode::Internal)
}
