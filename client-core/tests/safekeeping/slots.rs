use std::fs;

use client_core::{
    Error, ErrorKind,
    keyslots::{
        self, KeyringTrouble, Protection, SlotKind, SlotTrouble, Trouble, Unlock, UnlockError,
    },
    profile::ProfileState,
};
use zeroize::Zeroizing;

use crate::home::{CODE, Home, PASSPHRASE, passphrase, random, recovery_code};

/// How a slot of each kind is made, and what opens it.
fn all_protections() -> Vec<Protection> {
    vec![
        Protection::Keyring,
        passphrase(PASSPHRASE),
        recovery_code(),
        Protection::Unprotected,
    ]
}

fn troubles(error: UnlockError) -> Vec<SlotTrouble> {
    match error {
        UnlockError::Locked(troubles) => troubles,
        UnlockError::SlotsLost(error) => panic!("{error}"),
    }
}

fn trouble_of(home: &Home, slot: SlotKind) -> Trouble {
    let error = home.profile.unlock(&home.unlock()).unwrap_err();
    let trouble = troubles(error).into_iter().find(|it| it.slot == slot);
    trouble.unwrap().trouble
}

#[test]
fn each_slot_alone_opens_the_profile_after_the_others_are_removed() {
    for last in all_protections() {
        let home = Home::new(&Protection::Unprotected);
        for protection in all_protections() {
            home.profile
                .set_slot(&home.key, &protection, &home.keyring, &mut random())
                .unwrap();
        }
        let ProfileState::Account(kinds) = home.profile.state().unwrap() else {
            panic!("there is an account")
        };
        assert_eq!(kinds.len(), 4);
        for kind in kinds.into_iter().filter(|kind| *kind != last.kind()) {
            home.profile
                .remove_slot(&home.key, kind, &home.keyring)
                .unwrap();
        }
        assert_eq!(
            home.profile.state().unwrap(),
            ProfileState::Account(vec![last.kind()])
        );
        let unlock = match last.kind() {
            SlotKind::Keyring | SlotKind::Unprotected => home.unlock(),
            SlotKind::Passphrase => Unlock::Passphrase(PASSPHRASE),
            SlotKind::RecoveryCode => Unlock::RecoveryCode(&CODE),
        };
        let key = home.profile.unlock(&unlock).unwrap();
        assert_eq!(key.as_bytes(), home.key.as_bytes());
        assert!(home.open().unwrap().mended.is_none());
        let entries = home.keyring.entries.lock().unwrap().len();
        assert_eq!(entries, usize::from(last.kind() == SlotKind::Keyring));
    }
}

#[test]
fn the_last_slot_stays() {
    let home = Home::new(&passphrase(PASSPHRASE));
    let removed = home
        .profile
        .remove_slot(&home.key, SlotKind::Passphrase, &home.keyring);
    assert_eq!(removed.unwrap_err().kind(), ErrorKind::Refused);
    let other = home
        .profile
        .remove_slot(&home.key, SlotKind::Keyring, &home.keyring);
    assert_eq!(other.unwrap_err().kind(), ErrorKind::NotFound);
    home.profile
        .unlock(&Unlock::Passphrase(PASSPHRASE))
        .unwrap();
}

#[test]
fn a_keyring_is_told_apart_by_what_is_wrong_with_it() {
    let home = Home::new(&Protection::Keyring);
    for trouble in [
        KeyringTrouble::Missing("no service".to_owned()),
        KeyringTrouble::Locked("dismissed".to_owned()),
        KeyringTrouble::Failed("it does not answer".to_owned()),
    ] {
        *home.keyring.trouble.lock().unwrap() = Some(trouble.clone());
        assert_eq!(
            trouble_of(&home, SlotKind::Keyring),
            Trouble::Keyring(trouble)
        );
    }
    *home.keyring.trouble.lock().unwrap() = None;
    home.profile.unlock(&home.unlock()).unwrap();
    home.keyring.entries.lock().unwrap().clear();
    assert_eq!(trouble_of(&home, SlotKind::Keyring), Trouble::NoEntry);
}

#[test]
fn a_keyring_with_another_secret_is_a_question_and_never_a_new_database() {
    let home = Home::new(&Protection::Keyring);
    home.profile
        .set_slot(&home.key, &recovery_code(), &home.keyring, &mut random())
        .unwrap();
    let before = fs::read(home.path()).unwrap();
    for secret in [vec![9; 32], b"short".to_vec()] {
        for entry in home.keyring.entries.lock().unwrap().values_mut() {
            entry.clone_from(&secret);
        }
        assert_eq!(trouble_of(&home, SlotKind::Keyring), Trouble::OtherSecret);
        assert_eq!(trouble_of(&home, SlotKind::RecoveryCode), Trouble::Unasked);
        let opened = home.profile.open(&home.unlock(), crate::home::seams(0));
        assert_eq!(opened.err().unwrap().kind(), ErrorKind::Keyring);
    }
    assert_eq!(fs::read(home.path()).unwrap(), before);
    assert!(!home.account().join("copies").exists());
    // the way out: the code opens it, and makes the entry anew
    let key = home.profile.unlock(&Unlock::RecoveryCode(&CODE)).unwrap();
    home.profile
        .set_slot(&key, &Protection::Keyring, &home.keyring, &mut random())
        .unwrap();
    home.profile.unlock(&home.unlock()).unwrap();
}

#[test]
fn a_wrong_passphrase_and_a_wrong_code_are_said_of_their_slots() {
    let home = Home::new(&passphrase(PASSPHRASE));
    home.profile
        .set_slot(&home.key, &recovery_code(), &home.keyring, &mut random())
        .unwrap();
    let error = home
        .profile
        .unlock(&Unlock::Passphrase("correct house"))
        .unwrap_err();
    assert_eq!(
        Error::from(home.profile.unlock(&Unlock::Passphrase("no")).unwrap_err()).kind(),
        ErrorKind::WrongPassphrase
    );
    let said: Vec<_> = troubles(error)
        .into_iter()
        .map(|it| (it.slot, it.trouble))
        .collect();
    assert_eq!(
        said,
        [
            (SlotKind::Passphrase, Trouble::Wrong),
            (SlotKind::RecoveryCode, Trouble::Unasked)
        ]
    );
    let error = home.profile.unlock(&Unlock::RecoveryCode(&[8; 32]));
    assert!(troubles(error.unwrap_err()).contains(&SlotTrouble {
        slot: SlotKind::RecoveryCode,
        trouble: Trouble::Wrong
    }));
}

#[test]
fn the_passphrase_is_changed_by_who_knows_the_old_one() {
    let home = Home::new(&passphrase(PASSPHRASE));
    let change = |old: &str, new: &str| {
        let new = Zeroizing::new(new.to_owned());
        home.profile
            .change_passphrase(old, new, &home.keyring, &mut random())
            .map_err(|error| error.kind())
    };
    assert_eq!(
        change("correct house", "battery staple"),
        Err(ErrorKind::WrongPassphrase)
    );
    assert_eq!(
        change(PASSPHRASE, "short"),
        Err(ErrorKind::PassphraseTooShort)
    );
    home.profile
        .unlock(&Unlock::Passphrase(PASSPHRASE))
        .unwrap();
    assert_eq!(change(PASSPHRASE, "battery staple"), Ok(()));
    home.profile
        .unlock(&Unlock::Passphrase("battery staple"))
        .unwrap();
    home.profile
        .unlock(&Unlock::Passphrase(PASSPHRASE))
        .unwrap_err();
}

#[test]
fn a_slot_that_the_keyring_did_not_keep_leaves_the_old_one() {
    struct Forgetful;
    impl keyslots::SecretStore for Forgetful {
        fn get(&self, _: &str) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringTrouble> {
            Ok(None)
        }
        fn set(&self, _: &str, _: &[u8]) -> Result<(), KeyringTrouble> {
            Ok(())
        }
        fn remove(&self, _: &str) -> Result<(), KeyringTrouble> {
            Ok(())
        }
    }
    let home = Home::new(&passphrase(PASSPHRASE));
    let before = fs::read(home.slots()).unwrap();
    let set = home
        .profile
        .set_slot(&home.key, &Protection::Keyring, &Forgetful, &mut random());
    assert_eq!(set.unwrap_err().kind(), ErrorKind::Keyring);
    assert_eq!(fs::read(home.slots()).unwrap(), before);
    assert!(!home.account().join("keys.partial").exists());
}

#[test]
fn one_damaged_copy_of_the_slots_is_mended_by_the_other() {
    let home = Home::new(&Protection::Unprotected);
    let copy = home.account().join("keys-copy");
    for damaged in [&home.slots(), &copy] {
        let whole = fs::read(damaged).unwrap();
        for damage in [Vec::new(), vec![0xa2; 40], {
            let mut flipped = whole.clone();
            flipped[60] ^= 1;
            flipped
        }] {
            fs::write(damaged, damage).unwrap();
            home.profile.unlock(&home.unlock()).unwrap();
            assert_eq!(fs::read(damaged).unwrap(), whole);
        }
        fs::remove_file(damaged).unwrap();
        assert_ne!(home.profile.state().unwrap(), ProfileState::Empty);
        assert_eq!(fs::read(damaged).unwrap(), whole);
    }
}

#[test]
fn a_removed_slot_does_not_come_back_from_the_second_copy() {
    let home = Home::new(&Protection::Unprotected);
    home.profile
        .set_slot(
            &home.key,
            &passphrase(PASSPHRASE),
            &home.keyring,
            &mut random(),
        )
        .unwrap();
    let copy = home.account().join("keys-copy");
    let old = fs::read(&copy).unwrap();
    home.profile
        .remove_slot(&home.key, SlotKind::Unprotected, &home.keyring)
        .unwrap();
    // as if the process died between both files
    fs::write(&copy, old).unwrap();
    home.profile.unlock(&home.unlock()).unwrap_err();
    assert_eq!(fs::read(&copy).unwrap(), fs::read(home.slots()).unwrap());
}

#[test]
fn slots_that_are_lost_in_both_copies_are_said_to_be_lost() {
    let home = Home::new(&Protection::Unprotected);
    fs::write(home.slots(), b"garbage").unwrap();
    fs::write(home.account().join("keys-copy"), vec![0; 4096]).unwrap();
    assert!(matches!(
        home.profile.unlock(&home.unlock()),
        Err(UnlockError::SlotsLost(_))
    ));
    let state = || home.profile.state().unwrap_err().kind();
    assert_eq!(state(), ErrorKind::Damaged);
    fs::remove_file(home.slots()).unwrap();
    assert_eq!(state(), ErrorKind::Damaged);
    fs::remove_file(home.account().join("keys-copy")).unwrap();
    assert_eq!(state(), ErrorKind::Damaged);
    // what cannot be read now may be whole
    fs::create_dir(home.slots()).unwrap();
    assert_eq!(state(), ErrorKind::Database);
}

#[test]
fn slots_written_by_version_1_open() {
    let home = Home::new(&Protection::Unprotected);
    // {0: 1, 1: [[2, [h'key']]]}
    let mut old = vec![0xa2, 0x00, 0x01, 0x01, 0x81, 0x82, 0x02, 0x81, 0x58, 0x20];
    old.extend_from_slice(home.key.as_bytes());
    fs::remove_file(home.account().join("keys-copy")).unwrap();
    fs::write(home.slots(), &old).unwrap();
    home.profile.unlock(&home.unlock()).unwrap();
    assert_eq!(fs::read(home.slots()).unwrap(), old);
    // and are brought up to this version with the first change
    drop(home.open().unwrap());
    assert!(home.account().join("keys-copy").exists());
    home.profile.unlock(&home.unlock()).unwrap();
}

#[test]
fn the_files_of_the_slots_show_no_key() {
    let home = Home::new(&passphrase(PASSPHRASE));
    home.profile
        .set_slot(&home.key, &recovery_code(), &home.keyring, &mut random())
        .unwrap();
    for file in ["keys", "keys-copy"] {
        let bytes = fs::read(home.account().join(file)).unwrap();
        for secret in [home.key.as_bytes().as_slice(), PASSPHRASE.as_bytes()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    }
}
