//! Two people from their registration to their messages, and what the relay has answered them: the journal, kept outside
//! of the disk on trial.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::{Context as _, Result, bail};
use protocol::{
    AccountId, Ack, Append, ClaimKeyPackages, Claimed, ClientId, ConversationId,
    CreateConversation, DeclineRequest, Digest, ErrorCode, FetchGroup, Frame, NewEntry, NewLink,
    RelayId, SetBlock, StreamId, Token,
};

use crate::{
    disk::Power,
    person::{Person, now},
    wire::Wire,
};

/// Key packages that a host publishes.
const PACKAGES: u16 = 6;
/// Append requests under way.
const WINDOW: usize = 6;
/// One of so many requests is a block, up to so many blocks.
const BLOCK_EVERY: u32 = 16;
const BLOCKS: usize = 500;
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

/// A request without its answer.
enum UnderWay {
    Entries(Vec<(ClientId, Digest)>),
    Block(AccountId),
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
    /// Commits with which the guest came back from outside.
    pub(crate) rejoins: Vec<Answered>,
    pub(crate) blocks: Vec<AccountId>,
    /// Who asked the host, and the conversation that the host declined.
    pub(crate) declined: Option<(Person, ConversationId)>,
    /// The epoch of the group.
    epoch: u64,
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
            rejoins: Vec::new(),
            blocks: Vec::new(),
            declined: None,
            epoch: 0,
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
        if self.declined.is_none() && self.packages > 1 {
            self.decline(address, invite, power, &mut host).await?;
        }
        self.rejoin(&mut guest).await?;
        self.write(&mut guest).await
    }

    /// A third person asks the host, who declines. What the power cuts off is begun again with another one.
    async fn decline(
        &mut self,
        address: SocketAddr,
        invite: Token,
        power: &Power,
        host: &mut Wire,
    ) -> Result<()> {
        let mut asker = Person::new(self.guest.relay())?;
        let mut wire = Wire::connect(address, &mut asker, Some(invite), power).await?;
        // taken perhaps, even if no answer comes
        self.packages = self.packages.saturating_sub(1);
        let claim = ClaimKeyPackages {
            account: self.claim.account,
            client_id: ClientId::new(asker.draw()?),
        };
        let Frame::Claimed(claimed) = wire.ask(&claim.into()).await? else {
            bail!("a claim was refused")
        };
        let creation = asker.found(&claimed)?;
        let conversation = creation.conversation;
        let Frame::Committed(_) = wire.ask(&creation.into()).await? else {
            bail!("a request was refused")
        };
        let Frame::Done(_) = host.ask(&DeclineRequest { conversation }.into()).await? else {
            bail!("a decline was refused")
        };
        self.declined = Some((asker, conversation));
        Ok(())
    }

    /// The guest comes back into the group from outside.
    async fn rejoin(&mut self, guest: &mut Wire) -> Result<()> {
        let conversation = self.conversation.context("a conversation")?;
        let Frame::GroupState(state) = guest.ask(&FetchGroup { conversation }.into()).await? else {
            bail!("a group was refused")
        };
        let commit = self.guest.rejoin(conversation, &state)?;
        let (client_id, epoch) = (commit.client_id, commit.epoch);
        let digest = Digest::of(&[&commit.commit.0]);
        let Frame::Committed(committed) = guest.ask(&commit.into()).await? else {
            bail!("a commit was refused")
        };
        self.epoch = epoch + 1;
        self.rejoins.push(Answered {
            seq: committed.seq,
            client_id,
            digest,
        });
        Ok(())
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
        let mut under_way: BTreeMap<u32, UnderWay> = BTreeMap::new();
        let mut id = 1;
        loop {
            while under_way.len() < WINDOW {
                id += 1;
                let (frame, sent) = if id % BLOCK_EVERY == 0 && self.blocks.len() < BLOCKS {
                    self.block()?
                } else {
                    self.append(conversation)?
                };
                wire.send(id, &frame);
                under_way.insert(id, sent);
            }
            let (id, frame) = wire.next_reply().await?;
            let Some(sent) = under_way.remove(&id) else {
                continue;
            };
            match (frame, sent) {
                (Frame::Done(_), UnderWay::Block(account)) => self.blocks.push(account),
                (Frame::Appended(appended), UnderWay::Entries(sent)) => {
                    let answered = sent.into_iter().zip(appended.seqs);
                    self.entries
                        .extend(answered.map(|((client_id, digest), seq)| Answered {
                            seq,
                            client_id,
                            digest,
                        }));
                }
                // the disk is gone, and the relay says so
                (Frame::Refusal(refusal), _) if is_of_disk(refusal.code) => {}
                (other, _) => bail!("a request was answered by {}", other.name()),
            }
        }
    }

    fn block(&mut self) -> Result<(Frame, UnderWay)> {
        let account = AccountId::new(self.guest.draw()?);
        let block = SetBlock {
            account,
            blocked: true,
        };
        Ok((block.into(), UnderWay::Block(account)))
    }

    fn append(&mut self, conversation: ConversationId) -> Result<(Frame, UnderWay)> {
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
            epoch: self.epoch,
            entries,
        };
        Ok((append.into(), UnderWay::Entries(sent)))
    }
}

const fn is_of_disk(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::Unavailable | ErrorCode::Internal)
}
