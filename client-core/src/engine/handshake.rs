//! The handshake: greet, check that the other side is the pinned relay, prove this device, be let in.

use std::collections::{BTreeMap, BTreeSet};

use protocol::{
    Challenge, Enroll, Frame, Hello, Nonce, PROTOCOL_VERSION, Prove, Ready, Register, RelayId,
    StreamId, Token, cbor, handshake, identity,
};
use tracing::{info, warn};

use crate::{
    engine::{
        Engine, MOST_SEQ,
        answers::Answers,
        session::{Online, Session},
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
        let proved = is_proved(hello, &challenge, tls);
        if !(pinned && proved) {
            warn!(
                pinned,
                proved, "what answered is not the relay of this account"
            );
            return self.lose_connection(Some(OfflineCause::RelayIdentity), None);
        }
        if challenge.version != PROTOCOL_VERSION {
            return self.lose_connection(Some(OfflineCause::Version), None);
        }
        let (account, device) = (self.keys.account(), self.keys.device());
        let announce = self.account.privacy.announce;
        let frame: Frame = match self.account.registration {
            None if self.account.enrolling => self.enrolled(hello, &challenge),
            None if self.returning => self.returned(hello, &challenge),
            None => Prove {
                account,
                device,
                signature: self.keys.sign_login(&handshake::login_message(
                    hello, &challenge, account, device,
                )),
                announce,
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
                    announce,
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
        self.announced = announce;
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
        // the first one stays: what a relay says later takes nothing away
        let receipt = ready.receipt.as_ref().map(cbor::encode);
        let receipt = receipt.filter(|_| self.account.receipt.is_none());
        let before = store::account::store_generation(self.database.connection())?;
        let restored = before.is_some_and(|before| before != generation);
        let enrolled = self.account.enrolling;
        let believed = self.account.relay_offset;
        self.write(|write| {
            if let Some(receipt) = &receipt {
                store::account::set_registered(write, receipt)?;
                crate::KillPoint::RegisteredBeforeCommit.reach();
            }
            if enrolled {
                store::account::set_enrolled(write)?;
                // it does not know of all its conversations
                store::wishes::want_lists(write)?;
                crate::KillPoint::EnrolledBeforeCommit.reach();
            }
            store::outbox::correct_times(write, offset.saturating_sub(believed), ready.time)?;
            // until everything was offered to a restored relay, each connection begins with that
            let known = before.filter(|_| restored).unwrap_or(generation);
            store::account::see_generation(write, generation)?;
            store::account::set_relay_facts(write, known, offset)
        })?;
        if enrolled {
            crate::KillPoint::EnrolledAfterCommit.reach();
        }
        self.restored = restored.then_some(generation);
        if receipt.is_some() {
            self.account.receipt = receipt;
        }
        self.account.enrolling = false;
        self.note_removed(false)?;
        self.returning = false;
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
        self.backoff.online(self.seams.clock.monotonic());
        self.holds.clear();
        self.exists_refusals.clear();
        self.pauses.clear();
        self.compared.clear();
        self.lists_due = None;
        self.looks_for_welcome = false;
        self.knows_again = false;
        self.asked_manifests.clear();
        self.answers = Answers::default();
        self.receipts_due = Some(self.seams.clock.monotonic());
        self.quiet = self.quiet_streams(ready)?;
        if let Some(outcome) = self.registration.take() {
            outcome(Ok(()));
        }
        // a count that no device reaches is a lie, and believing it would end this device's own
        let taken = if ready.sent < MOST_SEQ { ready.sent } else { 0 };
        let rolled_back = taken > store::account::sent(self.database.connection())?;
        if rolled_back {
            self.start_over(taken)?;
            self.nothing_taken = true;
        } else {
            self.nothing_taken = self.write(|write| store::account::settle_sent(write, taken))?;
        }
        let lapsed = !restored && !rolled_back && self.has_lapsed(ready)?;
        if !restored && !lapsed {
            self.write(|write| store::account::set_taken(write, taken))?;
        }
        let groups_lost = store::mendings::mls_lost(self.database.connection())?;
        self.mend_groups(taken)?;
        self.prepare_recovery()?;
        // packages that a relay hands out twice, or whose keys are gone, are worth nothing
        self.plan_packages();
        self.fill_key_packages(
            ready.key_packages,
            restored || rolled_back || groups_lost || lapsed,
        )?;
        if restored {
            self.offer_again(ready.manifest)?;
        } else if lapsed {
            self.begin_mending(taken, ready.manifest)?;
        } else {
            self.offer_manifests(ready.manifest)?;
        }
        self.tell_announced();
        self.tell_record()?;
        self.tell_people()?;
        self.resume_lists()?;
        self.resume_openings()?;
        self.resume_commits()?;
        self.resume_renewals()?;
        self.plan_renewals()?;
        self.fetch_manifests()?;
        self.answer_kept()?;
        self.tell_read()?;
        self.tell_presence_anew()?;
        self.pump()
    }

    /// The inbox, and the conversations that are here, where the relay has nothing new.
    fn quiet_streams(&self, ready: &Ready) -> Result<BTreeSet<StreamId>> {
        let connection = self.database.connection();
        let mut quiet = BTreeSet::from([StreamId::Inbox]);
        for key in store::conversations::established(connection)? {
            let row = store::conversations::row(connection, key)?;
            quiet.insert(StreamId::Conversation(row.conversation));
        }
        for news in &ready.news {
            quiet.remove(&news.stream);
        }
        Ok(quiet)
    }

    /// This device comes in by its certificate in the account's list.
    fn enrolled(&self, hello: &Hello, challenge: &Challenge) -> Frame {
        let (account, device) = (self.keys.account(), self.keys.device());
        let manifest = self.account.manifest.clone();
        let message = handshake::enrolment_message(hello, challenge, account, device, &manifest);
        Enroll {
            account,
            manifest: manifest.into(),
            device,
            signature: self.keys.sign_login(&message),
            announce: self.account.privacy.announce,
        }
        .into()
    }

    /// The relay was restored from a backup that is older than this account or this device: its own receipt brings both back. A
    /// device that never got one comes in once more as it did at first.
    fn returned(&self, hello: &Hello, challenge: &Challenge) -> Frame {
        let receipt = self.account.receipt.as_deref().map(cbor::decode);
        let Some(Ok(receipt)) = receipt else {
            return self.enrolled(hello, challenge);
        };
        let (account, device) = (self.keys.account(), self.keys.device());
        let manifest = self.account.manifest.clone();
        // the token is not looked at
        let token = Token::new([0; Token::LEN]);
        let message =
            handshake::registration_message(hello, challenge, account, device, &manifest, &token);
        Register {
            token,
            manifest: manifest.into(),
            device,
            signature: self.keys.sign_login(&message),
            announce: self.account.privacy.announce,
            receipt: Some(receipt),
        }
        .into()
    }
}

/// Whether the challenge is signed by the identity key that it shows, for this very channel.
pub(crate) fn is_proved(hello: &Hello, challenge: &Challenge, tls: &TlsFacts) -> bool {
    let message = handshake::challenge_message(hello, challenge);
    let signed = identity::verify(&challenge.identity_key, &message, &challenge.signature).is_ok();
    // the relay signs the key of its TLS; behind a proxy it cannot, and the certificate must hold by itself
    let channel = challenge
        .tls_key
        .map_or(tls.trusted_certificate, |key| key == tls.key);
    signed && channel
}
