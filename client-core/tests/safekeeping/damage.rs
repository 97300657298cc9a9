use std::{
    fs::{self, OpenOptions},
    io::{Seek as _, SeekFrom, Write as _},
    path::Path,
};

use client_core::{
    model::{ConversationKey, ConversationState, OutgoingState},
    profile::{OpeningError, ProfileState},
    safekeeping::How,
    store::{
        Database, DatabaseKey, OpenError, conversations, mendings, messages, openings, outbox,
    },
};

use crate::{
    backups::{begin_to_open, opens_anew},
    home::{CONVERSATIONS, DAY, Home, NOW, insert_message, seams, text},
};

const PAGE: u64 = 4096;

fn overwrite(path: &Path, bytes: &[u8], at: u64) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Overwrites whole pages, the first one being 1.
pub(crate) fn destroy(path: &Path, pages: impl IntoIterator<Item = u64>) {
    for page in pages {
        overwrite(path, &[0; PAGE as usize], (page - 1) * PAGE);
    }
}

pub(crate) fn pages(path: &Path) -> u64 {
    fs::metadata(path).unwrap().len() / PAGE
}

/// Every message is one that was written, and in order.
fn are_genuine(texts: &[String]) {
    let mut numbers = texts.iter().map(|text| {
        let (number, _) = text.split_once(' ').unwrap();
        number.parse::<u32>().unwrap()
    });
    assert!(numbers.clone().is_sorted());
    assert!(numbers.all(|number| texts.contains(&text(number))));
}

/// No file of the profile shows what was written.
fn nothing_is_plain(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nothing_is_plain(&path);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        for secret in ["unmistakable plaintext", "SQLite format 3", "Person 1"] {
            let shown = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!shown, "{secret} in {}", path.display());
        }
    }
}

#[test]
fn a_database_that_is_in_order_is_not_touched() {
    let home = Home::with_messages(50);
    assert!(home.open().unwrap().mended.is_none());
    assert_eq!(home.texts().len(), 50);
    assert!(!home.account().join("relevo.db-open").exists());
}

#[test]
fn a_wrong_key_a_newer_version_and_damage_are_told_apart() {
    let home = Home::with_messages(50);
    let open = |key: &DatabaseKey| Database::open(&home.path(), key).err().unwrap();
    let other = DatabaseKey::new([9; 32]);
    let before = fs::read(home.path()).unwrap();
    assert!(matches!(open(&other), OpenError::WrongKey));
    assert_eq!(fs::read(home.path()).unwrap(), before);

    let database = home.database();
    let connection = database.connection();
    connection.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    assert!(matches!(open(&home.key), OpenError::Newer));
    assert!(matches!(home.open(), Err(OpeningError::Newer)));

    fs::write(home.path(), &before).unwrap();
    for first_page in [[0; 16].as_slice(), &[0; 64], &[0; 4096]] {
        overwrite(&home.path(), first_page, 0);
        assert!(matches!(open(&home.key), OpenError::Damaged(_)));
        assert!(matches!(open(&other), OpenError::WrongKey));
    }
    fs::write(home.path(), b"").unwrap();
    assert!(matches!(open(&home.key), OpenError::Damaged(_)));
    fs::remove_file(home.path()).unwrap();
    assert!(matches!(open(&home.key), OpenError::Damaged(_)));
}

#[test]
fn damaged_pages_cost_their_messages_and_no_others() {
    let home = Home::with_messages(400);
    let last = pages(&home.path());
    destroy(&home.path(), [last / 2, last / 2 + 3]);
    Database::doubt(&home.path()).unwrap();
    let opened = home.open().unwrap();
    let mended = opened.mended.unwrap();
    drop(opened.engine);
    let texts = home.texts();
    are_genuine(&texts);
    assert_eq!(mended.how, How::Salvaged);
    assert_eq!(mended.messages_kept, texts.len() as u64);
    let missing = 400 - texts.len() as u64;
    assert!(missing < 60, "{missing} are missing: {mended:?}");
    assert_eq!(mended.messages_missing, Some(missing));
    if missing > 0 {
        let since = mended.lost_since.unwrap();
        assert!((NOW..NOW + 400_000).contains(&since));
    }
    assert_eq!(
        home.profile.quarantines().unwrap(),
        std::slice::from_ref(&mended.quarantine)
    );
    let quarantined = mended.quarantine.join("relevo.db");
    assert_eq!(pages(&quarantined), last);
    nothing_is_plain(home.folder.path());
}

#[test]
fn what_waited_to_be_sent_is_neither_sent_unseen_nor_waits_for_ever() {
    let home = Home::with_messages(400);
    let key = ConversationKey(1);
    let mut engine = home.open().unwrap().engine;
    let lost = engine.send_text(key, "its queue is lost").unwrap();
    let unseen = engine.send_text(key, "its row is lost").unwrap();
    drop(engine);
    let database = home.database();
    database
        .connection()
        .execute_batch(
            "PRAGMA foreign_keys = OFF;
             DELETE FROM outbox WHERE message = (SELECT id FROM messages WHERE text = 'its queue is lost');
             DELETE FROM messages WHERE text = 'its row is lost';",
        )
        .unwrap();
    drop(database);
    let last = pages(&home.path());
    destroy(&home.path(), [last / 2]);
    Database::doubt(&home.path()).unwrap();
    let mut opened = home.open().unwrap();
    assert_eq!(opened.mended.unwrap().how, How::Salvaged);
    let waiting = |home: &Home| {
        let connection = Database::open_reader(&home.path(), &home.key).unwrap();
        let count = |sql| connection.query_row(sql, [], |row| row.get::<_, u32>(0));
        count("SELECT count(*) FROM outbox").unwrap()
    };
    assert_eq!(waiting(&home), 0);
    let failed = |home: &Home| {
        let database = Database::open_reader(&home.path(), &home.key).unwrap();
        let (_, message) = messages::own_row(&database, key, lost.id).unwrap();
        message.outgoing
    };
    assert_eq!(failed(&home), Some(OutgoingState::Failed));
    let again = opened.engine.retry(key, lost.id).unwrap();
    assert_eq!(again.outgoing, Some(OutgoingState::Queued));
    assert_eq!(waiting(&home), 1);
    // pressing twice queues once
    opened.engine.retry(key, lost.id).unwrap();
    assert_eq!(waiting(&home), 1);
    assert!(opened.engine.retry(key, unseen.id).is_err());
}

/// Changes a database as damage would, and has it mended.
fn lose(home: &Home, sql: &str) {
    assert_eq!(lose_rows(home, sql), How::Salvaged);
}

/// As [`lose`], and says from what it was mended.
pub(crate) fn lose_rows(home: &Home, sql: &str) -> How {
    let sql = format!("PRAGMA foreign_keys = OFF; {sql}");
    home.database().connection().execute_batch(&sql).unwrap();
    let last = pages(&home.path());
    destroy(&home.path(), [last / 2]);
    Database::doubt(&home.path()).unwrap();
    home.open().unwrap().mended.unwrap().how
}

#[test]
fn a_conversation_that_is_being_opened_goes_on_or_can_be_opened_anew() {
    let home = Home::with_messages(400);
    begin_to_open(&home);
    lose(&home, "");
    let database = home.database();
    let openings = openings::all(database.connection()).unwrap();
    assert_eq!(openings.len(), 1);
    let row = conversations::row(database.connection(), openings[0].conversation).unwrap();
    assert_eq!(row.state, ConversationState::Opening);
    drop(database);
    lose(&home, "DELETE FROM openings;");
    opens_anew(&home);
}

#[test]
fn what_was_done_since_a_copy_is_not_done_again() {
    let home = Home::with_messages(400);
    // as rows that only the copy had stand beside newer ones
    lose(
        &home,
        "UPDATE conversations SET incarnation = 2 WHERE key = 2;
         INSERT INTO openings (conversation, claim_id, client_id, incarnation)
             SELECT key, randomblob(16), randomblob(16), key FROM conversations WHERE key > 1;
         INSERT INTO openings (conversation, claim_id, client_id) VALUES (1, randomblob(16), randomblob(16));
         UPDATE messages SET state = 1 WHERE id = 1;
         INSERT INTO outbox (conversation, message, client_id, content) VALUES (1, 1, randomblob(16), x'00');",
    );
    let database = home.database();
    let openings = openings::all(database.connection()).unwrap();
    // one is not done: it leads beyond what is here
    let left: Vec<_> = openings.iter().map(|it| it.conversation).collect();
    assert_eq!(left, [ConversationKey(3)]);
    let queue = outbox::all(database.connection(), ConversationKey(1)).unwrap();
    assert!(queue.is_empty());
}

#[test]
fn the_message_pages_of_a_damaged_database_are_filled_from_the_copy() {
    let home = Home::with_messages(400);
    home.profile.copy_if_due(&home.key, NOW).unwrap();
    let mut database = home.database();
    database
        .write(|write| {
            for number in 400..500 {
                insert_message(write, number);
            }
            Ok(())
        })
        .unwrap();
    drop(database);
    let last = pages(&home.path());
    // pages that were there when the copy was made
    destroy(&home.path(), (last / 2)..(last / 2 + 6));
    Database::doubt(&home.path()).unwrap();
    let mended = home.open().unwrap().mended.unwrap();
    let texts = home.texts();
    are_genuine(&texts);
    assert!(matches!(mended.how, How::SalvagedAndCopy(_)), "{mended:?}");
    assert_eq!(texts.len(), 500, "{mended:?}");
    assert_eq!(mended.messages_missing, Some(0));
    assert_eq!(mended.lost_since, None);
}

#[test]
fn a_database_that_cannot_be_read_at_all_comes_from_the_copy() {
    for ruin in [
        |path: &Path| fs::remove_file(path).unwrap(),
        |path: &Path| fs::write(path, b"").unwrap(),
        |path: &Path| destroy(path, 1..=1),
        |path: &Path| destroy(path, 1..=pages(path)),
        |path: &Path| fs::write(path, vec![0x5a; 300_000]).unwrap(),
    ] {
        let home = Home::with_messages(100);
        home.profile.copy_if_due(&home.key, NOW).unwrap();
        ruin(&home.path());
        assert_ne!(home.profile.state().unwrap(), ProfileState::Empty);
        let mended = home.open().unwrap().mended.unwrap();
        assert_eq!(mended.how, How::Copy(NOW - NOW % 60_000));
        assert_eq!(home.texts().len(), 100);
        assert_eq!(mended.lost_since, Some(NOW - NOW % 60_000));
        let database = home.database();
        assert!(mendings::mls_lost(database.connection()).unwrap());
        nothing_is_plain(home.folder.path());
    }
}

#[test]
fn the_first_bytes_of_the_file_may_go() {
    let home = Home::with_messages(100);
    overwrite(&home.path(), &[0; 16], 0);
    let mended = home.open().unwrap().mended.unwrap();
    assert_eq!(mended.how, How::Salvaged);
    assert_eq!(mended.messages_missing, Some(0));
    assert_eq!(home.texts().len(), 100);
}

#[test]
fn without_a_copy_a_lost_database_is_a_question() {
    let home = Home::with_messages(100);
    fs::write(home.path(), vec![0x5a; 300_000]).unwrap();
    for _ in 0..2 {
        let opened = home.open();
        assert!(matches!(opened, Err(OpeningError::Lost(damage)) if !damage.missing));
        assert_eq!(fs::read(home.path()).unwrap(), vec![0x5a; 300_000]);
    }
    // the person wants the account without messages
    let opened = home
        .profile
        .open_without_messages(home.key.clone(), seams(NOW))
        .unwrap();
    assert_eq!(opened.mended.as_ref().unwrap().how, How::KeysOnly);
    assert_eq!(opened.mended.unwrap().lost_since, Some(0));
    drop(opened.engine);
    assert_eq!(home.texts().len(), 0);
    assert!(home.open().unwrap().mended.is_none());
}

#[test]
fn a_mending_is_told_until_the_person_has_read_it() {
    let home = Home::with_messages(100);
    destroy(&home.path(), [1]);
    home.profile.copy_if_due(&home.key, NOW).unwrap_err();
    overwrite(&home.path(), &[0; 16], 0);
    fs::remove_file(home.path()).unwrap();
    let lost = home.open();
    assert!(matches!(lost, Err(OpeningError::Lost(damage)) if damage.missing));
    assert!(home.profile.can_open_without_messages(&home.key));
    let opened = home
        .profile
        .open_without_messages(home.key.clone(), seams(NOW));
    let mended = opened.unwrap().mended.unwrap();
    assert!(home.open().unwrap().mended.is_none());
    let mut database = home.database();
    assert_eq!(mendings::untold(database.connection()).unwrap(), [mended]);
    database.write(mendings::set_told).unwrap();
    assert_eq!(mendings::untold(database.connection()).unwrap(), []);
}

/// Leaves the files of a process that was killed: a database and a log with committed messages.
fn killed(home: &Home, messages: std::ops::Range<u32>) {
    let mut database = home.database();
    for number in messages {
        database
            .write(|write| {
                insert_message(write, number);
                Ok(())
            })
            .unwrap();
    }
    let left = home.folder.path().join("left");
    fs::create_dir(&left).unwrap();
    let files = ["", "-wal", "-shm", "-open"].map(|suffix| format!("relevo.db{suffix}"));
    for file in &files {
        fs::copy(home.account().join(file), left.join(file)).unwrap();
    }
    drop(database);
    for file in &files {
        fs::copy(left.join(file), home.account().join(file)).unwrap();
    }
    fs::remove_dir_all(left).unwrap();
}

#[test]
fn a_killed_process_loses_nothing_and_is_no_damage() {
    let home = Home::with_messages(20);
    killed(&home, 20..40);
    assert!(home.open().unwrap().mended.is_none());
    assert_eq!(home.texts().len(), 40);
}

#[test]
fn a_log_that_lost_committed_messages_is_damage() {
    let cut = |log: &Path| {
        let len = fs::metadata(log).unwrap().len();
        let file = OpenOptions::new().write(true).open(log).unwrap();
        file.set_len(len / 2).unwrap();
    };
    let flip = |log: &Path| {
        let len = fs::metadata(log).unwrap().len();
        overwrite(log, &[0x55; 8], len / 2);
    };
    let remove = |log: &Path| fs::remove_file(log).unwrap();
    let empty = |log: &Path| fs::write(log, b"").unwrap();
    for ruin in [cut, flip, remove, empty] as [fn(&Path); 4] {
        let home = Home::with_messages(20);
        killed(&home, 20..40);
        ruin(&home.account().join("relevo.db-wal"));
        let mended = home.open().unwrap().mended.unwrap();
        assert_eq!(mended.how, How::Salvaged);
        let texts = home.texts();
        are_genuine(&texts);
        assert!((20..40).contains(&texts.len()), "{}", texts.len());
        assert_eq!(mended.messages_missing, None);
        assert!(mended.lost_since.is_some(), "{mended:?}");
    }
}

#[test]
fn an_index_that_a_power_cut_left_from_an_earlier_log_is_no_damage() {
    let home = Home::with_messages(20);
    killed(&home, 20..60);
    let index = home.account().join("relevo.db-shm");
    let old = fs::read(&index).unwrap();
    let database = home.database();
    // all of the log is in the database, and the next transaction begins it again
    database
        .connection()
        .query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))
        .unwrap();
    drop(database);
    killed(&home, 60..62);
    fs::write(&index, old).unwrap();
    assert!(home.open().unwrap().mended.is_none());
    assert_eq!(home.texts().len(), 62);
}

#[test]
fn a_log_and_its_index_that_are_removed_together_are_missed() {
    let home = Home::with_messages(20);
    killed(&home, 20..40);
    for file in ["relevo.db-wal", "relevo.db-shm"] {
        fs::remove_file(home.account().join(file)).unwrap();
    }
    let mended = home.open().unwrap().mended.unwrap();
    assert!(mended.damage.contains("log"), "{}", mended.damage);
    assert_eq!(mended.messages_kept, 20);
}

#[test]
fn a_mending_that_was_interrupted_is_finished() {
    let home = Home::with_messages(30);
    destroy(&home.path(), [1]);
    home.profile.copy_if_due(&home.key, NOW).unwrap_err();
    let file = OpenOptions::new().write(true).open(home.path()).unwrap();
    file.set_len(0).unwrap();
    // as it is after the damaged files were moved away and before the new one took their place
    let other = Home::with_messages(30);
    let damaged = home.account().join("quarantine-5");
    fs::create_dir(&damaged).unwrap();
    fs::rename(home.path(), damaged.join("relevo.db")).unwrap();
    fs::rename(other.path(), home.account().join("relevo.db.mended-5")).unwrap();
    home.open().err().unwrap();
    // the other profile's key
    assert_eq!(crate::home::texts(&home.path(), &other.key).len(), 30);
    assert!(damaged.join("relevo.db").exists());
    assert!(!home.account().join("relevo.db.mended-5").exists());
}

#[test]
fn lost_rows_leave_no_ids_to_be_used_again_and_no_dangling_rows() {
    let home = Home::with_messages(300);
    let last = pages(&home.path());
    destroy(&home.path(), (last - 12)..=last);
    Database::doubt(&home.path()).unwrap();
    let mended = home.open().unwrap().mended.unwrap();
    let database = home.database();
    let connection = database.connection();
    let dangling = connection
        .prepare("PRAGMA foreign_key_check")
        .unwrap()
        .exists([])
        .unwrap();
    assert!(!dangling);
    let sequence: i64 = connection
        .query_row(
            "SELECT seq FROM sqlite_sequence WHERE name = 'messages'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(sequence, 300, "{mended:?}");
    let behind: i64 = connection
        .query_row(
            "SELECT count(*) FROM messages m JOIN conversations c ON c.key = m.conversation
             LEFT JOIN streams s ON s.stream = c.conversation
             WHERE m.mine = 0 AND coalesce(s.cursor, 0) < m.seq",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(behind, 0);
    let conversations: u32 = connection
        .query_row("SELECT count(*) FROM conversations", [], |row| row.get(0))
        .unwrap();
    assert_eq!(conversations, CONVERSATIONS);
}

#[test]
fn a_copy_that_finds_damage_has_it_mended_at_the_next_opening() {
    let home = Home::with_messages(400);
    home.profile.copy_if_due(&home.key, NOW).unwrap();
    destroy(&home.path(), [pages(&home.path()) / 2]);
    // a clean end: nothing else would notice
    assert!(Database::open(&home.path(), &home.key).is_ok());
    let copied = home.profile.copy_if_due(&home.key, NOW + 2 * DAY);
    assert!(matches!(copied, Err(OpenError::Damaged(_))));
    let mended = home.open().unwrap().mended.unwrap();
    assert_eq!(mended.messages_missing, Some(0));
    assert_eq!(home.texts().len(), 400);
}
