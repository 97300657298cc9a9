//! A relay that was restored from a backup, and what its clients do about it.

use std::process::Command;

use protocol::{ErrorCode, Fetch, Frame, Page, Ready, Receipt, StreamId, Token};
use relay_server::Relay;

use crate::{
    client::Client,
    people::{Device, Person, direct, draw},
    relay::{Pair, TestRelay, append},
};

const WIDTH: u64 = 1 << 32;

/// Stops a relay and starts it from a backup that was made before.
async fn restore(relay: TestRelay, backup: &std::path::Path) -> TestRelay {
    let (old, config) = relay.stop().await;
    std::fs::copy(
        old.path().join("identity-key"),
        backup.with_file_name("identity-key"),
    )
    .expect("the key beside the backup");
    let dir = tempfile::tempdir().expect("a directory");
    Relay::restore(dir.path(), backup).expect("restores");
    TestRelay::open(dir, config).await
}

fn back_up(relay: &TestRelay, folder: &tempfile::TempDir) -> std::path::PathBuf {
    let to = folder.path().join("backup");
    Relay::open_with(relay.dir.path(), relay.config.clone())
        .expect("opens")
        .backup(&to)
        .expect("backs up");
    to
}

async fn fetch(client: &mut Client, stream: StreamId, from: u64) -> Page {
    let limit = 100;
    match client
        .request(Fetch {
            stream,
            from,
            limit,
        })
        .await
    {
        Frame::Page(page) => page,
        other => panic!("no page: {other:?}"),
    }
}

/// Comes back by the receipt of the account.
async fn returns(
    relay: &TestRelay,
    person: &Person,
    device: &Device,
    receipt: Option<Receipt>,
) -> (Client, Ready) {
    let mut client = relay.dial().await;
    let token = Token::new(draw());
    let ready = client.register_with(person, device, token, receipt).await;
    (client, ready.expect("returns"))
}

#[tokio::test]
async fn clients_go_on_behind_the_gap_and_bring_what_was_lost() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    let folder = tempfile::tempdir().expect("a directory");
    pair.bo_client
        .append(pair.append(&[b"kept"]))
        .await
        .expect("appends");
    let backup = back_up(&relay, &folder);
    let lost = pair.append(&[b"lost"]);
    assert_eq!(
        pair.bo_client
            .append(lost.clone())
            .await
            .expect("appends")
            .seqs,
        [3]
    );
    let before = pair.bo_client.ready.as_ref().expect("ready").sent;

    let relay = restore(relay, &backup).await;
    let Pair {
        ana,
        bo,
        conversation,
        bo_group,
        ..
    } = pair;
    let mut ana_client = relay.login(ana.device()).await;
    // the backup may be older than the acknowledgement of the welcome
    ana_client.ack(StreamId::Inbox, 1).await;
    // what the backup holds and Ana has not acknowledged comes as ever
    let kept = ana_client.entries(stream, 1).await;
    assert_eq!((kept[0].seq, &kept[0].bytes.0[..]), (2, &b"kept"[..]));
    let mut bo_client = relay.login(bo.device()).await;
    assert_eq!(bo_client.ready.as_ref().expect("ready").sent, before + 2);
    // Bo offers again what was answered: it is new to this relay
    let again = bo_client.append(lost).await.expect("appends again");
    let [next] = again.seqs[..] else {
        panic!("one of each: {again:?}");
    };
    assert!(next > WIDTH + 2, "{next}");
    // a client whose cursor is past what the backup knows is told where to go on
    for from in [3, 4, 1000] {
        let page = fetch(&mut ana_client, stream, from).await;
        assert_eq!(page.base, next - 1, "from {from}");
        assert_eq!(page.entries[0].seq, next);
        assert_eq!(page.kept, 2, "from {from}");
    }
    assert_eq!(fetch(&mut ana_client, stream, 2).await.entries, kept);
    // and the pushes go on there
    let pushed = ana_client.entries(stream, 1).await;
    assert_eq!(
        (pushed[0].seq, &pushed[0].bytes.0[..]),
        (next, &b"lost"[..])
    );
    ana_client.ack(stream, next).await;
    let text = append(conversation, bo_group.epoch(), &[b"on"]);
    bo_client.append(text).await.expect("appends");
    assert_eq!(ana_client.entries(stream, 1).await[0].seq, next + 1);
}

#[tokio::test]
async fn news_tell_who_has_everything_where_to_go_on() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    pair.bo_client
        .append(pair.append(&[b"kept"]))
        .await
        .expect("appends");
    pair.ana_client.entries(stream, 1).await;
    pair.ana_client.ack(stream, 2).await;
    pair.bo_client.entries(stream, 1).await;
    pair.bo_client.delivered(pair.conversation, 2).await;
    // what was acknowledged is written when the relay stops
    let (dir, config) = relay.stop().await;
    let copy = Relay::open_with(dir.path(), config.clone()).expect("opens");
    copy.mark_restored().expect("marks");
    let relay = TestRelay::open(dir, config).await;
    let ana = relay.login(pair.ana.device()).await;
    let ready = ana.ready.expect("ready");
    let news: Vec<_> = ready
        .news
        .iter()
        .map(|news| (news.stream, news.last, news.base))
        .collect();
    for wanted in [stream, StreamId::Inbox] {
        let of = |(stream, ..): &&(StreamId, u64, u64)| *stream == wanted;
        let (_, last, base) = news.iter().find(of).expect("news");
        assert!(*last > WIDTH && last == base, "{news:?}");
    }
}

#[tokio::test]
async fn an_account_that_is_younger_than_the_backup_returns_with_its_receipt() {
    let relay = TestRelay::start().await;
    let folder = tempfile::tempdir().expect("a directory");
    let (mut ana, ana_client) = relay.person().await;
    let backup = back_up(&relay, &folder);
    let (bo, bo_client) = relay.person().await;
    let (ana_ready, ready) = (ana_client.ready, bo_client.ready);
    let receipt = ready.and_then(|ready| ready.receipt).expect("a receipt");
    let ana_receipt = ana_ready.and_then(|ready| ready.receipt);
    let relay = restore(relay, &backup).await;

    let mut client = relay.dial().await;
    let refused = client.login(bo.device()).await;
    assert_eq!(refused, Err(ErrorCode::NotAuthenticated));
    // a receipt of another account, and one that the relay did not sign
    let mut forged = receipt.clone();
    forged.time += 1;
    for wrong in [ana_receipt.clone(), Some(forged)] {
        let mut client = relay.dial().await;
        let token = Token::new(draw());
        let refused = client.register_with(&bo, bo.device(), token, wrong).await;
        assert_eq!(refused.err(), Some(ErrorCode::BadIdentity));
    }
    for _ in 0..2 {
        let mut client = relay.dial().await;
        let token = Token::new(draw());
        let receipt = Some(receipt.clone());
        let ready = client
            .register_with(&bo, bo.device(), token, receipt.clone())
            .await;
        assert_eq!(ready.expect("returns").receipt, receipt);
    }
    // an account that the backup knows with an older manifest brings the newer one
    ana.change(relay.id, true, &[]);
    ana.change(relay.id, true, &[]);
    let mut client = relay.dial().await;
    let token = Token::new(draw());
    let ready = client
        .register_with(&ana, &ana.devices[2], token, ana_receipt)
        .await
        .expect("returns");
    assert_eq!(ready.manifest, 3);
}

#[tokio::test]
async fn the_inbox_of_who_returns_goes_on_above_all_that_was_read_of_it() {
    let relay = TestRelay::start().await;
    let folder = tempfile::tempdir().expect("a directory");
    let backup = back_up(&relay, &folder);
    let pair = relay.pair().await;
    let receipt_of = |client: &Client| {
        let ready = client.ready.as_ref();
        ready.and_then(|ready| ready.receipt.clone())
    };
    let receipts = [receipt_of(&pair.ana_client), receipt_of(&pair.bo_client)];
    let Pair { mut ana, bo, .. } = pair;
    let relay = restore(relay, &backup).await;
    let inbox = |ready: &Ready| {
        let mut news = ready.news.iter();
        let news = news.find(|news| news.stream == StreamId::Inbox);
        news.map(|news| (news.last, news.base))
    };
    let [of_ana, of_bo] = receipts;
    let (mut ana_client, ready) = returns(&relay, &ana, ana.device(), of_ana.clone()).await;
    let (last, base) = inbox(&ready).expect("she is told where it goes on");
    assert!(last > WIDTH && last == base, "{last} {base}");
    // as she had read one entry
    let page = fetch(&mut ana_client, StreamId::Inbox, 2).await;
    assert_eq!((page.base, page.last, page.entries), (base, base, vec![]));
    ana_client.publish(ana.device(), 3).await;
    let (mut bo_client, _) = returns(&relay, &bo, bo.device(), of_bo).await;
    let packages = bo_client.claim(ana.account).await.packages;
    let (_, request) = direct(bo.device(), ana.account, None, &packages);
    bo_client.create(request).await.expect("creates");
    let welcome = ana_client.entries(StreamId::Inbox, 1).await.remove(0);
    assert_eq!(welcome.seq, base + 1);
    // a device of hers that the backup does not know either comes with a later list
    ana.change(relay.id, true, &[]);
    ana.change(relay.id, true, &[]);
    let (_, ready) = returns(&relay, &ana, &ana.devices[2], of_ana).await;
    assert!(inbox(&ready).is_some_and(|(last, base)| last > WIDTH && last == base));
    // and who comes for the first time begins where all begin
    let (_, client) = relay.person().await;
    assert_eq!(client.ready.as_ref().and_then(inbox), None);
}

#[tokio::test]
async fn a_restore_overwrites_nothing_and_needs_the_identity_key() {
    let relay = TestRelay::start().await;
    let folder = tempfile::tempdir().expect("a directory");
    let backup = back_up(&relay, &folder);
    let fails = |dir: &std::path::Path| {
        Relay::restore(dir, &backup)
            .err()
            .map(|error| format!("{error:#}"))
    };
    let target = tempfile::tempdir().expect("a directory");
    assert!(
        fails(target.path())
            .expect("no key")
            .contains("identity key")
    );
    assert!(
        fails(relay.dir.path())
            .expect("a relay")
            .contains("not empty")
    );
    // the key may be in the new directory
    let key = relay.dir.path().join("identity-key");
    std::fs::copy(key, target.path().join("identity-key")).expect("copies");
    let restored = Relay::restore(target.path(), &backup).expect("restores");
    assert_eq!(restored.relay_id(), relay.id);
    assert!(fails(target.path()).expect("twice").contains("not empty"));
}

#[tokio::test]
async fn a_restore_that_was_interrupted_is_done_again_and_a_database_that_was_not_is_kept() {
    let relay = TestRelay::start().await;
    let folder = tempfile::tempdir().expect("a directory");
    let backup = folder.path().join("backup");
    Relay::open_with(relay.dir.path(), relay.config.clone())
        .expect("opens")
        .backup(&backup)
        .expect("backs up");
    let key = folder.path().join("identity-key");
    std::fs::copy(relay.dir.path().join("identity-key"), &key).expect("copies");
    let target = tempfile::tempdir().expect("a directory");
    let (whole, draft) = (
        target.path().join("identity-key"),
        target.path().join("identity-key.draft"),
    );
    Relay::restore(target.path(), &backup).expect("restores");
    // killed before the identity key had its name
    std::fs::rename(&whole, &draft).expect("renames");
    let restored = Relay::restore(target.path(), &backup).expect("restores again");
    assert_eq!(restored.relay_id(), relay.id);
    assert!(whole.exists() && !draft.exists());
    // somebody lost the identity key: the database is not ours to remove
    std::fs::remove_file(&whole).expect("removes");
    let refused = Relay::restore(target.path(), &backup)
        .err()
        .expect("refused");
    assert!(format!("{refused:#}").contains("not empty"));
    assert!(target.path().join("relay.db").exists());
}

#[tokio::test]
async fn a_clock_behind_the_backup_is_asked_about() {
    let relay = TestRelay::start().await;
    let pair = relay.pair().await;
    let folder = tempfile::tempdir().expect("a directory");
    let backup = back_up(&relay, &folder);
    std::fs::copy(
        relay.dir.path().join("identity-key"),
        folder.path().join("identity-key"),
    )
    .expect("the key beside the backup");
    // made by a machine whose clock was in the year 2100
    let database = rusqlite::Connection::open(&backup).expect("opens");
    let changed = database
        .execute("UPDATE streams SET time = 4102444800000", ())
        .expect("writes");
    assert!(changed > 0);
    drop((database, pair));
    let target = folder.path().join("restored");
    let refused = Relay::restore(&target, &backup).err().expect("refused");
    let refused = format!("{refused:#}");
    assert!(
        refused.contains("2100-01-01 00:00:00 UTC") && refused.contains("--clock-is-right"),
        "{refused}"
    );
    // nothing of it is left in the way of the next attempt
    let restored = Relay::restore_by_confirmed_clock(&target, &backup).expect("restores");
    assert_eq!(restored.relay_id(), relay.id);
}

#[tokio::test]
async fn a_relay_that_is_restored_from_a_backup_of_last_season_goes_by_todays_time_at_once() {
    /// Ninety days, in milliseconds.
    const SEASON: u64 = 90 * 24 * 60 * 60 * 1000;
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let kept = pair.bo_client.append(pair.append(&[b"kept"])).await;
    kept.expect("appends");
    let folder = tempfile::tempdir().expect("a directory");
    let backup = back_up(&relay, &folder);
    let today = pair.bo_client.ready.as_ref().expect("ready").time;
    let database = rusqlite::Connection::open(&backup).expect("opens");
    for table in ["streams", "entries"] {
        let changed = database.execute(&format!("UPDATE {table} SET time = time - {SEASON}"), ());
        assert!(changed.expect("writes") > 0);
    }
    drop(database);
    let relay = restore(relay, &backup).await;
    let bo_client = relay.login(pair.bo.device()).await;
    let time = bo_client.ready.as_ref().expect("ready").time;
    assert!(time.abs_diff(today) < SEASON / 2, "{time} {today}");
    // and what the backup holds is delivered
    let mut ana_client = relay.login(pair.ana.device()).await;
    ana_client.ack(StreamId::Inbox, 1).await;
    let kept = ana_client.entries(pair.stream(), 1).await;
    assert_eq!(&kept[0].bytes.0[..], b"kept");
}

#[tokio::test]
async fn the_commands_do_it_while_the_relay_serves() {
    let relay = TestRelay::start().await;
    let folder = tempfile::tempdir().expect("a directory");
    let backup = folder.path().join("backup");
    let target = folder.path().join("restored");
    let command = |arguments: [&std::ffi::OsStr; 5]| {
        Command::new(env!("CARGO_BIN_EXE_relevo-relay"))
            .args(arguments)
            .output()
            .expect("runs")
    };
    let back_up = || {
        command([
            "backup".as_ref(),
            "--dir".as_ref(),
            relay.dir.path().as_ref(),
            "--to".as_ref(),
            backup.as_ref(),
        ])
    };
    let restore = || {
        command([
            "restore".as_ref(),
            "--dir".as_ref(),
            target.as_ref(),
            "--from".as_ref(),
            backup.as_ref(),
        ])
    };
    // the test relay is behind a proxy; the command reads that from the file
    let config = relay.config.to_commented_toml();
    std::fs::write(relay.dir.path().join("config.toml"), config).expect("writes");
    assert!(back_up().status.success());
    assert!(!back_up().status.success(), "nothing is overwritten");
    assert!(!restore().status.success(), "no identity key");
    let key = relay.dir.path().join("identity-key");
    std::fs::copy(key, folder.path().join("identity-key")).expect("copies");
    let restored = restore();
    assert!(restored.status.success(), "{restored:?}");
    assert!(!restore().status.success(), "nothing is overwritten");
    assert_eq!(Relay::open(&target).expect("opens").relay_id(), relay.id);
}
