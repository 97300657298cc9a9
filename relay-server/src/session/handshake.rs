//! hello → challenge → prove, register, or enroll with or without recover before it. Stateless, no disk write but that of an
//! account or a manifest, no slow hash.

use std::{net::IpAddr, sync::Arc};

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt as _;
use protocol::{
    AccountId, Bye, Challenge, Enroll, ErrorCode, Frame, Hello, Key, Nonce, PROTOCOL_VERSION,
    Prove, Receipt, Recover, Recovered, Refusal, Register, Signature, decode_frame, encode_frame,
    handshake,
    identity::{self, DeviceCertificate},
};

use crate::{
    manifests::{self, Follows},
    node::Node,
    store::{Identity, LoginRow, Made, NewAccount, call},
};

/// A connection that proved who it is.
pub(super) struct Established {
    pub(super) identity: Identity,
    pub(super) announce: bool,
    pub(super) receipt: Receipt,
}

/// Why there is no session.
pub(super) enum Failure {
    Bye(Bye),
    Gone,
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Bye(Bye {
            code,
            retry_after: None,
        })
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Bye(Bye {
            code: refusal.code,
            retry_after: refusal.retry_after,
        })
    }
}

pub(super) async fn establish(
    node: &Arc<Node>,
    socket: &mut WebSocket,
    address: IpAddr,
) -> Result<Established, Failure> {
    let Frame::Hello(hello) = receive(socket).await? else {
        return Err(ErrorCode::BadFrame.into());
    };
    if !hello.versions.contains(&PROTOCOL_VERSION) {
        return Err(ErrorCode::UnsupportedVersion.into());
    }
    let mut challenge = Challenge {
        version: PROTOCOL_VERSION,
        nonce: Nonce::new(node.environment.draw()),
        store_generation: node.store.generation(),
        identity_key: node.identity_key,
        tls_key: node.tls_key,
        signature: Signature::new([0; Signature::LEN]),
    };
    challenge.signature = identity::sign(
        &node.identity_secret,
        &handshake::challenge_message(&hello, &challenge),
    );
    let frame = encode_frame(0, &challenge.clone().into());
    socket
        .send(Message::Binary(frame.into()))
        .await
        .map_err(|_| Failure::Gone)?;

    let shake = Handshake {
        node,
        hello,
        challenge,
        address,
    };
    match receive(socket).await? {
        Frame::Prove(prove) => shake.login(&prove).await,
        Frame::Register(register) => shake.register(register).await,
        Frame::Enroll(enroll) => shake.enroll(enroll).await,
        Frame::Recover(recover) => {
            let recovered = shake.recover(&recover).await?;
            let frame = encode_frame(0, &recovered.into());
            socket
                .send(Message::Binary(frame.into()))
                .await
                .map_err(|_| Failure::Gone)?;
            match receive(socket).await? {
                Frame::Enroll(enroll) => shake.enroll(enroll).await,
                _ => Err(ErrorCode::BadFrame.into()),
            }
        }
        _ => Err(ErrorCode::BadFrame.into()),
    }
}

/// A connection whose challenge is out.
struct Handshake<'a> {
    node: &'a Arc<Node>,
    hello: Hello,
    challenge: Challenge,
    address: IpAddr,
}

impl Handshake<'_> {
    /// Unknown account, unknown device and wrong signature: the same answer after the same work.
    async fn login(&self, prove: &Prove) -> Result<Established, Failure> {
        let node = self.node;
        let row = node.store.login(prove.account, prove.device).await?;
        let message =
            handshake::login_message(&self.hello, &self.challenge, prove.account, prove.device);
        let key = row.as_ref().map_or(node.nobodys_key, |row| row.login_key);
        let proved = identity::verify(&key, &message, &prove.signature).is_ok();
        match row.filter(|_| proved) {
            Some(row) if row.revoked => Err(ErrorCode::Revoked.into()),
            Some(row) => {
                node.limits.login(prove.device)?;
                Ok(self.established(&row, prove.announce))
            }
            None => Err(self.failed()),
        }
    }

    async fn register(&self, register: Register) -> Result<Established, Failure> {
        let node = self.node;
        node.limits.registration(self.address)?;
        let Register {
            token,
            manifest,
            device,
            signature,
            announce,
            receipt,
        } = register;
        let opened = manifests::open(node, manifest.0.clone()).await?;
        let account = opened.account();
        let certificate = opened.device(device).ok_or(ErrorCode::BadIdentity)?;
        match &receipt {
            Some(receipt) => self.check_receipt(receipt, account)?,
            None if opened.number != 1 || !opened.revoked.is_empty() => {
                return Err(ErrorCode::BadIdentity.into());
            }
            None => {}
        }
        let (hello, challenge) = (&self.hello, &self.challenge);
        let message =
            handshake::registration_message(hello, challenge, account, device, &manifest.0, &token);
        identity::verify(&certificate.login_key, &message, &signature)
            .map_err(|_| ErrorCode::NotAuthenticated)?;

        let held = match &receipt {
            Some(_) => node.store.manifest(account).await?,
            None => None,
        };
        let held = match held {
            Some(held) => Some(manifests::open(node, held.into()).await?),
            None => None,
        };
        match held {
            // what came after the backup is lost, but for what the devices bring
            Some(held) if manifests::is_newer(&opened, &held) => {
                manifests::adopt(node, account, (&opened, manifest.0), Follows::Later).await?;
            }
            Some(_) => {}
            None if opened.number > manifests::MOST_LOST => {
                return Err(ErrorCode::BadIdentity.into());
            }
            None => {
                let made = match &receipt {
                    Some(receipt) => Made::ByReceipt(receipt.time),
                    None => Made::ByInvite(token.stored_hash()),
                };
                let new = NewAccount {
                    made,
                    account,
                    number: opened.number,
                    manifest: manifest.0,
                    devices: manifests::devices(&opened),
                };
                call(|done| node.store.register(new, done)).await?;
                crate::KillPoint::RegisteredBeforeReady.reach();
            }
        }
        let row = self.certified(account, certificate).await?;
        Ok(self.established(&row, announce))
    }

    /// The relay's own word that it made the account.
    fn check_receipt(&self, receipt: &Receipt, account: AccountId) -> Result<(), Failure> {
        let message = handshake::receipt_message(self.node.relay_id, account, receipt.time);
        let signed = identity::verify(&self.node.identity_key, &message, &receipt.signature);
        let storable = i64::try_from(receipt.time).is_ok();
        if receipt.account == account && signed.is_ok() && storable {
            Ok(())
        } else {
            Err(ErrorCode::BadIdentity.into())
        }
    }

    /// The sealed record of one who can name it.
    async fn recover(&self, recover: &Recover) -> Result<Recovered, Failure> {
        let record = self
            .node
            .store
            .record(recover.record.stored_hash())
            .await?
            .ok_or_else(|| self.failed())?;
        Ok(Recovered {
            account: record.account,
            manifest: record.manifest.into(),
            bytes: record.bytes.into(),
        })
    }

    /// A device that its account certified in the manifest that it brings.
    async fn enroll(&self, enroll: Enroll) -> Result<Established, Failure> {
        let node = self.node;
        let Enroll {
            account,
            manifest,
            device,
            signature,
            announce,
        } = enroll;
        let opened = manifests::open(node, manifest.0.clone())
            .await
            .map_err(|refusal| self.counted(refusal))?;
        let certificate = opened
            .device(device)
            .filter(|_| opened.account() == account)
            .ok_or_else(|| self.counted(Refusal::new(ErrorCode::BadIdentity)))?;
        let (hello, challenge) = (&self.hello, &self.challenge);
        let message = handshake::enrolment_message(hello, challenge, account, device, &manifest.0);
        let proved = identity::verify(&certificate.login_key, &message, &signature).is_ok();
        let known = node.store.manifest(account).await?.is_some();
        if !proved || !known {
            return Err(self.failed());
        }
        let manifest = (&opened, manifest.0);
        manifests::adopt(node, account, manifest, Follows::Directly)
            .await
            .map_err(|refusal| self.counted(refusal))?;
        let row = self.certified(account, certificate).await?;
        Ok(self.established(&row, announce))
    }

    /// A device that proved itself. Each gets the receipt, so that whichever is left can bring the account back.
    fn established(&self, row: &LoginRow, announce: bool) -> Established {
        let (account, time) = (row.identity.account, row.created);
        let signed = handshake::receipt_message(self.node.relay_id, account, time);
        Established {
            identity: row.identity,
            announce,
            receipt: Receipt {
                account,
                time,
                signature: identity::sign(&self.node.identity_secret, &signed),
            },
        }
    }

    /// The login of a device whose certified login key has signed.
    async fn certified(
        &self,
        account: AccountId,
        certificate: &DeviceCertificate,
    ) -> Result<LoginRow, Failure> {
        let row = self.node.store.login(account, certificate.device).await?;
        match row.filter(|row| row.login_key == certificate.login_key) {
            Some(row) if row.revoked => Err(ErrorCode::Revoked.into()),
            Some(row) => Ok(row),
            None => Err(self.failed()),
        }
    }

    /// Counts a login that failed.
    fn failed(&self) -> Failure {
        self.counted(Refusal::new(ErrorCode::NotAuthenticated))
    }

    /// Counts a refusal like a login that failed; who fails too often is told to wait instead.
    fn counted(&self, refusal: Refusal) -> Failure {
        match self.node.limits.failed_login(self.address) {
            Ok(()) => refusal.into(),
            Err(limited) => limited.into(),
        }
    }
}

async fn receive(socket: &mut WebSocket) -> Result<Frame, Failure> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                return decode_frame(&bytes)
                    .map(|(_, frame)| frame)
                    .map_err(|_| ErrorCode::BadFrame.into());
            }
            // answered by the library; the deadline of the login holds all the same
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
            Some(Ok(Message::Text(_))) => return Err(ErrorCode::BadFrame.into()),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(Failure::Gone),
        }
    }
}

/// A key that nobody has, to verify against where there is none.
pub(crate) fn nobodys_key() -> Key {
    identity::public_key(&ed25519_dalek::SigningKey::from_bytes(&[0x5e; 32]))
}
