//! What a relay gets to see: everything that two clients send, and every file that the relay keeps.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "../it/people.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod people;
mod recording;
mod search;
mod sight;

use std::{collections::BTreeMap, fs, path::Path};

use client_core::model::{ConversationKey, OutgoingState};

use self::{
    people::TestRelay,
    recording::{Recorder, Somebody},
    search::Secret,
    sight::Sight,
};

/// Nothing in these occurs by chance.
const NAMES: [&str; 2] = ["Ana Quetzalcóatl 7f3ad1", "Luis Xochimilco 91bc44"];
const DRAFT: &str = "not sent yet: the spare key lies under Zanzibar 55e0c2";

/// A short one, one that fills several paddings, and one that is not in Latin letters.
fn texts() -> [String; 4] {
    [
        "Meet me at Kilimanjaro 3c19ab".to_owned(),
        format!("{} Ouagadougou 8d02f7", "A long story. ".repeat(60)),
        "Встретимся у Байкала 60a7e5".to_owned(),
        "🌶️ chili at Popocatépetl b14c90".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_sees_no_text_no_name_and_no_draft() {
    let mut relay = TestRelay::start().await;
    let recorder = Recorder::default();
    let mut ana = Somebody::join(NAMES[0], &relay.invite(), &recorder).await;
    let invite = ana.invite().await;
    let secret = invite.secret.as_bytes().to_vec();
    let mut luis = Somebody::join(NAMES[1], &invite, &recorder).await;
    let with_luis = ana.conversation_with(NAMES[1]).await;
    let with_ana = luis.conversation_with(NAMES[0]).await;
    for text in texts() {
        ana.client.send_text(with_luis, text.clone()).await.unwrap();
        luis.client.send_text(with_ana, text).await.unwrap();
    }
    ana.client
        .save_draft(with_luis, DRAFT.to_owned())
        .await
        .unwrap();
    for (person, key) in [(&mut ana, with_luis), (&mut luis, with_ana)] {
        all_there(person, key).await;
        person.client.mark_read(key, 1).await.unwrap();
    }

    // as it is while the relay runs, with its write-ahead log, and as it is left behind
    let running = files(relay.folder());
    relay.stop().await;
    let left = files(relay.folder());
    let mut secrets = vec![
        Secret::text("name", NAMES[0]),
        Secret::text("name", NAMES[1]),
        Secret::text("draft", DRAFT),
        Secret::bytes("secret of an invite", &secret),
    ];
    secrets.extend(texts().iter().map(|text| Secret::text("text", text)));
    let frames = recorder.frames();
    for secret in &secrets {
        for frame in &frames {
            secret.assert_absent(&frame.bytes, frame.name);
        }
        for (name, bytes) in running.iter().chain(&left) {
            secret.assert_absent(bytes, name);
        }
    }
    let sight = Sight::of(&frames, relay.folder());
    println!("{sight}");
    sight.assert_explained_by(include_str!("../../../docs/what-the-relay-sees.md"));
}

/// Both sides show all texts, and everything written was delivered: it did go through the relay.
async fn all_there(person: &mut Somebody, key: ConversationKey) {
    person
        .until("all texts", async |client| {
            let page = client.messages(key, None, 200).await?;
            let delivered = |state| state == OutgoingState::Delivered;
            let arrived = texts().iter().all(|text| {
                page.messages
                    .iter()
                    .filter(|message| message.text == *text)
                    .filter(|message| message.outgoing.is_none_or(delivered))
                    .count()
                    == 2
            });
            Ok(arrived.then_some(()))
        })
        .await;
}

/// Every file of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert!(path.is_file(), "{} is looked into too", path.display());
        files.insert(path.display().to_string(), fs::read(&path).unwrap());
    }
    let database = files.keys().any(|name| name.ends_with("relay.db"));
    assert!(database, "the relay's database is not where it was");
    files
}
