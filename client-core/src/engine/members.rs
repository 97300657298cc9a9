//! Who may be in a group, by what the two accounts say of their devices.

use protocol::{AccountId, identity::Manifest};
use rusqlite::Connection;

use crate::{
    crypto::{Change, MemberInfo},
    error::Result,
    store::contacts,
};

/// What the two accounts say of their devices, as far as it is known.
pub(super) struct Known {
    own: Option<Manifest>,
    peer: Option<Manifest>,
}

impl Known {
    pub(super) fn load(
        connection: &Connection,
        own_manifest: &[u8],
        peer: AccountId,
    ) -> Result<Self> {
        Ok(Self {
            own: Manifest::open(own_manifest).ok(),
            peer: contacts::manifest(connection, peer)?
                .and_then(|bytes| Manifest::open(&bytes).ok()),
        })
    }

    /// Whether every device that comes is in force, and every one that goes is of the committer's account or revoked by its
    /// own.
    pub(super) fn allows(&self, change: &Change) -> bool {
        change.added.iter().all(|member| self.in_force(member))
            && change
                .removed
                .iter()
                .all(|member| member.account == change.by.0 || self.revoked(member))
    }

    /// Whether a group with these members may be entered. A device of our own that was lost may still be in it: it is removed
    /// before anything is sent.
    pub(super) fn admits(&self, members: &[MemberInfo]) -> bool {
        let own = self.own.as_ref().map(Manifest::account);
        members
            .iter()
            .all(|member| Some(member.account) == own || self.in_force(member))
    }

    fn in_force(&self, member: &MemberInfo) -> bool {
        let outdated = self
            .of(member)
            .is_some_and(|manifest| member.dsk_version < manifest.dsk.version);
        !outdated && !self.revoked(member)
    }

    fn revoked(&self, member: &MemberInfo) -> bool {
        self.of(member)
            .is_some_and(|manifest| manifest.revoked.contains(&member.device))
    }

    fn of(&self, member: &MemberInfo) -> Option<&Manifest> {
        [&self.own, &self.peer]
            .into_iter()
            .flatten()
            .find(|manifest| manifest.account() == member.account)
    }
}
