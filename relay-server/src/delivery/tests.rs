//! The seams between what a session reads and what it is offered.

use bytes::Bytes;
use protocol::{Appended, ClientId, DeviceId, EntryKind, Opaque, SignalPush};

use super::*;
use crate::{
    config::{Connections, Quotas},
    limits::SessionRates,
    store::{Identity, Joined},
};

const CONVERSATION: ConversationId = ConversationId::new([0xc0; 16]);

fn session(n: u8) -> Arc<Session> {
    let identity = Identity {
        account: AccountId::new([n; 16]),
        account_row: AccountRow(i64::from(n)),
        device: DeviceId::new([n; 16]),
        device_row: DeviceRow(i64::from(n)),
    };
    let rates = SessionRates::new(&Quotas::default());
    Arc::new(Session::new(identity, true, &Connections::default(), rates))
}

fn member(session: &Session) -> MemberRow {
    let identity = session.identity;
    MemberRow {
        device: identity.device,
        device_row: identity.device_row,
        account: identity.account,
        account_row: identity.account_row,
        joined: 0,
        left: None,
        welcome: 0,
        since: 0,
        former_welcome: 0,
        cursor: 1,
        last_seen: 0,
    }
}

/// The conversation of these two as the store had it when its last entry was the first.
fn membership(one: &Session, other: &Session) -> Membership {
    Membership {
        conversation: CONVERSATION,
        stream: StreamRow(7),
        last: 1,
        base: 0,
        time: 0,
        standing: Standing::default(),
        members: vec![member(one), member(other)],
    }
}

/// `sender` appended an entry, which is stored now.
fn appended(delivery: &Delivery, sender: &Arc<Session>, seq: u64) {
    let entry = Entry {
        seq,
        sender: sender.identity.device,
        kind: EntryKind::Application,
        incarnation: 0,
        epoch: 1,
        time: 0,
        client_id: ClientId::new([9; 16]),
        conversation: None,
        bytes: Opaque(Bytes::from_static(b"sealed")),
        start: None,
    };
    let done = AppendDone {
        appended: Appended {
            seqs: vec![seq],
            times: vec![0],
        },
        fresh: vec![entry],
        accepted: false,
    };
    delivery.appended(Arc::clone(sender), 1, CONVERSATION, Ok(done));
    delivery.flush();
}

#[test]
fn what_is_stored_between_reading_and_following_is_not_lost() {
    let (ana, bo) = (session(1), session(2));
    let delivery = Delivery::default();
    let arriving = delivery.arrive();
    // Ana's device has read that 1 is the last; before it follows, the second is stored and offered to nobody
    let mut read = membership(&ana, &bo);
    appended(&delivery, &bo, 2);
    delivery.follow(&ana, &mut read, delivery.changes());
    assert_eq!(read.last, 2);
    drop(arriving);
    assert!(lock(&delivery.arrivals).last.is_empty());
}

#[test]
fn a_cursor_that_is_written_while_a_device_connects_is_not_lost() {
    let (ana, bo) = (session(1), session(2));
    let delivery = Delivery::default();
    let stream = StreamId::Conversation(CONVERSATION);
    delivery.acknowledged(&ana, stream, StreamRow(7), 5);
    let arriving = delivery.arrive();
    // read from the store with the cursor 1, then the newer one is written
    let mut read = membership(&ana, &bo);
    delivery.written(&delivery.behind());
    delivery.follow(&ana, &mut read, delivery.changes());
    assert_eq!(read.members.first().unwrap().cursor, 5);
    drop(arriving);
    delivery.written(&delivery.behind());
    assert!(delivery.behind().cursors.is_empty());
}

#[test]
fn what_reached_the_other_before_it_accepted_is_told_when_it_does() {
    let (ana, bo) = (session(1), session(2));
    let delivery = Delivery::default();
    let requester = Some(ana.identity.account);
    // Bo has read the entry, and nobody of the two was connected: this is the first that is known of their conversation
    let mut read = Membership {
        standing: Standing {
            requester,
            blockers: Vec::new(),
        },
        ..membership(&ana, &bo)
    };
    delivery.follow(&ana, &mut read, delivery.changes());
    let known = delivery.conversation(CONVERSATION).unwrap();
    assert_eq!(known.tell(ana.identity.account), None);
    assert!(ana.told_delivered().is_empty());
    delivery.accepted(CONVERSATION);
    assert_eq!(ana.told_delivered(), [(CONVERSATION, 1)]);
}

#[test]
fn signals_come_after_ready_and_only_while_a_member() {
    let (ana, bo) = (session(1), session(2));
    let delivery = Delivery::default();
    let mut read = membership(&ana, &bo);
    delivery.follow(&ana, &mut read, delivery.changes());
    let signal = || {
        let known = delivery.conversation(CONVERSATION).unwrap();
        let sender = bo.identity.device;
        known.signal(
            &bo,
            &SignalPush {
                conversation: CONVERSATION,
                sender,
                bytes: Opaque(Bytes::from_static(b"typing")),
                keep: false,
            },
            &Room::of(0),
        );
        ana.queued()
    };
    assert_eq!(signal(), 0, "its `ready` is not queued yet");
    ana.with_push(|push| {
        let stream = Stream::new(StreamRow(7), 1, 0, 1);
        push.attach(
            Stream::new(StreamRow(8), 0, 0, 0),
            vec![(CONVERSATION, stream)],
        );
    });
    assert_eq!(signal(), 1);
    ana.with_push(|push| push.leave(CONVERSATION, 2));
    assert_eq!(signal(), 1, "a commit removed it");
}

/// Bo's device came in by a commit: what is known of the two since.
fn entered(delivery: &Delivery, bo: &Arc<Session>, standing: Standing) {
    let registry = Registry::default();
    registry.insert(bo);
    let entry = Entry {
        seq: 2,
        sender: bo.identity.device,
        kind: EntryKind::Commit,
        incarnation: 0,
        epoch: 1,
        time: 0,
        client_id: ClientId::new([8; 16]),
        conversation: None,
        bytes: Opaque(Bytes::from_static(b"commit")),
        start: None,
    };
    let change = Change {
        conversation: CONVERSATION,
        stream: StreamRow(7),
        entry,
        joined: vec![Joined {
            member: member(bo),
            welcome: None,
        }],
        left: Vec::new(),
        standing,
        made: false,
    };
    delivery.changed(&registry, bo.identity.account, change);
}

fn keeps(delivery: &Delivery, of: &Arc<Session>) {
    let signal = SignalPush {
        conversation: CONVERSATION,
        sender: of.identity.device,
        bytes: Opaque(Bytes::from_static(b"busy")),
        keep: true,
    };
    let known = delivery.conversation(CONVERSATION).unwrap();
    known.signal(of, &signal, &delivery.room);
}

/// How many signals somebody gets that arrives now.
fn handed(delivery: &Delivery, to: &Arc<Session>) -> usize {
    to.with_push(|push| {
        let stream = Stream::new(StreamRow(7), 1, 0, 1);
        push.attach(
            Stream::new(StreamRow(8), 0, 0, 0),
            vec![(CONVERSATION, stream)],
        );
    });
    delivery.conversation(CONVERSATION).unwrap().hand_kept(to);
    to.kept_to_tell()
}

#[test]
fn who_comes_in_by_a_commit_is_heard_by_nobody_over_a_block_or_a_request() {
    let (ana, bo) = (session(1), session(2));
    let closed = [
        Standing {
            requester: None,
            blockers: vec![ana.identity.account],
        },
        Standing {
            requester: Some(bo.identity.account),
            blockers: Vec::new(),
        },
    ];
    for standing in closed {
        // nobody of the two followed the conversation before
        let delivery = Delivery::new(Room::of(1 << 20));
        entered(&delivery, &bo, standing.clone());
        let known = delivery.conversation(CONVERSATION).unwrap();
        assert!(!known.is_open());
        keeps(&delivery, &bo);
        // not even when it is over
        known.set_standing(Standing::default());
        assert_eq!(handed(&delivery, &session(1)), 0);
        keeps(&delivery, &bo);
        assert_eq!(handed(&delivery, &session(1)), 1);
    }
}

#[test]
fn what_was_kept_is_forgotten_when_the_conversation_closes() {
    let (ana, bo) = (session(1), session(2));
    let delivery = Delivery::new(Room::of(1 << 20));
    entered(&delivery, &bo, Standing::default());
    keeps(&delivery, &bo);
    // as a session reads it that follows before the block is carried out here
    let mut read = Membership {
        standing: Standing {
            requester: None,
            blockers: vec![ana.identity.account],
        },
        ..membership(&ana, &bo)
    };
    delivery.follow(&ana, &mut read, delivery.changes());
    assert_eq!(handed(&delivery, &ana), 0);
    let known = delivery.conversation(CONVERSATION).unwrap();
    known.set_standing(Standing::default());
    assert_eq!(handed(&delivery, &session(1)), 0);
}

#[test]
fn a_block_that_comes_while_a_device_connects_is_not_undone_by_what_was_read_before() {
    let (ana, bo) = (session(1), session(2));
    for is_followed in [true, false] {
        let delivery = Delivery::default();
        if is_followed {
            delivery.follow(&bo, &mut membership(&ana, &bo), delivery.changes());
        }
        let arriving = delivery.arrive();
        let changes = delivery.changes();
        let mut read = membership(&ana, &bo);
        delivery.blocked(CONVERSATION, ana.identity.account, true);
        delivery.follow(&ana, &mut read, changes);
        let known = delivery.conversation(CONVERSATION).unwrap();
        assert_eq!(known.is_open(), !is_followed);
        // where nobody knew of it, it shows that it has to be read again
        assert!(delivery.have_changed(&[CONVERSATION], changes));
        let changes = delivery.changes();
        read.standing.blockers.push(ana.identity.account);
        // what others do is none of its business
        delivery.accepted(ConversationId::new([0xc1; 16]));
        delivery.follow(&ana, &mut read, changes);
        assert!(!known.is_open() && !delivery.have_changed(&[CONVERSATION], changes));
        drop(arriving);
        assert!(lock(&delivery.arrivals).changed.is_empty());
    }
}

#[test]
fn a_connection_that_was_taken_over_hands_nothing_more_to_the_store() {
    let (former, newer) = (session(1), session(1));
    let registry = Registry::default();
    registry.insert(&former);
    let mut handed = Vec::new();
    assert!(former.hand_over(|| handed.push("in time")));
    registry.insert(&newer);
    assert!(!former.hand_over(|| handed.push("too late")));
    assert!(newer.hand_over(|| handed.push("newer")));
    assert_eq!(handed, ["in time", "newer"]);
}
