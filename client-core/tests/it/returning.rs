//! A device that the relay does not know any more: it was restored from a backup of before.

use std::fs;

use client_core::{
    model::{ConnectionState, OfflineCause},
    restoring::Lost,
    seams::ConnectionId,
};
use protocol::{Bye, ErrorCode, Frame};
use relay_server::Relay;
use tokio::runtime::Handle;

use crate::{
    people::{Person, TestRelay, ana_and_luis},
    recovery::confirm_code,
    scripted::{Scripted, TLS_KEY},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_came_back_by_the_code_does_so_by_itself_after_a_restore_and_the_lost_device_is_out_again()
 {
    let mut relay = TestRelay::start().await;
    let (mut ana, with_luis, mut luis, with_ana) = ana_and_luis(&relay).await;
    ana.write(with_luis, "before").await;
    luis.until_texts(with_ana, &["before"]).await;
    let words = confirm_code(&mut luis).await;
    let copy = tempfile::tempdir().unwrap();
    let backup = copy.path().join("relay.db");
    let folder = relay.folder().to_owned();
    Relay::open(&folder).unwrap().backup(&backup).unwrap();
    let lost = Lost::parse(&words, &relay.invite().to_app()).unwrap();
    let mut anew = None;
    let meanwhile = async {
        let found = lost.find(&Handle::current()).await.unwrap();
        let mut person = Person::restore(None, &found).await;
        let with_ana = person.conversation_with("Ana").await;
        person.write(with_ana, "new computer").await;
        ana.until_last(with_luis, "new computer").await;
        relay.stop().await;
        for name in ["relay.db", "relay.db-wal", "relay.db-shm"] {
            // the last two are there only where the relay did not end by itself
            drop(fs::remove_file(folder.join(name)));
        }
        fs::copy(&backup, folder.join("relay.db")).unwrap();
        Relay::open(&folder).unwrap().mark_restored().unwrap();
        relay.start_again().await;
        // nobody does anything
        person.write(with_ana, "here again").await;
        ana.until_last(with_luis, "here again").await;
        (person, with_ana)
    };
    // the computer that was stolen is opened again when all that is done
    let mut stolen = luis
        .restart_after(|_, _| {
            let wait = || Handle::current().block_on(meanwhile);
            anew = Some(tokio::task::block_in_place(wait));
        })
        .await;
    stolen
        .until("it is out", async |client| {
            let cause = client.connection().await?.cause;
            Ok((cause == Some(OfflineCause::Revoked)).then_some(()))
        })
        .await;
    let (mut person, with_ana) = anew.unwrap();
    ana.write(with_luis, "the same Luis").await;
    person.until_last(with_ana, "the same Luis").await;
}

/// What Ana shows to the relay at her next attempt.
fn shown(ana: &mut Scripted) -> (ConnectionId, Frame) {
    let (connection, _) = ana.dialled();
    ana.open(connection, false);
    let challenge = ana.challenge(Some(TLS_KEY));
    ana.receive(connection, 0, &challenge.into());
    let mut sent = ana.sent();
    assert_eq!(sent.len(), 1, "{sent:?}");
    (connection, sent.remove(0).1)
}

/// The relay knows neither account nor device.
fn forgets(ana: &mut Scripted, connection: ConnectionId) {
    let bye = Bye {
        code: ErrorCode::NotAuthenticated,
        retry_after: None,
    };
    ana.receive(connection, 0, &bye.into());
}

#[test]
fn a_device_without_a_receipt_shows_its_list_once_more_and_keeps_the_first_receipt_that_it_gets() {
    let mut ana = Scripted::new();
    ana.online();
    ana.forget_receipt();
    let mut ana = ana.restarted();
    let (connection, frame) = shown(&mut ana);
    assert!(matches!(frame, Frame::Prove(_)), "{frame:?}");
    forgets(&mut ana, connection);
    ana.pass_until_wake();
    let (mut connection, frame) = shown(&mut ana);
    assert!(matches!(frame, Frame::Enroll(_)), "{frame:?}");
    for time in [7, 9] {
        let mut ready = ana.ready(50);
        ready.receipt.as_mut().unwrap().time = time;
        ana.receive(connection, 0, &ready.into());
        assert_eq!(ana.engine.connection().state, ConnectionState::Online);
        forgets(&mut ana, connection);
        ana.pass_until_wake();
        let (next, frame) = shown(&mut ana);
        let Frame::Register(register) = frame else {
            panic!("expected the receipt, not {frame:?}")
        };
        assert_eq!(register.receipt.unwrap().time, 7);
        connection = next;
    }
    // once in a row
    forgets(&mut ana, connection);
    assert_eq!(ana.engine.until_wake(), None);
    let cause = ana.engine.connection().cause;
    assert_eq!(cause, Some(OfflineCause::SignedOut));
}
