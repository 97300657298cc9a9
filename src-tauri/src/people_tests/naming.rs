//! A person changes its name.

use std::fs;

use serde_json::{Value, json};

use super::{Person, TestRelay, acquainted};
use crate::dto::ErrorCode;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_name_is_seen_by_the_other_and_outlives_the_database() {
    let relay = TestRelay::start().await;
    let (mut ana, _, luis, with_ana) = acquainted(&relay).await;
    let me = ana
        .call("setName", json!({ "name": "  Ana   María " }))
        .await;
    assert_eq!(me["name"], "Ana María");
    let row = luis
        .conversation("the new name", |row| row["title"] == "Ana María")
        .await;
    assert_eq!(row["key"], with_ana);
    ana.until("the window is told", async |ana| {
        let events = ana.events.borrow().clone();
        let told = |event: &Value| event["me"]["name"] == "Ana María";
        events.iter().any(told).then_some(())
    })
    .await;

    for bad in ["", " ", &"a".repeat(65), "A\u{7}na"] {
        let code = ana.refused("setName", json!({ "name": bad })).await;
        assert_eq!(code, ErrorCode::NameInvalid);
    }

    ana.shell.stop().await;
    fs::remove_file(ana.folder.path().join("account/relevo.db")).unwrap();
    ana.restart().await;
    assert_eq!(ana.call("open", json!({})).await["stage"], "lost");
    let state = ana.call("openWithoutMessages", json!({})).await;
    assert_eq!(state["me"]["name"], "Ana María");
    ana.shell.stop().await;
    luis.shell.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_contact_that_takes_the_name_of_another_is_shown_as_one_that_looks_like_it() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, luis, _) = acquainted(&relay).await;
    let mia = Person::join("Mia", &relay).await;
    mia.call("openHandle", json!({ "handle": "ana.m" })).await;
    let row = ana
        .conversation("Mia asks", |row| row["title"] == "Mia")
        .await;
    let request = json!({ "conversation": row["key"] });
    ana.call("acceptRequest", request).await;
    let verified = json!({ "conversation": with_luis, "verified": true });
    ana.call("setVerified", verified).await;

    mia.call("setName", json!({ "name": "Luís" })).await;
    let impostor = ana
        .conversation("the new name", |row| row["title"] == "Luís")
        .await;
    assert_eq!(impostor["key"], row["key"]);
    assert_eq!(impostor["looksLike"], "Luis");
    assert_eq!(impostor["verified"], false);
    // who was compared is still known, whatever the name
    luis.call("setName", json!({ "name": "Luis Vega" })).await;
    let compared = ana
        .conversation("the other new name", |row| row["title"] == "Luis Vega")
        .await;
    assert_eq!(compared["verified"], true);
    assert_eq!(compared["looksLike"], Value::Null);
    ana.conversation("nobody looks like another", |row| {
        row["title"] == "Luís" && row["looksLike"].is_null()
    })
    .await;
    for person in [ana, luis, mia] {
        person.shell.stop().await;
    }
    relay.stop().await;
}
