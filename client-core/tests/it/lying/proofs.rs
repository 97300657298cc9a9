//! Proofs of links that are used up or over: a relay that makes conversations by them, or requests of them, is not believed.

use client_core::{
    content::Content,
    model::{ConversationState, Standing},
};
use protocol::{
    ClientId, ConversationId, Done, Entries, Entry, EntryKind, Frame, Link, LinkSecret, StreamId,
};

use crate::peer::{NOW, Online, Peer};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// A link of Ana's; an invite serves one account, a card many.
fn issue(online: &mut Online, invite: bool) -> LinkSecret {
    let (sender, answer) = std::sync::mpsc::sync_channel(1);
    let answered = Box::new(move |link| sender.send(link).unwrap());
    if invite {
        online.ana.engine.create_invite(answered);
    } else {
        online.ana.engine.create_contact_link(answered);
    }
    let Some((id, Frame::NewLink(_))) = online.ana.sent().pop() else {
        panic!("expected a link")
    };
    online.reply(id, &Done {}.into());
    let link: Link = answer.recv().unwrap().unwrap().app.parse().unwrap();
    link.secret
}

fn entry(peer: &mut Peer, (kind, seq): (EntryKind, u64), time: u64, bytes: &[u8]) -> Entry {
    Entry {
        seq,
        sender: peer.device(),
        kind,
        incarnation: 0,
        epoch: 1,
        time,
        client_id: ClientId::new(peer.random()),
        conversation: None,
        bytes: bytes.to_vec().into(),
        start: None,
    }
}

/// The peer's conversation begins at a time, and the peer shows a proof at another.
struct Showing {
    number: u8,
    began: u64,
    shown: u64,
}

/// How the conversation stands then.
fn standing(
    online: &mut Online,
    peer: &mut Peer,
    secret: &LinkSecret,
    showing: &Showing,
) -> Standing {
    let id = ConversationId::new([showing.number; 16]);
    let devices = online.devices(usize::from(showing.number));
    let founded = peer.mls(|mls| mls.found_direct(id, 0, &[devices]).unwrap());
    peer.mls(|mls| mls.load(id, 0).unwrap().unwrap().merge_pending())
        .unwrap();
    let place = (EntryKind::Welcome, u64::from(showing.number));
    let mut welcome = entry(peer, place, showing.began, &founded.welcomes[0].bytes);
    welcome.conversation = Some(id);
    welcome.start = Some(1);
    let (stream, entries) = (StreamId::Inbox, vec![welcome]);
    online.reply(0, &Entries { stream, entries }.into());
    let proof = secret.consent_proof(peer.account(), id);
    let profile = Content::profile(peer.random(), "Luis", Some(proof)).encode();
    let sealed = peer.mls(|mls| {
        let mut group = mls.load(id, 0).unwrap().unwrap();
        group.seal(&profile, &[]).unwrap()
    });
    let profile = entry(peer, (EntryKind::Application, 2), showing.shown, &sealed);
    let (stream, entries) = (StreamId::Conversation(id), vec![profile]);
    online.reply(0, &Entries { stream, entries }.into());
    let list = online.ana.reader.conversations().unwrap();
    let found = list.iter().find(|it| it.peer == peer.account()).unwrap();
    assert_eq!(found.state, ConversationState::Established);
    assert_eq!(found.title, "Luis");
    found.standing
}

#[test]
fn an_invite_is_proof_for_one_account_and_a_request_for_the_next() {
    let mut online = Online::new();
    let secret = issue(&mut online, true);
    for (number, expected) in [(1, Standing::Open), (2, Standing::Requested)] {
        let mut peer = Peer::seeded(&online.ana, 80 + u64::from(number));
        let showing = Showing {
            number,
            began: NOW,
            shown: NOW,
        };
        let stands = standing(&mut online, &mut peer, &secret, &showing);
        assert_eq!(stands, expected);
    }
}

#[test]
fn a_card_that_is_over_is_no_proof_in_what_began_later() {
    let end = NOW + 30 * DAY;
    for (began, shown, expected) in [
        (end - 1, end, Standing::Open),
        // the connection was lost in between
        (end - 1, end + DAY, Standing::Open),
        (end + 1, end + 1, Standing::Requested),
        // a request that waited until the card was over
        (NOW, end + 2 * DAY, Standing::Requested),
    ] {
        let mut online = Online::new();
        let secret = issue(&mut online, false);
        let mut peer = Peer::new(&online.ana);
        let showing = Showing {
            number: 1,
            began,
            shown,
        };
        let stands = standing(&mut online, &mut peer, &secret, &showing);
        assert_eq!(stands, expected, "{began} {shown}");
    }
}
