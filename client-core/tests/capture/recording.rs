//! Somebody with the app whose network keeps a copy of what it sends.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use client_core::{
    Client, Notices, Result, SystemSeams,
    keyslots::Protection,
    model::{ConversationKey, ConversationState},
    profile::Profile,
    seams::{ConnectionId, Network},
};
use protocol::{Address, Link, decode_frame};
use tempfile::TempDir;
use tokio::{runtime::Handle, time::timeout};

use crate::people::{PATIENCE, TestKeyring};

/// One WebSocket message as the relay gets it.
pub(crate) struct Sent {
    pub(crate) name: &'static str,
    pub(crate) bytes: Bytes,
}

/// Everything that was sent to the relay by those who were given this.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Bytes>>>);

impl Recorder {
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
struct Recording {
    network: Box<dyn Network>,
    recorder: Recorder,
}

impl Network for Recording {
    fn dial(&mut self, connection: ConnectionId, address: &Address) {
        self.network.dial(connection, address);
    }

    fn send(&mut self, connection: ConnectionId, frame: Bytes) {
        self.recorder.0.lock().unwrap().push(frame.clone());
        self.network.send(connection, frame);
    }

    fn close(&mut self, connection: ConnectionId) {
        self.network.close(connection);
    }
}

/// One person.
pub(crate) struct Somebody {
    pub(crate) client: Client,
    notices: Notices,
    _profile: Profile,
    _folder: TempDir,
}

impl Somebody {
    /// Opens an invite and waits until the relay has made the account.
    pub(crate) async fn join(name: &str, invite: &Link, recorder: &Recorder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::take(folder.path()).unwrap();
        let (mut seams, network) = SystemSeams::new(&Handle::current());
        seams.network = Box::new(Recording {
            network: seams.network,
            recorder: recorder.clone(),
        });
        let keyring = TestKeyring::default();
        let opened = profile
            .create(invite, name, &Protection::Keyring, &keyring, seams)
            .unwrap();
        let (client, notices) = Client::start(opened, network, &Handle::current()).unwrap();
        client.registered().await.unwrap();
        profile.registered().unwrap();
        Self {
            client,
            notices,
            _profile: profile,
            _folder: folder,
        }
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
