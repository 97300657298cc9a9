use std::fs;

use client_core::{
    safekeeping::Copied,
    store::{Database, OpenError},
};

use crate::home::{DAY, Home, NOW, insert_message, random, seams, texts};

fn copies(home: &Home) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(home.account().join("copies"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_copy_is_made_once_a_day_and_the_newest_three_are_kept() {
    let home = Home::with_messages(30);
    let copy = |now| home.profile.copy_if_due(&home.key, now).unwrap();
    let first = home.account().join("copies/relevo-20261122T1543.db");
    assert_eq!(copy(NOW), Copied::Made(first.clone()));
    assert_eq!(copy(NOW + DAY / 2), Copied::NotDue);
    for day in 1..5 {
        assert!(matches!(copy(NOW + day * DAY), Copied::Made(_)));
    }
    assert_eq!(
        copies(&home),
        [
            "relevo-20261124T1543.db",
            "relevo-20261125T1543.db",
            "relevo-20261126T1543.db"
        ]
    );
    assert!(!first.exists());
}

#[test]
fn a_copy_has_the_same_messages_and_is_encrypted() {
    let home = Home::with_messages(100);
    // the app is at work meanwhile
    let mut database = home.database();
    let Copied::Made(path) = home.profile.copy_if_due(&home.key, NOW).unwrap() else {
        panic!("a copy was due")
    };
    database
        .write(|write| {
            insert_message(write, 100);
            Ok(())
        })
        .unwrap();
    assert_eq!(texts(&path, &home.key).len(), 100);
    assert_eq!(texts(&path, &home.key), home.texts()[..100]);
    let bytes = fs::read(&path).unwrap();
    for secret in ["unmistakable plaintext", "SQLite format 3", "Person 1"] {
        assert!(
            !bytes
                .windows(secret.len())
                .any(|window| window == secret.as_bytes())
        );
    }
    assert_eq!(copies(&home), ["relevo-20261122T1543.db"]);
}

#[test]
fn a_copy_that_cannot_be_written_leaves_the_older_ones() {
    let home = Home::with_messages(100);
    home.profile.copy_if_due(&home.key, NOW).unwrap();
    let before = copies(&home);
    // something is in the way, as a full disk would be
    fs::create_dir(home.account().join("copies/relevo.partial")).unwrap();
    let copied = home.profile.copy_if_due(&home.key, NOW + DAY);
    assert!(matches!(copied, Err(OpenError::Failed(_))));
    fs::remove_dir(home.account().join("copies/relevo.partial")).unwrap();
    assert_eq!(copies(&home), before);
    assert!(home.open().unwrap().mended.is_none());
}

#[test]
fn a_database_of_an_older_form_is_copied_before_it_changes() {
    let home = Home::with_messages(30);
    let database = home.database();
    // as version 1 left it
    database
        .connection()
        .execute_batch(
            "DROP TRIGGER messages_changed_after_backup; DROP TRIGGER messages_removed_after_backup;
             DROP TABLE backup_changes; DROP TABLE backup; DROP TABLE mendings;
             ALTER TABLE account DROP COLUMN mls_lost; PRAGMA user_version = 1;",
        )
        .unwrap();
    drop(database);
    fs::create_dir_all(home.account().join("copies/relevo.partial")).unwrap();
    assert!(home.open().is_err(), "no copy, no migration");
    fs::remove_dir(home.account().join("copies/relevo.partial")).unwrap();
    assert!(home.open().unwrap().mended.is_none());
    let path = home.account().join("copies/relevo-20261122T1543.db");
    let version = |path| -> u32 {
        Database::open_reader(path, &home.key)
            .unwrap()
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap()
    };
    assert_eq!(version(&path), 1);
    assert!(version(&home.path()) > 1);
    // and the old form is still good for mending
    fs::remove_file(home.path()).unwrap();
    let opened = home
        .profile
        .open_with(home.key.clone(), seams(NOW))
        .unwrap();
    assert_eq!(opened.mended.unwrap().messages_kept, 30);
}

#[test]
fn what_was_wiped_does_not_live_on_in_old_copies() {
    let home = Home::with_messages(30);
    for day in 0..3 {
        home.profile
            .copy_if_due(&home.key, NOW + day * DAY)
            .unwrap();
    }
    home.profile
        .forget_what_was_wiped(&home.key, NOW + 3 * DAY, &mut random())
        .unwrap();
    assert_eq!(copies(&home), ["relevo-20261125T1543.db"]);
}
