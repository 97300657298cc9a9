//! Damage that happens while the account is at work.

use std::fs;

use client_core::{
    ErrorKind, Event,
    engine::Engine,
    model::{ConnectionState, ConversationKey},
    store::{Database, messages},
};

use crate::{
    damage::{destroy, pages},
    home::{DAY, Home, NOW},
};

/// Reads everything, until something cannot be read.
fn read_all(engine: &mut Engine, home: &Home) {
    let reader = Database::open_reader(&home.path(), &home.key).unwrap();
    for key in 1..=3 {
        if let Err(error) = messages::page(&reader, ConversationKey(key), None, 1000) {
            engine.look_into(&error);
        }
    }
}

#[test]
fn damage_that_shows_at_work_stops_all_writing_is_told_once_and_mended_at_the_next_opening() {
    let home = Home::with_messages(400);
    home.profile.copy_if_due(&home.key, NOW).unwrap();
    let mut engine = home.open().unwrap().engine;
    let with_first = ConversationKey(1);
    engine.send_text(with_first, "before").unwrap();
    let middle = pages(&home.path()) / 2;
    destroy(&home.path(), middle - 5..middle + 5);
    read_all(&mut engine, &home);
    assert!(engine.is_damaged());
    let told = engine.take_events();
    let told = told
        .iter()
        .filter(|event| **event == Event::DatabaseDamaged);
    assert_eq!(told.count(), 1);
    assert_eq!(engine.connection().state, ConnectionState::Offline);
    assert_eq!(engine.connection().retry_at, None);

    // nothing is written any more, whoever asks, and nothing is told twice
    let as_found = fs::read(home.path()).unwrap();
    let refused = engine.send_text(with_first, "after");
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Damaged);
    engine.reconnect();
    engine.report_damage();
    assert!(!engine.idle());
    assert_eq!(engine.next_wake(), None);
    assert!(engine.take_events().is_empty());
    drop(engine);
    assert_eq!(fs::read(home.path()).unwrap(), as_found);

    let opened = home.open().unwrap();
    assert!(opened.mended.is_some());
    drop(opened);
    let texts = home.texts();
    assert_eq!(texts.len(), 401);
    assert!(texts.contains(&"before".to_owned()));
}

#[test]
fn a_failure_without_damage_stops_nothing() {
    let home = Home::with_messages(10);
    let mut engine = home.open().unwrap().engine;
    let connection = Database::open_reader(&home.path(), &home.key).unwrap();
    let failure = connection.execute("nonsense", []).unwrap_err();
    engine.look_into(&failure.into());
    assert!(!engine.is_damaged());
    engine.send_text(ConversationKey(1), "goes on").unwrap();
    drop(engine);
    assert!(home.open().unwrap().mended.is_none());
}

#[test]
fn damage_that_a_copy_found_can_be_reported() {
    let home = Home::with_messages(400);
    let mut engine = home.open().unwrap().engine;
    destroy(&home.path(), [pages(&home.path()) / 2]);
    home.profile
        .copy_if_due(&home.key, NOW + 2 * DAY)
        .unwrap_err();
    engine.report_damage();
    assert!(engine.take_events().contains(&Event::DatabaseDamaged));
    drop(engine);
    assert!(home.open().unwrap().mended.is_some());
}
