//! hello → challenge → prove or register. Stateless, no disk write but a registration's own, no slow hash.

use std::net::IpAddr;

use axum::extract::ws::{Message, WebSocket};
use futures_util::StreamExt as _;
use protocol::{
    Bye, Challenge, ErrorCode, Frame, Hello, Key, Nonce, PROTOCOL_VERSION, Prove, Receipt, Refusal,
    Register, Signature, decode_frame, encode_frame, handshake,
    identity::{self, Manifest},
};

use crate::{
    node::Node,
    store::{Identity, LoginRow, NewAccount, NewDevice, call},
};

/// A connection that proved who it is.
pub(super) struct Established {
    pub(super) identity: Identity,
    pub(super) announce: bool,
    pub(super) receipt: Option<Receipt>,
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
    node: &Node,
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

    match receive(socket).await? {
        Frame::Prove(prove) => login(node, &hello, &challenge, &prove, address).await,
        Frame::Register(register) => {
            self::register(node, &hello, &challenge, register, address).await
        }
        _ => Err(ErrorCode::BadFrame.into()),
    }
}

/// Unknown account, unknown device and wrong signature: the same answer after the same work.
async fn login(
    node: &Node,
    hello: &Hello,
    challenge: &Challenge,
    prove: &Prove,
    address: IpAddr,
) -> Result<Established, Failure> {
    let row = node.store.login(prove.account, prove.device).await?;
    let message = handshake::login_message(hello, challenge, prove.account, prove.device);
    let key = row.as_ref().map_or(node.nobodys_key, |row| row.login_key);
    let proved = identity::verify(&key, &message, &prove.signature).is_ok();
    match row.filter(|_| proved) {
        Some(row) if row.revoked => Err(ErrorCode::Revoked.into()),
        Some(row) => Ok(established(&row, prove.announce, None)),
        None => {
            node.limits.failed_login(address)?;
            Err(ErrorCode::NotAuthenticated.into())
        }
    }
}

async fn register(
    node: &Node,
    hello: &Hello,
    challenge: &Challenge,
    register: Register,
    address: IpAddr,
) -> Result<Established, Failure> {
    node.limits.registration(address)?;
    let Register {
        token,
        manifest,
        device,
        signature,
        announce,
        ..
    } = register;
    let opened = Manifest::open(&manifest.0).map_err(|_| ErrorCode::BadIdentity)?;
    let account = opened.account();
    let certificate = opened.device(device).ok_or(ErrorCode::BadIdentity)?;
    let foreign = opened
        .devices
        .iter()
        .any(|(certificate, _)| certificate.relay != node.relay_id);
    if foreign || opened.number != 1 || !opened.revoked.is_empty() {
        return Err(ErrorCode::BadIdentity.into());
    }
    let message =
        handshake::registration_message(hello, challenge, account, device, &manifest.0, &token);
    identity::verify(&certificate.login_key, &message, &signature)
        .map_err(|_| ErrorCode::NotAuthenticated)?;

    let devices = opened
        .devices
        .iter()
        .map(|(certificate, _)| NewDevice {
            device: certificate.device,
            login_key: certificate.login_key,
            leaf_key: certificate.leaf_key,
        })
        .collect();
    let new = NewAccount {
        token: token.stored_hash(),
        account,
        manifest: manifest.0,
        devices,
    };
    call(|done| node.store.register(new, done)).await?;
    crate::KillPoint::RegisteredBeforeReady.reach();
    let row = node
        .store
        .login(account, device)
        .await?
        .ok_or(ErrorCode::Internal)?;
    if row.revoked {
        return Err(ErrorCode::Revoked.into());
    }
    let signed = handshake::receipt_message(node.relay_id, account, row.created);
    let signature = identity::sign(&node.identity_secret, &signed);
    Ok(established(
        &row,
        announce,
        Some(Receipt {
            account,
            time: row.created,
            signature,
        }),
    ))
}

fn established(row: &LoginRow, announce: bool, receipt: Option<Receipt>) -> Established {
    Established {
        identity: row.identity,
        announce,
        receipt,
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
