//! Somebody with the app whose network keeps a copy of what it sends.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use client_core::{
    Client, Error, Notices, Result, SystemSeams,
    engine::Seams,
    keyslots::{KeyringTrouble, Protection, SecretStore, Unlock},
    model::{ConversationKey, ConversationState},
    profile::{OpenedAccount, Profile},
    restoring::FoundAccount,
    seams::{ConnectionId, Network},
    store::DatabaseKey,
};
use protocol::{Address, Frame, Link, decode_frame};
use tempfile::TempDir;
use tokio::{runtime::Handle, time::timeout};
use zeroize::Zeroizing;

use crate::{
    people::{PATIENCE, TestKeyring},
    search::Secret,
};

/// One WebSocket message as the relay gets it.
pub(crate) struct Sent {
    pub(crate) name: &'static str,
    pub(crate) bytes: Bytes,
}

impl Sent {
    /// What lets its holder in, or find a recovery record. The relay keeps hashes of tokens.
    pub(crate) fn tokens(&self) -> Option<Secret> {
        let token = match decode_frame(&self.bytes).expect("a frame").1 {
            Frame::Register(register) => register.token,
            Frame::NewLink(link) => link.token,
            Frame::EndLink(link) => link.token,
            Frame::CreateConversation(create) => create.token?,
            Frame::StoreRecord(store) => store.record,
            Frame::Recover(recover) => recover.record,
            _ => return None,
        };
        Some(Secret::bytes("token", token.as_bytes()))
    }
}

/// Everything that was sent to the relay by those who were given this.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Bytes>>>);

impl Recorder {
    /// Those of an app whose network keeps a copy.
    fn seams(&self) -> (Seams, SystemSeams) {
        let (mut seams, network) = SystemSeams::new(&Handle::current());
        seams.network = Box::new(self.beside(seams.network));
        (seams, network)
    }

    /// A network that keeps a copy.
    pub(crate) fn beside(&self, network: Box<dyn Network>) -> Recording {
        Recording {
            network,
            recorder: self.clone(),
        }
    }

    pub(crate) fn record(&self, frame: Bytes) {
        self.0.lock().unwrap().push(frame);
    }

    pub(crate) fn frames(&self) -> Vec<Sent> {
        let sent = self.0.lock().unwrap();
        let name = |bytes: &Bytes| decode_frame(bytes).expect("a frame").1.name();
        sent.iter()
            .map(|bytes| Sent {
                name: name(bytes),
                bytes: bytes.clone(),
            })
            .collect()
    }
}

/// The real network, and a copy of what goes out.
pub(crate) struct Recording {
    network: Box<dyn Network>,
    recorder: Recorder,
}

impl Network for Recording {
    fn dial(&mut self, connection: ConnectionId, address: &Address) {
        self.network.dial(connection, address);
    }

    fn send(&mut self, connection: ConnectionId, frame: Bytes) {
        self.recorder.record(frame.clone());
        self.network.send(connection, frame);
    }

    fn close(&mut self, connection: ConnectionId) {
        self.network.close(connection);
    }
}

/// A keyring in memory that remembers what was ever in it.
#[derive(Default)]
struct Keyring {
    keyring: TestKeyring,
    set: Mutex<Vec<Vec<u8>>>,
}

impl SecretStore for Keyring {
    fn get(&self, name: &str) -> std::result::Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
        self.keyring.get(name)
    }

    fn set(&self, name: &str, secret: &[u8]) -> std::result::Result<(), KeyringTrouble> {
        self.set.lock().unwrap().push(secret.to_vec());
        self.keyring.set(name, secret)
    }

    fn remove(&self, name: &str) -> std::result::Result<(), KeyringTrouble> {
        self.keyring.remove(name)
    }
}

/// One person.
pub(crate) struct Somebody {
    pub(crate) client: Client,
    notices: Notices,
    profile: Profile,
    folder: TempDir,
    keyring: Keyring,
    recorder: Recorder,
}

impl Somebody {
    /// Opens an invite and waits until the relay has made the account.
    pub(crate) async fn join(name: &str, invite: &Link, recorder: &Recorder) -> Self {
        Self::begin(recorder, |profile, keyring, seams| {
            profile.create(invite, name, &Protection::Keyring, keyring, seams)
        })
        .await
    }

    /// Opens an invite that lets nobody in any more, and says what the app says.
    pub(crate) async fn come_late(name: &str, invite: &Link, recorder: &Recorder) -> Error {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::take(folder.path()).unwrap();
        let (seams, network) = recorder.seams();
        let keyring = Keyring::default();
        let opened = profile.create(invite, name, &Protection::Keyring, &keyring, seams);
        let started = Client::start(opened.unwrap(), network, &Handle::current());
        let (client, _notices) = started.unwrap();
        let refused = client.registered().await.unwrap_err();
        client.stop().await;
        refused
    }

    /// Brings an account back on another computer.
    pub(crate) async fn restore(name: &str, found: &FoundAccount, recorder: &Recorder) -> Self {
        Self::begin(recorder, |profile, keyring, seams| {
            profile.restore(found, Some(name), &Protection::Keyring, keyring, seams)
        })
        .await
    }

    async fn begin(
        recorder: &Recorder,
        open: impl FnOnce(&Profile, &Keyring, Seams) -> Result<OpenedAccount>,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::take(folder.path()).unwrap();
        let keyring = Keyring::default();
        let (seams, network) = recorder.seams();
        let opened = open(&profile, &keyring, seams).unwrap();
        let (client, notices) = Client::start(opened, network, &Handle::current()).unwrap();
        client.registered().await.unwrap();
        profile.registered().unwrap();
        Self {
            client,
            notices,
            profile,
            folder,
            keyring,
            recorder: recorder.clone(),
        }
    }

    /// Ends the app, changes something of its database, and starts it again.
    pub(crate) async fn restart_after(self, change: impl FnOnce(&Path, &DatabaseKey)) -> Self {
        self.client.stop().await;
        let unlock = Unlock::Silently(&self.keyring);
        let key = self.profile.unlock(&unlock).unwrap();
        change(&self.folder.path().join("account/relevo.db"), &key);
        let (seams, network) = self.recorder.seams();
        let opened = self.profile.open_with(key, seams).unwrap();
        let (client, notices) = Client::start(opened, network, &Handle::current()).unwrap();
        Self {
            client,
            notices,
            ..self
        }
    }

    /// Ends the app, and says which keys it had.
    pub(crate) async fn stop(self) -> Vec<Secret> {
        self.client.stop().await;
        let unlock = Unlock::Silently(&self.keyring);
        let key = self.profile.unlock(&unlock).unwrap();
        let kept = self.keyring.set.into_inner().unwrap();
        let kept = kept.iter().map(|it| Secret::bytes("key in a keyring", it));
        let key = Secret::bytes("key of a database", key.as_bytes());
        kept.chain([key]).collect()
    }

    pub(crate) async fn write(&self, key: ConversationKey, text: &str) {
        self.client.send_text(key, text.to_owned()).await.unwrap();
    }

    pub(crate) async fn invite(&self) -> Link {
        let invite = self.client.create_invite().await.unwrap();
        invite.app.parse().unwrap()
    }

    pub(crate) async fn conversation_with(&mut self, name: &str) -> ConversationKey {
        self.until("the conversation", async |client| {
            let conversations = client.conversations().await?;
            let found = conversations.into_iter().find(|conversation| {
                conversation.title == name && conversation.state == ConversationState::Established
            });
            Ok(found.map(|conversation| conversation.key))
        })
        .await
    }

    /// Looks again after each notice until `look` finds what it wants.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl AsyncFnMut(&Client) -> Result<Option<T>>,
    ) -> T {
        let waiting = async {
            loop {
                if let Some(found) = look(&self.client).await.unwrap() {
                    return found;
                }
                self.notices.recv().await.expect("the engine stopped");
            }
        };
        timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("waited in vain: {what}"))
    }
}
