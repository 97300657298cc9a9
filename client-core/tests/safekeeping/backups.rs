use std::{
    fs,
    path::{Path, PathBuf},
};

use client_core::{
    backup::{self, BackupError, Ran},
    content,
    keyslots::Protection,
    model::{ConversationKey, ConversationState, OutgoingState},
    profile::ProfileState,
    safekeeping::How,
    store::{Database, account, conversations, mendings, messages, openings, requests, search},
};
use protocol::{AccountId, ConversationId, MessageId};
use tempfile::TempDir;

use crate::home::{
    CODE, CONVERSATIONS, DAY, Home, NOW, SECRETIVE, insert_message, peer, random, seams, text,
};

const RECORD: &[u8] = b"the account's keys, wrapped by the caller";

pub(crate) struct Safe {
    pub(crate) home: Home,
    pub(crate) folder: TempDir,
}

impl Safe {
    pub(crate) fn new(messages: u32) -> Self {
        let safe = Self {
            home: Home::with_messages(messages),
            folder: tempfile::tempdir().unwrap(),
        };
        let mut database = safe.home.database();
        database
            .write(|write| backup::turn_on(write, &CODE, safe.folder.path(), RECORD))
            .unwrap();
        safe
    }

    pub(crate) fn run(&self) -> Result<Ran, BackupError> {
        let home = &self.home;
        let mut database = home.database();
        let (job, _) = database.write(backup::begin).unwrap();
        let ran = backup::run(&home.path(), &home.key, &job, NOW, &mut random())?;
        database.write(|write| backup::finish(write, &ran)).unwrap();
        Ok(ran)
    }

    pub(crate) fn change(&self, work: impl FnOnce(&client_core::store::WriteTransaction<'_>)) {
        self.home
            .database()
            .write(|write| {
                work(write);
                Ok(())
            })
            .unwrap();
    }

    pub(crate) fn rehearse(&self) -> Result<backup::Restored, BackupError> {
        let settings = backup::settings(self.home.database().connection());
        backup::rehearse(&settings.unwrap().unwrap())
    }

    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        files
    }

    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|path| path.extension().is_some());
        files
    }

    /// What a new device restores.
    pub(crate) fn restored(&self) -> Home {
        let opened = backup::open(self.folder.path(), &CODE).unwrap();
        assert_eq!(opened.record(), RECORD);
        let home = Home::new(&Protection::Unprotected);
        let mut database = home.database();
        database.write(|write| Ok(opened.restore(write)?)).unwrap();
        drop(database);
        home
    }
}

fn page(home: &Home, conversation: u32) -> Vec<client_core::model::Message> {
    let key = ConversationKey(i64::from(conversation + 1));
    let database = home.database();
    let page = messages::page(database.connection(), key, None, 200).unwrap();
    page.messages
}

#[test]
fn a_restored_backup_has_the_same_conversations_and_messages() {
    let safe = Safe::new(300);
    let ran = safe.run().unwrap();
    assert_eq!((ran.written, ran.messages), (300, 300));
    let home = safe.restored();
    assert_eq!(home.texts(), safe.home.texts());
    for conversation in 0..CONVERSATIONS {
        assert_eq!(page(&home, conversation), page(&safe.home, conversation));
    }
    let mut database = home.database();
    assert!(mendings::mls_lost(database.connection()).unwrap());
    while database
        .write(|write| search::index_some(write, 100))
        .unwrap()
        .0
    {}
    let hits = search::find(database.connection(), "mistakable", 10).unwrap();
    assert_eq!(hits.len(), 10);
    // a second restore would be over the first one
    let opened = backup::open(safe.folder.path(), &CODE).unwrap();
    let again = database.write(|write| Ok(opened.restore(write)?));
    assert!(again.unwrap_err().context().contains("in use"));
}

#[test]
fn a_restored_backup_shows_others_no_more_than_before() {
    let safe = Safe::new(10);
    safe.change(|write| {
        account::set_privacy(write, SECRETIVE).unwrap();
        account::set_handle(write, Some("ana")).unwrap();
    });
    safe.run().unwrap();
    let home = Home::new(&Protection::Unprotected);
    let mut opened = home.open().unwrap();
    assert_ne!(opened.engine.privacy(), SECRETIVE);
    let backup = backup::open(safe.folder.path(), &CODE).unwrap();
    opened.take_over(&backup).unwrap();
    // also before the app is started again
    for _ in 0..2 {
        assert_eq!(opened.engine.privacy(), SECRETIVE);
        assert_eq!(opened.engine.me().handle.as_deref(), Some("ana"));
        drop(opened);
        opened = home.open().unwrap();
    }
}

#[test]
fn a_run_writes_what_is_new_changed_or_gone() {
    let safe = Safe::new(100);
    safe.run().unwrap();
    assert_eq!(safe.run().unwrap().written, 0);
    safe.change(|write| {
        for number in 100..110 {
            insert_message(write, number);
        }
        messages::set_failed(write, 1).unwrap();
        messages::set_sent(write, 3, 5000, NOW + 1).unwrap();
        messages::replace_id(write, 5, MessageId::new([0xee; 32]), b"other").unwrap();
        messages::delete(write, 7).unwrap();
    });
    // set_failed leaves a message alone that was sent
    assert_eq!(safe.run().unwrap().written, 13);
    assert_eq!(safe.run().unwrap().written, 0);
    let home = safe.restored();
    assert_eq!(home.texts(), safe.home.texts());
    assert_eq!(home.texts().len(), 109);
    for conversation in 0..CONVERSATIONS {
        assert_eq!(page(&home, conversation), page(&safe.home, conversation));
    }
    assert_eq!(safe.rehearse().unwrap().messages, 109);
}

#[test]
fn what_changes_during_a_run_is_in_the_next_one() {
    let safe = Safe::new(50);
    let home = &safe.home;
    let mut database = home.database();
    let (job, _) = database.write(backup::begin).unwrap();
    database
        .write(|write| messages::set_sent(write, 3, 5000, NOW))
        .unwrap();
    let ran = backup::run(&home.path(), &home.key, &job, NOW, &mut random()).unwrap();
    database
        .write(|write| messages::set_sent(write, 3, 6000, NOW))
        .unwrap();
    database.write(|write| backup::finish(write, &ran)).unwrap();
    drop(database);
    assert_eq!(safe.run().unwrap().written, 1);
    assert_eq!(page(&safe.restored(), 2), page(home, 2));
}

#[test]
fn many_segments_become_one() {
    let safe = Safe::new(10);
    for number in 10..60 {
        safe.change(|write| insert_message(write, number));
        safe.run().unwrap();
        assert!(safe.segments().len() <= 34, "{}", safe.segments().len());
    }
    assert_eq!(safe.restored().texts(), safe.home.texts());
    assert_eq!(safe.rehearse().unwrap().messages, 60);
}

#[test]
fn the_folder_shows_no_text_and_opens_by_its_code_only() {
    let safe = Safe::new(100);
    safe.run().unwrap();
    for file in safe.files() {
        let bytes = fs::read(&file).unwrap();
        for secret in ["unmistakable", "Person 1", "keys, wrapped"] {
            let shown = bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!shown, "{secret} in {}", file.display());
        }
    }
    assert!(matches!(
        backup::open(safe.folder.path(), &[8; 32]),
        Err(BackupError::WrongCode)
    ));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(
        backup::open(empty.path(), &CODE),
        Err(BackupError::Missing)
    ));
}

#[test]
fn a_run_that_fails_leaves_the_former_backup_whole() {
    let safe = Safe::new(100);
    safe.run().unwrap();
    let before = safe.files();
    safe.change(|write| insert_message(write, 100));
    // the new manifest cannot be written
    let obstacle = safe.folder.path().join("relevo-backup.partial");
    fs::create_dir(&obstacle).unwrap();
    assert!(matches!(safe.run(), Err(BackupError::Failed(_))));
    fs::remove_dir(&obstacle).unwrap();
    assert_eq!(safe.files(), before);
    assert_eq!(safe.rehearse().unwrap().messages, 100);
    assert_eq!(safe.run().unwrap().written, 1);
    assert_eq!(safe.rehearse().unwrap().messages, 101);
}

#[test]
fn another_device_and_another_code_are_turned_away_from_a_folder() {
    let safe = Safe::new(10);
    safe.run().unwrap();
    for (code, expected) in [(CODE, "OtherDevice"), ([8; 32], "WrongCode")] {
        let other = Home::with_messages(10);
        let mut database = other.database();
        database
            .write(|write| backup::turn_on(write, &code, safe.folder.path(), RECORD))
            .unwrap();
        let (job, _) = database.write(backup::begin).unwrap();
        let ran = backup::run(&other.path(), &other.key, &job, NOW, &mut random());
        assert_eq!(format!("{:?}", ran.unwrap_err()), expected);
    }
    assert_eq!(safe.rehearse().unwrap().messages, 10);
}

#[test]
fn a_test_restore_finds_what_is_damaged_or_missing() {
    let safe = Safe::new(600);
    safe.run().unwrap();
    for file in safe.files() {
        let whole = fs::read(&file).unwrap();
        let damages: [Option<Vec<u8>>; 5] = [
            None,
            Some(Vec::new()),
            Some(whole[..whole.len() / 2].to_vec()),
            Some([&whole[..], b"more"].concat()),
            Some({
                let mut flipped = whole.clone();
                flipped[whole.len() / 2] ^= 1;
                flipped
            }),
        ];
        for damage in damages {
            match damage {
                None => fs::remove_file(&file).unwrap(),
                Some(bytes) => fs::write(&file, bytes).unwrap(),
            }
            let rehearsed = safe.rehearse();
            assert!(
                matches!(
                    rehearsed,
                    Err(BackupError::Damaged(_) | BackupError::Missing)
                ),
                "{}: {rehearsed:?}",
                file.display()
            );
        }
        fs::write(&file, whole).unwrap();
        safe.rehearse().unwrap();
    }
    // segments cannot change places either
    let segments = safe.segments();
    let (first, second) = (
        fs::read(&segments[0]).unwrap(),
        fs::read(&segments[1]).unwrap(),
    );
    fs::write(&segments[0], second).unwrap();
    fs::write(&segments[1], first).unwrap();
    assert!(matches!(safe.rehearse(), Err(BackupError::Damaged(_))));
    // and a run writes a folder anew that lost its files
    fs::remove_file(&segments[0]).unwrap();
    fs::remove_file(&segments[1]).unwrap();
    assert_eq!(safe.run().unwrap().written, 600);
    safe.rehearse().unwrap();
}

#[test]
fn foreign_files_in_the_folder_are_left_alone() {
    let safe = Safe::new(10);
    let names = [
        "holiday.jpg",
        "segment-1.relevo",
        "segment-.relevo",
        "notes.partial",
    ];
    for name in names {
        fs::write(safe.folder.path().join(name), b"mine").unwrap();
    }
    let rest = format!("segment-{}.relevo.partial", "ab".repeat(16));
    fs::write(safe.folder.path().join(&rest), b"rest").unwrap();
    safe.run().unwrap();
    safe.run().unwrap();
    for name in names {
        assert_eq!(fs::read(safe.folder.path().join(name)).unwrap(), b"mine");
    }
    assert!(!safe.folder.path().join(rest).exists());
    assert_eq!(safe.files().len(), names.len() + 3);
}

#[test]
fn messages_that_a_damaged_database_lost_come_back_from_the_backup() {
    let safe = Safe::new(200);
    let home = &safe.home;
    // a copy of yesterday knows less than the backup of today
    home.profile.copy_if_due(&home.key, NOW - DAY).unwrap();
    safe.change(|write| (200..300).for_each(|number| insert_message(write, number)));
    safe.run().unwrap();
    fs::write(home.path(), vec![0x5a; 9000]).unwrap();
    let opened = home.profile.open_with(home.key.clone(), seams(NOW));
    assert_eq!(opened.unwrap().mended.unwrap().messages_kept, 200);
    // the next run does not throw away what only the backup has
    assert_eq!(safe.run().unwrap().messages, 200);
    assert_eq!(safe.rehearse().unwrap().messages, 300);
    let mut database = home.database();
    let settings = backup::settings(database.connection()).unwrap().unwrap();
    let opened = backup::open_with_key(&settings).unwrap();
    let (filled, _) = database.write(|write| Ok(opened.fill(write)?)).unwrap();
    assert_eq!(filled.messages, 100);
    drop(database);
    assert_eq!(sorted(home), all(300));
    assert_eq!(safe.run().unwrap().messages, 300);
    assert_eq!(safe.rehearse().unwrap().messages, 300);
    assert_eq!(safe.segments().len(), 2);
}

/// The texts, whatever the order of their rows.
pub(crate) fn sorted(home: &Home) -> Vec<String> {
    let mut texts = home.texts();
    texts.sort();
    texts
}

pub(crate) fn all(messages: u32) -> Vec<String> {
    let mut texts: Vec<_> = (0..messages).map(text).collect();
    texts.sort();
    texts
}

/// A database that went back in time: 100 messages are in the backup alone.
pub(crate) fn gone_back() -> Safe {
    let safe = Safe::new(200);
    let home = &safe.home;
    safe.run().unwrap();
    home.profile.copy_if_due(&home.key, NOW - DAY).unwrap();
    safe.change(|write| (200..300).for_each(|number| insert_message(write, number)));
    safe.run().unwrap();
    fs::write(home.path(), vec![0x5a; 9000]).unwrap();
    let opened = home.profile.open_with(home.key.clone(), seams(NOW));
    assert_eq!(opened.unwrap().mended.unwrap().messages_kept, 200);
    safe
}

/// Damages one file, lets two runs pass, puts the file back, lets `after` more pass, and brings back from `from`.
fn lose_and_put_back(damaged: &str, flipped: bool, back: &str, after: usize, from: &str) {
    let safe = gone_back();
    let path = if damaged == "segment" {
        let mut segments = safe.segments();
        segments.sort_by_key(|path| fs::metadata(path).unwrap().len());
        segments.pop().unwrap()
    } else {
        safe.folder.path().join(damaged)
    };
    let whole = fs::read(&path).unwrap();
    if flipped {
        let mut bytes = whole.clone();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
    } else {
        fs::remove_file(&path).unwrap();
    }
    for _ in 0..2 {
        assert_eq!(safe.run().unwrap().messages, 200);
        assert_eq!(safe.rehearse().unwrap().messages, 200);
        assert_eq!(safe.segments().len(), 2);
    }
    let place = safe.folder.path().join(back);
    fs::write(place.join(path.file_name().unwrap()), whole).unwrap();
    for _ in 0..after {
        safe.run().unwrap();
    }
    let from = match from {
        "" => safe.folder.path().to_owned(),
        aside => safe.folder.path().join(aside),
    };
    assert_eq!(bring_back_from(&safe, &from).unwrap(), 100);
    assert_eq!(sorted(&safe.home), all(300));
    assert_eq!(safe.run().unwrap().messages, 300);
    assert_eq!(safe.rehearse().unwrap().messages, 300);
}

#[test]
fn a_segment_that_is_away_costs_no_message_that_only_the_backup_has() {
    for place in ["", "relevo-earlier-1"] {
        lose_and_put_back("segment", false, place, 2, "relevo-earlier-1");
    }
}

#[test]
fn a_manifest_that_is_away_or_damaged_costs_no_message_that_only_the_backup_has() {
    for flipped in [false, true] {
        lose_and_put_back("relevo-backup", flipped, "", 0, "");
        lose_and_put_back("relevo-backup", flipped, "", 2, "");
        let aside = "relevo-earlier-1";
        lose_and_put_back("relevo-backup", flipped, aside, 2, aside);
    }
}

#[test]
fn what_a_database_took_over_before_it_went_back_stands_for_no_later_run() {
    let safe = Safe::new(200);
    let home = &safe.home;
    safe.run().unwrap();
    assert_eq!(bring_back(&safe).unwrap(), 0);
    home.profile.copy_if_due(&home.key, NOW + DAY).unwrap();
    safe.run().unwrap();
    safe.change(|write| (200..300).for_each(|number| insert_message(write, number)));
    safe.run().unwrap();
    fs::write(home.path(), vec![0x5a; 9000]).unwrap();
    let opened = home.profile.open_with(home.key.clone(), seams(NOW));
    assert_eq!(opened.unwrap().mended.unwrap().messages_kept, 200);
    assert_eq!(safe.run().unwrap().messages, 200);
    assert_eq!(bring_back(&safe).unwrap(), 100);
}

#[test]
fn a_folder_takes_few_backups_set_aside_and_then_refuses_instead_of_deleting() {
    let safe = Safe::new(10);
    let manifest = safe.folder.path().join("relevo-backup");
    let mut refused = None;
    for times in 0..10 {
        if let Err(error) = safe.run() {
            refused = Some((times, error));
            break;
        }
        let mut bytes = fs::read(&manifest).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&manifest, bytes).unwrap();
    }
    let before = safe.files();
    assert!(matches!(refused, Some((9, BackupError::Damaged(_)))));
    assert!(matches!(safe.run(), Err(BackupError::Damaged(_))));
    assert_eq!(safe.files(), before);
    assert_eq!(safe.segments().len(), 2);
    // a person is told where they are
    let told = backup::set_aside(safe.folder.path());
    let earlier = |number| safe.folder.path().join(format!("relevo-earlier-{number}"));
    assert_eq!(told, (1..=8).map(earlier).collect::<Vec<_>>());
}

/// What a backup brings back into an account at work.
pub(crate) fn bring_back(safe: &Safe) -> Result<u64, BackupError> {
    bring_back_from(safe, safe.folder.path())
}

fn bring_back_from(safe: &Safe, folder: &Path) -> Result<u64, BackupError> {
    let found = backup::open(folder, &CODE)?.read()?;
    let brought = safe.home.open().unwrap().engine.bring_back(&found)?;
    assert_eq!(brought.time, NOW);
    Ok(brought.messages)
}

#[test]
fn an_account_at_work_gets_back_what_it_lost() {
    let safe = Safe::new(300);
    safe.run().unwrap();
    safe.change(|write| {
        let sql = "DELETE FROM messages WHERE id > 200";
        write.connection().execute(sql, []).unwrap();
        insert_message(write, 300);
    });
    assert_eq!(bring_back(&safe).unwrap(), 100);
    assert_eq!(bring_back(&safe).unwrap(), 0, "nothing twice");
    assert_eq!(sorted(&safe.home), all(301));
    assert_eq!(safe.run().unwrap().messages, 301);
    assert_eq!(safe.rehearse().unwrap().messages, 301);
}

#[test]
fn what_comes_back_finds_its_conversation_whatever_its_number_is_here() {
    let safe = Safe::new(30);
    safe.run().unwrap();
    let before: Vec<_> = (0..CONVERSATIONS).map(|it| page(&safe.home, it)).collect();
    // as on another computer: one conversation under another number, one unknown, messages of other numbers
    safe.change(|write| {
        let sql = "DELETE FROM messages;
             DELETE FROM conversations WHERE key = 3;
             UPDATE conversations SET key = 9 WHERE key = 1;
             UPDATE contacts SET name = '', verified = 0;";
        write.connection().execute_batch(sql).unwrap();
    });
    assert_eq!(bring_back(&safe).unwrap(), 30);
    let database = safe.home.database();
    let connection = database.connection();
    for (number, former) in (0..CONVERSATIONS).zip(before) {
        let key = contacts_key(connection, peer(number));
        let page = messages::page(connection, key, None, 200).unwrap();
        let ids = |messages: &[client_core::model::Message]| -> Vec<_> {
            messages
                .iter()
                .map(|message| (message.id, message.position))
                .collect()
        };
        assert_eq!(ids(&page.messages), ids(&former));
    }
    let wanted: i64 = connection
        .query_row("SELECT count(*) FROM rejoins", [], |row| row.get(0))
        .unwrap();
    assert_eq!(wanted, 1, "the unknown one is entered from outside");
}

fn contacts_key(connection: &rusqlite::Connection, peer: AccountId) -> ConversationKey {
    let sql = "SELECT key FROM conversations WHERE peer = ?1";
    let key = connection.query_row(sql, [peer.as_bytes()], |row| row.get(0));
    ConversationKey(key.unwrap())
}

#[test]
fn a_sealed_message_comes_back_open_and_an_unsent_one_waits_for_the_person() {
    let safe = Safe::new(6);
    safe.change(|write| {
        let sql = "UPDATE messages SET mine = 1, seq = NULL, state = 0, position = (1 << 50) + id WHERE id = 6";
        write.connection().execute(sql, []).unwrap();
    });
    safe.run().unwrap();
    safe.change(|write| {
        let sql =
            "UPDATE messages SET kind = 3, text = '', message_id = randomblob(32) WHERE id = 2;
             DELETE FROM messages WHERE id = 6";
        write.connection().execute_batch(sql).unwrap();
    });
    assert_eq!(bring_back(&safe).unwrap(), 2);
    let database = safe.home.database();
    let count = |sql: &str| -> i64 {
        let counted = database.connection().query_row(sql, [], |row| row.get(0));
        counted.unwrap()
    };
    assert_eq!(count("SELECT count(*) FROM messages WHERE kind = 3"), 0);
    assert_eq!(count("SELECT count(*) FROM messages"), 6);
    assert_eq!(count("SELECT count(*) FROM messages WHERE state = 2"), 1);
}

/// Somebody to whom a conversation is being opened.
fn awaited() -> AccountId {
    peer(40)
}

/// Opens a conversation without a connection, and writes a text that waits in it.
pub(crate) fn begin_to_open(home: &Home) {
    let mut engine = home.open().unwrap().engine;
    let key = engine.open_account(awaited()).unwrap();
    engine.send_text(key, "are you there?").unwrap();
}

fn state_of_awaited(home: &Home) -> (ConversationState, Option<OutgoingState>) {
    let database = home.database();
    let key = contacts_key(database.connection(), awaited());
    let row = conversations::row(database.connection(), key).unwrap();
    let page = messages::page(database.connection(), key, None, 10).unwrap();
    (row.state, page.messages[0].outgoing)
}

/// The person opens it anew; the text goes along, and out if the person says so.
pub(crate) fn opens_anew(home: &Home) {
    let (refused, failed) = (ConversationState::Refused, OutgoingState::Failed);
    assert_eq!(state_of_awaited(home), (refused, Some(failed)));
    let mut engine = home.open().unwrap().engine;
    let key = engine.open_account(awaited()).unwrap();
    let reader = Database::open_reader(&home.path(), &home.key).unwrap();
    assert!(openings::load(&reader, key).unwrap().is_some());
    let page = messages::page(&reader, key, None, 10).unwrap();
    let again = engine.retry(key, page.messages[0].id).unwrap();
    assert_eq!(again.outgoing, Some(OutgoingState::Queued));
    let row = conversations::row(&reader, key).unwrap();
    let (number, _) = messages::own_row(&reader, key, again.id).unwrap();
    let bytes = messages::content(&reader, number).unwrap();
    let (own, relay) = (engine.me().account, engine.relay());
    let id = content::message_id(relay, own, row.conversation, &bytes);
    assert_eq!(again.id, id, "by the id by which the other will have it");
    drop((reader, engine));
    let (opening, queued) = (ConversationState::Opening, OutgoingState::Queued);
    assert_eq!(state_of_awaited(home), (opening, Some(queued)));
}

#[test]
fn a_conversation_that_was_being_opened_when_it_was_backed_up_can_be_opened_anew() {
    let safe = Safe::new(6);
    begin_to_open(&safe.home);
    safe.run().unwrap();
    opens_anew(&safe.restored());
    // the same computer, which had begun anew; what it opens now goes on
    safe.change(|write| {
        let sql = "DELETE FROM outbox; DELETE FROM openings; DELETE FROM messages; DELETE FROM conversations";
        write.connection().execute_batch(sql).unwrap();
    });
    let mut engine = safe.home.open().unwrap().engine;
    let other = engine.open_account(peer(41)).unwrap();
    let waits = engine.send_text(other, "wait").unwrap();
    drop(engine);
    assert_eq!(bring_back(&safe).unwrap(), 7);
    let database = safe.home.database();
    let row = conversations::row(database.connection(), other).unwrap();
    assert_eq!(row.state, ConversationState::Opening);
    let (_, waits) = messages::own_row(database.connection(), other, waits.id).unwrap();
    assert_eq!(waits.outgoing, Some(OutgoingState::Queued));
    drop(database);
    opens_anew(&safe.home);
}

#[test]
fn a_request_that_was_declined_before_it_was_backed_up_stays_declined() {
    let safe = Safe::new(6);
    let declined = ConversationId::new([77; 16]);
    safe.change(|write| requests::decline(write, declined, peer(50), NOW).unwrap());
    let accepted = ConversationId::new([0; 16]);
    safe.change(|write| requests::decline(write, accepted, peer(0), NOW).unwrap());
    safe.run().unwrap();
    safe.change(|write| {
        let sql = "DELETE FROM declined";
        write.connection().execute(sql, []).unwrap();
    });
    assert_eq!(bring_back(&safe).unwrap(), 0);
    let database = safe.home.database();
    let is_declined = |it| requests::is_declined(database.connection(), it).unwrap();
    assert!(is_declined(declined));
    assert!(!is_declined(accepted), "it is here");
}

#[test]
fn the_backup_of_another_account_brings_nothing() {
    let (safe, other) = (Safe::new(3), Safe::new(3));
    other.run().unwrap();
    let found = backup::open(other.folder.path(), &CODE).unwrap();
    let found = found.read().unwrap();
    let refused = safe.home.open().unwrap().engine.bring_back(&found);
    assert!(matches!(refused, Err(BackupError::OtherAccount)));
    assert_eq!(safe.home.texts().len(), 3);
}

#[test]
fn failures_are_counted_from_the_first_until_a_run_ends_well() {
    let safe = Safe::new(3);
    let problem = || {
        let settings = backup::settings(safe.home.database().connection());
        settings.unwrap().unwrap().problem
    };
    assert_eq!(problem(), None);
    for (day, why) in [(0, "folder"), (1, "diskFull")] {
        safe.change(|write| backup::note_failure(write, NOW + day * DAY, why).unwrap());
        assert_eq!(problem(), Some((NOW, why.to_owned())));
    }
    safe.run().unwrap();
    assert_eq!(problem(), None);
}

#[test]
fn a_test_restore_is_remembered() {
    let safe = Safe::new(10);
    let settings = || {
        backup::settings(safe.home.database().connection())
            .unwrap()
            .unwrap()
    };
    assert_eq!((settings().last_run, settings().rehearsed), (None, None));
    safe.run().unwrap();
    assert_eq!(settings().last_run, Some(NOW));
    safe.change(|write| backup::note_rehearsal(write, NOW, None).unwrap());
    assert_eq!(settings().rehearsed, Some((NOW, None)));
    let why = Some("the disk is gone".to_owned());
    safe.change(|write| backup::note_rehearsal(write, NOW + 1, why.as_deref()).unwrap());
    assert_eq!(settings().rehearsed, Some((NOW + 1, why)));
    safe.change(|write| backup::turn_off(write).unwrap());
    let database = safe.home.database();
    assert!(backup::settings(database.connection()).unwrap().is_none());
}

#[test]
fn a_lost_database_is_filled_from_the_backup_and_backed_up_again() {
    let safe = Safe::new(300);
    safe.run().unwrap();
    let home = &safe.home;
    let texts = home.texts();
    fs::remove_file(home.path()).unwrap();
    let other = Safe::new(3);
    other.run().unwrap();
    let foreign = backup::open(other.folder.path(), &CODE).unwrap();
    let open = |backup| {
        home.profile
            .open_with_backup(home.key.clone(), backup, seams(NOW))
    };
    assert!(matches!(open(&foreign), Err(BackupError::OtherAccount)));
    assert!(!home.path().exists(), "nothing was changed");

    let backup = backup::open(safe.folder.path(), &CODE).unwrap();
    open(&backup).unwrap();
    assert_eq!(home.texts(), texts);
    let database = home.database();
    let [mended] = mendings::untold(database.connection())
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!((mended.how, mended.messages_kept), (How::Backup(NOW), 300));
    assert_eq!(mended.lost_since, Some(NOW));
    assert!(mendings::mls_lost(database.connection()).unwrap());
    drop(database);
    assert_eq!(safe.run().unwrap().messages, 300);
    assert_eq!(safe.rehearse().unwrap().messages, 300);
}

#[test]
fn an_account_that_nothing_opens_is_put_aside_and_kept() {
    let home = Home::new(&Protection::Unprotected);
    let before = fs::read(home.path()).unwrap();
    for name in ["keys", "keys-copy"] {
        fs::write(home.account().join(name), "damaged").unwrap();
    }
    assert!(home.profile.state().is_err());
    let aside = home.profile.put_aside(NOW).unwrap();
    assert_eq!(home.profile.state().unwrap(), ProfileState::Empty);
    assert_eq!(fs::read(aside.join("relevo.db")).unwrap(), before);
}
