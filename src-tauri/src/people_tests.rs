//! Ana and Luis by the commands of the page, against a real relay in this process.

mod naming;
mod presence;

use std::time::Duration;

use protocol::Link;
use relay_server::{InitOptions, Relay};
use serde_json::{Value, json};
use tauri::ipc::Channel;
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    commands,
    dto::{AppError, ErrorCode},
    state::Shell,
    testing::{self, Failure, TestKeyring, TestProgram},
};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A relay on loopback.
struct TestRelay {
    folder: TempDir,
    address: String,
    shutdown: CancellationToken,
    task: JoinSet<()>,
}

impl TestRelay {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Relay::create(folder.path(), InitOptions::default()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let relay = Relay::open(folder.path()).unwrap();
        let shutdown = CancellationToken::new();
        let mut task = JoinSet::new();
        let stopped = shutdown.clone();
        task.spawn(async move { relay_server::run(listener, relay, stopped).await.unwrap() });
        Self {
            folder,
            address,
            shutdown,
            task,
        }
    }

    fn invite(&self) -> Link {
        let relay = Relay::open(self.folder.path()).unwrap();
        let address = self.address.parse().unwrap();
        relay.new_invite_at(&[address], 1, PATIENCE).unwrap()
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.task.join_all().await;
    }
}

/// Somebody at a window.
struct Person {
    folder: TempDir,
    keyring: TestKeyring,
    program: TestProgram,
    shell: Shell,
    events: watch::Receiver<Vec<Value>>,
}

impl Person {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (keyring, program) = (TestKeyring::default(), TestProgram::default());
        let (shell, events) = start(&folder, &keyring, &program);
        Self {
            folder,
            keyring,
            program,
            shell,
            events,
        }
    }

    async fn join(name: &str, relay: &TestRelay) -> Self {
        let person = Self::new();
        let link = relay.invite().to_app();
        let protection = json!({ "kind": "keyring" });
        let params = json!({ "link": link, "name": name, "protection": protection });
        let state = person.call("createAccount", params).await;
        assert_eq!(state["me"]["name"], name);
        person
    }

    async fn restart(&mut self) {
        self.shell.stop().await;
        (self.shell, self.events) = start(&self.folder, &self.keyring, &self.program);
    }

    async fn call(&self, name: &str, params: Value) -> Value {
        let reply = self.attempt(name, params).await;
        reply.unwrap_or_else(|error| panic!("{name}: {error:?}"))
    }

    async fn attempt(&self, name: &str, params: Value) -> Result<Value, AppError> {
        commands::dispatch(&self.shell, json!({ "name": name, "params": params })).await
    }

    async fn refused(&self, name: &str, params: Value) -> ErrorCode {
        self.attempt(name, params).await.unwrap_err().code
    }

    /// Looks again after each event until `look` finds what it wants.
    async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut(&Self) -> Option<T>) -> T {
        let mut events = self.events.clone();
        let waiting = async {
            loop {
                if let Some(found) = look(self).await {
                    return found;
                }
                events.changed().await.unwrap();
            }
        };
        timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("waited in vain: {what}"))
    }

    /// Waits until the row of a conversation is as wanted.
    async fn conversation(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until(what, async |person| {
            let list = person.call("conversations", json!({})).await;
            list.as_array()
                .unwrap()
                .iter()
                .find(|row| wanted(row))
                .cloned()
        })
        .await
    }

    async fn message(&self, key: &Value, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until(what, async |person| {
            let params = json!({ "conversation": key, "before": null, "limit": 50 });
            let page = person.call("messages", params).await;
            let messages = page["messages"].as_array().unwrap();
            messages.iter().find(|row| wanted(row)).cloned()
        })
        .await
    }

    /// Writes the recovery code down, and answers rightly.
    async fn confirm_code(&self) -> Vec<String> {
        let shown = self
            .until("the relay has the record", async |person| {
                let shown = person.call("recoveryCode", json!({})).await;
                let asked = shown["ask"].as_array().unwrap().iter().map(|position| {
                    let index = usize::try_from(position.as_u64().unwrap() - 1).unwrap();
                    json!({ "position": position, "word": shown["words"][index] })
                });
                let words = json!({ "words": asked.collect::<Vec<_>>() });
                match person.attempt("confirmRecoveryCode", words).await {
                    Ok(_) => Some(shown),
                    Err(error) if error.code == ErrorCode::Offline => None,
                    Err(error) => panic!("{error:?}"),
                }
            })
            .await;
        let words = shown["words"].as_array().unwrap().iter();
        words
            .map(|word| word.as_str().unwrap().to_owned())
            .collect()
    }
}

fn start(
    folder: &TempDir,
    keyring: &TestKeyring,
    program: &TestProgram,
) -> (Shell, watch::Receiver<Vec<Value>>) {
    let shell = testing::shell(folder.path(), keyring, program);
    let (sender, events) = watch::channel(Vec::new());
    shell.bridge().subscribe(Channel::new(move |body| {
        let tauri::ipc::InvokeResponseBody::Json(text) = body else {
            panic!("events are JSON")
        };
        let event = serde_json::from_str(&text).unwrap();
        sender.send_modify(|heard| heard.push(event));
        Ok(())
    }));
    (shell, events)
}

/// Luis asks Ana by her handle, and she accepts; the keys of their conversations.
async fn acquainted(relay: &TestRelay) -> (Person, Value, Person, Value) {
    let ana = Person::join("Ana", relay).await;
    let luis = Person::join("Luis", relay).await;
    let me = ana.call("setHandle", json!({ "handle": "ana.m" })).await;
    assert_eq!(me["handle"], "ana.m");
    let with_ana = luis.call("openHandle", json!({ "handle": "ana.m" })).await;
    let send = json!({ "conversation": with_ana, "text": "Hola Ana" });
    luis.call("sendText", send).await;
    let row = luis
        .conversation("Luis has asked", |row| row["established"] == true)
        .await;
    assert_eq!(row["standing"], "asked");
    assert!(row["textsLeft"].is_u64());
    let row = ana
        .conversation("Luis asks", |row| row["title"] == "Luis")
        .await;
    assert_eq!(row["standing"], "request");
    let with_luis = row["key"].clone();
    ana.call("acceptRequest", json!({ "conversation": with_luis }))
        .await;
    luis.conversation("Ana accepted", |row| row["standing"] == "open")
        .await;
    (ana, with_luis, luis, with_ana)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_people_meet_by_handle_compare_numbers_and_part() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, luis, with_ana) = acquainted(&relay).await;

    // read receipts and their times
    let text = ana
        .message(&with_luis, "Hola Ana", |row| row["text"] == "Hola Ana")
        .await;
    let seen = json!({ "conversation": with_luis, "upTo": text["order"] });
    ana.call("markRead", seen).await;
    let read = luis
        .message(&with_ana, "read", |row| row["outgoing"] == "read")
        .await;
    assert!(
        read["sentAt"].is_u64() && read["deliveredAt"].is_u64() && read["readAt"].is_u64(),
        "{read}"
    );

    // the same number for both, by its digits and by its code
    let params = json!({ "conversation": with_luis });
    let of_ana = ana.call("safetyNumber", params).await;
    let params = json!({ "conversation": with_ana });
    let of_luis = luis.call("safetyNumber", params).await;
    assert_eq!(of_ana["groups"], of_luis["groups"]);
    assert_eq!(of_ana["groups"].as_array().unwrap().len(), 12);
    assert_eq!(of_ana["verified"], false);
    let digits: Vec<_> = of_luis["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group.as_str().unwrap())
        .collect();
    let other_number: String = digits
        .concat()
        .chars()
        .map(|digit| if digit == '0' { '1' } else { '0' })
        .collect();
    for (text, outcome) in [
        (digits.join(" "), "same"),
        (other_number, "different"),
        ("12345".to_owned(), "unreadable"),
        (digits.concat(), "same"),
    ] {
        let params = json!({ "conversation": with_luis, "text": text });
        assert_eq!(ana.call("compareSafetyNumber", params).await, outcome);
    }
    let row = ana
        .conversation("verified", |row| row["verified"] == true)
        .await;
    let luis_account = row["peer"].clone();

    // blocked, and not any more
    let block = |blocked: bool| json!({ "account": luis_account, "blocked": blocked });
    ana.call("setBlocked", block(true)).await;
    ana.conversation("blocked", |row| row["standing"] == "blocked")
        .await;
    let blocked = ana.call("blocked", json!({})).await;
    assert_eq!(
        blocked,
        json!([{ "account": luis_account, "name": "Luis" }])
    );
    ana.call("setBlocked", block(false)).await;
    assert_eq!(ana.call("blocked", json!({})).await, json!([]));

    // what others may see
    let privacy = json!({ "readReceipts": false, "typing": true, "announce": false });
    let saved = ana.call("savePrivacy", json!({ "privacy": privacy })).await;
    assert_eq!(saved, privacy);
    assert_eq!(ana.call("privacy", json!({})).await, privacy);

    // links
    let card = ana.call("createContactLink", json!({})).await;
    assert!(card["qr"].as_str().unwrap().contains("<svg"));
    let links = ana.call("links", json!({})).await;
    assert_eq!(links[0]["kind"], "contact");
    let rest = ana
        .call("endLink", json!({ "token": links[0]["token"] }))
        .await;
    assert_eq!(rest, json!([]));
    let taken = luis
        .refused("setHandle", json!({ "handle": "ana.m" }))
        .await;
    assert_eq!(taken, ErrorCode::HandleTaken);
    let nobody = luis
        .refused("openHandle", json!({ "handle": "nobody" }))
        .await;
    assert_eq!(nobody, ErrorCode::NotFound);

    ana.shell.stop().await;
    luis.shell.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recovery_code_opens_the_profile_once_its_words_were_checked() {
    let relay = TestRelay::start().await;
    let mut ana = Person::join("Ana", &relay).await;
    let first = ana.call("recoveryCode", json!({})).await["words"][0].clone();
    for words in [
        json!([]),
        json!([{ "position": 1, "word": "wrong" }, { "position": 2, "word": "words" }]),
        // one word twice is one word
        json!([{ "position": 1, "word": first }, { "position": 1, "word": first }]),
    ] {
        let answers = json!({ "words": words });
        let code = ana.refused("confirmRecoveryCode", answers).await;
        assert_eq!(code, ErrorCode::WrongWord);
    }
    let slots = ana.call("slots", json!({})).await;
    assert_eq!(slots.as_array().unwrap().len(), 1, "{slots}");

    let words = ana.confirm_code().await;
    assert_eq!(words.len(), 24);
    let slots = ana.call("slots", json!({})).await;
    assert_eq!(slots[1]["kind"], "recovery");
    ana.until("the page hears of it", async |person| {
        let heard = person.events.borrow();
        let confirmed =
            |event: &Value| event["type"] == "meChanged" && event["me"]["recovery"] == "confirmed";
        heard.iter().any(confirmed).then_some(())
    })
    .await;
    let gone = ana.refused("recoveryCode", json!({})).await;
    assert_eq!(gone, ErrorCode::NotFound);

    // removed, it is a way in again for whoever has all of it
    let removed = ana.call("removeSlot", json!({ "kind": "recovery" })).await;
    assert_eq!(removed.as_array().unwrap().len(), 1, "{removed}");
    for (code, error) in [
        ("abandon ".repeat(23) + "art", ErrorCode::WrongCode),
        (words[..23].join(" "), ErrorCode::WrongCode),
    ] {
        let refused = ana.refused("addCodeSlot", json!({ "code": code })).await;
        assert_eq!(refused, error);
    }
    let slots = ana
        .call("addCodeSlot", json!({ "code": words.join(" ") }))
        .await;
    assert_eq!(slots[1]["kind"], "recovery");

    ana.keyring.fail(Some(Failure::Broken));
    ana.restart().await;
    let state = ana.call("open", json!({})).await;
    assert_eq!(state["stage"], "locked");
    let code = json!({ "code": words.join(" ") });
    let state = ana.call("unlockWithCode", code).await;
    assert_eq!(state["me"]["recovery"], "confirmed");
    ana.shell.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_comes_back_by_its_code_with_what_its_backup_has() {
    let relay = TestRelay::start().await;
    let (ana, with_luis, luis, with_ana) = acquainted(&relay).await;
    ana.message(&with_luis, "Hola Ana", |row| row["text"] == "Hola Ana")
        .await;
    let shown = ana.shell.client().unwrap().as_ref().recovery_code().await;
    let picture = shown.unwrap().qr_text;
    let words = ana.confirm_code().await.join(" ");
    let backup = tempfile::tempdir().unwrap();
    let folder = backup.path().to_str().unwrap();

    // a first backup takes the code of this very account
    let without = json!({ "folder": folder, "code": null });
    let code = ana.refused("setBackupFolder", without).await;
    assert_eq!(code, ErrorCode::WrongCode);
    let nowhere = json!({ "folder": "/nowhere/at/all", "code": words });
    let code = ana.refused("setBackupFolder", nowhere).await;
    assert_eq!(code, ErrorCode::Folder);
    let health = ana
        .call(
            "setBackupFolder",
            json!({ "folder": folder, "code": *picture }),
        )
        .await;
    assert_eq!(health["backupFolder"], folder);
    assert_eq!(health["backupProblem"], Value::Null);
    assert!(health["lastBackup"].is_u64(), "{health}");
    let health = ana.call("rehearseBackup", json!({})).await;
    assert_eq!(health["lastRehearsal"]["problem"], Value::Null, "{health}");
    ana.call("backupNow", json!({})).await;

    // a file for other programs
    for (language, title) in [("en", "Conversation with"), ("es", "Conversación con")] {
        let export = json!({
            "conversation": with_luis, "format": "markdown", "language": language, "folder": folder
        });
        let file = ana.call("exportConversation", export).await;
        let text = std::fs::read_to_string(file.as_str().unwrap()).unwrap();
        assert!(text.contains("Hola Ana") && text.contains(title), "{text}");
    }
    let me = ana.call("open", json!({})).await["me"].clone();
    ana.shell.stop().await;

    let again = Person::new();
    let restore = |code: &str, relay: &str| {
        json!({
            "code": code, "relay": relay, "folder": folder, "name": null,
            "protection": { "kind": "keyring" }
        })
    };
    let other = "abandon ".repeat(23) + "art";
    for code in [&other, picture.strip_suffix(|_: char| true).unwrap()] {
        let code = again
            .refused("restoreAccount", restore(code, &relay.address))
            .await;
        assert_eq!(code, ErrorCode::WrongCode);
    }
    // the picture says where the relay is
    let state = again.call("restoreAccount", restore(&picture, "")).await;
    assert_eq!(state["me"]["account"], me["account"]);
    assert_eq!(state["me"]["name"], "Ana");
    assert_eq!(state["me"]["recovery"], "confirmed");
    let slots = again.call("slots", json!({})).await;
    assert_eq!(slots[1]["kind"], "recovery");
    let row = again
        .conversation("the old conversation", |row| row["title"] == "Luis")
        .await;
    again
        .message(&row["key"], "the old text", |row| row["text"] == "Hola Ana")
        .await;
    // nothing comes twice, and other folders take the code
    let bring = |code: Option<&str>| json!({ "folder": folder, "code": code });
    let brought = again.call("bringBack", bring(Some(&words))).await;
    assert_eq!(brought["messages"], 0);
    assert!(brought["time"].is_u64());
    let code = again.refused("bringBack", bring(None)).await;
    assert_eq!(code, ErrorCode::WrongCode);
    // and it goes on, from when this computer is in the conversation
    let rejoined = |row: &Value| row["system"] == "rejoined";
    again.message(&row["key"], "rejoined", rejoined).await;
    luis.call(
        "sendText",
        json!({ "conversation": with_ana, "text": "¿Sigues ahí?" }),
    )
    .await;
    again
        .message(&row["key"], "the new text", |row| {
            row["text"] == "¿Sigues ahí?"
        })
        .await;
    let params = json!({ "conversation": row["key"], "before": null, "limit": 50 });
    let page = again.call("messages", params).await;
    assert!(
        page["messages"]
            .as_array()
            .unwrap()
            .iter()
            .all(|message| message["system"] != "splitView"),
        "nobody listens: {page:#}"
    );
    again.shell.stop().await;
    luis.shell.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_account_opens_with_its_backup_and_goes_on() {
    let relay = TestRelay::start().await;
    let (mut ana, with_luis, luis, with_ana) = acquainted(&relay).await;
    let old = |row: &Value| row["text"] == "Hola Ana";
    ana.message(&with_luis, "the old text", old).await;
    let words = ana.confirm_code().await.join(" ");
    let backup = tempfile::tempdir().unwrap();
    let folder = backup.path().to_str().unwrap();
    let with_code = |folder: &str| json!({ "folder": folder, "code": words });
    ana.call("setBackupFolder", with_code(folder)).await;
    // folders are shown, and only those
    let show = |name: &str| json!({ "folder": name });
    ana.call("openFolder", show("backup")).await;
    assert_eq!(ana.program.opened(), [backup.path()]);
    for name in ["export", "quarantine"] {
        let code = ana.refused("openFolder", show(name)).await;
        assert_eq!(code, ErrorCode::NotFound);
    }

    let account = ana.folder.path().join("account");
    ana.shell.stop().await;
    std::fs::remove_file(account.join("relevo.db")).unwrap();
    std::fs::remove_dir_all(account.join("copies")).unwrap();
    ana.restart().await;
    let state = ana.call("open", json!({})).await;
    assert_eq!(
        (&state["stage"], &state["what"]),
        (&json!("lost"), &json!("missing"))
    );
    let other = "abandon ".repeat(23) + "art";
    let wrong = json!({ "folder": folder, "code": other });
    assert_eq!(
        ana.refused("openWithBackup", wrong).await,
        ErrorCode::WrongCode
    );
    let elsewhere = tempfile::tempdir().unwrap();
    let empty = with_code(elsewhere.path().to_str().unwrap());
    assert_eq!(
        ana.refused("openWithBackup", empty).await,
        ErrorCode::NoBackup
    );
    assert_eq!(
        ana.call("open", json!({})).await["stage"],
        "lost",
        "nothing was changed"
    );

    let state = ana.call("openWithBackup", with_code(folder)).await;
    assert_eq!(state["mended"]["how"], "backup");
    let row = ana
        .conversation("the old conversation", |row| row["title"] == "Luis")
        .await;
    ana.message(&row["key"], "the old text", old).await;
    ana.message(&row["key"], "rejoined", |row| row["system"] == "rejoined")
        .await;
    let text = json!({ "conversation": with_ana, "text": "¿Sigues ahí?" });
    luis.call("sendText", text).await;
    ana.message(&row["key"], "the new text", |row| {
        row["text"] == "¿Sigues ahí?"
    })
    .await;
    let health = ana.call("backupNow", json!({})).await;
    assert_eq!(
        (&health["backupFolder"], &health["backupProblem"]),
        (&json!(folder), &Value::Null)
    );
    ana.shell.stop().await;
    luis.shell.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_backup_is_a_word_that_the_page_has_a_sentence_for() {
    let relay = TestRelay::start().await;
    let ana = Person::join("Ana", &relay).await;
    let words = ana.confirm_code().await.join(" ");
    let backup = tempfile::tempdir().unwrap();
    let kept = backup.path().join("kept");
    std::fs::create_dir(&kept).unwrap();
    let on = json!({ "folder": kept, "code": words });
    ana.call("setBackupFolder", on).await;
    std::fs::remove_dir_all(&kept).unwrap();
    let health = ana.call("rehearseBackup", json!({})).await;
    assert_eq!(health["lastRehearsal"]["problem"], "noBackup");
    assert_eq!(
        ana.refused("openFolder", json!({ "folder": "backup" }))
            .await,
        ErrorCode::Folder
    );
    let code = ana.refused("backupNow", json!({})).await;
    let health = ana.call("health", json!({})).await;
    assert_eq!(health["backupProblem"], serde_json::to_value(code).unwrap());
    assert_eq!(code, ErrorCode::Folder);
    ana.shell.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_link_counts_where_an_earlier_one_made_no_account() {
    let (relay, gone) = (TestRelay::start().await, TestRelay::start().await);
    let create = |link: &Link| json!({ "link": link.to_app(), "name": "Ana", "protection": { "kind": "keyring" } });
    // one whose relay is away, and one that it does not take
    let (away, used) = (gone.invite(), relay.invite());
    gone.stop().await;
    let luis = Person::new();
    luis.call("createAccount", create(&used)).await;
    let mut ana = Person::new();
    for (link, error) in [
        (away, ErrorCode::RelayUnreachable),
        (used, ErrorCode::LinkExpired),
    ] {
        let refused = ana.refused("createAccount", create(&link)).await;
        assert_eq!(refused, error);
        ana.restart().await;
        assert_eq!(ana.call("open", json!({})).await["stage"], "firstRun");
    }
    let state = ana.call("createAccount", create(&relay.invite())).await;
    assert_eq!(state["me"]["relay"], relay.address.as_str());

    // the program ended before it noted that there is an account
    ana.shell.stop().await;
    let marker = ana.folder.path().join("account/registering");
    std::fs::write(&marker, format!("{} stored", "ab".repeat(32))).unwrap();
    ana.restart().await;
    let again = ana.call("open", json!({})).await;
    assert_eq!(again["me"]["account"], state["me"]["account"], "{again}");
    assert!(!marker.exists());
    ana.shell.stop().await;
    luis.shell.stop().await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_an_account_does_not_restore_another_over_it() {
    let relay = TestRelay::start().await;
    let mut ana = Person::join("Ana", &relay).await;
    ana.keyring.fail(Some(Failure::Locked));
    ana.restart().await;
    let words = "abandon ".repeat(23) + "art";
    let restore = json!({
        "code": words, "relay": relay.address, "folder": null, "name": "Ana",
        "protection": { "kind": "unprotected" }
    });
    let code = ana.refused("restoreAccount", restore).await;
    assert_eq!(code, ErrorCode::Internal);
    let invite = relay.invite().to_app();
    let create = json!({ "link": invite, "name": "Eva", "protection": { "kind": "unprotected" } });
    let code = ana.refused("createAccount", create).await;
    assert_eq!(code, ErrorCode::Internal);
    relay.stop().await;
}
