use std::{fs, path::Path};

use client_core::{
    keyslots::Unlock,
    safekeeping::Copied,
    store::{Database, OpenError, account},
};

use crate::{
    golden,
    home::{CODE, DAY, Home, NOW, insert_message, random, seams, texts},
};

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
    let (folder, profile) = golden::profile();
    let key = profile.unlock(&Unlock::RecoveryCode(&CODE)).unwrap();
    let account = folder.path().join("account");
    let database = account.join("relevo.db");
    let version = |path: &Path| -> u32 {
        Database::open_reader(path, &key)
            .unwrap()
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .unwrap()
    };
    let before = version(&database);
    fs::create_dir_all(account.join("copies/relevo.partial")).unwrap();
    let opened = profile.open_with(key.clone(), seams(NOW));
    assert!(opened.is_err(), "no copy, no migration");
    assert_eq!(version(&database), before);
    fs::remove_dir(account.join("copies/relevo.partial")).unwrap();
    let opened = profile.open_with(key.clone(), seams(NOW)).unwrap();
    assert!(opened.mended.is_none());
    drop(opened);
    assert_eq!(
        version(&account.join("copies/relevo-20261122T1543.db")),
        before
    );
    assert!(version(&database) > before);
    // and the old form is still good for mending
    fs::remove_file(&database).unwrap();
    let opened = profile.open_with(key, seams(NOW)).unwrap();
    assert_eq!(opened.mended.unwrap().messages_kept, 20);
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
    // the clock went back, and what it dated before is from after now
    let earlier = NOW + 3 * DAY - 3_600_000;
    home.profile
        .forget_what_was_wiped(&home.key, earlier, &mut random())
        .unwrap();
    assert_eq!(copies(&home), ["relevo-20261125T1443-1.db"]);
}

#[test]
fn the_newest_copies_are_kept_and_used_although_the_clock_was_set_back() {
    // by hours, and by days: among the older copies, and before all of them
    for back in [DAY / 2, DAY + DAY / 4, 10 * DAY] {
        let home = Home::with_messages(3);
        let copy = |now| home.profile.copy_if_due(&home.key, now).unwrap();
        for day in 0..3 {
            assert!(matches!(copy(NOW + day * DAY), Copied::Made(_)));
        }
        let before = copies(&home);
        home.database()
            .write(|write| {
                insert_message(write, 3);
                Ok(())
            })
            .unwrap();
        let now = NOW + 2 * DAY - back;
        let Copied::Made(made) = copy(now) else {
            panic!("a copy was due")
        };
        let name = made.file_name().unwrap().to_str().unwrap();
        let mut expected = vec![before[1].clone(), before[2].clone(), name.to_owned()];
        expected.sort();
        assert_eq!(copies(&home), expected, "{back}");
        assert_eq!(copy(now + DAY / 2), Copied::NotDue);
        assert_eq!(
            home.profile.last_copy().unwrap(),
            Some(now / 60_000 * 60_000)
        );
        // and a lost database comes back as it was last
        fs::remove_file(home.path()).unwrap();
        let mended = home.open().unwrap().mended.unwrap();
        assert_eq!(mended.messages_kept, 4, "{back}");
        // the clock is right again
        assert!(matches!(copy(NOW + 3 * DAY), Copied::Made(_)));
        assert_eq!(copies(&home).len(), 3);
        let newest = home.profile.last_copy().unwrap().unwrap();
        assert_eq!(newest, (NOW + 3 * DAY) / 60_000 * 60_000);
    }
}

#[test]
fn what_was_wiped_is_remembered_until_no_copy_has_it() {
    let home = Home::with_messages(3);
    let due = || home.profile.must_forget(&home.key).unwrap();
    assert!(!due());
    home.database()
        .write(|write| account::confirm_recovery(write, &account::load(write.connection())?.keys))
        .unwrap();
    // the process ended here
    assert!(due());
    let mut opened = home
        .profile
        .open_with(home.key.clone(), seams(NOW))
        .unwrap();
    home.profile
        .forget_what_was_wiped(&home.key, NOW, &mut random())
        .unwrap();
    opened.engine.note_wiped().unwrap();
    assert!(!due());
    let log = fs::metadata(home.account().join("relevo.db-wal")).unwrap();
    // one page for the word that it is done
    assert!(log.len() < 8 * 4096, "{}", log.len());
}
