//! Looking for an account by its code at several addresses, some of which are not the relay or cannot help now.

use std::sync::Arc;

use bytes::Bytes;
use client_core::{
    ErrorKind,
    crypto::{AccountKeys, RecoveryCode},
    restoring::Lost,
    seams::{ConnectionId, Network, NetworkEvent, SeededRandom, TlsFacts},
};
use ed25519_dalek::SigningKey;
use protocol::{
    Address, Bye, Challenge, ErrorCode, Frame, Nonce, Recovered, RelayId, Signature,
    StoreGeneration, decode_frame, encode_frame, handshake, identity,
};
use tokio::sync::mpsc;

use crate::{peer::NOW, scripted::TLS_KEY};

/// What is at an address.
#[derive(Clone, Copy, Debug)]
enum There {
    Nothing,
    /// The relay, and it has the record.
    Relay,
    /// The relay, which proves that it is and ends the connection.
    RelayEnds(ErrorCode),
    /// Something else, which ends the connection without a proof.
    Ends(ErrorCode),
    /// Another relay, or whoever says to be this one.
    Impostor,
}

/// The relay, and an account that it has.
struct Known {
    key: SigningKey,
    code: RecoveryCode,
    keys: AccountKeys,
    record: Vec<u8>,
}

impl Known {
    fn new() -> Self {
        let mut random = SeededRandom::new(3);
        let key = SigningKey::from_bytes(&[42; 32]);
        let relay = RelayId::of_identity_key(&identity::public_key(&key));
        let code = RecoveryCode::generate(&mut random).unwrap();
        let keys = AccountKeys::generate(&mut random, relay, NOW).unwrap();
        let record = keys.recovery_record(&mut random, &code, "Ana").unwrap();
        Self {
            key,
            code,
            keys,
            record,
        }
    }
}

/// Plays whatever is at the addresses, which are told apart by their ports from 1 on.
struct Wire {
    known: Arc<Known>,
    all: Vec<There>,
    there: There,
    events: mpsc::Sender<NetworkEvent>,
}

impl Wire {
    fn answer(&self, frame: Frame) -> Option<Frame> {
        let bye = |code| {
            let retry_after = None;
            Some(Bye { code, retry_after }.into())
        };
        match (frame, self.there) {
            (Frame::Hello(_), There::Ends(code)) | (Frame::Recover(_), There::RelayEnds(code)) => {
                bye(code)
            }
            (Frame::Hello(hello), there) => {
                let key = match there {
                    There::Impostor => SigningKey::from_bytes(&[13; 32]),
                    _ => self.known.key.clone(),
                };
                let mut challenge = Challenge {
                    version: 1,
                    nonce: Nonce::new([9; 32]),
                    store_generation: StoreGeneration::new([3; 16]),
                    identity_key: identity::public_key(&key),
                    tls_key: Some(TLS_KEY),
                    signature: Signature::new([0; 64]),
                };
                let message = handshake::challenge_message(&hello, &challenge);
                challenge.signature = identity::sign(&key, &message);
                Some(challenge.into())
            }
            (Frame::Recover(_), _) => {
                let Known { keys, record, .. } = &*self.known;
                let recovered = Recovered {
                    account: keys.account(),
                    manifest: keys.manifest().into(),
                    bytes: record.clone().into(),
                };
                Some(recovered.into())
            }
            _ => None,
        }
    }
}

impl Network for Wire {
    fn dial(&mut self, connection: ConnectionId, address: &Address) {
        let address = address.to_string();
        let (_, port) = address.rsplit_once(':').unwrap();
        self.there = self.all[port.parse::<usize>().unwrap() - 1];
        let event = match self.there {
            There::Nothing => NetworkEvent::Closed(connection),
            _ => NetworkEvent::Opened(
                connection,
                TlsFacts {
                    key: TLS_KEY,
                    trusted_certificate: false,
                },
            ),
        };
        self.events.try_send(event).unwrap();
    }

    fn send(&mut self, connection: ConnectionId, frame: Bytes) {
        let (_, frame) = decode_frame(&frame).unwrap();
        if let Some(answer) = self.answer(frame) {
            let bytes = encode_frame(0, &answer).into();
            let event = NetworkEvent::Received(connection, bytes);
            self.events.try_send(event).unwrap();
        }
    }

    fn close(&mut self, _: ConnectionId) {}
}

/// Whether the account is found where these are at the addresses, one after the other.
async fn find(all: &[There]) -> Result<(), ErrorKind> {
    let known = Arc::new(Known::new());
    let address = |port| format!("relay.test:{port}").parse().unwrap();
    let lost = Lost {
        code: known.code.clone(),
        addresses: (1..=all.len()).map(address).collect(),
        relay: Some(known.keys.relay()),
    };
    let network = |events| Wire {
        known: Arc::clone(&known),
        all: all.to_vec(),
        there: There::Nothing,
        events,
    };
    let found = lost
        .find_over(network)
        .await
        .map_err(|error| error.kind())?;
    assert_eq!(found.account(), known.keys.account());
    Ok(())
}

#[tokio::test]
async fn whatever_answers_at_one_address_the_next_one_is_asked() {
    for other in [
        There::Nothing,
        There::Impostor,
        There::Ends(ErrorCode::Unavailable),
        There::Ends(ErrorCode::UnsupportedVersion),
        // it has not shown that it is the relay, so that it knows nothing of the code says nothing
        There::Ends(ErrorCode::NotAuthenticated),
        There::RelayEnds(ErrorCode::RateLimited),
    ] {
        assert_eq!(find(&[other, There::Relay]).await, Ok(()), "{other:?}");
    }
}

#[tokio::test]
async fn the_first_that_answered_wrongly_is_told_and_the_relays_own_word_counts() {
    let busy = There::RelayEnds(ErrorCode::Unavailable);
    let unknown = There::RelayEnds(ErrorCode::NotAuthenticated);
    for (all, error) in [
        (vec![There::Nothing], ErrorKind::RelayUnreachable),
        (
            vec![There::Nothing, There::Impostor, busy],
            ErrorKind::RelayIdentity,
        ),
        (vec![busy, There::Nothing], ErrorKind::Busy),
        (
            vec![There::Impostor, unknown, There::Relay],
            ErrorKind::NoRecoveryRecord,
        ),
    ] {
        assert_eq!(find(&all).await, Err(error), "{all:?}");
    }
}
