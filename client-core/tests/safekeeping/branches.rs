//! Backups of a database that went back in time: each row number may have been given out twice.

use std::{
    fs,
    path::{Path, PathBuf},
};

use client_core::{
    backup::{self, BackupError},
    model::{ConversationKey, ConversationState, MessageKind},
    store::{Database, WriteTransaction, contacts, conversations, messages},
};
use protocol::{ClientId, ConversationId, MessageId};

use crate::{
    backups::{Safe, all, bring_back, gone_back, sorted},
    damage::{destroy, pages},
    home::{CODE, DAY, Home, NOW, insert_message, peer, random, seams},
};

/// How a database comes to be older than its backup.
#[derive(Clone, Copy)]
enum Back {
    /// It is lost, and mended from the copy of a day before.
    Mended,
    /// The person puts back files of before.
    PutBack,
}

const CAROL: u32 = 20;
const DAVE: u32 = 30;

fn begin(write: &WriteTransaction<'_>, who: u32, name: &str) -> ConversationKey {
    contacts::ensure(write, peer(who)).unwrap();
    contacts::set_name(write, peer(who), name).unwrap();
    let id = ConversationId::new([u8::try_from(who).unwrap(); 16]);
    conversations::insert(write, id, peer(who), ConversationState::Established, NOW).unwrap()
}

fn say(write: &WriteTransaction<'_>, conversation: ConversationKey, who: u32, text: &str) {
    let seq = u64::try_from(text.len()).unwrap() + 1000;
    let mut id = [u8::try_from(who).unwrap(); 32];
    id[..8].copy_from_slice(&seq.to_be_bytes());
    let message = messages::NewMessage {
        id: MessageId::new(id),
        conversation,
        seq: Some(seq),
        sender: peer(who),
        mine: false,
        kind: MessageKind::Text,
        text,
        content: text.as_bytes(),
        time: NOW,
        client_id: Some(ClientId::new(id[..16].try_into().unwrap())),
    };
    assert!(messages::insert(write, &message).unwrap().is_some());
}

fn secrets() -> Vec<String> {
    (1..=10).map(|number| "secret ".repeat(number)).collect()
}

fn texts_with(home: &Home, who: u32) -> Vec<String> {
    let database = home.database();
    let connection = database.connection();
    let key = conversations::key_of_peer(connection, peer(who)).unwrap();
    let page = messages::page(connection, key.unwrap(), None, 200).unwrap();
    let mut texts: Vec<_> = page.messages.into_iter().map(|it| it.text).collect();
    texts.sort();
    texts
}

/// Carol wrote after the copy and is in the backup alone; Dave wrote after the database went back.
fn carol_and_dave(back: Back) -> Safe {
    let safe = Safe::new(20);
    let home = &safe.home;
    safe.run().unwrap();
    home.profile.copy_if_due(&home.key, NOW - DAY).unwrap();
    let before = fs::read(home.path()).unwrap();
    safe.change(|write| {
        let carol = begin(write, CAROL, "Carol");
        for text in secrets() {
            say(write, carol, CAROL, &text);
        }
    });
    safe.run().unwrap();
    match back {
        Back::Mended => {
            fs::write(home.path(), vec![0x5a; 9000]).unwrap();
            drop(
                home.profile
                    .open_with(home.key.clone(), seams(NOW))
                    .unwrap(),
            );
        }
        Back::PutBack => fs::write(home.path(), before).unwrap(),
    }
    safe.change(|write| {
        let dave = begin(write, DAVE, "Dave");
        say(write, dave, DAVE, "hello from Dave");
    });
    safe.run().unwrap();
    safe
}

fn keeps_apart(home: &Home) {
    assert_eq!(texts_with(home, DAVE), ["hello from Dave"]);
    assert_eq!(texts_with(home, CAROL), secrets());
    assert_eq!(home.texts().len(), 31);
}

#[test]
fn texts_with_one_person_do_not_come_back_in_the_conversation_with_another() {
    for back in [Back::Mended, Back::PutBack] {
        let safe = carol_and_dave(back);
        assert_eq!(safe.rehearse().unwrap().messages, 31);
        // a new computer
        keeps_apart(&safe.restored());
        // the same one, also after more runs
        for _ in 0..2 {
            safe.run().unwrap();
        }
        assert_eq!(bring_back(&safe).unwrap(), 10);
        keeps_apart(&safe.home);
        assert_eq!(safe.run().unwrap().messages, 31);
        assert_eq!(safe.rehearse().unwrap().messages, 31);
        keeps_apart(&safe.restored());
        assert_eq!(backup::set_aside(safe.folder.path()).len(), 1);
    }
}

#[test]
fn a_mended_database_gives_no_key_of_a_conversation_out_again() {
    let safe = Safe::new(20);
    let home = &safe.home;
    home.profile.copy_if_due(&home.key, NOW - DAY).unwrap();
    let mut carol = None;
    safe.change(|write| carol = Some(begin(write, CAROL, "Carol")));
    fs::write(home.path(), vec![0x5a; 9000]).unwrap();
    drop(
        home.profile
            .open_with(home.key.clone(), seams(NOW))
            .unwrap(),
    );
    let mut dave = None;
    safe.change(|write| dave = Some(begin(write, DAVE, "Dave")));
    assert_ne!(carol, dave);
}

#[test]
fn a_lost_database_gets_back_what_two_branches_of_its_backup_have() {
    let safe = carol_and_dave(Back::PutBack);
    let home = &safe.home;
    fs::remove_dir_all(home.account().join("copies")).unwrap();
    fs::remove_file(home.path()).unwrap();
    let found = backup::open(safe.folder.path(), &CODE).unwrap();
    let opened = home
        .profile
        .open_with_backup(home.key.clone(), &found, seams(NOW));
    drop(opened.unwrap());
    keeps_apart(home);
    assert_eq!(safe.run().unwrap().messages, 31);
}

#[test]
fn what_was_written_after_going_back_does_not_bury_what_only_the_backup_has() {
    let safe = gone_back();
    safe.change(|write| (300..400).for_each(|number| insert_message(write, number)));
    assert_eq!(safe.run().unwrap().messages, 300);
    assert_eq!(safe.rehearse().unwrap().messages, 400);
    assert_eq!(sorted(&safe.restored()), all(400));
    assert_eq!(bring_back(&safe).unwrap(), 100);
    assert_eq!(bring_back(&safe).unwrap(), 0);
    assert_eq!(sorted(&safe.home), all(400));
    assert_eq!(safe.run().unwrap().messages, 400);
}

#[test]
fn a_database_that_goes_back_again_and_again_loses_nothing_that_was_backed_up() {
    let safe = Safe::new(10);
    let before = fs::read(safe.home.path()).unwrap();
    for branch in 1..=4 {
        fs::write(safe.home.path(), &before).unwrap();
        let numbers = branch * 10..(branch + 1) * 10;
        safe.change(|write| numbers.for_each(|number| insert_message(write, number)));
        assert_eq!(safe.run().unwrap().messages, 20);
    }
    assert_eq!(backup::set_aside(safe.folder.path()).len(), 3);
    assert_eq!(sorted(&safe.restored()), all(50));
    assert_eq!(bring_back(&safe).unwrap(), 30);
    assert_eq!(sorted(&safe.home), all(50));
}

#[test]
fn a_mark_that_was_taken_back_does_not_return_and_one_that_was_lost_does() {
    let safe = Safe::new(6);
    let change = |sql: &str| {
        safe.change(|write| write.connection().execute_batch(sql).unwrap());
    };
    change("UPDATE contacts SET root_key = randomblob(32), verified = 1");
    safe.run().unwrap();
    change(
        "UPDATE contacts SET verified = 0 WHERE name <> 'Person 2';
         UPDATE contacts SET root_key = NULL WHERE name = 'Person 1';",
    );
    bring_back(&safe).unwrap();
    let verified = safe
        .home
        .database()
        .connection()
        .prepare("SELECT verified FROM contacts ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<Vec<bool>, _>>()
        .unwrap();
    assert_eq!(verified, [false, true, true]);
}

#[test]
fn rows_that_a_damaged_database_lost_stay_in_the_backup() {
    let safe = Safe::new(400);
    let home = &safe.home;
    safe.run().unwrap();
    let last = pages(&home.path());
    destroy(&home.path(), [last / 2, last / 2 + 3, last / 2 + 6]);
    Database::doubt(&home.path()).unwrap();
    let mended = home.open().unwrap().mended.unwrap();
    assert!(mended.messages_kept < 400, "{mended:?}");
    for _ in 0..2 {
        assert_eq!(safe.run().unwrap().messages, mended.messages_kept);
        assert_eq!(safe.rehearse().unwrap().messages, 400);
    }
    assert_eq!(bring_back(&safe).unwrap(), 400 - mended.messages_kept);
    assert_eq!(sorted(home), all(400));
}

/// A run whose process ended before it was noted.
fn run_unnoted(safe: &Safe) {
    let home = &safe.home;
    let (job, _) = home.database().write(backup::begin).unwrap();
    backup::run(&home.path(), &home.key, &job, NOW, &mut random()).unwrap();
}

#[test]
fn a_run_that_ended_before_it_was_noted_sets_nothing_aside() {
    let safe = Safe::new(20);
    for number in 20..40 {
        run_unnoted(&safe);
        assert_eq!(safe.rehearse().unwrap().messages, u64::from(number));
        safe.change(|write| insert_message(write, number));
    }
    assert_eq!(safe.run().unwrap().messages, 40);
    assert_eq!(backup::set_aside(safe.folder.path()), [] as [PathBuf; 0]);
    assert_eq!(safe.segments().len(), 2);
    // the same folder once more
    safe.change(|write| backup::turn_on(write, &CODE, safe.folder.path(), b"other").unwrap());
    safe.run().unwrap();
    assert_eq!(backup::set_aside(safe.folder.path()), [] as [PathBuf; 0]);
}

/// Files of a folder, not of those within.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).collect()
}

#[test]
fn setting_aside_goes_on_in_the_same_place_wherever_it_was_interrupted() {
    // what there is of the place
    for step in ["nothing", "folder", "manifest", "all but the note"] {
        let safe = gone_back();
        let place = safe.folder.path().join("relevo-earlier-1");
        match step {
            "folder" => fs::create_dir(&place).unwrap(),
            "manifest" => {
                fs::create_dir(&place).unwrap();
                let manifest = safe.folder.path().join("relevo-backup");
                fs::copy(manifest, place.join("relevo-backup")).unwrap();
                assert_eq!(safe.rehearse().unwrap().messages, 300);
            }
            "all but the note" => {
                let former = files(safe.folder.path());
                run_unnoted(&safe);
                // and the last segments were not moved yet
                for path in former {
                    let moved = place.join(path.file_name().unwrap());
                    if path.extension().is_some() {
                        fs::rename(moved, path).unwrap();
                    }
                }
                assert_eq!(safe.rehearse().unwrap().messages, 300);
            }
            _ => {}
        }
        for _ in 0..2 {
            assert_eq!(safe.run().unwrap().messages, 200, "{step}");
            assert_eq!(safe.rehearse().unwrap().messages, 300, "{step}");
        }
        assert_eq!(backup::set_aside(safe.folder.path()), [place], "{step}");
        assert_eq!(safe.segments().len(), 2, "{step}");
        assert_eq!(sorted(&safe.restored()), all(300), "{step}");
        assert_eq!(bring_back(&safe).unwrap(), 100, "{step}");
    }
}

#[test]
fn a_test_restore_finds_damage_in_what_is_set_aside_and_a_restore_brings_the_rest() {
    let safe = gone_back();
    safe.run().unwrap();
    let place = safe.folder.path().join("relevo-earlier-1");
    let mut segments = files(&place);
    segments.retain(|path| path.extension().is_some());
    assert_eq!(segments.len(), 3);
    for path in segments {
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        *flipped.last_mut().unwrap() ^= 1;
        fs::write(&path, flipped).unwrap();
        assert!(matches!(safe.rehearse(), Err(BackupError::Damaged(_))));
        assert_eq!(sorted(&safe.restored()), all(200));
        // a person who deletes it knows
        fs::remove_file(&path).unwrap();
        assert_eq!(safe.rehearse().unwrap().messages, 200);
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(safe.rehearse().unwrap().messages, 300);
}

#[test]
fn what_could_not_be_opened_before_does_not_stand_beside_what_was_opened_since() {
    let safe = Safe::new(20);
    let seal = "UPDATE messages SET kind = 3, text = '', message_id = randomblob(32) WHERE id = 2";
    let sealed = "SELECT count(*) FROM messages WHERE kind = 3";
    let before = fs::read(safe.home.path()).unwrap();
    safe.change(|write| {
        insert_message(write, 20);
        write.connection().execute(seal, []).unwrap();
    });
    safe.run().unwrap();
    fs::write(safe.home.path(), before).unwrap();
    safe.run().unwrap();
    assert_eq!(bring_back(&safe).unwrap(), 1);
    let database = safe.home.database();
    let count: i64 = database
        .connection()
        .query_row(sealed, [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 0);
    drop(database);
    assert_eq!(sorted(&safe.restored()), all(21));
}
