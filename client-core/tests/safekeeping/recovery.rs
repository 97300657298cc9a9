//! What is known of an account and of its recovery after its row was lost.

use std::fs;

use client_core::{
    crypto::{AccountKeys, RecoveryCode},
    keyslots::Protection,
    model::RecoveryState,
    safekeeping::How,
    store::account::{self, Record},
};
use protocol::Signature;

use crate::{
    damage::lose_rows,
    home::{CODE, Home, NOW, SECRETIVE, random, seams},
};

#[test]
fn the_keys_of_the_account_survive_the_loss_of_its_row() {
    let home = Home::new(&Protection::Unprotected);
    let mut database = home.database();
    database
        .write(|write| {
            account::set_privacy(write, SECRETIVE)?;
            account::set_handle(write, Some("ana"))
        })
        .unwrap();
    drop(database);
    let opened = home.open().unwrap();
    let me = opened.engine.me();
    drop(opened);
    assert_eq!(me.name, "Ana");
    fs::remove_file(home.path()).unwrap();
    let opened = home
        .profile
        .open_without_messages(home.key.clone(), seams(NOW))
        .unwrap();
    assert_eq!(opened.engine.me().account, me.account);
    assert_eq!(opened.engine.me().name, me.name);
    assert_eq!(opened.engine.me().relay, me.relay);
    // what was switched off stays off, and nobody hears of it
    assert_eq!(opened.engine.privacy(), SECRETIVE);
    assert_eq!(opened.engine.me().handle.as_deref(), Some("ana"));
}

#[test]
fn a_recovery_code_that_was_lost_with_the_database_was_not_confirmed() {
    let home = Home::new(&Protection::Unprotected);
    let registered = "UPDATE account SET registration = NULL";
    home.database()
        .write(|write| Ok(write.connection().execute_batch(registered)?))
        .unwrap();
    drop(home.open().unwrap());
    fs::remove_file(home.path()).unwrap();
    let opened = home
        .profile
        .open_without_messages(home.key.clone(), seams(NOW))
        .unwrap();
    // the root key is still here, and the next connection makes a new code
    assert_eq!(opened.engine.me().recovery, RecoveryState::Later);
}

fn code() -> RecoveryCode {
    RecoveryCode::new(CODE.into())
}

/// An account that has a recovery code, and a record that the relay has.
fn with_code() -> Home {
    let home = Home::with_messages(400);
    let record = Record {
        name: code().record_id(),
        bytes: b"sealed".to_vec(),
        signature: Some(Signature::new([3; 64])),
    };
    home.database()
        .write(|write| {
            account::set_recovery_code(write, &CODE, &record)?;
            account::set_record_told(write, true)?;
            account::set_recovery_due(write).map(drop)
        })
        .unwrap();
    home
}

/// The person has written the code down.
fn confirm(home: &Home) {
    home.database()
        .write(|write| {
            let row = account::load(write.connection())?;
            let mut keys = AccountKeys::from_bytes(&row.keys)?;
            keys.forget_root_key();
            account::confirm_recovery(write, &keys.to_bytes())
        })
        .unwrap();
}

/// The account's row is lost, and the key slots have it.
fn lose_row(home: &Home) {
    let how = lose_rows(home, "DELETE FROM account;");
    assert!(matches!(how, How::Salvaged | How::SalvagedAndCopy(_)));
}

/// The record is there, with its signature.
fn knows_its_record(home: &Home) {
    let database = home.database();
    let record = account::record(database.connection()).unwrap().unwrap();
    assert_eq!(record.name, code().record_id());
    assert_eq!(record.bytes, b"sealed");
    assert_eq!(record.signature, Some(Signature::new([3; 64])));
    let untold = account::untold_record(database.connection()).unwrap();
    assert!(untold.is_none(), "the relay has it");
}

#[test]
fn a_code_that_was_not_confirmed_comes_from_the_copy_with_its_record() {
    let home = with_code();
    home.profile.copy_if_due(&home.key, NOW).unwrap();
    lose_row(&home);
    knows_its_record(&home);
    let mut engine = home.open().unwrap().engine;
    assert_eq!(engine.me().recovery, RecoveryState::Due);
    // the same as may be written down already
    assert_eq!(engine.recovery_code().unwrap().code, code());
}

#[test]
fn the_record_of_a_code_that_was_confirmed_comes_from_the_copy_and_the_code_does_not() {
    let home = with_code();
    confirm(&home);
    let forgotten = home
        .profile
        .forget_what_was_wiped(&home.key, NOW, &mut random());
    forgotten.unwrap();
    home.database().write(account::note_wiped).unwrap();
    lose_row(&home);
    knows_its_record(&home);
    let engine = home.open().unwrap().engine;
    assert_eq!(engine.me().recovery, RecoveryState::Confirmed);
    assert!(engine.check_recovery_code(&code()).is_ok());
    assert!(!home.profile.must_forget(&home.key).unwrap());
}

#[test]
fn a_copy_of_before_the_code_was_confirmed_brings_no_code_back_and_is_to_be_replaced() {
    let home = with_code();
    home.profile.copy_if_due(&home.key, NOW).unwrap();
    confirm(&home);
    home.profile
        .keep_identity(&home.key, &mut random())
        .unwrap();
    lose_row(&home);
    knows_its_record(&home);
    let mut engine = home.open().unwrap().engine;
    assert_eq!(engine.me().recovery, RecoveryState::Confirmed);
    assert!(engine.recovery_code().is_err());
    assert!(home.profile.must_forget(&home.key).unwrap());
}
