//! Bringing an account back on a new computer: its recovery record is fetched from the relay by the code alone.
//!
//! The record is sealed by the code and names the relay, so an address that a person typed needs no trust: whoever answers
//! there learns nothing but the name of a record, and cannot make one that opens.

use std::time::Duration;

use protocol::{
    AccountId, Address, Digest, ErrorCode, Frame, Hello, LinkError, Nonce, PROTOCOL_VERSION,
    Recover, RelayId, decode_frame, encode_frame, identity::Manifest,
};
use tokio::{runtime::Handle, sync::mpsc, time::timeout};
use tracing::info;

use crate::{
    connection::TokioNetwork,
    crypto::{AccountKeys, RecordError, RecoveryCode, RecoveryLink, RecoveryRecord},
    engine::handshake::is_proved,
    error::{Error, ErrorKind, Result},
    seams::{ConnectionId, Network, NetworkEvent, Randomness, SystemRandom, TlsFacts},
    store::account::AccountRow,
};

/// How long the relay may take for all of it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Frames that wait to be looked at; the relay sends two.
const EVENTS: usize = 8;
const CONNECTION: ConnectionId = ConnectionId(1);

/// What a person has: the code, and where the relay is.
#[derive(Debug)]
pub struct Lost {
    /// The code.
    pub code: RecoveryCode,
    /// Where to ask, in order.
    pub addresses: Vec<Address>,
    /// The relay's identity, where the person had it from a QR code or link.
    pub relay: Option<RelayId>,
}

/// An account that was found again.
#[derive(Debug)]
pub struct FoundAccount {
    /// The code that opened its record.
    pub(crate) code: RecoveryCode,
    /// The keys that the record holds.
    pub(crate) record: RecoveryRecord,
    /// The account's newest manifest.
    pub(crate) manifest: Vec<u8>,
    /// The same, opened.
    newest: Manifest,
    /// Where the relay is.
    pub(crate) addresses: Vec<Address>,
}

impl FoundAccount {
    /// The account.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.record.account()
    }

    /// Whether what an earlier attempt stored on this computer still leads into the account. Another computer may have come back
    /// since: then the relay takes the manifest of that attempt no more, or has revoked its device.
    ///
    /// # Errors
    /// [`ErrorKind::Database`]: what was stored does not hold.
    pub(crate) fn admits(&self, stored: &AccountRow) -> Result<bool> {
        if stored.account != self.account() {
            return Ok(false);
        }
        if stored.is_made() {
            // nobody but the account itself signs that a device is out
            let device = AccountKeys::from_bytes(&stored.keys)?.device();
            return Ok(!self.newest.revoked.contains(&device));
        }
        if stored.manifest == self.manifest {
            // it was let in, and the answer was lost
            return Ok(true);
        }
        let next = Manifest::open(&stored.manifest)
            .map_err(|error| Error::new(ErrorKind::Database, error.to_string()))?;
        Ok(next.previous == Some(Digest::of(&[&self.manifest])))
    }
}

/// Reads a code that a person typed as words, or that was read from its QR code.
///
/// # Errors
/// [`ErrorKind::WrongCode`], [`ErrorKind::Version`] where a newer version of this program made the QR code.
pub fn code(text: &str) -> Result<RecoveryCode> {
    Ok(match Written::read(text)? {
        Written::Picture(link) => link.code,
        Written::Words(code) => code,
    })
}

/// A code as a person gives it.
enum Written {
    Words(RecoveryCode),
    Picture(RecoveryLink),
}

impl Written {
    /// No error says anything of the code.
    fn read(text: &str) -> Result<Self> {
        match text.parse::<RecoveryLink>() {
            Ok(link) => Ok(Self::Picture(link)),
            Err(LinkError::TooNew) => Err(Error::new(
                ErrorKind::Version,
                "the code is of a newer version",
            )),
            Err(LinkError::Damaged) => Err(Error::new(
                ErrorKind::WrongCode,
                "the text of the code's picture is not whole",
            )),
            Err(LinkError::NotALink) => RecoveryCode::parse(text)
                .map(Self::Words)
                .map_err(|error| Error::new(ErrorKind::WrongCode, error.to_string())),
        }
    }
}

impl Lost {
    /// Reads what a person typed or scanned: 24 words with the relay's address beside them, or the text of the QR code.
    ///
    /// # Errors
    /// Those of [`code`], [`ErrorKind::BadLink`] where the address is none.
    pub fn parse(code: &str, relay: &str) -> Result<Self> {
        let code = match Written::read(code)? {
            Written::Picture(link) => {
                return Ok(Self {
                    code: link.code,
                    addresses: link.addresses,
                    relay: Some(link.relay),
                });
            }
            Written::Words(code) => code,
        };
        // any link of the relay says where it is, and who it is
        if let Ok(link) = relay.trim().parse::<protocol::Link>() {
            return Ok(Self {
                code,
                addresses: link.addresses,
                relay: Some(link.relay),
            });
        }
        let host = relay.trim().trim_start_matches("https://");
        let host = host.trim_end_matches('/').to_lowercase();
        Ok(Self {
            code,
            addresses: vec![host.parse()?],
            relay: None,
        })
    }

    /// Asks the relay for the account's record and opens it. Where something else answers at one address, or what answers
    /// cannot help now, the next one is asked.
    ///
    /// # Errors
    /// [`ErrorKind::RelayUnreachable`], [`ErrorKind::RelayIdentity`], [`ErrorKind::NoRecoveryRecord`],
    /// [`ErrorKind::WrongCode`], [`ErrorKind::Version`], [`ErrorKind::Busy`].
    pub async fn find(self, runtime: &Handle) -> Result<FoundAccount> {
        self.find_over(|events| TokioNetwork::new(runtime.clone(), events))
            .await
    }

    /// The same over a network of the caller's, made for one address and told where its events go.
    ///
    /// # Errors
    /// As [`Lost::find`].
    pub async fn find_over<N: Network>(
        self,
        mut network: impl FnMut(mpsc::Sender<NetworkEvent>) -> N,
    ) -> Result<FoundAccount> {
        let mut failed: Option<Error> = None;
        for address in &self.addresses {
            let (sender, events) = mpsc::channel(EVENTS);
            let asked = timeout(PATIENCE, self.ask(address, network(sender), events)).await;
            let error = match asked.unwrap_or_else(|_| Err(unreachable())) {
                Ok(found) => return Ok(found),
                Err(error) if is_final(&error) => return Err(error),
                Err(error) => error,
            };
            // of an address where nothing answers there is the least to say
            if failed.as_ref().is_none_or(is_unreachable) {
                failed = Some(error);
            }
        }
        Err(failed.unwrap_or_else(|| Error::new(ErrorKind::BadLink, "no address to ask")))
    }

    async fn ask(
        &self,
        address: &Address,
        mut network: impl Network,
        mut events: mpsc::Receiver<NetworkEvent>,
    ) -> Result<FoundAccount> {
        network.dial(CONNECTION, address);
        let Some(NetworkEvent::Opened(_, tls)) = events.recv().await else {
            return Err(unreachable());
        };
        let random: &mut dyn Randomness = &mut SystemRandom;
        let hello = Hello {
            versions: vec![PROTOCOL_VERSION],
            nonce: Nonce::new(random.array()?),
            client: format!("relevo {}", env!("CARGO_PKG_VERSION")),
        };
        network.send(CONNECTION, encode_frame(0, &hello.clone().into()).into());
        let greeting = next(&mut events).await.map_err(unproved)?;
        let relay = self.greeted(&hello, &tls, greeting)?;
        let record = self.code.record_id();
        network.send(
            CONNECTION,
            encode_frame(0, &Recover { record }.into()).into(),
        );
        let Frame::Recovered(recovered) = next(&mut events).await? else {
            return Err(unreachable());
        };
        network.close(CONNECTION);
        let record = RecoveryRecord::open(&self.code, &recovered.bytes.0).map_err(|error| {
            let kind = match error {
                RecordError::Unreadable => ErrorKind::WrongCode,
                RecordError::TooNew => ErrorKind::Version,
            };
            Error::new(kind, error.to_string())
        })?;
        if record.relay() != relay || record.account() != recovered.account {
            return Err(Error::new(
                ErrorKind::RelayIdentity,
                "the record is of another relay",
            ));
        }
        let newest = Manifest::open(&recovered.manifest.0)
            .map_err(|error| Error::new(ErrorKind::RelayIdentity, error.to_string()))?;
        if newest.account() != record.account() {
            return Err(Error::new(
                ErrorKind::RelayIdentity,
                "the manifest is of another account",
            ));
        }
        info!("the account was found by its recovery code");
        Ok(FoundAccount {
            code: self.code.clone(),
            record,
            manifest: recovered.manifest.0.to_vec(),
            newest,
            addresses: self.addresses.clone(),
        })
    }

    /// Who answered: the pinned relay, or whoever holds the identity key that it shows.
    fn greeted(&self, hello: &Hello, tls: &TlsFacts, frame: Frame) -> Result<RelayId> {
        let Frame::Challenge(challenge) = frame else {
            return Err(unreachable());
        };
        let relay = RelayId::of_identity_key(&challenge.identity_key);
        if !is_proved(hello, &challenge, tls) || self.relay.is_some_and(|pinned| pinned != relay) {
            return Err(Error::new(
                ErrorKind::RelayIdentity,
                "what answered is not the relay",
            ));
        }
        if challenge.version != PROTOCOL_VERSION {
            return Err(Error::new(ErrorKind::Version, "another version"));
        }
        Ok(relay)
    }
}

async fn next(events: &mut mpsc::Receiver<NetworkEvent>) -> Result<Frame> {
    let Some(NetworkEvent::Received(_, bytes)) = events.recv().await else {
        return Err(unreachable());
    };
    match decode_frame(&bytes) {
        Ok((_, Frame::Bye(bye))) => Err(match bye.code {
            ErrorCode::NotAuthenticated => Error::new(
                ErrorKind::NoRecoveryRecord,
                "the relay has nothing under this code",
            ),
            ErrorCode::UnsupportedVersion => Error::new(ErrorKind::Version, "another version"),
            _ => Error::new(ErrorKind::Busy, "the relay asks to wait"),
        }),
        Ok((_, frame)) => Ok(frame),
        Err(_) => Err(unreachable()),
    }
}

fn unreachable() -> Error {
    Error::new(ErrorKind::RelayUnreachable, "the relay did not answer")
}

/// Whether the relay itself said it, so that it says the same at every address.
fn is_final(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::NoRecoveryRecord | ErrorKind::WrongCode
    )
}

fn is_unreachable(error: &Error) -> bool {
    error.kind() == ErrorKind::RelayUnreachable
}

/// What somebody says before showing to be the relay tells nothing of the account.
fn unproved(error: Error) -> Error {
    if is_final(&error) {
        unreachable()
    } else {
        error
    }
}
