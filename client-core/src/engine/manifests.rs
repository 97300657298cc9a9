//! What accounts say of their devices: fetched when a message names a newer list than the known one, and compared.

use protocol::{AccountId, AccountManifest, FetchManifest, Refusal, identity::Manifest};
use tracing::{info, warn};

use crate::{
    engine::{
        Engine,
        ids::Ids,
        notes::{line, tell},
        requests::Request,
    },
    error::{ErrorKind, Result},
    model::{ConversationKey, MessageKind, SystemEvent},
    store::{contacts, conversations, streams},
};

/// Manifests fetched at a time.
const AT_ONCE: usize = 4;

impl Engine {
    /// Asks for the manifests that messages named and that are not here yet.
    pub(super) fn fetch_manifests(&mut self) -> Result<()> {
        if !self.session.is_online() {
            return Ok(());
        }
        let behind = contacts::behind(self.database.connection())?;
        let wanted: Vec<AccountId> = behind
            .into_iter()
            .filter(|account| !self.asked_manifests.contains(account))
            .take(AT_ONCE)
            .collect();
        for account in wanted {
            self.asked_manifests.insert(account);
            self.request(
                Request::Manifest { account },
                &FetchManifest { account }.into(),
            );
        }
        Ok(())
    }

    /// A manifest arrived. What contradicts what is known is not taken, and the person is told.
    pub(super) fn manifest_fetched(
        &mut self,
        account: AccountId,
        fetched: &AccountManifest,
    ) -> Result<()> {
        let bytes = &fetched.manifest.0;
        let taken = match Manifest::open(bytes) {
            Ok(manifest) if manifest.account() == account => {
                match self.write(|write| contacts::save_manifest(write, &manifest, bytes)) {
                    Ok(()) => {
                        let connection = self.database.connection();
                        manifest.number >= contacts::claimed_number(connection, account)?
                    }
                    Err(error) if error.kind() == ErrorKind::Crypto => {
                        warn!(%error, "a manifest is not taken");
                        false
                    }
                    Err(error) => return Err(error),
                }
            }
            _ => false,
        };
        if taken {
            return self.fetch_manifests();
        }
        // the account itself named a newer one, or another: the relay keeps it from us
        self.tell_split(account)
    }

    /// The manifest that came with key packages: where it contradicts the known one, the person is told.
    pub(super) fn compare_claimed(&mut self, key: ConversationKey, bytes: &[u8]) -> Result<()> {
        let peer = conversations::row(self.database.connection(), key)?.peer;
        let Some(manifest) = Manifest::open(bytes).ok().filter(|it| it.account() == peer) else {
            return Ok(());
        };
        match self.write(|write| contacts::save_manifest(write, &manifest, bytes)) {
            Err(error) if error.kind() == ErrorKind::Crypto => self.tell_split(peer),
            outcome => outcome,
        }
    }

    /// Tells once that the relay shows different people different manifests of an account.
    fn tell_split(&mut self, account: AccountId) -> Result<()> {
        let ids = Ids::draw(self.seams.random.as_mut())?;
        let now = self.relay_time();
        self.write(|write| {
            if !contacts::note_split(write, account)? {
                return Ok(());
            }
            let Some(key) = conversations::key_of_peer(write.connection(), account)? else {
                return Ok(());
            };
            let row = conversations::row(write.connection(), key)?;
            let stream = protocol::StreamId::Conversation(row.conversation);
            let seq = streams::cursor(write.connection(), stream)?;
            let kind = MessageKind::System(SystemEvent::SplitView);
            tell(write, &line(&row, ids.message_id(), kind, seq, now))
        })
    }

    pub(super) fn manifest_refused(&mut self, refusal: &Refusal) {
        info!(code = ?refusal.code, "a manifest is not to be had; the next connection asks again");
    }
}
