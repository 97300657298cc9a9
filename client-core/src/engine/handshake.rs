//! The handshake: greet, check that the other side is the pinned relay, prove this device, be let in.

use std::collections::BTreeMap;

use protocol::{
    Challenge, Frame, Hello, Nonce, PROTOCOL_VERSION, Prove, Ready, Register, RelayId, cbor,
    handshake, identity,
};
use tracing::{info, warn};

use crate::{
    engine::{
        Engine,
        session::{Backoff, Online, Session},
    },
    error::Result,
    model::OfflineCause,
    seams::{ConnectionId, TlsFacts},
    store,
};

impl Engine {
    pub(super) fn opened(&mut self, opened: ConnectionId, tls: TlsFacts) -> Result<()> {
        let Session::Dialing {
            connection,
            deadline,
        } = self.session
        else {
            return Ok(());
        };
        if connection != opened {
            return Ok(());
        }
        let hello = Hello {
            versions: vec![PROTOCOL_VERSION],
            nonce: Nonce::new(self.random()?),
            client: format!("relevo {}", env!("CARGO_PKG_VERSION")),
        };
        self.session = Session::Greeting {
            connection,
            deadline,
            tls,
            hello: hello.clone(),
        };
        self.send(0, &hello.into());
        Ok(())
    }

    /// Checks that the other side is the pinned relay and that nobody sits between, then proves this device.
    pub(super) fn challenged(&mut self, challenge: Challenge) -> Result<()> {
        let Session::Greeting {
            connection,
            deadline,
            tls,
            hello,
        } = &self.session
        else {
            return Ok(());
        };
        let (connection, deadline) = (*connection, *deadline);
        let pinned = RelayId::of_identity_key(&challenge.identity_key) == self.account.relay;
        let message = handshake::challenge_message(hello, &challenge);
        let signed =
            identity::verify(&challenge.identity_key, &message, &challenge.signature).is_ok();
        // the relay signs the key of its TLS; behind a proxy it cannot, and the certificate must hold by itself
        let channel = challenge
            .tls_key
            .map_or(tls.trusted_certificate, |key| key == tls.key);
        if !(pinned && signed && channel) {
            warn!(
                pinned,
                signed, channel, "what answered is not the relay of this account"
            );
            return self.lose_connection(Some(OfflineCause::RelayIdentity), None);
        }
        if challenge.version != PROTOCOL_VERSION {
            return self.lose_connection(Some(OfflineCause::Version), None);
        }
        let (account, device) = (self.keys.account(), self.keys.device());
        let frame: Frame = match self.account.registration {
            None => Prove {
                account,
                device,
                signature: self.keys.sign_login(&handshake::login_message(
                    hello, &challenge, account, device,
                )),
                announce: true,
            }
            .into(),
            Some(token) => {
                let manifest = self.account.manifest.clone();
                let message = handshake::registration_message(
                    hello, &challenge, account, device, &manifest, &token,
                );
                Register {
                    token,
                    manifest: manifest.into(),
                    device,
                    signature: self.keys.sign_login(&message),
                    announce: true,
                    receipt: None,
                }
                .into()
            }
        };
        self.session = Session::Proving {
            connection,
            deadline,
            challenge,
        };
        self.send(0, &frame);
        Ok(())
    }

    pub(super) fn ready(&mut self, ready: &Ready) -> Result<()> {
        let Session::Proving {
            connection,
            challenge,
            ..
        } = &self.session
        else {
            return Ok(());
        };
        let connection = *connection;
        let generation = challenge.store_generation;
        let offset = i64::try_from(i128::from(ready.time) - i128::from(self.seams.clock.wall_ms()))
            .unwrap_or(0);
        let receipt = ready.receipt.as_ref().map(cbor::encode);
        let before = store::account::store_generation(self.database.connection())?;
        let restored = before.is_some_and(|before| before != generation);
        self.write(|write| {
            if let Some(receipt) = &receipt {
                store::account::set_registered(write, receipt)?;
                crate::KillPoint::RegisteredBeforeCommit.reach();
            }
            store::account::set_relay_facts(write, generation, offset)
        })?;
        self.account.relay_offset = offset;
        self.told = Some((ready.time, self.seams.clock.monotonic()));
        if self.account.registration.is_some() {
            crate::KillPoint::RegisteredAfterCommit.reach();
            self.account.registration = None;
            info!("the relay made the account");
        }
        self.session = Session::Online(Online {
            connection,
            next_id: 1,
            requests: BTreeMap::new(),
        });
        self.backoff = Backoff::default();
        self.holds.clear();
        self.exists_refusals.clear();
        if let Some(outcome) = self.registration.take() {
            outcome(Ok(()));
        }
        self.fill_key_packages(ready.key_packages, restored)?;
        self.resume_openings()?;
        self.pump()
    }
}
