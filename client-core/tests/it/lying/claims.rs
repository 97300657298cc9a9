//! Key packages that the relay swaps: nothing is founded with them, and the person sees that it failed.

use client_core::model::{ConversationState, OutgoingState};
use protocol::{Claimed, ClaimedKeyPackage, Frame};

use super::devices::Tablet;
use crate::peer::{Online, Peer};

/// Ana claims, and gets something else than the peer published. She makes no group of it.
fn is_refused(name: &str, make: impl FnOnce(&mut Online, &mut Peer) -> Claimed) {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let link = peer.link(&online.ana, 5);
    let (key, claim) = online.open_link(&link);
    let written = online.ana.engine.send_text(key, "secret").unwrap();
    assert_eq!(written.outgoing, Some(OutgoingState::Queued), "{name}");
    let claimed = make(&mut online, &mut peer);
    online.reply(claim, &claimed.into());
    assert!(
        online.ana.sent().is_empty(),
        "{name}: nothing is made of it"
    );
    assert_eq!(
        online.conversation().state,
        ConversationState::Refused,
        "{name}"
    );
    let messages = online.ana.reader.messages(key, None, 10).unwrap().messages;
    let states: Vec<_> = messages.iter().map(|message| message.outgoing).collect();
    assert_eq!(states, [Some(OutgoingState::Failed)], "{name}");
    // a new link is a new attempt, and then all is well
    let link = peer.link(&online.ana, 6);
    let (_, claim) = online.open_link(&link);
    online.reply(claim, &peer.claimed().into());
    let sent = online.ana.sent();
    assert!(
        matches!(sent.as_slice(), [(_, Frame::CreateConversation(_))]),
        "{name}: {sent:?}"
    );
}

#[test]
fn packages_of_another_account_are_refused() {
    is_refused("all of another account", |online, _| {
        Peer::seeded(&online.ana, 78).claimed()
    });
    is_refused("a package of another account", |online, peer| Claimed {
        manifest: peer.claimed().manifest,
        packages: Peer::seeded(&online.ana, 78).claimed().packages,
    });
    is_refused(
        "another account's package under the peer's name",
        |online, peer| {
            let mut claimed = peer.claimed();
            claimed.packages[0].bytes = Peer::seeded(&online.ana, 78).claimed().packages[0]
                .bytes
                .clone();
            claimed
        },
    );
}

#[test]
fn packages_of_a_device_that_the_manifest_does_not_hold_are_refused() {
    let tablet_of = |online: &Online, peer: &Peer| {
        let lent = Peer::seeded(&online.ana, 79);
        Tablet::of(peer, &lent)
    };
    is_refused(
        "a device that the manifest does not name",
        |online, peer| {
            let mut tablet = tablet_of(online, peer);
            Claimed {
                manifest: peer.keys.manifest().into(),
                packages: tablet.device.claimed().packages,
            }
        },
    );
    is_refused(
        "the true package under the name of another device",
        |online, peer| {
            let tablet = tablet_of(online, peer);
            let mut claimed = peer.claimed();
            claimed.packages[0].device = tablet.device.device();
            claimed
        },
    );
}

#[test]
fn a_device_that_was_revoked_is_refused() {
    let mut online = Online::new();
    let peer = Peer::new(&online.ana);
    let lent = Peer::seeded(&online.ana, 79);
    let mut tablet = Tablet::of(&peer, &lent);
    let link = peer.link(&online.ana, 5);
    let (_, claim) = online.open_link(&link);
    let claimed = Claimed {
        manifest: tablet.third.clone().into(),
        packages: tablet.device.claimed().packages,
    };
    online.reply(claim, &claimed.into());
    assert!(online.ana.sent().is_empty());
    assert_eq!(online.conversation().state, ConversationState::Refused);
}

#[test]
fn packages_that_are_none_or_come_twice_or_not_at_all_are_refused() {
    let with = |bytes: &'static [u8]| {
        move |_: &mut Online, peer: &mut Peer| {
            let mut claimed = peer.claimed();
            claimed.packages[0].bytes = bytes.to_vec().into();
            claimed
        }
    };
    is_refused("no bytes", with(b""));
    is_refused("no package", with(b"nonsense"));
    is_refused("no manifest", |_, peer| Claimed {
        manifest: b"nonsense".to_vec().into(),
        ..peer.claimed()
    });
    is_refused("one package twice", |_, peer| {
        let claimed = peer.claimed();
        let twice: Vec<ClaimedKeyPackage> = [claimed.packages.clone(), claimed.packages].concat();
        Claimed {
            manifest: claimed.manifest,
            packages: twice,
        }
    });
    is_refused("no package for anybody", |_, peer| Claimed {
        packages: Vec::new(),
        ..peer.claimed()
    });
}
