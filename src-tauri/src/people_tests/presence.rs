//! What each sees of how the other is.

use std::time::Duration;

use serde_json::{Value, json};

use super::{TestRelay, acquainted};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_luis_says_and_that_he_left_is_seen_by_ana_while_he_shows_himself() {
    let relay = TestRelay::start().await;
    let (ana, _, luis, _) = acquainted(&relay).await;
    let sees = async |what: &str, state: &str, text: Value| {
        ana.conversation(what, |row| {
            row["presence"]["state"] == state && row["presence"]["text"] == text
        })
        .await
    };
    sees("Luis is there", "online", Value::Null).await;

    // the system says that nobody touches the computer; a look is due as soon as there is input in the window
    luis.program.leave_alone(Duration::from_secs(400));
    luis.call("input", json!({})).await;
    let row = sees("Luis is idle", "idle", Value::Null).await;
    assert!(row["presence"]["since"].is_u64());
    luis.program.leave_alone(Duration::ZERO);
    luis.call("input", json!({})).await;
    sees("Luis is back", "online", Value::Null).await;

    let text = json!({ "text": " in a meeting ", "minutes": 60 });
    let me = luis.call("setStatusText", text).await;
    assert_eq!(me["presence"]["text"]["text"], "in a meeting");
    assert!(me["presence"]["text"]["until"].is_u64());
    let quiet = json!({ "on": true, "minutes": null });
    let me = luis.call("setDoNotDisturb", quiet).await;
    assert_eq!(me["presence"]["doNotDisturb"], json!({ "until": null }));
    sees("Luis is busy", "doNotDisturb", json!("in a meeting")).await;

    let hidden = json!({ "readReceipts": true, "typing": true, "announce": false });
    luis.call("savePrivacy", json!({ "privacy": hidden })).await;
    sees("Luis is gone", "offline", Value::Null).await;
    let told = luis
        .until("the window is told", async |luis| {
            let events = luis.events.borrow().clone();
            let me = events.into_iter().rfind(|it| it["type"] == "meChanged");
            me.filter(|it| it["me"]["presence"]["announced"] == false)
        })
        .await;
    assert_eq!(
        told["me"]["presence"]["doNotDisturb"],
        json!({ "until": null })
    );
    ana.shell.stop().await;
    luis.shell.stop().await;
    relay.stop().await;
}
