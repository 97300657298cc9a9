//! A connection to the relay, with as little of a client as it takes: frames go out, frames come in.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, bail, ensure};
use client_core::{
    connection::TokioNetwork,
    seams::{ConnectionId, Network as _, NetworkEvent},
};
use protocol::{
    Challenge, Frame, Hello, Nonce, PROTOCOL_VERSION, Prove, Register, Token, decode_frame,
    encode_frame, handshake,
};
use tokio::{
    net::TcpStream,
    runtime::Handle,
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use crate::{disk::Power, person::Person};

/// How long the relay has to come up and to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Between two attempts to reach a relay that is starting.
const PAUSE: Duration = Duration::from_millis(20);
const CONNECTION: ConnectionId = ConnectionId(1);

/// One authenticated connection.
pub(crate) struct Wire {
    network: TokioNetwork,
    events: mpsc::Receiver<NetworkEvent>,
    power: Power,
    /// What the relay said of the device's key packages.
    pub(crate) packages: u16,
}

/// Waits until a relay that was started listens.
pub(crate) async fn reachable(address: SocketAddr) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = TcpStream::connect(address).await {
        ensure!(
            Instant::now() < deadline,
            "the relay does not come up: {error}"
        );
        sleep(PAUSE).await;
    }
    Ok(())
}

impl Wire {
    /// Logs in, with a token as a new account.
    pub(crate) async fn connect(
        address: SocketAddr,
        person: &mut Person,
        token: Option<Token>,
        power: &Power,
    ) -> Result<Self> {
        let (sender, events) = mpsc::channel(256);
        let mut network = TokioNetwork::new(Handle::current(), sender);
        network.dial(CONNECTION, &address.to_string().parse()?);
        let mut wire = Self {
            network,
            events,
            power: power.clone(),
            packages: 0,
        };
        match wire.event().await? {
            NetworkEvent::Opened(..) => {}
            _ => bail!("no connection"),
        }
        let hello = Hello {
            versions: vec![PROTOCOL_VERSION],
            nonce: Nonce::new(person.draw()?),
            client: "power cut".to_owned(),
        };
        wire.send(0, &hello.clone().into());
        let Frame::Challenge(challenge) = wire.next().await? else {
            bail!("no challenge")
        };
        wire.send(0, &proof(person, &hello, &challenge, token));
        match wire.next().await? {
            Frame::Ready(ready) => {
                wire.packages = ready.key_packages;
                Ok(wire)
            }
            other => bail!("not let in: {}", other.name()),
        }
    }

    pub(crate) fn send(&mut self, id: u32, frame: &Frame) {
        self.network
            .send(CONNECTION, encode_frame(id, frame).into());
    }

    /// Sends a request and waits for its reply; what is pushed meanwhile is passed by.
    pub(crate) async fn ask(&mut self, frame: &Frame) -> Result<Frame> {
        const ID: u32 = 1;
        self.send(ID, frame);
        loop {
            match self.next_reply().await? {
                (ID, reply) => return Ok(reply),
                (_, Frame::Bye(bye)) => bail!("the relay said {:?}", bye.code),
                _ => {}
            }
        }
    }

    /// The next frame, and which request it answers.
    pub(crate) async fn next_reply(&mut self) -> Result<(u32, Frame)> {
        match self.event().await? {
            NetworkEvent::Received(_, bytes) => {
                decode_frame(&bytes).context("the relay sent no frame")
            }
            _ => bail!("the connection is gone"),
        }
    }

    async fn next(&mut self) -> Result<Frame> {
        Ok(self.next_reply().await?.1)
    }

    async fn event(&mut self) -> Result<NetworkEvent> {
        let event = timeout(PATIENCE, self.events.recv()).await;
        let event = event
            .context("the relay is silent")?
            .context("the network is gone")?;
        ensure!(self.power.is_on(), "the power is off");
        Ok(event)
    }
}

fn proof(person: &Person, hello: &Hello, challenge: &Challenge, token: Option<Token>) -> Frame {
    let (account, device) = (person.keys.account(), person.keys.device());
    match token {
        None => {
            let message = handshake::login_message(hello, challenge, account, device);
            Prove {
                account,
                device,
                signature: person.keys.sign_login(&message),
                announce: false,
            }
            .into()
        }
        Some(token) => {
            let manifest = person.keys.manifest();
            let message = handshake::registration_message(
                hello, challenge, account, device, &manifest, &token,
            );
            Register {
                token,
                manifest: manifest.into(),
                device,
                signature: person.keys.sign_login(&message),
                announce: false,
                receipt: None,
            }
            .into()
        }
    }
}
