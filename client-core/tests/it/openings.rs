//! Conversations that begin, or do not, and what a relay or a peer can do to them; played frame by frame.

use client_core::{
    ErrorKind, Event,
    model::{ConnectionState, ConversationState, MessageKind, OutgoingState, SystemEvent},
    store::{Database, DatabaseKey, contacts, messages::position_of},
};
use protocol::{DeviceId, Digest, ErrorCode, Frame, Page, Refusal, StreamId, identity::Manifest};

use crate::{
    lying::devices::sign_as,
    peer::{Online, Peer},
    scripted::Scripted,
};

#[test]
fn a_conversation_that_was_refused_opens_by_a_new_link() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    for (secret, accepted) in [(5, false), (6, true)] {
        let link = peer.link(&online.ana, secret);
        let (_, claim) = online.open_link(&link);
        online.reply(claim, &peer.claimed().into());
        let Some((id, Frame::CreateConversation(_))) = online.ana.sent().pop() else {
            panic!("expected a creation")
        };
        if accepted {
            online.reply(id, &protocol::Committed { seq: 1, time: 1 }.into());
            assert_eq!(online.conversation().state, ConversationState::Established);
        } else {
            online.refuse(id, Refusal::new(ErrorCode::NoConsent));
            assert_eq!(online.conversation().state, ConversationState::Refused);
        }
    }
}

#[test]
fn whoever_asks_too_many_sees_until_when_the_relay_refuses_and_the_request_goes_on_by_itself() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let link = peer.link(&online.ana, 5);
    let (key, claim) = online.open_link(&link);
    assert_eq!(online.conversation().held_until, None);
    online.ana.engine.take_events();
    let refusal = Refusal {
        retry_after: Some(90_000),
        ..Refusal::new(ErrorCode::RateLimited)
    };
    online.refuse(claim, refusal);
    assert_eq!(
        online.conversation().held_until,
        Some(1_800_000_000_000 + 90_000)
    );
    let events = online.ana.engine.take_events();
    assert!(events.contains(&Event::ConversationChanged(key)));
    let sent = loop {
        online.ana.pass_until_wake();
        if let Some(sent) = online.ana.sent().pop() {
            break sent;
        }
    };
    let (claim, Frame::ClaimKeyPackages(_)) = sent else {
        panic!("expected another claim, not {sent:?}")
    };
    online.reply(claim, &peer.claimed().into());
    let Some((id, Frame::CreateConversation(_))) = online.ana.sent().pop() else {
        panic!("expected a creation")
    };
    online.reply(id, &protocol::Committed { seq: 1, time: 1 }.into());
    assert_eq!(online.conversation().state, ConversationState::Established);
    assert_eq!(online.conversation().held_until, None);
}

#[test]
fn what_is_written_in_a_refused_conversation_fails_and_is_not_queued_by_a_retry() {
    let mut online = Online::new();
    let peer = Peer::new(&online.ana);
    let link = peer.link(&online.ana, 5);
    let (key, claim) = online.open_link(&link);
    let before = online.ana.engine.send_text(key, "before").unwrap();
    online.refuse(claim, Refusal::new(ErrorCode::TooLarge));
    let after = online.ana.engine.send_text(key, "after").unwrap();
    assert_eq!(after.outgoing, Some(OutgoingState::Failed));
    let messages = online.ana.reader.messages(key, None, 10).unwrap().messages;
    assert!(
        messages
            .iter()
            .all(|message| message.outgoing == Some(OutgoingState::Failed)),
        "{messages:?}"
    );
    assert_eq!(
        online.ana.engine.retry(key, before.id).unwrap_err().kind(),
        ErrorKind::Refused
    );
}

#[test]
fn a_late_refusal_does_not_end_a_conversation_that_the_other_side_made() {
    for code in [
        ErrorCode::TooLarge,
        ErrorCode::Exists,
        ErrorCode::RateLimited,
    ] {
        let mut online = Online::new();
        let mut peer = Peer::new(&online.ana);
        let founded = peer.found(&online);
        let link = peer.link(&online.ana, 5);
        let (key, claim) = online.open_link(&link);
        online.welcome(&mut peer, &founded, 0, 1);
        assert_eq!(online.conversation().state, ConversationState::Established);
        online.ana.sent();
        online.refuse(claim, Refusal::new(code));
        assert_eq!(
            online.conversation().state,
            ConversationState::Established,
            "{code:?}"
        );
        assert_eq!(online.conversation().key, key);
    }
}

#[test]
fn a_conversation_that_exists_but_never_welcomes_is_given_up_after_a_while() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let link = peer.link(&online.ana, 5);
    let (_, claim) = online.open_link(&link);
    online.reply(claim, &peer.claimed().into());
    for _ in 0..4 {
        assert_eq!(online.conversation().state, ConversationState::Opening);
        let sent = online.ana.sent();
        let Some((id, Frame::CreateConversation(_))) = sent.last().cloned() else {
            panic!("expected a creation, not {sent:?}")
        };
        online.refuse(id, Refusal::new(ErrorCode::Exists));
        if online.conversation().state == ConversationState::Opening {
            // the push of the welcome may have been lost
            let Some((id, Frame::Fetch(fetch))) = online.ana.sent().pop() else {
                panic!("expected that the inbox is fetched")
            };
            assert_eq!(fetch.stream, StreamId::Inbox);
            let page = Page {
                entries: Vec::new(),
                last: 0,
                base: 0,
                kept: u64::MAX,
            };
            online.reply(id, &page.into());
            online.ana.pass_until_wake();
        }
    }
    assert_eq!(online.conversation().state, ConversationState::Refused);
}

#[test]
fn a_welcome_that_the_relay_stamps_with_another_epoch_is_not_followed() {
    for (incarnation, epoch) in [(9, 1), (0, 77)] {
        let mut online = Online::new();
        let mut peer = Peer::new(&online.ana);
        let founded = peer.found(&online);
        online.welcome(&mut peer, &founded, incarnation, epoch);
        assert!(online.ana.reader.conversations().unwrap().is_empty());
        assert_eq!(
            online.ana.engine.connection().state,
            ConnectionState::Online
        );
    }
}

#[test]
fn content_is_not_sealed_again_and_again_for_an_epoch_that_cannot_be_reached() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    online.welcome(&mut peer, &founded, 0, 1);
    online.garbage(&mut peer, 2);
    let key = online.conversation().key;
    online.ana.engine.accept_request(key).unwrap();
    let mut refused = 0;
    while let Some((id, Frame::Append(_))) = online.ana.sent().pop() {
        refused += 1;
        assert!(refused < 5, "a loop");
        let stale = Refusal::new(ErrorCode::StaleEpoch);
        online.refuse(
            id,
            Refusal {
                incarnation: Some(0),
                epoch: Some(2),
                seq: Some(2),
                ..stale
            },
        );
    }
    assert_eq!(refused, 1);
    assert_eq!(
        online.ana.engine.connection().state,
        ConnectionState::Online
    );
}

#[test]
fn an_entry_that_cannot_be_opened_is_shown_as_such_and_read_like_any_other() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    online.welcome(&mut peer, &founded, 0, 1);
    let key = online.conversation().key;
    online.ana.engine.accept_request(key).unwrap();
    let queued = online.ana.engine.send_text(key, "queued").unwrap();
    // the window's last row may be an own message that waits: its position lies above all that will ever arrive
    online.ana.engine.mark_read(key, queued.position).unwrap();
    online.garbage(&mut peer, 2);
    assert_eq!(online.conversation().unread, 1);
    let page = online.ana.reader.messages(key, None, 10).unwrap();
    let unreadable = page
        .messages
        .iter()
        .find(|message| message.kind == MessageKind::Unreadable)
        .unwrap();
    assert_eq!(online.conversation().first_unread, Some(unreadable.id));
    online
        .ana
        .engine
        .mark_read(key, unreadable.position)
        .unwrap();
    assert_eq!(online.conversation().unread, 0);
}

#[test]
fn contradicting_manifests_of_a_contact_are_refused() {
    let ana = Scripted::new();
    let peer = Peer::new(&ana);
    let first = peer.keys.manifest();
    let opened = Manifest::open(&first).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut database =
        Database::create(&folder.path().join("db"), &DatabaseKey::new([1; 32])).unwrap();
    let mut save = |manifest: &Manifest, bytes: &[u8]| {
        database
            .write(|write| contacts::save_manifest(write, manifest, bytes))
            .map(|_| ())
            .map_err(|error| error.kind())
    };
    assert_eq!(save(&opened, &first), Ok(()));
    assert_eq!(save(&opened, &first), Ok(()), "the same again");
    let with = |number: u64, previous: Option<Digest>| {
        let manifest = Manifest {
            number,
            previous,
            ..opened.clone()
        };
        let bytes = sign_as(&peer, &manifest);
        (manifest, bytes)
    };
    let (one, bytes) = {
        let mut other = opened.clone();
        other.revoked.push(DeviceId::new([9; 16]));
        let bytes = sign_as(&peer, &other);
        (other, bytes)
    };
    let refused = Err(ErrorKind::Crypto);
    assert_eq!(save(&one, &bytes), refused, "two of one number");
    let (stray, bytes) = with(2, Some(Digest::of(&[b"elsewhere"])));
    assert_eq!(save(&stray, &bytes), refused, "does not follow");
    let (second, bytes) = with(2, Some(Digest::of(&[&first])));
    assert_eq!(save(&second, &bytes), Ok(()));
    assert_eq!(save(&opened, &first), refused, "an older one");
}

#[test]
fn what_the_relay_kept_no_longer_is_told_and_does_not_stop_what_follows() {
    let mut online = Online::new();
    let mut peer = Peer::new(&online.ana);
    let founded = peer.found(&online);
    online.welcome(&mut peer, &founded, 0, 1);
    online.garbage(&mut peer, 2);
    let key = online.conversation().key;
    online.ana.sent();
    // entries 3 to 8 have expired; the relay pushes on from 9
    online.garbage(&mut peer, 9);
    let Some((id, Frame::Fetch(fetch))) = online.ana.sent().pop() else {
        panic!("expected a fetch")
    };
    assert_eq!(fetch.from, 3);
    let page = Page {
        entries: Vec::new(),
        last: 9,
        base: 8,
        kept: u64::MAX,
    };
    online.reply(id, &page.into());
    let Some((_, Frame::Fetch(fetch))) = online.ana.sent().pop() else {
        panic!("expected a fetch")
    };
    assert_eq!(fetch.from, 9);
    online.garbage(&mut peer, 9);
    let messages = online.ana.reader.messages(key, None, 10).unwrap().messages;
    let received: Vec<_> = messages
        .iter()
        .map(|message| (message.position, message.kind))
        .collect();
    let started = MessageKind::System(SystemEvent::ConversationStarted);
    let missing = MessageKind::System(SystemEvent::MessagesMissing);
    let unreadable = MessageKind::Unreadable;
    assert_eq!(
        received,
        [
            (0, started),
            (position_of(2), unreadable),
            (missing_before(8), missing),
            (position_of(9), unreadable)
        ]
    );
}

/// Where the line lies that tells of missing entries up to a seq.
fn missing_before(seq: u64) -> i64 {
    position_of(seq) - 1
}
