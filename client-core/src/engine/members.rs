//! Who may be in a group, by what the two accounts say of their devices.
//!
//! Of the other account a newer list may exist than the known one, so that a device which is not on it may come in. Our own list is
//! always the newest: a leaf of our account that is not on it, as it is there, is dead. It cannot be kept out of a group that others
//! made, but it is removed before anything is sent, and the person is told of one that was never ours.

use protocol::{AccountId, DeviceId, Digest, MessageId, identity::Manifest};
use rusqlite::Connection;
use tracing::warn;

use crate::{
    crypto::{Change, MemberInfo},
    engine::notes::{line, tell},
    error::Result,
    model::{MessageKind, SystemEvent},
    store::{
        WriteTransaction, contacts,
        conversations::{self, ConversationRow},
    },
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

    /// Whether a group with these members may be entered. A dead leaf of our own account may still be in it, see
    /// [`look_at_own`].
    pub(super) fn admits(&self, members: &[MemberInfo]) -> bool {
        let own = self.own.as_ref().map(Manifest::account);
        members
            .iter()
            .all(|member| Some(member.account) == own || self.in_force(member))
    }

    fn in_force(&self, member: &MemberInfo) -> bool {
        if let Some(own) = self
            .own
            .as_ref()
            .filter(|own| own.account() == member.account)
        {
            return is_listed(own, member);
        }
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

/// Whether a list has this device, with this key.
fn is_listed(manifest: &Manifest, member: &MemberInfo) -> bool {
    let device = manifest.device(member.device);
    device.is_some_and(|device| {
        (device.leaf_key, device.dsk_version) == (member.leaf_key, member.dsk_version)
    })
}

/// The members that our own list does not hold as they are, of our account.
fn dead_members<'m>(
    members: &'m [MemberInfo],
    own: &'m Manifest,
) -> impl Iterator<Item = &'m MemberInfo> {
    let account = own.account();
    members
        .iter()
        .filter(move |member| member.account == account && !is_listed(own, member))
}

/// Devices of our own account that are members and not in force: lost and revoked since, or never ours.
pub(super) fn dead(members: &[MemberInfo], own_manifest: &[u8]) -> Vec<DeviceId> {
    Manifest::open(own_manifest).map_or_else(
        |_| Vec::new(),
        |own| {
            let dead = dead_members(members, &own);
            dead.map(|member| member.device).collect()
        },
    )
}

/// Looks at the leaves of our own account in a group that was entered: the dead are removed at the first opportunity, and one that
/// no list of ours ever held is told once.
pub(super) fn look_at_own(
    write: &WriteTransaction<'_>,
    row: &ConversationRow,
    members: &[MemberInfo],
    own_manifest: &[u8],
    (seq, time): (u64, u64),
) -> Result<()> {
    let Ok(own) = Manifest::open(own_manifest) else {
        return Ok(());
    };
    conversations::set_dead(write, row.key, dead_members(members, &own).next().is_some())?;
    let foreign = dead_members(members, &own).filter(|dead| !own.revoked.contains(&dead.device));
    for member in foreign {
        warn!(device = %member.device, "a device of our account is in a group that we never certified");
        let (conversation, device) = (row.conversation, member.device);
        let id = Digest::of(&[
            b"relevo foreign device 1",
            conversation.as_bytes(),
            device.as_bytes(),
            member.leaf_key.as_bytes(),
        ]);
        let id = MessageId::new(*id.as_bytes());
        let kind = MessageKind::System(SystemEvent::SplitView);
        tell(write, &line(row, id, kind, seq, time))?;
    }
    Ok(())
}
