use proptest::prelude::*;
use serde_json::json;
use tokio::runtime::Runtime;

use super::*;
use crate::{
    dto::{Language, Theme},
    settings::SettingsFile,
    testing::{self, TestKeyring, TestProgram},
};

fn shell(folder: &tempfile::TempDir) -> Shell {
    testing::shell(
        folder.path(),
        &TestKeyring::default(),
        &TestProgram::default(),
    )
}

/// Every command with parameters that parse.
fn commands() -> Vec<Value> {
    let id = "ab".repeat(32);
    let commands = json!([
        { "name": "open", "params": {} },
        { "name": "inspectLink", "params": { "text": "relevo:i#x" } },
        { "name": "createAccount", "params": { "link": "x", "name": "Ana", "protection": { "kind": "unprotected" } } },
        { "name": "unlock", "params": { "passphrase": "una frase larga" } },
        { "name": "unlockWithCode", "params": { "code": "abandon" } },
        { "name": "restoreAccount", "params": {
            "code": "abandon", "relay": "relay.example", "folder": null, "name": "Ana",
            "protection": { "kind": "unprotected" }
        } },
        { "name": "openWithoutMessages", "params": {} },
        { "name": "openWithBackup", "params": { "folder": "/tmp", "code": "zebra" } },
        { "name": "putAside", "params": {} },
        { "name": "restart", "params": {} },
        { "name": "acknowledgeMended", "params": {} },
        { "name": "slots", "params": {} },
        { "name": "addSlot", "params": { "protection": { "kind": "keyring" } } },
        { "name": "addCodeSlot", "params": { "code": "abandon" } },
        { "name": "removeSlot", "params": { "kind": "unprotected" } },
        { "name": "recoveryCode", "params": {} },
        { "name": "confirmRecoveryCode", "params": { "words": [{ "position": 3, "word": "abandon" }] } },
        { "name": "privacy", "params": {} },
        { "name": "savePrivacy", "params": { "privacy": { "readReceipts": true, "typing": false, "announce": true } } },
        { "name": "acceptRequest", "params": { "conversation": 1 } },
        { "name": "declineRequest", "params": { "conversation": 1, "block": true } },
        { "name": "setBlocked", "params": { "account": "ab".repeat(16), "blocked": true } },
        { "name": "blocked", "params": {} },
        { "name": "safetyNumber", "params": { "conversation": 1 } },
        { "name": "compareSafetyNumber", "params": { "conversation": 1, "text": "12345" } },
        { "name": "setVerified", "params": { "conversation": 1, "verified": true } },
        { "name": "readQr", "params": { "width": 1, "height": 1, "luma": "AAAA" } },
    ]);
    // the macro takes no more at once
    let more = json!([
        { "name": "setName", "params": { "name": "Ana" } },
        { "name": "setHandle", "params": { "handle": "ana" } },
        { "name": "openHandle", "params": { "handle": "ana" } },
        { "name": "setDoNotDisturb", "params": { "on": true, "minutes": 30 } },
        { "name": "setStatusText", "params": { "text": "in a meeting", "minutes": null } },
        { "name": "input", "params": {} },
        { "name": "typing", "params": { "conversation": 1 } },
        { "name": "createContactLink", "params": {} },
        { "name": "links", "params": {} },
        { "name": "endLink", "params": { "token": "ab".repeat(16) } },
        { "name": "health", "params": {} },
        { "name": "discardDamaged", "params": {} },
        { "name": "pickFolder", "params": {} },
        { "name": "setBackupFolder", "params": { "folder": "/tmp", "code": null } },
        { "name": "backupNow", "params": {} },
        { "name": "rehearseBackup", "params": {} },
        { "name": "bringBack", "params": { "folder": "/tmp", "code": null } },
        { "name": "exportConversation", "params": { "conversation": 1, "format": "html", "language": "es", "folder": "/tmp" } },
        { "name": "openFolder", "params": { "folder": "backup" } },
        { "name": "openContact", "params": { "link": "x" } },
        { "name": "conversations", "params": {} },
        { "name": "messages", "params": { "conversation": 1, "before": null, "limit": 50 } },
        { "name": "messagesByIds", "params": { "conversation": 1, "ids": [id] } },
        { "name": "sendText", "params": { "conversation": 1, "text": "hola" } },
        { "name": "retryMessage", "params": { "conversation": 1, "id": id } },
        { "name": "deleteMessage", "params": { "conversation": 1, "id": id } },
        { "name": "saveDraft", "params": { "conversation": 1, "text": "" } },
        { "name": "markRead", "params": { "conversation": 1, "upTo": 7 } },
        { "name": "createInvite", "params": {} },
        { "name": "search", "params": { "query": "a", "limit": 5 } },
        { "name": "reconnect", "params": {} },
        { "name": "saveSettings", "params": { "settings": { "theme": "dark", "language": "es" } } },
        { "name": "reportError", "params": { "text": "something" } },
    ]);
    [commands, more]
        .iter()
        .flat_map(|list| list.as_array().unwrap().clone())
        .collect()
}

#[test]
fn every_command_of_the_list_is_parsed_by_its_name() {
    let listed: Vec<String> = signatures(&Config::new())
        .iter()
        .map(|signature| signature.name.to_lowercase())
        .collect();
    let parsed: Vec<String> = commands()
        .iter()
        .map(|command| command["name"].as_str().unwrap().to_lowercase())
        .collect();
    assert_eq!(parsed, listed);
    for command in commands() {
        assert!(
            serde_json::from_value::<Command>(command.clone()).is_ok(),
            "{command}"
        );
    }
}

#[test]
fn other_protections_are_parsed() {
    for protection in [
        json!({ "kind": "keyring" }),
        json!({ "kind": "passphrase", "passphrase": "una frase larga" }),
    ] {
        assert!(serde_json::from_value::<Protection>(protection).is_ok());
    }
}

#[tokio::test]
async fn without_an_account_commands_answer_with_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    let answers = [
        "open",
        "restart",
        "input",
        "pickFolder",
        "saveSettings",
        "reportError",
    ];
    for command in commands() {
        let name = command["name"].as_str().unwrap().to_owned();
        let reply = dispatch(&shell, command).await;
        assert_eq!(
            reply.is_ok(),
            answers.contains(&name.as_str()),
            "{name}: {reply:?}"
        );
    }
}

#[tokio::test]
async fn a_damaged_link_is_told_from_other_errors() {
    let folder = tempfile::tempdir().unwrap();
    for text in [
        "",
        "relevo:i#",
        "https://example.org/i#AAAA",
        "javascript:alert(1)",
    ] {
        let command = json!({ "name": "inspectLink", "params": { "text": text } });
        let error = dispatch(&shell(&folder), command).await.unwrap_err();
        assert_eq!(serde_json::to_value(error).unwrap()["code"], "badLink");
    }
}

#[tokio::test]
async fn settings_are_kept_and_announced() {
    let folder = tempfile::tempdir().unwrap();
    let program = TestProgram::default();
    let shell = testing::shell(folder.path(), &TestKeyring::default(), &program);
    let settings = json!({ "theme": "light", "language": "en" });
    let reply = dispatch(
        &shell,
        json!({ "name": "saveSettings", "params": { "settings": settings } }),
    )
    .await;
    assert_eq!(reply, Ok(settings));
    let expected = Settings {
        theme: Theme::Light,
        language: Language::En,
    };
    assert_eq!(program.settings(), [expected]);
    assert_eq!(SettingsFile::load(folder.path()).current(), expected);
}

#[test]
fn an_error_does_not_quote_what_was_sent() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let protection = json!({ "kind": "passphrase", "passphrase": "secret" });
    for command in [
        json!({ "name": "unlock", "params": { "passphrase": ["secret words"] } }),
        json!({ "name": "unlockWithCode", "params": { "code": "secret words" } }),
        json!({ "name": "unlockWithCode", "params": { "code": "relevo:r#secret" } }),
        json!({ "name": "restoreAccount", "params": {
            "code": "secret words", "relay": "secret", "folder": null, "name": "Ana", "protection": protection
        } }),
        json!({ "name": "confirmRecoveryCode", "params": { "words": [{ "position": 1, "word": "secret" }] } }),
        json!({ "name": "setBackupFolder", "params": { "folder": "/", "code": "secret" } }),
        json!({ "name": "readQr", "params": { "width": 8, "height": 8, "luma": "secret" } }),
        json!({ "name": "addSlot", "params": { "protection": protection } }),
    ] {
        let error = runtime
            .block_on(async { dispatch(&shell(&folder), command).await })
            .unwrap_err();
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

#[tokio::test]
async fn the_folder_that_a_person_picks_is_told_as_text() {
    let folder = tempfile::tempdir().unwrap();
    let program = TestProgram::default();
    let shell = testing::shell(folder.path(), &TestKeyring::default(), &program);
    let pick = json!({ "name": "pickFolder", "params": {} });
    assert_eq!(dispatch(&shell, pick.clone()).await, Ok(Value::Null));
    program.pick(folder.path());
    let picked = folder.path().to_str().unwrap();
    assert_eq!(dispatch(&shell, pick).await, Ok(json!(picked)));
}

/// Any JSON, not deep.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Z]{0,12}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A true command with one of its parameters replaced, added or left out.
fn nearly_a_command() -> impl Strategy<Value = Value> {
    let replacement = prop_oneof![json_value().prop_map(Some), Just(None)];
    (
        0..commands().len(),
        any::<prop::sample::Index>(),
        replacement,
    )
        .prop_map(|(number, which, replacement)| {
            let mut command = commands().swap_remove(number);
            let params = command["params"].as_object_mut().unwrap();
            let names: Vec<String> = params.keys().cloned().chain(["more".to_owned()]).collect();
            let name = which.get(&names);
            match replacement {
                Some(value) => params.insert(name.clone(), value),
                None => params.remove(name),
            };
            command
        })
}

proptest! {
    #[test]
    fn garbage_is_refused(command in json_value()) {
        prop_assert!(serde_json::from_value::<Command>(command).is_err());
    }

    #[test]
    fn nearly_right_commands_are_parsed_or_refused(command in nearly_a_command()) {
        // what is parsed says the same as what was sent: nothing was ignored
        let more = command["params"].get("more").is_some();
        let parsed = serde_json::from_value::<Command>(command).is_ok();
        prop_assert!(!(more && parsed));
    }
}
