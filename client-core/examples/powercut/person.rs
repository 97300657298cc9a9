//! Somebody with a device, as far as a relay can tell: keys, key packages, and the founding of a group.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use client_core::{
    crypto::{AccountKeys, LastResort, Mls, PeerDevices},
    seams::{Randomness, SystemRandom},
    store::mls,
};
use protocol::{
    Claimed, ClientId, Commit, ConversationId, CreateConversation, Digest, GroupState, Opaque,
    PublishKeyPackages, RelayId, Welcome, identity::Manifest,
};
use rusqlite::Connection;

/// One account with one device. Its own database is in memory: only the relay's disk is on trial.
pub(crate) struct Person {
    pub(crate) keys: AccountKeys,
    database: Connection,
    random: SystemRandom,
    /// Key packages of others that this person got.
    got: BTreeSet<Digest>,
}

impl Person {
    pub(crate) fn new(relay: RelayId) -> Result<Self> {
        let mut random = SystemRandom;
        let keys = AccountKeys::generate(&mut random, relay, now()?)?;
        let database = Connection::open_in_memory()?;
        database.execute_batch(mls::SCHEMA)?;
        Ok(Self {
            keys,
            database,
            random,
            got: BTreeSet::new(),
        })
    }

    pub(crate) fn relay(&self) -> RelayId {
        self.keys.relay()
    }

    /// Notes a key package, and says whether it never came before.
    pub(crate) fn is_new(&mut self, package: &Opaque) -> bool {
        self.got.insert(Digest::of(&[&package.0]))
    }

    pub(crate) fn draw<const N: usize>(&mut self) -> Result<[u8; N]> {
        Ok((&mut self.random as &mut dyn Randomness).array()?)
    }

    /// Key packages that can be claimed once each; none of last resort, so that no package may ever be seen twice.
    pub(crate) fn packages(&mut self, count: usize) -> Result<PublishKeyPackages> {
        let mls = Mls::new(&self.database, &mut self.random, &self.keys, now()?);
        let packages = mls.key_packages(count, LastResort::No)?;
        Ok(PublishKeyPackages {
            packages: packages.into_iter().map(Into::into).collect(),
            last_resort: None,
            replace: false,
        })
    }

    /// A request for the direct conversation with the account whose packages were claimed.
    pub(crate) fn found(&mut self, claimed: &Claimed) -> Result<CreateConversation> {
        let conversation = ConversationId::new(self.draw()?);
        let client_id = ClientId::new(self.draw()?);
        let manifest = Manifest::open(&claimed.manifest.0).context("a manifest")?;
        let peer = manifest.account();
        let packages = claimed
            .packages
            .iter()
            .map(|package| (package.device, package.bytes.0.to_vec()))
            .collect();
        let mls = Mls::new(&self.database, &mut self.random, &self.keys, now()?);
        let founded = mls.found_direct(conversation, 0, &[PeerDevices { manifest, packages }])?;
        Ok(CreateConversation {
            conversation,
            peer,
            // the founder came by an invite of the other
            token: None,
            founding: founded.founding.into(),
            client_id,
            commit: founded.commit.into(),
            welcomes: founded
                .welcomes
                .into_iter()
                .map(|welcome| Welcome {
                    device: welcome.device,
                    bytes: Opaque::from(welcome.bytes),
                })
                .collect(),
            group_info: founded.group_info.into(),
            incarnation: None,
        })
    }

    /// A commit that leads back into a group from outside.
    pub(crate) fn rejoin(
        &mut self,
        conversation: ConversationId,
        state: &GroupState,
    ) -> Result<Commit> {
        let client_id = ClientId::new(self.draw()?);
        let mls = Mls::new(&self.database, &mut self.random, &self.keys, now()?);
        let (group_info, tree) = (&state.group_info.0, &state.tree.0);
        let rejoined = mls.rejoin(conversation, state.incarnation, group_info, tree)?;
        Ok(Commit {
            conversation,
            incarnation: state.incarnation,
            epoch: rejoined.epoch,
            client_id,
            commit: rejoined.commit.into(),
            welcomes: Vec::new(),
            group_info: rejoined.group_info.into(),
        })
    }
}

/// Milliseconds since 1970.
pub(crate) fn now() -> Result<u64> {
    use client_core::seams::{Clock as _, SystemClock};
    Ok(SystemClock::new().wall_ms())
}
